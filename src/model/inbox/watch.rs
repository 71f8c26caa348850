//! From rows to findings: looks only at the jobs and pods that changed since the last look, and at those whose time has
//! come. Separate because it remembers what it saw last, and nothing else does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::pods::{Trouble, Troubled, look};
use super::rules::span;
use super::{Finding, Fresh, Inbox, Lead, Rules, Severity, Source, Subject, SubjectId};
use crate::model::Model;
use crate::model::ids::Key;
use crate::model::job::{JobRow, Phase};
use crate::model::pod::PodRow;
use crate::model::progress::job_of;
use crate::model::why::why;

/// What one look brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct News {
    /// Findings that are new, or come up again.
    pub fresh: Vec<Finding>,
    /// Jobs that came to their end since the last look.
    pub ended: Vec<Ended>,
    /// Jobs seen for the first time that are not over.
    pub begun: Vec<Key>,
}

/// A job that is over now and was not at the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub job: Key,
    pub phase: Phase,
}

/// What was seen of a pod that is in trouble, or may be later.
#[derive(Debug, Clone)]
struct PodSeen {
    pod: Key,
    /// Who the finding is about: the outermost workload, or the pod.
    about: Subject,
    troubled: Option<Troubled>,
    due: Option<DateTime<Utc>>,
}

/// Remembers what was seen last.
#[derive(Debug, Default)]
pub struct Watch {
    jobs_at: Option<u64>,
    pods_at: Option<u64>,
    /// By slot of the table.
    jobs: HashMap<u32, (Key, Phase)>,
    pods: HashMap<u32, PodSeen>,
    due: BTreeSet<(DateTime<Utc>, u32)>,
    by_subject: BTreeMap<(SubjectId, Trouble), BTreeSet<u32>>,
}

impl Watch {
    /// Other rules hold: every pod is looked at again.
    pub fn again(&mut self) {
        self.pods_at = None;
    }

    /// When something may be found though no row changes.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Looks at what changed. `cancelled`: rows that went did so because their watch did, which tells nothing of them.
    pub fn pass(
        &mut self,
        model: &Model,
        inbox: &mut Inbox,
        rules: &Rules,
        now: DateTime<Utc>,
        cancelled: bool,
    ) -> News {
        let mut news = News::default();
        self.look_at_jobs(model, inbox, rules, now, cancelled, &mut news);
        self.look_at_pods(model, inbox, rules, now, cancelled, &mut news);
        news
    }

    fn look_at_jobs(
        &mut self,
        model: &Model,
        inbox: &mut Inbox,
        rules: &Rules,
        now: DateTime<Utc>,
        cancelled: bool,
        news: &mut News,
    ) {
        let table = &model.jobs;
        if self.jobs_at == Some(table.version()) {
            return;
        }
        let look = Look::at(self.jobs_at, |v| table.changed_since(v), table.slots());
        self.jobs_at = Some(table.version());
        for slot in look.slots() {
            let row = table.at(slot);
            let before = self.jobs.get(&slot).copied();
            if let Some((key, _)) = before
                && row.is_none_or(|row| row.key != key)
            {
                self.jobs.remove(&slot);
                let id = SubjectId::Object(key);
                match cancelled {
                    true => inbox.lose(|of| of.subject.id == id, now),
                    false => drop(inbox.over_where(&id, |_| true, "the job was deleted", now)),
                }
            }
            let Some(job) = row else { continue };
            let before = before.filter(|(key, _)| *key == job.key);
            let phase = model.status(job).phase;
            self.jobs.insert(slot, (job.key, phase));
            let before = before.map(|(_, phase)| phase);
            if before == Some(phase) && phase != Phase::Retrying {
                continue;
            }
            // parts are told of by what they are part of, and a copy elsewhere by the one here
            if model.top(job.key) != job.key || before.is_none() && has_unknown_owner(model, job) {
                continue;
            }
            tell(model, job, (before, phase), inbox, rules, now, news);
        }
    }

