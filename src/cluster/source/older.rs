//! A server that went back: restored from a backup, or behind a cache that repeats what was.

use super::Runner;
use crate::cluster::failure::Failure;
use crate::cluster::http::Ask;
use crate::cluster::sync::Input;
use crate::cluster::wire;

impl Runner {
    /// Whether the server is at an older version than this: a watch from it would be silent until that is reached, and
    /// what is there now would not be told.
    ///
    /// # Errors
    /// When there was no answer: it must be asked again.
    pub(super) async fn went_back(&mut self, version: &str) -> Result<bool, Failure> {
        let Ok(known) = version.parse::<u64>() else {
            return Ok(false);
        };
        let ask = Ask::get(self.path(&[("limit", "1")]));
        let body = match self.source.shared.http.read(&ask).await {
            Ok(body) => body,
            // who may watch, but not list
            Err(failure) if matches!(failure.code(), Some(400..=428 | 430..=499)) => {
                return Ok(false);
            }
            Err(failure) => return Err(failure),
        };
        let now = wire::list::version(&body).map_err(|e| Failure::Garbled(e.to_string()))?;
        Ok(now.parse::<u64>().is_ok_and(|now| now < known))
    }

    /// Whether something older comes after something newer: a proxy or a cache repeats what was, or mixes it up.
    pub(super) fn is_older(&mut self, version: &str) -> bool {
        let Ok(version) = version.parse::<u64>() else {
            return false;
        };
        // the initial objects of a stream are in no such order
        if self.sync.is_listing() {
            return false;
        }
        let older = version < self.newest;
        self.newest = self.newest.max(version);
        older
    }

    pub(super) async fn older(&mut self) -> bool {
        tracing::info!(kind = self.source.entry.plural(), "a watch went back");
        self.told(0).await;
        self.step(Input::Older).await;
        false
    }
}
