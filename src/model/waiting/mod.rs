//! Why a job waits, across every layer from a mistyped queue to an image that cannot be pulled: one short answer for
//! a table, one sentence, the evidence, and what to do next (domain.md C.6).
//!
//! Kueue's own message goes before our numbers where the two disagree; what it says and we do not know is printed as
//! it is. Someone who may read nothing but Workloads gets the best answer their conditions give.

mod amounts;
mod checks;
pub mod message;
mod pending;
mod pods;
mod queues;
mod quota;
mod unknown;

use chrono::{DateTime, Utc};

use super::Model;
use super::human;
use super::ids::Key;
use super::job::{JobRow, Phase};
use super::kueue::eta;
use super::kueue::preemptions::{self, Preempted};
use super::kueue::workload::State;
use super::kueue::{ClusterQueueRow, Kueue, LocalQueueRow, WorkloadRow};

pub use super::kueue::Look;

/// What it waits for, as counted in summaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    NoWorkload,
    NoQueue,
    Deactivated,
    OnHold,
    Gated,
    Stopped,
    Inactive,
    Refused,
    NotTried,
    TooLarge,
    NoFlavor,
    Quota,
    Preempting,
    Evicted,
    BackOff,
    Check,
    Rejected,
    Topology,
    Dispatch,
    PodsReady,
    Scheduling,
    Image,
    Peers,
    Starting,
    Other,
}

impl Reason {
    /// As in `12 wait for quota`.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoWorkload => "for Kueue to see them",
            Self::NoQueue => "in a queue that does not exist",
            Self::Deactivated => "deactivated",
            Self::OnHold => "on hold",
            Self::Gated => "behind a gate",
            Self::Stopped => "in a stopped queue",
            Self::Inactive => "in an inactive queue",
            Self::Refused => "refused by their queue",
            Self::NotTried => "for their turn",
            Self::TooLarge => "can never fit",
            Self::NoFlavor => "match no flavor",
            Self::Quota => "for quota",
            Self::Preempting => "for preempted ones to go",
            Self::Evicted => "evicted",
            Self::BackOff => "in back-off",
            Self::Check => "on an admission check",
            Self::Rejected => "rejected by a check",
            Self::Topology => "for room in the topology",
            Self::Dispatch => "for a worker cluster",
            Self::PodsReady => "for others to get ready",
            Self::Scheduling => "for a node",
            Self::Image => "for an image",
            Self::Peers => "for their peers",
            Self::Starting => "starting",
            Self::Other => "for another reason",
        }
    }

    /// Nothing but a change by someone ends it: there is no time to expect.
    pub fn is_stuck(self) -> bool {
        matches!(
            self,
            Self::NoQueue
                | Self::Deactivated
                | Self::OnHold
                | Self::Gated
                | Self::Stopped
                | Self::Inactive
                | Self::Refused
                | Self::TooLarge
                | Self::NoFlavor
                | Self::Rejected
        )
    }
}

/// One fact behind the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub label: &'static str,
    pub text: String,
}

/// Why something waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub reason: Reason,
    /// For a table: [`SHORT`] characters at most.
    pub short: String,
    pub sentence: String,
    pub evidence: Vec<Evidence>,
    /// What to do about it.
    pub next: Option<String>,
}

/// Characters of [`Waiting::short`], at most.
pub const SHORT: usize = 40;

impl Waiting {
    fn new(reason: Reason, short: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self {
            reason,
            short: clip(short.into()),
            sentence: sentence.into(),
            evidence: Vec::new(),
            next: None,
        }
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    fn with(mut self, label: &'static str, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence {
            label,
            text: text.into(),
        });
        self
    }

    /// Evidence, if there is any text.
    fn and(self, label: &'static str, text: &str) -> Self {
        match text {
            "" => self,
            text => self.with(label, text),
        }
    }
}

/// Why a job does not run (or not all of it); none if it does, or is over.
pub fn waiting(model: &Model, job: &JobRow, now: DateTime<Utc>) -> Option<Waiting> {
    of_job(model, job, now, true)
}

/// The same without evidence and next step: for tables.
pub fn brief(model: &Model, job: &JobRow, now: DateTime<Utc>) -> Option<(Reason, String)> {
    let waiting = of_job(model, job, now, false)?;
    Some((waiting.reason, waiting.short))
}

/// Why a Workload waits; none if it runs or is over. What its pods wait for is known through its job.
pub fn workload(
    model: &Model,
    look: &Look,
    row: &WorkloadRow,
    now: DateTime<Utc>,
) -> Option<Waiting> {
    of_workload(model, look, row, known_job(model, row), now, true)
}

