//! Quota is held, but not all admission checks are ready: which one, what it says, and who must move. Worker
//! clusters (MultiKueue) and machines still to be made (provisioning) are checks too.

use super::{Case, Reason, Waiting, fit, list, pending};
use crate::model::human;
use crate::model::kueue::workload::{Check, CheckState};

const MULTIKUEUE: &str = "kueue.x-k8s.io/multikueue";
const PROVISIONING: &str = "kueue.x-k8s.io/provisioning-request";

/// Quota reserved, not admitted.
pub fn reserved(case: &Case) -> Waiting {
    if let Some(waiting) = pending::going(case) {
        return waiting;
    }
    let (reason, message) = case.refused("Admitted");
    let waiting = failed(case)
        .or_else(|| open(case))
        .unwrap_or_else(|| settled(reason, message));
    let waiting = case.evident(waiting, message);
    let checks = case.row.checks.iter().map(|check| {
        let message = said(check);
        let colon = if message.is_empty() { "" } else { ": " };
        format!("{} {}{colon}{message}", check.name, word(check.state))
    });
    let checks: Vec<String> = checks.collect();
    match case.full {
        true => waiting.and("checks", &checks.join("; ")),
        false => waiting,
    }
}

fn word(state: CheckState) -> &'static str {
    match state {
        CheckState::Pending => "pending",
        CheckState::Ready => "ready",
        CheckState::Retry => "to be retried",
        CheckState::Rejected => "rejected",
    }
}

fn said(check: &Check) -> &str {
    check.message.trim().trim_end_matches('.')
}

/// A check that failed: rejected for good, or to be tried again.
pub fn failed(case: &Case) -> Option<Waiting> {
    let with = |state| case.row.checks.iter().find(|c| c.state == state);
    if let Some(check) = with(CheckState::Rejected) {
        let name = &check.name;
        let because = because(check);
        let sentence = format!("admission check {name} rejected it{because}");
        let waiting = Waiting::new(
            Reason::Rejected,
            fit(&[
                format!("rejected by check {name}"),
                "rejected by a check".into(),
            ]),
            sentence,
        );
        return Some(waiting.next(
            "mend what the check names, then resume it: a rejected Workload is deactivated",
        ));
    }
    let check = with(CheckState::Retry)?;
    let name = &check.name;
    let because = because(check);
    let tries = match check.retries {
        0 => String::new(),
        1 => " (1 retry so far)".into(),
        n => format!(" ({n} retries so far)"),
    };
    let sentence = format!("admission check {name} failed and is tried again{tries}{because}");
    let short = fit(&[
        format!("check {name} is tried again"),
        "a check is tried again".into(),
    ]);
    Some(
        Waiting::new(Reason::Check, short, sentence)
            .next("wait for the next try; it gives its quota back meanwhile"),
    )
}

