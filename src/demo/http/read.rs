//! GET of one object and of lists: versions, pages, selectors, and the forms of an answer.

use std::sync::Arc;

use futures::stream;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::Call;
use super::accept::{Form, metadata_only};
use super::reply::{self, Reply};
use super::route::Target;
use crate::api::continues::Continue;
use crate::api::options::{At, ListOptions, Query};
use crate::api::selector::{Fields, Labels};
use crate::api::write::{Cluster, Refusal};
use crate::api::{events, fields, table};
use crate::store::Object;

/// What a list or watch selects.
#[derive(Debug, Clone)]
pub struct Scope {
    pub namespace: Option<String>,
    pub labels: Labels,
    pub fields: Fields,
}

impl Scope {
    /// Reads selectors; a name in the path selects that object.
    ///
    /// # Errors
    /// 400 in the server's words.
    pub fn parse(target: &Target, query: &Query) -> Result<Self, Refusal> {
        let labels = Labels::parse(query.text("labelSelector")).map_err(Refusal::bad_request)?;
        let parsed = Fields::parse(query.text("fieldSelector")).map_err(Refusal::bad_request)?;
        let mut fields = fields::resolve(&target.kind, target.newer_events, parsed)
            .map_err(Refusal::bad_request)?;
        if !target.name.is_empty() {
            fields
                .0
                .push(("metadata.name".to_owned(), target.name.clone(), true));
        }
        let namespace = Some(target.namespace.clone()).filter(|ns| !ns.is_empty());
        Ok(Self {
            namespace,
            labels,
            fields,
        })
    }

    pub fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub fn holds(&self, object: &Object) -> bool {
        self.namespace
            .as_ref()
            .is_none_or(|ns| *ns == object.namespace)
            && self.labels.matches(&object.labels)
            && fields::matches(&self.fields, object)
    }
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    pub rv: u64,
    pub objects: Vec<Arc<Object>>,
    pub continues: Option<String>,
    pub remaining: Option<usize>,
}

impl Page {
    fn metadata(&self) -> Value {
        let mut meta = json!({"resourceVersion": self.rv.to_string()});
        if let Some(token) = &self.continues {
            meta["continue"] = json!(token);
        }
        if let Some(n) = self.remaining {
            meta["remainingItemCount"] = json!(n);
        }
        meta
    }
}

/// Selects a page.
///
/// # Errors
/// 410 for a version that is gone, 504 for one that is not there yet, 400 for a bad token.
pub fn page(
    cluster: &Cluster,
    target: &Target,
    scope: &Scope,
    options: &ListOptions,
) -> Result<Page, Refusal> {
    let store = &cluster.store;
    let newest = store.rv();
    let mut after = None;
    let mut rv = match options.at {
        At::NotOlderThan(rv) | At::Exact(rv) if rv > newest => return Err(too_large(rv, newest)),
        At::Exact(rv) => rv,
        _ => newest,
    };
    if !options.continues.is_empty() {
        if !matches!(options.at, At::Newest | At::Any) {
            return Err(Refusal::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let mut token = Continue::decode(&options.continues)?;
        if let Ok(asked) = u64::try_from(token.rv) {
            rv = asked;
        }
        if let Some(ns) = &scope.namespace
            && token.after.0.is_empty()
        {
            token.after.0 = ns.clone();
        }
        after = Some(token.after);
    }
    let namespace = scope.namespace.as_deref();
    // A list at `0` comes from the watch cache, which knows no limit.
    let limit = if options.limit == 0 || options.at == At::Any {
        usize::MAX
    } else {
        options.limit
    };
    let (objects, total) = if rv == newest {
        let all = store.list_after(target.id, namespace, after.as_ref());
        select(all, scope, limit)
    } else {
        let all = store.list_at(target.id, namespace, after.as_ref(), rv);
        let all = all.map_err(|_| match &after {
            Some((ns, name)) => expired_token(target, ns, name),
            None => Refusal::new(
                410,
                "Expired",
                "The resourceVersion for the provided list is too old.",
            ),
        })?;
        select(all, scope, limit)
    };
    let last = objects.last().filter(|_| total > limit);
    let continues = last.map(|o| {
        let token = Continue {
            rv: i64::try_from(rv).unwrap_or(i64::MAX),
            after: (o.namespace.clone(), o.name.clone()),
        };
        token.encode(target.kind.namespaced)
    });
    let remaining = (continues.is_some() && scope.is_everything()).then(|| total - limit);
    Ok(Page {
        rv,
        objects,
        continues,
        remaining,
    })
}

/// Those in scope up to a limit, and how many there are: all of them are counted only where that is told.
fn select<'a>(
    all: impl Iterator<Item = &'a Arc<Object>>,
    scope: &Scope,
    limit: usize,
) -> (Vec<Arc<Object>>, usize) {
    let mut rest = all.filter(|o| scope.holds(o));
    let objects: Vec<Arc<Object>> = rest.by_ref().take(limit).cloned().collect();
    let more = if scope.is_everything() {
        rest.count()
    } else {
        usize::from(rest.next().is_some())
    };
    let total = objects.len() + more;
    (objects, total)
}

fn too_large(rv: u64, newest: u64) -> Refusal {
    let mut refusal = Refusal::new(
        504,
        "Timeout",
        format!("Timeout: Too large resource version: {rv}, current: {newest}"),
    );
    refusal.details = json!({
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    });
    refusal
}

fn expired_token(target: &Target, ns: &str, name: &str) -> Refusal {
    let mut refusal = Refusal::new(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    let token = Continue {
        rv: -1,
        after: (ns.to_owned(), name.to_owned()),
    };
    refusal.continues = token.encode(target.kind.namespaced);
    refusal
}

/// Objects as the view of the request shows them.
pub fn seen(cluster: &Cluster, target: &Target, object: &Object) -> Value {
    if target.newer_events {
        events::newer(object.value())
    } else {
        cluster.shown_as(object, &target.kind.version)
    }
}

/// The `kind` and `apiVersion` of the list.
fn list_type(target: &Target) -> (String, String) {
    let version = if target.newer_events {
        "events.k8s.io/v1".to_owned()
    } else {
        target.kind.api_version()
    };
    (target.kind.list_kind(), version)
}

/// Metadata of a list of whole objects: lists of custom kinds say that nothing follows, too.
fn list_metadata(target: &Target, page: &Page) -> Value {
    let mut meta = page.metadata();
    if target.kind.custom && meta["continue"].is_null() {
        meta["continue"] = json!("");
    }
    meta
}

/// A page in the form that was asked for.
pub fn answer_list(cluster: &Cluster, target: &Target, call: &Call, page: Page) -> Reply {
    match call.form {
        Form::Table => {
            let include = call.query.text("includeObject").to_owned();
            let values = page.objects.iter().map(|o| seen(cluster, target, o));
            let now = cluster.clock.now();
            let columns = cluster.columns(target.id, &target.kind.version);
            let mut table = table::table(&target.kind, columns, values, &include, now);
            table["metadata"] = page.metadata();
            reply::json(200, &table)
        }
        Form::Metadata => {
            let items: Vec<Value> = page
                .objects
                .iter()
                .map(|o| metadata_only(&seen(cluster, target, o)))
                .collect();
            let list = json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": page.metadata(), "items": items,
            });
            reply::json(200, &list)
        }
        _ if target.converts => {
            let (kind, version) = list_type(target);
            let objects = page.objects.iter();
            let items: Vec<Value> = objects.map(|o| seen(cluster, target, o)).collect();
            let meta = page.metadata();
            let list =
                json!({"kind": kind, "apiVersion": version, "metadata": meta, "items": items});
            reply::json(200, &list)
        }
        _ => stored_list(target, page, call.gzip),
    }
}

