//! What can be made of an object that cannot be read whole.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::objects::Objects;
use super::{Unread, lax};

/// Of a page no more are described.
const DESCRIBED: usize = 5;

/// What is wrong with the elements of a list.
#[derive(Default)]
pub struct Flaws {
    /// Nobody could be made of these, or only with parts.
    pub skipped: usize,
    /// Of these a value was read as absent, or as the nearest that fits.
    pub odd: usize,
    /// What is wrong with the first of both.
    pub unread: Vec<Unread>,
}

impl Flaws {
    /// Reads an element as far as that goes.
    pub fn enlist(&mut self, objects: &mut dyn Objects, json: &str) {
        lax::take_odd();
        let is_whole = whole(objects, json);
        let is_odd = lax::take_odd() > 0;
        match is_whole {
            true if is_odd => self.odd += 1,
            true => {}
            false => self.skipped += 1,
        }
        if (is_odd || !is_whole) && self.unread.len() < DESCRIBED {
            self.unread.push(Unread::of(objects, json));
        }
        if is_whole || read(objects, json) {
            objects.enlist();
        }
    }
}

/// Reads an object; false if it cannot be read whole, or is nobody.
pub fn whole(objects: &mut dyn Objects, json: &str) -> bool {
    objects.read(json).is_ok() && is_somebody(objects)
}

fn is_somebody(objects: &dyn Objects) -> bool {
    objects.held().is_some_and(|meta| !meta.is_nobody())
}

/// Reads what there is. Of repeated keys the last holds; of an object with numbers or texts that are none at least its
/// metadata, or who it is, can be told. False if nobody can be made of it.
pub fn read(objects: &mut dyn Objects, json: &str) -> bool {
    let texts = [last, head, who];
    let mut texts = texts.iter().filter_map(|text| text(json));
    let is_read = texts.any(|text| objects.read(&text).is_ok());
    lax::take_odd();
    is_read && is_somebody(objects)
}

/// The object with the last of repeated keys.
fn last(json: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    Some(value.to_string())
}

/// Its metadata alone.
fn head(json: &str) -> Option<String> {
    Some(with(metadata(json)?.get()))
}

/// Who it is alone.
fn who(json: &str) -> Option<String> {
    #[derive(Default, Deserialize, Serialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Who {
        #[serde(deserialize_with = "lax::text")]
        name: String,
        #[serde(deserialize_with = "lax::text")]
        namespace: String,
        #[serde(deserialize_with = "lax::text")]
        uid: String,
        #[serde(deserialize_with = "lax::text")]
        resource_version: String,
    }
    let who: Who = serde_json::from_str(metadata(json)?.get()).ok()?;
    Some(with(&serde_json::to_string(&who).ok()?))
}

fn metadata(json: &str) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        metadata: &'a RawValue,
    }
    let head: Head = serde_json::from_str(json).ok()?;
    Some(head.metadata)
}

fn with(metadata: &str) -> String {
    format!("{{\"metadata\":{metadata}}}")
}
