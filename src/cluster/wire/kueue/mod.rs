//! THE LIST of the kinds of queues, one line each and one file each: how Kueue's objects are read. The newest and
//! the older versions of its API give the same rows.

pub mod admissioncheck;
pub mod clusterqueue;
pub mod cohort;
pub mod localqueue;
pub mod multikueuecluster;
pub mod multikueueconfig;
mod pod;
pub mod provisioningrequest;
mod quota;
pub mod resourceflavor;
pub mod resourcequota;
#[cfg(test)]
mod tests;
pub mod topology;
mod topologyassignment;
pub mod volcanoqueue;
pub mod workload;
pub mod workloadpriorityclass;

use crate::cluster::kinds::Entry;
use crate::model::ids::{Name, Names};
use crate::model::kueue::{Amount, QueueKind, amount};
use crate::model::quantity::Quantity;
use crate::model::want::Kind;

macro_rules! queues {
    ($($kind:ident $wire:ty;)*) => {
        /// All of them.
        pub static QUEUES: &[Entry] = &[$(Entry {
            kind: Kind::Queue(QueueKind::$kind),
            group: QueueKind::$kind.group(),
            versions: QueueKind::$kind.versions(),
            namespaced: QueueKind::$kind.namespaced(),
            batch: Some(super::batch::<$wire>),
        },)*];

        #[cfg(test)]
        pub(super) fn check_all(value: &serde_json::Value) {
            $(super::tests::check::<$wire>(value);)*
        }
    };
}

queues! {
    Workload              workload::Workload;
    ClusterQueue          clusterqueue::ClusterQueue;
    LocalQueue            localqueue::LocalQueue;
    Cohort                cohort::Cohort;
    ResourceFlavor        resourceflavor::ResourceFlavor;
    WorkloadPriorityClass workloadpriorityclass::WorkloadPriorityClass;
    AdmissionCheck        admissioncheck::AdmissionCheck;
    Topology              topology::Topology;
    MultiKueueCluster     multikueuecluster::MultiKueueCluster;
    MultiKueueConfig      multikueueconfig::MultiKueueConfig;
    ProvisioningRequest   provisioningrequest::ProvisioningRequest;
    ResourceQuota         resourcequota::ResourceQuota;
    VolcanoQueue          volcanoqueue::VolcanoQueue;
}

/// A quantity of a resource as Kueue counts it; what is none counts nothing.
fn counted(resource: &str, quantity: &str) -> Amount {
    amount(resource, Quantity::parse(quantity).unwrap_or_default())
}

/// A quantity whose absence means something.
fn limit(resource: &str, quantity: &str) -> Option<Amount> {
    Some(amount(resource, Quantity::parse(quantity)?))
}

/// A resource list, sorted by name.
fn amounts(
    list: &[(super::lax::Text, super::lax::Text)],
    names: &mut Names,
) -> Vec<(Name, Amount)> {
    let mut all: Vec<(Name, Amount)> = list
        .iter()
        .map(|(resource, quantity)| (names.get(resource), counted(resource, quantity)))
        .collect();
    all.sort();
    all
}

/// The first text that says something: newer spelling before older.
fn either<'a>(newer: &'a str, older: &'a str) -> &'a str {
    if newer.is_empty() { older } else { newer }
}

/// Texts as names, empty ones left out.
fn all_named(texts: &[String], names: &mut Names) -> Vec<Name> {
    texts
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| names.get(text))
        .collect()
}
