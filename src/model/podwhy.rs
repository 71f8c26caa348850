//! Why a pod is pending, or why it died, in one line (domain: B.1, B.2).

use super::pod::{Exit, PodPhase, PodRow};

/// What kind of trouble a pod is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Waiting for a place, an image, a volume or a gate.
    Waiting,
    /// Ended or ending from outside: preempted, evicted, drained. Not the program's fault.
    Disrupted,
    /// The program ended badly.
    Crashed,
    /// Killed for memory; told by the reason alone, never by code 137.
    OutOfMemory,
    /// The node or kubelet refused or lost it.
    Refused,
}

/// One line about a pod that does not simply run or succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodWhy {
    pub trouble: Trouble,
    pub text: String,
}

/// Says why; none for a pod that runs, is ready, or ended well.
pub fn why(pod: &PodRow) -> Option<PodWhy> {
    let (trouble, text) = match pod.phase {
        PodPhase::Succeeded => return None,
        PodPhase::Failed => dead(pod),
        _ => {
            if let Some(reason) = &pod.disrupted {
                (Trouble::Disrupted, disruption(reason))
            } else if pod.deleting {
                return None;
            } else {
                alive(pod)?
            }
        }
    };
    Some(PodWhy { trouble, text })
}

fn dead(pod: &PodRow) -> (Trouble, String) {
    if let Some(reason) = &pod.disrupted {
        return (Trouble::Disrupted, disruption(reason));
    }
    let message = pod.why.as_deref();
    let refused = |text: &str| (Trouble::Refused, with(text.to_owned(), message));
    match &*pod.status {
        "Evicted" => {
            return (
                Trouble::Disrupted,
                with("evicted: node pressure".into(), message),
            );
        }
        "Preempting" => return (Trouble::Disrupted, "preempted by a critical pod".into()),
        "Terminated" | "NodeShutdown" => return (Trouble::Disrupted, "its node shut down".into()),
        "NodeLost" => return (Trouble::Disrupted, "its node is lost".into()),
        "NodeAffinity" => return refused("no longer fits its node"),
        "DeadlineExceeded" => return (Trouble::Crashed, "ran past its deadline".into()),
        "UnexpectedAdmissionError" => {
            return refused("refused by the kubelet, often a device it could not give");
        }
        status => {
            if let Some(what) = status.strip_prefix("OutOf") {
                return refused(&format!("refused by the kubelet: node out of {what}"));
            }
        }
    }
    match &pod.exit {
        Some(exit) => ended(exit),
        None => (
            Trouble::Crashed,
            with(format!("failed: {}", pod.status), message),
        ),
    }
}

fn alive(pod: &PodRow) -> Option<(Trouble, String)> {
    let status = &*pod.status;
    let why = pod.why.as_deref();
    if status == "CrashLoopBackOff" || status == "Init:CrashLoopBackOff" {
        let last = pod.exit.as_deref();
        let text = match last {
            Some(exit) => format!(
                "crash loop, {} restart{}: {}",
                pod.restarts,
                plural(pod.restarts),
                ended(exit).1
            ),
            None => format!(
                "crash loop, {} restart{}",
                pod.restarts,
                plural(pod.restarts)
            ),
        };
        let oom = last.is_some_and(|exit| &*exit.reason == "OOMKilled");
        let trouble = if oom {
            Trouble::OutOfMemory
        } else {
            Trouble::Crashed
        };
        return Some((trouble, text));
    }
    if pod.phase == PodPhase::Running {
        if pod.is_ready {
            return None;
        }
        // a container that waits says why; else a lost node leaves its containers ready and only the pod not
        return match why {
            Some(why) => Some((Trouble::Waiting, pending(status, Some(why)))),
            None if pod.ready == pod.containers => Some((
                Trouble::Refused,
                "not ready though its containers are: its node does not answer".into(),
            )),
            None => None,
        };
    }
    Some((Trouble::Waiting, pending(status, why)))
}

