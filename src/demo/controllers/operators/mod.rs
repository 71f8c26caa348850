//! The operators of custom resources that a cluster for batch work has installed: one line for each kind.
//!
//! An operator is woken for objects of its kind and for whatever one of them controls (pods, Jobs, services, other
//! custom objects). It reads the object by key, compares it with what is there, writes, and is done: called
//! again with nothing changed it must write nothing.

mod conditions;
mod jobset;
mod look;
mod lws;
mod mpi;
mod ray;
mod training;
mod trainjob;

use std::sync::Arc;

use serde_json::Value;

pub use look::owner;

use super::hub::Hub;
use super::tasks::{Key, Task};
use crate::api::decode;
use crate::api::write::{Cluster, Refusal, Writer};
use crate::store::{Change, Event, Kind, KindId, Object, Store};

/// One kind and the loop that looks after it.
struct Operator {
    group: &'static str,
    kind: &'static str,
    sync: fn(&mut Hub<'_>, &Key),
}

const fn operator(
    group: &'static str,
    kind: &'static str,
    sync: fn(&mut Hub<'_>, &Key),
) -> Operator {
    Operator { group, kind, sync }
}

const OPERATORS: &[Operator] = &[
    operator("kubeflow.org", "PyTorchJob", |hub, key| {
        training::sync(hub, key, &training::PYTORCH);
    }),
    operator("kubeflow.org", "TFJob", |hub, key| {
        training::sync(hub, key, &training::TENSORFLOW);
    }),
    operator("kubeflow.org", "XGBoostJob", |hub, key| {
        training::sync(hub, key, &training::XGBOOST);
    }),
    operator("kubeflow.org", "PaddleJob", |hub, key| {
        training::sync(hub, key, &training::PADDLE);
    }),
    operator("kubeflow.org", "JAXJob", |hub, key| {
        training::sync(hub, key, &training::JAX);
    }),
    operator("jobset.x-k8s.io", "JobSet", jobset::sync),
    operator("kubeflow.org", "MPIJob", mpi::sync),
    operator("trainer.kubeflow.org", "TrainJob", trainjob::sync),
    operator(ray::GROUP, "RayCluster", ray::cluster::sync),
    operator(ray::GROUP, "RayJob", ray::job::sync),
    operator("leaderworkerset.x-k8s.io", "LeaderWorkerSet", lws::sync),
];

/// The id of a custom kind, while it is served.
pub fn kind_id(store: &Store, group: &str, kind: &str) -> Option<KindId> {
    let mut all = store.kinds();
    let found = all.find(|(_, k)| k.custom && k.group == group && k.kind == kind);
    found.map(|(id, _)| id)
}

/// Creates an object from a template that a custom resource holds, read with its type as a real operator reads it.
///
/// # Errors
/// The API server's refusal, or that the template is not of its type.
pub fn create(
    hub: &mut Hub<'_>,
    kind: KindId,
    namespace: &str,
    value: Value,
    by: &Writer,
) -> Result<Arc<Object>, Refusal> {
    let value = decode::conform(hub.cluster.store.kind(kind), value)?;
    hub.cluster.create(kind, namespace, value, by)
}

/// Wakes the operators that an event concerns.
pub fn observe(hub: &mut Hub<'_>, event: &Event) {
    let object = &event.object;
    let kind = hub.cluster.store.kind(object.kind);
    if kind.custom && event.change != Change::Deleted {
        let mut all = OPERATORS.iter();
        let found = all.find(|o| o.kind == kind.kind && o.group == kind.group);
        if let Some(operator) = found {
            let key = (object.namespace.clone(), object.name.clone());
            hub.wake(Task::Operator(operator.kind, key));
        }
    }
    if let Some(set) = object.labels.get(lws::NAME) {
        // Between this one and its pods are others, so it goes by the label.
        let key = (object.namespace.clone(), set.clone());
        hub.wake(Task::Operator("LeaderWorkerSet", key));
    }
    let owner = object.controller();
    let found = owner.and_then(|owner| {
        let operator = OPERATORS.iter().find(|o| o.kind == owner.kind)?;
        Some((operator.kind, owner.name.clone()))
    });
    if let Some((kind, name)) = found {
        hub.wake(Task::Operator(kind, (object.namespace.clone(), name)));
    }
}

/// The webhooks: what the operators fill in to a new object, or have against it.
///
/// # Errors
/// 403, as every webhook that denies a request.
pub fn admit(cluster: &Cluster, kind: &Kind, value: &mut Value) -> Result<(), Refusal> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("jobset.x-k8s.io", "JobSet") => jobset::defaults(value),
        ("trainer.kubeflow.org", "TrainJob") => trainjob::admit(cluster, kind, value)?,
        _ => {}
    }
    Ok(())
}

/// Lets the operator of a kind look at one object.
pub fn sync(hub: &mut Hub<'_>, kind: &str, key: &Key) {
    if let Some(operator) = OPERATORS.iter().find(|o| o.kind == kind) {
        (operator.sync)(hub, key);
    }
}

#[cfg(test)]
mod tests;
