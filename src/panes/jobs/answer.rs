//! The first line of the jobs screen: what matters, in words. Separate because it looks at all jobs of the
//! scope, shown or not, and so is kept until something changed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::text::{Line, Span};

use super::why;
use crate::model::job::{JobRow, Phase};
use crate::model::listed::Scope;
use crate::model::waiting::{self, Reason};
use crate::panes::words::count;
use crate::panes::{Cx, nodes};
use crate::ui::State;

/// What was counted, and of what.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    made_of: (u64, u64, Scope, i64),
    at: DateTime<Utc>,
    /// Something changed since, and it is counted again when it is due.
    late: bool,
    pub jobs: usize,
    running: usize,
    retrying: usize,
    held: usize,
    waiting: usize,
    /// Causes of waiting, most frequent first.
    causes: Vec<(String, usize)>,
    /// Failed in the last hour, and in all.
    failed_lately: usize,
    failed: usize,
    done: usize,
    /// Whole GPUs as the header counts them: requested, allocatable; and how many are sick.
    gpus: Option<(u64, u64)>,
    sick: u64,
}

/// Counts, unless `old` still holds.
pub fn summary(old: Option<Summary>, scope: Scope, cx: &Cx) -> Summary {
    let minute = cx.now.timestamp() / 60;
    let made_of = (
        cx.model.jobs.version(),
        cx.model.nodes.version(),
        scope,
        minute,
    );
    if let Some(mut old) = old.filter(|old| old.made_of.2 == made_of.2) {
        // it looks at every job: of many, not at each change
        old.late = old.made_of != made_of;
        if !old.late || cx.now < old.due(cx.model.jobs.len()) {
            return old;
        }
    }
    let gpus = crate::model::summary::gpus(cx.model, &made_of.2);
    let mut sum = Summary {
        jobs: 0,
        running: 0,
        retrying: 0,
        held: 0,
        waiting: 0,
        causes: Vec::new(),
        failed_lately: 0,
        failed: 0,
        done: 0,
        at: cx.now,
        late: false,
        gpus: gpus.map(|g| (g.used, g.allocatable)),
        sick: nodes::gpus(cx).sick,
        made_of,
    };
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    let scope = sum.made_of.2.clone();
    let mine = |job: &&JobRow| scope.holds(*job) && !cx.model.is_part(job);
    for job in cx.model.jobs.rows().filter(mine) {
        let status = cx.model.status(job);
        sum.jobs += 1;
        match status.phase {
            Phase::Pending | Phase::Queued => {
                sum.waiting += 1;
                let told = match status.phase {
                    Phase::Queued => waiting::brief(cx.model, job, cx.now),
                    _ => None,
                };
                let cause = match told {
                    Some((reason, _)) if reason != Reason::NoWorkload => Some(reason.word().into()),
                    _ => why::waits(job, &status, cx.model),
                };
                if let Some(cause) = cause {
                    *causes.entry(cause.into_owned()).or_default() += 1;
                }
            }
            Phase::Running | Phase::Finishing => sum.running += 1,
            Phase::Retrying => sum.retrying += 1,
            Phase::Suspended => sum.held += 1,
            Phase::Succeeded => sum.done += 1,
            Phase::Failed => {
                sum.failed += 1;
                let lately = |at| cx.now - at < TimeDelta::hours(1);
                sum.failed_lately += usize::from(status.finished.is_some_and(lately));
            }
            Phase::Terminating => {}
        }
    }
    sum.causes = causes.into_iter().collect();
    sum.causes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    sum
}

impl Summary {
    fn due(&self, jobs: usize) -> DateTime<Utc> {
        self.at + TimeDelta::milliseconds((jobs / 20) as i64)
    }

    /// When it is counted again, if something changed.
    pub fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        self.late.then(|| self.due(cx.model.jobs.len()))
    }

    /// `9 waiting: 6 Insufficient nvidia.com/gpu, 2 image pull; 3 failed in the last hour; 61 of 96 GPUs requested`.
    pub fn line<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let mut parts: Vec<Vec<Span<'a>>> = Vec::new();
        let say = |n: usize, word: &str, state: State| {
            vec![Span::styled(format!("{n} {word}"), cx.theme.state(state))]
        };
        if self.waiting > 0 {
            let mut part = say(self.waiting, "waiting", State::Waiting);
            let shown = self.causes.iter().take(3);
            let causes: Vec<String> = shown.map(|(cause, n)| format!("{n} {cause}")).collect();
            if !causes.is_empty() {
                part.push(Span::styled(
                    format!(": {}", causes.join(", ")),
                    cx.theme.text(),
                ));
            }
            parts.push(part);
        }
        if self.retrying > 0 {
            parts.push(say(self.retrying, "retrying", State::Retrying));
        }
        if self.failed_lately > 0 {
            parts.push(say(
                self.failed_lately,
                "failed in the last hour",
                State::Failed,
            ));
        }
        if self.waiting + self.retrying + self.failed_lately == 0 {
            let words = match (self.jobs, self.running) {
                (0, _) => "no jobs".to_owned(),
                (n, 0) => format!("{}, none running", count(n, "job", "jobs")),
                (n, running) => format!("{}, {running} running, all well", count(n, "job", "jobs")),
            };
            parts.push(vec![Span::styled(words, cx.theme.text())]);
        }
        if let Some((used, all)) = self.gpus {
            let words = format!("{used} of {all} GPUs requested");
            parts.push(vec![Span::styled(words, cx.theme.text())]);
            if self.sick > 0 {
                parts.push(say(self.sick as usize, "sick", State::Failed));
            }
        }
        if self.failed > self.failed_lately {
            let words = format!("{} failed before", self.failed - self.failed_lately);
            parts.push(vec![Span::styled(words, cx.theme.dim())]);
        }
        if self.held > 0 {
            parts.push(vec![Span::styled(
                format!("{} held", self.held),
                cx.theme.dim(),
            )]);
        }
        let mut line = Vec::new();
        for (n, part) in parts.into_iter().enumerate() {
            if n > 0 {
                line.push(Span::styled("; ", cx.theme.dim()));
            }
            line.extend(part);
        }
        Line::from(line)
    }
}
