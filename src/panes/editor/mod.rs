//! Writing what is to be submitted: the manifest of a job that was there, a template, a file, or nothing yet, as YAML.
//! It is looked at while it is typed, checked by the server before it is sent, and whatever the server answers, the text
//! stays until it is done or given up.

mod buffer;
mod checks;
pub mod close;
mod colour;
mod diff;
mod draw;
pub mod options;
mod pane;
pub mod read;
mod said;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::palette::Command;
use super::{Cx, Level, Pane, Reply};
use crate::actions::Object;
use crate::actions::unsent::Unsent;
use crate::app::action::Action;
use crate::logs::Pattern;
use crate::model::access::Question;
use crate::model::ids::Key;
use crate::ui::scroll::Window;
use crate::ui::text::clean;

use buffer::Buffer;
use colour::Marks;
use diff::Diff;
pub use said::{Ask, Found, From, Id, Problem, Start, Told};

/// It is looked at when nothing was typed for so long.
const REST: TimeDelta = TimeDelta::milliseconds(250);

/// What there is to edit.
#[derive(Debug, Clone, PartialEq)]
enum Content {
    /// The object and its Workload are being fetched; each when it has come.
    Waiting {
        object: Option<Box<Value>>,
        workload: Option<Option<Box<Value>>>,
    },
    Ready,
    Failed(String),
}

/// How it stands with the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was changed since it was looked at.
    Typing,
    /// It was looked at: what was found is known.
    Looked,
    /// The server is asked what it would do.
    Asking { only: bool },
    /// It would take it.
    Accepted,
    /// It says no, or could not be asked.
    Refused,
    /// It is being made.
    Sending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Text,
    Diff,
}

/// The pane.
pub struct Editor {
    start: Start,
    content: Content,
    /// `resubmit job/pi`
    title: String,
    /// What it is made from: `job/pi`
    words: String,
    buffer: Buffer,
    /// What it is compared with.
    original: String,
    /// The text as it was opened.
    opened: String,
    notes: Vec<String>,
    state: State,
    /// What the last look found; its problems are among `problems`.
    found: Found,
    problems: Vec<Problem>,
    look_at: Option<DateTime<Utc>>,
    /// The server was asked what it would do with this version, and cannot tell.
    unchecked: Option<u64>,
    /// What of the text was made already.
    made: Vec<Object>,
    /// The live object it is made from.
    old: Option<Key>,
    /// The object it is made from, as the server had it or as it was kept.
    source: Option<Value>,
    /// Ask about deleting that when the new one is there.
    pub delete_old: bool,
    view: View,
    diff: Diff,
    diff_window: Window,
    window: Window,
    column: usize,
    /// Bring the cursor into sight with the next frame.
    follow: bool,
    marks: Vec<Marks>,
    changed: Vec<bool>,
    /// The version those two are of.
    refreshed: Option<u64>,
    search: String,
    pattern: Option<Pattern>,
    cursor_at: Option<Position>,
    text_area: Rect,
    /// It was drawn once: only then it asks for its objects, so that they are fetched anew.
    drawn: bool,
}

impl Editor {
    pub fn new(start: Start) -> Self {
        let mut editor = Self {
            content: Content::Ready,
            title: String::new(),
            words: String::new(),
            buffer: Buffer::new(""),
            original: String::new(),
            opened: String::new(),
            notes: Vec::new(),
            state: State::Typing,
            found: Found::default(),
            problems: Vec::new(),
            look_at: None,
            unchecked: None,
            made: Vec::new(),
            old: None,
            source: None,
            delete_old: false,
            view: View::Text,
            diff: Diff::default(),
            diff_window: Window::default(),
            window: Window::default(),
            column: 0,
            follow: true,
            marks: Vec::new(),
            changed: Vec::new(),
            refreshed: None,
            search: String::new(),
            pattern: None,
            cursor_at: None,
            text_area: Rect::default(),
            drawn: false,
            start,
        };
        match editor.start.from.clone() {
            From::Live {
                want,
                workload,
                key,
            } => {
                editor.words = format!("{}/{}", want.kind.singular(), want.name);
                editor.title = format!("resubmit {}", editor.words);
                editor.old = Some(key);
                editor.content = Content::Waiting {
                    object: None,
                    workload: workload.is_none().then_some(None),
                };
            }
            // its name is made new when it is known which are taken
            From::Kept { words, .. } => {
                editor.title = format!("resubmit {words}");
                editor.words = words;
            }
            From::Text { text, title } => {
                editor.title = format!("submit {title}");
                editor.words = title;
                editor.open(text.clone(), text);
            }
            From::Unsent(unsent) => {
                editor.title = unsent.title.clone();
                editor.words = unsent
                    .title
                    .split_once(' ')
                    .map_or_else(String::new, |(_, words)| words.to_owned());
                // it is not what it was made from: closing it must not lose it
                editor.open(unsent.text, unsent.original.clone());
                editor.opened = unsent.original;
            }
        }
        editor
    }

