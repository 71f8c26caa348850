//! MultiKueueCluster: a cluster that workloads may be sent to, and whether it can be reached.

use serde::Deserialize;

use super::super::meta::{self, Condition, Meta};
use super::super::{Object, Wire, lax};
use super::either;
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::{QueueRows, WorkerClusterRow};

pub type MultiKueueCluster = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::object")]
    cluster_source: From,
    /// v1beta1: the same two without a shell.
    #[serde(deserialize_with = "lax::object")]
    kube_config: KubeConfig,
    #[serde(deserialize_with = "lax::object")]
    cluster_profile_ref: Profile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct From {
    #[serde(deserialize_with = "lax::object")]
    kube_config: KubeConfig,
    #[serde(deserialize_with = "lax::object")]
    cluster_profile_ref: Profile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct KubeConfig {
    #[serde(deserialize_with = "lax::text")]
    location: String,
    #[serde(deserialize_with = "lax::text")]
    location_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Profile {
    #[serde(deserialize_with = "lax::text")]
    name: String,
}

/// `Secret/worker-eu`; empty: not told here.
fn source(config: &KubeConfig, profile: &Profile) -> String {
    let (location, kind) = (&config.location, &config.location_type);
    if !location.is_empty() {
        return format!("{}/{location}", either(kind, "Secret"));
    }
    match profile.name.as_str() {
        "" => String::new(),
        name => format!("ClusterProfile/{name}"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

impl Wire for MultiKueueCluster {
    type Row = WorkerClusterRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> WorkerClusterRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        let From {
            kube_config,
            cluster_profile_ref,
        } = &spec.cluster_source;
        let newer = source(kube_config, cluster_profile_ref);
        let older = source(&spec.kube_config, &spec.cluster_profile_ref);
        WorkerClusterRow {
            key: metadata.key(cluster),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            source: names.get(either(&newer, &older)),
            conditions: meta::conditions(status.conditions, names),
        }
    }

    fn rows(change: Change<WorkerClusterRow>) -> Rows {
        Rows::Queues(QueueRows::WorkerClusters(change))
    }
}
