//! Namespaces: a new one gets its service account and root certificate, a deleted one is emptied and then let go.

use std::collections::HashSet;

use serde_json::json;

use super::hub::Hub;
use super::tasks::{Key, Task};
use crate::api::write::{Delete, Writer};
use crate::store::{Change, Event, KindId};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nthe demo cluster speaks plain HTTP on loopback and has no certificates\n-----END CERTIFICATE-----\n";

/// Which namespaces are on their way out.
#[derive(Debug, Default)]
pub struct Controller {
    terminating: HashSet<String>,
}

impl Controller {
    /// Wakes for namespaces, and for those being emptied at each object that went.
    pub fn observe(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let object = &event.object;
        let deleted = event.change == Change::Deleted;
        if object.kind == hub.kinds.namespaces {
            if deleted {
                self.terminating.remove(&object.name);
            } else if object.deleting || event.change == Change::Added {
                hub.wake(Task::Namespace(object.name.clone()));
            }
        } else if deleted && self.terminating.contains(&object.namespace) {
            hub.wake(Task::Namespace(object.namespace.clone()));
        }
    }

    /// One namespace, now.
    pub fn sync(&mut self, hub: &mut Hub<'_>, name: &str) {
        let key: Key = (String::new(), name.to_owned());
        let Some(namespace) = hub.get(hub.kinds.namespaces, &key) else {
            return;
        };
        if !namespace.deleting {
            furnish(hub, name);
            return;
        }
        self.terminating.insert(name.to_owned());
        let kinds: Vec<KindId> = hub
            .cluster
            .store
            .kinds()
            .filter(|(_, k)| k.namespaced)
            .map(|(id, _)| id)
            .collect();
        let mut left = 0;
        for kind in kinds {
            let all = hub.cluster.store.list(kind, Some(name));
            let keys: Vec<(Key, bool)> = all
                .map(|o| ((o.namespace.clone(), o.name.clone()), o.deleting))
                .collect();
            for (key, deleting) in keys {
                if !deleting {
                    let how = Delete {
                        propagation: Some("Background".to_owned()),
                        ..Delete::default()
                    };
                    let _ = hub.delete(kind, &key, &how);
                }
                left += usize::from(hub.get(kind, &key).is_some());
            }
        }
        if left == 0 {
            let by = Writer {
                manager: "kube-controller-manager".to_owned(),
                subresource: "finalize".to_owned(),
            };
            hub.edit(hub.kinds.namespaces, &key, &by, |v| {
                if let Some(spec) = v["spec"].as_object_mut() {
                    spec.remove("finalizers");
                }
            });
        }
    }
}

fn furnish(hub: &mut Hub<'_>, namespace: &str) {
    let by = Writer::new("kube-controller-manager");
    let things = [
        (
            hub.kinds.configmaps,
            "kube-root-ca.crt",
            json!({
                "metadata": {"name": "kube-root-ca.crt", "annotations": {
                    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."}},
                "data": {"ca.crt": CERTIFICATE},
            }),
        ),
        (
            hub.kinds.accounts,
            "default",
            json!({"metadata": {"name": "default"}}),
        ),
    ];
    for (kind, name, value) in things {
        if hub.cluster.store.get(kind, namespace, name).is_none() {
            let _ = hub.cluster.create(kind, namespace, value, &by);
        }
    }
}
