//! What can be made of an object that cannot be read whole.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Unread, Wire, lax};

/// Of a page no more are described.
const DESCRIBED: usize = 5;

/// The elements of a list, read one by one.
pub struct Items<W> {
    pub items: Vec<W>,
    /// Nobody could be made of these, or only with parts.
    pub skipped: usize,
    /// Of these a value was read as absent, or as the nearest that fits.
    pub odd: usize,
    /// What is wrong with the first of both.
    pub unread: Vec<Unread>,
}

impl<W> Default for Items<W> {
    fn default() -> Self {
        Self::whole(Vec::new())
    }
}

impl<W> Items<W> {
    /// Nothing is wrong with these.
    pub fn whole(items: Vec<W>) -> Self {
        Self {
            items,
            skipped: 0,
            odd: 0,
            unread: Vec::new(),
        }
    }
}

impl<W: Wire> Items<W> {
    pub fn push(&mut self, json: &str) {
        lax::take_odd();
        let whole = serde_json::from_str::<W>(json).ok();
        let whole = whole.filter(|item| !item.meta().is_nobody());
        let is_odd = lax::take_odd() > 0;
        match &whole {
            Some(_) if is_odd => self.odd += 1,
            Some(_) => {}
            None => self.skipped += 1,
        }
        if (is_odd || whole.is_none()) && self.unread.len() < DESCRIBED {
            self.unread.push(Unread::of::<W>(json));
        }
        self.items.extend(whole.or_else(|| of(json)));
    }
}

/// Of repeated keys the last holds; of an object with numbers or texts that are none at least its metadata, or who it
/// is, can be told.
pub fn of<W: Wire>(json: &str) -> Option<W> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        metadata: &'a RawValue,
    }
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
    let with = |metadata: &str| serde_json::from_str(&format!("{{\"metadata\":{metadata}}}")).ok();
    let last = || {
        let value: serde_json::Value = serde_json::from_str(json).ok()?;
        W::deserialize(value).ok()
    };
    let head = || {
        let head: Head = serde_json::from_str(json).ok()?;
        with(head.metadata.get()).or_else(|| {
            let who: Who = serde_json::from_str(head.metadata.get()).ok()?;
            with(&serde_json::to_string(&who).ok()?)
        })
    };
    let made = last().or_else(head);
    lax::take_odd();
    made.filter(|made: &W| !made.meta().is_nobody())
}
