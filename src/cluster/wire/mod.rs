//! What we read of each API kind: slim serde types, one file per kind, each ending in a flat model row.
//! Fields we do not use (managedFields, env, volumes, images of pods …) are skipped without being decoded.

pub mod cronjob;
pub mod dra;
pub mod event;
pub mod job;
pub mod kinds;
pub mod kueue;
pub mod lax;
pub mod meta;
pub mod namespace;
pub mod node;
pub mod placement;
pub mod pod;
pub mod template;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use meta::Meta;

/// A kind as we read it.
pub trait Wire: for<'de> Deserialize<'de> + Default + Send + 'static {
    /// Its row in the model.
    type Row: Send + 'static;
    fn meta(&self) -> &Meta;
    fn row(self, cluster: ClusterId, names: &mut Names) -> Self::Row;
    /// Puts a change into its table's variant.
    fn rows(change: Change<Self::Row>) -> Rows;
}

/// The shape most kinds share.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    bound = "S: Deserialize<'de> + Default, T: Deserialize<'de> + Default"
)]
pub struct Object<S, T> {
    #[serde(deserialize_with = "lax::object")]
    pub metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    pub spec: S,
    #[serde(deserialize_with = "lax::object")]
    pub status: T,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<W> {
    pub items: Vec<W>,
    pub version: String,
    /// Token of the next page, if there is one.
    pub next: Option<String>,
    /// How many objects follow after this page, if the server told.
    pub remaining: Option<usize>,
    /// Elements that could not be read at all.
    pub skipped: usize,
    /// What is wrong with the first of them.
    pub unread: Vec<Unread>,
}

/// An object that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// `namespace/name`, as far as that can be read.
    pub object: String,
    /// The field, and what is wrong with it.
    pub why: String,
}

/// Of a page no more are described.
const UNREAD: usize = 5;

/// What is wrong with an object: reads it once more, slower, and looks where that ends.
pub fn unread<W: Wire>(json: &[u8]) -> Unread {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Named {
        #[serde(deserialize_with = "lax::text")]
        name: String,
        #[serde(deserialize_with = "lax::text")]
        namespace: String,
    }
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        metadata: &'a RawValue,
    }
    let head = serde_json::from_slice::<Head>(json).ok();
    let named = head.and_then(|head| serde_json::from_str::<Named>(head.metadata.get()).ok());
    let object = match named.unwrap_or_default() {
        Named { name, .. } if name.is_empty() => "without a name".into(),
        Named { name, namespace } if namespace.is_empty() => name,
        Named { name, namespace } => format!("{namespace}/{name}"),
    };
    let mut reader = serde_json::Deserializer::from_slice(json);
    let why = match serde_path_to_error::deserialize::<_, W>(&mut reader) {
        Ok(whole) if whole.meta().is_nobody() => "metadata: neither name nor uid".into(),
        Ok(_) => "not whole".into(),
        Err(e) => match e.path().to_string().as_str() {
            "." => e.inner().to_string(),
            path => format!("{path}: {}", e.inner()),
        },
    };
    Unread { object, why }
}

/// The same of a line of a watch.
pub fn unread_event<W: Wire>(line: &[u8]) -> Unread {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        object: &'a RawValue,
    }
    match serde_json::from_slice::<Line>(line) {
        Ok(line) => unread::<W>(line.object.get().as_bytes()),
        Err(e) => Unread {
            object: "a line of the watch".into(),
            why: e.to_string(),
        },
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta {
    #[serde(deserialize_with = "lax::text")]
    resource_version: String,
    #[serde(rename = "continue", deserialize_with = "lax::text")]
    next: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    remaining_item_count: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "W: Deserialize<'de> + Default")]
struct RawPage<W> {
    #[serde(deserialize_with = "lax::object")]
    metadata: ListMeta,
    #[serde(deserialize_with = "lax::list")]
    items: Vec<W>,
}

