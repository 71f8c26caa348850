//! The panes: one file per thing on the screen. They read the model, draw with the ui kit, and answer
//! actions; they start nothing and know no cluster.

pub mod arrange;
mod beside;
pub mod centre;
pub mod choose;
pub mod clusters;
pub mod columns;
pub mod confirm;
pub mod editor;
pub mod events;
pub mod forwards;
pub mod gpu_use;
pub mod gpus;
pub mod hardware;
pub mod health;
pub mod help;
pub mod history;
pub mod inbox;
pub mod indexes;
pub mod itself;
pub mod job;
pub mod jobs;
pub mod list;
pub mod logs;
pub mod node;
pub mod nodes;
mod page;
pub mod palette;
mod pick;
pub mod pods;
pub mod queue_objects;
pub mod queues;
pub mod replicas;
mod rows;
pub mod run;
pub mod sheet;
pub mod start;
pub mod switcher;
pub mod views;
pub mod words;
pub mod worker;
pub mod workload;
pub mod yaml;

#[cfg(test)]
mod accessible;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::actions::unsent::Unsent;
use crate::actions::{Object, pending};
use crate::app::action::{Action, Scope};
use crate::hardware::Catalog;
use crate::logs::health::Thresholds;
use crate::logs::run::{Run, Said, Summary};
use crate::model::Model;
use crate::model::access::Permits;
use crate::model::extra::{Columns, List};
use crate::model::fields::Checked;
use crate::model::gpu_use::verdict::Terms;
use crate::model::health::Health;
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::log::LogLine;
use crate::model::want::{Kind, LogWant, ObjectWant, Want};
use crate::ui::glyphs::Glyphs;
use crate::ui::keymap::Keymap;
use crate::ui::theme::Theme;
use crate::ui::{Column, Input};

pub use palette::Command;

/// The pane for a target.
pub fn open(target: &Target) -> Box<dyn Pane> {
    match target {
        Target::Jobs => Box::new(jobs::Jobs::default()),
        Target::Job(key) => Box::new(job::Job::new(*key)),
        Target::Pods(of) => Box::new(pods::Pods::new(of.clone())),
        Target::Nodes => Box::new(nodes::Nodes::default()),
        Target::Node(key) => Box::new(node::Node::new(*key)),
        Target::GpuMap(of) => Box::new(gpus::Gpus::new(*of)),
        Target::Queues => Box::new(queues::Queues::default()),
        Target::QueueObjects => Box::new(queue_objects::QueueObjects::default()),
        Target::Workload(key) => Box::new(workload::Workload::new(*key)),
        Target::Events(about) => Box::new(events::Events::new(about.clone())),
        Target::Logs(of) => Box::new(logs::Logs::new(of.clone())),
        Target::LogsAt { of, at, since } => Box::new(logs::Logs::new(of.clone()).at(*at, *since)),
        Target::Yaml(want) => Box::new(yaml::Yaml::new(want.clone())),
        Target::Edit(start) => Box::new(editor::Editor::new((**start).clone())),
        Target::Hardware => Box::new(hardware::Hardware::default()),
        Target::Gpus(ids) => hardware::open(ids),
        Target::GpusOf(job) => Box::new(hardware::compare::Gpus::of(*job)),
        Target::Inbox => Box::new(inbox::Inbox::default()),
        Target::History => Box::new(history::Screen::default()),
        Target::Forwards => Box::new(forwards::Forwards::default()),
        Target::Itself => Box::new(itself::Itself::default()),
        Target::Kept(uid) => Box::new(history::Kept::new(uid.clone())),
        Target::Help => help(&[Scope::List]),
    }
}

/// Help for a screen with these key scopes.
pub fn help(scopes: &[Scope]) -> Box<dyn Pane> {
    Box::new(help::Help::new(scopes))
}

