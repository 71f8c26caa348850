//! Submitting, from the key to the new row: what the editor is opened with, where its keys go, what it asks for and is
//! told, what is kept of a text that is not sent. The editor knows texts; what is done with them is decided here.

pub mod manifests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crossterm::event::KeyEvent;

use super::action::{Action, Scope};
use super::effect::Effect;
use super::message::{Beginnings, Connection};
use super::{App, Link};
use crate::actions::outcome::{Ended, Outcome};
use crate::actions::plan::{Subject, subject};
use crate::actions::unsent::Unsent;
use crate::actions::{Intent, Refusal};
use crate::model::access::Question;
use crate::model::ids::{ClusterId, Key};
use crate::model::job::JobKind;
use crate::model::kueue::QueueKind;
use crate::model::want::{Kind, ObjectWant};
use crate::panes::choose::Of;
use crate::panes::editor::close::Close;
use crate::panes::editor::options::Change;
use crate::panes::editor::{Ask, Found, From, Id, Problem, Start, Told};
use crate::panes::{Level, Pane, Reply, Target, history, worker};
use crate::ui::keymap::Press;

/// Texts remembered that were not sent.
const UNSENT: usize = 50;

impl App {
    /// `r`: what is selected, or the record of the history in front, in an editor.
    pub(super) fn resubmit(&mut self, now: DateTime<Utc>) {
        if let Some(uid) = self.screens.top().record() {
            let record = self.desk.session.history.get(&uid);
            let context = record.map(|record| record.context.clone());
            let open = self.desk.session.clusters().into_iter();
            let mut open = open.filter(|open| context.as_deref() == Some(open.context));
            let of = open.next().map(|open| open.id);
            return match self.of_record(&uid) {
                Ok(from) => {
                    if let Some(id) = of {
                        self.front(id);
                    }
                    self.edit(from);
                }
                Err(refusal) => self.say(Level::Warning, refusal.to_string(), now),
            };
        }
        let keys = {
            let cx = self.desk.cx(now, true);
            self.screens.top().subjects(&cx)
        };
        let Some(key) = keys.first().copied() else {
            return self.say(Level::Info, "nothing is selected", now);
        };
        let away = {
            let cx = self.desk.cx(now, true);
            worker::elsewhere(key.cluster, "the manifest", &cx)
        };
        if let Some(away) = away {
            return self.say(Level::Warning, away, now);
        }
        if let Some(question) = self.creates(key)
            && self.desk.session.permits(key.cluster).get(&question) == Some(&false)
        {
            let text = format!(
                "cannot submit it again: forbidden, needs {}",
                question.words()
            );
            return self.say(Level::Warning, text, now);
        }
        if self.desk.session.is_read_only(key.cluster) {
            let context = self.desk.session.context_of(key.cluster);
            let text = format!("resubmit: read-only in context {context}; nothing was done");
            return self.say(Level::Warning, text, now);
        }
        match self.of_live(key) {
            Ok(from) => {
                // of several that are marked the first is meant, wherever the cursor is
                self.front(key.cluster);
                self.edit(from);
            }
            Err(refusal) => self.say(Level::Warning, refusal.to_string(), now),
        }
    }

