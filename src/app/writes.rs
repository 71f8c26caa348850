//! From a key that changes something to the question, to the effect, to what became of it. Panes only say what is
//! meant; what may be done with it, and whether it is asked about, is decided here for all of them.

use chrono::{DateTime, Utc};

use super::App;
use super::action::Action;
use super::effect::Effect;
use crate::actions::outcome::{Cause, Ended, Outcome, words};
use crate::actions::plan::{plan, subject, toggle};
use crate::actions::undo::{LOST, Naming, again};
use crate::actions::{Intent, Step};
use crate::cluster::kinds;
use crate::keep::trash::Entry;
use crate::model::access::{Question, missing};
use crate::model::ids::{ClusterId, Key};
use crate::model::kueue::queue::Stop;
use crate::panes::choose::{Choose, Kept, Of};
use crate::panes::confirm::Confirm;
use crate::panes::{Command, Level, worker};

/// Refusals named one by one where several objects are meant.
const NAMED: usize = 3;

/// Several steps that were sent together: their ends are told in one sentence.
#[derive(Debug, Default)]
pub struct Batch {
    left: usize,
    good: usize,
    bad: usize,
    verb: &'static str,
}

impl App {
    /// What a key that changes something begins.
    pub(super) fn begin(&mut self, action: Action, now: DateTime<Utc>) {
        if self.in_the_past() {
            return self.only_looks(action.name(), now);
        }
        if let Some(closed) = self.closed(now) {
            return self.read_only(closed, action.name(), now);
        }
        match action {
            Action::Resubmit => return self.resubmit(now),
            Action::Submit => return self.submit(),
            Action::Create | Action::DryRun => return self.send(action, now),
            _ => {}
        }
        if action == Action::Undo {
            self.effects.push(Effect::Trash {
                connection: self.connection,
                cluster: self.desk.session.cluster,
            });
            return;
        }
        let keys = {
            let cx = self.desk.cx(now, true);
            let top = self.screens.top();
            match action {
                Action::Shell | Action::PortForward => top.enters(&cx).into_iter().collect(),
                _ => top.subjects(&cx),
            }
        };
        let Some(first) = keys.first().copied() else {
            return self.say(Level::Info, "nothing is selected", now);
        };
        match action {
            Action::Shell | Action::PortForward => self.enter(action, first, now),
            Action::Scale => {
                let job = self.desk.model.jobs.get(first);
                let n = job.map_or(0, |job| job.parallelism);
                // why not is said before a number is asked for
                if let Err(refusal) = plan(&self.desk.model, first, &Intent::Scale(u32::MAX)) {
                    return self.say(Level::Warning, refusal.to_string(), now);
                }
                self.choose(Of::Pods(keys, n));
            }
            Action::SetPriority | Action::MoveQueue => {
                let probe = match action {
                    Action::SetPriority => Intent::Priority("".into()),
                    _ => Intent::Move("".into()),
                };
                if let Err(refusal) = plan(&self.desk.model, first, &probe) {
                    return self.say(Level::Warning, refusal.to_string(), now);
                }
                self.choose(match action {
                    Action::SetPriority => Of::Class(keys),
                    _ => Of::Queue(keys),
                });
            }
            _ => {
                if let Some(intent) = self.intent(action, first) {
                    self.propose(keys, &intent, now);
                }
            }
        }
    }

    /// The cluster that is meant and not to be written to: that in front, or all of what is marked.
    fn closed(&self, now: DateTime<Utc>) -> Option<ClusterId> {
        let cx = self.desk.cx(now, true);
        let keys = self.screens.top().subjects(&cx).into_iter();
        let mut meant: Vec<ClusterId> = keys.map(|key| key.cluster).collect();
        if meant.is_empty() {
            meant.push(cx.session.cluster);
        }
        let all = meant.iter().all(|id| cx.session.is_read_only(*id));
        meant.first().copied().filter(|_| all)
    }

    /// Whether what a question ended in is for a cluster that is not to be written to.
    pub(super) fn is_closed_to(&self, command: &Command) -> bool {
        let closed = |id: ClusterId| self.desk.session.is_read_only(id);
        match command {
            Command::Do(steps) => steps.iter().any(|step| closed(step.cluster)),
            Command::Plan(keys, _) => keys.iter().all(|key| closed(key.cluster)),
            Command::Shell(pod, _)
            | Command::Container(pod)
            | Command::Ports(pod)
            | Command::Forward(pod, _) => closed(pod.cluster),
            Command::Undo(_) | Command::UndoEdited(_) => closed(self.trash_of),
            _ => self.desk.session.read_only,
        }
    }

    /// Says that a cluster is not to be written to.
    fn read_only(&mut self, cluster: ClusterId, what: &str, now: DateTime<Utc>) {
        let context = self.desk.session.context_of(cluster);
        let text = format!("{what}: read-only in context {context}; nothing was done");
        self.say(Level::Warning, text, now);
    }

