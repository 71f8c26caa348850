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
pub mod line;
pub mod list;
pub mod meta;
pub mod namespace;
pub mod node;
mod objects;
mod part;
pub mod placement;
pub mod pod;
pub mod raw;
pub mod template;
mod unread;

use std::borrow::Cow;

use serde::Deserialize;

use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
pub use line::{Event, Odd, Who};
pub use list::Page;
use meta::Meta;
use objects::Typed;
pub use objects::{Bare, Batch, Objects, batch};
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

/// JSON as text. Checked as a whole to be UTF-8, which is much faster than text by text; what is none reads as U+FFFD.
fn text(json: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(json)
}

/// A list answer read by a type, with its objects: see [`list::page`].
///
/// # Errors
/// It is no JSON list at all.
pub fn page<W: Wire>(json: &[u8]) -> serde_json::Result<Page<Vec<W>>> {
    let mut objects = Typed::<W>::default();
    let page = list::page(&mut objects, json)?;
    Ok(page.of(objects.into_list()))
}

/// One line of a watch read by a type, with its object: see [`line::event`].
///
/// # Errors
/// It is not whole JSON, or holds what no decoder can read.
pub fn event<W: Wire>(line: &[u8]) -> serde_json::Result<Event<W>> {
    let mut objects = Typed::<W>::default();
    let event = line::event(&mut objects, line)?;
    Ok(objects.into_event(event))
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
