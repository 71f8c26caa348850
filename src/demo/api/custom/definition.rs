//! CustomResourceDefinitions themselves: their defaults, what their registry resets, and what is wrong with one.

use regex::Regex;
use serde_json::{Value, json};

use super::check::fits;
use super::lifecycle::{FINALIZER, set_condition};
use super::structural::is;
use crate::api::names;
use crate::api::status::Cause;
use crate::store::Kind;

pub fn is_definition(kind: &Kind) -> bool {
    kind.group == "apiextensions.k8s.io" && kind.kind == "CustomResourceDefinition"
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What the server fills in.
pub fn defaults(spec: &mut Value) {
    let kind = text(&spec["names"]["kind"]).to_owned();
    if !spec["names"].is_object() {
        return;
    }
    let singular = kind.to_lowercase();
    for (field, default) in [("singular", singular), ("listKind", format!("{kind}List"))] {
        if text(&spec["names"][field]).is_empty() && !kind.is_empty() {
            spec["names"][field] = json!(default);
        }
    }
    if !spec["conversion"].is_object() {
        spec["conversion"] = json!({"strategy": "None"});
    }
}

fn storage(spec: &Value) -> Option<&str> {
    let found = list(&spec["versions"])
        .iter()
        .find(|v| v["storage"] == true)?;
    found["name"].as_str()
}

/// The status of a new definition.
pub fn fresh(value: &mut Value) {
    let stored: Vec<&str> = storage(&value["spec"]).into_iter().collect();
    value["status"] = json!({
        "acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": stored,
    });
}

/// Notes the storage version of a changed definition.
pub fn note_storage(value: &mut Value) {
    let Some(version) = storage(&value["spec"]).map(str::to_owned) else {
        return;
    };
    if let Some(all) = value["status"]["storedVersions"].as_array_mut()
        && !all.iter().any(|v| *v == version)
    {
        all.push(json!(version));
    }
}

/// Marks a definition for deletion.
pub fn mark_deleted(value: &mut Value, now: &str) {
    let meta = &mut value["metadata"];
    meta["deletionTimestamp"] = json!(now);
    match meta["finalizers"].as_array_mut() {
        Some(all) if all.iter().any(|f| f == FINALIZER) => {}
        Some(all) => all.push(json!(FINALIZER)),
        None => meta["finalizers"] = json!([FINALIZER]),
    }
    let why = (
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    );
    set_condition(value, "Terminating", "True", why, now);
}

/// What is wrong with a definition; `old` is its state before a change.
pub fn validate(value: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let spec = &value["spec"];
    let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
    let name = &value["metadata"]["name"];
    if old.is_none() && *name != format!("{plural}.{group}") {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", name, why));
    }
    if (group.ends_with(".k8s.io") || group.ends_with(".kubernetes.io"))
        && text(&value["metadata"]["annotations"]["api-approved.kubernetes.io"]).is_empty()
    {
        causes.push(Cause::required(
            "metadata.annotations[api-approved.kubernetes.io]",
            "protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111",
        ));
    }
    match group {
        "" => causes.push(Cause::required("spec.group", "")),
        group => each(
            &mut causes,
            "spec.group",
            group,
            names::dns_subdomain(group),
        ),
    }
    match text(&spec["scope"]) {
        "Cluster" | "Namespaced" => {}
        "" => causes.push(Cause::required("spec.scope", "")),
        _ => causes.push(Cause::unsupported(
            "spec.scope",
            &spec["scope"],
            &["Cluster", "Namespaced"],
        )),
    }
    versions(&mut causes, &spec["versions"]);
    if list(&value["status"]["storedVersions"]).is_empty() {
        let why = "must have at least one stored version";
        causes.push(Cause::invalid("status.storedVersions", &Value::Null, why));
    }
    conversion(&mut causes, &spec["conversion"]);
    names(&mut causes, &spec["names"]);
    for (i, stored) in list(&value["status"]["storedVersions"]).iter().enumerate() {
        if !list(&spec["versions"]).iter().any(|v| v["name"] == *stored) {
            let v = text(stored);
            let why = format!(
                "missing from spec.versions; {v} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {v} and removes {v} from status.storedVersions"
            );
            causes.push(Cause::invalid(
                format!("status.storedVersions[{i}]"),
                stored,
                &why,
            ));
        }
    }
    if let Some(old) = old {
        for path in ["scope", "names.plural"] {
            let at = |v: &Value| {
                path.split('.')
                    .fold(v["spec"].clone(), |v, field| v[field].clone())
            };
            if at(old) != at(value) {
                let field = format!("spec.{path}");
                causes.push(Cause::invalid(field, &at(value), "field is immutable"));
            }
        }
    }
    causes
}

fn each(causes: &mut Vec<Cause>, field: &str, value: &str, wrong: Vec<String>) {
    causes.extend(
        wrong
            .iter()
            .map(|why| Cause::invalid(field, &json!(value), why)),
    );
}

fn conversion(causes: &mut Vec<Cause>, conversion: &Value) {
    let webhook = &conversion["webhook"];
    match text(&conversion["strategy"]) {
        "None" => {}
        "Webhook" => {
            if !webhook["clientConfig"].is_object() {
                let why = "required when strategy is set to Webhook";
                causes.push(Cause::required("spec.conversion.webhookClientConfig", why));
            }
            if list(&webhook["conversionReviewVersions"]).is_empty() {
                causes.push(Cause::required(
                    "spec.conversion.conversionReviewVersions",
                    "",
                ));
            }
        }
        _ => causes.push(Cause::unsupported(
            "spec.conversion.strategy",
            &conversion["strategy"],
            &["None", "Webhook"],
        )),
    }
}

fn names(causes: &mut Vec<Cause>, names: &Value) {
    for field in ["plural", "singular", "kind", "listKind"] {
        let path = format!("spec.names.{field}");
        match text(&names[field]) {
            "" => causes.push(Cause::required(path, "")),
            name => {
                let wrong = names::dns1035_label(&name.to_lowercase());
                each(causes, &path, name, wrong);
            }
        }
    }
    for field in ["shortNames", "categories"] {
        for (i, name) in list(&names[field]).iter().enumerate() {
            let wrong = names::dns1035_label(text(name));
            each(
                causes,
                &format!("spec.names.{field}[{i}]"),
                text(name),
                wrong,
            );
        }
    }
    if !text(&names["kind"]).is_empty() && names["kind"] == names["listKind"] {
        let why = "kind and listKind may not be the same";
        causes.push(Cause::invalid(
            "spec.names.listKind",
            &names["listKind"],
            why,
        ));
    }
}

fn versions(causes: &mut Vec<Cause>, versions: &Value) {
    let all = list(versions);
    let mut met: Vec<&str> = Vec::new();
    for (i, version) in all.iter().enumerate() {
        let path = format!("spec.versions[{i}]");
        let name = text(&version["name"]);
        each(
            causes,
            &format!("{path}.name"),
            name,
            names::dns1035_label(name),
        );
        let schema = &version["schema"]["openAPIV3Schema"];
        let at = format!("{path}.schema.openAPIV3Schema");
        if schema.is_object() {
            if schema["type"] == "object" {
                structural(causes, schema, &at, "");
            } else if text(&schema["type"]).is_empty() {
                causes.push(Cause::required(
                    format!("{at}.type"),
                    "must not be empty at the root",
                ));
            } else {
                let why = "must be object at the root";
                causes.push(Cause::invalid(format!("{at}.type"), &schema["type"], why));
            }
        } else {
            causes.push(Cause::required(at, ""));
        }
        columns(causes, &version["additionalPrinterColumns"], &path);
        scale(causes, &version["subresources"]["scale"], &path);
        if met.contains(&name) {
            let why = "must contain unique version names";
            causes.push(Cause::invalid("spec.versions", versions, why));
        }
        met.push(name);
    }
    if all.iter().filter(|v| v["storage"] == true).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", versions, why));
    }
}