    /// What an action means for an object now; none for those that ask for more first.
    fn intent(&self, action: Action, key: Key) -> Option<Intent> {
        Some(match action {
            Action::Delete => Intent::DELETE,
            Action::Hold => toggle(&self.desk.model, key),
            Action::Trigger => Intent::Trigger,
            Action::Evict => Intent::Evict,
            Action::Drain => Intent::Stop(Stop::HoldAndDrain),
            Action::Shell => Intent::Exec(Default::default()),
            Action::PortForward => Intent::Forward(0),
            _ => return None,
        })
    }

    pub(super) fn choose(&mut self, of: Of) {
        let choose = Choose::new(of);
        let label = choose.label().to_owned();
        self.overlay = Some(Box::new(choose));
        self.ask(label, String::new());
    }

    /// Plans it for each; asks if need be, else does it.
    pub(super) fn propose(&mut self, keys: Vec<Key>, intent: &Intent, now: DateTime<Utc>) {
        let mut steps: Vec<Step> = Vec::new();
        let mut left_out: Vec<String> = Vec::new();
        let mut meant: Vec<Key> = Vec::new();
        for key in &keys {
            let away = {
                let cx = self.desk.cx(now, true);
                worker::elsewhere(key.cluster, "it", &cx)
            };
            // of several clusters each has its own rules
            if self.desk.session.is_read_only(key.cluster) {
                let context = self.desk.session.context_of(key.cluster);
                left_out.push(format!("read-only in context {context}"));
                continue;
            }
            match (away, plan(&self.desk.model, *key, intent)) {
                (Some(away), _) => left_out.push(away),
                (None, Ok(planned)) => {
                    steps.extend(planned);
                    meant.push(*key);
                }
                (None, Err(refusal)) => left_out.push(refusal.to_string()),
            }
        }
        if steps.is_empty() {
            let text = left_out.into_iter().next().unwrap_or_default();
            return self.say(Level::Warning, text, now);
        }
        if let Some(text) = self.forbidden(&steps) {
            return self.say(Level::Warning, text, now);
        }
        let more = left_out.len().saturating_sub(NAMED);
        left_out.truncate(NAMED);
        if more > 0 {
            left_out.push(format!("{more} more"));
        }
        let asked = steps.iter().any(|step| step.ask) || steps.len() > 1;
        if !asked {
            for text in left_out {
                self.say(Level::Warning, text, now);
            }
            return self.carry_out(steps, now);
        }
        let cx = self.desk.cx(now, true);
        let confirm = Confirm::new(meant, intent.clone(), steps, left_out, &cx);
        self.overlay = Some(Box::new(confirm));
        self.dirty = true;
    }

    /// The verb that is missing, as far as it is known.
    pub(super) fn forbidden(&self, steps: &[Step]) -> Option<String> {
        steps.iter().find_map(|step| {
            let needs = step.needs();
            let question = missing(&needs, self.desk.session.permits(step.cluster))?;
            let place = question.namespace.as_ref();
            let place = place.map_or(String::new(), |ns| format!(" in {ns}"));
            Some(format!(
                "cannot {} {}: forbidden, needs {}{place}",
                words(&step.intent),
                step.object.words(),
                question.words()
            ))
        })
    }

    /// Sends steps to be done; their rows say so until it is seen.
    pub(super) fn carry_out(&mut self, steps: Vec<Step>, now: DateTime<Utc>) {
        for step in &steps {
            self.desk.session.pending.begin(step, now);
        }
        if steps.len() > 1 {
            let verb = steps.first().map_or("", |step| step.intent.done());
            self.batch.left += steps.len();
            self.batch.verb = verb;
        }
        self.effects.push(Effect::Write {
            connection: self.connection,
            steps,
        });
        self.dirty = true;
    }

    /// How one ended.
    pub(super) fn written(&mut self, outcome: &Outcome, now: DateTime<Utc>) {
        let done = matches!(outcome.ended, Ended::Done);
        let session = &mut self.desk.session;
        session
            .pending
            .answered(&outcome.step, done, &self.desk.model, now);
        if let Ended::Not(Cause::Forbidden, _) = &outcome.ended {
            for question in outcome.step.needs() {
                session
                    .permits_of(outcome.step.cluster)
                    .insert(question, false);
            }
        }
        let several = self.batch.left > 0;
        let mut text = outcome.sentence();
        if outcome.step.origin.is_some() && done {
            text.push_str(&format!("; {LOST}"));
        }
        if outcome.kept.is_some() && !several {
            let undo = self
                .desk
                .look
                .key_for(Action::Undo, &[super::action::Scope::List]);
            if let Some(key) = undo {
                text.push_str(&format!("; {key} makes it again"));
            }
        }
        let good = outcome.is_good();
        if !several || !good {
            let level = match good {
                true => Level::Info,
                false => Level::Error,
            };
            self.say(level, text, now);
        }
        if several {
            self.batch.left -= 1;
            match good {
                true => self.batch.good += 1,
                false => self.batch.bad += 1,
            }
            if self.batch.left == 0 {
                let batch = std::mem::take(&mut self.batch);
                let all = batch.good + batch.bad;
                let (level, text) = match batch.bad {
                    0 => (Level::Info, format!("{} all {all}", batch.verb)),
                    bad => (
                        Level::Warning,
                        format!(
                            "{} {} of {all}; of {bad} the messages say why not",
                            batch.verb, batch.good
                        ),
                    ),
                };
                self.say(level, text, now);
            }
        }
        self.dirty = true;
    }

