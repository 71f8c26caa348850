//! The owner of all state, and the loop that feeds it.
//!
//! ```text
//! watch → store → model → view → frame        key → action → effect → result
//! ```
//! One thread owns an [`App`]. Tasks send [`message::Message`]s through one bounded channel, keys become
//! [`action::Action`]s; both change the state and may leave [`effect::Effect`]s, which the runner performs.

pub mod action;
mod arrange;
pub mod attach;
mod background;
mod clusters;
mod columns;
mod compact;
pub mod draw;
mod editing;
pub mod effect;
mod external;
pub mod file;
pub mod files;
#[cfg(test)]
mod fixture;
mod gpus;
mod history;
pub mod inbox;
pub mod input;
pub mod look;
pub mod message;
mod motion;
pub mod notices;
pub mod offscreen;
mod pager;
pub mod past;
mod pointer;
pub mod process;
pub mod readers;
pub mod receive;
pub mod run;
pub mod runner;
pub mod screens;
mod splits;
mod streams;
mod tips;
mod tour;
pub mod update;
pub mod views;
mod vitals;
mod workers;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::model::Model;
use crate::model::delta::SourceId;
use crate::model::dra::DraKind;
use crate::model::health::Health;
use crate::model::ids::ClusterId;
use crate::model::want::{Kind, Want};
use crate::panes::{Cx, GpuUse, Level, LogsOf, Pane, Session, Target};
use crate::settings::Settings;
use crate::settings::views::View;
use effect::Effect;
use look::Look;
use message::{Connection, Failure};
use notices::Notices;
use screens::Screens;

/// What there is to read: everything a pane may see. Apart from the screens, so that one can be borrowed
/// while the other changes.
pub struct Desk {
    pub model: Model,
    pub session: Session,
    pub look: Look,
    pub notices: Notices,
    pub timestamps: bool,
    /// Where in time the screens are, if that is not now.
    pub playhead: Option<past::Playhead>,
}

impl Desk {
    /// The time that the screens show.
    pub fn time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.playhead.as_ref().map_or(now, |head| head.at(now))
    }

    /// What a pane may read now.
    pub fn cx(&self, now: DateTime<Utc>, focused: bool) -> Cx<'_> {
        Cx {
            model: &self.model,
            hardware: &self.look.hardware,
            theme: &self.look.theme,
            glyphs: &self.look.glyphs,
            keymap: &self.look.keymap,
            now: self.time(now),
            session: &self.session,
            messages: self.notices.all(),
            timestamps: self.timestamps,
            focused,
        }
    }
}

/// A line of text being asked for.
pub struct Prompt {
    pub label: String,
    pub line: crate::ui::input::Input,
    /// What `esc` gives back.
    before: String,
    /// Why the text is not accepted yet.
    pub error: Option<String>,
    /// Where the trouble is, in characters: from, and how many.
    error_at: Option<(usize, usize)>,
}

/// How the connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    Connecting { context: Option<String> },
    Open,
    Failed(Failure),
}

/// All state there is.
pub struct App {
    pub desk: Desk,
    pub settings: Settings,
    screens: Screens,
    /// The command bar or a switcher, drawn over the screen.
    overlay: Option<Box<dyn Pane>>,
    prompt: Option<Prompt>,
    sources: BTreeMap<(ClusterId, SourceId), (Kind, Health)>,
    worker_watches: workers::Watches,
    finder: inbox::Finder,
    alarms: gpus::Alarms,
    keeper: history::Keeper,
    background: background::Background,
    settings_file: Option<std::path::PathBuf>,
    /// Clusters of which it was said that something no longer arrives, and not yet that it does again.
    troubled: BTreeSet<ClusterId>,
    /// What was connected to before: the way back.
    before: Vec<String>,
    link: Link,
    start: crate::panes::start::Start,
    connection: Connection,
    demo_offered: bool,
    take_namespace_from_context: bool,
    effects: Vec<Effect>,
    wanted: Option<(Option<String>, Vec<Want>)>,
    /// What more than one split reads.
    shared: std::collections::BTreeSet<Want>,
    /// Columns of lists that a view brought, in place of those of the settings.
    chosen: crate::model::extra::Columns,
    /// Views that were saved from the screen.
    kept_views: BTreeMap<String, View>,
    /// The view to begin with.
    first_view: Option<String>,
    /// What the user has found already.
    pub habits: crate::keep::habits::Habits,
    tour: Option<tour::Tour>,
    /// The last frame was compact, and what a key said of it.
    compact: bool,
    compact_told: Option<bool>,
    /// The layout that a flag named, until a context is open.
    layout_wanted: Option<String>,
    /// A tip stands in this frame already.
    tipped: bool,
    /// Clicks and the wheel are reported.
    mouse_on: bool,
    /// Something on screen changed.
    pub dirty: bool,
    /// Leave the loop.
    pub done: bool,
    /// A file is read instead of a cluster: its screen is all there is.
    alone: bool,
    /// `--read-only`, whatever the settings say of a context.
    told_read_only: bool,
    /// The theme that the settings want here; none where a flag names one.
    theme_wanted: Option<String>,
    /// What is under way together.
    batch: writes::Batch,
    /// The number of the next forwarded port.
    forwards: u32,
    /// What can be made again, as it was read last, and in which cluster.
    trash: Vec<crate::keep::trash::Entry>,
    trash_of: ClusterId,
    /// Editors that were opened, for the number of the next.
    editors: crate::panes::editor::Id,
    summary: crate::model::summary::Header,
    /// Where the screen was drawn last, and what is around it, for the mouse.
    body: ratatui::layout::Rect,
    spots: pointer::Spots,
    looks: vitals::Looks,
    past: past::Past,
    /// A recording is under way.
    recording: bool,
    /// What was before each change of the last hour.
    noted: crate::model::past::Past,
    /// The terminal has the user's eyes: with focus lost, ages stand still.
    watched: bool,
}

