//! Actions: first the pane in front, then the app itself. State changes and effects, nothing else.

use chrono::{DateTime, Utc};

use super::action::{Action, Scope};
use super::effect::Effect;
use super::screens::Tab;
use super::{App, Link, Prompt};
use crate::panes::choose::Of;
use crate::panes::columns::Chooser;
use crate::panes::editor::Ask;
use crate::panes::palette::{Command, Palette};
use crate::panes::start::Why;
use crate::panes::switcher::{Switcher, What};
use crate::panes::views::Views;
use crate::panes::{Level, Pane, Reply, Target};
use crate::settings::Follow;
use crate::ui::input::Input;
use crate::ui::text::{harmless, left_out};

impl App {
    /// Performs an action.
    pub fn act(&mut self, action: Action, now: DateTime<Utc>) {
        self.dirty = true;
        self.used(action);
        if self.act_in_time(action, now) {
            return;
        }
        self.settle_front(now);
        if action.writes() && self.overlay.is_none() && self.link == Link::Open {
            if self.alone {
                return self.no_cluster(now);
            }
            return self.begin(action, now);
        }
        if self.split_first(action, now) {
            return;
        }
        let reply = {
            let cx = self.desk.cx(now, true);
            front(
                &mut self.overlay,
                &self.link,
                &mut self.start,
                &mut self.screens,
            )
            .act(action, &cx)
        };
        match reply {
            Reply::Ignored => self.own(action, now),
            reply => self.reply(reply, now),
        }
        self.tour_saw(action, now);
    }

    /// What a pane answered.
    pub(super) fn reply(&mut self, reply: Reply, now: DateTime<Utc>) {
        match reply {
            Reply::Ignored | Reply::Done => {}
            Reply::Open(target) => self.open(&target),
            Reply::Copy { text, what } => {
                let (text, odd) = harmless(&text);
                let without = left_out(odd);
                self.effects.push(Effect::Copy(text.into_owned()));
                self.say(Level::Info, format!("copied {what}{without}"), now);
            }
            Reply::Save { name, text } => self.effects.push(Effect::Save { name, text }),
            Reply::Page(text) => self.effects.push(Effect::Page(text)),
            Reply::Say(level, text) => self.say(level, text, now),
            Reply::Prompt { label, text } => self.ask(label, text),
            Reply::Run(command) => self.run(command, now),
        }
    }

    /// What the command bar, a switcher or the start screen ends in.
    pub(super) fn run(&mut self, command: Command, now: DateTime<Utc>) {
        self.close_overlay();
        match command {
            Command::Namespace(_) | Command::Contexts(_) if self.alone => self.no_cluster(now),
            Command::Namespace(_) if self.in_the_past() => self.only_looks("namespace", now),
            Command::Contexts(_) if self.replays() => self.only_looks("context", now),
            Command::Go(target) if self.alone && !needs_none(&target) => self.no_cluster(now),
            Command::Act(action) => self.act(action, now),
            Command::Go(target) => self.open(&target),
            Command::Namespace(namespace) => self.switch_namespace(namespace.as_deref(), now),
            Command::Contexts(contexts) => self.connect(&contexts),
            Command::Theme(name) => self.use_theme(&name, now),
            Command::View(_) | Command::SaveView(_) if self.alone => self.no_cluster(now),
            Command::View(name) => self.show_view(&name, now),
            Command::Columns(list, chosen) => self.use_columns(list, chosen, now),
            Command::SaveView(name) => self.save_view(&name, now),
            Command::ForgetView(name) => self.forget_view(&name, now),
            Command::Layout(_) | Command::SaveLayout(_) if self.alone => self.no_cluster(now),
            Command::Layout(name) => self.arrange(&name, true, now),
            Command::SaveLayout(name) => self.save_layout(&name, now),
            Command::Type(text) => self.begin_command(&text, now),
            Command::Filter(text) => self.filter(&text, now),
            Command::Inbox(what) => self.inbox_do(what, now),
            Command::Close => {}
            // what is left behind changes nothing
            Command::Editor(Ask::Leave { id, keep }) => self.leave_editor(id, keep, now),
            Command::Edit(_)
            | Command::EditFile(_)
            | Command::UndoEdited(_)
            | Command::Editor(_)
            | Command::Change(_)
                if self.alone =>
            {
                self.no_cluster(now);
            }
            Command::Editor(ask) => self.asked(ask, now),
            Command::Change(change) => self.change(&change, now),
            // read-only may have been learnt while the question stood
            Command::Do(_)
            | Command::Plan(..)
            | Command::Undo(_)
            | Command::Shell(..)
            | Command::Container(_)
            | Command::Ports(_)
            | Command::Forward(..)
            | Command::UndoEdited(_)
            | Command::Edit(_)
            | Command::EditFile(_)
                if self.alone || self.is_closed_to(&command) =>
            {
                self.say(Level::Warning, "read-only: nothing was done", now);
            }
            Command::Do(steps) => self.carry_out(steps, now),
            Command::Plan(keys, intent) => self.propose(keys, &intent, now),
            Command::Undo(id) => self.undo(&id, now),
            Command::Container(pod) => self.which_container(pod, now),
            Command::Shell(pod, container) => self.shell(pod, container, now),
            Command::Ports(pod) => self.which_port(pod, now),
            Command::Forward(pod, ports) => self.lead(pod, ports, now),
            Command::StopForward(id) => self.effects.push(Effect::StopForward(id)),
            Command::UndoEdited(id) => self.undo_edited(&id, now),
            Command::Edit(from) => self.edit(*from),
            Command::EditFile(name) => self.effects.push(Effect::ReadFile(name)),
        }
    }

