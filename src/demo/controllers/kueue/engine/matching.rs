//! Does a pod go onto the nodes of a flavor: taints against tolerations, and the selector and affinity as far as they
//! name labels of the flavor.

use serde_json::Value;

use super::spec::{FlavorSpec, PodSet};

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let exists = text(toleration, "operator") == "Exists";
    let key = text(toleration, "key");
    let effect = text(toleration, "effect");
    (effect.is_empty() || effect == text(taint, "effect"))
        && (key == text(taint, "key") || (key.is_empty() && exists))
        && (exists || text(toleration, "value") == text(taint, "value"))
}

/// A taint as Go prints it.
fn taint_text(taint: &Value) -> String {
    let (key, value, effect) = (
        text(taint, "key"),
        text(taint, "value"),
        text(taint, "effect"),
    );
    format!("{{{key} {value} {effect} <nil>}}")
}

/// Why the pods do not go there; `None` if they do.
pub fn refusal(name: &str, flavor: Option<&FlavorSpec>, set: &PodSet) -> Option<String> {
    let Some(flavor) = flavor else {
        return Some(format!("flavor {name} not found"));
    };
    for taint in &flavor.taints {
        let hard = matches!(text(taint, "effect"), "NoSchedule" | "NoExecute");
        let mut tolerations = set.tolerations.iter().chain(&flavor.tolerations);
        if hard && !tolerations.any(|t| tolerates(t, taint)) {
            let taint = taint_text(taint);
            return Some(format!("untolerated taint {taint} in flavor {name}"));
        }
    }
    let selected = set
        .selector
        .iter()
        .all(|(k, v)| match flavor.labels.get(k) {
            Some(label) => label == v,
            None => true,
        });
    if selected && affine(&set.terms, flavor) {
        return None;
    }
    Some(format!("flavor {name} doesn't match node affinity"))
}

/// Terms are alternatives; one that says nothing of the flavor's labels lets everything pass.
fn affine(terms: &Value, flavor: &FlavorSpec) -> bool {
    let Some(terms) = terms.as_array().filter(|t| !t.is_empty()) else {
        return true;
    };
    terms.iter().any(|term| {
        let all = term["matchExpressions"].as_array().into_iter().flatten();
        let mut known = all.filter(|e| flavor.labels.contains_key(text(e, "key")));
        known.all(|e| {
            let label = flavor.labels.get(text(e, "key"));
            let label = label.map(String::as_str).unwrap_or_default();
            let values = || e["values"].as_array().into_iter().flatten();
            let number = |v: &str| v.parse::<i64>().ok();
            let bound = || values().next().and_then(Value::as_str).and_then(number);
            match text(e, "operator") {
                "In" => values().any(|v| v == label),
                "NotIn" => !values().any(|v| v == label),
                "Exists" => true,
                "Gt" => number(label) > bound(),
                "Lt" => number(label).is_some() && number(label) < bound(),
                _ => false,
            }
        })
    })
}
