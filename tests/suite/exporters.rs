//! The demo's GPU exporters, reached as any client of a cluster reaches them: through the API server's pod proxy.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use jobdeck::demo::Demo;
use serde_json::Value;

use crate::served::still;

const NVIDIA: &str = "app%3Dnvidia-dcgm-exporter";
const AMD: &str = "app.kubernetes.io%2Fname%3Dmetrics-exporter";

/// The default scene some minutes after its beginning.
struct Scene(&'static Demo);

/// Status and body.
type Seen = (u16, String);

impl Scene {
    fn new() -> Self {
        Self(still())
    }

    /// As curl and Prometheus ask: they take text.
    fn get(&self, path: &str) -> Seen {
        let mut stream = TcpStream::connect(self.0.addr()).unwrap();
        let head = format!(
            "GET {path} HTTP/1.0\r\nHost: demo\r\nConnection: close\r\nAccept: text/plain\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let code = head.split(' ').nth(1).and_then(|c| c.parse().ok());
        (code.expect("a status"), body.to_owned())
    }

    fn list(&self, path: &str) -> Vec<Value> {
        let mut stream = TcpStream::connect(self.0.addr()).unwrap();
        let head = format!("GET {path} HTTP/1.0\r\nHost: demo\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").expect("a head");
        let list: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}"));
        list["items"].as_array().expect("items").clone()
    }

    fn exporters(&self, selector: &str) -> Vec<Value> {
        self.list(&format!("/api/v1/pods?labelSelector={selector}"))
    }

    fn metrics(&self, pod: &Value, port: u16) -> Seen {
        let meta = &pod["metadata"];
        self.get(&format!(
            "/api/v1/namespaces/{}/pods/{}:{port}/proxy/metrics",
            text(&meta["namespace"]),
            text(&meta["name"])
        ))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The samples of one metric: labels and value.
fn samples(page: &str, metric: &str) -> Vec<(BTreeMap<String, String>, f64)> {
    let start = format!("{metric}{{");
    let lines = page.lines().filter_map(|line| line.strip_prefix(&start));
    lines
        .map(|line| {
            let (labels, value) = line.split_once("} ").expect("a value");
            let labels = labels.split("\",").map(|pair| {
                let (name, text) = pair.split_once("=\"").expect("a label");
                (name.to_owned(), text.trim_end_matches('"').to_owned())
            });
            (labels.collect(), value.parse().expect("a number"))
        })
        .collect()
}

/// Node and device, or namespace and name.
type Pair = (String, String);

/// Node and device → pod, as the kubelets tell of it in the pods' status.
fn allocated(pods: &[Value]) -> BTreeMap<Pair, Pair> {
    let mut out = BTreeMap::new();
    for pod in pods {
        if ["Succeeded", "Failed"].contains(&text(&pod["status"]["phase"])) {
            continue;
        }
        let meta = &pod["metadata"];
        let statuses = pod["status"]["containerStatuses"].as_array();
        for status in statuses.into_iter().flatten() {
            let entries = status["allocatedResourcesStatus"].as_array();
            for device in entries
                .into_iter()
                .flatten()
                // what is claimed may be shared, or only watched
                .filter(|e| !text(&e["name"]).starts_with("claim:"))
                .flat_map(|e| e["resources"].as_array().expect("devices"))
            {
                let id = (
                    text(&pod["spec"]["nodeName"]).to_owned(),
                    text(&device["resourceID"]).to_owned(),
                );
                let pod = (
                    text(&meta["namespace"]).to_owned(),
                    text(&meta["name"]).to_owned(),
                );
                let other = out.insert(id.clone(), pod);
                assert_eq!(other, None, "{id:?} is with two pods");
            }
        }
    }
    out
}

#[test]
fn every_card_is_read_and_with_whom_the_kubelet_says_it_is() {
    let scene = Scene::new();
    let nodes = scene.list("/api/v1/nodes");
    let pods = scene.list("/api/v1/pods");
    let allocated = allocated(&pods);
    assert!(allocated.len() > 30, "{}", allocated.len());
    let exporters = scene.exporters(NVIDIA);
    let cards = nodes
        .iter()
        .filter(|n| !n["metadata"]["labels"]["nvidia.com/gpu.deploy.dcgm-exporter"].is_null());
    assert_eq!(exporters.len(), cards.count(), "one per node");
    let (mut held, mut free, mut busy) = (0, 0, 0);
    for exporter in &exporters {
        let (code, page) = scene.metrics(exporter, 9400);
        let node = text(&exporter["spec"]["nodeName"]);
        if code == 503 {
            let lost = nodes
                .iter()
                .find(|n| n["metadata"]["name"] == node)
                .unwrap();
            let mut conditions = lost["status"]["conditions"].as_array().unwrap().iter();
            assert!(
                conditions.any(|c| c["type"] == "Ready" && c["status"] != "True"),
                "{page}"
            );
            continue;
        }
        assert_eq!(code, 200, "{page}");
        for (labels, value) in samples(&page, "DCGM_FI_DEV_FB_USED") {
            let pod = labels.get("pod").filter(|p| !p.is_empty());
            match pod {
                Some(pod) => {
                    held += 1;
                    let uuid = &labels["UUID"];
                    let mine = allocated.iter().any(|((_, id), (namespace, name))| {
                        let whole = id.starts_with(uuid.as_str());
                        let slice = id.starts_with("MIG-") && labels.contains_key("GPU_I_ID");
                        (whole || slice) && name == pod && *namespace == labels["namespace"]
                    });
                    assert!(mine || labels.contains_key("dra_claim_name"), "{labels:?}");
                }
                None => {
                    free += 1;
                    assert_eq!(value, 0.0, "{labels:?}");
                }
            }
        }
        busy += samples(&page, "DCGM_FI_PROF_GR_ENGINE_ACTIVE")
            .iter()
            .filter(|(labels, value)| labels.contains_key("pod") && *value > 0.6)
            .count();
    }
    assert!(
        held > 25 && free > 25 && busy > 15,
        "{held} held, {free} free, {busy} busy"
    );
    for exporter in scene.exporters(AMD) {
        let (code, page) = scene.metrics(&exporter, 5000);
        assert_eq!(code, 200, "{page}");
        assert!(samples(&page, "gpu_used_vram").len() >= 8);
    }
}

#[test]
fn what_cannot_be_reached_says_why() {
    let scene = Scene::new();
    let exporters = scene.exporters(NVIDIA);
    let exporter = exporters
        .iter()
        .find(|e| e["spec"]["nodeName"] == "gpu-a100-0");
    let exporter = exporter.expect("one");
    let (ns, name) = (
        text(&exporter["metadata"]["namespace"]),
        text(&exporter["metadata"]["name"]),
    );
    let at = |pod: &str, rest: &str| {
        let (code, body) = scene.get(&format!("/api/v1/namespaces/{ns}/pods/{pod}/proxy{rest}"));
        let status: Value = serde_json::from_str(&body).unwrap_or(Value::String(body));
        (code, status)
    };
    for good in [
        format!("{name}:9400"),
        format!("http:{name}:9400"),
        format!("http%3A{name}%3A9400"),
        name.to_owned(),
    ] {
        let (code, page) = at(&good, "/metrics");
        assert_eq!(code, 200, "{good}");
        assert!(text(&page).starts_with("# HELP DCGM_FI_"), "{page}");
    }
    assert_eq!(at(&format!("{name}:9400"), "").0, 200);
    assert_eq!(at(&format!("{name}:9400"), "/nothing").0, 404);
    let refused = |pod: &str, code: u16, reason: &str, words: &str| {
        let (is, status) = at(pod, "/metrics");
        assert_eq!(
            (is, text(&status["kind"]), text(&status["reason"])),
            (code, "Status", reason),
            "{status}"
        );
        assert_eq!(status["code"], code);
        assert!(text(&status["message"]).contains(words), "{status}");
    };
    let tls = "error trying to reach service: tls: first record does not look like a TLS handshake";
    refused(
        &format!("https:{name}:9400"),
        503,
        "ServiceUnavailable",
        tls,
    );
    refused(
        &format!("{name}:80"),
        503,
        "ServiceUnavailable",
        "connect: connection refused",
    );
    refused(
        &format!("{name}:metrics"),
        503,
        "ServiceUnavailable",
        "unknown port",
    );
    refused("nobody:9400", 404, "NotFound", "pods \"nobody\" not found");
    refused("ftp:x:21", 400, "BadRequest", "invalid pod request");
    let pods = scene.list("/api/v1/pods");
    let path = |pod: &Value| {
        let meta = &pod["metadata"];
        format!(
            "/api/v1/namespaces/{}/pods/{}:9400/proxy/metrics",
            text(&meta["namespace"]),
            text(&meta["name"])
        )
    };
    let over = pods
        .iter()
        .find(|p| p["status"]["phase"] == "Succeeded")
        .expect("one");
    let (code, body) = scene.get(&path(over));
    assert_eq!(code, 503, "{body}");
    assert!(body.contains("\"reason\":\"ServiceUnavailable\""), "{body}");
    let waits = pods
        .iter()
        .find(|p| p["status"]["podIP"].is_null())
        .expect("one");
    let (code, body) = scene.get(&path(waits));
    assert_eq!(code, 400, "{body}");
    assert!(body.contains("address not allowed"), "{body}");
}