    pub(super) fn open(&mut self, target: &Target) {
        self.close_overlay();
        if *target == Target::Help {
            let slider = self.in_the_past().then_some(Scope::Past);
            let scopes = slider.iter().chain(self.screens.top().scopes()).copied();
            let scopes: Vec<Scope> = scopes.collect();
            self.overlay = Some(crate::panes::help(&scopes));
            return;
        }
        if *target == Target::Inbox {
            self.desk.notices.read();
        }
        if *target == Target::History {
            self.effects.push(Effect::ReadHistory);
        }
        self.screens.open(target, self.desk.session.cluster);
    }

    pub(super) fn no_cluster(&mut self, now: DateTime<Utc>) {
        let text = "a file is read, no cluster: start jobdeck without one to open a cluster";
        self.say(Level::Info, text, now);
    }

    /// What no pane wanted.
    fn own(&mut self, action: Action, now: DateTime<Utc>) {
        match action {
            Action::GoHardware if self.alone => self.open(&Target::Hardware),
            Action::GoInbox if self.alone => self.open(&Target::Inbox),
            Action::Namespaces
            | Action::AllNamespaces
            | Action::Contexts
            | Action::Views
            | Action::SaveView
            | Action::Columns
            | Action::NextTab
            | Action::PreviousTab
            | Action::GoJobs
            | Action::GoQueues
            | Action::GoGpus
            | Action::GoPods
            | Action::GoNodes
            | Action::GoEvents
            | Action::Retry
            | Action::GpuUse
            | Action::NextCluster
            | Action::Layouts
            | Action::SaveLayout
            | Action::OpenDemo
                if self.alone =>
            {
                self.no_cluster(now);
            }
            Action::Layouts => self.choose(Of::Layout),
            Action::SaveLayout => self.choose(Of::SaveLayout),
            Action::Namespaces | Action::AllNamespaces if self.in_the_past() => {
                self.only_looks(action.name(), now);
            }
            Action::Contexts | Action::Retry | Action::GpuUse | Action::OpenDemo
                if self.replays() =>
            {
                self.only_looks(action.name(), now);
            }
            Action::Quit => {
                self.remember_layout();
                self.keep_written();
                self.done = true;
            }
            Action::Back => self.back(now),
            Action::Forward => {
                self.screens.forward();
            }
            // the key that opened it closes it
            Action::Help if self.overlay.is_some() => self.close_overlay(),
            Action::Help => self.open(&Target::Help),
            Action::Command => self.begin_command("", now),
            Action::Namespaces => {
                self.overlay = Some(Box::new(Switcher::new(What::Namespace)));
                self.ask("namespace".into(), String::new());
            }
            Action::Contexts => {
                self.overlay = Some(Box::new(Switcher::new(What::Context)));
                self.ask("context".into(), String::new());
            }
            Action::Views => {
                self.overlay = Some(Box::new(Views::default()));
                self.ask("view".into(), String::new());
            }
            Action::SaveView => self.begin_command("save view ", now),
            Action::Columns => {
                let Some(list) = self.screens.top().list() else {
                    let text = "columns are chosen for jobs, all pods, nodes and all events";
                    return self.say(Level::Info, text, now);
                };
                self.close_overlay();
                let settings = self.settings.columns_of(&self.desk.session.context);
                let cx = self.desk.cx(now, true);
                let usual = self.screens.top().usual(&cx);
                let chooser = Chooser::new(list, &usual, settings.of(list).cloned(), &cx);
                self.overlay = Some(Box::new(chooser));
            }
            Action::Filter => {
                let text = self.screens.top().filter().to_owned();
                self.ask("filter".into(), text);
            }
            Action::NextTab => self.step(1),
            Action::PreviousTab => self.step(-1),
            Action::GoJobs => self.go(Tab::Jobs),
            Action::GoQueues => self.go(Tab::Queues),
            Action::GoGpus => self.go(Tab::Gpus),
            Action::GoPods => self.go(Tab::Pods),
            Action::GoNodes => self.go(Tab::Nodes),
            Action::GoEvents => self.go(Tab::Events),
            Action::GoInbox => self.go(Tab::Inbox),
            Action::GoHardware => self.go(Tab::Hardware),
            Action::GoHistory => self.open(&Target::History),
            Action::GoForwards => self.open(&Target::Forwards),
            Action::GoSelf => self.open(&Target::Itself),
            Action::AllNamespaces => self.switch_namespace(None, now),
            Action::Retry => match &self.link {
                Link::Open => self.effects.push(Effect::RetryNow),
                Link::Connecting { .. } => self.connect_again(),
                Link::Failed(_) => self.connect_again(),
            },
            Action::NextCluster => self.next_cluster(now),
            Action::OpenDemo if self.demo_offered => self.connect_demo(),
            Action::GpuUse => self.toggle_gpu_use(now),
            Action::ToggleTimes => self.desk.timestamps = !self.desk.timestamps,
            Action::NextTheme => {
                let next = self.desk.look.next_theme();
                self.use_theme(&next, now);
            }
            Action::Focus => self.next_split(1),
            Action::Wider => self.resize(true, now),
            Action::Narrower => self.resize(false, now),
            Action::Tour => self.tour(now),
            Action::TourNext => self.tour_next(now),
            Action::ToggleCompact => self.toggle_compact(now),
            Action::ToggleMouse => self.use_mouse(!self.mouse_on, now),
            Action::Redraw => self.effects.push(Effect::Clear),
            Action::Record => self.toggle_record(now),
            Action::TimeMachine => self.time_machine(now),
            _ => {}
        }
    }