fn columns(causes: &mut Vec<Cause>, columns: &Value, path: &str) {
    for (i, column) in list(columns).iter().enumerate() {
        let at = format!("{path}.additionalPrinterColumns[{i}]");
        if text(&column["name"]).is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        let types = ["boolean", "date", "integer", "number", "string"];
        if text(&column["type"]).is_empty() {
            let why = format!("must be one of {}", types.join(","));
            causes.push(Cause::required(format!("{at}.type"), &why));
        } else if !types.contains(&text(&column["type"])) {
            let why = format!("must be one of {}", types.join(","));
            causes.push(Cause::invalid(format!("{at}.type"), &column["type"], &why));
        }
        simple_path(causes, &column["jsonPath"], &format!("{at}.JSONPath"));
    }
}

fn scale(causes: &mut Vec<Cause>, scale: &Value, path: &str) {
    if !scale.is_object() {
        return;
    }
    for (field, start) in [
        ("specReplicasPath", ".spec."),
        ("statusReplicasPath", ".status."),
    ] {
        let at = format!("{path}.subresources.scale.{field}");
        let before = causes.len();
        simple_path(causes, &scale[field], &at);
        if causes.len() == before && !text(&scale[field]).starts_with(start) {
            let root = start.trim_end_matches('.');
            causes.push(Cause::invalid(
                at,
                &scale[field],
                &format!("should be a json path under {root}"),
            ));
        }
    }
}

