//! Columns of the user's own: a label, an annotation or any place of an object by JSONPath.
//!
//! Rows keep none of an object's text that no column shows, so what such a column shows is read where an object is
//! decoded, and kept beside the tables by the row's key: nothing at all where no such column is shown.

mod heading;
mod path;
mod pick;
mod saved;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use heading::Unknown;
pub use path::{Path, PathError, Step, find};
pub use pick::{Chosen, Columns, Pick, check, parts};
pub use saved::{ALL, Saved};

use super::ids::{ClusterId, Key, Name, Uid};
use super::quantity::Quantity;
use super::sort::Value;
use super::want::Kind;

/// A list with columns that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum List {
    /// Jobs of all kinds, and CronJobs among them.
    Jobs,
    Pods,
    Nodes,
    Events,
}

impl List {
    pub const ALL: [Self; 4] = [Self::Jobs, Self::Pods, Self::Nodes, Self::Events];

    /// Where objects of a kind are listed.
    pub fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Job | Kind::CronJob | Kind::Workload(_) => Some(Self::Jobs),
            Kind::Pod => Some(Self::Pods),
            Kind::Node => Some(Self::Nodes),
            Kind::Event => Some(Self::Events),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Pods => "pods",
            Self::Nodes => "nodes",
            Self::Events => "events",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.name() == name)
    }
}

/// Ids of such columns in a table, by their place among them. So many are shown of one list at most.
pub const IDS: [&str; 16] = [
    "extra-0", "extra-1", "extra-2", "extra-3", "extra-4", "extra-5", "extra-6", "extra-7",
    "extra-8", "extra-9", "extra-10", "extra-11", "extra-12", "extra-13", "extra-14", "extra-15",
];

/// Which of them an id is.
pub fn numbered(id: &str) -> Option<u8> {
    let at = IDS.iter().position(|known| *known == id)?;
    u8::try_from(at).ok()
}

/// What such a column shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// As it was written: `label:team`, `annotation:example.com/cost`, `jsonpath:.spec.nodeName`.
    pub text: Box<str>,
    pub title: Box<str>,
    /// Columns it may take; as its content needs, within bounds, if none is said.
    pub width: Option<u16>,
    path: Path,
}

impl Extra {
    /// Reads `label:KEY`, `annotation:KEY`, `jsonpath:PATH`, or a path that begins as one.
    ///
    /// # Errors
    /// `None`: it begins as none of these. Else what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Option<String>> {
        let text = text.trim();
        let field = |of: &str, key: &str| match key.trim() {
            "" => Err(Some(format!("{text}: which {of}? {of}:KEY"))),
            key => Ok((
                Path::fields(["metadata", &format!("{of}s"), key]),
                tail(key),
            )),
        };
        let begins = text.starts_with(['.', '{', '$', '[']);
        let (path, title) = match text.split_once(':') {
            Some(("label", key)) => field("label", key)?,
            Some(("annotation", key)) => field("annotation", key)?,
            Some(("jsonpath", path)) => by_path(path)?,
            _ if begins => by_path(text)?,
            _ => return Err(None),
        };
        let text = match begins {
            true => format!("jsonpath:{text}"),
            false => text.to_owned(),
        };
        Ok(Self {
            text: text.into(),
            title: title.into(),
            width: None,
            path,
        })
    }

    pub fn titled(self, title: &str) -> Self {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        match title.is_empty() {
            true => self,
            false => Self {
                title: title.into(),
                ..self
            },
        }
    }

    pub fn wide(self, width: Option<u16>) -> Self {
        Self { width, ..self }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It is meant by this name in a filter: upper and lower case alike, a dash for a blank.
    pub fn is_called(&self, name: &str) -> bool {
        let fold = |c: char| match c {
            ' ' | '_' => '-',
            c => c.to_ascii_lowercase(),
        };
        let text = self.text.split_once(':').map_or("", |(_, text)| text);
        self.title.chars().map(fold).eq(name.chars().map(fold)) || text == name
    }
}

fn by_path(text: &str) -> Result<(Path, String), Option<String>> {
    let text = text.trim();
    let path = Path::parse(text).map_err(|e| Some(format!("{text}: {e}")))?;
    let names = path.steps().iter().rev();
    let mut last = names.filter_map(|step| match step {
        Step::Field(name) => Some(tail(name)),
        _ => None,
    });
    let title = last.next().unwrap_or_else(|| "VALUE".into());
    Ok((path, title))
}

/// `example.com/cost-centre` is headed `COST-CENTRE`.
fn tail(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or(key);
    name.to_uppercase()
}

/// The columns of one's own that one list shows.
pub type Set = Arc<[Extra]>;

/// Those of all lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sets([Set; List::ALL.len()]);

impl Sets {
    pub fn of(&self, list: List) -> &Set {
        &self.0[list as usize]
    }

    pub fn of_kind(&self, kind: Kind) -> Set {
        List::of(kind).map_or_else(Set::default, |list| self.of(list).clone())
    }

    pub fn put(&mut self, list: List, set: Set) {
        self.0[list as usize] = set;
    }
}