/// Reads a list answer. An element that cannot be read (repeated keys, numbers beyond f64) is left out and counted;
/// only an answer that is no JSON list at all is an error.
pub fn page<W: Wire>(json: &[u8]) -> Result<Page<W>, serde_json::Error> {
    let (metadata, mut items, mut unread) = match serde_json::from_slice::<RawPage<W>>(json) {
        Ok(page) => (page.metadata, page.items, Vec::new()),
        Err(_) => one_by_one(json)?,
    };
    let before = items.len();
    items.retain(|item| !item.meta().is_nobody());
    let skipped = unread.len() + before - items.len();
    unread.truncate(UNREAD);
    unread.extend((items.len()..before).take(1).map(|_| Unread {
        object: "without a name".into(),
        why: "metadata: neither name nor uid".into(),
    }));
    Ok(Page {
        items,
        skipped,
        unread,
        version: metadata.resource_version,
        next: Some(metadata.next).filter(|t| !t.is_empty()),
        remaining: metadata.remaining_item_count.map(|n| n as usize),
    })
}

/// The slow way, for a page with an element the fast way fails on.
fn one_by_one<W: Wire>(json: &[u8]) -> Result<(ListMeta, Vec<W>, Vec<Unread>), serde_json::Error> {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        #[serde(default, deserialize_with = "lax::object")]
        metadata: ListMeta,
        #[serde(borrow, default)]
        items: Option<Vec<&'a RawValue>>,
    }
    let page: Borrowed = serde_json::from_slice(json)?;
    let all = page.items.unwrap_or_default();
    let (mut items, mut bad) = (Vec::new(), Vec::new());
    for raw in all {
        match serde_json::from_str::<W>(raw.get()) {
            Ok(item) => items.push(item),
            // what is beyond these is only counted
            Err(_) if bad.len() >= UNREAD => bad.push(Unread {
                object: String::new(),
                why: String::new(),
            }),
            Err(_) => bad.push(unread::<W>(raw.get().as_bytes())),
        }
    }
    Ok((page.metadata, items, bad))
}

/// One line of a watch.
#[derive(Debug)]
pub enum Event<W> {
    /// ADDED or MODIFIED.
    Applied(W),
    Deleted(W),
    Bookmark {
        version: String,
        /// It ends the initial events of a streamed list.
        end: bool,
    },
    /// An ERROR event's Status.
    Error(Status),
    /// A type this version of jobdeck does not know, or an object nobody can be made of.
    Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "W: Deserialize<'de> + Default")]
struct RawEvent<W> {
    #[serde(rename = "type", deserialize_with = "lax::text")]
    kind: lax::Text,
    #[serde(deserialize_with = "lax::object")]
    object: W,
}

/// Reads one line of a watch; an error means the line is not whole JSON, or holds what no decoder can read.
pub fn event<W: Wire>(line: &[u8]) -> Result<Event<W>, serde_json::Error> {
    // whole lines are checked to be UTF-8 much faster than each text in them; what is none in a text that nobody reads
    // does no harm
    let RawEvent { kind, object } = match std::str::from_utf8(line) {
        Ok(line) => serde_json::from_str::<RawEvent<W>>(line)?,
        Err(_) => serde_json::from_slice::<RawEvent<W>>(line)?,
    };
    Ok(match kind.as_str() {
        "ADDED" | "MODIFIED" if !object.meta().is_nobody() => Event::Applied(object),
        "DELETED" if !object.meta().is_nobody() => Event::Deleted(object),
        "BOOKMARK" => Event::Bookmark {
            version: object.meta().resource_version.as_str().into(),
            end: object.meta().annotations.initial_events_end == "true",
        },
        "ERROR" => Event::Error(serde_json::from_slice::<RawStatus>(line)?.object),
        _ => Event::Unknown,
    })
}

#[derive(Deserialize)]
struct RawStatus {
    #[serde(default, deserialize_with = "lax::object")]
    object: Status,
}

/// `metav1.Status`, as errors carry it.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Status {
    #[serde(deserialize_with = "lax::text")]
    pub kind: String,
    #[serde(deserialize_with = "lax::count")]
    pub code: u32,
    #[serde(deserialize_with = "lax::text")]
    pub reason: String,
    #[serde(deserialize_with = "lax::text")]
    pub message: String,
    #[serde(deserialize_with = "lax::object")]
    pub details: StatusDetails,
}

#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatusDetails {
    #[serde(deserialize_with = "lax::count")]
    pub retry_after_seconds: u32,
}

#[cfg(test)]
mod tests;
