//! What an operator should know of: findings about jobs, nodes or GPUs, one entry per cause. An entry is updated and
//! not repeated, is over when what it tells is, and says so. Pure: no clock, no screen.
//!
//! Whoever sees something makes a [`Finding`] and gives it to [`Inbox::found`]; when it no longer holds,
//! [`Inbox::over`]. That is all it takes:
//!
//! ```
//! use jobdeck::model::inbox::{Finding, Inbox, Lead, Severity, Source, Subject};
//! # let now = chrono::DateTime::UNIX_EPOCH;
//! # let mut inbox = Inbox::default();
//! # let cluster = jobdeck::model::ids::ClusterId::default();
//! let gpu = Subject::named(cluster, "gpu-h100-1/GPU 3", "");
//! let text = "the driver reports Xid 79: the GPU has fallen off the bus";
//! let lead = Lead::Node("gpu-h100-1".into());
//! let finding = Finding::new(Source::Gpus, gpu.clone(), "xid/79", Severity::Error, text).leads(lead);
//! inbox.found(finding.clone(), now);
//! inbox.found(finding, now);
//! assert_eq!((inbox.len(), inbox.unread()), (1, 1));
//! inbox.over(&gpu.id, "xid/79", "the node was replaced", now);
//! assert_eq!(inbox.open().count(), 0);
//! ```

mod pods;
mod rules;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::human;
use super::ids::{ClusterId, Key, Name};
use super::job::JobRow;

pub use rules::Rules;
pub use watch::{Ended, News, Watch};

/// Entries kept. The oldest that are over go first.
pub const KEPT: usize = 500;

/// Stands for how long it has been so in the text of a finding: `no output for {age}`.
pub const AGE: &str = "{age}";

/// Who saw it; one word each, for the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A job's own status: failed, done, retrying.
    Jobs,
    /// Pods that cannot start, or start again and again.
    Pods,
    /// What log lines say in numbers.
    Training,
    /// Known failures in log lines.
    Logs,
    /// Alarms of GPUs and their nodes.
    Gpus,
    Queues,
    Nodes,
}

impl Source {
    pub fn word(self) -> &'static str {
        match self {
            Source::Jobs => "jobs",
            Source::Pods => "pods",
            Source::Training => "training",
            Source::Logs => "logs",
            Source::Gpus => "gpus",
            Source::Queues => "queues",
            Source::Nodes => "nodes",
        }
    }
}

/// How bad it is. A [`Severity::Note`] is never counted as unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// What it is about, as an identity: a job, pod or other object, or something that has only a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectId {
    Object(Key),
    /// What has no object, by its name in a cluster: another has one of the same name.
    Named(ClusterId, Name),
}

impl SubjectId {
    pub fn cluster(&self) -> ClusterId {
        match self {
            Self::Object(key) => key.cluster,
            Self::Named(cluster, _) => *cluster,
        }
    }
}

/// What it is about, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub id: SubjectId,
    /// `resnet-hpo`, `gpu-h100-1/GPU 3`.
    pub name: Name,
    /// Empty: it is in none.
    pub namespace: Name,
}

impl Subject {
    pub fn job(job: &JobRow) -> Self {
        Self::object(job.key, &job.name, &job.namespace)
    }

    pub fn object(key: Key, name: &str, namespace: &Name) -> Self {
        Self {
            id: SubjectId::Object(key),
            name: name.into(),
            namespace: namespace.clone(),
        }
    }

    pub fn named(cluster: ClusterId, name: &str, namespace: &str) -> Self {
        Self {
            id: SubjectId::Named(cluster, name.into()),
            name: name.into(),
            namespace: namespace.into(),
        }
    }
}

/// Where `enter` leads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Lead {
    #[default]
    Nowhere,
    /// The job's detail.
    Job(Key),
    /// Its pods.
    Pods(Key),
    /// Its log, near the line of this time; of one pod of it, if that is known.
    Log {
        job: Key,
        pod: Option<Key>,
        at: Option<DateTime<Utc>>,
    },
    /// The node, by its name in the cluster of the subject.
    Node(Name),
}

/// Something seen, in words that claim no more than that.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub source: Source,
    pub subject: Subject,
    /// What of the subject: `training/nan/0`. With the subject it is the identity; what is before the first `/` groups.
    pub cause: Name,
    pub severity: Severity,
    /// One sentence without the subject's name; [`AGE`] in it is how long it has been so.
    pub text: String,
    pub lead: Lead,
    /// Since when it is so, where that is known better than "now".
    pub since: Option<DateTime<Utc>>,
    /// It happened and is over at once, as a job that is done: nothing will resolve it.
    pub event: bool,
    /// It happened at `since`, as a line was written then: told with the same time again it is no news.
    pub dated: bool,
}

impl Finding {
    pub fn new(
        source: Source,
        subject: Subject,
        cause: &str,
        severity: Severity,
        text: impl Into<String>,
    ) -> Self {
        Self {
            source,
            subject,
            cause: cause.into(),
            severity,
            text: text.into(),
            lead: Lead::Nowhere,
            since: None,
            event: false,
            dated: false,
        }
    }

