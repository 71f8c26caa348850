//! What fills the inbox: rows that changed, what logs say of a run's health, known failures in their lines.

use chrono::{DateTime, Utc};

use super::App;
use crate::logs::failures::{Failure, Found};
use crate::logs::health::Concern;
use crate::model::health::Health;
use crate::model::ids::{ClusterId, Key};
use crate::model::inbox::{
    self, Finding, Fresh, Lead, Severity, Source, Subject, SubjectId, Watch,
};
use crate::model::job::Phase;
use crate::model::progress::job_of;
use crate::model::want::{Kind, LogWant};
use crate::panes::inbox::Do;
use crate::panes::{Level, Worries, worker};

/// What is remembered to find things.
#[derive(Debug, Default)]
pub(super) struct Finder {
    watch: Watch,
    /// All jobs and pods there are were seen once.
    begun: bool,
}

/// A known failure in a line of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    pub found: Found,
    /// When the line was written.
    pub at: Option<DateTime<Utc>>,
}

impl Finder {
    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.watch.due()
    }

    /// Other rules hold.
    pub fn again(&mut self) {
        self.watch.again();
    }
}

impl App {
    /// Rows changed, or time passed. `cancelled`: rows went with their watch.
    pub(super) fn look_around(&mut self, now: DateTime<Utc>, cancelled: bool) {
        let first = !self.finder.begun;
        if first && !self.all_seen() {
            return;
        }
        self.finder.begun = true;
        let inbox = &mut self.desk.session.inbox;
        let rules = &self.settings.inbox;
        let news = self
            .finder
            .watch
            .pass(&self.desk.model, inbox, rules, now, cancelled);
        // what was so before anybody looked is in the list, and nobody is told
        if !first {
            self.flash(&news.fresh, now);
        }
        for ended in &news.ended {
            if ended.phase == Phase::Failed {
                self.explain(ended.job, now);
            }
        }
        self.dirty |= !news.fresh.is_empty();
        self.keep_ended(&news, now);
        self.background.ended(&news);
    }

    /// Jobs and pods of all clusters that answered were listed, or cannot be.
    fn all_seen(&self) -> bool {
        let seen = |cluster, kind: Kind| {
            let of = self.sources_of(cluster);
            let mut of = of.filter(|(k, _)| *k == kind).peekable();
            of.peek().is_some()
                && of.all(|(_, health)| {
                    !matches!(health, Health::Connecting | Health::Syncing { .. })
                })
        };
        let open = self.desk.session.clusters().into_iter();
        let mut answered = open.filter(|open| *open.link == worker::Link::Open);
        answered.all(|open| seen(open.id, Kind::Job) && seen(open.id, Kind::Pod))
    }

    /// A short word in the footer for what is new; nothing that takes the keyboard.
    pub(super) fn flash(&mut self, fresh: &[Finding], now: DateTime<Utc>) {
        let inbox = &self.desk.session.inbox;
        let loud = fresh.iter().filter(|finding| {
            finding.severity > Severity::Note && !inbox.is_muted(&finding.subject.id)
        });
        let Some(worst) = loud.clone().max_by_key(|finding| finding.severity) else {
            return;
        };
        let others = match loud.count() - 1 {
            0 => String::new(),
            n => format!(" (and {n} more in the inbox)"),
        };
        let level = match worst.severity {
            Severity::Error => Level::Error,
            _ => Level::Warning,
        };
        let said = inbox::said(&worst.text, now - worst.since.unwrap_or(now));
        let text = format!("{}: {said}{others}", worst.subject.name);
        self.desk.notices.flash(level, text, now);
        self.dirty = true;
    }

    fn put(&mut self, finding: Finding, now: DateTime<Utc>) {
        if self.desk.session.inbox.found(finding.clone(), now) != Fresh::Known {
            // what is over already, read from an old log, is for the list alone
            if !finding.event {
                self.flash(&[finding], now);
            }
            self.dirty = true;
        }
    }

    /// The screen in front tells of the health of the run it reads.
    pub(super) fn worried(&mut self, told: Worries, now: DateTime<Utc>) {
        let Some(job) = self.desk.model.jobs.get(told.job) else {
            return;
        };
        let subject = Subject::job(job);
        let over = self.desk.model.status(job).phase.is_over();
        for worry in told.over {
            let cause = cause(worry.held.concern, worry.pod);
            let inbox = &mut self.desk.session.inbox;
            inbox.over(&subject.id, &cause, worry.held.concern.end(), now);
        }
        for worry in told.open {
            let held = &worry.held;
            // of a run that is over its silence tells nothing
            if over
                && matches!(
                    held.concern,
                    Concern::Frozen | Concern::Silent | Concern::Slow
                )
            {
                continue;
            }
            let since = DateTime::from_timestamp_millis((held.since * 1e3) as i64);
            let text = match worry.who.as_str() {
                "" => held.seen.clone(),
                who => format!("{who}: {}", held.seen),
            };
            let finding = Finding::new(
                Source::Training,
                subject.clone(),
                &cause(held.concern, worry.pod),
                severity(held.concern),
                text,
            );
            let lead = Lead::Log {
                job: told.job,
                pod: Some(worry.pod),
                at: since,
            };
            let mut finding = finding.leads(lead).since(since);
            // a job that failed says so itself: this is how it came to it
            finding.event = over;
            finding.dated = over;
            self.put(finding, now);
        }
    }

