//! What can be changed of a manifest in one step: a list of settings, then the values there are. The text is changed
//! where it must be and nowhere else.

use serde_json::Value;

use super::{diff, read};
use crate::actions::Refusal;
use crate::actions::document::parse;
use crate::actions::edit::{self, Count, Edit, Flavor};
use crate::actions::resubmit::indexes;
use crate::model::ids::Key;
use crate::model::indexset::IndexSet;
use crate::panes::palette::Command;
use crate::panes::pick::{Found, Pick, Typed, matching};
use crate::panes::{Cx, Level, Reply};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Only these indexes, as another Job.
    Indexes(IndexSet),
    Queue(String),
    Priority(String),
    Image(String),
    Pods(Count),
    Flavor(Box<Flavor>),
    /// Ask about deleting what it was made from, once the new one is there.
    DeleteOld(bool),
}

/// A text after a change.
pub struct Applied {
    pub text: String,
    pub notes: Vec<String>,
    /// All of the document was written anew.
    pub reprinted: bool,
}

/// Changes the document that a line is in.
///
/// # Errors
/// It does not parse, or cannot be changed so.
pub fn apply(text: &str, line: usize, change: &Change) -> Result<Applied, Refusal> {
    let documents = parse(text).map_err(|fault| {
        Refusal::new(format!("it does not parse yet ({fault})")).next("mend that first")
    })?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (at, range) = read::document_at(&documents, line, lines.len())
        .ok_or_else(|| Refusal::new("there is nothing in it yet"))?;
    let old = &documents[at].value;
    let mut new = old.clone();
    let notes = set(&mut new, change)?;
    let whole = documents.len() == 1;
    let (before, part, after) = match whole {
        // comments before it belong to it
        true => (String::new(), text.to_owned(), String::new()),
        false => (
            lines[..range.start].concat(),
            lines[range.clone()].concat(),
            lines[range.end..].concat(),
        ),
    };
    let (printed, anew) = (read::print(old), read::print(&new));
    let carried = diff::carry(&printed, &anew, &part);
    // what was carried must be what was meant
    let carried = carried.filter(|text| {
        let read = parse(text).ok();
        read.is_some_and(|read| read.len() == 1 && read[0].value == new)
    });
    let reprinted = carried.is_none();
    let part = carried.unwrap_or_else(|| match whole {
        true => anew,
        false => format!("{anew}{}", if after.is_empty() { "" } else { "---\n" }),
    });
    Ok(Applied {
        text: format!("{before}{part}{after}"),
        notes,
        reprinted,
    })
}

fn set(manifest: &mut Value, change: &Change) -> Edit {
    match change {
        Change::Indexes(wanted) => indexes::only(manifest, wanted),
        Change::Queue(name) => edit::queue(manifest, name),
        Change::Priority(class) => edit::priority(manifest, class),
        Change::Image(image) => edit::image(manifest, image),
        Change::Pods(count) => edit::parallelism(manifest, count),
        Change::Flavor(flavor) => edit::flavor(manifest, flavor),
        Change::DeleteOld(_) => Ok(Vec::new()),
    }
}

/// The settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Failed,
    Queue,
    Priority,
    Image,
    Pods,
    Flavor,
    DeleteOld,
}

impl What {
    const ALL: [What; 7] = [
        What::Failed,
        What::Queue,
        What::Priority,
        What::Image,
        What::Pods,
        What::Flavor,
        What::DeleteOld,
    ];

    fn name(self) -> &'static str {
        match self {
            What::Failed => "only the failed indexes",
            What::Queue => "queue",
            What::Priority => "priority",
            What::Image => "image",
            What::Pods => "pods at a time",
            What::Flavor => "GPU flavor",
            What::DeleteOld => "delete the old one after",
        }
    }
}

/// The list.
pub struct Options {
    /// None: which setting.
    page: Option<What>,
    typed: Typed,
    /// The manifest as it is in the text; null where it does not parse.
    manifest: Value,
    namespace: String,
    /// The indexes that failed, or why they are not known; none where there are no indexes.
    failed: Option<Result<String, String>>,
    /// What it was made from is still there, and is deleted afterwards.
    old: Option<bool>,
}

