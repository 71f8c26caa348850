//! Validation of pod specs, in pods and in templates.

use serde_json::{Value, json};

use super::{Errors, list, meta, text};
use crate::api::names;
use crate::api::quantity::Quantity;
use crate::api::status::Cause;

pub fn template(errors: &mut Errors, path: &str, template: &Value) {
    let about = &template["metadata"];
    // The server leaves `metadata` out of these two paths.
    meta::labels(errors, &format!("{path}.labels"), &about["labels"]);
    meta::annotations(
        errors,
        &format!("{path}.annotations"),
        &about["annotations"],
    );
    let spec_path = format!("{path}.spec");
    spec(errors, &spec_path, &template["spec"]);
    if !list(&template["spec"]["ephemeralContainers"]).is_empty() {
        errors.push(Cause::forbidden(
            format!("{spec_path}.ephemeralContainers"),
            "ephemeral containers not allowed in pod template",
        ));
    }
}

pub fn spec(errors: &mut Errors, path: &str, spec: &Value) {
    let at = |field: &str| format!("{path}.{field}");
    let volumes = volumes(errors, &at("volumes"), &spec["volumes"]);
    containers(errors, path, spec, &volumes);
    let all = ["Always", "OnFailure", "Never"];
    errors.one_of(&at("restartPolicy"), &spec["restartPolicy"], &all);
    let all = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    errors.one_of(&at("dnsPolicy"), &spec["dnsPolicy"], &all);
    meta::labels(errors, &at("nodeSelector"), &spec["nodeSelector"]);
    for (field, check) in [
        (
            "serviceAccountName",
            names::dns_subdomain as fn(&str) -> Vec<String>,
        ),
        ("nodeName", names::dns_subdomain),
        ("hostname", names::dns_label),
        ("subdomain", names::dns_label),
        ("priorityClassName", names::dns_subdomain),
        ("runtimeClassName", names::dns_subdomain),
    ] {
        let value = text(&spec[field]);
        if !value.is_empty() {
            errors.each(&at(field), value, check(value));
        }
    }
    if let Some(n) = spec["activeDeadlineSeconds"].as_i64()
        && !(1..=i64::from(i32::MAX)).contains(&n)
    {
        let why = "must be between 1 and 2147483647, inclusive";
        errors.invalid(&at("activeDeadlineSeconds"), &json!(n), why);
    }
    for (i, gate) in list(&spec["schedulingGates"]).iter().enumerate() {
        let name = text(&gate["name"]);
        let at = format!("{path}.schedulingGates[{i}]");
        errors.each(&at, name, names::qualified_name(name));
    }
    tolerations(errors, &at("tolerations"), &spec["tolerations"]);
    super::resource::pod(errors, path, spec);
}

fn volumes<'a>(errors: &mut Errors, path: &str, volumes: &'a Value) -> Vec<&'a str> {
    let mut known = Vec::new();
    for (i, volume) in list(volumes).iter().enumerate() {
        let at = format!("{path}[{i}]");
        let before = errors.causes.len();
        let sources: Vec<&String> = volume
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, _)| k)
            .filter(|k| *k != "name")
            .collect();
        if let [_, rest @ ..] = sources.as_slice() {
            for extra in rest {
                errors.push(Cause::forbidden(
                    format!("{at}.{extra}"),
                    "may not specify more than 1 volume type",
                ));
            }
        } else {
            errors.push(Cause::required(&at, "must specify a volume type"));
        }
        for (source, field) in [
            ("persistentVolumeClaim", "claimName"),
            ("secret", "secretName"),
            ("configMap", "name"),
            ("hostPath", "path"),
        ] {
            if volume[source].is_object() && text(&volume[source][field]).is_empty() {
                errors.push(Cause::required(format!("{at}.{source}.{field}"), ""));
            }
        }
        let name = text(&volume["name"]);
        if name.is_empty() {
            errors.push(Cause::required(format!("{at}.name"), ""));
        } else {
            errors.each(&format!("{at}.name"), name, names::dns_label(name));
        }
        if known.contains(&name) {
            errors.push(Cause::duplicate(format!("{at}.name"), &json!(name)));
        }
        if errors.causes.len() == before {
            known.push(name);
        }
    }
    known
}

