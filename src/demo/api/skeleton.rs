//! The object a typed server holds before anything is set: what is there although nobody wrote it.

use serde_json::{Value, json};

use crate::store::Kind;

/// An empty object of a kind with those nested objects that are never absent.
pub fn empty(kind: &Kind, newer_events: bool) -> Value {
    let version = if newer_events {
        "events.k8s.io/v1".to_owned()
    } else {
        kind.api_version()
    };
    let mut object = json!({"kind": kind.kind, "apiVersion": version, "metadata": {}});
    let template = json!({"metadata": {}, "spec": {"containers": null}});
    if kind.custom {
        return object;
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("batch", "Job") => object["spec"] = json!({"template": template}),
        ("batch", "CronJob") => {
            object["spec"] = json!({
                "schedule": "",
                "jobTemplate": {"metadata": {}, "spec": {"template": template}},
            });
        }
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => {
            object["spec"] = json!({"selector": null, "template": template});
        }
        ("", "Pod") => object["spec"] = json!({"containers": null}),
        ("", "Event") if newer_events => {
            object["eventTime"] = Value::Null;
            object["regarding"] = json!({});
            object["deprecatedSource"] = json!({});
            object["deprecatedFirstTimestamp"] = Value::Null;
            object["deprecatedLastTimestamp"] = Value::Null;
        }
        ("", "Event") => {
            for field in ["involvedObject", "source"] {
                object[field] = json!({});
            }
            for field in ["firstTimestamp", "lastTimestamp", "eventTime"] {
                object[field] = Value::Null;
            }
            object["reportingComponent"] = json!("");
            object["reportingInstance"] = json!("");
        }
        ("", "Service") => {
            object["spec"] = json!({});
            object["status"] = json!({"loadBalancer": {}});
        }
        (
            "",
            "Node" | "Namespace" | "ResourceQuota" | "PersistentVolume" | "PersistentVolumeClaim",
        ) => {
            object["spec"] = json!({});
        }
        ("apiextensions.k8s.io", _) => object["spec"] = json!({"names": {}}),
        ("", "ConfigMap" | "Secret" | "ServiceAccount")
        | ("scheduling.k8s.io" | "storage.k8s.io", _) => {}
        _ => object["spec"] = json!({}),
    }
    if kind.status && object.get("status").is_none() {
        object["status"] = json!({});
    }
    object
}
