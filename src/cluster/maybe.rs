//! The watch of a kind that a server may not serve, or only in an older version, and that is wanted by itself: asks for
//! nothing where it is known to be absent, and looks again now and then.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::kinds::Entry;
use super::report::{Report, SourceHealth};
use super::source::Shared;
use super::subscribe::Watch;
use crate::model::delta::SourceId;
use crate::model::health::Health;
use crate::model::ids::Name;
use crate::model::want::Selector;

/// One such kind.
pub struct Maybe {
    pub shared: Arc<Shared>,
    pub entry: &'static Entry,
    pub namespace: Option<Name>,
    pub fallback: Vec<Name>,
    pub cancel: CancellationToken,
}

impl Maybe {
    /// Watches it, whenever it is served, until nobody wants it.
    pub async fn look_after(self) {
        let mut absent: Option<SourceId> = None;
        while !self.cancel.is_cancelled() {
            let versions = self.shared.versions(self.entry);
            if !versions.is_empty() {
                self.forget(absent.take()).await;
            }
            for version in versions {
                let token = self.cancel.child_token();
                let watch = Watch {
                    shared: self.shared.clone(),
                    entry: self.entry,
                    version,
                    namespace: self.namespace.clone(),
                    selector: Selector::All,
                    cancel: token,
                    fallback: self.fallback.clone(),
                    leaves: true,
                };
                // back only when nobody wants it, or this version has gone
                watch.look_after().await;
                if self.cancel.is_cancelled() {
                    break;
                }
            }
            if absent.is_none() && !self.cancel.is_cancelled() {
                absent = Some(self.tell_absent().await);
            }
            tokio::select! {
                () = self.cancel.cancelled() => {}
                () = self.shared.wait(self.shared.tuning.discovery) => {}
            }
        }
        self.forget(absent).await;
    }

    async fn forget(&self, absent: Option<SourceId>) {
        if let Some(source) = absent {
            let cluster = self.shared.cluster;
            self.shared.send(Report::Ended { cluster, source }).await;
        }
    }

    async fn tell_absent(&self) -> SourceId {
        let source = self.shared.next_source();
        let health = SourceHealth {
            cluster: self.shared.cluster,
            source,
            kind: self.entry.kind,
            selector: Selector::All,
            namespace: self.namespace.clone(),
            health: Health::Absent,
        };
        self.shared.send(Report::Health(health)).await;
        source
    }
}