    fn toggle_gpu_use(&mut self, now: DateTime<Utc>) {
        let on = &mut self.desk.session.gpu_use.on;
        *on = !*on;
        let text = match *on {
            true => {
                "what GPUs do is asked of the exporters of the nodes on screen (needs get on pods/proxy where those run)"
            }
            false => "exporters are not asked any more",
        };
        self.say(Level::Info, text, now);
    }

    /// `esc`: the overlay, then the filter, then the screen.
    fn back(&mut self, now: DateTime<Utc>) {
        if self.overlay.is_some() {
            self.close_overlay();
        } else if self.link == Link::Open && !self.screens.top().filter().is_empty() {
            self.filter("", now);
        } else if self.in_the_past() && !self.replays() && self.screens.path().count() <= 1 {
            self.back_to_now();
        } else {
            self.screens.back();
        }
    }

    /// Opens the command bar with what is typed already.
    fn begin_command(&mut self, text: &str, now: DateTime<Utc>) {
        self.desk.session.front = self.screens.top().list();
        self.overlay = Some(Box::new(Palette::default()));
        self.ask(":".into(), text.to_owned());
        if !text.is_empty() {
            self.filter(text, now);
        }
    }

    fn go(&mut self, tab: Tab) {
        self.screens.go(tab);
        self.arrived();
    }

    fn step(&mut self, by: isize) {
        self.screens.step(by);
        self.arrived();
    }

    pub(super) fn arrived(&mut self) {
        if self.screens.tab() == Tab::Inbox {
            self.desk.notices.read();
        }
    }

    pub(super) fn close_overlay(&mut self) {
        self.overlay = None;
        self.prompt = None;
    }

    /// Opens the prompt.
    pub(super) fn ask(&mut self, label: String, text: String) {
        self.prompt = Some(Prompt {
            label,
            line: Input::new(&text),
            before: text,
            error: None,
            error_at: None,
        });
    }

    /// The pager has given the terminal back; what went wrong, if something did.
    pub(super) fn came_back(&mut self, trouble: Option<String>, now: DateTime<Utc>) {
        if let Some(text) = trouble {
            self.say(Level::Error, text, now);
        }
        self.dirty = true;
    }