    /// What was asked for and has not been seen in all this time.
    pub(super) fn overdue(&mut self, now: DateTime<Utc>) {
        for late in self.desk.session.pending.late(now) {
            let object = &late.step.object;
            let seconds = (now - late.since).num_seconds();
            let text = format!(
                "{} {object}: the server took it {seconds} s ago, but it is not seen yet; its YAML may say what it \
                 waits for (finalizers, a controller)",
                late.step.intent.doing()
            );
            self.say(Level::Warning, text, now);
        }
    }

    /// What can be made again is there: a list to choose from.
    pub(super) fn trash(&mut self, cluster: ClusterId, entries: Vec<Entry>) {
        let kept = entries.iter().map(|entry| Kept {
            id: entry.id.clone(),
            words: entry.words(),
            namespace: entry.namespace.clone(),
            deleted: entry.time,
            undone: entry.undone.clone(),
            masked: !entry.masked.is_empty(),
        });
        let kept = kept.collect();
        (self.trash, self.trash_of) = (entries, cluster);
        self.choose(Of::Kept(kept));
        self.dirty = true;
    }

    /// Makes an entry of the trash again.
    pub(super) fn undo(&mut self, id: &str, now: DateTime<Utc>) {
        let Some(entry) = self.trash.iter().find(|entry| entry.id == id) else {
            return;
        };
        let mut all = kinds::all().map(|entry| entry.kind);
        let Some(kind) = all.find(|kind| kind.singular() == entry.kind) else {
            return;
        };
        let model = &self.desk.model;
        let cluster = self.trash_of;
        let taken = |name: &str| {
            let is = |key: Key, ns: &str, other: &str| {
                key.cluster == cluster && ns == entry.namespace && other == name
            };
            model.jobs.rows().any(|r| is(r.key, &r.namespace, &r.name))
                || (model.cronjobs.rows()).any(|r| is(r.key, &r.namespace, &r.name))
                || model.pods.rows().any(|r| is(r.key, &r.namespace, &r.name))
        };
        let masked = &entry.masked;
        match again(kind, &entry.manifest, masked, &[], &Naming::Safe, taken) {
            Ok(step) => {
                let step = Step {
                    origin: Some(entry.id.clone()),
                    ..step.in_cluster(cluster)
                };
                if self.desk.session.is_read_only(cluster) {
                    return self.read_only(cluster, "undo", now);
                }
                if let Some(text) = self.forbidden(std::slice::from_ref(&step)) {
                    return self.say(Level::Warning, text, now);
                }
                self.carry_out(vec![step], now);
            }
            Err(refusal) => self.say(Level::Warning, refusal.to_string(), now),
        }
    }

    /// Why a key in the footer does nothing now; none if it does.
    pub(super) fn denied(&self, action: Action, keys: &[Key]) -> Option<String> {
        if !action.writes() {
            return None;
        }
        if self.desk.session.read_only {
            return Some("read-only".into());
        }
        if let Some(editor) = self.screens.top().editor() {
            let question = missing(editor.needs(), &self.desk.session.permits)?;
            return Some(format!("needs {}", question.words()));
        }
        let key = *keys.first()?;
        if self.desk.session.is_read_only(key.cluster) {
            return Some("read-only".into());
        }
        let permits = self.desk.session.permits(key.cluster);
        if action == Action::Resubmit {
            let needs = [self.creates(key)?];
            let question = missing(&needs, permits)?;
            return Some(format!("needs {}", question.words()));
        }
        let intent = self.intent(action, key)?;
        match plan(&self.desk.model, key, &intent) {
            Err(refusal) => Some(refusal.why),
            Ok(steps) => {
                let needs: Vec<Question> = steps.first()?.needs();
                let question = missing(&needs, permits)?;
                Some(format!("needs {}", question.words()))
            }
        }
    }

    /// What is to be known of the rights on what is selected.
    pub(super) fn questions(&self, keys: &[Key]) -> Vec<Question> {
        let Some(&key) = keys.first() else {
            return Vec::new();
        };
        let model = &self.desk.model;
        if key.cluster != self.desk.session.cluster || subject(model, key).is_none() {
            return Vec::new();
        }
        let intents = [
            Intent::DELETE,
            toggle(model, key),
            Intent::Evict,
            Intent::Trigger,
            Intent::Exec(Default::default()),
            Intent::Forward(0),
        ];
        let mut all: Vec<Question> = intents
            .iter()
            .filter_map(|intent| plan(model, key, intent).ok())
            .filter_map(|steps| steps.into_iter().next())
            .flat_map(|step| step.needs())
            .collect();
        all.extend(self.creates(key));
        all.sort();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests;