/// What one object has in each of them.
pub type Texts = Box<[Option<Name>]>;

/// What objects have in them, as they were read for this set.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtraRows {
    pub list: List,
    pub set: Set,
    pub rows: Vec<(Uid, Texts)>,
}

#[derive(Debug, Clone)]
struct Kept {
    set: Set,
    texts: Texts,
}

/// What is kept of them beside the tables.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    shown: Sets,
    rows: [HashMap<Key, Kept>; List::ALL.len()],
}

impl Extras {
    /// These are shown from now on. What was read for others stays until it is read again.
    pub fn show(&mut self, sets: &Sets) {
        self.shown = sets.clone();
        for list in List::ALL {
            if self.shown.of(list).is_empty() {
                self.rows[list as usize] = HashMap::new();
            }
        }
    }

    pub fn shown(&self, list: List) -> &[Extra] {
        self.shown.of(list)
    }

    /// Takes in what was read, and answers which rows show something else now.
    pub fn apply(&mut self, cluster: ClusterId, read: ExtraRows) -> Vec<Key> {
        let ExtraRows { list, set, rows } = read;
        let kept = &mut self.rows[list as usize];
        let mut changed = Vec::new();
        for (uid, texts) in rows {
            let key = Key { cluster, uid };
            let is = |kept: &Kept| kept.texts == texts && Arc::ptr_eq(&kept.set, &set);
            if kept.get(&key).is_some_and(is) {
                continue;
            }
            let had = match texts.iter().any(Option::is_some) {
                true => {
                    let set = set.clone();
                    kept.insert(key, Kept { set, texts });
                    true
                }
                false => kept.remove(&key).is_some(),
            };
            if had {
                changed.push(key);
            }
        }
        changed
    }

    /// A row is gone.
    pub fn forget(&mut self, list: List, key: Key) {
        let kept = &mut self.rows[list as usize];
        if !kept.is_empty() {
            kept.remove(&key);
        }
    }

    /// What a row has in one of the columns shown.
    pub fn text(&self, list: List, key: Key, column: u8) -> Option<&str> {
        let wanted = self.shown.of(list).get(usize::from(column))?;
        let kept = self.rows[list as usize].get(&key)?;
        let at = match Arc::ptr_eq(&kept.set, self.shown.of(list)) {
            true => usize::from(column),
            // read before the columns changed
            false => kept.set.iter().position(|of| of.text == wanted.text)?,
        };
        kept.texts.get(at)?.as_deref()
    }

    /// The same for sorting: amounts by what they are worth, times youngest first, other texts in natural order.
    pub fn value(&self, list: List, key: Key, column: u8) -> Value<'_> {
        self.text(list, key, column).map_or(Value::Missing, value)
    }

    /// Shows what a row has in each of them until `see` says yes; whether it did.
    pub fn any(&self, list: List, key: Key, see: &mut dyn FnMut(&str) -> bool) -> bool {
        let columns = 0..u8::try_from(self.shown.of(list).len()).unwrap_or(u8::MAX);
        { columns }.any(|at| self.text(list, key, at).is_some_and(&mut *see))
    }

    /// What a row has in the column of this name.
    pub fn named(&self, list: List, key: Key, name: &str) -> Option<&str> {
        let mut all = self.shown.of(list).iter();
        let at = all.position(|extra| extra.is_called(name))?;
        self.text(list, key, u8::try_from(at).ok()?)
    }

    /// Bytes kept, for `:self`.
    pub fn bytes(&self) -> usize {
        let row =
            |kept: &Kept| size_of::<(Key, Kept)>() + kept.texts.len() * size_of::<Option<Name>>();
        self.rows.iter().flat_map(HashMap::values).map(row).sum()
    }
}

/// A moment, if the text is one as Kubernetes writes them.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    // most texts are none: told by their look
    let looks = text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T');
    let at = looks.then(|| DateTime::parse_from_rfc3339(text).ok())?;
    at.map(|at| at.with_timezone(&Utc))
}

/// What a text is worth.
pub fn value(text: &str) -> Value<'_> {
    if let Some(at) = moment(text) {
        return Value::Int(-at.timestamp_millis());
    }
    match number(text) {
        Some(n) => Value::Int((n * 1000.0) as i64),
        None => Value::Text(text),
    }
}

/// A number or a Kubernetes quantity.
pub fn number(text: &str) -> Option<f64> {
    let begins = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    begins.then(|| Quantity::parse(text))?.map(Quantity::float)
}

/// Texts longer than this are cut: a cell shows no more.
const LONGEST: usize = 200;

/// What is found of an object, as one text.
pub fn text_of(found: &[&serde_json::Value]) -> Option<String> {
    let mut out = String::new();
    for value in found {
        let text: Cow<'_, str> = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text.into(),
            other => other.to_string().into(),
        };
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&text);
        if out.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| out.is_char_boundary(*at));
            out.truncate(end.unwrap_or(0));
            out.push('…');
            break;
        }
    }
    (!out.is_empty()).then_some(out)
}
