//! What a watch says and counts of objects that it cannot read, or only in part.

use super::Runner;
use crate::cluster::report::Severity;
use crate::cluster::wire::{Odd, Unread};

/// So many are described while they come in a watch: describing one means reading it again.
pub const NAMED: usize = 20;

impl Runner {
    pub(super) async fn skip_one(&mut self, odd: Odd) {
        let lost = usize::from(odd.is_lost);
        let unread = odd.unread.into_iter().collect();
        self.skip(lost, 1 - lost, unread).await;
    }

    /// Counts objects that were left out or read in part (`lost`), and those with values read as absent (`odd`). Only the
    /// former are worth a word: a newer server may have odd values in each.
    pub(super) async fn skip(&mut self, lost: usize, odd: usize, unread: Vec<Unread>) {
        if lost + odd == 0 {
            return;
        }
        self.meter.skipped.add(lost + odd);
        self.described += unread.len();
        let is_first = self.skipped == 0 && lost > 0;
        self.skipped += lost;
        if is_first {
            let what = self.source.entry.plural();
            let first = unread.first();
            let first = first.map(|of| format!(" (the first: {}: {})", of.object, of.why));
            let first = first.unwrap_or_default();
            let text = format!("{what}: {lost} could not be read whole{first}; :self tells more");
            let shared = self.source.shared.clone();
            shared.notice(Severity::Warning, text).await;
        }
        self.meter.skip(unread);
    }
}