fn pending(status: &str, why: Option<&str>) -> String {
    let status = status.strip_prefix("Init:").unwrap_or(status);
    // rows carry `Reason: message`; the reason is said in words here
    let why = why
        .map(|why| {
            let text = [status, "Unschedulable"]
                .iter()
                .filter(|reason| !reason.is_empty())
                .find_map(|reason| why.strip_prefix(reason))
                .unwrap_or(why);
            text.trim_start_matches([':', ' '])
        })
        .filter(|why| !why.is_empty());
    match status {
        "Pending" | "Unschedulable" => match why {
            Some(why) => scheduling(why),
            None => "not scheduled yet".into(),
        },
        "SchedulingGated" => why.unwrap_or("held by a scheduling gate").to_owned(),
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            with("cannot pull its image".into(), why.map(image))
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            with("cannot start its container".into(), why)
        }
        "ContainerCreating" | "PodInitializing" => with("starting".into(), why),
        "" => with("waiting".into(), why),
        other => with(other.to_owned(), why),
    }
}

/// The scheduler's message without what helps nobody: `0/24 nodes: 3 Insufficient nvidia.com/gpu`.
pub fn scheduling(message: &str) -> String {
    let text = message.lines().next().unwrap_or_default();
    let text = text.split(" preemption:").next().unwrap_or(text);
    let text = text
        .trim_end_matches([' ', ',', '.'])
        .trim_end_matches("no new claims to deallocate")
        .trim_end_matches("still not schedulable")
        .trim_end_matches([' ', ',', '.']);
    text.replacen(" nodes are available:", " nodes:", 1)
}

/// [`scheduling`]'s sentence for a list of many: what is short first, what is always so last.
/// `0/41 nodes: 6 short of nvidia.com/gpu, 27 outside its node affinity/selector, 7 tainted, 1 cordoned`
pub fn scheduling_in_short(text: &str) -> String {
    let parts = text.split_once(" nodes: ");
    let parsed = parts.and_then(|(of, list)| {
        let parts: Option<Vec<_>> = list.split(", ").map(part).collect();
        Some((of, parts?))
    });
    let Some((of, mut parts)) = parsed else {
        return text.to_owned();
    };
    parts.sort();
    let all: Vec<String> = parts
        .into_iter()
        .map(|(_, n, what)| format!("{} {what}", n.0))
        .collect();
    format!("{of} nodes: {}", all.join(", "))
}

/// How telling it is, for how many nodes, and what: none if it is no count of nodes.
fn part(text: &str) -> Option<(u8, std::cmp::Reverse<u32>, String)> {
    let (n, what) = text.split_once(' ')?;
    let n: u32 = n.parse().ok()?;
    let plain = what.strip_prefix("node(s) ").unwrap_or(what);
    let (rank, what) = if let Some(resource) = what.strip_prefix("Insufficient ") {
        // what stands behind a domain is a device
        (
            u8::from(!resource.contains('/')),
            format!("short of {resource}"),
        )
    } else if let Some(taint) = plain.strip_prefix("had untolerated taint") {
        let key = taint.trim_start_matches("(s)").trim();
        let key = key
            .trim_matches(['{', '}'])
            .split(':')
            .next()
            .unwrap_or_default();
        match key {
            "" => (3, "tainted".to_owned()),
            key => (3, format!("tainted {key}")),
        }
    } else {
        match plain {
            "didn't match Pod's node affinity/selector" => {
                (2, "outside its node affinity/selector".to_owned())
            }
            "were unschedulable" => (4, "cordoned".to_owned()),
            other => (1, other.to_owned()),
        }
    };
    Some((rank, std::cmp::Reverse(n), what))
}

/// The last and most exact cause of a pull error.
fn image(message: &str) -> &str {
    message
        .rsplit_once("failed to resolve reference ")
        .map_or(message, |(_, rest)| rest)
}

