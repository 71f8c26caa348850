//! The command bar: what may be typed after `:`, what it completes to, and the command it ends in.
//! The app shows it and runs the command; nothing here changes anything.

use super::pick::{Found, Pick, Typed};
use super::{Cx, Reply, Target};
use crate::actions::{Intent, Step};
use crate::app::action::{Action, Scope};
use crate::model::extra::{Chosen, List};
use crate::model::fuzzy::Fuzzy;
use crate::model::ids::{Key, Name};
use crate::model::want::{Kind, Selector, Want};

/// What a line of the command bar, a switcher or the start screen asks the app to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Act(Action),
    Go(Target),
    /// Switch the namespace; `None`: all.
    Namespace(Option<Name>),
    /// Switch to this context of the kubeconfig.
    /// Contexts to look at together, or one.
    Contexts(Vec<String>),
    /// Use the theme of this name.
    Theme(String),
    /// Show a list as it was saved.
    View(String),
    /// Show these columns of a list; none: those of the settings.
    Columns(List, Option<Chosen>),
    /// Keep the list in front, as it is looked at, under a name.
    SaveView(String),
    /// Keep such a view no more.
    ForgetView(String),
    /// Take up the layout of this name.
    Layout(String),
    /// Save the panes as a layout of this name.
    SaveLayout(String),
    /// The command bar, with this typed already.
    Type(String),
    /// Set the filter of the pane below.
    Filter(String),
    /// Change something of the inbox.
    Inbox(super::inbox::Do),
    /// Close what is open over the screen.
    Close,
    /// Do these: they were asked about.
    Do(Vec<Step>),
    /// Plan this for these, and ask if need be.
    Plan(Vec<Key>, Intent),
    /// Make this entry of the trash again.
    Undo(String),
    /// A shell in this pod: ask in which container if there are several.
    Container(Key),
    Shell(Key, Option<Name>),
    /// Ask which port of this pod is to be led to.
    Ports(Key),
    /// The pod's port, and ours: none for the same number if it is free, 0 for any.
    Forward(Key, (Option<u16>, u16)),
    StopForward(u32),
    /// The same, but look at it and change it first.
    UndoEdited(String),
    /// Open an editor with this.
    Edit(Box<super::editor::From>),
    /// Open an editor with this file.
    EditFile(String),
    /// What the editor asks for.
    Editor(super::editor::Ask),
    /// Change this in the text of the editor in front.
    Change(super::editor::options::Change),
}

/// One line offered by the command bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What is completed to.
    pub text: String,
    /// What it is, dim beside the text.
    pub detail: String,
    /// Keys that do the same without the bar; empty if none.
    pub keys: String,
    pub command: Command,
}

/// Most lines offered for one text.
const MOST: usize = 200;

/// Everything the typed text may mean, best first. `ns X`, `ctx X` and `theme X` narrow to their kind; a text
/// that begins with a pane's name may go on with a filter: `jobs state:failed`.
pub fn candidates(typed: &str, cx: &Cx) -> Vec<Candidate> {
    let typed = typed.trim_start();
    let (word, rest) = typed.split_once(' ').unwrap_or((typed, ""));
    let narrowed = typed.contains(' ');
    let all = match word {
        "ns" | "namespace" if narrowed => namespaces(cx),
        "ctx" | "context" if narrowed => contexts(cx),
        "theme" if narrowed => themes(),
        "view" if narrowed => views(cx),
        "columns" if narrowed => {
            let list = cx.session.front.into_iter();
            return list
                .flat_map(|list| super::arrange::offers(list, rest, cx))
                .collect();
        }
        "save" | "forget" if narrowed && rest.trim_start().starts_with("view") => {
            return kept(word, rest, cx);
        }
        "layout" if narrowed => layouts(cx),
        "save-layout" if narrowed && !rest.trim().is_empty() => {
            return vec![Candidate {
                text: typed.to_owned(),
                detail: "save the panes under this name".to_owned(),
                keys: String::new(),
                command: Command::SaveLayout(rest.trim().to_owned()),
            }];
        }
        "q" | "q!" | "quit" => vec![action(Action::Quit, cx)],
        _ if narrowed && pane(word).is_some() => {
            let command = Command::Filter(rest.to_owned());
            let detail = format!("show only {rest}");
            return vec![Candidate {
                text: typed.to_owned(),
                detail,
                keys: String::new(),
                command,
            }];
        }
        _ => everything(cx),
    };
    let pattern = match word {
        "ns" | "namespace" | "ctx" | "context" | "theme" | "view" | "layout" if narrowed => rest,
        _ => typed,
    };
    let mut fuzzy = Fuzzy::default();
    let hits = fuzzy.find(pattern, all.iter().map(|c| c.text.as_str()));
    let mut found: Vec<Candidate> = hits
        .into_iter()
        .take(MOST)
        .map(|h| all[h.at].clone())
        .collect();
    // a pane typed in full comes first, whatever else matches
    if let Some(exact) = pane(typed) {
        match found.iter().position(|c| c.command == Command::Act(exact)) {
            Some(at) => found[..=at].rotate_right(1),
            // another of its names
            None => found.insert(0, action(exact, cx)),
        }
    }
    found
}

