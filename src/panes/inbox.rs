//! The inbox: what was found about jobs and is so now, what is over, and jobdeck's own messages, told apart. Nothing in
//! it comes in front of anybody by itself.

mod draw;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::logs::goto;
use super::words::count;
use super::{Command, Cx, Level, LogsOf, Notice, Pane, PodsOf, Reply, Target};
use crate::app::action::{Action, Scope};
use crate::logs::Pattern;
use crate::model::human;
use crate::model::ids::{ClusterId, Key};
use crate::model::inbox::{Entry, Id, Lead, Severity, Standing, Subject, SubjectId};
use crate::model::want::Want;
use crate::ui::scroll::Window;
use crate::ui::theme::Level as Loud;

/// What the screen asks its owner to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Do {
    /// Read, or unread again.
    Read(Id, bool),
    ReadAll,
    Dismiss(Id),
    /// Nothing more about it.
    Mute(Subject),
    /// Everything is heard again.
    Unmute,
    /// Read, and gone to.
    Open(Id, Target),
}

/// Which lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Show {
    #[default]
    All,
    Findings,
    Own,
}

/// One line: a finding, or a message of jobdeck itself.
#[derive(Clone, Copy)]
enum Item<'a> {
    Entry(&'a Entry),
    Own(&'a Notice),
}

/// What stays selected while lines come and go.
#[derive(Debug, Clone, PartialEq)]
enum ItemId {
    Entry(Id),
    Own(DateTime<Utc>, String),
}

impl Item<'_> {
    fn id(&self) -> ItemId {
        match self {
            Item::Entry(entry) => ItemId::Entry(entry.id()),
            Item::Own(notice) => ItemId::Own(notice.at, notice.text.clone()),
        }
    }

    /// Under which heading it stands.
    fn part(&self) -> Part {
        match self {
            Item::Entry(Entry {
                standing: Standing::Over(..),
                ..
            }) => Part::Over,
            Item::Entry(_) => Part::Now,
            Item::Own(_) => Part::Own,
        }
    }

    fn time(&self) -> DateTime<Utc> {
        match self {
            Item::Entry(entry) => match entry.standing {
                Standing::Over(at, _) => at,
                _ => entry.since,
            },
            Item::Own(notice) => notice.at,
        }
    }

    /// All a filter may match: who says it, how bad, about what and where, the words.
    fn searched(&self, cx: &Cx) -> String {
        match self {
            Item::Entry(entry) => {
                let of = &entry.finding;
                let (source, subject) = (of.source.word(), &of.subject);
                let state = match entry.standing {
                    Standing::Open => "now",
                    Standing::Over(..) => "over",
                    Standing::Unwatched(_) => "unwatched",
                };
                let (namespace, name) = (&subject.namespace, &subject.name);
                let cluster = cluster_of(entry, cx).unwrap_or_default();
                let words = entry.words(cx.now);
                format!("{source} {state} {cluster} {namespace}/{name} {words}")
            }
            Item::Own(notice) => format!("jobdeck {}", notice.text),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Now,
    Over,
    Own,
}

/// The inbox screen.
#[derive(Default)]
pub struct Inbox {
    filter: String,
    pattern: Option<Pattern>,
    show: Show,
    /// The selected line, once the user chose one.
    selected: Option<ItemId>,
    /// Where it stood, for when it goes.
    near: usize,
    window: Window,
    /// Selected and all that are shown, for the footer.
    place: (usize, usize),
}

impl Inbox {
    fn shown<'a>(&self, cx: &Cx<'a>) -> Vec<Item<'a>> {
        let inbox = &cx.session.inbox;
        let entries = inbox.shown().filter(|entry| is_looked_at(entry, cx));
        let entries = entries.map(Item::Entry);
        let entries = entries.filter(|_| self.show != Show::Own);
        let own = cx.messages.iter().map(Item::Own);
        let own = own.filter(|_| self.show != Show::Findings);
        let pattern = self.pattern.as_ref();
        let fits = |item: &Item| pattern.is_none_or(|p| p.matches(&item.searched(cx)));
        let mut all: Vec<Item> = entries.chain(own).filter(fits).collect();
        all.sort_by_key(|item| {
            let bad = match (item.part(), item) {
                (Part::Now, Item::Entry(entry)) => Some(entry.finding.severity),
                _ => None,
            };
            (item.part(), Reverse(bad), Reverse(item.time()))
        });
        // repeats of one moment stand in the order they came
        all
    }

    fn at(&self, shown: &[Item]) -> usize {
        let found = self.selected.as_ref();
        found
            .and_then(|id| shown.iter().position(|item| item.id() == *id))
            .unwrap_or(self.near)
            .min(shown.len().saturating_sub(1))
    }

    fn select(&mut self, cx: &Cx, to: impl Fn(usize, usize) -> usize) -> Reply {
        let shown = self.shown(cx);
        let last = shown.len().saturating_sub(1);
        let at = to(self.at(&shown), last).min(last);
        self.near = at;
        self.selected = shown.get(at).map(Item::id);
        Reply::Done
    }

    fn act_on(&mut self, action: Action, cx: &Cx) -> Reply {
        let shown = self.shown(cx);
        let at = self.at(&shown);
        let Some(item) = shown.get(at) else {
            return match action {
                Action::InboxMute => Reply::Run(Command::Inbox(Do::Unmute)),
                _ => Reply::Say(Level::Info, "nothing here".into()),
            };
        };
        match (action, item) {
            (Action::Copy, Item::Own(notice)) => Reply::Copy {
                text: notice.text.clone(),
                what: "the message".into(),
            },
            (Action::Copy, Item::Entry(entry)) => {
                let subject = &entry.finding.subject;
                let words = entry.words(cx.now);
                Reply::Copy {
                    text: format!("{}/{}: {words}", subject.namespace, subject.name),
                    what: "the finding".into(),
                }
            }
            (Action::InboxMute, Item::Own(_)) => Reply::Run(Command::Inbox(Do::Unmute)),
            (_, Item::Own(_)) => {
                let text = "a message of jobdeck's own leads nowhere; it is read when it is seen";
                Reply::Say(Level::Info, text.into())
            }
            (Action::InboxRead, Item::Entry(entry)) => {
                let (id, read) = (entry.id(), !entry.read);
                if read {
                    // on to the next, as marks do
                    self.near = at + 1;
                    self.selected = shown.get(at + 1).or(shown.get(at)).map(Item::id);
                }
                Reply::Run(Command::Inbox(Do::Read(id, read)))
            }
            (Action::InboxDismiss, Item::Entry(entry)) => {
                let id = entry.id();
                self.near = at;
                self.selected = shown.get(at + 1).map(Item::id);
                Reply::Run(Command::Inbox(Do::Dismiss(id)))
            }
            (Action::InboxMute, Item::Entry(entry)) => {
                self.near = at;
                self.selected = None;
                Reply::Run(Command::Inbox(Do::Mute(entry.finding.subject.clone())))
            }
            (Action::Logs, Item::Entry(entry)) => match entry.finding.subject.id {
                SubjectId::Object(job) if cx.model.jobs.contains(job) => {
                    let of = LogsOf::Job { job, index: None };
                    Reply::Run(Command::Inbox(Do::Open(entry.id(), Target::Logs(of))))
                }
                _ => Reply::Say(Level::Info, "no log belongs to this".into()),
            },
            (_, Item::Entry(entry)) => match lead(entry, cx) {
                Ok(target) => Reply::Run(Command::Inbox(Do::Open(entry.id(), target))),
                Err(why) => Reply::Say(Level::Info, why),
            },
        }
    }
}