/// Reason and short answer of [`workload`] alone: for tables and counts.
pub fn short(
    model: &Model,
    look: &Look,
    row: &WorkloadRow,
    now: DateTime<Utc>,
) -> Option<(Reason, String)> {
    let waiting = of_workload(model, look, row, known_job(model, row), now, false)?;
    Some((waiting.reason, waiting.short))
}

fn known_job<'a>(model: &'a Model, row: &WorkloadRow) -> Option<&'a JobRow> {
    row.jobs().into_iter().find_map(|key| model.jobs.get(key))
}

fn of_job(model: &Model, job: &JobRow, now: DateTime<Utc>, full: bool) -> Option<Waiting> {
    let phase = model.status(job).phase;
    let waits = [Phase::Queued, Phase::Suspended, Phase::Pending];
    if !waits.contains(&phase) && phase != Phase::Running && phase != Phase::Terminating {
        return None;
    }
    let look = model.kueue.look(job.key.cluster);
    match model.kueue.workload_of(job.key) {
        Some(row) => of_workload(model, look, row, Some(job), now, full),
        None if job.suspend && waits.contains(&phase) => {
            unknown::no_workload(model, look, job, now)
        }
        None => None,
    }
}

fn of_workload(
    model: &Model,
    look: &Look,
    row: &WorkloadRow,
    job: Option<&JobRow>,
    now: DateTime<Utc>,
    full: bool,
) -> Option<Waiting> {
    if row.deleting {
        return None;
    }
    let case = Case::new(model, look, row, job, now, full);
    match row.state() {
        State::Finished => None,
        State::Admitted => pods::admitted(&case),
        State::Reserved => Some(checks::reserved(&case)),
        State::Pending => {
            let mut waiting = pending::pending(&case);
            // what someone must change first has no time
            let line = case.full && !waiting.reason.is_stuck();
            let expected = line.then(|| case.expected()).flatten();
            waiting.evidence.extend(expected);
            Some(waiting)
        }
    }
}

/// A Workload with what is around it.
struct Case<'a> {
    model: &'a Model,
    kueue: &'a Kueue,
    look: &'a Look,
    row: &'a WorkloadRow,
    job: Option<&'a JobRow>,
    now: DateTime<Utc>,
    /// Evidence and next step are wanted.
    full: bool,
    local: Option<&'a LocalQueueRow>,
    /// Name of its cluster queue, and the queue where it may be read.
    queue: Option<&'a str>,
    cluster_queue: Option<&'a ClusterQueueRow>,
}

impl<'a> Case<'a> {
    fn new(
        model: &'a Model,
        look: &'a Look,
        row: &'a WorkloadRow,
        job: Option<&'a JobRow>,
        now: DateTime<Utc>,
        full: bool,
    ) -> Self {
        let kueue = &model.kueue;
        let local = look.local_queue(kueue, &row.namespace, &row.queue);
        let admitted = row.admission.as_ref().map(|a| &*a.cluster_queue);
        let queue = admitted.or(local.map(|l| &*l.cluster_queue));
        Self {
            model,
            kueue,
            look,
            row,
            job,
            now,
            full,
            local,
            queue,
            cluster_queue: queue.and_then(|name| look.cluster_queue(kueue, name)),
        }
    }

    /// Reason and message of a condition that is False.
    fn refused(&self, kind: &str) -> (&'a str, &'a str) {
        let condition = self.row.condition(kind).filter(|c| !c.on);
        condition.map_or(("", ""), |c| (&*c.reason, c.message.trim()))
    }

    /// `#4 of 17`; none where it stands in no line, or only a part of the line may be seen.
    fn place(&self) -> Option<String> {
        let position = self.look.order.position(self.row.key)?;
        let (at, of) = (position.at, position.of);
        match self.cluster_queue {
            // others stand there that may not be seen
            Some(queue) if position.estimated && queue.pending as usize > of + self.aside() => None,
            Some(_) => Some(format!("#{at} of {of}")),
            None if position.estimated => Some(format!("#{at} of {of} seen")),
            // how long the line is, only those know who may read the cluster queue
            None => Some(format!("#{at}")),
        }
    }

    fn aside(&self) -> usize {
        let line = self
            .look
            .order
            .cluster_queue(self.queue.unwrap_or_default());
        let aside = |place: &&super::kueue::order::Place| {
            place.state == State::Pending && place.position.is_none()
        };
        line.iter().filter(aside).count()
    }

