//! Which fields of which kind a `fieldSelector` may name, and how they are read.

use serde_json::Value;

use super::selector::{Fields, text_at};
use crate::store::{Kind, Object};

const POD: [&str; 11] = [
    "metadata.name",
    "metadata.namespace",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
];
const EVENT: [&str; 13] = [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
    "metadata.namespace",
    "metadata.name",
];
/// Names of events.k8s.io fields and the core field each of them reads.
const NEW_EVENT: [(&str, &str); 9] = [
    ("regarding.kind", "involvedObject.kind"),
    ("regarding.namespace", "involvedObject.namespace"),
    ("regarding.name", "involvedObject.name"),
    ("regarding.uid", "involvedObject.uid"),
    ("regarding.apiVersion", "involvedObject.apiVersion"),
    (
        "regarding.resourceVersion",
        "involvedObject.resourceVersion",
    ),
    ("regarding.fieldPath", "involvedObject.fieldPath"),
    ("reportingController", "reportingComponent"),
    ("reason", "reason"),
];
const NAME: &str = "metadata.name";
const NAMESPACE: &str = "metadata.namespace";

/// Checks that the kind knows every field of the selector and puts stored names in place of aliases.
/// `newer` is the events.k8s.io view of events.
///
/// # Errors
/// The server's sentence about the first field it does not know.
pub fn resolve(kind: &Kind, newer: bool, fields: Fields) -> Result<Fields, String> {
    let mut out = Vec::new();
    for (field, value, equal) in fields.0 {
        let known = match (kind.group.as_str(), kind.kind.as_str()) {
            ("", "Pod") if field == "spec.host" => Some("spec.nodeName".to_owned()),
            ("", "Pod") => POD.contains(&field.as_str()).then(|| field.clone()),
            ("", "Event") if newer => NEW_EVENT
                .iter()
                .find(|(name, _)| *name == field)
                .map(|(_, stored)| (*stored).to_owned())
                .or_else(|| {
                    ["type", NAME, NAMESPACE]
                        .contains(&field.as_str())
                        .then(|| field.clone())
                }),
            ("", "Event") => EVENT.contains(&field.as_str()).then(|| field.clone()),
            _ if kind.selectable.contains(&field) => Some(field.clone()),
            (group, name) => {
                let extra: &[&str] = match (group, name) {
                    ("", "Node") => &["spec.unschedulable"],
                    ("", "ReplicationController") => &["status.replicas"],
                    ("", "Namespace") => &["status.phase"],
                    ("", "Secret") => &["type"],
                    ("", "Service") => &["spec.clusterIP", "spec.type"],
                    ("batch", "Job") => &["status.successful"],
                    ("apps", "ReplicaSet") => &["status.replicas"],
                    ("resource.k8s.io", "ResourceSlice") => &["spec.nodeName", "spec.driver"],
                    _ => &[],
                };
                let scoped = kind.namespaced || !matches!(name, "Node" | "Namespace");
                (field == NAME || (field == NAMESPACE && scoped) || extra.contains(&field.as_str()))
                    .then(|| field.clone())
            }
        };
        match known {
            Some(stored) => out.push((stored, value, equal)),
            None => return Err(unsupported(kind, &field)),
        }
    }
    Ok(Fields(out))
}

fn unsupported(kind: &Kind, field: &str) -> String {
    match (kind.group.as_str(), kind.kind.as_str()) {
        _ if kind.custom => format!("field label not supported: {field}"),
        ("batch", "Job") => format!("field label \"{field}\" not supported for Job"),
        (
            "",
            "Pod" | "Node" | "ReplicationController" | "Event" | "Namespace" | "Secret" | "Service",
        ) => format!("field label not supported: {field}"),
        _ => format!(
            "\"{field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        ),
    }
}

/// Does a stored object match? Only terms beyond name and namespace need its JSON.
pub fn matches(fields: &Fields, object: &Object) -> bool {
    if fields.is_empty() {
        return true;
    }
    let parsed = std::cell::OnceCell::<std::sync::Arc<Value>>::new();
    fields.matches(|field| match field {
        NAME => object.name.clone(),
        NAMESPACE => object.namespace.clone(),
        other => read(parsed.get_or_init(|| object.tree()), other),
    })
}

fn read(value: &Value, field: &str) -> String {
    match field {
        "status.successful" => text_or(value, "status.succeeded", "0"),
        "spec.hostNetwork" | "spec.unschedulable" => text_or(value, field, "false"),
        "status.replicas" => text_or(value, field, "0"),
        "status.podIPs" => {
            let ips = value["status"]["podIPs"].as_array().into_iter().flatten();
            ips.filter_map(|ip| ip["ip"].as_str())
                .collect::<Vec<_>>()
                .join(",")
        }
        "source" => text_or(
            value,
            "source.component",
            &text_at(value, "reportingComponent"),
        ),
        other => text_at(value, other),
    }
}

fn text_or(value: &Value, path: &str, default: &str) -> String {
    let text = text_at(value, path);
    if text.is_empty() {
        default.to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn kind(name: &str) -> Kind {
        kinds::builtin()
            .into_iter()
            .find(|k| k.kind == name)
            .unwrap()
    }

    #[test]
    fn each_kind_refuses_in_its_own_words() {
        let ask = |name: &str, text: &str| {
            resolve(&kind(name), false, Fields::parse(text).unwrap()).unwrap_err()
        };
        assert_eq!(
            ask("Pod", "spec.foo=bar"),
            "field label not supported: spec.foo"
        );
        assert_eq!(
            ask("Job", "spec.parallelism=1"),
            "field label \"spec.parallelism\" not supported for Job"
        );
        assert_eq!(
            ask("ConfigMap", "data=1"),
            "\"data\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        );
    }

    #[test]
    fn newer_event_fields_read_the_stored_ones() {
        let fields = Fields::parse("regarding.name=x").unwrap();
        let resolved = resolve(&kind("Event"), true, fields).unwrap();
        assert_eq!(resolved.exact("involvedObject.name"), Some("x"));
    }
}