fn simple_path(causes: &mut Vec<Cause>, path: &Value, field: &str) {
    match text(path) {
        "" => causes.push(Cause::required(field, "")),
        p if !p.starts_with('.') => {
            causes.push(Cause::invalid(
                field,
                path,
                "must be a simple json path starting with .",
            ));
        }
        _ => {}
    }
}

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// Is a schema structural, and can it be used? `place` words where it stands.
fn structural(causes: &mut Vec<Cause>, schema: &Value, path: &str, place: &str) {
    let free = is(schema, "x-kubernetes-int-or-string")
        || is(schema, "x-kubernetes-preserve-unknown-fields");
    match text(&schema["type"]) {
        "" if free => {}
        "" => causes.push(Cause::required(
            format!("{path}.type"),
            &format!("must not be empty for specified {place}"),
        )),
        known if TYPES.contains(&known) => {}
        _ => causes.push(Cause::unsupported(
            format!("{path}.type"),
            &schema["type"],
            &TYPES,
        )),
    }
    if schema["type"] == "array" && !schema["items"].is_object() {
        causes.push(Cause::required(
            format!("{path}.items"),
            "must be specified",
        ));
    }
    if schema["x-kubernetes-list-type"] == "map"
        && list(&schema["x-kubernetes-list-map-keys"]).is_empty()
    {
        causes.push(Cause::required(
            format!("{path}.x-kubernetes-list-map-keys"),
            "must not be empty if x-kubernetes-list-type is map",
        ));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && let Err(why) = Regex::new(pattern)
    {
        let why = why.to_string();
        let why = why
            .lines()
            .last()
            .unwrap_or_default()
            .replace("error: ", "");
        causes.push(Cause::invalid(
            format!("{path}.pattern"),
            &schema["pattern"],
            &format!("must be a valid regular expression, but isn't: error parsing regexp: {why}"),
        ));
    }
    let default = &schema["default"];
    if !default.is_null() {
        causes.extend(fits(schema, default).into_iter().map(|cause| Cause {
            field: format!("{path}.default{}", cause.field),
            ..cause
        }));
    }
    let more = &schema["additionalProperties"];
    if schema["properties"].is_object() && !more.is_null() {
        let why = "additionalProperties and properties are mutual exclusive";
        causes.push(Cause::forbidden(
            format!("{path}.additionalProperties"),
            why,
        ));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        structural(
            causes,
            property,
            &format!("{path}.properties[{name}]"),
            "object fields",
        );
    }
    if schema["items"].is_object() {
        structural(
            causes,
            &schema["items"],
            &format!("{path}.items"),
            "array items",
        );
    }
    if more.is_object() {
        structural(
            causes,
            more,
            &format!("{path}.additionalProperties"),
            "object fields",
        );
    }
}
