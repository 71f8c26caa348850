//! Rows of everything that is not a workload.

use serde_json::{Value, json};

use super::text::{Row, labels, selector};

/// The cells; `None` for kinds that show their name and age.
pub fn cells(kind: &str, row: &Row<'_>) -> Option<Vec<Value>> {
    let text = |path: &str| json!(row.text(path));
    Some(match kind {
        "Event" => event(row),
        "Node" => node(row),
        "Service" => service(row),
        "PersistentVolumeClaim" => claim(row),
        "PersistentVolume" => volume(row),
        "ResourceQuota" => quota(row),
        "Namespace" => vec![row.name(), text("status.phase"), row.age()],
        "ConfigMap" => vec![
            row.name(),
            json!(size(row.at("data")) + size(row.at("binaryData"))),
            row.age(),
        ],
        "Secret" => vec![
            row.name(),
            text("type"),
            json!(size(row.at("data"))),
            row.age(),
        ],
        "Lease" => vec![row.name(), text("spec.holderIdentity"), row.age()],
        "PriorityClass" => vec![
            row.name(),
            json!(row.number("value")),
            json!(row.at("globalDefault") == true),
            row.age(),
            text("preemptionPolicy"),
        ],
        "PodDisruptionBudget" => vec![
            row.name(),
            json!(row.text_or("spec.minAvailable", "N/A")),
            json!(row.text_or("spec.maxUnavailable", "N/A")),
            json!(row.number("status.disruptionsAllowed")),
            row.age(),
        ],
        "PodTemplate" => {
            let [names, images] = row.containers("template.spec.containers");
            let pods = labels(row.at("template.metadata.labels"));
            vec![row.name(), names, images, json!(pods)]
        }
        "Endpoints" => vec![row.name(), json!("<none>"), row.age()],
        "EndpointSlice" => vec![
            row.name(),
            text("addressType"),
            json!("<unset>"),
            json!("<unset>"),
            row.age(),
        ],
        "ComponentStatus" => vec![row.name(), json!("Healthy"), json!("ok"), json!("")],
        "StorageClass" => vec![
            row.name(),
            text("provisioner"),
            json!(row.text_or("reclaimPolicy", "Delete")),
            json!(row.text_or("volumeBindingMode", "Immediate")),
            json!(row.at("allowVolumeExpansion") == true),
            row.age(),
        ],
        "HorizontalPodAutoscaler" => vec![
            row.name(),
            json!(format!(
                "{}/{}",
                row.text("spec.scaleTargetRef.kind"),
                row.text("spec.scaleTargetRef.name")
            )),
            json!("<none>"),
            json!(row.text_or("spec.minReplicas", "<unset>")),
            json!(row.number("spec.maxReplicas")),
            json!(row.number("status.currentReplicas")),
            row.age(),
        ],
        "Ingress" => vec![
            row.name(),
            json!(row.text_or("spec.ingressClassName", "<none>")),
            json!(hosts(row.object)),
            json!(""),
            json!("80"),
            row.age(),
        ],
        "IngressClass" => vec![
            row.name(),
            text("spec.controller"),
            json!("<none>"),
            row.age(),
        ],
        "NetworkPolicy" => vec![
            row.name(),
            json!(selector(row.at("spec.podSelector"))),
            row.age(),
        ],
        "RoleBinding" | "ClusterRoleBinding" => {
            let role = format!("{}/{}", row.text("roleRef.kind"), row.text("roleRef.name"));
            let of = |kind: &str| {
                let all = row.at("subjects").as_array().into_iter().flatten();
                let names: Vec<String> = all
                    .filter(|s| s["kind"] == kind)
                    .map(|s| {
                        let name = s["name"].as_str().unwrap_or_default();
                        match s["namespace"].as_str() {
                            Some(ns) if kind == "ServiceAccount" => format!("{ns}/{name}"),
                            _ => name.to_owned(),
                        }
                    })
                    .collect();
                json!(names.join(", "))
            };
            vec![
                row.name(),
                json!(role),
                row.age(),
                of("User"),
                of("Group"),
                of("ServiceAccount"),
            ]
        }
        "ResourceClaim" => vec![row.name(), json!(claim_state(row)), row.age()],
        "ResourceSlice" => vec![
            row.name(),
            json!(row.text_or("spec.nodeName", "<unset>")),
            text("spec.driver"),
            text("spec.pool.name"),
            row.age(),
        ],
        "ServiceAccount" | "DeviceClass" | "ResourceClaimTemplate" => {
            vec![row.name(), row.age()]
        }
        // Kinds without a printer of their own show when they were made, not how long ago.
        _ => vec![row.name(), row.at("metadata.creationTimestamp").clone()],
    })
}