    /// The object that is meant by a row, when it is to be submitted again: of a pod, the job it belongs to.
    fn again(&self, key: Key) -> Result<ObjectWant, Refusal> {
        let model = &self.desk.model;
        let found = subject(model, key);
        let found = found.ok_or_else(|| Refusal::new("it is not there any more"))?;
        let its = match found {
            Subject::Pod(pod) => pod.owner.as_ref().and_then(|(_, _, uid)| {
                let (cluster, uid) = (pod.key.cluster, *uid);
                model.jobs.get(model.top(Key { cluster, uid }))
            }),
            Subject::Workload(workload) => {
                let mut jobs = workload.jobs().into_iter();
                jobs.find_map(|key| model.jobs.get(key))
            }
            _ => None,
        };
        let found = its.map_or(found, Subject::Job);
        if !matches!(found, Subject::Job(_) | Subject::Cron(_) | Subject::Pod(_)) {
            let why = format!("{} is no workload", found.words());
            return Err(Refusal::new(why).next("only what runs pods is submitted"));
        }
        let object = found.object().ok_or_else(|| {
            let why = format!("{} is no object of its own", found.words());
            Refusal::new(why).next(match found {
                Subject::Job(job) if job.kind == JobKind::POD_GROUP => {
                    format!(
                        "jobdeck resubmit podgroup/{} submits all its pods again",
                        job.name
                    )
                }
                _ => "its pods can be submitted again one by one".into(),
            })
        })?;
        Ok(ObjectWant {
            kind: object.kind,
            namespace: object.namespace,
            name: object.name,
        })
    }

    fn of_live(&self, key: Key) -> Result<From, Refusal> {
        let want = self.again(key)?;
        let model = &self.desk.model;
        let same =
            |namespace: &str, name: &str| namespace == &*want.namespace && name == &*want.name;
        // of a pod or a Workload it is another row
        let key = match want.kind {
            Kind::CronJob | Kind::Pod => key,
            kind => {
                let mut rows = model.jobs.rows();
                let row = rows.find(|r| {
                    r.key.cluster == key.cluster
                        && r.kind.object() == Some(kind)
                        && same(&r.namespace, &r.name)
                });
                row.map_or(key, |row| row.key)
            }
        };
        let workload = model.kueue.workload_of(key).map(|w| ObjectWant {
            kind: Kind::Queue(QueueKind::Workload),
            namespace: w.namespace.clone(),
            name: w.name.clone(),
        });
        Ok(From::Live {
            want,
            workload,
            key,
        })
    }

    fn of_record(&self, uid: &str) -> Result<From, Refusal> {
        let record = self.desk.session.history.get(uid);
        let record = record.ok_or_else(|| Refusal::new("this record is not kept any more"))?;
        let manifest = record.manifest().ok_or_else(|| {
            let why = format!("the manifest of {} is not known", record.title());
            Refusal::new(why).next("nobody looked at it while it was there")
        })?;
        let notes = match record.masked.is_empty() {
            true => Vec::new(),
            false => vec![history::missing(record)],
        };
        Ok(From::Kept {
            manifest: Arc::new(manifest.clone()),
            notes,
            words: record.title(),
            failed: record.failed_indexes.clone(),
        })
    }

    /// The right to make one like it; none of what is not submitted.
    pub(super) fn creates(&self, key: Key) -> Option<Question> {
        let want = self.again(key).ok()?;
        Some(Question::on("create", want.kind, Some(&want.namespace)))
    }

    /// `N`: templates, files, what was not sent.
    pub(super) fn submit(&mut self) {
        self.effects.push(Effect::ReadBeginnings);
        self.choose(Of::Manifest);
    }

    /// `tab` in the list of what was deleted: looks at it first.
    pub(super) fn undo_edited(&mut self, id: &str, now: DateTime<Utc>) {
        let Some(entry) = self.trash.iter().find(|entry| entry.id == id) else {
            return self.say(Level::Warning, "it is not kept any more", now);
        };
        let mut notes = entry.notes.clone();
        if !entry.masked.is_empty() {
            let n = entry.masked.len();
            let what = crate::panes::words::count(n, "value is", "values are");
            notes.push(format!(
                "{what} not kept, because they look like secrets: fill them in"
            ));
        }
        let from = From::Kept {
            manifest: Arc::new(entry.manifest.clone()),
            notes,
            words: entry.words(),
            failed: String::new(),
        };
        self.front(self.trash_of);
        self.edit(from);
    }

    /// Opens an editor.
    pub(super) fn edit(&mut self, from: From) {
        self.editors += 1;
        let id = self.editors;
        self.open(&Target::Edit(Box::new(Start { id, from })));
        self.dirty = true;
    }

