//! The kinds the controllers read and write, resolved once.

use crate::kinds;
use crate::store::{Kind, KindId, Store};

const RESOURCE: &str = "resource.k8s.io";

/// Ids of the kinds that controllers use.
#[derive(Debug, Clone, Copy)]
pub struct Kinds {
    pub pods: KindId,
    pub jobs: KindId,
    pub cronjobs: KindId,
    pub nodes: KindId,
    pub events: KindId,
    pub namespaces: KindId,
    pub accounts: KindId,
    pub configmaps: KindId,
    pub daemonsets: KindId,
    pub claims: KindId,
    pub claim_templates: KindId,
    pub classes: KindId,
    pub slices: KindId,
}

impl Kinds {
    /// Looks the kinds up, after seeing to it that all built-in ones are served.
    pub fn of(store: &mut Store) -> Self {
        kinds::register(store);
        let mut kind = |group: &str, plural: &str| {
            // Registering a served kind again only answers its id.
            store.register(Kind {
                group: group.to_owned(),
                version: "v1".to_owned(),
                plural: plural.to_owned(),
                ..Kind::default()
            })
        };
        Self {
            pods: kind("", "pods"),
            jobs: kind("batch", "jobs"),
            cronjobs: kind("batch", "cronjobs"),
            nodes: kind("", "nodes"),
            events: kind("", "events"),
            namespaces: kind("", "namespaces"),
            accounts: kind("", "serviceaccounts"),
            configmaps: kind("", "configmaps"),
            daemonsets: kind("apps", "daemonsets"),
            claims: kind(RESOURCE, "resourceclaims"),
            claim_templates: kind(RESOURCE, "resourceclaimtemplates"),
            classes: kind(RESOURCE, "deviceclasses"),
            slices: kind(RESOURCE, "resourceslices"),
        }
    }
}
