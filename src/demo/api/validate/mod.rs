//! Validation of decoded and defaulted objects: which fields are wrong, in the server's words.

mod batch;
mod meta;
mod pod;
mod resource;
mod update;

use serde_json::{Value, json};

use super::names;
use super::status::Cause;
use crate::store::Kind;

pub use update::update;

/// Collects causes below a path.
pub(super) struct Errors {
    pub causes: Vec<Cause>,
}

impl Errors {
    fn new() -> Self {
        Self { causes: Vec::new() }
    }

    fn push(&mut self, cause: Cause) {
        self.causes.push(cause);
    }

    fn invalid(&mut self, field: &str, value: &Value, why: &str) {
        self.push(Cause::invalid(field, value, why));
    }

    fn each(&mut self, field: &str, value: &str, wrong: Vec<String>) {
        for why in wrong {
            self.invalid(field, &json!(value), &why);
        }
    }

    /// A number that must not be negative, if it is there.
    fn not_negative(&mut self, path: &str, owner: &Value, field: &str) {
        if owner[field].as_i64().is_some_and(|n| n < 0) {
            self.invalid(
                &format!("{path}.{field}"),
                &owner[field],
                "must be greater than or equal to 0",
            );
        }
    }

    /// A text that must be one of these.
    fn one_of(&mut self, field: &str, value: &Value, all: &[&str]) {
        match value.as_str() {
            None | Some("") => self.push(Cause::required(field, "")),
            Some(text) if !all.contains(&text) => {
                self.push(Cause::unsupported(field, value, all));
            }
            Some(_) => {}
        }
    }

    fn too_many(&mut self, field: &str, count: usize, limit: usize) {
        if count > limit {
            self.push(Cause {
                reason: "FieldValueTooMany",
                field: field.to_owned(),
                message: format!("Too many: {count}: must have at most {limit} items"),
            });
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What is wrong with a new object.
pub fn create(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut errors = Errors::new();
    meta::object(&mut errors, kind, &object["metadata"]);
    spec(&mut errors, kind, object);
    errors.causes
}

fn spec(errors: &mut Errors, kind: &Kind, object: &Value) {
    if kind.custom {
        return;
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("batch", "Job") => batch::job(errors, object),
        ("batch", "CronJob") => batch::cron_job(errors, object),
        ("", "Pod") => pod::spec(errors, "spec", &object["spec"]),
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => {
            workload(errors, object);
        }
        ("resource.k8s.io", "ResourceClaim") => resource::claim(errors, "spec", &object["spec"]),
        ("resource.k8s.io", "ResourceClaimTemplate") => {
            resource::claim(errors, "spec.spec", &object["spec"]["spec"]);
        }
        ("resource.k8s.io", "ResourceSlice") => resource::slice(errors, &object["spec"]),
        ("", "ConfigMap" | "Secret") => keys(errors, object),
        ("", "Service") => service(errors, object),
        ("scheduling.k8s.io", "PriorityClass") => {
            let value = object["value"].as_i64().unwrap_or_default();
            if value > 1_000_000_000 && !text(&object["metadata"]["name"]).starts_with("system-") {
                errors.push(Cause::forbidden(
                    "value",
                    "maximum allowed value of a user defined priority is 1000000000",
                ));
            }
        }
        _ => {}
    }
}

fn workload(errors: &mut Errors, object: &Value) {
    let spec = &object["spec"];
    errors.not_negative("spec", spec, "replicas");
    let template = &spec["template"];
    if !spec["selector"].is_object() {
        errors.push(Cause::required("spec.selector", ""));
    } else {
        let labels = &template["metadata"]["labels"];
        let unmatched = spec["selector"]["matchLabels"]
            .as_object()
            .into_iter()
            .flatten()
            .any(|(k, v)| labels[k] != *v);
        if unmatched {
            errors.invalid(
                "spec.template.metadata.labels",
                labels,
                "`selector` does not match template `labels`",
            );
        }
    }
    pod::template(errors, "spec.template", template);
    if template["spec"]["restartPolicy"] != "Always" {
        errors.push(Cause::unsupported(
            "spec.template.spec.restartPolicy",
            &template["spec"]["restartPolicy"],
            &["Always"],
        ));
    }
}

fn keys(errors: &mut Errors, object: &Value) {
    for field in ["data", "binaryData", "stringData"] {
        for key in object[field]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, _)| k)
        {
            let path = format!("{field}[{key}]");
            errors.each(&path, key, names::config_key(key));
        }
    }
}

fn service(errors: &mut Errors, object: &Value) {
    let spec = &object["spec"];
    let external = spec["type"] == "ExternalName";
    if list(&spec["ports"]).is_empty() && !external && spec["clusterIP"] != "None" {
        errors.push(Cause::required("spec.ports", ""));
    }
    for (i, port) in list(&spec["ports"]).iter().enumerate() {
        let path = format!("spec.ports[{i}]");
        if list(&spec["ports"]).len() > 1 && text(&port["name"]).is_empty() {
            errors.push(Cause::required(format!("{path}.name"), ""));
        }
        if !(1..=65535).contains(&port["port"].as_i64().unwrap_or_default()) {
            let why = "must be between 1 and 65535, inclusive";
            errors.invalid(&format!("{path}.port"), &port["port"], why);
        }
    }
}

#[cfg(test)]
mod tests;