    /// Known failures in lines of a pod's log.
    pub(super) fn failures(
        &mut self,
        cluster: ClusterId,
        want: &LogWant,
        failed: &[Failed],
        now: DateTime<Utc>,
    ) {
        let uid = want.uid;
        let pod = Key { cluster, uid };
        let model = &self.desk.model;
        let job = model.pods.get(pod).and_then(job_of);
        let job = job.map(|job| model.top(job));
        let Some(job) = job.and_then(|job| model.jobs.get(job)) else {
            return;
        };
        let (key, subject) = (job.key, Subject::job(job));
        let phase = model.status(job).phase;
        let started = model.pods.get(pod).map_or(0, |pod| pod.restarts);
        for Failed { found, at } in failed {
            // what a run that goes on or ended well survived is no failure of the job
            if phase == Phase::Succeeded {
                continue;
            }
            let who = found
                .rank
                .map_or(String::new(), |rank| format!("rank {rank}: "));
            let cause = format!("log/{:?}/{}", found.kind, found.rank.unwrap_or(0));
            let text = format!("its log: {who}{}", found.words);
            let severity = match found.kind {
                Failure::Traceback | Failure::Permission | Failure::AddressInUse => {
                    Severity::Warning
                }
                _ => Severity::Error,
            };
            let lead = Lead::Log {
                job: key,
                pod: Some(pod),
                at: *at,
            };
            let finding = Finding::new(Source::Logs, subject.clone(), &cause, severity, text);
            let mut finding = finding.leads(lead).dated(*at);
            // of an earlier life of the container: it came back
            finding.event = phase == Phase::Failed || started > 0 && want.previous;
            self.put(finding, now);
        }
        if phase == Phase::Failed {
            self.explain(key, now);
        }
    }

    /// A job that failed says what its log said of it, and leads there.
    fn explain(&mut self, job: Key, now: DateTime<Utc>) {
        let id = SubjectId::Object(job);
        let inbox = &mut self.desk.session.inbox;
        let Some(failed) = inbox.get(&(id.clone(), "job/failed".into())) else {
            return;
        };
        let of_job = inbox.shown().filter(|e| e.finding.subject.id == id);
        let told = of_job.filter(|e| e.finding.source == Source::Logs);
        let Some(cause) = told.max_by_key(|e| (e.finding.severity, e.since)) else {
            return;
        };
        if !failed.is_open() || failed.finding.text.contains(&cause.finding.text) {
            return;
        }
        let base = failed.finding.text.split("; its log: ").next();
        let text = format!("{}; {}", base.unwrap_or_default(), cause.finding.text);
        let finding = Finding {
            text,
            lead: cause.finding.lead.clone(),
            ..failed.finding.clone()
        };
        inbox.found(finding, now);
        self.dirty = true;
    }

    /// Logs that no screen reads any more: what was said of them may be over.
    pub(super) fn lose_unread_logs(&mut self, read: &[Key], now: DateTime<Utc>) {
        let unread = |finding: &Finding| {
            let SubjectId::Object(key) = finding.subject.id else {
                return false;
            };
            finding.source == Source::Training && !read.contains(&key)
        };
        self.desk.session.inbox.lose(unread, now);
    }

    /// What the inbox asks of its owner.
    pub(super) fn inbox_do(&mut self, what: Do, now: DateTime<Utc>) {
        let inbox = &mut self.desk.session.inbox;
        match what {
            Do::Read(id, read) => inbox.set_read(&id, read),
            Do::ReadAll => {
                inbox.read_all();
                self.desk.notices.read();
            }
            Do::Dismiss(id) => inbox.dismiss(&id),
            Do::Mute(subject) => {
                inbox.toggle_mute(&subject.id);
                let key = self.desk.look.key_for(
                    super::action::Action::InboxMute,
                    &[super::action::Scope::Inbox],
                );
                let back = key.map_or(String::new(), |key| {
                    format!("; {key} on anything of jobdeck's own hears all again")
                });
                let text = format!("nothing more about {} in the inbox{back}", subject.name);
                self.say(Level::Info, text, now);
            }
            Do::Unmute => {
                let n = inbox.unmute_all();
                self.say(
                    Level::Info,
                    format!("{n} muted before, all heard again"),
                    now,
                );
            }
            Do::Open(id, target) => {
                inbox.set_read(&id, true);
                self.open(&target);
            }
        }
        self.dirty = true;
    }
}

fn cause(concern: Concern, pod: Key) -> String {
    format!("training/{}/{}", concern.word(), pod.uid)
}

fn severity(concern: Concern) -> Severity {
    match concern {
        Concern::NotANumber => Severity::Error,
        Concern::Plateau => Severity::Note,
        _ => Severity::Warning,
    }
}