/// A pane by the names people type.
fn pane(word: &str) -> Option<Action> {
    Some(match word {
        "jobs" | "job" | "j" => Action::GoJobs,
        "queues" | "queue" | "cq" | "lq" => Action::GoQueues,
        "gpus" | "gpu" | "map" => Action::GoGpus,
        "pods" | "pod" | "po" => Action::GoPods,
        "nodes" | "node" | "no" => Action::GoNodes,
        "events" | "event" | "ev" => Action::GoEvents,
        "inbox" | "in" | "messages" | "msg" => Action::GoInbox,
        "history" | "past" => Action::GoHistory,
        "forwards" | "forward" | "pf" | "ports" => Action::GoForwards,
        "hardware" | "hw" => Action::GoHardware,
        "self" | "me" | "debug" => Action::GoSelf,
        _ => return None,
    })
}

fn action(action: Action, cx: &Cx) -> Candidate {
    let scopes = [action.scope().name(), "global"];
    let keys = cx
        .keymap
        .key_for(action, &scopes)
        .map(ToString::to_string)
        .unwrap_or_default();
    let text = match action {
        Action::GoJobs
        | Action::GoPods
        | Action::GoNodes
        | Action::GoEvents
        | Action::GoQueues
        | Action::GoGpus
        | Action::GoInbox
        | Action::GoHistory
        | Action::GoForwards
        | Action::GoSelf
        | Action::GoHardware => action.name().trim_start_matches("go-").to_owned(),
        other => other.name().to_owned(),
    };
    Candidate {
        text,
        detail: action.describe().to_owned(),
        keys,
        command: Command::Act(action),
    }
}

fn everything(cx: &Cx) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = [
        Action::GoJobs,
        Action::GoPods,
        Action::GoNodes,
        Action::GoEvents,
        Action::GoQueues,
        Action::GoGpus,
        Action::GoInbox,
        Action::GoHistory,
        Action::GoForwards,
        Action::GoHardware,
        Action::GoSelf,
    ]
    .into_iter()
    .map(|a| action(a, cx))
    .collect();
    let global = Action::ALL
        .iter()
        .copied()
        .filter(|a| a.scope() == Scope::Global || a.writes());
    all.extend(
        global
            .filter(|a| !a.name().starts_with("go-") && *a != Action::Command)
            .map(|a| action(a, cx)),
    );
    let prefixed = |prefix: &str, list: Vec<Candidate>| -> Vec<Candidate> {
        list.into_iter()
            .map(|c| Candidate {
                text: format!("{prefix} {}", c.text),
                ..c
            })
            .collect()
    };
    all.extend(prefixed("ns", namespaces(cx)));
    all.extend(prefixed("ctx", contexts(cx)));
    all.extend(prefixed("theme", themes()));
    all.extend(prefixed("view", views(cx)));
    all.extend(prefixed("layout", layouts(cx)));
    let shown = cx.session.shown();
    let here = |key: Key| shown.contains(&key.cluster);
    // of several clusters it is said which
    let place = |key: Key, detail: &str| match cx.model.clusters.name(key.cluster) {
        Some(cluster) if cx.session.several() => format!("{detail}, {cluster}"),
        _ => detail.to_owned(),
    };
    let jobs = cx.model.jobs.rows().filter(|job| here(job.key));
    all.extend(jobs.map(|job| Candidate {
        text: format!("{}/{}", job.kind.singular(), job.name),
        detail: place(job.key, &job.namespace),
        keys: String::new(),
        command: Command::Go(Target::Job(job.key)),
    }));
    let nodes = cx.model.nodes.rows().filter(|node| here(node.key));
    all.extend(nodes.map(|node| Candidate {
        text: format!("node/{}", node.name),
        detail: place(node.key, "its state, GPUs and pods"),
        keys: String::new(),
        command: Command::Go(Target::Node(node.key)),
    }));
    all
}

fn namespaces(cx: &Cx) -> Vec<Candidate> {
    let mut names: Vec<&Name> = cx.model.namespaces.rows().map(|n| &n.name).collect();
    names.extend(cx.model.jobs.rows().map(|j| &j.namespace));
    names.sort();
    names.dedup();
    let one = |name: Option<&Name>| Candidate {
        text: name.map_or("all".to_owned(), |n| n.to_string()),
        detail: "namespace".to_owned(),
        keys: String::new(),
        command: Command::Namespace(name.cloned()),
    };
    std::iter::once(one(None))
        .chain(names.into_iter().map(|n| one(Some(n))))
        .collect()
}