fn containers(errors: &mut Errors, path: &str, spec: &Value, volumes: &[&str]) {
    let main = list(&spec["containers"]);
    if main.is_empty() {
        errors.push(Cause::required(format!("{path}.containers"), ""));
    }
    let mut names: Vec<&str> = Vec::new();
    for (field, all) in [
        ("containers", main),
        ("initContainers", list(&spec["initContainers"])),
    ] {
        for (i, c) in all.iter().enumerate() {
            let at = format!("{path}.{field}[{i}]");
            container(errors, &at, c, volumes);
            let name = text(&c["name"]);
            if names.contains(&name) {
                errors.push(Cause::duplicate(format!("{at}.name"), &json!(name)));
            } else if !name.is_empty() || field == "containers" {
                names.push(name);
            }
            if field == "initContainers" && c["restartPolicy"] != "Always" {
                for part in [
                    "lifecycle",
                    "livenessProbe",
                    "readinessProbe",
                    "startupProbe",
                ] {
                    if c[part].is_object() {
                        errors.push(Cause::forbidden(
                            format!("{at}.{part}"),
                            "may not be set for init containers without restartPolicy=Always",
                        ));
                    }
                }
            }
        }
    }
}

fn container(errors: &mut Errors, path: &str, c: &Value, volumes: &[&str]) {
    let at = |field: &str| format!("{path}.{field}");
    let name = text(&c["name"]);
    if name.is_empty() {
        errors.push(Cause::required(at("name"), ""));
    } else {
        errors.each(&at("name"), name, names::dns_label(name));
    }
    let image = text(&c["image"]);
    if image.is_empty() {
        errors.push(Cause::required(at("image"), ""));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        errors.invalid(&at("image"), &json!(image), why);
    }
    let all = ["File", "FallbackToLogsOnError"];
    errors.one_of(
        &at("terminationMessagePolicy"),
        &c["terminationMessagePolicy"],
        &all,
    );
    ports(errors, &at("ports"), &c["ports"]);
    env(errors, &at("env"), &c["env"]);
    let mut paths: Vec<&str> = Vec::new();
    for (i, mount) in list(&c["volumeMounts"]).iter().enumerate() {
        let at = format!("{path}.volumeMounts[{i}]");
        let (name, target) = (text(&mount["name"]), text(&mount["mountPath"]));
        if name.is_empty() {
            errors.push(Cause::required(format!("{at}.name"), ""));
        }
        if !volumes.contains(&name) {
            errors.push(Cause::not_found(format!("{at}.name"), &mount["name"]));
        }
        if target.is_empty() {
            errors.push(Cause::required(format!("{at}.mountPath"), ""));
        }
        if paths.contains(&target) {
            errors.invalid(&format!("{at}.mountPath"), &json!(target), "must be unique");
        }
        paths.push(target);
    }
    let all = ["Always", "IfNotPresent", "Never"];
    errors.one_of(&at("imagePullPolicy"), &c["imagePullPolicy"], &all);
    resources(errors, &at("resources"), &c["resources"]);
}

fn ports(errors: &mut Errors, path: &str, ports: &Value) {
    let why = "must be between 1 and 65535, inclusive";
    for (i, port) in list(ports).iter().enumerate() {
        let at = format!("{path}[{i}]");
        match port["containerPort"].as_i64().unwrap_or_default() {
            0 => errors.push(Cause::required(format!("{at}.containerPort"), "")),
            n if !(1..=65535).contains(&n) => {
                errors.invalid(&format!("{at}.containerPort"), &json!(n), why);
            }
            _ => {}
        }
        if let Some(n) = port["hostPort"].as_i64()
            && !(0..=65535).contains(&n)
        {
            errors.invalid(&format!("{at}.hostPort"), &json!(n), why);
        }
        let all = ["SCTP", "TCP", "UDP"];
        errors.one_of(&format!("{at}.protocol"), &port["protocol"], &all);
    }
}

