//! A suspended job that names a queue and has no Workload: mistyped queue, kind not enabled, silent controller.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Look, Reason, Waiting, fit, queues};
use crate::model::Model;
use crate::model::human;
use crate::model::job::JobRow;

/// How long Kueue may take to see a new job.
const SOON: TimeDelta = TimeDelta::seconds(15);

pub fn no_workload(
    model: &Model,
    look: &Look,
    job: &JobRow,
    now: DateTime<Utc>,
) -> Option<Waiting> {
    let queue = job.queue.as_deref()?;
    let kueue = &model.kueue;
    let cluster = job.key.cluster;
    if kueue.is_absent(cluster) {
        return Some(
            Waiting::new(
                Reason::OnHold,
                "held; there is no Kueue here",
                format!("suspended, and nothing will start it: it names queue {queue}, but Kueue is not installed here"),
            )
            .next("set spec.suspend to false to run it now, or have Kueue installed"),
        );
    }
    let queues_known = kueue.local_queues.rows().any(|r| r.key.cluster == cluster);
    let workloads = || kueue.workloads.rows().filter(|r| r.key.cluster == cluster);
    if look.local_queue(kueue, &job.namespace, queue).is_none() && queues_known {
        return Some(queues::no_queue(kueue, look, &job.namespace, queue));
    }
    if let Some(age) = job.created.map(|at| now - at).filter(|age| *age < SOON) {
        let age = human::duration(age);
        return Some(Waiting::new(
            Reason::NoWorkload,
            "Kueue has not seen it yet",
            format!("submitted {age} ago; Kueue has made no Workload for it yet"),
        ));
    }
    if !queues_known && workloads().next().is_none() {
        return Some(
            Waiting::new(
                Reason::NoWorkload,
                fit(&[format!("queue {queue}"), "in a queue".into()]),
                format!(
                    "waits for admission in queue {queue}; nothing of Kueue's can be seen here"
                ),
            )
            .next("may you list workloads and localqueues of kueue.x-k8s.io? Is Kueue installed?"),
        );
    }
    let kind = job.kind.kind;
    let managed = workloads().any(|w| w.owners.iter().any(|(k, ..)| &**k == kind));
    let (sentence, next) = if managed {
        (
            format!("Kueue has made no Workload for it, though it does for other {kind}s"),
            "is Kueue's controller running? Its events and the job's tell; a job with a managed owner has its owner's Workload",
        )
    } else {
        (
            format!("Kueue has made no Workload for it, nor for any other {kind}"),
            "have the kind enabled in Kueue's configuration (integrations.frameworks), and see that its controller runs",
        )
    };
    Some(Waiting::new(Reason::NoWorkload, "Kueue has made no Workload", sentence).next(next))
}