/// What every pane may read while it draws or acts. Nothing in it can be changed from a pane.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    pub model: &'a Model,
    /// The hardware reference.
    pub hardware: &'a Catalog,
    pub theme: &'a Theme,
    pub glyphs: &'a Glyphs,
    pub keymap: &'a Keymap<Action>,
    pub now: DateTime<Utc>,
    pub session: &'a Session,
    /// Newest last: what went wrong, and when.
    pub messages: &'a [Notice],
    /// Timestamps instead of ages.
    pub timestamps: bool,
    /// This pane has the keyboard.
    pub focused: bool,
}

/// Which cluster and namespaces are looked at, and how its sources are. Of several clusters (`peers`) it is the one in front.
#[derive(Debug, Clone, Default)]
pub struct Session {
    pub cluster: ClusterId,
    /// Context name, `demo` for the demo cluster.
    pub context: String,
    /// How the connection to it is.
    pub link: worker::Link,
    /// The clusters that are open beside it.
    pub peers: Vec<clusters::Peer>,
    /// Of several, lists show this one's rows only.
    pub only: Option<ClusterId>,
    /// `None`: all namespaces.
    pub namespace: Option<Name>,
    /// `v1.36.3`, once known.
    pub server_version: Option<String>,
    pub read_only: bool,
    /// What this user may do, as far as it was asked.
    pub permits: Permits,
    /// What was asked of the server and is not yet seen to have happened.
    pub pending: pending::All,
    /// From more objects than this on, their number is typed to confirm.
    pub type_above: usize,
    /// When something about a run is worth a word.
    pub thresholds: Arc<Thresholds>,
    /// Other contexts of the kubeconfig.
    pub contexts: Vec<String>,
    /// Contexts of the settings that are looked at together, by the name of their group.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Per running watch: what and how it is.
    pub sources: Vec<(Kind, Health)>,
    /// The kinds that may be absent and are served; none before they were looked for.
    pub served: Option<Vec<Kind>>,
    /// What the logs read so far said of the training of a job. No log is read for it that no screen shows.
    pub runs: BTreeMap<Key, run::Known>,
    /// What was found about jobs, and what else is worth a look.
    pub inbox: crate::model::inbox::Inbox,
    /// What is kept of jobs that were seen, once it was asked for.
    pub history: history::History,
    /// The context's own namespace; empty if it names none.
    pub home: Name,
    /// What was written and not sent, the newest first.
    pub unsent: Vec<Unsent>,
    /// Templates of the user's: name and text.
    pub templates: Vec<(String, String)>,
    /// Worker clusters of MultiKueue that the settings know the way to.
    pub workers: Vec<worker::Worker>,
    pub gpu_use: GpuUse,
    /// What is wrong with GPUs, the gravest first.
    pub gpu_alarms: Vec<crate::model::gpu_alarms::GpuAlarm>,
    /// Ports of this machine that lead into pods, and that did until a moment ago.
    pub forwards: Vec<forwards::Row>,
    /// What jobdeck itself takes and does.
    pub vitals: crate::model::vitals::Vitals,
    /// The click under way is the second at its place.
    pub double_click: bool,
    /// Layouts of panes: name, and what they are.
    pub layouts: Vec<(String, String)>,
    /// How wide the right one of two panes side by side is, by the name of the screen, in thousandths.
    pub widths: BTreeMap<String, u16>,
    /// Columns of lists that were chosen.
    pub columns: Columns,
    /// The list in front, whose columns the command bar is about.
    pub front: Option<List>,
    /// Views that were saved.
    pub views: Vec<views::Line>,
}

/// Whether exporters are asked what GPUs do, and what is worth an alarm then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpuUse {
    pub on: bool,
    pub terms: Terms,
    /// Nodes asked about at a time.
    pub nodes: usize,
}

impl Default for GpuUse {
    fn default() -> Self {
        Self {
            on: false,
            terms: Terms::default(),
            nodes: 64,
        }
    }
}

/// Jobs of which it is remembered what their logs said.
const RUNS: usize = 512;
/// Of these, jobs whose curves are kept; 300 KiB each at the worst.
const CURVES: usize = 64;