    /// The cohort of its queue, else the queue: where quota is missing.
    fn where_from(&self) -> Option<String> {
        let queue = self.queue?;
        match self.cluster_queue.and_then(|q| q.cohort.as_deref()) {
            Some(cohort) => Some(format!("cohort {cohort}")),
            None => Some(queue.to_owned()),
        }
    }

    /// The queue it stands in, and where in it.
    fn queue_evidence(&self, waiting: Waiting) -> Waiting {
        let mut text = self.row.queue.to_string();
        if let Some(queue) = self.queue {
            text.push_str(&format!(" → cluster queue {queue}"));
        }
        if let Some(cohort) = self.cluster_queue.and_then(|q| q.cohort.as_deref()) {
            text.push_str(&format!(" in cohort {cohort}"));
        }
        if let (Some(place), Some(position)) =
            (self.place(), self.look.order.position(self.row.key))
        {
            let by = if position.estimated {
                " by our estimate"
            } else {
                ""
            };
            text.push_str(&format!(", {place}{by}"));
        }
        waiting.and("queue", &text)
    }

    /// When it may start; none where it stands in no line.
    fn expected(&self) -> Option<Evidence> {
        let place = self.place()?;
        let text = match eta::of(self.kueue, self.look, self.row, self.now) {
            Ok(eta) => format!("{place}, {}, {}", eta.words(), eta.basis()),
            Err(unknown) => format!("unknown: {}", unknown.words()),
        };
        Some(Evidence {
            label: "expected start",
            text,
        })
    }

    /// Who it was preempted for, by name even if that one was heard of only later, or has a job but no Workload any more.
    fn preemptor(&self, told: &Preempted) -> String {
        let cluster = self.row.key.cluster;
        let job = || {
            let uid = told.said.job?;
            let job = self.model.jobs.get(Key { cluster, uid })?;
            let priority = self.model.priority(job).unwrap_or_default();
            Some((job.name.clone(), job.namespace.clone(), priority))
        };
        let by = told.by.clone();
        let by = by.or_else(|| preemptions::named(self.kueue, cluster, &told.said));
        Preempted {
            by: by.or_else(job),
            ..told.clone()
        }
        .who()
    }

    /// With queue, demands and Kueue's own words behind it.
    fn evident(&self, waiting: Waiting, message: &str) -> Waiting {
        if !self.full {
            return waiting;
        }
        let asks = self.row.requests();
        let asks: Vec<String> = asks
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(resource, n)| amounts::with_unit(resource, *n))
            .collect();
        let mut waiting = self
            .queue_evidence(waiting)
            .and("asks for", &asks.join(", "));
        if self.row.priority != 0 {
            let class = self.row.priority_class.as_deref();
            let class = class.map(|c| format!(" ({c})")).unwrap_or_default();
            waiting = waiting.with("priority", format!("{}{class}", self.row.priority));
        }
        let before = self.kueue.preemptions.of(self.row.key);
        if let Some(last) = before.last() {
            let times = match before.len() {
                1 => String::new(),
                n => format!(" ({n} times so far)"),
            };
            let when = last
                .at
                .map(|at| format!("{} ago ", human::duration(self.now - at)))
                .unwrap_or_default();
            let text = format!(
                "{when}for {}: {}{times}",
                self.preemptor(last),
                last.said.because
            );
            waiting = waiting.with("preempted", text);
        }
        let evictions: Vec<String> = self
            .row
            .evictions
            .iter()
            .map(|e| format!("{} ×{}", e.reason, e.count))
            .collect();
        waiting
            .and("evicted so far", &evictions.join(", "))
            .and("Kueue says", message)
    }
}

/// The first that fits in a table's cell, else the last cut to fit.
fn fit(variants: &[String]) -> String {
    let fits = variants.iter().find(|v| v.chars().count() <= SHORT);
    fits.or(variants.last()).cloned().unwrap_or_default()
}

fn clip(text: String) -> String {
    if text.chars().count() <= SHORT {
        return text;
    }
    let cut: String = text.chars().take(SHORT - 1).collect();
    format!("{}…", cut.trim_end())
}

/// `a`, `a and b`, `a, b and 3 more`.
fn list(names: &[String], most: usize) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        all if all.len() <= most => match all.split_last() {
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => String::new(),
        },
        all => {
            let shown = all.get(..most).unwrap_or(all).join(", ");
            format!("{shown} and {} more", all.len() - most)
        }
    }
}

#[cfg(test)]
mod tests;