/// The name of the cluster a finding is of, where several are looked at.
fn cluster_of<'a>(entry: &Entry, cx: &Cx<'a>) -> Option<&'a str> {
    let names = &cx.model.clusters;
    let id = entry.finding.subject.id.cluster();
    names
        .name(id)
        .filter(|_| names.several())
        .map(|name| &**name)
}

/// It is of a cluster that is looked at: of several one alone may be.
fn is_looked_at(entry: &Entry, cx: &Cx) -> bool {
    let cluster = entry.finding.subject.id.cluster();
    cx.session.only.is_none_or(|only| only == cluster)
}

/// Where a finding leads now: what it was seen on may be gone.
fn lead(entry: &Entry, cx: &Cx) -> Result<Target, String> {
    let gone = |job: Key| match cx.model.jobs.contains(job) {
        true => Ok(()),
        false => Err(format!(
            "{} is no longer there; what was kept of it is in the history",
            entry.finding.subject.name
        )),
    };
    match &entry.finding.lead {
        Lead::Nowhere => Err("there is no more to show of this".into()),
        Lead::Job(job) => gone(*job).map(|()| Target::Job(*job)),
        Lead::Pods(job) => gone(*job).map(|()| Target::Pods(PodsOf::Job(*job))),
        Lead::Node(node) => Ok(super::nodes::target(node, cx)),
        Lead::Log { job, pod, at } => {
            let pod = pod.filter(|pod| cx.model.pods.contains(*pod));
            let of = match pod {
                Some(pod) => LogsOf::Pod {
                    pod,
                    container: None,
                    previous: false,
                },
                None => {
                    gone(*job)?;
                    LogsOf::Job {
                        job: *job,
                        index: None,
                    }
                }
            };
            Ok(match at {
                Some(at) => Target::LogsAt {
                    of,
                    at: *at,
                    since: goto::since(*at, cx),
                },
                None => Target::Logs(of),
            })
        }
    }
}

