//! What a plan takes with it, in words, from what is known at that moment: for the dialog and for `--dry-run`.

use std::collections::BTreeMap;

use super::plan::{Subject, subject};
use super::{Intent, Propagation, Step};
use crate::model::Model;
use crate::model::human;
use crate::model::ids::Key;
use crate::model::job::{JobKind, JobRow};
use crate::model::kueue::queue::Stop;
use crate::model::kueue::workload::State;
use crate::model::pod::{PodPhase, PodRow};
use crate::model::resources::Devices;

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    /// Good to know, said quietly.
    Note,
    Warn,
}

/// One line of what goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub tone: Tone,
    pub text: String,
}

/// What goes with some objects.
#[derive(Debug, Clone, Default)]
struct Sum {
    objects: usize,
    running: usize,
    pending: usize,
    ending: usize,
    over: usize,
    devices: Devices,
    children: BTreeMap<String, Vec<String>>,
    quota: usize,
    lines: Vec<Line>,
}

/// Children named one by one in a sentence; of more the number is said.
const NAMED: usize = 3;

/// What the steps mean, told from the objects they are about.
pub fn impact(model: &Model, steps: &[Step]) -> Vec<Line> {
    let Some(first) = steps.first() else {
        return Vec::new();
    };
    let mut sum = Sum::default();
    // pods that go with what owns them are counted there
    let jobs: Vec<Key> = steps
        .iter()
        .filter_map(|step| step.object.key)
        .filter(|key| model.jobs.get(*key).is_some())
        .collect();
    for step in steps {
        let Some(found) = step.object.key.and_then(|key| subject(model, key)) else {
            continue;
        };
        match found {
            Subject::Pod(pod) if owned_by(model, pod, &jobs) => {}
            found => {
                sum.objects += 1;
                sum.add(model, found, &step.intent);
            }
        }
    }
    sum.told(&first.intent)
}

fn owned_by(model: &Model, pod: &PodRow, jobs: &[Key]) -> bool {
    crate::model::progress::job_of(pod)
        .is_some_and(|job| jobs.contains(&job) || jobs.contains(&model.top(job)))
}

impl Sum {
    fn say(&mut self, tone: Tone, text: impl Into<String>) {
        let line = Line {
            tone,
            text: text.into(),
        };
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    fn add(&mut self, model: &Model, subject: Subject, intent: &Intent) {
        match subject {
            Subject::Job(job) => self.job(model, job, intent),
            Subject::Cron(cron) => {
                let deletes = matches!(intent, Intent::Delete { .. });
                let mut runs = 0;
                for run in model.children(cron.key).filter(|_| deletes) {
                    runs += 1;
                    self.pods(model.pods_of(run.key));
                }
                if runs > 0 {
                    let what = counted(runs, "job it made", "jobs it made");
                    self.children.entry(what).or_default();
                }
                match intent {
                    Intent::Hold => self.say(Tone::Note, "jobs it made already go on"),
                    Intent::Trigger => {
                        let text = "a Job is made of its template now; its schedule stays as it is";
                        self.say(Tone::Plain, text);
                        if &*cron.concurrency != "Allow" && !cron.active.is_empty() {
                            let text = format!(
                                "a run is under way, and its concurrency policy is {}: made by hand, it runs beside that",
                                cron.concurrency
                            );
                            self.say(Tone::Warn, text);
                        }
                    }
                    _ => {}
                }
            }
            Subject::Pod(pod) => {
                self.pods(std::iter::once(pod));
                self.one_pod(pod, intent);
            }
            Subject::Node(_) | Subject::Workload(_) => {}
            Subject::ClusterQueue(queue) => self.queue(queue.admitted, queue.pending, intent),
            Subject::LocalQueue(queue) => self.queue(queue.admitted, queue.pending, intent),
        }
    }

    fn queue(&mut self, admitted: u32, pending: u32, intent: &Intent) {
        match intent {
            Intent::Stop(Stop::Hold) => {
                let text = format!("nothing new is admitted: {pending} wait, {admitted} go on");
                self.say(Tone::Plain, text);
            }
            Intent::Stop(Stop::HoldAndDrain) => {
                let text = format!(
                    "nothing new is admitted, and its {admitted} admitted workloads are evicted: their pods end"
                );
                self.say(Tone::Warn, text);
            }
            _ => {}
        }
    }

    fn job(&mut self, model: &Model, job: &JobRow, intent: &Intent) {
        let orphan = matches!(
            intent,
            Intent::Delete {
                propagation: Propagation::Orphan,
                ..
            }
        );
        self.pods(model.pods_of(job.key));
        for child in model.children(job.key) {
            let of = self.children.entry(child.kind.singular()).or_default();
            of.push(child.name.to_string());
        }
        let Intent::Delete { .. } = intent else {
            if let Some(workload) = model.kueue.workload_of(job.key)
                && *intent == Intent::Hold
                && workload.state() >= State::Reserved
            {
                self.quota += 1;
            }
            return;
        };
        if let Some(owner) = model.parent(job) {
            let of = subject(model, owner).map(|s| s.words()).unwrap_or_default();
            if model.jobs.contains(owner) {
                let text = format!("it belongs to {of}, which makes it again: delete that instead");
                self.say(Tone::Warn, text);
            }
        } else if let Some((kind, name, _)) = &job.owner {
            let text = format!("it belongs to {kind} {name}, which may make it again");
            self.say(Tone::Warn, text);
        }
        if orphan {
            let text = "its pods stay and keep their GPUs; nothing looks after them any more";
            self.say(Tone::Warn, text);
        }
        if let Some(workload) = model.kueue.workload_of(job.key) {
            if workload.state() >= State::Reserved && !workload.is_finished() {
                self.quota += 1;
            }
            if let Some(cluster) = &workload.cluster {
                let text = format!("its copy in worker cluster {cluster} goes with it");
                self.say(Tone::Note, text);
            }
            if !workload.is_finished() {
                self.say(Tone::Note, "Kueue does not queue it again");
            }
        }
        if job.kind == JobKind::POD_GROUP {
            self.say(
                Tone::Note,
                "a pod group is its pods: all of them are deleted",
            );
        }
    }

    fn one_pod(&mut self, pod: &PodRow, intent: &Intent) {
        match (&pod.owner, intent) {
            (Some((kind, name, _)), Intent::Delete { .. }) => {
                let text =
                    format!("{kind} {name} makes a new one, and may count this one as failed");
                self.say(Tone::Note, text);
            }
            (Some((kind, name, _)), Intent::Evict) => {
                let text = format!(
                    "{kind} {name} makes a new one; an eviction is a disruption, which its failure policy may not count"
                );
                self.say(Tone::Note, text);
            }
            (None, _) => self.say(Tone::Warn, "nothing makes it again: it has no owner"),
            _ => {}
        }
        if matches!(intent, Intent::Delete { force: true, .. }) {
            let text =
                "forced: the server forgets it at once; its containers may go on on the node";
            self.say(Tone::Warn, text);
        }
    }

    fn pods<'a>(&mut self, pods: impl Iterator<Item = &'a PodRow>) {
        for pod in pods {
            let live = match (pod.phase, pod.deleting) {
                (PodPhase::Succeeded | PodPhase::Failed, _) => {
                    self.over += 1;
                    continue;
                }
                (_, true) => &mut self.ending,
                (PodPhase::Running, _) => &mut self.running,
                _ => &mut self.pending,
            };
            *live += 1;
            if pod.node.is_some() {
                self.devices.add_all(&pod.shape.devices);
            }
        }
    }

