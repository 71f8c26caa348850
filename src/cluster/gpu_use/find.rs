//! Which exporter pods run on a node, by the labels their charts and operators give them.

use std::fmt::Write as _;

use serde::Deserialize;

use super::Settings;
use crate::cluster::failure::Failure;
use crate::cluster::http::{Ask, Http};
use crate::cluster::source::escape;
use crate::cluster::wire::lax;
use crate::cluster::wire::meta::Meta;
use crate::model::gpu_use::reading::{Reason, Trouble};

/// Labels of exporters: NVIDIA's chart and GKE's own, AMD's chart and operator; NVIDIA's GPU Operator.
const SELECTORS: [&str; 2] = [
    "app.kubernetes.io/name in (dcgm-exporter,gke-managed-dcgm-exporter,metrics-exporter)",
    "app in (nvidia-dcgm-exporter,dcgm-exporter)",
];
/// Where exporters usually run: looked at where pods of all namespaces may not be listed.
const USUAL: [&str; 7] = [
    "gpu-operator",
    "nvidia-gpu-operator",
    "gke-managed-system",
    "kube-amd-gpu",
    "dcgm-exporter",
    "monitoring",
    "kube-system",
];
/// Names of ports that metrics are served at.
const PORTS: [&str; 4] = ["metrics", "gpu-metrics", "exporter-port", "http-metrics"];
/// More pods with such labels on one node are no exporters of it.
const MOST: usize = 4;