impl Pane for Inbox {
    fn title(&self, _cx: &Cx) -> String {
        "inbox".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let theme = cx.theme;
        let inbox = &cx.session.inbox;
        let mut spans: Vec<Span> = Vec::new();
        let mut say = |text: String, style| {
            if !spans.is_empty() {
                spans.push(Span::styled(" · ", theme.faint()));
            }
            spans.push(Span::styled(text, style));
        };
        let open = || inbox.open().filter(|entry| is_looked_at(entry, cx));
        let of = |severity| open().filter(|e| e.finding.severity == severity).count();
        for (severity, style, one, many) in [
            (Severity::Error, theme.level(Loud::Error), "error", "errors"),
            (
                Severity::Warning,
                theme.level(Loud::Warn),
                "warning",
                "warnings",
            ),
            (Severity::Note, theme.dim(), "note", "notes"),
        ] {
            let n = of(severity);
            if n > 0 {
                say(count(n, one, many), style);
            }
        }
        if open().next().is_none() {
            say("nothing is wrong with what is watched".into(), theme.dim());
        }
        let over = inbox
            .shown()
            .filter(|e| is_looked_at(e, cx) && matches!(e.standing, Standing::Over(..)));
        let over = over.count();
        if over > 0 {
            say(format!("{over} over"), theme.dim());
        }
        let wrong = |n: &&Notice| n.level != Level::Info;
        let own = cx.messages.iter().filter(wrong).count();
        if own > 0 {
            let words = count(own, "message", "messages");
            say(format!("{words} of jobdeck's own"), theme.dim());
        }
        let hushed = inbox.hushed();
        if hushed > 0 {
            say(format!("{hushed} muted"), theme.dim());
        }
        match self.show {
            Show::All => {}
            Show::Findings => say("findings only".into(), theme.accent()),
            Show::Own => say("jobdeck's own only".into(), theme.accent()),
        }
        Line::from(spans)
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Inbox, Scope::List]
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        let shown = self.shown(cx);
        match shown.get(self.at(&shown)) {
            Some(Item::Entry(_)) => vec![
                Action::Open,
                Action::Logs,
                Action::InboxRead,
                Action::InboxDismiss,
                Action::InboxMute,
                Action::InboxReadAll,
                Action::InboxShow,
                Action::Filter,
            ],
            _ => vec![
                Action::Filter,
                Action::Copy,
                Action::InboxShow,
                Action::ToggleTimes,
                Action::Retry,
            ],
        }
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.draw_all(cx, area, buf);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let page = self.window.page.saturating_sub(1).max(1);
        match action {
            Action::Up => self.select(cx, |at, _| at.saturating_sub(1)),
            Action::Down => self.select(cx, |at, _| at + 1),
            Action::PageUp => self.select(cx, |at, _| at.saturating_sub(page)),
            Action::PageDown => self.select(cx, |at, _| at + page),
            Action::Top => self.select(cx, |_, _| 0),
            Action::Bottom => self.select(cx, |_, last| last),
            Action::InboxReadAll => Reply::Run(Command::Inbox(Do::ReadAll)),
            Action::InboxShow => {
                self.show = match self.show {
                    Show::All => Show::Findings,
                    Show::Findings => Show::Own,
                    Show::Own => Show::All,
                };
                Reply::Done
            }
            Action::Open
            | Action::Copy
            | Action::Logs
            | Action::InboxRead
            | Action::InboxDismiss
            | Action::InboxMute => self.act_on(action, cx),
            _ => Reply::Ignored,
        }
    }

    fn cluster(&self, cx: &Cx) -> Option<ClusterId> {
        let shown = self.shown(cx);
        match shown.get(self.at(&shown)) {
            Some(Item::Entry(entry)) => Some(entry.finding.subject.id.cluster()),
            _ => None,
        }
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        if cx.timestamps {
            return None;
        }
        let times = self.shown(cx).into_iter().map(|item| item.time());
        times
            .map(|at| cx.now + human::next_change(cx.now - at))
            .min()
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.filter = text.to_owned();
        self.pattern = Pattern::filter(text);
        Ok(())
    }

    fn position(&self, _cx: &Cx) -> String {
        match self.place {
            (_, 0) => String::new(),
            (at, of) => format!("{at}/{of}"),
        }
    }
}