/// How to begin.
pub struct Begin {
    pub settings: Settings,
    pub look: Look,
    /// Contexts to look at together; none: the current one.
    pub contexts: Vec<String>,
    /// `Some(None)`: all namespaces; `None`: the context's own.
    pub namespace: Option<Option<String>>,
    pub read_only: bool,
    /// The view to begin with.
    pub view: Option<String>,
    /// A flag or the environment names the theme, for all contexts.
    pub told_theme: bool,
    pub demo: bool,
    /// The start screen may offer the demo cluster.
    pub demo_offered: bool,
    /// The name of a log that is read instead of a cluster.
    pub file: Option<String>,
    /// A recording that is replayed instead of a cluster.
    pub replay: Option<past::Replay>,
    /// The settings file, to be read again when it changes.
    pub settings_file: Option<std::path::PathBuf>,
    /// The layout of panes to begin with.
    pub layout: Option<String>,
}

impl App {
    pub fn new(begin: Begin) -> Self {
        let session = Session {
            read_only: begin.read_only || begin.settings.read_only,
            type_above: begin.settings.actions.type_above,
            groups: begin.settings.clusters.clone(),
            namespace: begin.namespace.clone().flatten().map(Into::into),
            thresholds: begin.settings.logs.health.clone().into(),
            gpu_use: GpuUse {
                on: begin.settings.gpu_use.enabled,
                terms: begin.settings.gpu_use.terms(),
                nodes: begin.settings.gpu_use.nodes,
            },
            ..Session::default()
        };
        let mouse_on = begin.settings.mouse;
        let theme_wanted = (!begin.told_theme).then(|| begin.settings.theme.clone());
        let mut app = Self {
            theme_wanted,
            desk: Desk {
                model: Model::default(),
                session,
                look: begin.look,
                notices: Notices::default(),
                timestamps: false,
                playhead: None,
            },
            noted: past::noted(&begin.settings),
            settings: begin.settings,
            screens: Screens::new(crate::panes::open),
            overlay: None,
            prompt: None,
            sources: BTreeMap::new(),
            worker_watches: workers::Watches::default(),
            finder: inbox::Finder::default(),
            alarms: gpus::Alarms::default(),
            keeper: history::Keeper::default(),
            background: background::Background::default(),
            settings_file: begin.settings_file,
            troubled: BTreeSet::new(),
            before: Vec::new(),
            link: Link::Connecting { context: None },
            start: crate::panes::start::Start::default(),
            connection: 0,
            demo_offered: begin.demo_offered,
            take_namespace_from_context: begin.namespace.is_none(),
            effects: Vec::new(),
            wanted: None,
            shared: std::collections::BTreeSet::new(),
            summary: crate::model::summary::Header::default(),
            body: ratatui::layout::Rect::default(),
            spots: pointer::Spots::default(),
            chosen: crate::model::extra::Columns::default(),
            kept_views: BTreeMap::new(),
            first_view: begin.view,
            habits: crate::keep::habits::Habits::default(),
            tour: None,
            compact: false,
            compact_told: None,
            layout_wanted: begin.layout,
            tipped: false,
            mouse_on,
            dirty: true,
            done: false,
            alone: begin.file.is_some(),
            told_read_only: begin.read_only,
            batch: writes::Batch::default(),
            forwards: 0,
            trash: Vec::new(),
            trash_of: ClusterId::default(),
            editors: 0,
            looks: vitals::Looks::default(),
            past: past::Past::default(),
            recording: false,
            watched: true,
        };
        app.list_views();
        if let Some(name) = begin.file {
            app.link = Link::Open;
            let log = Target::Logs(LogsOf::File { name });
            app.screens = Screens::alone(crate::panes::open, &log);
        } else if let Some(replay) = begin.replay {
            app.begin_replay(replay);
        } else if begin.demo {
            app.connect_demo()
        } else {
            app.connect(&begin.contexts)
        }
        app
    }

