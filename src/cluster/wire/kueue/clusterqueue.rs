//! ClusterQueue: quota, and whom it serves by which rules.

use serde::Deserialize;

use super::super::meta::{self, Condition, Meta, named};
use super::super::{Object, Wire, lax};
use super::quota::{Fair, FlavorUse, Group, Share, groups, stop, uses};
use super::{all_named, either};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Name, Names};
use crate::model::kueue::QueueRows;
use crate::model::kueue::queue::{ClusterQueueRow, Namespaces, Preemption};

pub type ClusterQueue = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::text")]
    cohort_name: String,
    /// v1beta1
    #[serde(deserialize_with = "lax::text")]
    cohort: String,
    #[serde(deserialize_with = "lax::list")]
    resource_groups: Vec<Group>,
    #[serde(deserialize_with = "lax::text")]
    queueing_strategy: String,
    #[serde(deserialize_with = "lax::text")]
    stop_policy: String,
    #[serde(deserialize_with = "lax::object")]
    preemption: Preempt,
    #[serde(deserialize_with = "lax::object")]
    flavor_fungibility: Fungibility,
    #[serde(deserialize_with = "lax::maybe_object")]
    namespace_selector: Option<Selector>,
    #[serde(deserialize_with = "lax::object")]
    admission_checks_strategy: Strategy,
    /// v1beta1
    #[serde(deserialize_with = "lax::texts")]
    admission_checks: Vec<String>,
    #[serde(deserialize_with = "lax::object")]
    fair_sharing: Fair,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Preempt {
    #[serde(deserialize_with = "lax::text")]
    within_cluster_queue: String,
    #[serde(deserialize_with = "lax::text")]
    reclaim_within_cohort: String,
    #[serde(deserialize_with = "lax::object")]
    borrow_within_cohort: Borrow,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Borrow {
    #[serde(deserialize_with = "lax::text")]
    policy: String,
    #[serde(deserialize_with = "lax::maybe_int")]
    max_priority_threshold: Option<i32>,
}

impl Preempt {
    fn row(&self, names: &mut Names) -> Preemption {
        // unset and `Never` are the same
        let mut policy = |text: &str| names.get(either(text, "Never"));
        Preemption {
            within_cluster_queue: policy(&self.within_cluster_queue),
            reclaim_within_cohort: policy(&self.reclaim_within_cohort),
            borrow_within_cohort: policy(&self.borrow_within_cohort.policy),
            borrow_max_priority: self.borrow_within_cohort.max_priority_threshold,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fungibility {
    #[serde(deserialize_with = "lax::text")]
    when_can_borrow: String,
    #[serde(deserialize_with = "lax::text")]
    when_can_preempt: String,
}

impl Fungibility {
    fn row(&self, names: &mut Names) -> (Name, Name) {
        let mut word = |text: &str| {
            names.get(match text {
                // v1beta1
                "Borrow" | "Preempt" => "MayStopSearch",
                text => text,
            })
        };
        (word(&self.when_can_borrow), word(&self.when_can_preempt))
    }
}

/// A label selector.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Selector {
    #[serde(deserialize_with = "lax::pairs")]
    match_labels: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::list")]
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Expression {
    #[serde(deserialize_with = "lax::text")]
    key: String,
    #[serde(deserialize_with = "lax::text")]
    operator: String,
    #[serde(deserialize_with = "lax::texts")]
    values: Vec<String>,
}

impl Expression {
    fn text(&self) -> String {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator.as_str() {
            "Exists" => key.clone(),
            "DoesNotExist" => format!("!{key}"),
            operator => format!("{key} {} ({values})", operator.to_lowercase()),
        }
    }
}

impl Selector {
    fn row(&self, names: &mut Names) -> Namespaces {
        let labels = self.match_labels.iter().map(|(k, v)| format!("{k}={v}"));
        let all: Vec<String> = labels
            .chain(self.match_expressions.iter().map(Expression::text))
            .collect();
        match all.is_empty() {
            true => Namespaces::All,
            false => Namespaces::Selected(names.get(&all.join(","))),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Strategy {
    #[serde(deserialize_with = "lax::list")]
    admission_checks: Vec<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rule {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::texts")]
    on_flavors: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::list")]
    flavors_reservation: Vec<FlavorUse>,
    #[serde(deserialize_with = "lax::list")]
    flavors_usage: Vec<FlavorUse>,
    #[serde(deserialize_with = "lax::count")]
    pending_workloads: u32,
    #[serde(deserialize_with = "lax::count")]
    reserving_workloads: u32,
    #[serde(deserialize_with = "lax::count")]
    admitted_workloads: u32,
    #[serde(deserialize_with = "lax::object")]
    fair_sharing: Share,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

impl Wire for ClusterQueue {
    type Row = ClusterQueueRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> ClusterQueueRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        let older = spec.admission_checks.iter().filter(|name| !name.is_empty());
        let older: Vec<_> = older.map(|name| (names.get(name), Vec::new())).collect();
        let rules = spec.admission_checks_strategy.admission_checks;
        let mut checks: Vec<(Name, Vec<Name>)> = rules
            .iter()
            .map(|rule| (names.get(&rule.name), all_named(&rule.on_flavors, names)))
            .collect();
        checks.extend(older);
        ClusterQueueRow {
            key: metadata.key(cluster),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            deleting: metadata.is_deleting(),
            cohort: named(names, either(&spec.cohort_name, &spec.cohort)),
            groups: groups(spec.resource_groups, names),
            strict: spec.queueing_strategy == "StrictFIFO",
            stop: stop(&spec.stop_policy),
            preemption: spec.preemption.row(names),
            fungibility: spec.flavor_fungibility.row(names),
            namespaces: match &spec.namespace_selector {
                None => Namespaces::Nobody,
                Some(selector) => selector.row(names),
            },
            checks,
            weight: spec.fair_sharing.weight(),
            share: status.fair_sharing.weighted_share,
            reserved: uses(&status.flavors_reservation, names),
            used: uses(&status.flavors_usage, names),
            pending: status.pending_workloads,
            reserving: status.reserving_workloads,
            admitted: status.admitted_workloads,
            conditions: meta::conditions(status.conditions, names),
        }
    }

    fn rows(change: Change<ClusterQueueRow>) -> Rows {
        Rows::Queues(QueueRows::ClusterQueues(change))
    }
}
