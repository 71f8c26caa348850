//! `metadata`: name, uid, owner, labels and the few annotations we use. managedFields, finalizers and all other
//! annotations are skipped unread.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::lax::{self, Text};
use crate::model::ids::{ClusterId, Key, Name, Names, Uid};
use crate::model::job::Condition as ConditionRow;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    #[serde(deserialize_with = "lax::text")]
    pub name: Text,
    #[serde(deserialize_with = "lax::text")]
    pub namespace: Text,
    #[serde(deserialize_with = "lax::text")]
    pub uid: Text,
    #[serde(deserialize_with = "lax::text")]
    pub resource_version: Text,
    #[serde(deserialize_with = "lax::time")]
    pub creation_timestamp: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::maybe_text")]
    pub deletion_timestamp: Option<String>,
    #[serde(deserialize_with = "lax::pairs")]
    pub labels: Vec<(Text, Text)>,
    #[serde(deserialize_with = "lax::object")]
    pub annotations: Annotations,
    #[serde(deserialize_with = "lax::list")]
    pub owner_references: Vec<Owner>,
}

/// The annotations we use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Annotations {
    #[serde(
        rename = "batch.kubernetes.io/job-completion-index",
        deserialize_with = "lax::maybe_count"
    )]
    pub index: Option<u32>,
    #[serde(
        rename = "batch.kubernetes.io/job-index-failure-count",
        deserialize_with = "lax::count"
    )]
    pub index_failures: u32,
    #[serde(
        rename = "batch.kubernetes.io/job-index-ignored-failure-count",
        deserialize_with = "lax::count"
    )]
    pub index_ignored_failures: u32,
    #[serde(
        rename = "kueue.x-k8s.io/pod-group-total-count",
        deserialize_with = "lax::maybe_count"
    )]
    pub pod_group_total: Option<u32>,
    /// On the bookmark that ends a streamed list.
    #[serde(rename = "k8s.io/initial-events-end", deserialize_with = "lax::text")]
    pub initial_events_end: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Owner {
    #[serde(deserialize_with = "lax::text")]
    pub kind: Text,
    #[serde(deserialize_with = "lax::text")]
    pub name: Text,
    #[serde(deserialize_with = "lax::text")]
    pub uid: Text,
    #[serde(deserialize_with = "lax::flag")]
    pub controller: bool,
}

impl Meta {
    /// Neither name nor uid: not an object at all.
    pub fn is_nobody(&self) -> bool {
        self.name.is_empty() && self.uid.is_empty()
    }

    pub fn uid(&self) -> Uid {
        if self.uid.is_empty() {
            // never on a real server; keeps nameable objects apart all the same
            return Uid::parse(&format!("{}/{}", self.namespace, self.name));
        }
        Uid::parse(&self.uid)
    }

    pub fn key(&self, cluster: ClusterId) -> Key {
        Key {
            cluster,
            uid: self.uid(),
        }
    }

    pub fn is_deleting(&self) -> bool {
        self.deletion_timestamp.is_some()
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }

    pub fn labels(&self, names: &mut Names) -> Vec<(Name, Name)> {
        self.labels
            .iter()
            .map(|(k, v)| (names.get(k), names.get(v)))
            .collect()
    }

    /// The controller owner: kind, name, uid.
    pub fn owner(&self, names: &mut Names) -> Option<(Name, Name, Uid)> {
        let owner = self.owner_references.iter().find(|o| o.controller)?;
        Some((
            names.get(&owner.kind),
            names.get(&owner.name),
            Uid::parse(&owner.uid),
        ))
    }
}

/// A status condition, as Jobs, Pods and Nodes have them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type", deserialize_with = "lax::text")]
    pub kind: Text,
    #[serde(deserialize_with = "lax::text")]
    pub status: Text,
    #[serde(deserialize_with = "lax::text")]
    pub reason: Text,
    #[serde(deserialize_with = "lax::text")]
    pub message: Text,
    #[serde(deserialize_with = "lax::time")]
    pub last_transition_time: Option<DateTime<Utc>>,
}

/// Conditions as rows.
pub fn conditions(all: Vec<Condition>, names: &mut Names) -> Vec<ConditionRow> {
    let each = all.into_iter().map(|c| ConditionRow {
        kind: names.get(&c.kind),
        on: c.status == "True",
        reason: names.get(&c.reason),
        message: c.message.into(),
        since: c.last_transition_time,
    });
    // collected in place they would keep the room of what was decoded
    let mut rows: Vec<_> = each.collect();
    rows.shrink_to_fit();
    rows
}

/// The text interned, unless it is empty.
pub fn named(names: &mut Names, text: &str) -> Option<Name> {
    (!text.is_empty()).then(|| names.get(text))
}
