//! Objects as text: what a recording keeps of a list or a watch, and rows made of it later by the same types.

use std::marker::PhantomData;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Wire, lax, part};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names, Uid};

/// Makes changes of one kind out of what was recorded of it.
pub trait Decode: Sync {
    /// The rows of these objects; those nobody can be made of are left out.
    fn rows(&self, objects: &[&str], cluster: ClusterId, names: &mut Names) -> Option<Rows>;
    /// A change without rows.
    fn change(&self, step: Bare) -> Option<Rows>;
}

/// What a watch says beside rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bare {
    Restart,
    Gone(Vec<Uid>),
    Synced,
    Dropped,
}

/// The decoder of a type.
pub struct Decoder<W>(pub PhantomData<fn() -> W>);

impl<W: Wire> Decode for Decoder<W> {
    fn rows(&self, objects: &[&str], cluster: ClusterId, names: &mut Names) -> Option<Rows> {
        let read = |json: &&str| {
            let whole = serde_json::from_str::<W>(json).ok();
            let whole = whole.filter(|object| !object.meta().is_nobody());
            whole.or_else(|| part::of(json))
        };
        let objects = objects.iter().filter_map(read);
        let rows: Vec<W::Row> = objects.map(|object| object.row(cluster, names)).collect();
        lax::take_odd();
        Some(W::rows(Change::Rows(rows)))
    }

    fn change(&self, step: Bare) -> Option<Rows> {
        Some(W::rows(match step {
            Bare::Restart => Change::Restart,
            Bare::Gone(uids) => Change::Gone(uids),
            Bare::Synced => Change::Synced,
            Bare::Dropped => Change::Dropped,
        }))
    }
}

/// Of kinds that are never watched.
pub struct Nothing;

impl Decode for Nothing {
    fn rows(&self, _: &[&str], _: ClusterId, _: &mut Names) -> Option<Rows> {
        None
    }

    fn change(&self, _: Bare) -> Option<Rows> {
        None
    }
}

/// The objects of a list answer, or the one of a line of a watch, as they were sent.
pub fn objects(json: &[u8]) -> Vec<Box<str>> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Sent<'a> {
        #[serde(borrow)]
        items: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        object: Option<&'a RawValue>,
    }
    let json = super::text(json);
    let sent: Sent = serde_json::from_str(&json).unwrap_or_default();
    let items = sent.items.into_iter().flatten().chain(sent.object);
    items.map(|raw| raw.get().into()).collect()
}
