//! Admitted, and still not running (or not all of it): what its pods wait for.

use std::collections::BTreeMap;

use super::{Case, Reason, Waiting, fit, list, pending};
use crate::model::human;
use crate::model::job::Phase;
use crate::model::pod::{PodPhase, PodRow};
use crate::model::podwhy;

/// Pods asked for their reason, at most.
const ASKED: usize = 200;

pub fn admitted(case: &Case) -> Option<Waiting> {
    if let Some(waiting) = pending::going(case) {
        return Some(waiting);
    }
    let row = case.row;
    let phase = case.job.map(|job| case.model.status(job).phase);
    let nodes: Vec<String> = row.unhealthy_nodes.iter().map(|n| n.to_string()).collect();
    if !nodes.is_empty() {
        let names = list(&nodes, 3);
        let waiting = Waiting::new(
            Reason::Topology,
            fit(&[format!("node {names} failed"), "a node failed".into()]),
            format!("admitted, but node {names} failed: a replacement is looked for"),
        );
        return Some(case.evident(
            waiting.next("it is evicted and queues again if none is found"),
            "",
        ));
    }
    if matches!(phase, Some(Phase::Running)) && is_whole(case) {
        return None;
    }
    if let Some(cluster) = &row.cluster {
        if phase == Some(Phase::Running) {
            return None;
        }
        let waiting = Waiting::new(
            Reason::Dispatch,
            fit(&[
                format!("in worker cluster {cluster}"),
                "in a worker cluster".into(),
            ]),
            format!("given to worker cluster {cluster}: its pods start there"),
        );
        return Some(case.evident(
            waiting.next(format!("connect to {cluster} to see its pods")),
            "",
        ));
    }
    let job = case.job?;
    if let Some(waiting) = stuck(case, phase == Some(Phase::Running)) {
        return Some(case.evident(waiting, ""));
    }
    if !job.suspend || phase == Some(Phase::Running) {
        return None;
    }
    let since = row.is("Admitted").and_then(|c| c.since);
    let since = since.map(|at| format!(" {} ago", human::duration(case.now - at)));
    let waiting = Waiting::new(
        Reason::Starting,
        "admitted, not started yet",
        format!(
            "admitted{}; its job is not started yet",
            since.unwrap_or_default()
        ),
    );
    Some(case.evident(waiting, ""))
}

/// As many pods of it are up as were admitted, as far as its own counters tell.
fn is_whole(case: &Case) -> bool {
    case.job.is_some_and(|job| job.ready >= wanted(case))
}

/// Pods it was admitted with.
fn wanted(case: &Case) -> u32 {
    let admission = case.row.admission.iter().flat_map(|a| &a.pod_sets);
    admission.fold(0, |n, set| n.saturating_add(set.count))
}

fn is_up(pod: &PodRow) -> bool {
    pod.is_ready || pod.phase == PodPhase::Succeeded
}

/// What most of its pods that are not up wait for.
fn stuck(case: &Case, running: bool) -> Option<Waiting> {
    let (mut up, mut seen) = (0u32, 0u32);
    let mut causes: BTreeMap<(Reason, String), u32> = BTreeMap::new();
    for pod in case.model.pods_of(case.row_job()?).take(ASKED) {
        if pod.deleting || pod.phase == PodPhase::Failed {
            continue;
        }
        seen += 1;
        if is_up(pod) {
            up += 1;
        } else if pod.phase != PodPhase::Running
            && let Some(why) = podwhy::why(pod)
        {
            *causes.entry((reason(pod), why.text)).or_default() += 1;
        }
    }
    let ((reason, text), n) = causes.into_iter().max_by_key(|(_, n)| *n)?;
    let wanted = wanted(case);
    // ended pods of earlier indexes count as up: then it is no gang that lacks peers
    let peers = up > 0 && seen <= wanted;
    if running && !peers {
        return None;
    }
    let brief = match reason {
        Reason::Scheduling => lacking(&text),
        Reason::Image => "image pull".into(),
        Reason::Topology => "topology gate".into(),
        _ => "starting".into(),
    };
    let short = if peers {
        fit(&[
            format!("{up} of {wanted} pods ready: {brief}"),
            format!("{up} of {wanted} pods ready"),
        ])
    } else {
        fit(&[format!("admitted: {brief}"), brief])
    };
    let waits = if n == 1 {
        "1 pod waits".to_owned()
    } else {
        format!("{n} pods wait")
    };
    let sentence = match peers {
        true => format!("admitted; {up} of {wanted} pods ready, {waits}: {text}"),
        false => format!("admitted; {waits}: {text}"),
    };
    let next = match reason {
        Reason::Scheduling => {
            "quota allows it, but no node has room for such a pod: see the free devices per node"
        }
        Reason::Image => "check the image's name and tag, and the pull secret",
        Reason::Topology => "wait: Kueue ungates its pods one by one",
        _ => "see the pod's events and logs",
    };
    let reason = if peers { Reason::Peers } else { reason };
    Some(Waiting::new(reason, short, sentence).next(next))
}

fn reason(pod: &PodRow) -> Reason {
    let status = pod.status.strip_prefix("Init:").unwrap_or(&pod.status);
    match status {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            Reason::Image
        }
        "SchedulingGated" => Reason::Topology,
        "Pending" | "Unschedulable" if pod.node.is_none() => Reason::Scheduling,
        _ => Reason::Starting,
    }
}

/// `no node has free gpu`: the device the scheduler misses, else anything it does.
fn lacking(text: &str) -> String {
    let names = text
        .match_indices("Insufficient ")
        .filter_map(|(at, mark)| {
            let rest = text.get(at + mark.len()..)?;
            rest.split([',', ' '])
                .next()
                .map(|n| n.trim_end_matches('.'))
        });
    let names: Vec<&str> = names.collect();
    let device = names.iter().find(|n| crate::model::resources::is_device(n));
    match device.or(names.first()) {
        Some(name) => format!("no free {}", name.rsplit('/').next().unwrap_or(name)),
        None if text.contains("affinity/selector") => "no matching node".into(),
        None if text.contains("untolerated taint") => "tainted nodes".into(),
        None => "no node yet".into(),
    }
}

impl Case<'_> {
    fn row_job(&self) -> Option<crate::model::ids::Key> {
        self.job.map(|job| job.key)
    }
}
