//! Objects as they were sent, for who records them.

use super::Runner;
use crate::cluster::report::Report;

impl Runner {
    /// Before the rows that are made of them.
    pub(super) async fn tell_raw(&mut self) {
        if self.raw.is_empty() {
            return;
        }
        let raw = Report::Raw {
            cluster: self.source.shared.cluster,
            source: self.source.id,
            objects: std::mem::take(&mut self.raw),
        };
        self.deaf |= !self.source.shared.send(raw).await;
    }
}