impl Session {
    /// Takes over what a job's log said. The last few lines of a log tell where it is; a longer curve and a better best
    /// that are known from more of it stay.
    pub fn remember_run(&mut self, job: Key, mut summary: Summary, at: DateTime<Utc>) {
        let known = self.runs.remove(&job);
        let curves = known.as_ref().and_then(|known| known.curves.clone());
        if let Some(run::Known { summary: known, .. }) = known {
            let again = known.progress.restarts != summary.progress.restarts;
            if known.name == summary.name && known.points > summary.points && !again {
                summary.spark = known.spark;
                summary.points = known.points;
                summary.best = known.best.or(summary.best);
            }
        } else if self.runs.len() >= RUNS {
            self.runs.pop_first();
        }
        let known = run::Known {
            summary,
            at,
            curves,
        };
        self.runs.insert(job, known);
    }

    /// Takes over the curves of a job that is remembered; a fuller picture stays.
    pub fn remember_curves(&mut self, job: Key, curves: Arc<Run>) {
        let mut kept = self
            .runs
            .iter_mut()
            .filter(|r| *r.0 != job && r.1.curves.is_some());
        if kept.by_ref().count() >= CURVES {
            let kept = self
                .runs
                .iter_mut()
                .filter(|r| *r.0 != job && r.1.curves.is_some());
            if let Some((_, oldest)) = kept.min_by_key(|r| r.1.at) {
                oldest.curves = None;
            }
        }
        if let Some(known) = self.runs.get_mut(&job) {
            let fuller = |old: &Arc<Run>| old.reports() > curves.reports();
            if !known.curves.as_ref().is_some_and(fuller) {
                known.curves = Some(curves);
            }
        }
    }

    /// The health to show for a kind: the worst of its sources; `Connecting` if none runs yet.
    pub fn health(&self, kind: Kind) -> &Health {
        clusters::worst(&self.sources, kind)
    }
}

/// How bad a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Info,
    Warning,
    Error,
}

/// A sentence for the user: what happened, why, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub at: DateTime<Utc>,
    pub level: Level,
    pub text: String,
    /// How often it came in a row.
    pub times: u32,
}

/// Where a key leads: the name of a screen with what it is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    Jobs,
    /// Detail of one job, full screen.
    Job(Key),
    /// All pods, or those of a job or a node.
    Pods(PodsOf),
    Nodes,
    /// One node, whole.
    Node(Key),
    /// The map of GPUs with who holds them; of a workload, only its nodes.
    GpuMap(gpus::MapOf),
    /// Kueue's tree of queues, and what stands in them.
    Queues,
    /// What queues refer to: flavors, checks, classes, topologies, worker clusters.
    QueueObjects,
    /// One of Kueue's workloads.
    Workload(Key),
    /// All events of the scope, or those about one object.
    Events(Option<About>),
    Logs(LogsOf),
    /// The same at the line of a time; `since`: so many seconds ago, with a little room before it.
    LogsAt {
        of: LogsOf,
        at: DateTime<Utc>,
        since: u32,
    },
    Yaml(ObjectWant),
    /// What is to be submitted, as text.
    Edit(Box<editor::Start>),
    Inbox,
    /// What is kept of jobs that were seen.
    History,
    /// Ports of this machine that lead into pods.
    Forwards,
    /// What jobdeck itself takes and does.
    Itself,
    /// One of them, by uid.
    Kept(String),
    Hardware,
    /// Entries of the hardware reference by id: one data-sheet, two to four side by side, more as a list.
    Gpus(Vec<String>),
    /// The reference at the GPUs of a job, with what it asks of them.
    GpusOf(Key),
    Help,
}

/// Which pods a pods screen shows.
#[derive(Debug, Clone, PartialEq)]
pub enum PodsOf {
    All,
    Job(Key),
    Node(Name),
}

/// The object whose events are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    pub key: Key,
    pub namespace: Name,
    /// `job/pi`, for the title.
    pub title: String,
}

/// What a log screen follows.
#[derive(Debug, Clone, PartialEq)]
pub enum LogsOf {
    /// All pods of a job, merged; with the index it should start on, if any.
    Job { job: Key, index: Option<u32> },
    Pod {
        pod: Key,
        container: Option<Name>,
        previous: bool,
    },
    /// A file or a pipe, by the name it is shown by. No cluster is open then.
    File { name: String },
}