fn size(map: &Value) -> usize {
    map.as_object().map_or(0, serde_json::Map::len)
}

fn event(row: &Row<'_>) -> Vec<Value> {
    // Both views are shown alike; the newer one has other names for the same.
    let newer = row.at("regarding").is_object();
    let pick = |core: &'static str, other: &'static str| if newer { other } else { core };
    let when = |path: &str| row.at(path).is_string().then(|| row.since(path));
    let unknown = || "<unknown>".to_owned();
    let first = when(pick("firstTimestamp", "deprecatedFirstTimestamp"))
        .or_else(|| when("eventTime"))
        .unwrap_or_else(unknown);
    let mut last =
        when(pick("lastTimestamp", "deprecatedLastTimestamp")).unwrap_or_else(|| first.clone());
    let mut count = row.number(pick("count", "deprecatedCount")).max(1);
    if row.at("series").is_object() {
        last = when("series.lastObservedTime").unwrap_or_else(unknown);
        count = row.number("series.count");
    }
    let about = pick("involvedObject", "regarding");
    let kind = row.text(&format!("{about}.kind")).to_lowercase();
    let name = row.text(&format!("{about}.name"));
    let target = if name.is_empty() {
        kind
    } else {
        format!("{kind}/{name}")
    };
    let source = pick("source", "deprecatedSource");
    let component = row.text_or(
        &format!("{source}.component"),
        &row.text(pick("reportingComponent", "reportingController")),
    );
    let host = row.text_or(&format!("{source}.host"), &row.text("reportingInstance"));
    let from = if host.is_empty() {
        component
    } else {
        format!("{component}, {host}")
    };
    vec![
        json!(last),
        row.at("type").clone(),
        row.at("reason").clone(),
        json!(target),
        json!(row.text(&format!("{about}.fieldPath"))),
        json!(from),
        json!(row.text(pick("message", "note")).trim()),
        json!(first),
        json!(count),
        row.name(),
    ]
}

fn node(row: &Row<'_>) -> Vec<Value> {
    let conditions = row.at("status.conditions").as_array();
    let ready = conditions.and_then(|all| all.iter().rfind(|c| c["type"] == "Ready"));
    let mut status = match ready {
        Some(c) if c["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if row.at("spec.unschedulable") == true {
        status += ",SchedulingDisabled";
    }
    let mut roles: Vec<&str> = row
        .at("metadata.labels")
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(k, v)| match k.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => Some(role),
            _ if k == "kubernetes.io/role" => v.as_str().filter(|r| !r.is_empty()),
            _ => None,
        })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    let roles = if roles.is_empty() {
        "<none>".to_owned()
    } else {
        roles.join(",")
    };
    let address = |kind: &str| {
        let all = row.at("status.addresses").as_array().into_iter().flatten();
        let found = all.into_iter().find(|a| a["type"] == kind);
        found.map_or(json!("<none>"), |a| a["address"].clone())
    };
    let info = |field: &str| row.text_or(&format!("status.nodeInfo.{field}"), "<unknown>");
    let mut kernel = info("kernelVersion");
    let arch = row.text("status.nodeInfo.architecture");
    if !arch.is_empty() {
        kernel = format!("{kernel} ({arch})");
    }
    vec![
        row.name(),
        json!(status),
        json!(roles),
        row.age(),
        json!(row.text("status.nodeInfo.kubeletVersion")),
        address("InternalIP"),
        address("ExternalIP"),
        json!(info("osImage")),
        json!(kernel),
        json!(info("containerRuntimeVersion")),
    ]
}