    /// What the runner should do now: the listed effects, and the wants if they changed.
    pub fn take_effects(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        self.declare_wants(now);
        // a screen that is new may have asked for an object to be kept
        if self.wanted.is_none() {
            self.declare_wants(now);
        }
        self.look_at_itself(now);
        std::mem::take(&mut self.effects)
    }

    /// Only what was asked for already: a frame comes first, and then what it shows decides what else is wanted.
    pub fn take_ready_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Compares what the visible panes want with what was asked for last.
    fn declare_wants(&mut self, now: DateTime<Utc>) {
        if self.link != Link::Open || self.alone {
            return;
        }
        self.settle_front(now);
        self.keep_up(now);
        self.choose_background(now);
        let (mut wants, shared) = self.wants_of_splits(now);
        let cx = self.desk.cx(now, true);
        if let Some(overlay) = &self.overlay {
            wants.extend(overlay.wants(&cx));
        }
        // the header's totals; where devices are claimed, nodes and pods alone do not tell of them
        let claims = DraKind::ALL.map(Kind::Dra);
        wants.extend(
            [Kind::Job, Kind::Node, Kind::Pod]
                .into_iter()
                .chain(claims)
                .map(|k| Want::Watch(k, crate::model::want::Selector::All)),
        );
        wants.push(Want::Workloads);
        let front = self.desk.session.cluster;
        let mut elsewhere: Vec<Want> = Vec::new();
        for (cluster, want) in self.keeper.wants().chain(self.background.wants()) {
            match cluster == front {
                true => wants.push(want),
                false => elsewhere.push(want.at(cluster)),
            }
        }
        wants.extend(elsewhere);
        if !self.desk.session.read_only {
            let keys = self.screens.top().subjects(&cx);
            wants.extend(self.questions(&keys).into_iter().map(Want::May));
        }
        if !self.desk.session.gpu_use.on {
            wants.retain(|want| !want.is_gpu_use());
        }
        let mut wants = clusters::addressed(wants, front);
        wants.sort();
        wants.dedup();
        let asked = (
            self.desk.session.namespace.as_ref().map(|n| n.to_string()),
            wants,
        );
        self.ask_again(shared, &asked.0);
        if self.wanted.as_ref() != Some(&asked) {
            let (namespace, wants) = asked.clone();
            self.wanted = Some(asked);
            self.effects.push(Effect::Wants { namespace, wants });
            let cx = self.desk.cx(now, true);
            let mut read: Vec<_> = self.background.jobs().collect();
            let fronts = self.screens.fronts();
            read.extend(fronts.filter_map(|(pane, _)| pane.about(&cx)));
            self.lose_unread_logs(&read, now);
            self.keep_looked_at(now);
        }
    }

    /// When the screen next changes by itself.
    pub fn wake(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let notices = self.desk.notices.wake(now);
        if let Some(head) = &self.desk.playhead {
            // how long ago it was goes on by itself
            let second = (!self.replays()).then(|| now + chrono::TimeDelta::seconds(1));
            return notices
                .into_iter()
                .chain(head.wake(now))
                .chain(second)
                .min();
        }
        let due = self.finder.due().into_iter().chain(self.keeper.due());
        let due = due.chain(self.alarms.due());
        let due = due.chain(self.background.due(now));
        let due = due.chain(self.desk.session.pending.wake());
        let due = due.chain(self.next_look()).chain(self.next_step(now));
        let notices = notices.into_iter().chain(due).min();
        if !self.watched || self.link != Link::Open {
            return notices;
        }
        let cx = self.desk.cx(now, true);
        let shown = self.shown().filter_map(|pane| pane.wake(&cx));
        let next = shown.chain(notices).chain(self.screens.rested());
        next.min()
    }

    /// The time has come that a screen waited for: something on it changes, or does not come that should have.
    pub fn tick(&mut self, now: DateTime<Utc>) {
        if self.in_the_past() {
            self.follow(now);
            self.dirty = true;
            return;
        }
        self.overdue(now);
        self.remember(now);
        self.look_around(now, false);
        self.look_at_gpus(now);
        self.look_at_text(now);
        self.keep_lines(now);
        self.tick_background(now);
        self.dirty = true;
    }

    /// Keeps what the screens in front were told of a training.
    fn remember(&mut self, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        let (mut told, mut worries, mut curves) = (Vec::new(), Vec::new(), Vec::new());
        for pane in self.screens.fronts_mut() {
            told.extend(pane.told(&cx));
            worries.extend(pane.worries(&cx));
            curves.extend(pane.curves(&cx));
        }
        for (job, summary) in told {
            self.desk.session.remember_run(job, summary, now);
        }
        for worries in worries {
            self.worried(worries, now);
        }
        for (job, curves) in curves {
            self.desk.session.remember_curves(job, curves);
        }
    }

    pub(crate) fn say(&mut self, level: Level, text: impl Into<String>, now: DateTime<Utc>) {
        self.desk.notices.add(level, text, now);
        self.dirty = true;
    }
}
