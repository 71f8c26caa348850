//! Objects as text: what a recording keeps of a list or a watch, and rows made of it later by the same types.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::objects::Batch;
use super::{lax, part};
use crate::model::delta::Rows;
use crate::model::ids::{ClusterId, Names};

/// The row of an object; none if nobody can be made of it.
pub fn row(batch: &mut dyn Batch, object: &str, cluster: ClusterId, names: &mut Names) -> Rows {
    if part::whole(batch, object) || part::read(batch, object) {
        batch.row(None, cluster, names);
    }
    lax::take_odd();
    batch.take()
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
