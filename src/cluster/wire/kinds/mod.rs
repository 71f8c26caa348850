//! THE LIST of workload kinds beyond batch/v1, one line each and one file each. Discovery, watching, the one
//! table, `jobdeck get` and its filters follow from it.

pub mod common;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::meta::{Condition, Meta, named};
use super::{Wire, lax};
use crate::cluster::kinds::Entry;
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::job::{Activity, Condition as ConditionRow, Facts, JobKind, JobRow};
use crate::model::pod::Replica;
use crate::model::want::Kind;

macro_rules! workloads {
    ($($kind:ident;)*) => {
        $(pub mod $kind;)*

        /// All of them.
        pub static WORKLOADS: &[Entry] = &[$(Entry {
            kind: Kind::Workload(JobKind(<$kind::This as Workload>::FACTS)),
            group: <$kind::This as Workload>::FACTS.group,
            versions: <$kind::This as Workload>::FACTS.versions,
            namespaced: true,
            batch: Some(super::batch::<Read<$kind::This>>),
        },)*];

        /// Which replica of which role a pod is, by the labels of whichever kind knows them.
        pub fn replica(pod: &Meta, index: Option<u32>, names: &mut Names) -> Option<Box<Replica>> {
            $(if let Some(replica) = <$kind::This as Workload>::replica(pod, index, names) {
                return Some(Box::new(replica));
            })*
            None
        }

        /// The files of the list.
        #[cfg(test)]
        const FILES: &[&str] = &[$(stringify!($kind),)*];

        #[cfg(test)]
        fn decode(plural: &str, json: &str) -> JobRow {
            $(if <$kind::This as Workload>::FACTS.plural == plural {
                let object: Read<$kind::This> = serde_json::from_str(json).unwrap();
                return object.row(ClusterId(0), &mut Names::default());
            })*
            panic!("no kind {plural}")
        }

        #[cfg(test)]
        pub(super) fn check_all(value: &serde_json::Value) {
            $(super::tests::check::<Read<$kind::This>>(value);)*
        }
    };
}

workloads! {
    pytorchjob;
    tfjob;
    mpijob;
    xgboostjob;
    paddlejob;
    jaxjob;
    trainjob;
    jobset;
    rayjob;
    raycluster;
    leaderworkerset;
}

/// A kind of workload: what is read of its objects, and how that fills a row.
pub trait Workload: Default + Send + 'static {
    const FACTS: &'static Facts;
    type Spec: DeserializeOwned + Default + Send;
    type Status: DeserializeOwned + Default + Send;
    /// Fills in what the metadata alone does not tell; the row comes with all of that.
    fn fill(spec: Self::Spec, status: Self::Status, row: &mut JobRow, names: &mut Names);

    /// Which replica of which role a pod of this kind is, by its labels; none of others' pods. `index` is the pod's
    /// completion index.
    fn replica(_pod: &Meta, _index: Option<u32>, _names: &mut Names) -> Option<Replica> {
        None
    }
}

/// An object of a kind.
#[derive(Default, Deserialize)]
#[serde(default, bound = "K: Workload", rename_all = "camelCase")]
pub struct Read<K: Workload> {
    #[serde(deserialize_with = "lax::text")]
    api_version: String,
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: K::Spec,
    #[serde(deserialize_with = "lax::object")]
    status: K::Status,
}

impl<K: Workload> Wire for Read<K> {
    type Row = JobRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> JobRow {
        let mut row = bare(K::FACTS, &self.api_version, &self.metadata, cluster, names);
        K::fill(self.spec, self.status, &mut row, names);
        row.policy = names.policy(row.policy);
        row
    }

    fn rows(change: Change<JobRow>) -> Rows {
        Rows::Jobs(change)
    }
}

/// A row of nothing but metadata.
fn bare(
    facts: &'static Facts,
    api_version: &str,
    meta: &Meta,
    cluster: ClusterId,
    names: &mut Names,
) -> JobRow {
    let api_version = match (api_version, facts.versions) {
        ("", [first, ..]) => names.get(&format!("{}/{first}", facts.group)),
        (told, _) => names.get(told),
    };
    let label = |key: &str| meta.label(key).unwrap_or_default();
    let (namespace, name) = (names.get(&meta.namespace), names.get(&meta.name));
    JobRow {
        kind: JobKind(facts),
        api_version,
        created: meta.creation_timestamp,
        deleting: meta.is_deleting(),
        owner: meta.owner(names),
        labels: meta.labels(names),
        activity: Activity::Waiting,
        queue: named(names, label("kueue.x-k8s.io/queue-name")),
        priority_class: named(names, label("kueue.x-k8s.io/priority-class")),
        ..JobRow::blank(meta.key(cluster), namespace, name)
    }
}

/// Conditions as rows, those the kind names otherwise in the words of batch/v1.
fn conditions(all: Vec<Condition>, words: &[(&str, &str)], names: &mut Names) -> Vec<ConditionRow> {
    all.into_iter()
        .map(|c| {
            let word = words.iter().find(|(theirs, _)| *theirs == c.kind);
            ConditionRow {
                kind: names.get(word.map_or(&c.kind, |(_, ours)| ours)),
                on: c.status == "True",
                reason: names.get(&c.reason),
                message: c.message.into(),
                since: c.last_transition_time,
            }
        })
        .collect()
}

/// A text, or a number as one.
fn scalar<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(match serde_json::Value::deserialize(d)? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Number(n) => n.to_string(),
        _ => String::new(),
    })
}

/// Notes what only this kind's status tells, if it does.
fn tell(row: &mut JobRow, names: &mut Names, what: &str, text: &str) {
    if !text.is_empty() && !what.is_empty() {
        row.told.push((names.get(what), text.into()));
    }
}

/// A label that is a number.
fn number(pod: &Meta, label: &str) -> Option<u32> {
    pod.label(label)?.parse().ok()
}

/// Whether a condition is True.
fn is(row: &JobRow, kind: &str) -> bool {
    row.conditions.iter().any(|c| c.on && &*c.kind == kind)
}

/// When a kind without a start time began: when it was last resumed, else created; none while it is held.
fn began(row: &JobRow) -> Option<DateTime<Utc>> {
    if row.suspend {
        return None;
    }
    let resumed = row
        .conditions
        .iter()
        .find(|c| !c.on && &*c.kind == "Suspended");
    resumed.and_then(|c| c.since).or(row.created)
}