    /// A file to be edited was read.
    pub(super) fn file_read(
        &mut self,
        name: &str,
        text: Result<String, String>,
        now: DateTime<Utc>,
    ) {
        match text {
            Ok(text) => self.edit(From::Text {
                text,
                title: name.to_owned(),
            }),
            Err(why) => self.say(Level::Error, format!("cannot read {name}: {why}"), now),
        }
    }

    /// The keys go to a text.
    pub(super) fn edits(&self) -> bool {
        self.overlay.is_none() && self.link == Link::Open && self.screens.top().editor().is_some()
    }

    /// A key while a text is in front: its own keys first, all others are text.
    pub(super) fn edit_key(&mut self, key: KeyEvent, now: DateTime<Utc>) {
        match self.desk.look.press_or(key, &[Scope::Editor.name()]) {
            Press::Action(action) => self.act(action, now),
            Press::Pending => {}
            Press::None => {
                let cx = self.desk.cx(now, true);
                let editor = self.screens.top_mut().editor_mut();
                let reply = editor.map_or(Reply::Ignored, |editor| editor.typed(key, &cx));
                self.reply(reply, now);
            }
        }
    }

    /// A text was pasted, and no line is being typed.
    pub(super) fn paste(&mut self, text: &str, now: DateTime<Utc>) {
        if !self.edits() {
            return;
        }
        let cx = self.desk.cx(now, true);
        let editor = self.screens.top_mut().editor_mut();
        let reply = editor.map_or(Reply::Ignored, |editor| editor.pasted(text, &cx));
        self.dirty = true;
        self.reply(reply, now);
    }

    /// `ctrl-c`: ends the program; over a text that is not sent it asks first.
    pub(super) fn interrupt(&mut self, now: DateTime<Utc>) {
        if self.edits() && self.prompt.is_none() {
            let cx = self.desk.cx(now, true);
            let editor = self.screens.top_mut().editor_mut();
            let reply = editor.map_or(Reply::Ignored, |editor| editor.interrupt(&cx));
            if reply != Reply::Ignored {
                return self.reply(reply, now);
            }
        }
        self.keep_written();
        self.done = true;
    }

    /// Something a text put off is due.
    pub(super) fn look_at_text(&mut self, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        let fronts = self.screens.fronts_mut();
        let asks: Vec<Ask> = fronts
            .filter_map(|pane| pane.editor_mut()?.due(&cx))
            .collect();
        for ask in asks {
            self.asked(ask, now);
        }
    }

    /// `ctrl-s`, `ctrl-t`: the pane says what is to be sent.
    pub(super) fn send(&mut self, action: Action, now: DateTime<Utc>) {
        let reply = {
            let cx = self.desk.cx(now, true);
            self.screens.top_mut().act(action, &cx)
        };
        match reply {
            Reply::Ignored => self.say(Level::Info, "no text is open that could be sent", now),
            reply => self.reply(reply, now),
        }
    }

