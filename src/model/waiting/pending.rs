//! A Workload without quota: whose move it is, from what is plainly off to what Kueue said when it last tried.

use chrono::TimeDelta;

use super::message::Said;
use super::{Case, Reason, Waiting, checks, fit, list, queues, quota};
use crate::model::human;
use crate::model::kueue::preemptions::{self, job_name};

pub fn pending(case: &Case) -> Waiting {
    let (reason, message) = case.refused("QuotaReserved");
    let waiting = off(case)
        .or_else(|| queues::trouble(case, reason, message))
        .or_else(|| back_off(case))
        .or_else(|| checks::failed(case))
        .unwrap_or_else(|| tried(case, reason, message));
    case.evident(waiting, message)
}

/// Evicted, and its pods are still there: the quota is held until they have ended.
pub fn going(case: &Case) -> Option<Waiting> {
    let evicted = case.row.is("Evicted")?;
    let why = eviction(case).unwrap_or_else(|| plain(&evicted.reason, &evicted.message));
    let left = case.job.map_or(0, |job| job.active.max(job.terminating));
    let pods = match left {
        0 => "ends".to_owned(),
        1 => "1 pod is still ending".into(),
        n => format!("{n} pods are still ending"),
    };
    let short = fit(&[format!("evicted: {why}"), "evicted, ends".to_owned()]);
    let waiting = Waiting::new(Reason::Evicted, short, format!("evicted ({why}); {pods}"))
        .next("it queues again by itself once its pods have ended");
    Some(case.evident(waiting, &evicted.message))
}

/// The last eviction in words, where we have better ones than its message.
fn eviction(case: &Case) -> Option<String> {
    let evicted = case.row.is("Evicted")?;
    if let Some(told) = preemptions::of(case.kueue, case.row) {
        return Some(format!("preempted by {}", case.preemptor(&told)));
    }
    let text = match &*evicted.reason {
        "PodsReadyTimeout" => "its pods did not get ready in time",
        "AdmissionCheck" => "an admission check failed",
        "ClusterQueueStopped" => "its cluster queue was stopped",
        "LocalQueueStopped" => "its local queue was stopped",
        "NodeFailures" => "a node of it failed and had no replacement",
        "EvictedOnManagerCluster" => "evicted in the manager cluster",
        "FlavorMigration" => "moved to a better flavor",
        "MaximumExecutionTimeExceeded" => "it ran longer than it may",
        _ => return None,
    };
    Some(text.into())
}

