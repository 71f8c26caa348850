//! The create-only resources that answer questions: may I, what may I, who am I. Everything is allowed.

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::Call;
use super::discovery::review_kind;
use super::reply::{self, Reply};
use crate::api::decode::{Expected, Media};
use crate::api::options::WriteOptions;
use crate::api::schema::definition_name;
use crate::api::write::Refusal;

/// Who asks: the administrator, or whom he acts as, as a real server takes it from the headers.
#[derive(Default)]
pub struct Caller(Option<Value>);

impl Caller {
    pub fn of(headers: &HeaderMap) -> Self {
        let all = |name: &str| {
            let values = headers.get_all(name).iter();
            let values = values.filter_map(|v| v.to_str().ok());
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        let Some(name) = all("impersonate-user").into_iter().next() else {
            return Self::default();
        };
        let mut groups = all("impersonate-group");
        groups.push("system:authenticated".into());
        let mut user = json!({"username": name, "groups": groups});
        if let Some(uid) = all("impersonate-uid").first() {
            user["uid"] = json!(uid);
        }
        let extra: Map<String, Value> = (headers.keys())
            .filter_map(|key| {
                let name = key.as_str().strip_prefix("impersonate-extra-")?;
                Some((name.to_owned(), json!(all(key.as_str()))))
            })
            .collect();
        if !extra.is_empty() {
            user["extra"] = Value::Object(extra);
        }
        Self(Some(user))
    }

    fn info(&self) -> Value {
        let admin =
            || json!({"username": "demo", "groups": ["system:masters", "system:authenticated"]});
        self.0.clone().unwrap_or_else(admin)
    }
}

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
    answer["status"] = match kind {
        "SelfSubjectReview" => json!({"userInfo": call.caller.info()}),
        _ => verdict(kind, &asked["spec"]),
    };
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
        _ if spec["nonResourceAttributes"].is_object() => json!({"allowed": true}),
        _ => json!({"allowed": allows(&spec["resourceAttributes"])}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_it_is_asked_as_is_who_asks() {
        let mut headers = HeaderMap::new();
        assert_eq!(Caller::of(&headers).info()["username"], "demo");
        for (name, value) in [
            ("impersonate-user", "ann"),
            ("impersonate-group", "a"),
            ("impersonate-group", "b"),
            ("impersonate-extra-why", "tests"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        assert_eq!(
            Caller::of(&headers).info(),
            json!({"username": "ann", "groups": ["a", "b", "system:authenticated"], "extra": {"why": ["tests"]}})
        );
    }

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
