//! What a watch, or the reader of a recording, holds of one kind: the objects it reads, and the rows made of them. This
//! is all that is compiled for each kind; how lists and lines are read, and a watch kept, is the same for all.

use std::{mem, vec};

use serde::Deserialize;
use serde_json::Result;

use super::lax::{self, Text};
use super::list::ListMeta;
use super::meta::Meta;
use super::{Event, Wire};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names, Uid};

/// Objects of one kind: reads them, and holds what was read.
pub trait Objects: Send {
    /// Reads an object; it is held until the next one, or nothing if it cannot be read whole.
    fn read(&mut self, json: &str) -> Result<()>;
    /// Reads a line of a watch, and holds its object; what is told of that.
    fn line(&mut self, json: &str) -> Result<Text>;
    /// Reads a list answer, and holds its objects beside that one.
    fn list(&mut self, json: &str) -> Result<ListMeta>;
    /// Reads an object without holding it, to learn what is wrong with it; whether it is nobody.
    fn is_nobody(&self, json: &str) -> Result<bool>;
    /// The object that was read last.
    fn held(&self) -> Option<&Meta>;
    /// That object is one of the list.
    fn enlist(&mut self);
    fn listed(&self) -> usize;
    /// Whether one of the list is nobody.
    fn lists_nobody(&self) -> bool;
    /// Holds no object any more.
    fn forget(&mut self);
}

/// Objects of one kind, and the rows made of them that are not yet passed on.
pub trait Batch: Objects {
    /// Makes a row of the object that is held: in the place of another, or after all.
    fn row(&mut self, place: Option<usize>, cluster: ClusterId, names: &mut Names);
    /// Makes rows of the list's objects, as long as there are fewer rows than this; how many there are.
    fn fill(&mut self, until: usize, cluster: ClusterId, names: &mut Names) -> usize;
    /// How many rows there are.
    fn rows(&self) -> usize;
    /// Takes them all.
    fn take(&mut self) -> Rows;
    /// A change of their table without rows.
    fn change(&self, bare: Bare) -> Rows;
}

/// What a watch says beside rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bare {
    Restart,
    Gone(Vec<Uid>),
    Synced,
    Dropped,
}

/// An empty batch of a type.
pub fn batch<W: Wire>() -> Box<dyn Batch> {
    Box::<Typed<W>>::default()
}

/// The objects and rows of a type.
pub struct Typed<W: Wire> {
    held: Option<W>,
    listed: vec::IntoIter<W>,
    rows: Vec<W::Row>,
}

impl<W: Wire> Default for Typed<W> {
    fn default() -> Self {
        Self {
            held: None,
            listed: vec::IntoIter::default(),
            rows: Vec::new(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "W: Deserialize<'de> + Default")]
struct RawPage<W> {
    #[serde(deserialize_with = "lax::object")]
    metadata: ListMeta,
    #[serde(deserialize_with = "lax::list")]
    items: Vec<W>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "W: Deserialize<'de> + Default")]
struct RawEvent<W> {
    #[serde(rename = "type", deserialize_with = "lax::text")]
    kind: Text,
    #[serde(deserialize_with = "lax::object")]
    object: W,
}

impl<W: Wire> Typed<W> {
    /// The list's objects.
    pub fn into_list(self) -> Vec<W> {
        self.listed.collect()
    }

    /// What a line told, with its object.
    pub fn into_event(self, event: Event) -> Event<W> {
        match (event, self.held) {
            (Event::Applied(_), Some(object)) => Event::Applied(object),
            (Event::Deleted(_), Some(object)) => Event::Deleted(object),
            (Event::Bookmark { version, end }, _) => Event::Bookmark { version, end },
            (Event::Error(status), _) => Event::Error(status),
            (Event::Applied(_) | Event::Deleted(_) | Event::Unknown, _) => Event::Unknown,
        }
    }
}

/// Compiled once, whoever calls it.
#[inline(never)]
fn whole<W: Wire>(json: &str) -> Result<W> {
    serde_json::from_str(json)
}

impl<W: Wire> Objects for Typed<W> {
    fn read(&mut self, json: &str) -> Result<()> {
        self.held = None;
        self.held = Some(whole(json)?);
        Ok(())
    }

    fn line(&mut self, json: &str) -> Result<Text> {
        self.held = None;
        let RawEvent { kind, object } = serde_json::from_str(json)?;
        self.held = Some(object);
        Ok(kind)
    }

    fn list(&mut self, json: &str) -> Result<ListMeta> {
        let RawPage { metadata, items } = serde_json::from_str(json)?;
        self.listed = items.into_iter();
        Ok(metadata)
    }

    fn is_nobody(&self, json: &str) -> Result<bool> {
        whole::<W>(json).map(|object| object.meta().is_nobody())
    }

    fn held(&self) -> Option<&Meta> {
        self.held.as_ref().map(W::meta)
    }

    fn enlist(&mut self) {
        // keeps its room
        let mut listed: Vec<W> = mem::take(&mut self.listed).collect();
        listed.extend(self.held.take());
        self.listed = listed.into_iter();
    }

    fn listed(&self) -> usize {
        self.listed.len()
    }

