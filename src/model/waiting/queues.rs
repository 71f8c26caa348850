//! Trouble with the queue itself: it does not exist, it is stopped, it is inactive, it takes no workloads from here.

use super::{Case, Reason, Waiting, fit, list};
use crate::model::kueue::Kueue;
use crate::model::kueue::Look;
use crate::model::kueue::queue::{Namespaces, Stop};

pub fn trouble(case: &Case, reason: &str, message: &str) -> Option<Waiting> {
    local(case, message)
        .or_else(|| cluster(case, message))
        .or_else(|| takes(case, reason, message))
}

/// `LocalQueue main doesn't exist` → what follows the name.
fn told<'a>(message: &'a str, what: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(what)?.trim_start().split_once(' ')
}

fn local(case: &Case, message: &str) -> Option<Waiting> {
    let row = case.row;
    if row.queue.is_empty() {
        return Some(
            Waiting::new(
                Reason::NoQueue,
                "names no queue",
                "names no local queue, so Kueue never tries it",
            )
            .next("set the label kueue.x-k8s.io/queue-name on its job"),
        );
    }
    let said = told(message, "LocalQueue").map(|(_, rest)| rest);
    let name = &*row.queue;
    let Some(queue) = case.local else {
        let missing = said.is_some_and(|s| s.contains("exist") || s.contains("missing"));
        if missing
            || case
                .look
                .local_queues(case.kueue, &row.namespace)
                .next()
                .is_some()
        {
            return Some(no_queue(case.kueue, case.look, &row.namespace, name));
        }
        return match said {
            Some(rest) if rest.contains("stopped") => Some(stopped("local queue", name, None)),
            Some(rest) if rest.contains("inactive") => Some(
                Waiting::new(
                    Reason::Inactive,
                    format!("local queue {name} is inactive"),
                    format!("local queue {name} is inactive: it or its cluster queue is stopped or not ready"),
                )
                .next("ask whoever runs the queue"),
            ),
            _ => None,
        };
    };
    if queue.stop != Stop::None {
        return Some(stopped("local queue", name, Some(queue.stop)));
    }
    let inactive = queue.inactive()?;
    let target = &queue.cluster_queue;
    match &*inactive.reason {
        "ClusterQueueDoesNotExist" if case.cluster_queue.is_none() => Some(
            Waiting::new(
                Reason::NoQueue,
                fit(&[
                    format!("cluster queue {target} is missing"),
                    "its cluster queue is missing".into(),
                ]),
                format!(
                    "local queue {name} points to cluster queue {target}, which does not exist"
                ),
            )
            .next(format!("use another local queue, or have {target} created")),
        ),
        "ClusterQueueIsInactive" if case.cluster_queue.is_none() => Some(
            Waiting::new(
                Reason::Inactive,
                fit(&[
                    format!("cluster queue {target} is inactive"),
                    "its cluster queue is inactive".into(),
                ]),
                format!("cluster queue {target} of local queue {name} is inactive"),
            )
            .next("ask whoever runs the queue"),
        ),
        "Stopped" => Some(stopped("local queue", name, None)),
        // told below, from the cluster queue itself; or old news
        "ClusterQueueDoesNotExist" | "ClusterQueueIsInactive" => None,
        other => Some(
            Waiting::new(
                Reason::Inactive,
                format!("local queue {name} is inactive"),
                format!(
                    "local queue {name} is inactive: {}",
                    super::pending::plain(other, &inactive.message)
                ),
            )
            .next("ask whoever runs the queue"),
        ),
    }
}

fn stopped(what: &str, name: &str, stop: Option<Stop>) -> Waiting {
    let policy = match stop {
        Some(Stop::HoldAndDrain) => ", and what it had admitted is evicted (HoldAndDrain)",
        Some(Stop::Hold) => " (Hold)",
        _ => "",
    };
    let short = fit(&[
        format!("{what} {name} is stopped"),
        format!("{what} is stopped"),
    ]);
    Waiting::new(
        Reason::Stopped,
        short,
        format!("{what} {name} is stopped: it admits nothing{policy}"),
    )
    .next(format!(
        "resume {name} (spec.stopPolicy: None), or use another queue"
    ))
}

/// A queue that does not exist, with what may have been meant.
pub fn no_queue(kueue: &Kueue, look: &Look, namespace: &str, name: &str) -> Waiting {
    let mut here: Vec<String> = look
        .local_queues(kueue, namespace)
        .map(|q| q.name.to_string())
        .collect();
    here.sort();
    let near = here
        .iter()
        .map(|other| (distance(name, other), other))
        .min()
        .filter(|(d, other)| *d <= (name.len().max(other.len()) / 3).max(2));
    let short = fit(&[
        format!("no queue {name}"),
        "its queue does not exist".into(),
    ]);
    let sentence = format!("local queue {name} does not exist in namespace {namespace}");
    let label = "set the label kueue.x-k8s.io/queue-name to";
    match (near, here.as_slice()) {
        (Some((_, near)), _) => Waiting::new(
            Reason::NoQueue,
            fit(&[format!("no queue {name}; {near}?"), short]),
            format!("{sentence}; did you mean {near}?"),
        )
        .next(format!("{label} {near}")),
        // none may be read: it is Kueue that says so
        (None, []) if kueue.local_queues.rows().next().is_none() => {
            Waiting::new(Reason::NoQueue, short, sentence)
                .next("ask which local queues this namespace has, and name one of them")
        }
        (None, []) => Waiting::new(Reason::NoQueue, short, format!("{sentence}, nor any other"))
            .next("have a local queue made in this namespace, or submit to one that has them"),
        (None, here) => Waiting::new(Reason::NoQueue, short, sentence)
            .next(format!("{label} one of: {}", list(here, 5))),
    }
}

