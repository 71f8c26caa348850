//! Which columns a list shows, and in which order: those it has by their names, and the user's own.

use std::sync::Arc;

use super::{Extra, IDS, List, Set, Sets};

/// One column that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// One the list has.
    Named(&'static str),
    /// `*`: those that are shown if none are chosen, as far as they are not chosen by themselves.
    Usual,
    Own(Extra),
}

/// The columns of one list, in their order.
pub type Chosen = Arc<[Pick]>;

impl List {
    /// What its columns are called.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Jobs => &[
                "state",
                "name",
                "namespace",
                "kind",
                "progress",
                "loss",
                "active",
                "retries",
                "gpus",
                "elapsed",
                "eta",
                "queue",
                "priority",
                "image",
                "reason",
                "age",
                "why",
            ],
            Self::Pods => &[
                "status",
                "name",
                "namespace",
                "ready",
                "restarts",
                "index",
                "job",
                "node",
                "gpus",
                "age",
                "why",
            ],
            Self::Nodes => &[
                "status", "name", "product", "used", "use", "free", "sick", "pods", "cpu",
                "memory", "version", "age", "zone", "taints",
            ],
            Self::Events => &[
                "last",
                "count",
                "type",
                "reason",
                "namespace",
                "about",
                "message",
                "by",
            ],
        }
    }

    /// A column by its name, or by what else it may be called.
    fn column(self, name: &str) -> Option<&'static str> {
        let name = match (self, name) {
            (_, "ns") => "namespace",
            (Self::Jobs, "status" | "phase") => "state",
            (Self::Pods | Self::Nodes, "state") => "status",
            (Self::Pods, "pod") => "name",
            (Self::Nodes, "node") => "name",
            (Self::Nodes, "gpu") => "product",
            (Self::Nodes, "gpus" | "requested") => "used",
            (Self::Nodes, "mem") => "memory",
            (Self::Events, "object") => "about",
            (Self::Events, "from" | "source") => "by",
            (Self::Events, "age" | "last-seen") => "last",
            (_, name) => name,
        };
        self.columns().iter().copied().find(|known| *known == name)
    }
}

impl Pick {
    /// A column as it is written in settings and on the command line.
    ///
    /// # Errors
    /// What is wrong with it, and what there is.
    pub fn parse(list: List, text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Usual);
        }
        if let Some(name) = list.column(&text.to_lowercase()) {
            return Ok(Self::Named(name));
        }
        Extra::parse(text).map(Self::Own).map_err(|why| {
            why.unwrap_or_else(|| {
                format!(
                    "{} have no column {text:?}: there are {}, * for the usual ones, and label:KEY, annotation:KEY, jsonpath:PATH",
                    list.name(),
                    list.columns().join(", ")
                )
            })
        })
    }

    /// As it is written, without its heading and width.
    pub fn text(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Usual => "*",
            Self::Own(extra) => &extra.text,
        }
    }
}

/// Parts of a text between separators; those in brackets, braces and quotes belong to a path.
pub fn parts(text: &str, is_end: impl Fn(char) -> bool) -> Vec<&str> {
    let (mut depth, mut quote, mut from) = (0i32, None, 0);
    let mut all = Vec::new();
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('[' | '{' | '(', None) => depth += 1,
            (']' | '}' | ')', None) => depth -= 1,
            (c, None) if depth <= 0 && is_end(c) => {
                all.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    all.push(&text[from..]);
    let all = all.into_iter().map(str::trim);
    all.filter(|part| !part.is_empty()).collect()
}

/// Columns that make sense together.
///
/// # Errors
/// Which do not.
pub fn check(all: &[Pick]) -> Result<(), String> {
    if all.is_empty() {
        return Err("no column at all: leave it out for the usual ones".into());
    }
    for (at, pick) in all.iter().enumerate() {
        if all[..at].iter().any(|other| other.text() == pick.text()) {
            return Err(format!("{} is there twice", pick.text()));
        }
    }
    match own(all).count() > IDS.len() {
        true => Err(format!("more than {} columns of one's own", IDS.len())),
        false => Ok(()),
    }
}

fn own(all: &[Pick]) -> impl Iterator<Item = &Extra> {
    all.iter().filter_map(|pick| match pick {
        Pick::Own(extra) => Some(extra),
        _ => None,
    })
}

/// Those of all lists; none: the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns([Option<Chosen>; List::ALL.len()]);

impl Columns {
    pub fn of(&self, list: List) -> Option<&Chosen> {
        self.0[list as usize].as_ref()
    }

    pub fn put(&mut self, list: List, chosen: Option<Chosen>) {
        self.0[list as usize] = chosen;
    }

    /// What has to be read of objects for them.
    pub fn sets(&self) -> Sets {
        let mut sets = Sets::default();
        for list in List::ALL {
            let chosen = self.of(list).map_or(&[][..], |all| all);
            let set: Set = own(chosen).take(IDS.len()).cloned().collect();
            sets.put(list, set);
        }
        sets
    }
}
