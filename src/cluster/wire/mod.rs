//! What we read of each API kind: slim serde types, one file per kind, each ending in a flat model row.
//! Fields we do not use (managedFields, env, volumes, images of pods …) are skipped without being decoded.

pub mod cronjob;
pub mod dra;
pub mod event;
pub mod job;
pub mod kinds;
pub mod kueue;
pub mod lax;
pub mod meta;
pub mod namespace;
pub mod node;
pub mod placement;
pub mod pod;
pub mod template;
mod unread;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use meta::Meta;
pub use unread::{Unread, unread_event};

/// A kind as we read it.
pub trait Wire: for<'de> Deserialize<'de> + Default + Send + 'static {
    /// Its row in the model.
    type Row: Send + 'static;
    fn meta(&self) -> &Meta;
    fn row(self, cluster: ClusterId, names: &mut Names) -> Self::Row;
    /// Puts a change into its table's variant.
    fn rows(change: Change<Self::Row>) -> Rows;
}

/// The shape most kinds share.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    bound = "S: Deserialize<'de> + Default, T: Deserialize<'de> + Default"
)]
pub struct Object<S, T> {
    #[serde(deserialize_with = "lax::object")]
    pub metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    pub spec: S,
    #[serde(deserialize_with = "lax::object")]
    pub status: T,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<W> {
    pub items: Vec<W>,
    pub version: String,
    /// Token of the next page, if there is one.
    pub next: Option<String>,
    /// How many objects follow after this page, if the server told.
    pub remaining: Option<usize>,
    /// Elements that could not be read at all.
    pub skipped: usize,
    /// What is wrong with the first of them.
    pub unread: Vec<Unread>,
}

/// Of a page no more are described.
const UNREAD: usize = 5;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta {
    #[serde(deserialize_with = "lax::text")]
    resource_version: String,
    #[serde(rename = "continue", deserialize_with = "lax::text")]
    next: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    remaining_item_count: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "W: Deserialize<'de> + Default")]
struct RawPage<W> {
    #[serde(deserialize_with = "lax::object")]
    metadata: ListMeta,
    #[serde(deserialize_with = "lax::list")]
    items: Vec<W>,
}

/// JSON as text. Checked as a whole to be UTF-8, which is much faster than text by text; what is none reads as U+FFFD.
fn text(json: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(json)
}

/// Reads a list answer. An element that cannot be read (repeated keys, numbers beyond f64) is left out and counted;
/// only an answer that is no JSON list at all is an error.
pub fn page<W: Wire>(json: &[u8]) -> Result<Page<W>, serde_json::Error> {
    let json = text(json);
    let (metadata, mut items, mut unread) = match serde_json::from_str::<RawPage<W>>(&json) {
        Ok(page) => (page.metadata, page.items, Vec::new()),
        Err(_) => one_by_one(&json)?,
    };
    let before = items.len();
    items.retain(|item| !item.meta().is_nobody());
    let skipped = unread.len() + before - items.len();
    unread.truncate(UNREAD);
    unread.extend((items.len()..before).take(1).map(|_| Unread::nobody()));
    Ok(Page {
        items,
        skipped,
        unread,
        version: metadata.resource_version,
        next: Some(metadata.next).filter(|t| !t.is_empty()),
        remaining: metadata.remaining_item_count.map(|n| n as usize),
    })
}

/// The slow way, for a page with an element the fast way fails on.
fn one_by_one<W: Wire>(json: &str) -> Result<(ListMeta, Vec<W>, Vec<Unread>), serde_json::Error> {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        #[serde(default, deserialize_with = "lax::object")]
        metadata: ListMeta,
        #[serde(borrow, default)]
        items: Option<Vec<&'a RawValue>>,
    }
    let page: Borrowed = serde_json::from_str(json)?;
    let all = page.items.unwrap_or_default();
    let (mut items, mut bad) = (Vec::new(), Vec::new());
    for raw in all {
        match serde_json::from_str::<W>(raw.get()) {
            Ok(item) => items.push(item),
            // what is beyond these is only counted
            Err(_) if bad.len() >= UNREAD => bad.push(Unread::untold()),
            Err(_) => bad.push(Unread::of::<W>(raw.get())),
        }
    }
    Ok((page.metadata, items, bad))
}

/// One line of a watch.
#[derive(Debug)]
pub enum Event<W> {
    /// ADDED or MODIFIED.
    Applied(W),
    Deleted(W),
    Bookmark {
        version: String,
        /// It ends the initial events of a streamed list.
        end: bool,
    },
    /// An ERROR event's Status.
    Error(Status),
    /// A type this version of jobdeck does not know, or an object nobody can be made of.
    Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "W: Deserialize<'de> + Default")]
struct RawEvent<W> {
    #[serde(rename = "type", deserialize_with = "lax::text")]
    kind: lax::Text,
    #[serde(deserialize_with = "lax::object")]
    object: W,
}

/// Reads one line of a watch; an error means the line is not whole JSON, or holds what no decoder can read.
pub fn event<W: Wire>(line: &[u8]) -> Result<Event<W>, serde_json::Error> {
    let line = text(line);
    let RawEvent { kind, object } = serde_json::from_str::<RawEvent<W>>(&line)?;
    Ok(match kind.as_str() {
        "ADDED" | "MODIFIED" if !object.meta().is_nobody() => Event::Applied(object),
        "DELETED" if !object.meta().is_nobody() => Event::Deleted(object),
        "BOOKMARK" => Event::Bookmark {
            version: object.meta().resource_version.as_str().into(),
            end: object.meta().annotations.initial_events_end == "true",
        },
        "ERROR" => Event::Error(serde_json::from_str::<RawStatus>(&line)?.object),
        _ => Event::Unknown,
    })
}

#[derive(Deserialize)]
struct RawStatus {
    #[serde(default, deserialize_with = "lax::object")]
    object: Status,
}

/// `metav1.Status`, as errors carry it.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Status {
    #[serde(deserialize_with = "lax::text")]
    pub kind: String,
    #[serde(deserialize_with = "lax::count")]
    pub code: u32,
    #[serde(deserialize_with = "lax::text")]
    pub reason: String,
    #[serde(deserialize_with = "lax::text")]
    pub message: String,
    #[serde(deserialize_with = "lax::object")]
    pub details: StatusDetails,
}

#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatusDetails {
    #[serde(deserialize_with = "lax::count")]
    pub retry_after_seconds: u32,
}

#[cfg(test)]
mod tests;
