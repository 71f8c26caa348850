//! The create-only resources that answer questions: may I, what may I, who am I. Everything is allowed.

use serde_json::{Value, json};

use super::Call;
use super::discovery::review_kind;
use super::reply::{self, Reply};
use crate::api::decode::{Expected, Media};
use crate::api::options::WriteOptions;
use crate::api::schema::definition_name;
use crate::api::write::Refusal;

pub fn answer(plural: &str, call: &Call) -> Result<Reply, Refusal> {
    if call.method != "POST" {
        return Err(Refusal::method_not_allowed());
    }
    let options = WriteOptions::parse(&call.query, "CreateOptions", false)?;
    let kind = review_kind(plural);
    let group = if plural == "selfsubjectreviews" {
        "authentication.k8s.io"
    } else {
        "authorization.k8s.io"
    };
    let definition = definition_name(group, "v1", kind);
    let expected = Expected {
        group,
        version: "v1",
        kind,
        definition: Some(&definition),
    };
    let media = Media::of(&call.content_type)?;
    let asked = expected.read(media, &call.body, options.validation)?.value;
    let mut answer = json!({"kind": kind, "apiVersion": format!("{group}/v1"), "metadata": {}});
    if asked["spec"].is_object() {
        answer["spec"] = asked["spec"].clone();
    }
    answer["status"] = verdict(kind, &asked["spec"]);
    Ok(reply::json(201, &answer))
}

/// One rule of what the caller may do.
struct Rule {
    groups: &'static [&'static str],
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
}

/// The caller's rules: those of a cluster administrator.
const RULES: [Rule; 1] = [Rule {
    groups: &["*"],
    resources: &["*"],
    verbs: &["*"],
}];

fn allows(attributes: &Value) -> bool {
    let fits = |all: &[&str], field: &str| {
        let wanted = attributes[field].as_str().unwrap_or_default();
        all.iter().any(|a| *a == "*" || *a == wanted)
    };
    RULES
        .iter()
        .any(|r| fits(r.groups, "group") && fits(r.resources, "resource") && fits(r.verbs, "verb"))
}

fn verdict(kind: &str, spec: &Value) -> Value {
    match kind {
        "SelfSubjectRulesReview" => {
            let rules: Vec<Value> = RULES
                .iter()
                .map(|r| json!({"verbs": r.verbs, "apiGroups": r.groups, "resources": r.resources}))
                .collect();
            json!({
                "resourceRules": rules,
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                "incomplete": false,
            })
        }
        "SelfSubjectReview" => json!({"userInfo": {
            "username": "demo", "groups": ["system:masters", "system:authenticated"],
        }}),
        _ if spec["nonResourceAttributes"].is_object() => json!({"allowed": true}),
        _ => json!({"allowed": allows(&spec["resourceAttributes"])}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_may_do_everything() {
        let spec =
            json!({"resourceAttributes": {"group": "batch", "resource": "jobs", "verb": "create"}});
        assert_eq!(verdict("SelfSubjectAccessReview", &spec)["allowed"], true);
        let rules = verdict("SelfSubjectRulesReview", &Value::Null);
        assert_eq!(rules["resourceRules"][0]["verbs"], json!(["*"]));
        assert_eq!(rules["incomplete"], false);
    }
}
