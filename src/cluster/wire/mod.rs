//! What we read of each API kind: slim serde types, one file per kind, each ending in a flat model row.
//! Fields we do not use (managedFields, env, volumes, images of pods …) are skipped without being decoded.

pub mod cronjob;
pub mod dra;
pub mod event;
pub mod extra;
pub mod job;
pub mod kinds;
pub mod kueue;
pub mod lax;
pub mod meta;
pub mod namespace;
pub mod node;
mod part;
pub mod placement;
pub mod pod;
mod raw;
pub mod template;
mod unread;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use meta::Meta;
pub use raw::{Bare, Decode, Decoder, Nothing, objects};
pub use unread::Unread;

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
    /// Elements that nobody can be made of, or only with parts of them.
    pub skipped: usize,
    /// Elements of which a value was read as absent, or as the nearest that fits.
    pub odd: usize,
    /// What is wrong with the first of both.
    pub unread: Vec<Unread>,
}

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

/// Reads a list answer. An element that cannot be read whole (repeated keys, numbers beyond f64) is read in part and
/// counted; only an answer that is no JSON list at all is an error.
pub fn page<W: Wire>(json: &[u8]) -> Result<Page<W>, serde_json::Error> {
    let json = text(json);
    lax::take_odd();
    let read = serde_json::from_str::<RawPage<W>>(&json);
    let is_sound = lax::take_odd() == 0;
    let (metadata, read) = match read {
        Ok(page) if is_sound && !page.items.iter().any(|item| item.meta().is_nobody()) => {
            (page.metadata, part::Items::whole(page.items))
        }
        Ok(_) | Err(_) => one_by_one(&json)?,
    };
    Ok(Page {
        items: read.items,
        skipped: read.skipped,
        odd: read.odd,
        unread: read.unread,
        version: metadata.resource_version,
        next: Some(metadata.next).filter(|t| !t.is_empty()),
        remaining: metadata.remaining_item_count.map(|n| n as usize),
    })
}

/// The slow way, for a page with an element the fast way fails on, or in which something is odd.
fn one_by_one<W: Wire>(json: &str) -> Result<(ListMeta, part::Items<W>), serde_json::Error> {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        #[serde(default, deserialize_with = "lax::object")]
        metadata: ListMeta,
        #[serde(borrow, default)]
        items: Option<&'a RawValue>,
    }
    let page: Borrowed = serde_json::from_str(json)?;
    // what is no list has nothing in it
    let items = page.items.map(|raw| serde_json::from_str(raw.get()));
    let items: Vec<&RawValue> = items.and_then(Result::ok).unwrap_or_default();
    let mut read = part::Items::default();
    for item in items {
        read.push(item.get());
    }
    Ok((page.metadata, read))
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
    let raw = serde_json::from_str::<RawEvent<W>>(&line)?;
    made(raw, &line)
}

fn made<W: Wire>(raw: RawEvent<W>, line: &str) -> Result<Event<W>, serde_json::Error> {
    let RawEvent { kind, object } = raw;
    Ok(match kind.as_str() {
        "ADDED" | "MODIFIED" if !object.meta().is_nobody() => Event::Applied(object),
        "DELETED" if !object.meta().is_nobody() => Event::Deleted(object),
        "BOOKMARK" => Event::Bookmark {
            version: object.meta().resource_version.as_str().into(),
            end: object.meta().annotations.initial_events_end == "true",
        },
        "ERROR" => Event::Error(serde_json::from_str::<RawStatus>(line)?.object),
        _ => Event::Unknown,
    })
}

/// What is wrong with a line of a watch of which not all could be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Odd {
    /// Nobody could be made of it, or only with parts; else values were read as absent or as the nearest that fits.
    pub is_lost: bool,
    /// In words, where that was asked for.
    pub unread: Option<Unread>,
}

/// As [`event`], but a line with what no decoder can read is read as far as that goes, and what is wrong with it is told;
/// in words if `describe`, which takes reading it once more. An error means that it is not whole JSON.
pub fn event_in_part<W: Wire>(
    line: &[u8],
    describe: bool,
) -> Result<(Event<W>, Option<Odd>), serde_json::Error> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(rename = "type", default, deserialize_with = "lax::text")]
        kind: lax::Text,
        #[serde(borrow)]
        object: &'a RawValue,
    }
    let line = &*text(line);
    lax::take_odd();
    let read = serde_json::from_str(line).and_then(|raw| made::<W>(raw, line));
    let is_sound = lax::take_odd() == 0;
    let (event, is_lost) = match read {
        Ok(event @ (Event::Bookmark { .. } | Event::Error(_))) => return Ok((event, None)),
        Ok(Event::Unknown) => (Event::Unknown, true),
        Ok(event) if is_sound => return Ok((event, None)),
        Ok(event) => (event, false),
        Err(e) => {
            let Ok(Line { kind, object }) = serde_json::from_str::<Line>(line) else {
                return Err(e);
            };
            let event = match part::of::<W>(object.get()) {
                Some(object) => made(RawEvent { kind, object }, line)?,
                None => Event::Unknown,
            };
            (event, true)
        }
    };
    let unread = describe.then(|| Unread::of_line::<W>(line));
    Ok((event, Some(Odd { is_lost, unread })))
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
