//! Workloads that MultiKueue dispatched: what has to run in the worker cluster to see their pods, and what to say while
//! there is nothing to see. One place for all panes that show a workload.

use crate::model::ids::{ClusterId, Key, Name};
use crate::model::job::JobRow;
use crate::model::want::{Kind, Selector, Want};
use crate::panes::Cx;

/// A worker cluster of the settings, and how the connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// What Kueue calls it.
    pub name: Name,
    pub id: ClusterId,
    pub link: Link,
}

/// How the connection to a worker cluster is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Link {
    /// Nobody looked there yet, or it has not answered yet.
    #[default]
    Idle,
    Open,
    /// Why not; it is tried again.
    Failed(String),
}

/// What has to run for the pods of a workload where it was dispatched to; nothing of one that runs here.
pub fn wants(job: Key, cx: &Cx) -> Vec<Want> {
    let known = cx.model.jobs.get(job);
    let dispatched = known.and_then(|job| Some((cx.model.worker_of(job)?, &job.namespace)));
    let Some((cluster, namespace)) = dispatched else {
        return Vec::new();
    };
    on(cluster, namespace, cx)
}

/// What has to run to see the workloads and pods of a namespace in a worker cluster; nothing if it is in no settings.
pub fn on(cluster: &Name, namespace: &Name, cx: &Cx) -> Vec<Want> {
    if find(cluster, cx).is_none() {
        return Vec::new();
    }
    let all = [
        Want::Watch(Kind::Job, Selector::All),
        Want::Watch(Kind::Pod, Selector::All),
        Want::Workloads,
    ];
    let there = |want| Want::Worker {
        cluster: cluster.clone(),
        namespace: namespace.clone(),
        want: Box::new(want),
    };
    all.map(there).into()
}

/// A want about an object of this cluster, wherever that is.
pub fn at(id: ClusterId, namespace: &Name, want: Want, cx: &Cx) -> Want {
    if cx.session.is_open(id) {
        return match id == cx.session.cluster {
            true => want,
            false => want.at(id),
        };
    }
    match cx.session.workers.iter().find(|worker| worker.id == id) {
        Some(worker) => Want::Worker {
            cluster: worker.name.clone(),
            namespace: namespace.clone(),
            want: Box::new(want),
        },
        None => want,
    }
}

fn find<'a>(cluster: &str, cx: &Cx<'a>) -> Option<&'a Worker> {
    cx.session.workers.iter().find(|w| &*w.name == cluster)
}

/// Where a dispatched workload's pods are and why they are not here; none of one that runs here, or whose pods are
/// seen. First what is, then what helps.
pub fn absent(job: &JobRow, cx: &Cx) -> Option<(String, String)> {
    let cluster = cx.model.worker_of(job)?;
    if cx.model.pods_of(job.key).next().is_some() {
        return None;
    }
    Some(match find(cluster, cx).map(|worker| &worker.link) {
        None => (
            format!("its pods are in worker cluster {cluster}"),
            format!(
                "name its kubeconfig context in the settings to follow them: [multikueue] {cluster} = \"CONTEXT\""
            ),
        ),
        Some(Link::Idle) => (
            format!("its pods are in worker cluster {cluster}: connecting"),
            String::new(),
        ),
        Some(Link::Failed(why)) => (
            format!("worker cluster {cluster} does not answer"),
            format!("{why}; it is tried again"),
        ),
        Some(Link::Open) if cx.model.twin(job.key).is_none() => (
            format!("worker cluster {cluster} has no copy of it yet"),
            String::new(),
        ),
        Some(Link::Open) => (
            format!("no pods in worker cluster {cluster} yet"),
            String::new(),
        ),
    })
}

/// Said where an object of a worker cluster would have to be fetched from there.
pub fn elsewhere(id: ClusterId, what: &str, cx: &Cx) -> Option<String> {
    // it is looked at for itself, too
    if cx.session.is_open(id) {
        return None;
    }
    let worker = cx.session.workers.iter().find(|w| w.id == id)?;
    let name = &worker.name;
    Some(format!(
        "{what} of it is in worker cluster {name}: connect to its context to see it"
    ))
}
