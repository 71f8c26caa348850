//! Validation of claims, slices and what pods say of claims.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Errors, list, text};
use crate::api::names;
use crate::api::status::Cause;

/// `spec.devices` of a claim or of a template's claim.
pub fn claim(errors: &mut Errors, path: &str, spec: &Value) {
    let path = format!("{path}.devices");
    let devices = &spec["devices"];
    let mut names = BTreeSet::new();
    for (i, request) in list(&devices["requests"]).iter().enumerate() {
        let at = format!("{path}.requests[{i}]");
        name(errors, &at, request, &mut names);
        let choices = list(&request["firstAvailable"]);
        match (request["exactly"].is_object(), choices) {
            (true, []) => one(errors, &format!("{at}.exactly"), &request["exactly"]),
            (true, _) => {
                let why = "exactly one of `exactly` or `firstAvailable` must be specified";
                errors.invalid(&at, request, why);
            }
            (false, []) => {
                let why = "exactly one of `exactly` or `firstAvailable` must be specified";
                errors.push(Cause::required(&at, why));
            }
            (false, choices) => {
                let mut subs = BTreeSet::new();
                errors.too_many(&format!("{at}.firstAvailable"), choices.len(), 8);
                for (n, choice) in choices.iter().enumerate() {
                    let at = format!("{at}.firstAvailable[{n}]");
                    name(errors, &at, choice, &mut subs);
                    one(errors, &at, choice);
                }
            }
        }
    }
    errors.too_many(
        &format!("{path}.requests"),
        list(&devices["requests"]).len(),
        32,
    );
}

fn name(errors: &mut Errors, at: &str, owner: &Value, seen: &mut BTreeSet<String>) {
    let name = text(&owner["name"]);
    if name.is_empty() {
        errors.push(Cause::required(format!("{at}.name"), ""));
    } else if !seen.insert(name.to_owned()) {
        errors.push(Cause::duplicate(at, &json!(name)));
    } else {
        errors.each(&format!("{at}.name"), name, names::dns_label(name));
    }
}

fn one(errors: &mut Errors, at: &str, request: &Value) {
    let class = text(&request["deviceClassName"]);
    let field = format!("{at}.deviceClassName");
    if class.is_empty() {
        errors.push(Cause::required(&field, ""));
    } else {
        errors.each(&field, class, names::dns_subdomain(class));
    }
    let count = &request["count"];
    match text(&request["allocationMode"]) {
        "All" if count.as_i64().is_some_and(|n| n != 0) => {
            let why = "must not be specified when allocationMode is 'All'";
            errors.invalid(&format!("{at}.count"), count, why);
        }
        "" | "ExactCount" => {
            if count.as_i64().is_some_and(|n| n <= 0) {
                let why = "must be greater than zero";
                errors.invalid(&format!("{at}.count"), count, why);
            }
        }
        "All" => {}
        _ => errors.push(Cause::unsupported(
            format!("{at}.allocationMode"),
            &request["allocationMode"],
            &["All", "ExactCount"],
        )),
    }
}

/// `spec` of a slice: who reaches it, and what is in it.
pub fn slice(errors: &mut Errors, spec: &Value) {
    let reach = [
        "nodeName",
        "nodeSelector",
        "allNodes",
        "perDeviceNodeSelection",
    ];
    let set: Vec<&str> = reach
        .into_iter()
        .filter(|field| match &spec[*field] {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            _ => true,
        })
        .collect();
    let all = "`nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection`";
    match set.as_slice() {
        [_] => {}
        [] => errors.push(Cause::required(
            "spec",
            &format!("exactly one of {all} is required"),
        )),
        more => {
            let found = more.join(", ");
            let why = format!("exactly one of {all} is required, but multiple fields are set");
            errors.invalid("spec", &json!(format!("{{{found}}}")), &why);
        }
    }
    let devices = list(&spec["devices"]);
    if !devices.is_empty() && !list(&spec["sharedCounters"]).is_empty() {
        let why = "only one of `devices` or `sharedCounters` is allowed";
        errors.invalid("spec", &json!("{devices, sharedCounters}"), why);
    }
    errors.too_many("spec.devices", devices.len(), 128);
    let mut names = BTreeSet::new();
    for (i, device) in devices.iter().enumerate() {
        name(errors, &format!("spec.devices[{i}]"), device, &mut names);
    }
}

/// What a pod says of its claims, and its containers of those.
pub fn pod(errors: &mut Errors, path: &str, spec: &Value) {
    let mut names = BTreeSet::new();
    for (i, claim) in list(&spec["resourceClaims"]).iter().enumerate() {
        let at = format!("{path}.resourceClaims[{i}]");
        name(errors, &at, claim, &mut names);
        let set = ["resourceClaimName", "resourceClaimTemplateName"];
        let both = "`resourceClaimName`, `resourceClaimTemplateName`";
        match set.iter().filter(|f| !text(&claim[**f]).is_empty()).count() {
            0 => {
                let why = format!("must specify one of: {both}");
                errors.invalid(&at, claim, &why);
            }
            1 => {}
            _ => {
                let why = format!("at most one of {both} may be specified");
                errors.invalid(&at, claim, &why);
            }
        }
    }
    for part in ["initContainers", "containers"] {
        for (i, container) in list(&spec[part]).iter().enumerate() {
            for (n, used) in list(&container["resources"]["claims"]).iter().enumerate() {
                let at = format!("{path}.{part}[{i}].resources.claims[{n}].name");
                if !names.contains(text(&used["name"])) {
                    errors.push(Cause::not_found(at, &used["name"]));
                }
            }
        }
    }
}