    pub fn leads(mut self, lead: Lead) -> Self {
        self.lead = lead;
        self
    }

    pub fn since(mut self, at: Option<DateTime<Utc>>) -> Self {
        self.since = at;
        self
    }

    /// It happened at a time, once.
    pub fn dated(mut self, at: Option<DateTime<Utc>>) -> Self {
        (self.since, self.dated) = (at, true);
        self
    }

    /// Nothing will resolve it.
    pub fn event(mut self) -> Self {
        self.event = true;
        self
    }

    pub fn id(&self) -> Id {
        (self.subject.id.clone(), self.cause.clone())
    }
}

/// Subject and cause.
pub type Id = (SubjectId, Name);

/// How it stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is so, as far as is known.
    Open,
    /// It is over since then, and how that came about.
    Over(DateTime<Utc>, String),
    /// Nobody looks any more since then: it may be over.
    Unwatched(DateTime<Utc>),
}

/// One line of the inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub finding: Finding,
    pub since: DateTime<Utc>,
    /// Last told or over.
    pub at: DateTime<Utc>,
    /// How often it came up.
    pub times: u32,
    pub standing: Standing,
    pub read: bool,
    dismissed: bool,
}

impl Entry {
    pub fn id(&self) -> Id {
        self.finding.id()
    }

    pub fn is_open(&self) -> bool {
        self.standing == Standing::Open
    }

    /// The sentence as of now.
    pub fn words(&self, now: DateTime<Utc>) -> String {
        let until = match self.standing {
            Standing::Open => now,
            Standing::Over(at, _) | Standing::Unwatched(at) => at,
        };
        said(&self.finding.text, until - self.since)
    }
}

/// A finding's text after it has been so for a while: whole minutes from two on.
pub fn said(text: &str, age: chrono::TimeDelta) -> String {
    if !text.contains(AGE) {
        return text.to_owned();
    }
    let words = match (age.num_seconds().max(0), age.num_minutes()) {
        (s, _) if s < 120 => format!("{s} s"),
        (_, m) if m < 120 => format!("{m} min"),
        _ => human::duration(age),
    };
    text.replace(AGE, &words)
}

/// What was new in what was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    New,
    /// It was over and is so again.
    Again,
    /// Known: only its words, or nothing, changed.
    Known,
}

/// All entries.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    entries: BTreeMap<Id, Entry>,
    muted: BTreeSet<SubjectId>,
    version: u64,
}

impl Inbox {
    /// Something is so. Telling it again, and again in other words, is still one entry.
    pub fn found(&mut self, finding: Finding, now: DateTime<Utc>) -> Fresh {
        let id = finding.id();
        let since = finding.since.unwrap_or(now);
        let standing = match finding.event {
            true => Standing::Over(since, String::new()),
            false => Standing::Open,
        };
        let quiet = finding.severity == Severity::Note;
        let Some(entry) = self.entries.get_mut(&id) else {
            let entry = Entry {
                finding,
                since,
                at: now,
                times: 1,
                standing,
                read: quiet,
                dismissed: false,
            };
            self.entries.insert(id, entry);
            self.version += 1;
            self.bound();
            return Fresh::New;
        };
        // a log that is read again tells what it told
        let old_news = finding.dated && finding.since.is_some_and(|at| at <= entry.since);
        match entry.standing {
            Standing::Over(..) if old_news || finding.event && entry.finding == finding => {
                return Fresh::Known;
            }
            Standing::Over(..) => {
                entry.times += 1;
                entry.since = since;
                (entry.read, entry.dismissed) = (quiet, false);
            }
            Standing::Open | Standing::Unwatched(_) => {
                entry.read &= finding.severity <= entry.finding.severity;
                entry.since = entry.since.min(since);
            }
        }
        let again = matches!(entry.standing, Standing::Over(..));
        if again || entry.finding != finding || entry.standing != standing {
            self.version += 1;
            entry.at = now;
        }
        (entry.finding, entry.standing) = (finding, standing);
        if again { Fresh::Again } else { Fresh::Known }
    }

    /// It is so no longer; `how` it came to be over, in words. Whether that was news.
    pub fn over(
        &mut self,
        subject: &SubjectId,
        cause: &str,
        how: &str,
        now: DateTime<Utc>,
    ) -> bool {
        self.over_where(subject, |of| of == cause, how, now) > 0
    }

    /// The same of every cause of a subject that fits; how many were open.
    pub fn over_where(
        &mut self,
        subject: &SubjectId,
        fits: impl Fn(&str) -> bool,
        how: &str,
        now: DateTime<Utc>,
    ) -> usize {
        let mut n = 0;
        for entry in of_mut(&mut self.entries, subject) {
            if !matches!(entry.standing, Standing::Over(..)) && fits(&entry.finding.cause) {
                entry.standing = Standing::Over(now, how.to_owned());
                entry.at = now;
                n += 1;
            }
        }
        self.version += n as u64;
        n
    }