    pub fn id(&self) -> Id {
        self.start.id
    }

    /// The live object it is made from.
    pub fn old(&self) -> Option<Key> {
        self.old
    }

    /// Something was typed that is not sent.
    pub fn is_changed(&self) -> bool {
        self.content == Content::Ready && self.buffer.text() != self.opened
    }

    /// The server has been asked to take it, and has not answered.
    pub fn is_sending(&self) -> bool {
        matches!(self.state, State::Asking { .. } | State::Sending)
    }

    pub fn state(&self) -> State {
        self.state
    }

    fn open(&mut self, text: String, original: String) {
        self.buffer = Buffer::new(&text);
        self.opened = self.buffer.text();
        self.original = original;
        self.content = Content::Ready;
        self.state = State::Typing;
        self.masks();
        self.follow = true;
    }

    /// What is compared with, in words.
    fn compared(&self) -> String {
        match self.start.from {
            From::Text { .. } => "what it began as".into(),
            _ => clean(&self.words).into_owned(),
        }
    }

    /// What its text is kept under.
    pub fn draft(&self) -> String {
        match &self.start.from {
            From::Unsent(unsent) => unsent.id.clone(),
            _ => format!("{}-{}", std::process::id(), self.start.id),
        }
    }

    /// What was written, to be kept; none if there is nothing of one's own in it.
    pub fn unsent(&self, cx: &Cx) -> Option<Unsent> {
        if !self.is_changed() || self.buffer.is_empty() {
            return None;
        }
        Some(Unsent {
            id: self.draft(),
            time: cx.now,
            title: self.title.clone(),
            context: cx.session.context.clone(),
            text: self.buffer.text(),
            original: self.original.clone(),
        })
    }

    /// What one must be allowed to make what is in the text.
    pub fn needs(&self) -> &[Question] {
        &self.found.needs
    }

    /// Both came, or one came to nothing: the text is made.
    pub(super) fn arrived(&mut self, cx: &Cx) {
        let Content::Waiting {
            object: Some(object),
            workload: Some(workload),
        } = &self.content
        else {
            return;
        };
        let workload = workload.as_deref();
        match read::again(object, workload, cx) {
            Ok(again) => {
                self.source = Some((**object).clone());
                self.notes = again.notes;
                self.open(again.text, again.original);
                self.look_at = Some(cx.now);
            }
            Err(refusal) => self.content = Content::Failed(refusal.to_string()),
        }
    }