fn cluster(case: &Case, message: &str) -> Option<Waiting> {
    let Some(queue) = case.cluster_queue else {
        let (name, rest) = told(message, "ClusterQueue")?;
        if rest.contains("exist") || rest.contains("not found") || rest.contains("missing") {
            let waiting = Waiting::new(
                Reason::NoQueue,
                fit(&[
                    format!("cluster queue {name} is missing"),
                    "its cluster queue is missing".into(),
                ]),
                format!(
                    "local queue {} points to cluster queue {name}, which does not exist",
                    case.row.queue
                ),
            );
            return Some(waiting.next(format!("use another local queue, or have {name} created")));
        }
        if rest.contains("stopped") {
            return Some(stopped("cluster queue", name, None));
        }
        return rest.contains("inactive").then(|| {
            Waiting::new(
                Reason::Inactive,
                fit(&[
                    format!("cluster queue {name} is inactive"),
                    "its cluster queue is inactive".into(),
                ]),
                format!("cluster queue {name} is inactive: it admits nothing"),
            )
            .next("ask whoever runs the queue")
        });
    };
    let name = &*queue.name;
    if queue.stop != Stop::None {
        return Some(stopped("cluster queue", name, Some(queue.stop)));
    }
    let node = case.look.capacity.queue(name);
    if node.is_some_and(|n| n.broken) {
        let cohort = queue.cohort.as_deref().unwrap_or_default();
        return Some(
            Waiting::new(
                Reason::Inactive,
                "its cohorts form a ring",
                format!(
                    "cluster queue {name} admits nothing: its cohort {cohort} is its own ancestor"
                ),
            )
            .next("the admin of the cohorts must break the ring of parentName"),
        );
    }
    let inactive = queue.inactive()?;
    let said = inactive.message.trim();
    let said = said
        .strip_prefix("Can't admit new workloads: ")
        .unwrap_or(said);
    let said = said.trim_end_matches('.');
    let (why, brief, next) = match &*inactive.reason {
        "Stopped" => return Some(stopped("cluster queue", name, None)),
        "Terminating" => ("is being deleted", "is being deleted", "use another queue"),
        "FlavorNotFound" => (
            "names a flavor that does not exist",
            "lacks a flavor",
            "its admin must create the ResourceFlavor, or take it out of the queue",
        ),
        "AdmissionCheckNotFound" => (
            "names an admission check that does not exist",
            "lacks an admission check",
            "its admin must create the AdmissionCheck, or take it out of the queue",
        ),
        "AdmissionCheckInactive" => (
            "has an admission check that is not active",
            "has an idle admission check",
            "its admin must see why the check's controller is not active",
        ),
        "TopologyNotFound" => (
            "has a flavor whose topology does not exist",
            "lacks a topology",
            "its admin must create the Topology",
        ),
        _ => ("is inactive", "is inactive", "ask whoever runs the queue"),
    };
    let short = fit(&[
        format!("queue {name} {brief}"),
        format!("{name} {brief}"),
        format!("its queue {brief}"),
    ]);
    let said = match said {
        "" => inactive.reason.to_string(),
        said => said.to_owned(),
    };
    let sentence = format!("cluster queue {name} {why}, so it admits nothing: {said}");
    Some(Waiting::new(Reason::Inactive, short, sentence).next(next))
}

/// Whether the queue takes this one at all.
fn takes(case: &Case, reason: &str, message: &str) -> Option<Waiting> {
    let namespace = &case.row.namespace;
    let queue = case.queue.unwrap_or("its cluster queue");
    let nobody = case
        .cluster_queue
        .is_some_and(|q| q.namespaces == Namespaces::Nobody);
    if nobody || message.contains("namespace doesn't match ClusterQueue selector") {
        let selector = match case.cluster_queue.map(|q| &q.namespaces) {
            Some(Namespaces::Selected(selector)) => format!(" (it takes those with {selector})"),
            Some(Namespaces::Nobody) => " (it has no namespaceSelector: it takes nobody's)".into(),
            _ => String::new(),
        };
        return Some(
            Waiting::new(
                Reason::Refused,
                fit(&[
                    format!("{queue} takes none from {namespace}"),
                    "queue takes none from here".into(),
                ]),
                format!(
                    "cluster queue {queue} takes no workloads from namespace {namespace}{selector}"
                ),
            )
            .next("have the namespace labelled as the queue's selector asks, or use another queue"),
        );
    }
    if message.contains("satisfy LimitRange constraints")
        || message.contains("resources validation failed")
    {
        let (_, detail) = message.split_once(": ")?;
        return Some(
            Waiting::new(
                Reason::Refused,
                "its requests break a limit",
                format!("its requests are refused: {detail}"),
            )
            .next("change its requests and limits, then submit it again"),
        );
    }
    if reason == "Misconfigured" && !message.is_empty() {
        return Some(
            Waiting::new(
                Reason::Refused,
                message.to_owned(),
                format!("cannot be admitted: {message}"),
            )
            .next("mend what the message names, then submit it again"),
        );
    }
    None
}

/// Edits from one name to another (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let change = corner + usize::from(x != *y);
            corner = *cell;
            left = change.min(corner + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn edits() {
        assert_eq!(distance("vison-main", "vision-main"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("a", "a"), 0);
    }
}
