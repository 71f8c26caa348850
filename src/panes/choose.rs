//! A line to type what something is to become (how many pods, which class, which queue), or which of what was deleted
//! is to be made again; with the choices below it.

use chrono::{DateTime, Utc};

use super::palette::Command;
use super::pick::{Found, Pick, Typed, matching};
use super::{Cx, Level, Reply};
use crate::actions::stream::{self, Offer};
use crate::actions::{Intent, templates};
use crate::model::human;
use crate::model::ids::{Key, Name};
use crate::panes::editor::{From, read};

/// Something deleted that can be made again.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub id: String,
    /// `job/pi`
    pub words: String,
    pub namespace: String,
    pub deleted: DateTime<Utc>,
    /// What it was made again as.
    pub undone: Option<String>,
    /// Values of it were not kept.
    pub masked: bool,
}

/// What is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Of {
    /// A number of pods for these; now it is this many.
    Pods(Vec<Key>, u32),
    Class(Vec<Key>),
    Queue(Vec<Key>),
    Kept(Vec<Kept>),
    /// Pods to have a shell in, or (true) to lead a port into.
    Into(Vec<Key>, bool),
    /// Containers of a pod.
    Container(Key, Vec<Name>),
    /// Ports of a pod, or any that is typed.
    Port(Key, Vec<Offer>),
    /// What is to be submitted: a template, a file, what was not sent before.
    Manifest,
    /// A layout of panes to take up.
    Layout,
    /// The name to save the panes under.
    SaveLayout,
}

/// The line and its choices.
pub struct Choose {
    of: Of,
    typed: Typed,
}

impl Choose {
    pub fn new(of: Of) -> Self {
        Self {
            of,
            typed: Typed::default(),
        }
    }

    /// What stands before the line.
    pub fn label(&self) -> &'static str {
        match &self.of {
            Of::Pods(..) => "pods",
            Of::Class(_) => "class",
            Of::Queue(_) => "queue",
            Of::Kept(_) => "undo",
            Of::Into(..) => "pod",
            Of::Container(..) => "container",
            Of::Port(..) => "port",
            Of::Manifest => "submit",
            Of::Layout => "layout",
            Of::SaveLayout => "save as",
        }
    }

    /// Names, and what they are.
    fn choices(&self, cx: &Cx) -> Vec<(String, String)> {
        let here = |key: Key| key.cluster == cx.session.cluster;
        let kueue = &cx.model.kueue;
        match &self.of {
            Of::Pods(..) => Vec::new(),
            Of::Class(_) => {
                let classes = kueue.priority_classes.rows().filter(|c| here(c.key));
                let mut all: Vec<_> = classes.collect();
                all.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
                let each = all.iter();
                each.map(|c| (c.name.to_string(), format!("priority {}", c.value)))
                    .collect()
            }
            Of::Queue(keys) => {
                let jobs = keys.iter().filter_map(|key| cx.model.jobs.get(*key));
                let spaces: Vec<_> = jobs.map(|job| job.namespace.clone()).collect();
                let queues = kueue.local_queues.rows();
                let queues = queues.filter(|q| here(q.key) && spaces.contains(&q.namespace));
                let mut all: Vec<(String, String)> = queues
                    .map(|q| {
                        let about = format!("of {}: {} wait", q.cluster_queue, q.pending);
                        (q.name.to_string(), about)
                    })
                    .collect();
                all.sort();
                all.dedup();
                all
            }
            Of::Manifest => manifests(cx)
                .into_iter()
                .map(|(choice, _)| choice)
                .collect(),
            Of::Layout => cx.session.layouts.clone(),
            Of::SaveLayout => Vec::new(),
            Of::Into(keys, _) => {
                let pods = keys.iter().filter_map(|key| cx.model.pods.get(*key));
                pods.map(|pod| {
                    let node = pod.node.as_deref().unwrap_or_default();
                    (pod.name.to_string(), format!("{} on {node}", pod.status))
                })
                .collect()
            }
            Of::Container(_, names) => {
                let each = names.iter();
                each.map(|name| (name.to_string(), String::new())).collect()
            }
            Of::Port(_, offers) => offers
                .iter()
                .map(|offer| (offer.port.to_string(), offer.what.clone()))
                .collect(),
            Of::Kept(all) => all
                .iter()
                .map(|kept| {
                    let age = human::age(Some(kept.deleted), cx.now);
                    let mut about = format!("{}  deleted {age} ago", kept.namespace);
                    if let Some(made) = &kept.undone {
                        about.push_str(&format!(", made again as {made}"));
                    } else if kept.masked {
                        about.push_str(", values masked");
                    }
                    (kept.words.clone(), about)
                })
                .collect(),
        }
    }
}

/// What there is to begin with: name and what it is, and what choosing it does.
fn manifests(cx: &Cx) -> Vec<((String, String), Command)> {
    let mut all = Vec::new();
    for template in templates::all(cx.session.templates.clone()) {
        let about = match template.own {
            true => format!("yours: {}", template.about()),
            false => template.about().to_owned(),
        };
        let from = From::Text {
            text: read::begun(&template.text, cx),
            title: template.name.to_string(),
        };
        let words = (template.name.into_owned(), about);
        all.push((words, Command::Edit(Box::new(from))));
    }
    let empty = From::Text {
        text: String::new(),
        title: "new".into(),
    };
    let words = ("empty".to_owned(), "write or paste a manifest".to_owned());
    all.push((words, Command::Edit(Box::new(empty))));
    for unsent in &cx.session.unsent {
        let age = human::age(Some(unsent.time), cx.now);
        let words = (
            unsent.title.clone(),
            format!("not sent, {age} ago, context {}", unsent.context),
        );
        let from = Box::new(From::Unsent(unsent.clone()));
        all.push((words, Command::Edit(from)));
    }
    all
}