fn env(errors: &mut Errors, path: &str, env: &Value) {
    for (i, var) in list(env).iter().enumerate() {
        let at = format!("{path}[{i}]");
        let name = text(&var["name"]);
        if name.is_empty() {
            errors.push(Cause::required(format!("{at}.name"), ""));
        } else if name
            .bytes()
            .any(|b| !(0x20..0x7f).contains(&b) || b == b'=')
        {
            let why = "a valid environment variable name must consist only of printable ASCII characters other than '='";
            errors.invalid(&format!("{at}.name"), &json!(name), why);
        }
        let from = &var["valueFrom"];
        if from.is_object() {
            let sources = from.as_object().map_or(0, serde_json::Map::len);
            let at = format!("{at}.valueFrom");
            if sources == 0 {
                let why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
                errors.invalid(&at, &json!(""), why);
            } else if !text(&var["value"]).is_empty() {
                let why = "may not be specified when `value` is not empty";
                errors.invalid(&at, &json!(""), why);
            } else if sources > 1 {
                let why = "may not have more than one field specified at a time";
                errors.invalid(&at, &json!(""), why);
            }
        }
    }
}

fn resources(errors: &mut Errors, path: &str, resources: &Value) {
    let standard = ["cpu", "memory", "ephemeral-storage"];
    let (limits, requests) = (&resources["limits"], &resources["requests"]);
    for (field, map) in [("limits", limits), ("requests", requests)] {
        for (name, quantity) in map.as_object().into_iter().flatten() {
            let at = format!("{path}.{field}[{name}]");
            errors.each(&at, name, names::qualified_name(name));
            let known = standard.contains(&name.as_str()) || name.starts_with("hugepages-");
            if !name.contains('/') && !known {
                let why = "must be a standard resource type or fully qualified";
                errors.invalid(&at, &json!(name), why);
                let why = "must be a standard resource for containers";
                errors.invalid(&at, &json!(name), why);
            }
            if text(quantity).starts_with('-') {
                errors.invalid(&at, quantity, "must be greater than or equal to 0");
            }
            if name.contains('/') && (text(quantity).ends_with('m') || text(quantity).contains('.'))
            {
                errors.invalid(&at, quantity, "must be an integer");
            }
        }
    }
    for (name, request) in requests.as_object().into_iter().flatten() {
        let limit = &limits[name];
        let overcommit = !name.contains('/') && !name.starts_with("hugepages-");
        match (limit.as_str(), overcommit) {
            (None, true) => {}
            (None, false) => errors.push(Cause::required(
                format!("{path}.limits"),
                "Limit must be set for non overcommitable resources",
            )),
            (Some(limit), _) => {
                let amount = |text| Quantity::parse(text).unwrap_or_default();
                let (asked, most) = (amount(text(request)), amount(limit));
                let why = if !overcommit && asked != most {
                    format!("must be equal to {name} limit of {limit}")
                } else if asked > most {
                    format!("must be less than or equal to {name} limit of {limit}")
                } else {
                    continue;
                };
                errors.invalid(&format!("{path}.requests"), request, &why);
            }
        }
    }
}

fn tolerations(errors: &mut Errors, path: &str, tolerations: &Value) {
    for (i, t) in list(tolerations).iter().enumerate() {
        let at = format!("{path}[{i}]");
        let (key, operator) = (text(&t["key"]), text(&t["operator"]));
        if !key.is_empty() {
            errors.each(&format!("{at}.key"), key, names::qualified_name(key));
        } else if operator != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.invalid(&format!("{at}.operator"), &json!(operator), why);
        }
        let effect = text(&t["effect"]);
        if !t["tolerationSeconds"].is_null() && effect != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.invalid(&format!("{at}.effect"), &json!(effect), why);
        }
        match operator {
            "Exists" if !text(&t["value"]).is_empty() => {
                let why = "value must be empty when `operator` is 'Exists'";
                errors.invalid(&format!("{at}.operator"), &t["value"], why);
            }
            "" | "Equal" | "Exists" => {}
            _ => errors.push(Cause::unsupported(
                format!("{at}.operator"),
                &t["operator"],
                &["Equal", "Exists"],
            )),
        }
        let all = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        if !effect.is_empty() && !all.contains(&effect) {
            errors.push(Cause::unsupported(
                format!("{at}.effect"),
                &t["effect"],
                &all,
            ));
        }
    }
}
