//! Namespaces: what may be made in one. How one is furnished and emptied is its controller's business.

use serde_json::{Value, json};

use super::write::{Cluster, Refusal, namespace_of};
use crate::store::Kind;

impl Cluster {
    /// May this object be made in its namespace?
    ///
    /// # Errors
    /// 404 if the namespace is not there, 403 if it is ending.
    pub(super) fn namespace_takes(&self, kind: &Kind, value: &Value) -> Result<(), Refusal> {
        let Some(id) = self
            .store
            .kind_id("", "namespaces")
            .filter(|_| kind.namespaced)
        else {
            return Ok(());
        };
        let namespace = namespace_of(value);
        let Some(found) = self.store.get(id, "", namespace) else {
            return Err(Refusal::not_found(self.store.kind(id), namespace));
        };
        if !found.deleting {
            return Ok(());
        }
        let name = value["metadata"]["name"].as_str().unwrap_or_default();
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let mut refusal = Refusal::forbidden(kind, name, &why);
        refusal.details["causes"] = json!([{
            "reason": "NamespaceTerminating", "field": "metadata.namespace",
            "message": format!("namespace {namespace} is being terminated"),
        }]);
        Err(refusal)
    }
}