fn contexts(cx: &Cx) -> Vec<Candidate> {
    let one = |name: &String| Candidate {
        text: name.clone(),
        detail: "context".to_owned(),
        keys: String::new(),
        command: Command::Contexts(vec![name.clone()]),
    };
    cx.session.contexts.iter().map(one).collect()
}

fn layouts(cx: &Cx) -> Vec<Candidate> {
    let one = |(name, about): &(String, String)| Candidate {
        text: name.clone(),
        detail: format!("layout: {about}"),
        keys: String::new(),
        command: Command::Layout(name.clone()),
    };
    cx.session.layouts.iter().map(one).collect()
}

fn themes() -> Vec<Candidate> {
    let one = |name: String| Candidate {
        detail: "theme".to_owned(),
        keys: String::new(),
        command: Command::Theme(name.clone()),
        text: name,
    };
    crate::ui::theme::Themes::default()
        .names()
        .into_iter()
        .map(one)
        .collect()
}

fn views(cx: &Cx) -> Vec<Candidate> {
    let one = |line: &super::views::Line| Candidate {
        text: line.name.clone(),
        detail: line.words.clone(),
        keys: String::new(),
        command: Command::View(line.name.clone()),
    };
    cx.session.views.iter().map(one).collect()
}

/// `save view NAME`, `forget view NAME`.
fn kept(word: &str, rest: &str, cx: &Cx) -> Vec<Candidate> {
    let name = rest
        .trim_start()
        .strip_prefix("view")
        .unwrap_or_default()
        .trim();
    let candidate = |name: &str, detail: &str, command| Candidate {
        text: format!("{word} view {name}"),
        detail: detail.to_owned(),
        keys: String::new(),
        command,
    };
    if word == "forget" {
        let known = cx
            .session
            .views
            .iter()
            .filter(|line| line.kept && line.name.starts_with(name));
        let one = |line: &super::views::Line| {
            candidate(
                &line.name,
                &line.words,
                Command::ForgetView(line.name.clone()),
            )
        };
        return known.map(one).collect();
    }
    let detail = match name {
        "" => "how is it to be called?",
        name if cx
            .session
            .views
            .iter()
            .any(|line| line.kept && line.name == name) =>
        {
            "in place of the one that is called so"
        }
        _ => "filter, order, columns and namespace of this list",
    };
    vec![candidate(name, detail, Command::SaveView(name.to_owned()))]
}

/// The list above the prompt.
#[derive(Debug, Default)]
pub struct Palette {
    typed: Typed,
}

impl Palette {
    fn at(&self, at: Option<usize>, cx: &Cx) -> Option<Candidate> {
        candidates(&self.typed.text, cx).into_iter().nth(at?)
    }
}

impl Pick for Palette {
    fn typed(&self) -> &Typed {
        &self.typed
    }

    fn typed_mut(&mut self) -> &mut Typed {
        &mut self.typed
    }

    fn name(&self, _cx: &Cx) -> String {
        "go".into()
    }

    fn heading(&self, _cx: &Cx) -> String {
        "go to".into()
    }

    fn found(&self, cx: &Cx) -> Vec<Found> {
        let all = candidates(&self.typed.text, cx);
        let texts = all.iter().map(|c| c.text.as_str());
        let mut marks = vec![Vec::new(); all.len()];
        for hit in Fuzzy::default().find(self.typed.text.trim_start(), texts) {
            marks[hit.at] = hit.marks.iter().map(|m| *m as usize).collect();
        }
        let each = all.into_iter().zip(marks).enumerate();
        each.map(|(at, (candidate, hits))| Found {
            at,
            name: candidate.text,
            hits,
            about: candidate.detail,
            key: candidate.keys,
        })
        .collect()
    }

    fn none(&self, _cx: &Cx) -> String {
        "nothing matches".into()
    }

    fn choose(&mut self, at: Option<usize>, cx: &Cx) -> Reply {
        let chosen = self.at(at, cx);
        chosen.map_or(Reply::Done, |chosen| Reply::Run(chosen.command))
    }

    /// The text becomes the candidate's.
    fn look(&mut self, at: Option<usize>, cx: &Cx) -> Reply {
        let Some(chosen) = self.at(at, cx) else {
            return Reply::Ignored;
        };
        self.typed.set(&chosen.text);
        Reply::Done
    }

    fn watched(&self, _cx: &Cx) -> Vec<Want> {
        vec![Want::Watch(Kind::Namespace, Selector::All)]
    }
}