/// What a pane answers to an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Not mine: let the app try.
    Ignored,
    /// Done; draw anew.
    Done,
    /// Push a screen.
    Open(Target),
    /// Put on the clipboard, and say so.
    Copy { text: String, what: String },
    /// Write a file in the working folder (never over an existing one), and say where.
    Save { name: String, text: String },
    /// Show in the user's pager, which has the terminal meanwhile. The text has no escapes.
    Page(String),
    /// Show a sentence.
    Say(Level, String),
    /// Ask for a line of text: every key of the prompt goes to [`Pane::set_filter`]. A pane that ignores
    /// [`Action::Filter`] gets the app's own filter prompt; one with two texts to ask for (search, and lines to
    /// show) says here which is meant now.
    Prompt { label: String, text: String },
    /// Have the app do it: what the command bar, the switchers and the start screen end in.
    Run(Command),
}

/// What is heard of a file that is read instead of a cluster.
#[derive(Debug)]
pub enum Heard {
    /// Lines, and what they said in numbers.
    Lines {
        lines: Vec<LogLine>,
        said: Vec<Said>,
    },
    /// Something about it, to stand among its lines.
    Note(Level, String),
    /// Nothing more will come.
    Ended,
}

/// What arrives for a pane that declared [`Want::Log`] or [`Want::Object`].
#[derive(Debug, Clone)]
pub enum Arrival<'a> {
    /// Lines of one stream, oldest first, and what they said in numbers.
    Lines {
        want: &'a LogWant,
        lines: &'a [LogLine],
        said: &'a [Said],
    },
    /// The same of a file that is read instead of a cluster.
    File(&'a Heard),
    /// Something about one stream, to be shown among its lines: waiting, reconnected, ended…
    LogNote {
        want: &'a LogWant,
        level: Level,
        text: &'a str,
    },
    /// The whole object as JSON, or why not.
    Object {
        want: &'a ObjectWant,
        object: &'a Result<serde_json::Value, String>,
    },
    /// What its served schema says of that object, or why that is not known. Comes some time after it.
    Fields {
        want: &'a ObjectWant,
        fields: &'a Result<Checked, String>,
    },
}

/// What the streams a pane reads tell about a run's health.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Worries {
    pub job: Key,
    /// What is so now.
    pub open: Vec<Worry>,
    /// What went away.
    pub over: Vec<Worry>,
}

/// One of them, and who it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Worry {
    pub pod: Key,
    /// `rank 3`, where there are several; else empty.
    pub who: String,
    pub held: crate::logs::health::Held,
}