    fn lists_nobody(&self) -> bool {
        let mut listed = self.listed.as_slice().iter();
        listed.any(|object| object.meta().is_nobody())
    }

    fn forget(&mut self) {
        self.held = None;
        self.listed = vec::IntoIter::default();
    }
}

impl<W: Wire> Batch for Typed<W> {
    fn row(&mut self, place: Option<usize>, cluster: ClusterId, names: &mut Names) {
        let Some(object) = self.held.take() else {
            return;
        };
        let row = object.row(cluster, names);
        match place.and_then(|at| self.rows.get_mut(at)) {
            Some(old) => *old = row,
            None => self.rows.push(row),
        }
    }

    fn fill(&mut self, until: usize, cluster: ClusterId, names: &mut Names) -> usize {
        while self.rows.len() < until {
            match self.listed.next() {
                Some(object) => self.rows.push(object.row(cluster, names)),
                None => {
                    self.listed = vec::IntoIter::default();
                    break;
                }
            }
        }
        self.rows.len()
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn take(&mut self) -> Rows {
        W::rows(Change::Rows(mem::take(&mut self.rows)))
    }

    fn change(&self, bare: Bare) -> Rows {
        W::rows(match bare {
            Bare::Restart => Change::Restart,
            Bare::Gone(uids) => Change::Gone(uids),
            Bare::Synced => Change::Synced,
            Bare::Dropped => Change::Dropped,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::wire::namespace::Namespace;
    use crate::cluster::wire::{line, list};

    const CLUSTER: ClusterId = ClusterId(0);

    fn object(name: &str, phase: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"{name}","uid":"{name}"}},"status":{{"phase":"{phase}"}}}}"#
        )
    }

    fn taken(batch: &mut dyn Batch) -> Vec<(String, bool)> {
        match batch.take() {
            Rows::Namespaces(Change::Rows(rows)) => rows
                .iter()
                .map(|row| (row.name.to_string(), row.terminating))
                .collect(),
            other => panic!("other rows: {other:?}"),
        }
    }

    #[test]
    fn a_list_becomes_rows_as_many_as_are_wanted_at_a_time() {
        let mut batch = batch::<Namespace>();
        let mut names = Names::default();
        // the second makes the list be read one by one
        let twice =
            r#"{"metadata":{"name":"b","uid":"b"},"status":{"phase":"","phase":"Terminating"}}"#;
        let items = [&object("a", "Active"), twice, &object("c", "Active")].join(",");
        let json = format!(r#"{{"metadata":{{"resourceVersion":"7"}},"items":[{items}]}}"#);
        let page = list::page(&mut *batch, json.as_bytes()).unwrap();
        assert_eq!(
            (page.items, page.skipped, page.version.as_str()),
            (3, 1, "7")
        );
        assert_eq!(list::version(json.as_bytes()).unwrap(), "7");
        assert_eq!(batch.fill(2, CLUSTER, &mut names), 2);
        assert_eq!(batch.listed(), 1);
        let row = |name: &str, terminating| (name.to_owned(), terminating);
        assert_eq!(taken(&mut *batch), [row("a", false), row("b", true)]);
        assert_eq!(batch.fill(2, CLUSTER, &mut names), 1);
        assert_eq!(taken(&mut *batch), [row("c", false)]);
        assert_eq!(batch.fill(2, CLUSTER, &mut names), 0);
        // nothing is left of one list in the next
        list::page(&mut *batch, json.as_bytes()).unwrap();
        assert!(list::page(&mut *batch, b"[").is_err());
        assert_eq!(batch.listed(), 0);
    }

    #[test]
    fn a_later_state_takes_the_place_of_an_earlier_one() {
        let mut batch = batch::<Namespace>();
        let mut names = Names::default();
        let mut told = |place: Option<usize>, object: &str| {
            let json = format!(r#"{{"type":"MODIFIED","object":{object}}}"#);
            let event = line::event(&mut *batch, json.as_bytes()).unwrap();
            assert!(matches!(event, Event::Applied(_)), "{event:?}");
            batch.row(place, CLUSTER, &mut names);
            // it is no longer held
            batch.row(None, CLUSTER, &mut names);
            batch.rows()
        };
        assert_eq!(told(None, &object("a", "Active")), 1);
        assert_eq!(told(None, &object("b", "Active")), 2);
        assert_eq!(told(Some(0), &object("a", "Terminating")), 2);
        let row = |name: &str, terminating| (name.to_owned(), terminating);
        assert_eq!(taken(&mut *batch), [row("a", true), row("b", false)]);
        assert_eq!(batch.rows(), 0);
    }

    #[test]
    fn what_cannot_be_read_is_not_held() {
        let mut batch = batch::<Namespace>();
        assert!(batch.read(&object("a", "Active")).is_ok());
        assert_eq!(batch.held().map(|meta| meta.name.as_str()), Some("a"));
        // to look what is wrong with another changes nothing
        assert_eq!(batch.is_nobody("{}").ok(), Some(true));
        assert!(batch.is_nobody("7").is_err());
        assert!(batch.held().is_some());
        assert!(batch.read("7").is_err());
        assert!(batch.held().is_none());
    }
}