/// Reason and message that we have no words for.
pub fn plain(reason: &str, message: &str) -> String {
    let message = message.trim().trim_end_matches('.');
    match (reason, message) {
        ("", "") => "no reason given".into(),
        (reason, "") => reason.to_owned(),
        // said by every version for everything
        ("" | "Pending" | "Inadmissible" | "Waiting" | "Misconfigured", message) => message.into(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// Switched off: deactivated, on hold, gated.
fn off(case: &Case) -> Option<Waiting> {
    let row = case.row;
    if !row.active {
        let told = row.condition("Evicted").map_or("", |c| &*c.message);
        let target = row.condition("DeactivationTarget");
        let told = target.map_or(told, |c| &*c.message);
        let cause = match (told.split_once("due to "), target) {
            (Some((_, cause)), _) => cause.trim_end_matches('.'),
            (None, Some(_)) => told.trim_end_matches('.'),
            (None, None) => "",
        };
        let (short, sentence) = match cause {
            "" => (
                "deactivated: held by someone".to_owned(),
                "deactivated: its Workload's spec.active is false, so it is not tried".to_owned(),
            ),
            cause => {
                let reason = target.map_or("", |c| &*c.reason);
                let brief = if reason == "RequeuingLimitExceeded" || cause.contains("re-queuing") {
                    "tried too often"
                } else if reason == "MaximumExecutionTimeExceeded"
                    || cause.contains("execution time")
                {
                    "ran too long"
                } else if cause.contains("Rejected state") {
                    "rejected by a check"
                } else {
                    cause
                };
                let short = format!("deactivated: {brief}");
                (short, format!("deactivated by Kueue: {cause}"))
            }
        };
        let next = match cause {
            "" => "resume it (the Workload's spec.active: true)",
            _ => "mend the cause, then resume it (the Workload's spec.active: true)",
        };
        return Some(Waiting::new(Reason::Deactivated, short, sentence).next(next));
    }
    let (reason, message) = case.refused("QuotaReserved");
    match reason {
        "OnHold" => Some(
            Waiting::new(Reason::OnHold, "on hold", "on hold: its job says so itself")
                .next("take the hold off the job"),
        ),
        "AdmissionGated" => {
            let gates = message
                .rsplit(": ")
                .next()
                .filter(|_| message.contains(": "));
            let gates = gates.unwrap_or("an unnamed gate");
            let sentence = format!("not admitted before {gates} takes its admission gate off");
            let waiting = Waiting::new(Reason::Gated, format!("gated by {gates}"), sentence);
            Some(waiting.next("ask whoever runs that controller, or wait for it"))
        }
        _ => None,
    }
}

fn back_off(case: &Case) -> Option<Waiting> {
    let at = case.row.requeue_at?;
    let left = at - case.now;
    if left <= TimeDelta::zero() {
        return None;
    }
    let left = human::duration(left);
    let tries = case.row.requeues;
    let nth = tries.saturating_add(1);
    let why = eviction(case)
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    let tried = match tries {
        0 | 1 => "1 try".to_owned(),
        n => format!("{n} tries"),
    };
    let short = format!("back-off, try {nth} in {left}");
    let sentence = format!("backs off after {tried}{why}; try {nth} in {left}");
    let waiting = Waiting::new(Reason::BackOff, short, sentence);
    Some(match case.row.is("Evicted").map(|c| &*c.reason) {
        Some("PodsReadyTimeout") => waiting.next(
            "see why its pods did not get ready: scheduling, image, or a start slower than the timeout",
        ),
        _ => waiting.next("wait for the next try"),
    })
}

/// By what Kueue said when it last tried.
fn tried(case: &Case, reason: &str, message: &str) -> Waiting {
    let said = Said::parse(message);
    if said.preempting.is_some() || reason == "WaitingForPreemptedWorkloads" {
        return preempting(case, &said);
    }
    if message.contains("overlapping preemption targets") {
        let sentence = "would preempt workloads that another one preempts already; tried again once those are gone";
        return Waiting::new(Reason::Preempting, "behind another's preemptions", sentence)
            .next("wait for the next try");
    }
    if let Some(gate) = case.row.is("BlockedOnPreemptionGates") {
        let sentence = format!(
            "could be admitted only by preempting, which a gate forbids: {}",
            plain(&gate.reason, &gate.message)
        );
        return Waiting::new(Reason::Gated, "may not preempt yet", sentence)
            .next("wait until the gate opens");
    }
    if let Some((resource, flavor, more)) = said.nearest() {
        return quota::short(case, resource, flavor, more);
    }
    if let Some((resource, flavor, asked, most)) = said.too_much() {
        return quota::too_large(case, resource, flavor, asked, most);
    }
    if let Some(text) = said.topology() {
        let short = match text.split_once("allows to fit only ") {
            Some((_, rest)) => {
                let n = rest.split([' ', '(']).next().unwrap_or("?");
                let of = rest
                    .split("out of ")
                    .nth(1)
                    .and_then(|r| r.split([' ', '(']).next());
                format!("topology fits {n} of {} only", of.unwrap_or("?"))
            }
            None => "no room in the topology".into(),
        };
        return Waiting::new(Reason::Topology, short, format!("quota is there, but {text}"))
            .next("ask for a wider level (preferred instead of required), smaller slices, or wait for a block of nodes to get free");
    }
    let mismatches = said.mismatches();
    if !mismatches.is_empty() {
        return no_flavor(case, &mismatches);
    }
    if reason == "WaitingForPodsReady" || message.contains("to be in PodsReady condition") {
        return pods_ready(case);
    }
    if let Some(told) =
        preemptions::Said::parse(message).and_then(|_| preemptions::of(case.kueue, case.row))
    {
        let who = case.preemptor(&told);
        let place = case.place().map(|p| format!("{p}, ")).unwrap_or_default();
        let short = fit(&[
            format!("{place}preempted by {who}"),
            format!("preempted by {who}"),
            format!("{place}preempted, queues again"),
        ]);
        let since = told
            .at
            .map(|at| format!(" {} ago", human::duration(case.now - at)))
            .unwrap_or_default();
        let place = case.place().map(|p| format!(", {p}")).unwrap_or_default();
        let sentence = format!(
            "preempted{since} by {who} ({}); queues again{place}",
            told.said.because
        );
        let next = if told.said.because.contains("ClusterQueue") {
            "it starts again by itself; a higher priority class keeps it from being preempted within its queue"
        } else {
            "it ran on borrowed quota, which was taken back: it starts again when there is room"
        };
        return Waiting::new(Reason::Evicted, short, sentence).next(next);
    }
    if message.contains("no longer fits after processing another workload") {
        let place = case.place().map(|p| format!("{p}, ")).unwrap_or_default();
        return Waiting::new(
            Reason::Quota,
            format!("{place}another was first"),
            "would have fitted, but another workload was admitted first; tried again in the next round",
        )
        .next("wait for the next try");
    }
    // what was said told nothing of numbers: ours
    match reason {
        "" | "PendingEvaluation" => not_tried(case),
        "WaitingForQuota" | "ExceedsMaxQuota" => {
            quota::computed(case).unwrap_or_else(|| other(case, reason, message))
        }
        "Pending" | "Inadmissible" | "Waiting" if message.is_empty() => {
            quota::computed(case).unwrap_or_else(|| other(case, reason, message))
        }
        _ => other(case, reason, message),
    }
}

fn other(case: &Case, reason: &str, message: &str) -> Waiting {
    let place = case.place().map(|p| format!("{p}, ")).unwrap_or_default();
    let text = plain(reason, message);
    let word = if reason.is_empty() { "waits" } else { reason };
    let short = fit(&[
        format!("{place}{text}"),
        text.clone(),
        format!("{place}{word}"),
    ]);
    Waiting::new(Reason::Other, short, format!("waits: {text}"))
}

fn no_flavor(case: &Case, mismatches: &[String]) -> Waiting {
    let queue = case.queue.map(|q| format!(" of {q}")).unwrap_or_default();
    let sentence = format!("no flavor{queue} suits it: {}", list(mismatches, 4));
    let waiting = Waiting::new(
        Reason::NoFlavor,
        format!("no flavor{queue} suits it"),
        sentence,
    );
    let all = mismatches.concat();
    waiting.next(if all.contains("taint") {
        "add the toleration, or drop the node selector that keeps it from the other flavors"
    } else if all.contains("node selector") {
        "change its node selector or affinity to labels of a flavor, or use another queue"
    } else {
        "ask for a resource the queue offers, or use another queue"
    })
}

fn preempting(case: &Case, said: &Said) -> Waiting {
    let row = case.row;
    let uids = [Some(row.key.uid), row.job].into_iter().flatten();
    let mut keys: Vec<_> = uids
        .flat_map(|uid| case.look.victims(uid))
        .copied()
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let mut names: Vec<String> = keys
        .iter()
        .filter_map(|key| case.kueue.workloads.get(*key))
        .map(|w| match w.admission.as_ref() {
            Some(a) if Some(&*a.cluster_queue) != case.queue => {
                format!("{} ({})", job_name(w), a.cluster_queue)
            }
            _ => job_name(w).to_string(),
        })
        .collect();
    names.sort();
    let n = said.preempting.map_or(names.len(), |n| n as usize);
    let what = match n {
        0 => "workloads".to_owned(),
        1 => "1 workload".into(),
        n => format!("{n} workloads"),
    };
    let who = if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", list(&names, 3))
    };
    let short = fit(&[
        format!("preempts {}", list(&names, 2)),
        format!("preempts {what}"),
    ]);
    let short = if names.is_empty() {
        format!("preempts {what}")
    } else {
        short
    };
    let room = said.nearest().map(|(resource, flavor, more)| {
        let more = super::amounts::say(resource, flavor, more);
        format!(" to get {more}")
    });
    let sentence = format!(
        "preempts {what}{who}{}; starts when they have ended",
        room.unwrap_or_default()
    );
    Waiting::new(Reason::Preempting, short, sentence).next("wait: it is next once they are gone")
}

fn pods_ready(case: &Case) -> Waiting {
    let blocking = |w: &&crate::model::kueue::WorkloadRow| {
        w.key.cluster == case.row.key.cluster
            && w.is("Admitted").is_some()
            && !w.is_finished()
            && w.is("PodsReady").is_none()
    };
    let mut names: Vec<String> = case
        .kueue
        .workloads
        .rows()
        .filter(blocking)
        .take(if case.full { 100 } else { 0 })
        .map(|w| job_name(w).to_string())
        .collect();
    names.sort();
    let who = if names.is_empty() {
        String::new()
    } else {
        format!(": {}", list(&names, 3))
    };
    Waiting::new(
        Reason::PodsReady,
        "others' pods must get ready first",
        format!("Kueue admits nothing before the pods of all admitted workloads are ready{who}"),
    )
    .next("see why the pods of those do not get ready")
}

/// No verdict yet.
fn not_tried(case: &Case) -> Waiting {
    let place = case.place();
    let line = case
        .look
        .order
        .cluster_queue(case.queue.unwrap_or_default());
    let head = line
        .first()
        .filter(|p| p.position == Some(1) && p.key != case.row.key)
        .and_then(|p| case.kueue.workloads.get(p.key));
    let strict = case.cluster_queue.is_some_and(|q| q.strict);
    if let Some(head) = head.filter(|_| strict) {
        let name = job_name(head);
        let whole = Case::new(case.model, case.look, head, None, case.now, false);
        let why = pending(&whole);
        let why = why
            .short
            .split_once(", ")
            .filter(|(at, _)| at.starts_with('#'))
            .map_or(why.short.clone(), |(_, rest)| rest.to_owned());
        let short = fit(&[
            format!(
                "{}behind {name}",
                place.as_ref().map(|p| format!("{p}, ")).unwrap_or_default()
            ),
            format!("behind {name}"),
            place.clone().unwrap_or_else(|| "not tried yet".into()),
        ]);
        let ahead = place.map(|p| format!(", {p}")).unwrap_or_default();
        let sentence = format!(
            "not tried yet{ahead}: strict order, and nothing passes the first in line, {name} ({why})"
        );
        return Waiting::new(Reason::NotTried, short, sentence)
            .next(format!("it depends on {name}: see why that one waits"));
    }
    if let Some(waiting) = quota::computed(case) {
        return waiting;
    }
    let (short, sentence) = match &place {
        Some(place) if place.starts_with("#1 ") => (
            format!("{place}, not tried yet"),
            "first in line, and there is room; Kueue has not tried it yet".to_owned(),
        ),
        Some(place) => (
            format!("{place}, not tried yet"),
            format!("not tried yet: {place}"),
        ),
        None => ("not tried yet".into(), "not tried by Kueue yet".into()),
    };
    Waiting::new(Reason::NotTried, short, sentence)
}
