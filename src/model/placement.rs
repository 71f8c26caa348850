//! Which nodes the template of a pod may run on, as far as it says: node selector, required affinity, tolerations. What
//! cannot be told from what is kept of a node (that a label exists) rules out none, so that a node left out is surely out.

use serde_json::Value;

use super::node::NodeRow;

/// What a template says of its nodes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Placement {
    /// `nodeSelector`: all of them.
    pub selector: Vec<(String, String)>,
    /// Required node affinity: of one term all; none: no term, anything.
    pub terms: Vec<Vec<Rule>>,
    tolerations: Vec<Toleration>,
}

/// One expression of a term that can be told of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub key: String,
    /// `In`, else `NotIn`.
    pub within: bool,
    pub values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Toleration {
    /// Empty: every key.
    key: String,
    /// `None`: any.
    value: Option<String>,
    /// Empty: every effect.
    effect: String,
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or("").to_owned()
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

impl Placement {
    /// From a pod's spec.
    pub fn read(spec: &Value) -> Self {
        let selector = spec.get("nodeSelector").and_then(Value::as_object);
        let required = spec.pointer(
            "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
        );
        let rule = |e: &Value| {
            let operator = text(e.get("operator"));
            let within = match operator.as_str() {
                "In" => true,
                "NotIn" => false,
                _ => return None,
            };
            let values = list(e.get("values")).filter_map(Value::as_str);
            Some(Rule {
                key: text(e.get("key")),
                within,
                values: values.map(str::to_owned).collect(),
            })
        };
        Self {
            selector: selector
                .into_iter()
                .flatten()
                .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
                .collect(),
            terms: list(required)
                .map(|term| {
                    list(term.get("matchExpressions"))
                        .filter_map(rule)
                        .collect()
                })
                .collect(),
            tolerations: list(spec.get("tolerations"))
                .map(|t| Toleration {
                    key: text(t.get("key")),
                    value: (text(t.get("operator")) != "Exists").then(|| text(t.get("value"))),
                    effect: text(t.get("effect")),
                })
                .collect(),
        }
    }

    /// Whether it says nothing of where it runs.
    pub fn is_anywhere(&self) -> bool {
        self.selector.is_empty() && self.terms.iter().all(Vec::is_empty)
    }

    /// The value a label of its nodes surely has.
    pub fn value(&self, key: &str) -> Option<&str> {
        let chosen = self.selector.iter().find(|(k, _)| k == key);
        let by_affinity = || match self.terms.as_slice() {
            [term] => term.iter().find_map(|rule| match rule.values.as_slice() {
                [one] if rule.within && rule.key == key => Some(one.as_str()),
                _ => None,
            }),
            _ => None,
        };
        chosen.map(|(_, value)| value.as_str()).or_else(by_affinity)
    }

    /// Whether a node's labels are not against it.
    pub fn selects(&self, node: &NodeRow) -> bool {
        let holds = |rule: &Rule| {
            let has = rule.values.iter().any(|v| node.labels.has(&rule.key, v));
            has == rule.within
        };
        self.selector.iter().all(|(k, v)| node.labels.has(k, v))
            && (self.terms.is_empty() || self.terms.iter().any(|term| term.iter().all(holds)))
    }

    /// Whether it tolerates a taint, written `key=value:Effect`. Those the cluster sets and lifts itself, and those named
    /// after a device, which an admission plugin tolerates for it, are no obstacle; nor is a preference.
    pub fn tolerates(&self, taint: &str) -> bool {
        let (name, effect) = taint.rsplit_once(':').unwrap_or((taint, ""));
        let (key, value) = name.split_once('=').unwrap_or((name, ""));
        effect == "PreferNoSchedule"
            || key.starts_with("node.kubernetes.io/")
            || super::resources::is_device(key)
            || self.tolerations.iter().any(|t| {
                (t.key.is_empty() && t.value.is_none() || t.key == key)
                    && t.value.as_deref().is_none_or(|wanted| wanted == value)
                    && (t.effect.is_empty() || t.effect == effect)
            })
    }

    /// Whether it may run on a node, by labels and taints.
    pub fn allows(&self, node: &NodeRow) -> bool {
        self.selects(node) && node.taints.iter().all(|taint| self.tolerates(taint))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::fixture::{devices, node};
    use crate::model::labels::LabelSet;

    fn on(labels: &[(&str, &str)], taints: &[&str]) -> NodeRow {
        let mut row = node(1, "n", devices("nvidia.com/gpu", 8));
        row.labels = LabelSet::new(labels.iter().copied());
        row.taints = taints.iter().map(|t| (*t).into()).collect();
        row
    }

    fn affinity(terms: serde_json::Value) -> Placement {
        Placement::read(&json!({"affinity": {"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}}))
    }

    #[test]
    fn labels_choose_nodes() {
        let t4 = on(&[("pool", "t4"), ("zone", "a")], &[]);
        let selector = |pool: &str| Placement::read(&json!({"nodeSelector": {"pool": pool}}));
        assert!(selector("t4").allows(&t4) && !selector("a100").allows(&t4));
        assert_eq!(selector("t4").value("pool"), Some("t4"));
        let one = |op: &str, values: &[&str]| {
            affinity(
                json!([{"matchExpressions": [{"key": "pool", "operator": op, "values": values}]}]),
            )
        };
        for (placement, fits, value) in [
            (one("In", &["t4"]), true, Some("t4")),
            (one("In", &["a100", "t4"]), true, None),
            (one("In", &["a100"]), false, Some("a100")),
            (one("NotIn", &["t4"]), false, None),
            (one("NotIn", &["a100"]), true, None),
            // that a label exists cannot be told: it rules nothing out
            (one("Exists", &[]), true, None),
            (one("DoesNotExist", &[]), true, None),
            // of terms one is enough
            (
                affinity(json!([
                    {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["a100"]}]},
                    {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]},
                ])),
                true,
                None,
            ),
            (Placement::default(), true, None),
        ] {
            assert_eq!(placement.allows(&t4), fits, "{placement:?}");
            assert_eq!(placement.value("pool"), value, "{placement:?}");
        }
        assert!(Placement::default().is_anywhere() && !one("In", &["t4"]).is_anywhere());
    }

    #[test]
    fn taints_keep_out_who_does_not_tolerate_them() {
        let with = |tolerations: serde_json::Value| {
            Placement::read(&json!({ "tolerations": tolerations }))
        };
        let none = with(json!([]));
        for (taint, placement, fits) in [
            ("team=x:NoSchedule", &none, false),
            ("team=x:PreferNoSchedule", &none, true),
            ("nvidia.com/gpu=present:NoSchedule", &none, true),
            ("node.kubernetes.io/unschedulable:NoSchedule", &none, true),
            (
                "team=x:NoSchedule",
                &with(json!([{"operator": "Exists"}])),
                true,
            ),
            (
                "team=x:NoSchedule",
                &with(json!([{"key": "team", "value": "x"}])),
                true,
            ),
            (
                "team=x:NoSchedule",
                &with(json!([{"key": "team", "operator": "Equal", "value": "y"}])),
                false,
            ),
            (
                "team=x:NoExecute",
                &with(json!([{"key": "team", "operator": "Exists", "effect": "NoSchedule"}])),
                false,
            ),
            (
                "team:NoSchedule",
                &with(json!([{"key": "team", "operator": "Exists"}])),
                true,
            ),
        ] {
            assert_eq!(
                placement.allows(&on(&[], &[taint])),
                fits,
                "{taint} {placement:?}"
            );
        }
    }
}