/// How a container ended, in words.
pub fn ended(exit: &Exit) -> (Trouble, String) {
    let message = exit.message.as_deref();
    match (&*exit.reason, exit.code, exit.signal) {
        ("OOMKilled", _, _) => (
            Trouble::OutOfMemory,
            format!("out of memory: {} was killed (OOMKilled)", exit.container),
        ),
        ("ContainerStatusUnknown", ..) => (
            Trouble::Refused,
            "its container vanished, exit unknown".into(),
        ),
        (_, 137, _) | (_, _, 9) => (
            Trouble::Crashed,
            with(format!("exit {} (killed)", exit.code), message),
        ),
        (_, 143, _) | (_, _, 15) => (
            Trouble::Crashed,
            with(format!("exit {} (told to stop)", exit.code), message),
        ),
        (_, 139, _) | (_, _, 11) => (
            Trouble::Crashed,
            with(format!("exit {} (segmentation fault)", exit.code), message),
        ),
        ("" | "Error" | "Completed", code, _) => {
            (Trouble::Crashed, with(format!("exit {code}"), message))
        }
        (reason, code, _) => (
            Trouble::Crashed,
            with(format!("exit {code} {reason}"), message),
        ),
    }
}

/// A DisruptionTarget reason in words.
pub fn disruption(reason: &str) -> String {
    let what = match reason {
        "PreemptionByScheduler" => "preempted for a pod of higher priority",
        "EvictionByEvictionAPI" => "evicted through the API (a drain?)",
        "DeletionByTaintManager" => "its node was tainted or lost",
        "DeletionByDeviceTaintManager" => "its device was tainted",
        "DeletionByPodGC" => "its node is gone",
        "TerminationByKubelet" => "ended by the kubelet (node pressure or shutdown)",
        other => other,
    };
    format!("disrupted: {what}")
}

/// The first line of a message, shortened, behind a text.
fn with(text: String, message: Option<&str>) -> String {
    let line = message.and_then(|m| m.lines().map(str::trim).find(|line| !line.is_empty()));
    match line {
        Some(line) => format!("{text}: {line}"),
        None => text,
    }
}

