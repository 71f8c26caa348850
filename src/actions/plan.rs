//! From an intent and what is known of an object to what is done, or why it is not. Who is master of what is decided
//! here: a queued job is held by its Workload, never behind Kueue's back; what belongs to another is the other's.

use super::{Intent, Object, Refusal, Step, WORKLOAD, stream};
use crate::model::Model;
use crate::model::ids::{Key, Name};
use crate::model::job::{CronJobRow, JobKind, JobRow, Phase};
use crate::model::kueue::WorkloadRow;
use crate::model::kueue::queue::Stop;
use crate::model::kueue::workload::State;
use crate::model::kueue::{ClusterQueueRow, LocalQueueRow, QueueKind};
use crate::model::node::NodeRow;
use crate::model::pod::{PodPhase, PodRow};
use crate::model::want::Kind;

const QUEUE: &str = "kueue.x-k8s.io/queue-name";

/// A row of any kind that something can be done to.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    Job(&'a JobRow),
    Cron(&'a CronJobRow),
    Pod(&'a PodRow),
    Node(&'a NodeRow),
    Workload(&'a WorkloadRow),
    ClusterQueue(&'a ClusterQueueRow),
    LocalQueue(&'a LocalQueueRow),
}

/// The row of a key, whichever kind it is of.
pub fn subject(model: &Model, key: Key) -> Option<Subject<'_>> {
    let kueue = &model.kueue;
    (model.jobs.get(key).map(Subject::Job))
        .or_else(|| model.pods.get(key).map(Subject::Pod))
        .or_else(|| model.cronjobs.get(key).map(Subject::Cron))
        .or_else(|| model.nodes.get(key).map(Subject::Node))
        .or_else(|| kueue.workloads.get(key).map(Subject::Workload))
        .or_else(|| kueue.local_queues.get(key).map(Subject::LocalQueue))
        .or_else(|| kueue.cluster_queues.get(key).map(Subject::ClusterQueue))
}

impl Subject<'_> {
    /// The object; none for a pod group, which is none.
    pub fn object(&self) -> Option<Object> {
        let (kind, namespace, name, key): (Kind, &str, &str, Key) = match self {
            Subject::Job(job) => (job.kind.object()?, &job.namespace, &job.name, job.key),
            Subject::Cron(cron) => (Kind::CronJob, &cron.namespace, &cron.name, cron.key),
            Subject::Pod(pod) => (Kind::Pod, &pod.namespace, &pod.name, pod.key),
            Subject::Node(node) => (Kind::Node, "", &node.name, node.key),
            Subject::Workload(w) => (WORKLOAD, &w.namespace, &w.name, w.key),
            Subject::ClusterQueue(q) => (Kind::Queue(QueueKind::ClusterQueue), "", &q.name, q.key),
            Subject::LocalQueue(q) => {
                let kind = Kind::Queue(QueueKind::LocalQueue);
                (kind, &q.namespace, &q.name, q.key)
            }
        };
        Some(Object {
            kind,
            namespace: namespace.into(),
            name: name.into(),
            key: Some(key),
        })
    }

    /// `job/pi`
    pub fn words(&self) -> String {
        match (self.object(), self) {
            (Some(object), _) => object.words(),
            (None, Subject::Job(job)) => format!("{}/{}", job.kind.singular(), job.name),
            (None, _) => String::new(),
        }
    }
}

/// What an intent means for an object; several steps where it is made of several.
///
/// # Errors
/// Why not, and what to do instead.
pub fn plan(model: &Model, key: Key, intent: &Intent) -> Result<Vec<Step>, Refusal> {
    let subject = subject(model, key).ok_or_else(|| Refusal::new("it is not there any more"))?;
    let steps = match intent {
        Intent::Delete { .. } => delete(model, subject, intent)?,
        Intent::Evict => vec![evict(subject)?],
        Intent::Hold => vec![hold(model, subject, true)?],
        Intent::Resume => vec![hold(model, subject, false)?],
        Intent::Stop(stop) => vec![stop_queue(subject, *stop)?],
        Intent::Trigger => vec![trigger(subject)?],
        Intent::Scale(n) => vec![scale(model, subject, *n)?],
        Intent::Priority(class) => vec![priority(model, subject, class)?],
        Intent::Move(queue) => vec![move_to(model, subject, queue)?],
        Intent::Cordon(on) => vec![cordon(subject, *on)?],
        Intent::Create => return Err(Refusal::new("it is there already")),
        Intent::Exec(_) | Intent::Forward(_) => {
            let pod = stream::pods(model, key)?.into_iter().next();
            let pod = pod.and_then(|pod| Subject::Pod(pod).object());
            let none = || Refusal::new(format!("{} has no pod that runs", subject.words()));
            vec![Step::new(intent.clone(), pod.ok_or_else(none)?)]
        }
    };
    Ok(steps)
}

/// Hold it, or let it go on: whichever makes a difference now.
pub fn toggle(model: &Model, key: Key) -> Intent {
    let held = match subject(model, key) {
        Some(Subject::Job(job)) => match model.kueue.workload_of(job.key) {
            Some(workload) => !workload.active,
            None => job.suspend,
        },
        Some(Subject::Cron(cron)) => cron.suspend,
        Some(Subject::Workload(workload)) => !workload.active,
        Some(Subject::ClusterQueue(queue)) => queue.stop != Stop::None,
        Some(Subject::LocalQueue(queue)) => queue.stop != Stop::None,
        Some(Subject::Node(node)) => return Intent::Cordon(!node.cordoned),
        Some(Subject::Pod(_)) | None => false,
    };
    match held {
        true => Intent::Resume,
        false => Intent::Hold,
    }
}

fn is(subject: Subject) -> Result<Object, Refusal> {
    let none = || {
        Refusal::new(format!("{} is no object of its own", subject.words()))
            .next("P lists its pods")
    };
    subject.object().ok_or_else(none)
}

fn never(subject: Subject, what: &str) -> Refusal {
    let kind = match subject.object() {
        Some(object) => object.kind.singular(),
        None => "pod group".into(),
    };
    Refusal::new(format!("a {kind} cannot be {what}"))
}

fn delete(model: &Model, subject: Subject, intent: &Intent) -> Result<Vec<Step>, Refusal> {
    let force = matches!(intent, Intent::Delete { force: true, .. });
    let one = |object: Object| Step {
        ask: true,
        ..Step::new(intent.clone(), object)
    };
    let pod = |pod: &PodRow| Subject::Pod(pod).object().map(one);
    match subject {
        Subject::Job(job) if job.kind == JobKind::POD_GROUP => {
            let pods = model.pods_of(job.key).filter(|p| !p.deleting || force);
            let mut steps: Vec<Step> = pods.filter_map(pod).collect();
            steps.sort_by(|a, b| a.object.name.cmp(&b.object.name));
            match steps.is_empty() {
                true => Err(Refusal::new(format!(
                    "{} has no pods left",
                    subject.words()
                ))),
                false => Ok(steps),
            }
        }
        Subject::Job(job) if job.deleting && !force => Err(deleting(subject)),
        Subject::Job(job) => {
            let workload = model.kueue.workload_of(job.key);
            let workload = workload.and_then(|w| Subject::Workload(w).object());
            let mut steps = vec![Step {
                workload,
                ..one(is(subject)?)
            }];
            // what hangs are its pods
            if force && job.kind != JobKind::POD {
                let here = model
                    .pods_of(job.key)
                    .filter(|p| p.key.cluster == job.key.cluster);
                let mut pods: Vec<Step> = here.filter_map(pod).collect();
                pods.sort_by(|a, b| a.object.name.cmp(&b.object.name));
                steps.extend(pods);
            }
            Ok(steps)
        }
        Subject::Cron(cron) if cron.deleting && !force => Err(deleting(subject)),
        Subject::Pod(pod) if pod.deleting && !force => {
            Err(deleting(subject).next("force ends it without waiting"))
        }
        Subject::Cron(_) | Subject::Pod(_) => Ok(vec![one(is(subject)?)]),
        Subject::Workload(workload) => Err(Refusal::new(format!(
            "deleting workload/{} only queues its job again",
            workload.name
        ))
        .next("delete the job")),
        Subject::Node(_) | Subject::ClusterQueue(_) | Subject::LocalQueue(_) => {
            Err(never(subject, "deleted here").next("jobdeck deletes workloads and pods"))
        }
    }
}

fn deleting(subject: Subject) -> Refusal {
    Refusal::new(format!("{} is being deleted already", subject.words()))
}

fn evict(subject: Subject) -> Result<Step, Refusal> {
    match subject {
        Subject::Pod(pod) if matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed) => {
            Err(Refusal::new(format!("{} is over", subject.words())).next("delete it"))
        }
        Subject::Pod(pod) if pod.deleting => Err(deleting(subject)),
        Subject::Pod(_) => Ok(Step {
            ask: true,
            ..Step::new(Intent::Evict, is(subject)?)
        }),
        Subject::Job(job) if job.kind == JobKind::POD => Ok(Step {
            ask: true,
            ..Step::new(Intent::Evict, is(subject)?)
        }),
        _ => Err(Refusal::new("only a pod can be evicted").next("P lists the pods")),
    }
}

fn hold(model: &Model, subject: Subject, on: bool) -> Result<Step, Refusal> {
    let intent = match on {
        true => Intent::Hold,
        false => Intent::Resume,
    };
    let already = |yes: bool| match (on, yes) {
        (true, true) => Err(Refusal::new(format!("{} is held already", subject.words()))),
        (false, false) => Err(Refusal::new(format!("{} is not held", subject.words()))),
        _ => Ok(()),
    };
    match subject {
        Subject::Job(job) => hold_job(model, job, on, intent),
        Subject::Cron(cron) => {
            already(cron.suspend)?;
            Ok(Step::new(intent, is(subject)?))
        }
        Subject::Workload(workload) => {
            let mut jobs = workload.jobs().into_iter();
            if let Some(job) = jobs.find_map(|key| model.jobs.get(key)) {
                return hold_job(model, job, on, intent);
            }
            already(!workload.active)?;
            Ok(Step {
                ask: on && workload.state() >= State::Reserved,
                ..Step::new(intent, is(subject)?)
            })
        }
        Subject::ClusterQueue(_) | Subject::LocalQueue(_) => stop_queue(
            subject,
            match on {
                true => Stop::Hold,
                false => Stop::None,
            },
        ),
        Subject::Node(_) => cordon(subject, on),
        Subject::Pod(_) => {
            Err(never(subject, "held").next("J leads to its job, which may be held"))
        }
    }
}

fn hold_job(model: &Model, job: &JobRow, on: bool, intent: Intent) -> Result<Step, Refusal> {
    let subject = Subject::Job(job);
    let words = subject.words();
    let status = model.status(job);
    if status.finished.is_some() {
        return Err(Refusal::new(format!("{words} is over")));
    }
    if job.deleting {
        return Err(deleting(subject));
    }
    let runs = status.active > 0 || status.ready > 0;
    if let Some(workload) = model.kueue.workload_of(job.key) {
        let pods = job.kind == JobKind::POD_GROUP || job.kind == JobKind::POD;
        match (on, workload.active) {
            (true, false) => return Err(Refusal::new(format!("{words} is held already"))),
            (false, true) if workload.state() < State::Admitted => {
                return Err(
                    Refusal::new(format!("{words} is not held, it waits in its queue"))
                        .next("w says why"),
                );
            }
            (false, true) => return Err(Refusal::new(format!("{words} is not held"))),
            // Kueue stops pods by deleting them, and nothing makes them again
            (true, true) if pods && workload.state() >= State::Reserved => {
                return Err(Refusal::new(format!(
                    "to hold {words} Kueue would delete its pods, and nothing makes them again"
                ))
                .next("delete it if that is meant"));
            }
            _ => {}
        }
        let object = subject.object();
        let through = Subject::Workload(workload).object();
        let object = match (object, &through) {
            (Some(object), _) => object,
            // a pod group is known by its Workload
            (None, Some(through)) => through.clone(),
            (None, None) => return Err(never(subject, "held")),
        };
        return Ok(Step {
            ask: on && (runs || workload.state() >= State::Reserved),
            through,
            ..Step::new(intent, object)
        });
    }
    if let Some(owner) = model.parent(job).and_then(|key| model.jobs.get(key)) {
        let owner = Subject::Job(owner).words();
        let verb = if on { "hold" } else { "resume" };
        return Err(
            Refusal::new(format!("{words} belongs to {owner}, which would undo it"))
                .next(format!("{verb} {owner}")),
        );
    }
    let queued = job.labels.iter().any(|(k, _)| &**k == QUEUE);
    if queued && !model.kueue.is_absent(job.key.cluster) && job.suspend {
        return Err(
            Refusal::new(format!("{words} is Kueue's, and its Workload is not seen")).next(
                "try again in a moment; seeing workloads needs list on workloads.kueue.x-k8s.io",
            ),
        );
    }
    if job.kind == JobKind::POD || job.kind == JobKind::POD_GROUP {
        return Err(never(subject, "held"));
    }
    if job.kind.kind == "LeaderWorkerSet" {
        return Err(never(subject, "held").next("scale it to 0"));
    }
    match (on, job.suspend) {
        (true, true) => return Err(Refusal::new(format!("{words} is held already"))),
        (false, false) => return Err(Refusal::new(format!("{words} is not held"))),
        _ => {}
    }
    Ok(Step {
        ask: on && runs,
        ..Step::new(intent, is(subject)?)
    })
}

fn stop_queue(subject: Subject, stop: Stop) -> Result<Step, Refusal> {
    let now = match subject {
        Subject::ClusterQueue(queue) => queue.stop,
        Subject::LocalQueue(queue) => queue.stop,
        _ => return Err(never(subject, "stopped")),
    };
    if now == stop {
        let how = match stop {
            Stop::None => "not held",
            Stop::Hold => "held already",
            Stop::HoldAndDrain => "held and drained already",
        };
        return Err(Refusal::new(format!("{} is {how}", subject.words())));
    }
    Ok(Step {
        ask: stop != Stop::None,
        ..Step::new(Intent::Stop(stop), is(subject)?)
    })
}

fn trigger(subject: Subject) -> Result<Step, Refusal> {
    match subject {
        Subject::Cron(cron) if cron.deleting => Err(deleting(subject)),
        Subject::Cron(_) => Ok(Step {
            ask: true,
            ..Step::new(Intent::Trigger, is(subject)?)
        }),
        _ => Err(Refusal::new("only a CronJob can be triggered")),
    }
}

fn scale(model: &Model, subject: Subject, n: u32) -> Result<Step, Refusal> {
    let Subject::Job(job) = subject else {
        return Err(never(subject, "scaled"));
    };
    let words = subject.words();
    if model.status(job).finished.is_some() {
        return Err(Refusal::new(format!("{words} is over")));
    }
    if job.deleting {
        return Err(deleting(subject));
    }
    if let Some(owner) = model.parent(job).and_then(|key| model.jobs.get(key)) {
        let owner = Subject::Job(owner).words();
        return Err(Refusal::new(format!(
            "{words} belongs to {owner}, which would undo it"
        )));
    }
    let able = match job.kind.kind {
        "Job" | "PyTorchJob" | "PaddleJob" | "LeaderWorkerSet" | "RayCluster" => true,
        "RayJob" => {
            return Err(never(subject, "scaled").next("scale its RayCluster"));
        }
        _ => false,
    };
    if !able {
        return Err(never(subject, "scaled")
            .next("its number of pods is fixed when it is made; delete and submit it anew"));
    }
    Ok(Step {
        workload: (model.kueue.workload_of(job.key)).and_then(|w| Subject::Workload(w).object()),
        ..Step::new(Intent::Scale(n), is(subject)?)
    })
}

/// The job that a queue's order is about.
fn queued<'a>(model: &'a Model, subject: Subject<'a>) -> Option<&'a JobRow> {
    match subject {
        Subject::Job(job) => Some(job),
        Subject::Workload(workload) => {
            let mut jobs = workload.jobs().into_iter();
            jobs.find_map(|key| model.jobs.get(key))
        }
        _ => None,
    }
}

fn priority(model: &Model, subject: Subject, class: &Name) -> Result<Step, Refusal> {
    let Some(job) = queued(model, subject) else {
        return Err(never(subject, "given a priority"));
    };
    let subject = Subject::Job(job);
    let words = subject.words();
    if model.status(job).finished.is_some() {
        return Err(Refusal::new(format!("{words} is over")));
    }
    let label = job.labels.iter().any(|(k, _)| &**k == QUEUE);
    let workload = model.kueue.workload_of(job.key);
    if workload.is_none() && model.workload_of(job).is_some() {
        return Err(Refusal::new(format!("{words} queues with what made it"))
            .next("give that the priority"));
    }
    if workload.is_none() && !label {
        return Err(Refusal::new(format!(
            "{words} is in no queue: its priority class is in its pod template, which cannot change"
        ))
        .next("delete and submit it anew"));
    }
    if model.priority_class(job) == Some(class) {
        return Err(Refusal::new(format!(
            "{words} has priority class {class} already"
        )));
    }
    Ok(Step {
        workload: workload.and_then(|w| Subject::Workload(w).object()),
        ..Step::new(Intent::Priority(class.clone()), is(subject)?)
    })
}

fn move_to(model: &Model, subject: Subject, queue: &Name) -> Result<Step, Refusal> {
    let Some(job) = queued(model, subject) else {
        return Err(never(subject, "moved"));
    };
    let subject = Subject::Job(job);
    let words = subject.words();
    let status = model.status(job);
    if status.finished.is_some() {
        return Err(Refusal::new(format!("{words} is over")));
    }
    if job.kind == JobKind::POD || job.kind == JobKind::POD_GROUP {
        return Err(never(subject, "moved").next("delete and submit it anew"));
    }
    if model.is_part(job) {
        return Err(Refusal::new(format!("{words} queues with what made it")).next("move that"));
    }
    if model.queue(job) == Some(queue) {
        return Err(Refusal::new(format!("{words} is in {queue} already")));
    }
    if !job.suspend || matches!(status.phase, Phase::Running | Phase::Retrying) {
        return Err(Refusal::new(format!(
            "{words} runs, and a job's queue cannot change while it does"
        ))
        .next("hold it first, then move it and resume it"));
    }
    Ok(Step::new(Intent::Move(queue.clone()), is(subject)?))
}

fn cordon(subject: Subject, on: bool) -> Result<Step, Refusal> {
    let Subject::Node(node) = subject else {
        return Err(Refusal::new("only a node can be cordoned"));
    };
    if node.cordoned == on {
        let how = if on {
            "cordoned already"
        } else {
            "not cordoned"
        };
        return Err(Refusal::new(format!("{} is {how}", subject.words())));
    }
    Ok(Step::new(Intent::Cordon(on), is(subject)?))
}