    fn look_at_pods(
        &mut self,
        model: &Model,
        inbox: &mut Inbox,
        rules: &Rules,
        now: DateTime<Utc>,
        cancelled: bool,
        news: &mut News,
    ) {
        let table = &model.pods;
        let mut look_at = match self.pods_at == Some(table.version()) {
            true => Look::Some(BTreeSet::new()),
            false => Look::at(self.pods_at, |v| table.changed_since(v), table.slots()),
        };
        self.pods_at = Some(table.version());
        while let Some((at, slot)) = self.due.first().copied()
            && at <= now
        {
            self.due.pop_first();
            look_at.also(slot);
        }
        // and whether a pod of it came out of the trouble, rather than went with it
        let mut touched: BTreeMap<(SubjectId, Trouble), bool> = BTreeMap::new();
        for slot in look_at.slots() {
            if let Some(seen) = self.pods.remove(&slot) {
                if let Some(at) = seen.due {
                    self.due.remove(&(at, slot));
                }
                if let Some(troubled) = seen.troubled {
                    let of = (seen.about.id, troubled.trouble);
                    if let Some(all) = self.by_subject.get_mut(&of) {
                        all.remove(&slot);
                    }
                    let there = |pod: &PodRow| pod.key == seen.pod && !pod.deleting;
                    *touched.entry(of).or_default() |= table.at(slot).is_some_and(there);
                }
            }
            let Some(pod) = table.at(slot) else { continue };
            let (troubled, due) = look(pod, rules, now);
            if troubled.is_none() && due.is_none() {
                continue;
            }
            let about = about(model, pod);
            if let Some(troubled) = &troubled {
                let of = (about.id.clone(), troubled.trouble);
                self.by_subject.entry(of.clone()).or_default().insert(slot);
                touched.entry(of).or_default();
            }
            self.due.extend(due.map(|at| (at, slot)));
            let seen = PodSeen {
                pod: pod.key,
                about,
                troubled,
                due,
            };
            self.pods.insert(slot, seen);
        }
        for (of, out) in touched {
            let end = match out {
                true => of.1.end(),
                false => "no such pod any more",
            };
            self.settle(&of, end, inbox, now, cancelled, news);
        }
    }

    /// The pods of one subject that are in the same trouble make one entry.
    fn settle(
        &mut self,
        of: &(SubjectId, Trouble),
        end: &str,
        inbox: &mut Inbox,
        now: DateTime<Utc>,
        cancelled: bool,
        news: &mut News,
    ) {
        let (id, trouble) = of;
        let slots = self.by_subject.get(of).filter(|slots| !slots.is_empty());
        let Some(slots) = slots else {
            self.by_subject.remove(of);
            match cancelled {
                true => inbox.lose(|f| f.subject.id == *id && &*f.cause == trouble.cause(), now),
                false => drop(inbox.over(id, trouble.cause(), end, now)),
            }
            return;
        };
        let n = slots.len();
        // the first by slot, so that it stays the same one
        let all: Vec<&PodSeen> = slots.iter().filter_map(|s| self.pods.get(s)).collect();
        let told = |seen: &&PodSeen| seen.troubled.clone();
        let (Some(first), Some(said)) = (all.first(), all.first().and_then(told)) else {
            return;
        };
        let since = all.iter().filter_map(|seen| seen.troubled.as_ref()?.since);
        let text = match n {
            1 => said.text,
            n => format!("{n} pods: {}", said.text),
        };
        let key = match id {
            SubjectId::Object(key) => *key,
            SubjectId::Named(..) => first.pod,
        };
        let lead = match trouble {
            Trouble::Restarts => Lead::Log {
                job: key,
                pod: Some(first.pod),
                at: None,
            },
            _ if key == first.pod => Lead::Nowhere,
            _ => Lead::Job(key),
        };
        let finding = Finding::new(
            Source::Pods,
            first.about.clone(),
            trouble.cause(),
            trouble.severity(),
            text,
        );
        let finding = finding.leads(lead).since(since.min());
        put(inbox, finding, now, news);
    }
}

/// Gives a finding to the inbox, and keeps what was new.
fn put(inbox: &mut Inbox, finding: Finding, now: DateTime<Utc>, news: &mut News) {
    if inbox.found(finding.clone(), now) != Fresh::Known {
        news.fresh.push(finding);
    }
}