impl Options {
    pub(super) fn of(editor: &super::Editor, cx: &Cx) -> Self {
        let text = editor.buffer.text();
        let documents = parse(&text).unwrap_or_default();
        let line = editor.buffer.cursor().0;
        let lines = editor.buffer.lines().len();
        let at = read::document_at(&documents, line, lines).map(|(at, _)| at);
        let manifest = at.map_or(Value::Null, |at| documents[at].value.clone());
        let namespace = manifest["metadata"]["namespace"].as_str();
        let here = cx.session.namespace.as_deref().unwrap_or(&cx.session.home);
        Self {
            page: None,
            typed: Typed::default(),
            failed: failed(editor, &manifest),
            namespace: namespace.unwrap_or(here).to_owned(),
            manifest,
            old: editor.old().map(|_| editor.delete_old),
        }
    }

    /// Those that this manifest has.
    fn settings(&self) -> impl Iterator<Item = What> {
        let (old, failed) = (self.old.is_some(), self.failed.is_some());
        What::ALL.into_iter().filter(move |what| match what {
            What::DeleteOld => old,
            What::Failed => failed,
            _ => true,
        })
    }

    fn now(&self, what: What) -> String {
        let label = |key| {
            edit::label(&self.manifest, key)
                .unwrap_or("none")
                .to_owned()
        };
        match what {
            What::Failed => match &self.failed {
                Some(Ok(failed)) => failed.clone(),
                Some(Err(why)) => why.clone(),
                None => String::new(),
            },
            What::Queue => label(edit::QUEUE),
            What::Priority => label(edit::CLASS),
            What::DeleteOld => match self.old {
                Some(true) => "yes: it is asked about then".into(),
                _ => "no".into(),
            },
            What::Image => {
                let roles = edit::roles(&self.manifest);
                let at = roles
                    .first()
                    .map(|role| format!("{}/spec/containers/0/image", role.at));
                let image =
                    at.and_then(|at| self.manifest.pointer(&at)?.as_str().map(str::to_owned));
                image.unwrap_or_default()
            }
            What::Pods => match &self.manifest["spec"]["parallelism"] {
                Value::Number(n) => n.to_string(),
                _ => "8, or ROLE=8 where several parts could be meant".into(),
            },
            What::Flavor => "nodes of one of Kueue's flavors".into(),
        }
    }

    /// Names, and what they are.
    fn choices(&self, cx: &Cx) -> Vec<(String, String)> {
        let here = |key: Key| key.cluster == cx.session.cluster;
        let kueue = &cx.model.kueue;
        let mut all: Vec<(String, String)> = match self.page {
            None => {
                let all = self.settings();
                return all
                    .map(|what| (what.name().to_owned(), self.now(what)))
                    .collect();
            }
            Some(What::Queue) => {
                let rows = kueue.local_queues.rows();
                let rows = rows.filter(|q| here(q.key) && *q.namespace == *self.namespace);
                rows.map(|q| {
                    let about = format!("of {}: {} wait", q.cluster_queue, q.pending);
                    (q.name.to_string(), about)
                })
                .collect()
            }
            Some(What::Priority) => {
                let rows = kueue.priority_classes.rows().filter(|c| here(c.key));
                rows.map(|c| (c.name.to_string(), format!("priority {}", c.value)))
                    .collect()
            }
            Some(What::Flavor) => {
                let rows = kueue.flavors.rows().filter(|f| here(f.key));
                rows.map(|f| {
                    let labels = f.node_labels.iter().map(|(k, v)| format!("{k}={v}"));
                    (f.name.to_string(), labels.collect::<Vec<_>>().join(" "))
                })
                .collect()
            }
            Some(What::Failed | What::Image | What::Pods | What::DeleteOld) => Vec::new(),
        };
        all.sort();
        all
    }

    /// A setting was chosen: its values, or at once where it has but two.
    fn which(&mut self, at: usize) -> Reply {
        let Some(what) = self.settings().nth(at) else {
            return Reply::Done;
        };
        if what == What::DeleteOld {
            let on = self.old != Some(true);
            return Reply::Run(Command::Change(Change::DeleteOld(on)));
        }
        self.page = Some(what);
        let text = match what {
            What::Image => self.now(what),
            What::Failed => match &self.failed {
                Some(Ok(failed)) => failed.clone(),
                _ => String::new(),
            },
            _ => String::new(),
        };
        self.typed.set(&text);
        Reply::Prompt {
            label: what.name().into(),
            text,
        }
    }