/// A list written out from the stored bytes, piece by piece: its memory is that of one piece.
fn stored_list(target: &Target, page: Page, gzip: bool) -> Reply {
    const PIECE: usize = 64 * 1024;
    let (kind, version) = list_type(target);
    let head = format!(
        "{{\"kind\":\"{kind}\",\"apiVersion\":\"{version}\",\"metadata\":{},\"items\":[",
        list_metadata(target, &page)
    );
    let (typed, newer) = (target.kind.custom, target.newer_events);
    let mut objects = page.objects.into_iter();
    let mut next = Some(head.into_bytes());
    let mut first = true;
    let mut pieces = std::iter::from_fn(move || {
        let mut piece = next.take()?;
        loop {
            let Some(object) = objects.next() else {
                piece.extend_from_slice(b"]}\n");
                break;
            };
            if !std::mem::take(&mut first) {
                piece.push(b',');
            }
            if newer {
                piece.extend_from_slice(events::newer(object.value()).to_string().as_bytes());
            } else if typed {
                piece.extend_from_slice(object.json());
            } else {
                piece.push(b'{');
                piece.extend_from_slice(object.untyped());
            }
            if piece.len() >= PIECE {
                next = Some(Vec::with_capacity(PIECE + PIECE / 4));
                break;
            }
        }
        Some(Bytes::from(piece))
    })
    .peekable();
    let start = pieces.next().unwrap_or_default();
    if pieces.peek().is_none() {
        return reply::whole(200, "application/json", start);
    }
    let pieces = std::iter::once(start).chain(pieces);
    if gzip {
        return reply::compressed("application/json", pieces);
    }
    reply::streamed("application/json", stream::iter(pieces))
}

/// One object in the form that was asked for.
pub fn answer_object(
    cluster: &Cluster,
    target: &Target,
    query: &Query,
    form: Form,
    code: u16,
    object: &Value,
) -> Reply {
    match form {
        Form::Table => {
            let include = query.text("includeObject").to_owned();
            let now = cluster.clock.now();
            let columns = cluster.columns(target.id, &target.kind.version);
            let one = std::iter::once(object.clone());
            let mut table = table::table(&target.kind, columns, one, &include, now);
            table["metadata"] = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
            reply::json(code, &table)
        }
        Form::Metadata => reply::json(code, &metadata_only(object)),
        _ => reply::json(code, object),
    }
}

/// GET of one object.
///
/// # Errors
/// 404, and what is wrong with `resourceVersion`.
pub fn get(
    cluster: &Cluster,
    target: &Target,
    query: &Query,
    form: Form,
) -> Result<Reply, Refusal> {
    if let At::NotOlderThan(rv) = ListOptions::parse(query, false)?.at
        && rv > cluster.store.rv()
    {
        return Err(too_large(rv, cluster.store.rv()));
    }
    let object = cluster
        .store
        .get(target.id, &target.namespace, &target.name)
        .ok_or_else(|| Refusal::not_found(&target.kind, &target.name))?;
    let value = seen(cluster, target, object);
    Ok(answer_object(cluster, target, query, form, 200, &value))
}
