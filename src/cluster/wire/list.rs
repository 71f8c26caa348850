//! A list answer: its objects, however odd, and what it says of itself.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::objects::Objects;
use super::part::Flaws;
use super::{Unread, lax};

/// One page of a list.
#[derive(Debug)]
pub struct Page<T = usize> {
    /// Its objects, or how many there are.
    pub items: T,
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

impl Page {
    /// The same with its objects.
    pub fn of<W>(self, items: Vec<W>) -> Page<Vec<W>> {
        Page {
            items,
            version: self.version,
            next: self.next,
            remaining: self.remaining,
            skipped: self.skipped,
            odd: self.odd,
            unread: self.unread,
        }
    }
}

/// `metav1.ListMeta`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListMeta {
    #[serde(deserialize_with = "lax::text")]
    resource_version: String,
    #[serde(rename = "continue", deserialize_with = "lax::text")]
    next: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    remaining_item_count: Option<u32>,
}

#[derive(Deserialize)]
struct Borrowed<'a> {
    #[serde(default, deserialize_with = "lax::object")]
    metadata: ListMeta,
    #[serde(borrow, default)]
    items: Option<&'a RawValue>,
}

/// Reads a list answer; its objects are held. An element that cannot be read whole (repeated keys, numbers beyond f64) is
/// read in part and counted; only an answer that is no JSON list at all is an error.
pub fn page(objects: &mut dyn Objects, json: &[u8]) -> serde_json::Result<Page> {
    let json = super::text(json);
    lax::take_odd();
    let read = objects.list(&json);
    let is_sound = lax::take_odd() == 0;
    let (metadata, flaws) = match read {
        Ok(metadata) if is_sound && !objects.lists_nobody() => (metadata, Flaws::default()),
        Ok(_) | Err(_) => one_by_one(objects, &json)?,
    };
    Ok(Page {
        items: objects.listed(),
        skipped: flaws.skipped,
        odd: flaws.odd,
        unread: flaws.unread,
        version: metadata.resource_version,
        next: Some(metadata.next).filter(|t| !t.is_empty()),
        remaining: metadata.remaining_item_count.map(|n| n as usize),
    })
}

/// The slow way, for a page with an element the fast way fails on, or in which something is odd.
fn one_by_one(objects: &mut dyn Objects, json: &str) -> serde_json::Result<(ListMeta, Flaws)> {
    objects.forget();
    let page: Borrowed = serde_json::from_str(json)?;
    // what is no list has nothing in it
    let items = page.items.map(|raw| serde_json::from_str(raw.get()));
    let items: Vec<&RawValue> = items.and_then(Result::ok).unwrap_or_default();
    let mut flaws = Flaws::default();
    for item in items {
        flaws.enlist(objects, item.get());
    }
    Ok((page.metadata, flaws))
}

/// The version of a list answer, whatever is in it.
pub fn version(json: &[u8]) -> serde_json::Result<String> {
    let json = super::text(json);
    let page: Borrowed = serde_json::from_str(&json)?;
    Ok(page.metadata.resource_version)
}
