//! Columns of the user's own while a watch runs: what was read for them goes out before the rows, and others have the watch
//! list again.

use tokio::sync::watch;

use super::Runner;
use crate::cluster::report::Report;
use crate::model::delta::{Delta, Rows};
use crate::model::extra::{ExtraRows, List, Set, Sets};
use crate::model::want::Kind;

/// Waits until other columns of the user's own are shown of a kind.
pub async fn others(columns: &mut watch::Receiver<Sets>, kind: Kind, set: &Set) {
    if columns
        .wait_for(|sets| sets.of_kind(kind) != *set)
        .await
        .is_err()
    {
        std::future::pending().await
    }
}

impl Runner {
    /// What was read for columns of the user's own.
    pub(super) async fn flush_extra(&mut self) {
        let (Some(columns), Some(list)) = (&self.columns, List::of(self.source.entry.kind)) else {
            return;
        };
        if self.extra.is_empty() {
            return;
        }
        let read = ExtraRows {
            list,
            set: columns.set().clone(),
            rows: std::mem::take(&mut self.extra),
        };
        let delta = Delta {
            cluster: self.source.shared.cluster,
            source: self.source.id,
            rows: Rows::Extra(Box::new(read)),
        };
        self.deaf |= !self.source.shared.send(Report::Delta(delta)).await;
    }
}