fn because(check: &Check) -> String {
    match said(check) {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

/// The first check that is not ready.
fn open(case: &Case) -> Option<Waiting> {
    let open: Vec<&Check> = case
        .row
        .checks
        .iter()
        .filter(|c| c.state == CheckState::Pending)
        .collect();
    let check = *open.first()?;
    let name = &check.name;
    let row = case
        .kueue
        .checks
        .rows()
        .find(|r| r.key.cluster == case.row.key.cluster && r.name == *name);
    let controller = row.map_or("", |r| &*r.controller);
    let waiting = if controller == MULTIKUEUE || !case.row.nominated.is_empty() {
        dispatch(case, check)
    } else if controller == PROVISIONING || !requests(case).is_empty() {
        provision(case, check)
    } else {
        let because = because(check);
        let others = match open.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let since = check
            .since
            .map(|at| format!(" for {}", human::duration(case.now - at)))
            .unwrap_or_default();
        let sentence =
            format!("quota is reserved; waits{since} on admission check {name}{others}{because}");
        Waiting::new(
            Reason::Check,
            fit(&[format!("on check {name}"), "on an admission check".into()]),
            sentence,
        )
        .next(format!("see what runs check {name}"))
    };
    let idle = row.and_then(|r| r.conditions.iter().find(|c| &*c.kind == "Active" && !c.on));
    Some(match idle {
        Some(idle) => {
            let why = pending::plain(&idle.reason, &idle.message);
            Waiting {
                next: Some(format!(
                    "check {name} is itself not active ({why}): its admin must mend that first"
                )),
                ..waiting
            }
        }
        None => waiting,
    })
}

/// MultiKueue: offered to worker clusters.
fn dispatch(case: &Case, check: &Check) -> Waiting {
    let names: Vec<String> = case.row.nominated.iter().map(|n| n.to_string()).collect();
    let cluster = case.row.key.cluster;
    let lost = |name: &str| {
        let workers = case.kueue.worker_clusters.rows();
        let mut of_name = workers.filter(|w| w.key.cluster == cluster && &*w.name == name);
        of_name
            .next()?
            .conditions
            .iter()
            .find(|c| &*c.kind == "Active" && !c.on)
    };
    let down: Vec<String> = names
        .iter()
        .filter_map(|name| Some(format!("{name} ({})", lost(name)?.reason)))
        .collect();
    let because = because(check);
    let (short, mut sentence) = match names.as_slice() {
        [] => (
            "for a worker cluster".to_owned(),
            format!("quota is reserved; no worker cluster is chosen yet{because}"),
        ),
        [one] => (
            format!("offered to {one}"),
            format!(
                "quota is reserved; offered to worker cluster {one}, which has not admitted it yet{because}"
            ),
        ),
        all => (
            fit(&[
                format!("offered to {}", list(all, 2)),
                format!("offered to {} clusters", all.len()),
            ]),
            format!(
                "quota is reserved; offered to {}: none has admitted it yet{because}",
                list(all, 4)
            ),
        ),
    };
    if !down.is_empty() {
        sentence.push_str(&format!("; not connected: {}", list(&down, 3)));
    }
    let short = if !down.is_empty() && down.len() == names.len() {
        "no worker cluster connected".to_owned()
    } else {
        short
    };
    let next = if down.is_empty() {
        "see the queue of the worker clusters: it waits there too"
    } else {
        "the worker cluster's connection must be mended (its MultiKueueCluster says why)"
    };
    Waiting::new(Reason::Dispatch, short, sentence).next(next)
}

fn requests<'a>(case: &Case<'a>) -> Vec<&'a crate::model::kueue::ProvisioningRow> {
    let key = case.row.key;
    let all = case.kueue.provisionings.rows();
    all.filter(|p| {
        p.key.cluster == key.cluster && p.owner.as_ref().is_some_and(|(_, uid)| *uid == key.uid)
    })
    .collect()
}

/// Machines asked of the autoscaler.
fn provision(case: &Case, check: &Check) -> Waiting {
    let newest = requests(case)
        .into_iter()
        .max_by_key(|p| (p.created, p.key.uid));
    let told = newest.and_then(|request| {
        let kinds = [
            "Failed",
            "BookingExpired",
            "CapacityRevoked",
            "Provisioned",
            "Accepted",
        ];
        let is = |kind: &&str| {
            request
                .conditions
                .iter()
                .find(|c| c.on && c.kind[..] == **kind)
        };
        kinds.iter().find_map(is)
    });
    let class = newest
        .map(|r| format!(" ({})", r.class))
        .unwrap_or_default();
    let state = match (newest, told) {
        (None, _) => "machines are to be asked for".to_owned(),
        (Some(_), None) => "machines are asked for".into(),
        (Some(_), Some(c)) => match &*c.kind {
            "Accepted" => "machines are being made".into(),
            "Provisioned" => "machines are there".into(),
            _ => format!(
                "machines could not be had: {}",
                pending::plain(&c.reason, &c.message)
            ),
        },
    };
    let because = because(check);
    let sentence = format!("quota is reserved; {state}{class}{because}");
    let waiting = Waiting::new(
        Reason::Check,
        fit(&[state.clone(), "for new machines".into()]),
        sentence,
    );
    let waiting =
        waiting.next("wait for the autoscaler; its ProvisioningRequest tells how far it is");
    match newest.filter(|_| case.full) {
        Some(request) => waiting.with("provisioning", format!("{}{class}", request.name)),
        None => waiting,
    }
}

/// All checks are ready, and still not admitted.
fn settled(reason: &str, message: &str) -> Waiting {
    if reason == "PendingDelayedTopologyRequests" {
        return Waiting::new(
            Reason::Topology,
            "for its places in the topology",
            "quota is reserved and checks are ready; its places in the topology are still to be chosen",
        );
    }
    let tail = match (reason, message) {
        ("" | "NoReservation" | "UnsatisfiedAdmissionChecks" | "UnsatisfiedChecks", _) => {
            String::new()
        }
        (reason, message) => format!(": {}", pending::plain(reason, message)),
    };
    Waiting::new(
        Reason::Check,
        "quota reserved, about to be admitted",
        format!("quota is reserved; its admission follows{tail}"),
    )
}