    /// Gives the pane in front a new filter or search text; its refusal shows in the prompt.
    pub(super) fn filter(&mut self, text: &str, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        let pane = front(
            &mut self.overlay,
            &self.link,
            &mut self.start,
            &mut self.screens,
        );
        let result = pane.set_filter(text, &cx);
        let at = result.is_err().then(|| pane.refused_at()).flatten();
        match (&mut self.prompt, result) {
            (Some(prompt), result) => (prompt.error, prompt.error_at) = (result.err(), at),
            // no line is there to say it below: `:jobs gpu>many`
            (None, Err(why)) => self.say(Level::Error, format!("filter {text}: {why}"), now),
            (None, Ok(())) => {}
        }
        self.dirty = true;
    }

    pub(super) fn use_theme(&mut self, name: &str, now: DateTime<Utc>) {
        match self.desk.look.use_theme(name) {
            Ok(()) => self.say(Level::Info, format!("theme {name}"), now),
            Err(why) => self.say(Level::Error, why, now),
        }
    }

    /// Themes, keymaps or settings changed on disk: takes what is good, keeps what runs for what is not.
    pub(super) fn reload(&mut self, now: DateTime<Utc>) {
        self.reload_settings(now);
        for problem in self.desk.look.reload() {
            self.say(Level::Error, problem, now);
        }
        self.dirty = true;
    }

    /// Thresholds and columns hold from here on, and which logs are read behind the screens; the rest of the settings is
    /// read at the next start.
    fn reload_settings(&mut self, now: DateTime<Utc>) {
        let Some(file) = &self.settings_file else {
            return;
        };
        let (read, problem) = crate::settings::load(Some(file));
        if let Some(problem) = problem {
            return self.say(
                Level::Error,
                format!("settings kept as they were: {problem}"),
                now,
            );
        }
        if read.layouts != self.settings.layouts {
            self.settings.layouts = read.layouts.clone();
            self.publish_layouts();
        }
        if read.mouse != self.settings.mouse {
            self.settings.mouse = read.mouse;
            self.use_mouse(read.mouse, now);
        }
        self.reload_columns(&read, now);
        let health = &read.logs.health;
        if *health != self.settings.logs.health || read.inbox != self.settings.inbox {
            self.settings.logs.health = health.clone();
            self.settings.inbox = read.inbox;
            self.desk.session.thresholds = std::sync::Arc::new(health.clone());
            self.finder.again();
            self.look_around(now, false);
            self.say(
                Level::Info,
                "thresholds of the settings hold from now on",
                now,
            );
        }
        let (logs, new) = (&mut self.settings.logs, &read.logs);
        if (new.watch, new.watch_streams) != (logs.watch, logs.watch_streams) {
            (logs.watch, logs.watch_streams) = (new.watch, new.watch_streams);
            self.background.again();
            let text = match new.watch {
                Follow::Off => "no logs are read behind the screens from now on",
                Follow::Failed => "logs of jobs that fail are read from now on",
                Follow::Running => "logs of running jobs are read from now on",
            };
            self.say(Level::Info, text, now);
        }
    }

    pub(super) fn refresh_start(&mut self) {
        let why = match &self.link {
            Link::Open => Why::Nothing,
            Link::Connecting { context } => Why::Connecting(context.clone()),
            Link::Failed(f) => Why::Failed {
                context: f.context.clone(),
                tried: f.tried.clone(),
                why: f.why.clone(),
                next_step: f.next_step.clone(),
                contexts: f.contexts.clone(),
            },
        };
        self.start.set(why, self.demo_offered);
    }
}

/// Screens that say something without a cluster.
fn needs_none(target: &Target) -> bool {
    matches!(
        target,
        Target::Inbox
            | Target::History
            | Target::Kept(_)
            | Target::Hardware
            | Target::Gpus(_)
            | Target::Itself
            | Target::Help
    )
}

/// The pane that has the keyboard: the overlay, the start screen while there is no cluster, or the screen.
pub(super) fn front<'a>(
    overlay: &'a mut Option<Box<dyn Pane>>,
    link: &Link,
    start: &'a mut crate::panes::start::Start,
    screens: &'a mut super::screens::Screens,
) -> &'a mut dyn Pane {
    match (overlay, link) {
        (Some(overlay), _) => &mut **overlay,
        (None, Link::Open) => screens.top_mut(),
        (None, _) => start,
    }
}
