//! What is known of one completion index, in words. Separate because it joins the grid, the pod table and what
//! is remembered of pods that are gone.

use crate::model::Model;
use crate::model::indexes::{IndexState, Seen};
use crate::model::job::JobRow;
use crate::model::pod::PodRow;
use crate::panes::Cx;
use crate::panes::words::{count, span};

/// An index with its newest pod, in the cluster still or remembered.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    pub index: u32,
    pub state: IndexState,
    /// Failed tries.
    pub retries: u32,
    pub seen: Option<Seen>,
    /// The pod itself, while it exists.
    pub pod: Option<&'a PodRow>,
}

/// Looks an index up.
pub fn known<'a>(model: &'a Model, job: &'a JobRow, index: u32) -> Known<'a> {
    let grid = model.grid(job);
    let indexes = model.totals(job.key).map(|t| &t.indexes);
    let pod = model.pod_of_index(job.key, index);
    let seen = match pod {
        Some(pod) => Some(Seen::of(pod)),
        None => indexes.and_then(|i| i.remembered(index)).cloned(),
    };
    Known {
        index,
        state: grid.state(index),
        retries: grid.retries(index),
        seen,
        pod,
    }
}

/// The word of an index state.
pub fn word(state: IndexState) -> &'static str {
    match state {
        IndexState::Succeeded => "succeeded",
        IndexState::Failed => "failed",
        IndexState::Running => "running",
        IndexState::Pending => "pending",
        IndexState::Retrying(_) => "retrying",
        IndexState::Terminating => "terminating",
        IndexState::NotRun => "not run",
    }
}

impl Known<'_> {
    /// What to say after the state: tries, how it ended, where, how long. In order of interest.
    pub fn facts(&self, cx: &Cx) -> Vec<String> {
        let mut out = Vec::new();
        let tries = match self.state {
            // the try under way, or the one that worked, comes on top of the failed ones
            IndexState::Succeeded | IndexState::Running | IndexState::Pending => self.retries + 1,
            _ => self.retries,
        };
        if self.retries > 0 && tries > 1 {
            out.push(count(tries as usize, "try", "tries"));
        }
        let Some(seen) = &self.seen else {
            if self.state == IndexState::Pending {
                out.push("no pod yet".into());
            } else if !matches!(self.state, IndexState::NotRun) {
                out.push("pod gone before it was seen".into());
            }
            return out;
        };
        if let Some(reason) = &seen.disrupted {
            out.push(format!("disrupted: {reason}"));
        } else if let Some(exit) = &seen.exit
            && (exit.code != 0 || exit.previous)
        {
            let reason = if &*exit.reason == "Error" {
                String::new()
            } else {
                format!(" {}", exit.reason)
            };
            out.push(format!("exit {}{reason}", exit.code));
        }
        if let Some(node) = &seen.node {
            out.push(node.to_string());
        }
        if let Some(from) = seen.started {
            let to = seen.finished.unwrap_or(cx.now);
            out.push(span((to - from).num_seconds().max(0)));
        }
        if self.pod.is_none() {
            out.push("pod gone".into());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::fixture;

    #[test]
    fn a_failed_index_tells_its_tries_exit_and_node() {
        let model = fixture::model();
        let job = model.jobs.get(fixture::key("indexed-sweep")).unwrap();
        let two = known(&model, job, 2);
        assert_eq!((two.state, two.retries), (IndexState::Failed, 2));
        assert!(two.pod.is_some());
        fixture::with_cx(&model, |cx| {
            assert_eq!(
                two.facts(cx).join(" · "),
                "2 tries · exit 1 · gpu-a100-1 · 3s"
            );
            let pending = known(
                &model,
                model.jobs.get(fixture::key("resnet-hpo")).unwrap(),
                90,
            );
            assert_eq!(pending.facts(cx), ["no pod yet"]);
        });
    }
}