fn plural(n: u32) -> &'static str {
    if n == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_scheduler_in_short_says_what_is_short_first() {
        for (text, short) in [
            (
                "0/41 nodes: 1 Insufficient memory, 1 node(s) were unschedulable, 27 node(s) didn't match Pod's node \
                 affinity/selector, 6 Insufficient cpu, 6 Insufficient nvidia.com/gpu, 7 node(s) had untolerated taint(s)",
                "0/41 nodes: 6 short of nvidia.com/gpu, 6 short of cpu, 1 short of memory, 27 outside its node \
                 affinity/selector, 7 tainted, 1 cordoned",
            ),
            (
                "0/9 nodes: 9 node(s) had untolerated taint {node.kubernetes.io/not-ready: }",
                "0/9 nodes: 9 tainted node.kubernetes.io/not-ready",
            ),
            (
                "0/4 nodes: 4 cannot allocate all claims",
                "0/4 nodes: 4 cannot allocate all claims",
            ),
            // what is not understood stays as it is
            (
                "no nodes available to schedule pods",
                "no nodes available to schedule pods",
            ),
            (
                "0/4 nodes: a plugin says no, and more",
                "0/4 nodes: a plugin says no, and more",
            ),
        ] {
            assert_eq!(scheduling_in_short(text), short);
        }
    }
    use crate::model::fixture::*;

    fn waiting(status: &str, why: &str) -> PodRow {
        let mut p = pod(10, &job(1, "a"));
        p.status = status.into();
        p.why = (!why.is_empty()).then(|| why.into());
        p
    }

    fn died(status: &str, code: i32, reason: &str) -> PodRow {
        let mut p = ended_pod(code);
        p.status = status.into();
        if let Some(exit) = &mut p.exit {
            exit.reason = reason.into();
        }
        p
    }

    fn ended_pod(code: i32) -> PodRow {
        crate::model::fixture::ended(running(pod(10, &job(1, "a")), "n", 0), code, 5)
    }

    #[rstest]
    #[case(
        "Pending",
        "0/16 nodes are available: 1 node(s) were unschedulable, 4 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/16 nodes are available: 16 Preemption is not helpful for scheduling.",
        "0/16 nodes: 1 node(s) were unschedulable, 4 Insufficient nvidia.com/gpu"
    )]
    #[case(
        "Pending",
        "Unschedulable: 0/16 nodes are available: 11 cannot allocate all claims. still not schedulable, preemption: 0/16 nodes are available: 16 x.",
        "0/16 nodes: 11 cannot allocate all claims"
    )]
    #[case("Pending", "", "not scheduled yet")]
    #[case(
        "SchedulingGated",
        "held by kueue.x-k8s.io/topology",
        "held by kueue.x-k8s.io/topology"
    )]
    #[case(
        "ImagePullBackOff",
        "ImagePullBackOff: Back-off pulling image \"r/t:v2.O\": ErrImagePull: failed to pull and unpack image \"r/t:v2.O\": failed to resolve reference \"r/t:v2.O\": r/t:v2.O: not found",
        "cannot pull its image: \"r/t:v2.O\": r/t:v2.O: not found"
    )]
    #[case(
        "CreateContainerConfigError",
        "CreateContainerConfigError: secret \"k\" not found",
        "cannot start its container: secret \"k\" not found"
    )]
    #[case("Init:ErrImagePull", "", "cannot pull its image")]
    #[case("ContainerCreating", "", "starting")]
    fn why_pending(#[case] status: &str, #[case] message: &str, #[case] want: &str) {
        let got = why(&waiting(status, message)).unwrap();
        assert_eq!((got.trouble, &*got.text), (Trouble::Waiting, want));
    }

    fn preempted(mut pod: PodRow) -> PodRow {
        pod.disrupted = Some("PreemptionByScheduler".into());
        pod
    }

    #[rstest]
    #[case(died("Error", 1, "Error"), Trouble::Crashed, "exit 1")]
    #[case(died("Error", 137, "Error"), Trouble::Crashed, "exit 137 (killed)")]
    #[case(
        died("OOMKilled", 137, "OOMKilled"),
        Trouble::OutOfMemory,
        "out of memory: main was killed (OOMKilled)"
    )]
    #[case(
        died("StartError", 128, "StartError"),
        Trouble::Crashed,
        "exit 128 StartError"
    )]
    #[case(
        died("ContainerStatusUnknown", 137, "ContainerStatusUnknown"),
        Trouble::Refused,
        "its container vanished, exit unknown"
    )]
    #[case(
        died("Evicted", 137, "Error"),
        Trouble::Disrupted,
        "evicted: node pressure"
    )]
    #[case(
        PodRow { exit: None, ..died("OutOfnvidia.com/gpu", 1, "") },
        Trouble::Refused,
        "refused by the kubelet: node out of nvidia.com/gpu"
    )]
    #[case(
        preempted(died("Error", 137, "Error")),
        Trouble::Disrupted,
        "disrupted: preempted for a pod of higher priority"
    )]
    fn why_dead(#[case] pod: PodRow, #[case] trouble: Trouble, #[case] want: &str) {
        assert_eq!(
            why(&pod),
            Some(PodWhy {
                trouble,
                text: want.into()
            })
        );
    }

    #[test]
    fn running_and_succeeded_pods_need_no_reason() {
        assert_eq!(why(&running(pod(10, &job(1, "a")), "n", 0)), None);
        assert_eq!(why(&ended_pod(0)), None);
    }

    #[test]
    fn a_lost_node_leaves_ready_containers_in_a_pod_that_is_not() {
        let mut p = running(pod(10, &job(1, "a")), "n", 0);
        p.is_ready = false;
        assert!(why(&p).unwrap().text.contains("does not answer"));
    }

    #[test]
    fn a_crash_loop_tells_its_last_exit() {
        let mut p = ended_pod(137);
        (p.phase, p.restarts, p.status) = (PodPhase::Running, 4, "CrashLoopBackOff".into());
        let got = why(&p).unwrap();
        assert_eq!(got.trouble, Trouble::OutOfMemory);
        assert!(
            got.text
                .starts_with("crash loop, 4 restarts: out of memory")
        );
    }
}