/// The slots to look at: those that changed, or all if that is too long ago to tell.
enum Look {
    All(u32),
    Some(BTreeSet<u32>),
}

impl Look {
    fn at<I: Iterator<Item = u32>>(
        since: Option<u64>,
        log: impl Fn(u64) -> Option<I>,
        all: usize,
    ) -> Self {
        match since.and_then(log) {
            Some(slots) => Self::Some(slots.collect()),
            None => Self::All(u32::try_from(all).unwrap_or(u32::MAX)),
        }
    }

    fn also(&mut self, slot: u32) {
        if let Self::Some(slots) = self {
            slots.insert(slot);
        }
    }

    fn slots(self) -> impl Iterator<Item = u32> {
        let (all, some) = match self {
            Self::All(n) => (0..n, BTreeSet::new()),
            Self::Some(slots) => (0..0, slots),
        };
        all.chain(some)
    }
}

/// Made by something that is not known (yet): whether it stands for itself cannot be told.
fn has_unknown_owner(model: &Model, job: &JobRow) -> bool {
    job.owner.is_some() && model.parent(job).is_none()
}

/// Who a pod's trouble is about.
fn about(model: &Model, pod: &PodRow) -> Subject {
    let top = job_of(pod).map(|job| model.top(job));
    if let Some(job) = top.and_then(|top| model.jobs.get(top)) {
        return Subject::job(job);
    }
    match (top, &pod.owner) {
        (Some(key), Some((_, name, _))) => Subject::object(key, name, &pod.namespace),
        _ => Subject::object(pod.key, &pod.name, &pod.namespace),
    }
}

/// A job came to another phase, or was seen for the first time.
fn tell(
    model: &Model,
    job: &JobRow,
    (before, phase): (Option<Phase>, Phase),
    inbox: &mut Inbox,
    rules: &Rules,
    now: DateTime<Utc>,
    news: &mut News,
) {
    let subject = Subject::job(job);
    let id = subject.id.clone();
    let finished = model.status(job).finished;
    let first = before.is_none();
    let recent = finished.is_some_and(|at| now - at <= span(rules.recent_s));
    if phase.is_over() && !first {
        news.ended.push(Ended {
            job: job.key,
            phase,
        });
    }
    if first && !phase.is_over() {
        news.begun.push(job.key);
    }
    let lead = Lead::Job(job.key);
    match phase {
        Phase::Failed => {
            inbox.over_where(&id, |c| c != "job/failed", "the job failed", now);
            if first && !recent {
                return;
            }
            let text = format!("failed: {}", why(model, job, now));
            let finding = Finding::new(Source::Jobs, subject, "job/failed", Severity::Error, text);
            put(inbox, finding.leads(lead).since(finished), now, news);
        }
        Phase::Succeeded => {
            inbox.over_where(&id, |_| true, "the job succeeded", now);
            if first || !rules.done {
                return;
            }
            let text = format!("done: {}", why(model, job, now));
            let finding = Finding::new(Source::Jobs, subject, "job/done", Severity::Note, text);
            let finding = finding.leads(lead).since(finished).event();
            put(inbox, finding, now, news);
        }
        // told with its pods
        Phase::Retrying if model.totals(job.key).is_some_and(|t| t.live.crashing > 0) => {}
        Phase::Retrying => {
            let text = format!("retrying: {}", why(model, job, now));
            let finding = Finding::new(
                Source::Jobs,
                subject,
                "job/retrying",
                Severity::Warning,
                text,
            );
            put(inbox, finding.leads(lead), now, news);
        }
        Phase::Running => {
            inbox.over_where(
                &id,
                |c| matches!(c, "job/failed" | "job/retrying"),
                "runs again",
                now,
            );
        }
        Phase::Suspended | Phase::Queued | Phase::Terminating => {
            let how = format!("the job is {}", phase.word());
            inbox.over_where(&id, |c| c == "job/retrying", &how, now);
        }
        Phase::Pending | Phase::Finishing => {}
    }
}
