//! `pods/proxy`: the way through the API server to a pod's own web server.

use http::Method;
use serde_json::Value;

use super::reply::{self, Reply};
use crate::Shared;
use crate::api::options::unescape;
use crate::api::write::Refusal;
use crate::exporter::Answer;

/// What a path through the proxy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    namespace: String,
    /// `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
    pod: String,
    /// With a leading slash.
    path: String,
}

/// The way of a path; `None` if it leads through no pod.
pub fn way(path: &str) -> Option<Way> {
    let rest = path.strip_prefix("/api/v1/namespaces/")?;
    let (namespace, rest) = rest.split_once("/pods/")?;
    let (pod, rest) = rest.split_once('/')?;
    let rest = rest.strip_prefix("proxy")?;
    let inner = rest.is_empty() || rest.starts_with('/');
    (inner && !namespace.contains('/')).then(|| Way {
        namespace: unescape(namespace),
        pod: unescape(pod),
        path: if rest.is_empty() { "/" } else { rest }.to_owned(),
    })
}

/// Scheme, name and port of a pod as the proxy's paths spell it.
fn split(id: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<&str> = id.split(':').collect();
    let all = match *parts.as_slice() {
        [name] => ("http", name, ""),
        [name, port] => ("http", name, port),
        [scheme @ ("http" | "https" | ""), name, port] => (scheme, name, port),
        _ => return None,
    };
    Some(all).filter(|(_, name, _)| !name.is_empty())
}

pub fn answer(shared: &Shared, way: &Way, method: &Method) -> Result<Reply, Refusal> {
    let Some((scheme, name, port)) = split(&way.pod) else {
        let why = format!("invalid pod request {:?}", way.pod);
        return Err(Refusal::bad_request(why));
    };
    let world = shared.lock();
    let store = &world.cluster().store;
    let Some(kind) = store.kind_id("", "pods") else {
        return Err(Refusal::no_resource());
    };
    let Some(pod) = store.get(kind, &way.namespace, name) else {
        return Err(Refusal::not_found(store.kind(kind), name));
    };
    let value = pod.tree();
    let ip = value["status"]["podIP"].as_str().unwrap_or_default();
    if ip.is_empty() {
        return Err(Refusal::bad_request("address not allowed"));
    }
    let number = match port {
        // the first port of the first container that names one
        "" => {
            let all = value["spec"]["containers"].as_array().into_iter().flatten();
            let mut ports = all.filter_map(|c| c["ports"][0]["containerPort"].as_u64());
            ports.next().unwrap_or(80)
        }
        text => match text.parse() {
            Ok(number) => number,
            Err(_) => {
                return Err(unreached(&format!(
                    "dial tcp: lookup tcp/{text}: unknown port"
                )));
            }
        },
    };
    let runs = value["status"]["phase"] == "Running";
    let seen = match u16::try_from(number) {
        Ok(port) if runs => world.visit(pod, port, &way.path),
        _ => Answer::Closed,
    };
    let dial = |why: &str| unreached(&format!("dial tcp {ip}:{number}: connect: {why}"));
    match seen {
        Answer::Closed => Err(dial("connection refused")),
        Answer::Unreachable => Err(dial("no route to host")),
        Answer::Page { .. } if scheme == "https" && !speaks_tls(&value) => Err(unreached(
            "tls: first record does not look like a TLS handshake",
        )),
        // what Go's servers answer who speaks plainly to them
        Answer::Page { .. } if scheme != "https" && speaks_tls(&value) => Ok(reply::text(
            400,
            "Client sent an HTTP request to an HTTPS server.\n",
        )),
        Answer::Page { .. } if *method != Method::GET && *method != Method::HEAD => {
            Ok(reply::text(405, "Method Not Allowed\n"))
        }
        Answer::Page { code, kind, body } => Ok(reply::whole(code, kind, body)),
    }
}

/// An exporter that is given a certificate: Prometheus' exporters and NVIDIA's take it in a file of their own.
fn speaks_tls(pod: &Value) -> bool {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let mut args = all.flat_map(|c| c["args"].as_array().into_iter().flatten());
    args.any(|arg| {
        let arg = arg.as_str().unwrap_or_default();
        arg.starts_with("--web-config-file") || arg.starts_with("--web.config.file")
    })
}

fn unreached(why: &str) -> Refusal {
    let text = format!("error trying to reach service: {why}");
    Refusal::new(503, "ServiceUnavailable", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_leads_through_a_pod_to_a_path() {
        let at = |path: &str| way(path).map(|w| (w.namespace, w.pod, w.path));
        let is = |ns: &str, pod: &str, path: &str| {
            Some((ns.to_owned(), pod.to_owned(), path.to_owned()))
        };
        assert_eq!(
            at("/api/v1/namespaces/a/pods/b:9400/proxy/metrics"),
            is("a", "b:9400", "/metrics")
        );
        assert_eq!(
            at("/api/v1/namespaces/a/pods/https%3Ab%3A9400/proxy"),
            is("a", "https:b:9400", "/")
        );
        assert_eq!(at("/api/v1/namespaces/a/pods/b/proxying"), None);
        assert_eq!(at("/api/v1/namespaces/a/pods/b/log"), None);
        assert_eq!(at("/api/v1/namespaces/a/pods/b"), None);
        assert_eq!(split("https:b:9400"), Some(("https", "b", "9400")));
        assert_eq!(split("b"), Some(("http", "b", "")));
        assert_eq!(split("ftp:b:21"), None);
        assert_eq!(split(""), None);
    }
}