    /// What an editor asks for.
    pub(super) fn asked(&mut self, ask: Ask, now: DateTime<Utc>) {
        self.dirty = true;
        match ask {
            Ask::Look { id, version, text } => {
                self.keep_one(id, now);
                self.effects.push(Effect::Look {
                    connection: self.connection,
                    cluster: self.cluster_of(id),
                    id,
                    version,
                    text,
                    namespace: self.place(id),
                });
            }
            Ask::Send { id, ref text, .. } if manifests::is_strange(text) => {
                self.keep_one(id, now);
                self.effects.push(Effect::Meet {
                    connection: self.connection,
                    cluster: self.cluster_of(id),
                    id,
                    text: text.clone(),
                    then: ask,
                });
            }
            Ask::Send {
                id,
                text,
                made,
                only,
                unchecked,
            } => {
                self.keep_one(id, now);
                let cluster = self.cluster_of(id);
                let steps = match manifests::steps(&text, &made, &self.place(id)) {
                    Ok(steps) => steps,
                    Err(problems) => return self.tell_editor(id, &Told::NotSent(problems), now),
                };
                let steps = steps.into_iter().map(|step| step.in_cluster(cluster));
                let steps: Vec<_> = steps.collect();
                if let Some(why) = self.forbidden(&steps) {
                    return self.tell_editor(
                        id,
                        &Told::NotSent(vec![Problem::error(None, why)]),
                        now,
                    );
                }
                self.effects.push(Effect::Submit {
                    connection: self.connection,
                    cluster,
                    id,
                    steps,
                    only,
                    unchecked,
                });
            }
            Ask::External { id, text } => {
                self.keep_one(id, now);
                self.effects.push(Effect::External { id, text });
            }
            Ask::Close => {
                let cx = self.desk.cx(now, true);
                if let Some(editor) = self.screens.top().editor() {
                    let close = Close::new(editor.id(), editor.title(&cx));
                    self.overlay = Some(Box::new(close));
                }
            }
            Ask::Options => {
                let cx = self.desk.cx(now, true);
                if let Some(editor) = self.screens.top().editor() {
                    let options = editor.options(&cx);
                    self.overlay = Some(Box::new(options));
                    self.ask("change".into(), String::new());
                }
            }
            Ask::Leave { id, keep } => self.leave_editor(id, keep, now),
        }
    }

    /// The server was asked about the kinds of a text that is to be sent.
    pub(super) fn met(&mut self, id: Id, problems: &[Problem], then: Ask, now: DateTime<Utc>) {
        // it may have been left, or changed, meanwhile
        let waits = self.screens.editor(id).is_some_and(|e| e.is_sending());
        match (waits, problems.is_empty()) {
            (true, true) => self.asked(then, now),
            (true, false) => self.tell_editor(id, &Told::NotSent(problems.to_vec()), now),
            (false, _) => {}
        }
    }

    /// Where what is written in an editor goes: to the cluster it was opened in.
    fn cluster_of(&self, id: Id) -> ClusterId {
        let opened = self.screens.cluster_of(id);
        opened.unwrap_or(self.desk.session.cluster)
    }

    /// The namespace of objects that name none.
    fn place(&self, id: Id) -> String {
        let session = &self.desk.session;
        let home = session.open(self.cluster_of(id)).map(|open| open.home);
        let home = home.unwrap_or(&session.home);
        let named = session.namespace.as_deref().unwrap_or(home);
        match named {
            "" => "default".to_owned(),
            named => named.to_owned(),
        }
    }

    /// One of the things that are changed in one step.
    pub(super) fn change(&mut self, change: &Change, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        let editor = self.screens.top_mut().editor_mut();
        let reply = editor.map_or(Reply::Ignored, |editor| editor.change(change, &cx));
        self.dirty = true;
        self.reply(reply, now);
    }

    /// Tells an editor something, wherever it is by now.
    fn tell_editor(&mut self, id: Id, told: &Told, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        if let Some(editor) = self.screens.editor(id) {
            editor.hear(told, &cx);
        }
        self.dirty = true;
    }

    pub(super) fn found(&mut self, id: Id, found: &Found, now: DateTime<Utc>) {
        self.tell_editor(id, &Told::Found(found.clone()), now);
    }

    /// The user's own editor ended.
    pub(super) fn edited(&mut self, id: Id, text: Result<String, String>, now: DateTime<Utc>) {
        match text {
            Ok(text) => self.tell_editor(id, &Told::Back(text), now),
            Err(why) => self.say(Level::Error, why, now),
        }
        self.dirty = true;
    }