/// One exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exporter {
    pub namespace: String,
    pub pod: String,
    pub port: u16,
    /// It says itself that it runs.
    pub runs: Result<(), String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct List {
    #[serde(deserialize_with = "lax::list")]
    items: Vec<Pod>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pod {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
    #[serde(deserialize_with = "lax::object")]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "lax::list")]
    containers: Vec<Container>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Container {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::text")]
    image: String,
    #[serde(deserialize_with = "lax::list")]
    ports: Vec<Port>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Port {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::count")]
    container_port: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "lax::text")]
    phase: String,
    #[serde(deserialize_with = "lax::list", rename = "containerStatuses")]
    containers: Vec<ContainerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    #[serde(deserialize_with = "lax::object")]
    state: State,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    #[serde(deserialize_with = "lax::maybe_object")]
    waiting: Option<Waiting>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Waiting {
    #[serde(deserialize_with = "lax::text")]
    reason: String,
}

impl Pod {
    /// The label that AMD's exporter has is one that others have too.
    fn is_amd(&self) -> bool {
        let amd = |c: &Container| {
            c.image.contains("device-metrics-exporter") || c.name == "metrics-exporter-container"
        };
        self.spec.containers.iter().any(amd)
    }

    fn is_exporter(&self) -> bool {
        let mut labels = self.metadata.labels.iter();
        let generic = labels.any(|(k, v)| k == "app.kubernetes.io/name" && v == "metrics-exporter");
        !generic || self.is_amd()
    }

    fn port(&self) -> u16 {
        let usual: u16 = if self.is_amd() { 5000 } else { 9400 };
        let ports = || self.spec.containers.iter().flat_map(|c| &c.ports);
        let named = ports().find(|port| PORTS.contains(&port.name.as_str()));
        let same = || ports().find(|port| port.container_port == u32::from(usual));
        let only = || ports().next().filter(|_| ports().count() == 1);
        let port = named.or_else(same).or_else(only);
        let number = port.and_then(|port| u16::try_from(port.container_port).ok());
        number.filter(|port| *port > 0).unwrap_or(usual)
    }

    fn runs(&self) -> Result<(), String> {
        if self.status.phase == "Running" {
            let waits = self.status.containers.iter();
            let waits = waits.filter_map(|c| c.state.waiting.as_ref());
            return match waits.map(|w| &w.reason).find(|why| !why.is_empty()) {
                Some(why) => Err(why.clone()),
                None => Ok(()),
            };
        }
        Err(self.status.phase.clone())
    }

    fn exporter(self) -> Exporter {
        Exporter {
            port: self.port(),
            runs: self.runs(),
            namespace: self.metadata.namespace.into(),
            pod: self.metadata.name.into(),
        }
    }
}

/// Where to look for exporters: learnt once for all nodes of a cluster.
#[derive(Debug, Default)]
pub struct Finder {
    /// Namespaces to look in, where not all may be; empty: not known yet that they may not.
    places: tokio::sync::Mutex<Vec<String>>,
}

fn path(namespace: Option<&str>, selector: &str, node: Option<&str>) -> String {
    let mut out = match namespace {
        Some(namespace) => format!("/api/v1/namespaces/{namespace}/pods?"),
        None => "/api/v1/pods?".into(),
    };
    // from the server's cache, which has an index of nodes: no load on etcd
    out.push_str("resourceVersion=0&labelSelector=");
    escape(selector, &mut out);
    match node {
        Some(node) => {
            out.push_str("&fieldSelector=");
            escape(&format!("spec.nodeName={node}"), &mut out);
        }
        None => {
            let _ = write!(out, "&limit=1");
        }
    }
    out
}

impl Finder {
    /// The exporters of a node, running ones first; the trouble if there are none, or none may be looked for.
    pub async fn on(
        &self,
        http: &Http,
        settings: &Settings,
        node: &str,
    ) -> Result<Vec<Exporter>, Trouble> {
        let selectors = || {
            let more = settings.selectors.iter().map(String::as_str);
            SELECTORS.into_iter().chain(more)
        };
        let mut found: Vec<Exporter> = Vec::new();
        for namespace in self.places(settings).await {
            for selector in selectors() {
                let of = path(namespace.as_deref(), selector, Some(node));
                let list = match http.json::<List>(&Ask::get(of)).await {
                    Ok(list) => list,
                    Err(f) if f.code() == Some(403) && namespace.is_none() => {
                        self.narrow(http, &selectors().collect::<Vec<_>>()).await?;
                        return Box::pin(self.on(http, settings, node)).await;
                    }
                    Err(f) => return Err(trouble(&f, namespace.as_deref())),
                };
                for pod in list.items.into_iter().filter(Pod::is_exporter) {
                    let exporter = pod.exporter();
                    let known = found
                        .iter()
                        .any(|e| e.pod == exporter.pod && e.namespace == exporter.namespace);
                    if !known && found.len() < MOST {
                        found.push(exporter);
                    }
                }
            }
        }
        found.sort_by_key(|exporter| exporter.runs.is_err());
        if found.is_empty() {
            return Err(Trouble {
                reason: Reason::NoExporter,
                text: format!(
                    "no exporter runs on {node}: install NVIDIA's dcgm-exporter or AMD's device-metrics-exporter, or \
                     name its label in [gpu-use] selectors"
                )
                .into(),
            });
        }
        Ok(found)
    }

    async fn places(&self, settings: &Settings) -> Vec<Option<String>> {
        if !settings.namespaces.is_empty() {
            return settings.namespaces.iter().cloned().map(Some).collect();
        }
        let places = self.places.lock().await;
        match places.is_empty() {
            true => vec![None],
            false => places.iter().cloned().map(Some).collect(),
        }
    }

    /// Pods of all namespaces may not be listed: which of the usual ones may, and have an exporter.
    async fn narrow(&self, http: &Http, selectors: &[&str]) -> Result<(), Trouble> {
        // whoever comes second finds what the first found
        let mut places = self.places.lock().await;
        if !places.is_empty() {
            return Ok(());
        }
        let mut allowed = 0;
        for namespace in USUAL {
            for selector in selectors {
                let of = path(Some(namespace), selector, None);
                match http.json::<List>(&Ask::get(of)).await {
                    Ok(list) => {
                        allowed += 1;
                        if !list.items.is_empty() {
                            places.push(namespace.to_owned());
                            break;
                        }
                    }
                    Err(f) if matches!(f.code(), Some(403 | 404)) => break,
                    Err(f) => return Err(trouble(&f, Some(namespace))),
                }
            }
        }
        if !places.is_empty() {
            return Ok(());
        }
        let why = match allowed {
            0 => "neither in all namespaces nor where exporters usually run",
            _ => "in all namespaces, and where exporters usually run there is none",
        };
        Err(Trouble {
            reason: Reason::Forbidden,
            text: format!(
                "exporters cannot be found: pods may not be listed {why}; ask for list on pods, or name the namespace in \
                 [gpu-use] namespaces"
            )
            .into(),
        })
    }
}

fn trouble(failure: &Failure, namespace: Option<&str>) -> Trouble {
    let place = namespace.map_or("all namespaces".to_owned(), |n| format!("namespace {n}"));
    match failure.code() {
        Some(403) => Trouble {
            reason: Reason::Forbidden,
            text: format!("exporters cannot be found: listing pods in {place} is forbidden; ask for list on pods there")
                .into(),
        },
        _ => Trouble {
            reason: Reason::Server,
            text: format!("exporters cannot be found: {failure}; trying again").into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn pod(labels: Value, containers: Value, status: Value) -> Pod {
        let object = json!({
            "metadata": {"name": "x", "namespace": "ns", "labels": labels},
            "spec": {"containers": containers}, "status": status,
        });
        serde_json::from_value(object).unwrap()
    }

    #[rstest]
    #[case::by_name(json!([{"ports": [{"name": "a", "containerPort": 1}, {"name": "metrics", "containerPort": 9500}]}]), 9500)]
    #[case::operator(json!([{"ports": [{"name": "gpu-metrics", "containerPort": 9401}]}]), 9401)]
    #[case::by_number(json!([{"ports": [{"name": "a", "containerPort": 1}, {"containerPort": 9400}]}]), 9400)]
    #[case::the_only_one(json!([{"ports": [{"containerPort": 8080}]}]), 8080)]
    #[case::none_told(json!([{"name": "exporter"}]), 9400)]
    #[case::nonsense(json!([{"ports": [{"name": "metrics", "containerPort": 99999}]}]), 9400)]
    #[case::amd(json!([{"name": "metrics-exporter-container"}]), 5000)]
    #[case::odd(json!("?"), 9400)]
    fn ports(#[case] containers: Value, #[case] port: u16) {
        assert_eq!(pod(json!({}), containers, json!({})).port(), port);
    }

    #[test]
    fn a_common_label_alone_makes_no_exporter() {
        let label = json!({"app.kubernetes.io/name": "metrics-exporter"});
        let other = pod(
            label.clone(),
            json!([{"image": "prom/redis-metrics-exporter"}]),
            json!({}),
        );
        assert!(!other.is_exporter());
        let amd = json!([{"image": "docker.io/rocm/device-metrics-exporter:v1.5.2"}]);
        assert!(pod(label, amd, json!({})).is_exporter());
        assert!(pod(json!({"app": "nvidia-dcgm-exporter"}), json!([]), json!({})).is_exporter());
    }

    #[test]
    fn whether_it_runs_is_as_its_status_says() {
        let of = |status| pod(json!({}), json!([]), status).runs();
        assert_eq!(of(json!({"phase": "Running"})), Ok(()));
        assert_eq!(of(json!({"phase": "Pending"})), Err("Pending".into()));
        let loops = json!({"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]});
        assert_eq!(of(loops), Err("CrashLoopBackOff".into()));
    }

    #[test]
    fn a_path_asks_the_cache_for_one_node() {
        let path = path(Some("gpu-operator"), "app in (a,b)", Some("gpu-1"));
        assert_eq!(
            path,
            "/api/v1/namespaces/gpu-operator/pods?resourceVersion=0&labelSelector=app%20in%20%28a%2Cb%29&fieldSelector=spec.nodeName%3Dgpu-1"
        );
    }
}
