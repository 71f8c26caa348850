//! What the keys of a job's detail do in its parts: move, open, copy; and whose log is shown for it. Separate from
//! the parts themselves to keep both readable.

use super::{Cx, Job, Part, Reply, Target, draw, pods};
use crate::app::action::Action;
use crate::model::pod::PodRow;
use crate::model::want::LogWant;
use crate::panes::{Level, LogsOf};

/// Lines asked of a log to begin with.
const TAIL: u32 = 40;

impl Job {
    /// The pod whose log is shown: the one under the cursor of the part with the cursor.
    pub(super) fn log_pod<'a>(&self, cx: &Cx<'a>) -> Option<&'a PodRow> {
        match self.part(cx) {
            Part::Indexes => cx.model.pod_of_index(self.key, self.grid.cursor()),
            Part::Roles => self.replica_pod(cx),
            Part::Pods | Part::Events => self.pods.selected(cx.model),
            Part::Runs if self.job(cx).is_none() => None,
            Part::Runs => self.pods.selected(cx.model),
        }
    }

    /// The pod of the replica under the cursor.
    pub(super) fn replica_pod<'a>(&self, cx: &Cx<'a>) -> Option<&'a PodRow> {
        cx.model.pods.get(self.replicas.pod()?)
    }

    pub(super) fn log_want(&self, cx: &Cx) -> Option<LogWant> {
        let pod = self.log_pod(cx).filter(|pod| pod.started.is_some())?;
        Some(LogWant {
            namespace: pod.namespace.clone(),
            pod: (&*pod.name).into(),
            uid: pod.key.uid,
            container: pod
                .container_names
                .split(',')
                .next()
                .filter(|c| !c.is_empty())
                .map(Into::into),
            previous: false,
            tail: Some(TAIL),
            since_seconds: None,
            follow: pod.finished.is_none(),
        })
    }

    /// Acts in the part with the cursor.
    pub(super) fn act_in_part(&mut self, action: Action, cx: &Cx) -> Option<Reply> {
        match self.part(cx) {
            Part::Indexes => {
                let job = cx.model.jobs.get(self.key).or(self.last.as_ref())?;
                self.grid
                    .act(action, &cx.model.grid(job))
                    .then_some(Reply::Done)
            }
            Part::Roles => {
                let casts = self.casts(cx);
                self.replicas.act(action, &casts).then_some(Reply::Done)
            }
            Part::Pods => self.pods.act(action, &Self::pod_columns(), cx),
            Part::Runs => self.runs.act(action, &draw::run_columns(), cx),
            Part::Events => self.events.act(action, &Self::event_columns(), cx),
        }
    }

    /// What `enter` opens.
    pub(super) fn open(&self, cx: &Cx) -> Reply {
        match self.part(cx) {
            Part::Indexes => Reply::Open(Target::Logs(LogsOf::Job {
                job: self.key,
                index: Some(self.grid.cursor()),
            })),
            Part::Roles => self
                .replica_pod(cx)
                .map_or(Reply::Ignored, |pod| pods::act(Action::Open, pod, cx)),
            Part::Pods => self
                .pods
                .selected(cx.model)
                .map_or(Reply::Ignored, |pod| pods::act(Action::Open, pod, cx)),
            Part::Runs => self
                .runs
                .selected(cx.model)
                .map_or(Reply::Ignored, |job| Reply::Open(Target::Job(job.key))),
            Part::Events => self
                .about(cx)
                .map_or(Reply::Ignored, |a| Reply::Open(Target::Events(Some(a)))),
        }
    }

    pub(super) fn copy(&self, cx: &Cx) -> Reply {
        let (text, what) = match self.part(cx) {
            Part::Indexes => (self.grid.cursor().to_string(), "index".to_owned()),
            Part::Roles => match self.replica_pod(cx) {
                Some(pod) => (pod.name.to_string(), format!("pod {}", pod.name)),
                None => return Reply::Ignored,
            },
            Part::Pods => return self.pods.copy(cx.model, "pod", "pod names"),
            Part::Runs => return self.runs.copy(cx.model, "job", "job names"),
            Part::Events => match self.events.selected(cx.model) {
                Some(event) => (
                    event.message.clone(),
                    format!("message of {}", event.reason),
                ),
                None => return Reply::Ignored,
            },
        };
        let what = if self.part(cx) == Part::Indexes {
            format!("{what} {text}")
        } else {
            what
        };
        Reply::Copy { text, what }
    }

    pub(super) fn copy_failed(&self, cx: &Cx) -> Reply {
        let Some(job) = self.job(cx).filter(|job| job.indexed) else {
            return Reply::Ignored;
        };
        let failed = cx.model.grid(job).failed();
        if failed.is_empty() {
            return Reply::Say(Level::Info, format!("no index of {} has failed", job.name));
        }
        Reply::Copy {
            text: failed,
            what: format!("failed indexes of {}", job.name),
        }
    }
}