    /// The server answered.
    pub(super) fn submitted(
        &mut self,
        connection: Connection,
        id: Id,
        dry: bool,
        outcomes: Vec<Outcome>,
        now: DateTime<Utc>,
    ) {
        let good = outcomes
            .iter()
            .all(|o| matches!(o.ended, Ended::Done | Ended::DryRun));
        let told = Told::Answered {
            dry,
            outcomes: outcomes.clone(),
        };
        if connection != self.connection || self.screens.editor(id).is_none() {
            // the text was left meanwhile: what was found must not go unsaid; what was made is said anyway
            for outcome in outcomes.iter().filter(|o| dry && !o.is_good()) {
                self.say(Level::Warning, outcome.sentence(), now);
            }
            return;
        }
        self.tell_editor(id, &told, now);
        if !dry && good {
            self.made(id, &outcomes, now);
        }
    }

    /// All of a text was made: the editor has done its work.
    fn made(&mut self, id: Id, outcomes: &[Outcome], now: DateTime<Utc>) {
        let Some(editor) = self.screens.editor(id) else {
            return;
        };
        let old = editor.old().filter(|_| editor.delete_old);
        let draft = editor.draft();
        self.desk.session.unsent.retain(|unsent| unsent.id != draft);
        self.effects.push(Effect::DropUnsent(draft));
        let front = self.screens.close(id);
        let made = outcomes.iter().find_map(|outcome| outcome.made.clone());
        if let (true, Some(object)) = (front && self.overlay.is_none(), &made)
            && matches!(object.kind, Kind::Job | Kind::CronJob | Kind::Workload(_))
        {
            self.screens.seek(object);
        }
        if let Some(old) = old.filter(|_| front) {
            self.propose(vec![old], &Intent::DELETE, now);
        }
        self.dirty = true;
    }

    /// An editor is left.
    pub(super) fn leave_editor(&mut self, id: Id, keep: bool, now: DateTime<Utc>) {
        if keep {
            self.keep_one(id, now);
        } else if let Some(draft) = self.screens.editor(id).map(|editor| editor.draft()) {
            self.desk.session.unsent.retain(|unsent| unsent.id != draft);
            self.effects.push(Effect::DropUnsent(draft));
        }
        self.screens.close(id);
        self.dirty = true;
    }

    /// Keeps what was written in an editor, as it is now.
    fn keep_one(&mut self, id: Id, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        let unsent = self
            .screens
            .editor(id)
            .and_then(|editor| editor.unsent(&cx));
        if let Some(unsent) = unsent {
            self.remember_unsent(unsent);
        }
    }

    fn remember_unsent(&mut self, unsent: Unsent) {
        let all = &mut self.desk.session.unsent;
        if all
            .iter()
            .any(|known| known.id == unsent.id && known.text == unsent.text)
        {
            return;
        }
        all.retain(|known| known.id != unsent.id);
        all.insert(0, unsent.clone());
        all.truncate(UNSENT);
        self.effects.push(Effect::KeepUnsent(Box::new(unsent)));
    }

    /// All screens go: what is written in them is kept.
    pub(super) fn keep_written(&mut self) {
        let cx = self.desk.cx(Utc::now(), true);
        let all: Vec<Unsent> = self
            .screens
            .editors()
            .filter_map(|e| e.unsent(&cx))
            .collect();
        for unsent in all {
            self.remember_unsent(unsent);
        }
    }

    /// What there is to begin with: templates of the user's, and what was written in earlier sessions. Of that, what
    /// this one knows of is newer.
    pub(super) fn beginnings(&mut self, beginnings: Beginnings, now: DateTime<Utc>) {
        for problem in beginnings.problems {
            self.say(
                Level::Warning,
                format!("a template cannot be read: {problem}"),
                now,
            );
        }
        self.desk.session.templates = beginnings.templates;
        let known = &mut self.desk.session.unsent;
        for unsent in beginnings.unsent {
            if !known.iter().any(|k| k.id == unsent.id) {
                known.push(unsent);
            }
        }
        known.sort_by_key(|unsent| std::cmp::Reverse(unsent.time));
        known.truncate(UNSENT);
        self.dirty = true;
    }
}
