//! Why a job does not get on, short enough for a column and equal for equal causes, so that the answer line can
//! count them. The full sentence of a pod is the model's.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::Model;
use crate::model::job::{JobRow, Phase};
use crate::model::pod::{PodPhase, PodRow};
use crate::model::resources::is_device;
use crate::model::status::JobStatus;

/// The cause most of the job's pods that do not run have; none if all run or none exists.
pub fn cause<'a>(job: &JobRow, model: &'a Model) -> Option<Cow<'a, str>> {
    let mut causes: BTreeMap<Cow<'a, str>, usize> = BTreeMap::new();
    for pod in model.pods_of(job.key) {
        if let Some(cause) = of_pod(pod) {
            *causes.entry(cause).or_default() += 1;
        }
    }
    causes
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map(|(cause, _)| cause)
}

/// What a job in this phase waits for.
pub fn waits<'a>(job: &'a JobRow, status: &JobStatus, model: &'a Model) -> Option<Cow<'a, str>> {
    match status.phase {
        Phase::Queued => Some(match model.queue(job) {
            Some(queue) => Cow::Owned(format!("admission in {queue}")),
            None => Cow::Borrowed("admission"),
        }),
        Phase::Pending if job.parallelism == 0 && job.kind.is_job() => {
            Some(Cow::Borrowed("parallelism is 0"))
        }
        // its pods are in a worker cluster
        Phase::Pending if is_elsewhere(job) => Some(Cow::Borrowed("a worker cluster")),
        Phase::Pending => Some(
            cause(job, model).unwrap_or(Cow::Borrowed(if status.active == 0 {
                "first pod"
            } else {
                "starting"
            })),
        ),
        Phase::Retrying => Some(cause(job, model).unwrap_or(Cow::Borrowed(
            match job.kind.is_job() {
                true => "backoff",
                false => "restarting",
            },
        ))),
        _ => None,
    }
}

/// Kueue hands it to another cluster.
fn is_elsewhere(job: &JobRow) -> bool {
    job.managed_by.as_deref() == Some("kueue.x-k8s.io/multikueue")
}

/// The same cause for a narrow column: `no free gpu`, `queue vision-main`.
pub fn brief(cause: &str) -> String {
    if let Some(resource) = cause.strip_prefix("Insufficient ") {
        let kind = resource.rsplit_once('/').map_or(resource, |(_, kind)| kind);
        return format!("no free {kind}");
    }
    if let Some(queue) = cause.strip_prefix("admission in ") {
        return format!("queue {queue}");
    }
    cause.replace("out of memory", "OOM")
}

/// The cause of one pod that is neither over nor running.
pub fn of_pod(pod: &PodRow) -> Option<Cow<'_, str>> {
    let status = pod.status.strip_prefix("Init:").unwrap_or(&pod.status);
    if pod.deleting || matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed) {
        return None;
    }
    if status == "CrashLoopBackOff" {
        let reason = pod.exit.as_ref().map(|exit| match &*exit.reason {
            "OOMKilled" => Cow::Borrowed("crash loop: out of memory"),
            _ => Cow::Owned(format!("crash loop: exit {}", exit.code)),
        });
        return Some(reason.unwrap_or(Cow::Borrowed("crash loop")));
    }
    if pod.phase == PodPhase::Running {
        return None;
    }
    Some(match status {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            Cow::Borrowed("image pull")
        }
        "SchedulingGated" => Cow::Borrowed("scheduling gate"),
        "ContainerCreating" | "PodInitializing" => Cow::Borrowed("starting"),
        "CreateContainerConfigError" => Cow::Borrowed("container config"),
        "Pending" | "Unschedulable" | "" if pod.node.is_none() => pod
            .why
            .as_deref()
            .map_or(Cow::Borrowed("scheduling"), scheduling),
        "Pending" | "" => Cow::Borrowed("starting"),
        other => Cow::Borrowed(other),
    })
}

/// The part of the scheduler's message that decides: a device short before cpu or memory, those before taints
/// and selectors, which are true of most nodes always.
fn scheduling(message: &str) -> Cow<'_, str> {
    let message = message.split(" preemption:").next().unwrap_or(message);
    let insufficient = || {
        message.match_indices("Insufficient ").map(|(at, word)| {
            let name = &message[at + word.len()..];
            let end = name
                .find(|c: char| c == ',' || c.is_whitespace())
                .unwrap_or(name.len());
            (at, word.len() + end, name[..end].trim_end_matches('.'))
        })
    };
    let short = insufficient()
        .find(|(.., name)| is_device(name))
        .or_else(|| insufficient().next());
    if let Some((at, _, name)) = short {
        return Cow::Borrowed(&message[at..at + "Insufficient ".len() + name.len()]);
    }
    Cow::Borrowed(if message.contains("cannot allocate all claims") {
        "device claims"
    } else if message.contains("too many pods") {
        "nodes full of pods"
    } else if message.contains("affinity/selector") {
        "no matching node"
    } else if message.contains("untolerated taint") {
        "tainted nodes"
    } else if message.contains("unschedulable") {
        "cordoned nodes"
    } else {
        "scheduling"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::fixture;

    fn why(name: &str) -> Option<String> {
        let model = fixture::model();
        let job = model.jobs.get(fixture::key(name)).unwrap();
        waits(job, &model.status(job), &model).map(Cow::into_owned)
    }

    #[test]
    fn a_device_that_is_short_is_named_before_what_is_always_true() {
        assert_eq!(
            why("gnn-hgcal").as_deref(),
            Some("Insufficient nvidia.com/gpu")
        );
        assert_eq!(why("jet-tagger-v3").as_deref(), Some("image pull"));
        assert_eq!(
            why("oom-probe").as_deref(),
            Some("crash loop: out of memory")
        );
        assert_eq!(
            why("detr-queue").as_deref(),
            Some("admission in vision-main")
        );
        assert_eq!(why("llama-sft"), None);
        assert_eq!(brief("Insufficient nvidia.com/gpu"), "no free gpu");
        assert_eq!(brief("admission in main"), "queue main");
        assert_eq!(
            scheduling("0/9 nodes are available: 2 Insufficient cpu, 3 Insufficient memory."),
            "Insufficient cpu"
        );
        assert_eq!(
            scheduling("0/9 nodes are available: 4 node(s) had untolerated taint {a: b}."),
            "tainted nodes"
        );
    }
}