/// One thing on the screen. Drawing takes `&mut self` only for scroll positions and caches.
pub trait Pane {
    /// Short name for breadcrumbs and borders, e.g. `job/pi`.
    fn title(&self, cx: &Cx) -> String;
    /// The first line of the screen: what matters, in words.
    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a>;
    /// Narrowest key scope; lists also get `List`, texts `Text`, all get `Global`.
    fn scopes(&self) -> &'static [Scope];
    /// The 6-8 actions worth a place in the footer for what is selected now.
    fn hints(&self, cx: &Cx) -> Vec<Action>;
    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer);
    /// The same for an overlay under a line being typed; answers where the cursor stands.
    fn draw_over(
        &mut self,
        _line: &Input,
        cx: &Cx,
        area: Rect,
        buf: &mut Buffer,
    ) -> Option<Position> {
        self.draw(cx, area, buf);
        None
    }
    fn act(&mut self, action: Action, cx: &Cx) -> Reply;
    /// What an action that changes the cluster is about now: what is marked, else what is under the cursor.
    fn subjects(&self, _cx: &Cx) -> Vec<Key> {
        Vec::new()
    }
    /// The cluster it is about now, of several: that of the row under the cursor.
    fn cluster(&self, _cx: &Cx) -> Option<ClusterId> {
        None
    }
    /// The pod under the cursor, where that is more exact than what an action is about: of an index, a replica.
    fn within(&self, _cx: &Cx) -> Option<Key> {
        None
    }
    /// The object under the cursor, whatever is marked.
    fn cursor(&self, cx: &Cx) -> Option<Key> {
        self.subjects(cx).first().copied()
    }
    /// Where an action would lead from the row under the cursor. Asked again and again by a pane beside that follows it.
    fn leads_to(&self, action: Action, cx: &Cx) -> Option<Target> {
        beside::leads(self.cursor(cx)?, self.within(cx), action, cx)
    }
    /// What a shell or a port leads into: a pod, or what has pods.
    fn enters(&self, cx: &Cx) -> Option<Key> {
        self.subjects(cx).first().copied()
    }
    /// What must be watched, followed or fetched while it is visible.
    fn wants(&self, cx: &Cx) -> Vec<Want>;
    /// When its text next changes by itself (an age ticking over), if anything relative is on screen.
    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>>;
    /// The filter or search text in force.
    fn filter(&self) -> &str {
        ""
    }
    /// A new filter or search text, on every key of the prompt; an error keeps the old one.
    fn set_filter(&mut self, _text: &str, _cx: &Cx) -> Result<(), String> {
        Ok(())
    }
    /// The list it is, whose columns, filter and order can be saved.
    fn list(&self) -> Option<List> {
        None
    }
    /// The columns of that list that are shown if none are chosen.
    fn usual(&self, _cx: &Cx) -> Vec<Column> {
        Vec::new()
    }
    /// What its rows are sorted by, as a view says it.
    fn order(&self, _cx: &Cx) -> Option<String> {
        None
    }
    /// Sorts its rows so; what is no order of its changes nothing.
    fn set_order(&mut self, _text: &str, _cx: &Cx) {}
    /// Where in the text that was just refused the trouble is, in characters: from, and how many.
    fn refused_at(&self) -> Option<(usize, usize)> {
        None
    }
    /// Lines and objects it asked for.
    fn receive(&mut self, _arrival: &Arrival, _cx: &Cx) {}
    /// What the lines it received say of a job's training, if they say anything.
    fn told(&mut self, _cx: &Cx) -> Option<(Key, Summary)> {
        None
    }
    /// What is not as it should be with that training, and what of it went away since the last call.
    fn worries(&mut self, _cx: &Cx) -> Option<Worries> {
        None
    }
    /// The workload whose detail or log it shows.
    fn about(&self, _cx: &Cx) -> Option<Key> {
        None
    }
    /// The last lines it has of that workload's log, as plain text.
    fn last_lines(&self, _most: usize) -> Vec<String> {
        Vec::new()
    }
    /// The curves they make, to be kept when the screen is left; not at every call.
    fn curves(&mut self, _cx: &Cx) -> Option<(Key, Arc<Run>)> {
        None
    }
    /// It, if a text is written in it: every key that is not one of its own then goes to the text.
    fn editor(&self) -> Option<&editor::Editor> {
        None
    }
    fn editor_mut(&mut self) -> Option<&mut editor::Editor> {
        None
    }
    /// The record of the history that a key is about now, by uid.
    fn record(&self) -> Option<String> {
        None
    }
    /// Selects the row of an object as soon as it has one.
    fn seek(&mut self, _object: &Object) {}
    /// It shows what jobdeck itself takes, which is looked at for it.
    fn shows_vitals(&self) -> bool {
        false
    }
    /// `62/62`, `17 of 40 lines`, for the footer.
    fn position(&self, _cx: &Cx) -> String {
        String::new()
    }
    /// The line between two panes side by side, as drawn last: what the width is remembered by, and its column.
    fn border(&self) -> Option<(&'static str, u16)> {
        None
    }
    /// A mouse click or wheel inside its area: answers like [`Pane::act`].
    fn mouse(&mut self, _event: crossterm::event::MouseEvent, _area: Rect, _cx: &Cx) -> Reply {
        Reply::Ignored
    }
}