    /// Open entries that fit are no longer watched: another namespace is, or the log is not read any more.
    pub fn lose(&mut self, fits: impl Fn(&Finding) -> bool, now: DateTime<Utc>) {
        for entry in self.entries.values_mut() {
            if entry.standing == Standing::Open && fits(&entry.finding) {
                entry.standing = Standing::Unwatched(now);
                self.version += 1;
            }
        }
    }

    /// Another cluster: nothing of the old one can be led to.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.muted.clear();
        self.version += 1;
    }

    pub fn get(&self, id: &Id) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// What a list shows: neither dismissed nor muted, in no order of importance.
    pub fn shown(&self) -> impl Iterator<Item = &Entry> {
        let muted = |entry: &&Entry| !self.muted.contains(&entry.finding.subject.id);
        self.entries
            .values()
            .filter(|entry| !entry.dismissed)
            .filter(muted)
    }

    /// Of these, what is so now.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.shown().filter(|entry| entry.is_open())
    }

    /// Entries of muted subjects that are so now.
    pub fn hushed(&self) -> usize {
        let entries = self.entries.values();
        let hushed = |entry: &&Entry| self.muted.contains(&entry.finding.subject.id);
        entries.filter(|e| e.is_open()).filter(hushed).count()
    }

    /// What is shown of one subject and so now, the worst first.
    pub fn about(&self, subject: &SubjectId) -> Vec<&Entry> {
        if self.muted.contains(subject) {
            return Vec::new();
        }
        let mut all: Vec<&Entry> = of(&self.entries, subject)
            .filter(|entry| entry.is_open() && !entry.dismissed)
            .collect();
        all.sort_by_key(|e| (std::cmp::Reverse(e.finding.severity), e.since));
        all
    }

    /// What stands for a job in a table: the worst that is so now and that its state does not tell anyway.
    pub fn badge(&self, job: Key) -> Option<&Entry> {
        let id = SubjectId::Object(job);
        if self.entries.is_empty() || self.muted.contains(&id) {
            return None;
        }
        of(&self.entries, &id)
            .filter(|e| e.is_open() && !e.dismissed && e.finding.source != Source::Jobs)
            .filter(|e| e.finding.severity > Severity::Note)
            .max_by_key(|e| (e.finding.severity, std::cmp::Reverse(e.since)))
    }

    /// Entries nobody has read; a note, and what is over, is not counted.
    pub fn unread(&self) -> usize {
        let unread = |e: &&Entry| !e.read && !matches!(e.standing, Standing::Over(..));
        self.shown().filter(unread).count()
    }

    /// All entries there are, dismissed and muted ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Moves with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Read, or unread again.
    pub fn set_read(&mut self, id: &Id, read: bool) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.read = read;
            self.version += 1;
        }
    }

    pub fn read_all(&mut self) {
        self.entries
            .values_mut()
            .for_each(|entry| entry.read = true);
        self.version += 1;
    }

    /// Not shown any more, until it is over and comes up again.
    pub fn dismiss(&mut self, id: &Id) {
        if let Some(entry) = self.entries.get_mut(id) {
            (entry.dismissed, entry.read) = (true, true);
            self.version += 1;
        }
    }

    /// Everything about a subject is kept quiet, or no longer; whether it is now.
    pub fn toggle_mute(&mut self, subject: &SubjectId) -> bool {
        self.version += 1;
        match self.muted.remove(subject) {
            true => false,
            false => self.muted.insert(subject.clone()),
        }
    }

    pub fn is_muted(&self, subject: &SubjectId) -> bool {
        self.muted.contains(subject)
    }

    /// Nobody is muted any more; how many were.
    pub fn unmute_all(&mut self) -> usize {
        self.version += 1;
        std::mem::take(&mut self.muted).len()
    }

    fn bound(&mut self) {
        while self.entries.len() > KEPT {
            let worth = |e: &Entry| {
                let over = matches!(e.standing, Standing::Over(..));
                (!over, !e.dismissed, !e.read, e.finding.severity, e.at)
            };
            let least = self.entries.iter().min_by_key(|(_, e)| worth(e));
            let Some(id) = least.map(|(id, _)| id.clone()) else {
                return;
            };
            self.entries.remove(&id);
        }
    }
}

fn of<'a>(
    entries: &'a BTreeMap<Id, Entry>,
    subject: &SubjectId,
) -> impl Iterator<Item = &'a Entry> + use<'a> {
    let (subject, from) = (subject.clone(), (subject.clone(), Name::from("")));
    entries
        .range(from..)
        .take_while(move |(id, _)| id.0 == subject)
        .map(|(_, entry)| entry)
}

fn of_mut<'a>(
    entries: &'a mut BTreeMap<Id, Entry>,
    subject: &SubjectId,
) -> impl Iterator<Item = &'a mut Entry> + use<'a> {
    let (subject, from) = (subject.clone(), (subject.clone(), Name::from("")));
    entries
        .range_mut(from..)
        .take_while(move |(id, _)| id.0 == subject)
        .map(|(_, entry)| entry)
}
