//! Pods that cannot start, or start again and again: one look at a row, and when to look again.

use chrono::{DateTime, Utc};

use super::Severity;
use super::rules::{Rules, span};
use crate::model::pod::{PodPhase, PodRow};
use crate::model::podwhy;

/// What keeps a pod from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// No node takes it.
    Unscheduled,
    Image,
    /// The runtime cannot make its container.
    Container,
    /// Bound to a node, but not started for long: volumes, sandboxes.
    Starting,
    /// Its container ends and is started again.
    Restarts,
}

impl Trouble {
    pub fn cause(self) -> &'static str {
        match self {
            Trouble::Unscheduled => "pods/unscheduled",
            Trouble::Image => "pods/image",
            Trouble::Container => "pods/container",
            Trouble::Starting => "pods/starting",
            Trouble::Restarts => "pods/restarts",
        }
    }

    pub fn severity(self) -> Severity {
        match self {
            Trouble::Unscheduled | Trouble::Starting => Severity::Warning,
            Trouble::Image | Trouble::Container | Trouble::Restarts => Severity::Error,
        }
    }

    /// What to say when it is over and the job is still there.
    pub fn end(self) -> &'static str {
        match self {
            Trouble::Unscheduled => "a node was found",
            Trouble::Image => "the image came",
            Trouble::Container => "the container was made",
            Trouble::Starting => "started",
            Trouble::Restarts => "no restart any more",
        }
    }
}

/// One pod in trouble.
#[derive(Debug, Clone, PartialEq)]
pub struct Troubled {
    pub trouble: Trouble,
    /// What is to be said of it, without its name.
    pub text: String,
    pub since: Option<DateTime<Utc>>,
}

/// What a look says: trouble now, or none yet, and when it may be otherwise though nothing of the pod changes.
pub type Look = (Option<Troubled>, Option<DateTime<Utc>>);

/// Looks at a pod. Most are well, and that is seen by its phase.
pub fn look(pod: &PodRow, rules: &Rules, now: DateTime<Utc>) -> Look {
    if pod.deleting || matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed) {
        return (None, None);
    }
    if pod.phase == PodPhase::Running && pod.restarts == 0 && pod.is_ready {
        return (None, None);
    }
    let status = pod.status.strip_prefix("Init:").unwrap_or(&pod.status);
    if let Some(told) = restarts(pod, status, rules, now) {
        return told;
    }
    let (trouble, patience) = match status {
        "ErrImagePull" | "ImagePullBackOff" => (Trouble::Image, rules.image_s),
        "InvalidImageName" | "ErrImageNeverPull" => (Trouble::Image, 0),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            (Trouble::Container, rules.image_s)
        }
        "Pending" | "Unschedulable" if pod.node.is_none() => {
            (Trouble::Unscheduled, rules.pending_s)
        }
        "ContainerCreating" | "PodInitializing" | "Pending" if pod.node.is_some() => {
            (Trouble::Starting, rules.pending_s)
        }
        _ => return (None, None),
    };
    let due = pod.created.get().map(|at| at + span(patience));
    match due {
        Some(due) if due > now => (None, Some(due)),
        _ => (Some(of(trouble, pod, pod.created.get())), None),
    }
}

/// Its container was started again too often, and lately.
fn restarts(pod: &PodRow, status: &str, rules: &Rules, now: DateTime<Utc>) -> Option<Look> {
    let looping = status == "CrashLoopBackOff";
    let many = pod.restarts >= rules.restarts.max(1);
    if !looping && !many {
        return None;
    }
    let last = pod.exit.as_ref().and_then(|exit| exit.finished);
    let calm = last.map(|at| at + span(rules.settled_s));
    if !looping && calm.is_none_or(|calm| calm <= now) {
        return None;
    }
    let told = of(Trouble::Restarts, pod, None);
    Some((Some(told), calm.filter(|calm| *calm > now)))
}

fn of(trouble: Trouble, pod: &PodRow, since: Option<DateTime<Utc>>) -> Troubled {
    let why = podwhy::why(pod).map(|why| why.text);
    let text = match (trouble, why) {
        (Trouble::Restarts, why) => {
            let ended = pod.exit.as_deref().map(|exit| podwhy::ended(exit).1);
            let ended = ended.map_or(String::new(), |how| format!(", last: {how}"));
            let n = pod.restarts;
            let looping = why.is_some_and(|why| why.starts_with("crash loop"));
            match looping {
                true => format!("crash loop, restarted {n} times{ended}"),
                false => format!("restarted {n} times{ended}"),
            }
        }
        (Trouble::Unscheduled, Some(why)) => {
            format!("no node takes it: {}", podwhy::scheduling_in_short(&why))
        }
        (Trouble::Unscheduled, None) => "no node takes it".to_owned(),
        (Trouble::Starting, why) => {
            let why = why.unwrap_or_default();
            let why = why.strip_prefix("starting").unwrap_or(&why);
            format!("bound but not started for {}{why}", super::AGE)
        }
        (_, Some(why)) => why,
        (Trouble::Image, None) => "cannot pull its image".to_owned(),
        (Trouble::Container, None) => "cannot start its container".to_owned(),
    };
    Troubled {
        trouble,
        text,
        since,
    }
}