    /// A manifest that was kept becomes the text, under a name that is free.
    pub(super) fn kept(&mut self, cx: &Cx) {
        let From::Kept {
            manifest, notes, ..
        } = &self.start.from
        else {
            return;
        };
        let manifest = manifest.clone();
        match read::again(&manifest, None, cx) {
            Ok(again) => {
                self.notes = notes.clone();
                for note in again.notes {
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
                self.source = Some((*manifest).clone());
                self.open(again.text, again.original);
                self.look_at = Some(cx.now);
            }
            Err(refusal) => self.content = Content::Failed(refusal.to_string()),
        }
    }

    /// The text was changed.
    pub(super) fn touched(&mut self, cx: &Cx) {
        self.state = State::Typing;
        self.look_at = Some(cx.now + REST);
        self.follow = true;
        // what the server said of another text may still hold: it stays until the next look, but where it was
        let last = self.buffer.lines().len();
        for problem in &mut self.problems {
            problem.line = problem.line.map(|line| line.min(last.saturating_sub(1)));
        }
    }

    /// Colours and marks of changed lines, once for each version.
    fn refresh(&mut self) {
        if self.refreshed == Some(self.buffer.version()) {
            return;
        }
        self.refreshed = Some(self.buffer.version());
        self.marks = colour::marks(self.buffer.lines());
        self.changed = match self.original.is_empty() {
            true => Vec::new(),
            false => diff::changed(&self.original, &self.buffer.text()),
        };
    }

    /// Something put off is due: the text is looked at.
    pub fn due(&mut self, cx: &Cx) -> Option<Ask> {
        if self.look_at.is_none_or(|at| at > cx.now) {
            return None;
        }
        self.look_at = None;
        Some(Ask::Look {
            id: self.id(),
            version: self.buffer.version(),
            text: self.buffer.text(),
        })
    }

    pub(super) fn search_step(&mut self, backward: bool) -> Reply {
        let Some(pattern) = &self.pattern else {
            return Reply::Say(Level::Info, "nothing searched for yet".into());
        };
        let at = self.buffer.cursor();
        let mut hits: Vec<(usize, usize)> = Vec::new();
        for (n, line) in self.buffer.lines().iter().enumerate() {
            for hit in pattern.ranges(line, 256) {
                hits.push((n, line[..hit.start].chars().count()));
            }
        }
        let found = match backward {
            false => hits.iter().find(|hit| **hit > at).or(hits.first()),
            true => hits.iter().rev().find(|hit| **hit < at).or(hits.last()),
        };
        let Some((line, column)) = found.copied() else {
            return Reply::Say(Level::Info, format!("no line matches {:?}", self.search));
        };
        self.buffer.go(line, column);
        self.follow = true;
        Reply::Done
    }

    fn scroll_difference(&mut self, code: KeyCode) -> Reply {
        let window = self.diff_window;
        self.diff_window = match code {
            KeyCode::Up => window.step(-1),
            KeyCode::Down => window.step(1),
            KeyCode::PageUp => window.step_page(-1),
            KeyCode::PageDown => window.step_page(1),
            KeyCode::Home => Window {
                offset: 0,
                ..window
            },
            KeyCode::End => Window {
                offset: window.last_offset(),
                ..window
            },
            _ => {
                let text = "this is the difference: esc goes back to the text";
                return Reply::Say(Level::Info, text.into());
            }
        };
        Reply::Done
    }

    pub(super) fn close(&mut self) -> Reply {
        if self.view == View::Diff {
            self.view = View::Text;
            return Reply::Done;
        }
        if self.buffer.selection().is_some() {
            let (line, column) = self.buffer.cursor();
            self.buffer.go(line, column);
            return Reply::Done;
        }
        if self.is_changed() {
            return Reply::Run(Command::Editor(Ask::Close));
        }
        let id = self.id();
        Reply::Run(Command::Editor(Ask::Leave { id, keep: false }))
    }

    /// A key of the keyboard that is bound to nothing.
    pub fn typed(&mut self, key: KeyEvent, cx: &Cx) -> Reply {
        if self.content != Content::Ready {
            return Reply::Ignored;
        }
        if self.view == View::Diff {
            return self.scroll_difference(key.code);
        }
        let version = self.buffer.version();
        if self.state == State::Sending {
            return Reply::Say(Level::Info, "it is being made".into());
        }
        if !self.buffer.key(key) {
            return Reply::Ignored;
        }
        self.follow = true;
        if self.buffer.version() != version {
            self.touched(cx);
        }
        Reply::Done
    }

    /// A text that was pasted.
    pub fn pasted(&mut self, text: &str, cx: &Cx) -> Reply {
        if self.content != Content::Ready || self.state == State::Sending {
            return Reply::Ignored;
        }
        self.view = View::Text;
        self.buffer.insert(text);
        self.touched(cx);
        Reply::Done
    }

    /// Where the terminal's cursor belongs.
    pub fn cursor(&self) -> Option<Position> {
        self.cursor_at
    }

    /// One of the things that are changed in one step.
    pub fn change(&mut self, change: &options::Change, cx: &Cx) -> Reply {
        if let options::Change::DeleteOld(on) = change {
            self.delete_old = *on;
            return Reply::Done;
        }
        let line = self.buffer.cursor().0;
        match options::apply(&self.buffer.text(), line, change) {
            Ok(applied) => {
                self.buffer.replace(&applied.text);
                for note in applied.notes {
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
                self.touched(cx);
                self.look_at = Some(cx.now);
                match applied.reprinted {
                    false => Reply::Done,
                    true => Reply::Say(
                        Level::Warning,
                        "it was written anew: comments in it are gone (undo brings them back)"
                            .into(),
                    ),
                }
            }
            Err(refusal) => Reply::Say(Level::Warning, refusal.to_string()),
        }
    }

    /// The list of such things, as the text is now.
    pub fn options(&self, cx: &Cx) -> options::Options {
        options::Options::of(self, cx)
    }
}

impl Editor {
    /// Undo and the like.
    pub(super) fn edit(&mut self, action: Action, cx: &Cx) -> Reply {
        if self.view == View::Diff || self.state == State::Sending {
            return Reply::Ignored;
        }
        let version = self.buffer.version();
        let mut reply = Reply::Done;
        match action {
            Action::EditUndo if !self.buffer.undo() => {
                reply = Reply::Say(Level::Info, "nothing more to undo".into());
            }
            Action::EditRedo if !self.buffer.redo() => {
                reply = Reply::Say(Level::Info, "nothing was undone".into());
            }
            Action::EditCut => {
                if let Some(text) = self.buffer.cut() {
                    reply = Reply::Copy {
                        text,
                        what: "what was cut".into(),
                    };
                }
            }
            Action::EditPaste => self.buffer.paste(),
            _ => {}
        }
        if self.buffer.version() != version {
            self.touched(cx);
        }
        self.follow = true;
        reply
    }

    /// `ctrl-c`: copies what is selected; with a text that was changed it asks, and only then the program may end.
    pub fn interrupt(&mut self, cx: &Cx) -> Reply {
        if self.buffer.selection().is_some() {
            return self.act(Action::EditCopy, cx);
        }
        match self.is_changed() {
            true => Reply::Run(Command::Editor(Ask::Close)),
            false => Reply::Ignored,
        }
    }
}
