//! Does a pod fit a node, and if not, why: the filters in the real scheduler's order and words.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::controllers::quantity::{self, Amounts};
use crate::controllers::wire::{Pod, Requirement};
use crate::store::Object;

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Taint {
    key: String,
    value: String,
    effect: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Toleration {
    key: String,
    operator: String,
    value: String,
    effect: String,
}

impl Toleration {
    fn tolerates(&self, taint: &Taint) -> bool {
        let key = self.key.is_empty() || self.key == taint.key;
        let value = self.operator == "Exists" || self.value == taint.value;
        let effect = self.effect.is_empty() || self.effect == taint.effect;
        key && value && effect && (!self.key.is_empty() || self.operator == "Exists")
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Term {
    match_expressions: Vec<Requirement>,
    match_fields: Vec<Requirement>,
}

/// What a pod asks of a node.
#[derive(Debug, Default)]
pub struct Wish {
    pub gated: bool,
    pub priority: i64,
    /// It names claims, which have to be served on the same node.
    pub claims: bool,
    /// Equal for pods that fit exactly the same nodes.
    pub shape: String,
    /// Equal for pods that may go to the same nodes, whatever room there is.
    pub kind: String,
    pub amounts: Amounts,
    selector: BTreeMap<String, String>,
    terms: Option<Vec<Term>>,
    tolerations: Vec<Toleration>,
}

impl Wish {
    pub fn new(pod: &Pod) -> Self {
        let value = pod.object.tree();
        let spec = &value["spec"];
        let affinity = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            ["nodeSelectorTerms"];
        let amounts = quantity::demand(&pod.spec);
        let claims = !pod.spec.resource_claims.is_empty();
        let kind = format!("{}{affinity}{}", spec["nodeSelector"], spec["tolerations"]);
        let mut shape = format!("{amounts:?}{kind}");
        if claims {
            shape.push_str(pod.uid());
        }
        Self {
            claims,
            gated: spec["schedulingGates"]
                .as_array()
                .is_some_and(|gates| !gates.is_empty()),
            priority: spec["priority"].as_i64().unwrap_or(0),
            shape,
            kind,
            amounts,
            selector: read(&spec["nodeSelector"]),
            terms: affinity.is_array().then(|| read(affinity)),
            tolerations: read(&spec["tolerations"]),
        }
    }

    fn tolerates(&self, taint: &Taint) -> bool {
        self.tolerations.iter().any(|t| t.tolerates(taint))
    }
}

fn read<T: for<'de> Deserialize<'de> + Default>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_default()
}

/// The claims cannot be served there.
pub fn unclaimable() -> Refused {
    Refused {
        reasons: vec![Cow::Borrowed("cannot allocate all claims")],
        resolvable: true,
    }
}

/// Why a node was refused.
#[derive(Debug)]
pub struct Refused {
    pub reasons: Vec<Cow<'static, str>>,
    /// Removing other pods could help.
    pub resolvable: bool,
}

/// A node with what is booked on it.
#[derive(Debug)]
pub struct NodeInfo {
    pub name: String,
    pub ready: bool,
    pub object: Arc<Object>,
    taints: Vec<Taint>,
    unschedulable: bool,
    allocatable: Amounts,
    used: Amounts,
    pods: i64,
}

impl NodeInfo {
    pub fn new(object: &Arc<Object>) -> Self {
        let mut node = Self {
            name: object.name.clone(),
            ready: false,
            object: object.clone(),
            taints: Vec::new(),
            unschedulable: false,
            allocatable: Amounts::new(),
            used: Amounts::new(),
            pods: 0,
        };
        node.refresh(object);
        node
    }

    /// Takes over a new version; true if anything changed that decides where pods may go.
    pub fn refresh(&mut self, object: &Arc<Object>) -> bool {
        let value = object.tree();
        let allocatable: BTreeMap<String, String> = read(&value["status"]["allocatable"]);
        let allocatable: Amounts = allocatable
            .into_iter()
            .map(|(k, v)| (k, quantity::parse(&v)))
            .collect();
        let taints: Vec<Taint> = read(&value["spec"]["taints"]);
        let unschedulable = value["spec"]["unschedulable"] == true;
        let conditions = value["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        let ready = conditions.any(|c| c["type"] == "Ready" && c["status"] == "True");
        let changed = allocatable != self.allocatable
            || taints != self.taints
            || unschedulable != self.unschedulable
            || ready != self.ready
            || object.labels != self.object.labels;
        self.object = object.clone();
        self.allocatable = allocatable;
        self.taints = taints;
        self.unschedulable = unschedulable;
        self.ready = ready;
        changed
    }

    pub fn book(&mut self, amounts: &Amounts) {
        self.pods += 1;
        for (name, amount) in amounts {
            *self.used.entry(name.clone()).or_default() += amount;
        }
    }

    pub fn free(&mut self, amounts: &Amounts) {
        self.pods -= 1;
        for (name, amount) in amounts {
            *self.used.entry(name.clone()).or_default() -= amount;
        }
    }

    /// Labels that a bound pod takes over from its node.
    pub fn topology(&self) -> Vec<(&'static str, String)> {
        let keys = [
            "topology.kubernetes.io/zone",
            "topology.kubernetes.io/region",
        ];
        let found = keys.into_iter();
        let found = found.filter_map(|k| Some((k, self.object.labels.get(k)?.clone())));
        found.collect()
    }

    /// Whether there is room at all: quickly told, and most nodes of a full cluster have none.
    pub fn has_room(&self, wish: &Wish) -> bool {
        let has = |(name, amount): (&String, &i64)| {
            let all = self.allocatable.get(name).copied().unwrap_or(0);
            let used = || self.used.get(name).copied().unwrap_or(0);
            *amount <= all && used().saturating_add(*amount) <= all
        };
        wish.amounts.iter().all(has)
    }

    /// Why pods of a shape may not come here, whatever room there is: the first filter that refuses decides, as in the
    /// real scheduler.
    pub fn bars(&self, wish: &Wish) -> Option<&'static str> {
        let cordon = || Taint {
            key: "node.kubernetes.io/unschedulable".to_owned(),
            effect: "NoSchedule".to_owned(),
            ..Taint::default()
        };
        if self.unschedulable && !wish.tolerates(&cordon()) {
            return Some("node(s) were unschedulable");
        }
        let hard = self
            .taints
            .iter()
            .filter(|t| t.effect != "PreferNoSchedule");
        if hard.into_iter().any(|t| !wish.tolerates(t)) {
            return Some("node(s) had untolerated taint(s)");
        }
        (!self.selected(wish)).then_some("node(s) didn't match Pod's node affinity/selector")
    }

    /// Whether there is room for one more, and if not, of what there is too little.
    pub fn room(&self, wish: &Wish) -> Result<(), Refused> {
        let (mut reasons, mut resolvable) = (Vec::new(), true);
        let limit = self.allocatable.get("pods").copied().unwrap_or(110_000) / 1000;
        if self.pods + 1 > limit {
            reasons.push("Too many pods".into());
        }
        for (name, amount) in &wish.amounts {
            let all = self.allocatable.get(name).copied().unwrap_or(0);
            let used = self.used.get(name).copied().unwrap_or(0);
            if used.saturating_add(*amount) > all {
                reasons.push(format!("Insufficient {name}").into());
                resolvable &= *amount <= all;
            }
        }
        if reasons.is_empty() {
            return Ok(());
        }
        Err(Refused {
            reasons,
            resolvable,
        })
    }

    fn selected(&self, wish: &Wish) -> bool {
        let labels = &self.object.labels;
        if !wish.selector.iter().all(|(k, v)| labels.get(k) == Some(v)) {
            return false;
        }
        let Some(terms) = &wish.terms else {
            return true;
        };
        let fields = |t: &Term| {
            let name = || BTreeMap::from([("metadata.name".to_owned(), self.name.clone())]);
            t.match_fields.is_empty() || {
                let name = name();
                t.match_fields.iter().all(|r| r.holds(&name))
            }
        };
        let term = |t: &Term| {
            let empty = t.match_expressions.is_empty() && t.match_fields.is_empty();
            !empty && t.match_expressions.iter().all(|r| r.holds(labels)) && fields(t)
        };
        terms.iter().any(term)
    }

    /// More is better: few soft taints first, then the least used node.
    pub fn score(&self, wish: &Wish) -> i64 {
        let soft = self
            .taints
            .iter()
            .filter(|t| t.effect == "PreferNoSchedule");
        let soft = soft.filter(|t| !wish.tolerates(t)).count() as i64;
        let free = |name: &str| {
            let all = self.allocatable.get(name).copied().unwrap_or(0).max(1);
            let used = self.used.get(name).copied().unwrap_or(0);
            let own = wish.amounts.get(name).copied().unwrap_or(0);
            ((all - used - own) as f64 / all as f64 * 1000.0) as i64
        };
        -10_000 * soft + free("cpu") + free("memory") - self.pods
    }
}

/// Writes the PodScheduled condition: true, or false with reason and message.
pub fn set_scheduled(pod: &mut Value, now: &str, refused: Option<(&str, &str)>) {
    let mut condition = json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now,
    });
    if let Some((reason, message)) = refused {
        condition["status"] = json!("False");
        condition["reason"] = json!(reason);
        condition["message"] = json!(message);
        condition["observedGeneration"] = pod["metadata"]["generation"].clone();
    }
    let mut all = pod["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    match all.iter_mut().find(|c| c["type"] == "PodScheduled") {
        Some(old) => {
            if old["status"] == condition["status"] {
                condition["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            *old = condition;
        }
        None => all.push(condition),
    }
    pod["status"]["conditions"] = json!(all);
}