fn service(row: &Row<'_>) -> Vec<Value> {
    let ports: Vec<String> = row
        .at("spec.ports")
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| {
            let protocol = p["protocol"].as_str().unwrap_or("TCP");
            match p["nodePort"].as_i64() {
                Some(n) if n > 0 => format!("{}:{n}/{protocol}", p["port"]),
                _ => format!("{}/{protocol}", p["port"]),
            }
        })
        .collect();
    let ports = if ports.is_empty() {
        "<none>".to_owned()
    } else {
        ports.join(",")
    };
    let kind = row.text_or("spec.type", "ClusterIP");
    let external = match kind.as_str() {
        "LoadBalancer" => "<pending>".to_owned(),
        "ExternalName" => row.text("spec.externalName"),
        _ => "<none>".to_owned(),
    };
    let ip = row.at("spec.clusterIPs")[0].as_str().unwrap_or("<none>");
    vec![
        row.name(),
        json!(kind),
        json!(ip),
        json!(external),
        json!(ports),
        row.age(),
        json!(labels(row.at("spec.selector"))),
    ]
}

fn modes(value: &Value) -> String {
    let short = |m: &Value| match m.as_str().unwrap_or_default() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    let all: Vec<&str> = value.as_array().into_iter().flatten().map(short).collect();
    all.join(",")
}

fn claim(row: &Row<'_>) -> Vec<Value> {
    let phase = if row.at("metadata.deletionTimestamp").is_string() {
        "Terminating".to_owned()
    } else {
        row.text("status.phase")
    };
    let bound = row.at("spec.volumeName").is_string();
    let (capacity, access) = if bound {
        (
            row.text("status.capacity.storage"),
            modes(row.at("status.accessModes")),
        )
    } else {
        (String::new(), String::new())
    };
    vec![
        row.name(),
        json!(phase),
        json!(row.text("spec.volumeName")),
        json!(capacity),
        json!(access),
        json!(row.text("spec.storageClassName")),
        json!(row.text_or("spec.volumeAttributesClassName", "<unset>")),
        row.age(),
        json!(row.text_or("spec.volumeMode", "<unset>")),
    ]
}

fn volume(row: &Row<'_>) -> Vec<Value> {
    let claim = match row.text("spec.claimRef.name") {
        name if name.is_empty() => name,
        name => format!("{}/{name}", row.text("spec.claimRef.namespace")),
    };
    vec![
        row.name(),
        json!(row.text("spec.capacity.storage")),
        json!(modes(row.at("spec.accessModes"))),
        json!(row.text("spec.persistentVolumeReclaimPolicy")),
        json!(row.text("status.phase")),
        json!(claim),
        json!(row.text("spec.storageClassName")),
        json!(row.text_or("spec.volumeAttributesClassName", "<unset>")),
        json!(row.text("status.reason")),
        row.age(),
        json!(row.text_or("spec.volumeMode", "<unset>")),
    ]
}

fn quota(row: &Row<'_>) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in row.at("status.hard").as_object().into_iter().flatten() {
        let used = &row.at("status.used")[resource];
        let text = format!(
            "{resource}: {}/{}",
            used.as_str().unwrap_or("0"),
            hard.as_str().unwrap_or_default()
        );
        if resource.starts_with("limits.") {
            limits.push(text);
        } else {
            requests.push(text);
        }
    }
    vec![
        row.name(),
        json!(requests.join(", ")),
        json!(limits.join(", ")),
        row.age(),
    ]
}

fn hosts(ingress: &Value) -> String {
    let rules = ingress["spec"]["rules"].as_array().into_iter().flatten();
    let all: Vec<&str> = rules.filter_map(|r| r["host"].as_str()).collect();
    if all.is_empty() {
        "*".to_owned()
    } else {
        all.join(",")
    }
}

fn claim_state(row: &Row<'_>) -> String {
    let mut states = Vec::new();
    if row.at("metadata.deletionTimestamp").is_string() {
        states.push("deleted");
    }
    if row.at("status.allocation").is_object() {
        states.push("allocated");
        if row
            .at("status.reservedFor")
            .as_array()
            .is_some_and(|r| !r.is_empty())
        {
            states.push("reserved");
        }
    } else {
        states.push("pending");
    }
    states.join(",")
}