    fn told(self, intent: &Intent) -> Vec<Line> {
        let mut out = Vec::new();
        let many = self.objects > 1;
        let live = self.running + self.pending + self.ending;
        let ends = match intent {
            Intent::Delete { propagation, .. } => *propagation != Propagation::Orphan,
            Intent::Hold | Intent::Evict => true,
            _ => false,
        };
        if ends && live > 0 {
            let states = [
                (self.running, "running"),
                (self.pending, "pending"),
                (self.ending, "ending already"),
            ];
            let states = states.iter().filter(|(n, _)| *n > 0);
            let states: Vec<String> = states.map(|(n, what)| format!("{n} {what}")).collect();
            let pods = counted(live, "pod ends", "pods end");
            let mut text = format!("{pods}: {}", states.join(", "));
            let freed: Vec<String> = self.devices.0.iter().map(|(n, c)| device(n, *c)).collect();
            if !freed.is_empty() {
                text.push_str(&format!("; {} become free", freed.join(", ")));
            }
            out.push(Line {
                tone: Tone::Plain,
                text,
            });
        } else if ends {
            let text = match many {
                true => "none of them has a pod that runs",
                false => "no pod of it runs",
            };
            out.push(Line {
                tone: Tone::Plain,
                text: text.into(),
            });
        }
        let deletes = matches!(intent, Intent::Delete { .. });
        if deletes
            && self.over > 0
            && !matches!(
                intent,
                Intent::Delete {
                    propagation: Propagation::Orphan,
                    ..
                }
            )
        {
            let what = counted(self.over, "finished pod", "finished pods");
            out.push(Line {
                tone: Tone::Note,
                text: format!("{what} and the logs of all go too"),
            });
        }
        if deletes {
            for (kind, names) in &self.children {
                let text = match names.len() {
                    0 => format!("{kind} go with it"),
                    n if n <= NAMED => {
                        let all: Vec<String> =
                            names.iter().map(|name| format!("{kind}/{name}")).collect();
                        format!("made by it: {}", all.join(", "))
                    }
                    n => format!("made by it: {} {kind}s", human::count(n as u64)),
                };
                out.push(Line {
                    tone: Tone::Plain,
                    text,
                });
            }
        }
        if self.quota > 0 {
            let text = match (many, deletes) {
                (false, _) => "its quota in the queue becomes free".to_owned(),
                (true, _) => format!("the quota of {} becomes free", self.quota),
            };
            out.push(Line {
                tone: Tone::Plain,
                text,
            });
        }
        out.extend(self.lines);
        out
    }
}

fn counted(n: usize, one: &str, many: &str) -> String {
    let what = if n == 1 { one } else { many };
    format!("{} {what}", human::count(n as u64))
}

/// `8 GPUs`, `2 nvidia.com/mig-1g.10gb`.
fn device(name: &str, n: u32) -> String {
    match name.rsplit_once('/') {
        Some((_, "gpu")) if n == 1 => "1 GPU".into(),
        Some((_, "gpu")) => format!("{n} GPUs"),
        Some((_, short)) => format!("{n} {short}"),
        None => format!("{n} {name}"),
    }
}