impl Pick for Choose {
    fn typed(&self) -> &Typed {
        &self.typed
    }

    fn typed_mut(&mut self) -> &mut Typed {
        &mut self.typed
    }

    fn name(&self, cx: &Cx) -> String {
        let about = |keys: &[Key]| match keys {
            [key] => crate::actions::plan::subject(cx.model, *key)
                .map_or_else(String::new, |s| s.words()),
            many => format!("{} objects", many.len()),
        };
        match &self.of {
            Of::Pods(keys, now) => format!("pods at a time of {}, now {now}", about(keys)),
            Of::Class(keys) => format!("priority class of {}", about(keys)),
            Of::Queue(keys) => format!("queue of {}", about(keys)),
            Of::Into(_, false) => "a shell in which pod".into(),
            Of::Into(_, true) => "a port of which pod".into(),
            Of::Container(key, _) => format!("a shell in which container of {}", about(&[*key])),
            Of::Port(key, _) => format!("which port of {}", about(&[*key])),
            Of::Kept(_) => "make again (tab: look at it first)".into(),
            Of::Manifest => "submit (or type the path of a file)".into(),
            Of::Layout => "layout of panes".into(),
            Of::SaveLayout => "save the panes as a layout".into(),
        }
    }

    fn heading(&self, cx: &Cx) -> String {
        crate::ui::text::clean(&self.name(cx)).into_owned()
    }

    fn found(&self, cx: &Cx) -> Vec<Found> {
        matching(&self.typed.text, self.choices(cx))
    }

    fn none(&self, cx: &Cx) -> String {
        let words = match &self.of {
            Of::Pods(..) => "a number, then enter",
            Of::Kept(_) => "nothing that was deleted here is kept",
            Of::Port(..) => "a port, or OURS:ITS, then enter",
            Of::Into(..) => "nothing matches",
            Of::Manifest => "enter opens this file",
            Of::SaveLayout => "a name, then enter",
            Of::Layout => "no layout of this name",
            _ if self.choices(cx).is_empty() => "none is seen here: type its name, then enter",
            _ => "nothing matches",
        };
        words.into()
    }

    fn look(&mut self, at: Option<usize>, _cx: &Cx) -> Reply {
        let Of::Kept(kept) = &self.of else {
            return Reply::Ignored;
        };
        let kept = at.and_then(|at| kept.get(at));
        kept.map_or(Reply::Done, |kept| {
            Reply::Run(Command::UndoEdited(kept.id.clone()))
        })
    }

    fn choose(&mut self, at: Option<usize>, cx: &Cx) -> Reply {
        let all = self.choices(cx);
        let name = at.map(|at| all[at].0.clone());
        let typed = self.typed.text.trim();
        // where they may not be listed, a name that is typed is taken
        if self.of == Of::Manifest {
            let chosen = at.and_then(|at| manifests(cx).into_iter().nth(at));
            return match chosen {
                Some((_, command)) => Reply::Run(command),
                None if typed.is_empty() => Reply::Run(Command::Close),
                None => Reply::Run(Command::EditFile(typed.to_owned())),
            };
        }
        let named =
            name.or_else(|| Some(typed.to_owned()).filter(|t| !t.is_empty() && all.is_empty()));
        match (&self.of, named) {
            (Of::Layout, Some(name)) => Reply::Run(Command::Layout(name)),
            (Of::SaveLayout, _) => Reply::Run(Command::SaveLayout(typed.to_owned())),
            (Of::Pods(keys, _), _) => match typed.parse::<u32>() {
                Ok(n) => Reply::Run(Command::Plan(keys.clone(), Intent::Scale(n))),
                Err(_) => Reply::Say(Level::Warning, "a whole number of pods is wanted".into()),
            },
            (Of::Class(keys), Some(name)) => {
                let intent = Intent::Priority(name.as_str().into());
                Reply::Run(Command::Plan(keys.clone(), intent))
            }
            (Of::Queue(keys), Some(name)) => {
                let intent = Intent::Move(name.as_str().into());
                Reply::Run(Command::Plan(keys.clone(), intent))
            }
            (Of::Into(keys, port), _) => match at.and_then(|at| keys.get(at)) {
                Some(pod) if *port => Reply::Run(Command::Ports(*pod)),
                Some(pod) => Reply::Run(Command::Container(*pod)),
                None => Reply::Run(Command::Close),
            },
            (Of::Container(pod, names), _) => match at.and_then(|at| names.get(at)) {
                Some(name) => Reply::Run(Command::Shell(*pod, Some(name.clone()))),
                None => Reply::Run(Command::Close),
            },
            // what is typed is taken as it is where it is a port of its own
            (Of::Port(pod, offers), _) => match (stream::ports(typed), at) {
                (Ok(ports), _) => Reply::Run(Command::Forward(*pod, ports)),
                (Err(_), Some(at)) if !typed.contains(':') => {
                    Reply::Run(Command::Forward(*pod, (None, offers[at].port)))
                }
                (Err(refusal), _) => Reply::Say(Level::Warning, refusal.to_string()),
            },
            (Of::Kept(kept), _) => match at.and_then(|at| kept.get(at)) {
                Some(kept) => Reply::Run(Command::Undo(kept.id.clone())),
                None => Reply::Run(Command::Close),
            },
            _ => Reply::Done,
        }
    }
}
