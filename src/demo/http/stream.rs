//! `pods/exec` and `pods/portforward`: which pod, which container, and the connection that is kept.

use std::sync::Arc;

use http::{Method, Request};
use hyper::body::Incoming;

use super::reply::Reply;
use super::{exec, log, passage, socket, tunnel};
use crate::Shared;
use crate::api::options::{Query, unescape};
use crate::api::write::Refusal;
use crate::store::Object;

/// What a path leads into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub namespace: String,
    pub pod: String,
    exec: bool,
}

/// The way of a path; none if it is another.
pub fn way(path: &str) -> Option<Way> {
    let rest = path.strip_prefix("/api/v1/namespaces/")?;
    let (namespace, rest) = rest.split_once("/pods/")?;
    let (pod, sub) = rest.split_once('/')?;
    let exec = match sub {
        "exec" => true,
        "portforward" => false,
        _ => return None,
    };
    (!namespace.contains('/')).then(|| Way {
        namespace: unescape(namespace),
        pod: unescape(pod),
        exec,
    })
}

impl Way {
    /// The pod as it is stored now.
    pub fn find(&self, shared: &Shared) -> Result<Arc<Object>, Refusal> {
        let world = shared.lock();
        let store = &world.cluster().store;
        let kind = store.kind_id("", "pods").ok_or_else(Refusal::no_resource)?;
        let found = store.get(kind, &self.namespace, &self.pod);
        found
            .cloned()
            .ok_or_else(|| Refusal::not_found(store.kind(kind), &self.pod))
    }
}

pub fn answer(shared: &Shared, way: &Way, request: Request<Incoming>) -> Result<Reply, Refusal> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Refusal::method_not_allowed());
    }
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let object = way.find(shared)?;
    let pod = object.tree();
    let host = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    if host.is_empty() {
        let why = format!("pod {} does not have a host assigned", way.pod);
        return Err(Refusal::bad_request(why));
    }
    if way.exec {
        let container = log::container(&pod, &way.pod, query.text("container"))?;
        let protocol = socket::protocol(request.headers(), exec::PROTOCOLS)?;
        let asked = exec::Asked::of(&query, container, protocol)?;
        let visit = exec::Visit::new(shared.clone(), way.clone(), &object, asked);
        let (reply, socket) = socket::open(request, protocol);
        tokio::spawn(async move {
            if let Some(socket) = socket.await {
                visit.run(socket).await;
            }
        });
        return Ok(reply);
    }
    let known = [passage::PROTOCOL, tunnel::PROTOCOL];
    let protocol = socket::protocol(request.headers(), &known)?;
    if protocol == tunnel::PROTOCOL {
        let uid = pod["metadata"]["uid"].clone();
        let (reply, socket) = socket::open(request, protocol);
        let (shared, way) = (shared.clone(), way.clone());
        tokio::spawn(async move {
            if let Some(socket) = socket.await {
                tunnel::serve(socket, &shared, &way, &uid).await;
            }
        });
        return Ok(reply);
    }
    let ports = passage::ports(&query)?;
    let (reply, socket) = socket::open(request, protocol);
    let (shared, way) = (shared.clone(), way.clone());
    tokio::spawn(async move {
        if let Some(socket) = socket.await {
            passage::serve(socket, &shared, &way, &ports).await;
        }
    });
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_lead_into_pods() {
        let at = |path: &str| way(path).map(|w| (w.namespace, w.pod, w.exec));
        assert_eq!(
            at("/api/v1/namespaces/a/pods/b/exec"),
            Some(("a".into(), "b".into(), true))
        );
        assert_eq!(
            at("/api/v1/namespaces/a/pods/b/portforward"),
            Some(("a".into(), "b".into(), false))
        );
        assert_eq!(at("/api/v1/namespaces/a/pods/b/log"), None);
        assert_eq!(at("/api/v1/namespaces/a/pods/b"), None);
    }
}