    fn value(&self, what: What, named: Option<String>, cx: &Cx) -> Reply {
        let typed = self.typed.text.trim();
        let change = match (what, named) {
            (What::Failed, _) => {
                let all = self.manifest["spec"]["completions"].as_u64();
                let all = all.and_then(|n| u32::try_from(n).ok());
                let wanted = IndexSet::parse(typed, all);
                if wanted.is_empty() {
                    let text = "write indexes of it: 3,7-9";
                    return Reply::Say(Level::Warning, text.into());
                }
                Change::Indexes(wanted)
            }
            (What::Queue, Some(name)) => Change::Queue(name),
            (What::Priority, Some(name)) => Change::Priority(name),
            (What::Image, _) if !typed.is_empty() => Change::Image(typed.to_owned()),
            (What::Pods, _) => match typed.parse::<Count>() {
                Ok(count) => Change::Pods(count),
                Err(why) => return Reply::Say(Level::Warning, why),
            },
            (What::Flavor, Some(name)) => {
                let mut rows = cx.model.kueue.flavors.rows();
                let row = rows.find(|f| *f.name == *name && f.key.cluster == cx.session.cluster);
                let Some(row) = row else {
                    let text = format!("flavor {name} is not seen here");
                    return Reply::Say(Level::Warning, text);
                };
                Change::Flavor(Box::new(flavor(row)))
            }
            _ => return Reply::Done,
        };
        Reply::Run(Command::Change(change))
    }
}

/// The indexes that failed of what a text is made from.
fn failed(editor: &super::Editor, manifest: &Value) -> Option<Result<String, String>> {
    if manifest["spec"]["completionMode"] != "Indexed" {
        return None;
    }
    if let super::From::Kept { failed, .. } = &editor.start.from
        && !failed.is_empty()
    {
        return Some(Ok(failed.clone()));
    }
    let found = indexes::failed(editor.source.as_ref()?);
    Some(match found {
        Ok((set, _)) => Ok(set.to_string()),
        Err(refusal) => Err(refusal.why),
    })
}

/// What choosing a flavor asks for.
fn flavor(row: &crate::model::kueue::objects::FlavorRow) -> Flavor {
    let taint = |text: &str| {
        let (key, effect) = text.rsplit_once(':').unwrap_or((text, ""));
        let (key, value) = key
            .split_once('=')
            .map_or((key, None), |(k, v)| (k, Some(v)));
        serde_json::json!({"key": key, "value": value, "effect": effect})
    };
    let labels = row.node_labels.iter();
    let labels = labels.map(|(k, v)| (k.to_string(), Value::from(&**v)));
    Flavor::of(&serde_json::json!({
        "metadata": {"name": &*row.name},
        "spec": {
            "nodeLabels": labels.collect::<serde_json::Map<_, _>>(),
            "nodeTaints": row.node_taints.iter().map(|t| taint(t)).collect::<Vec<_>>(),
        },
    }))
}

impl Pick for Options {
    fn typed(&self) -> &Typed {
        &self.typed
    }

    fn typed_mut(&mut self) -> &mut Typed {
        &mut self.typed
    }

    fn name(&self, _cx: &Cx) -> String {
        match self.page {
            None => "change".into(),
            Some(what) => what.name().into(),
        }
    }

    fn found(&self, cx: &Cx) -> Vec<Found> {
        matching(&self.typed.text, self.choices(cx))
    }

    fn none(&self, cx: &Cx) -> String {
        let words = match self.page {
            Some(What::Failed) => {
                "enter takes these indexes; how its programs know them is said above the text"
            }
            Some(what @ (What::Image | What::Pods)) => {
                return format!("now {}; enter changes it", self.now(what));
            }
            Some(_) if self.choices(cx).is_empty() => {
                "none is seen here: type its name, then enter"
            }
            _ => "nothing matches",
        };
        words.into()
    }

    fn choose(&mut self, at: Option<usize>, cx: &Cx) -> Reply {
        match (self.page, at) {
            (None, Some(at)) => self.which(at),
            (None, None) => Reply::Done,
            (Some(what), at) => {
                let all = self.choices(cx);
                let typed = self.typed.text.trim();
                let named = at.map(|at| all[at].0.clone());
                // where they may not be listed, a name that is typed is taken
                let bare = Some(typed.to_owned()).filter(|t| !t.is_empty() && all.is_empty());
                self.value(what, named.or(bare), cx)
            }
        }
    }
}
