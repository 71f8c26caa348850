//! Which fields of an object its served schema does not know, and which values are none it takes. The server's OpenAPI v3 documents are asked for when an
//! object is shown, behind its back: one document per group and version, kept for the connection until the server
//! announces another one.

mod document;
#[cfg(test)]
mod tests;
mod types;

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::failure::Failure;
use super::http::{Ask, Http};
use crate::model::fields::{Checked, FieldPath, Step, Unknown};
use document::{Document, Gvk};

const INDEX: &str = "/openapi/v3";
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The documents read so far: by group and version, with the address (it has the hash in it) they were read from.
#[derive(Default)]
pub struct Schemas(Mutex<HashMap<String, (String, Arc<Document>)>>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Index {
    paths: HashMap<String, Address>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Address {
    #[serde(rename = "serverRelativeURL")]
    url: String,
}

impl Schemas {
    /// Compares an object, and the manifest it was last applied from, with their schemas.
    ///
    /// # Errors
    /// Why there is nothing to compare with, in a few words.
    pub async fn check(&self, http: &Http, object: &Value) -> Result<Checked, String> {
        let gvk = Gvk::of(object).ok_or("the object does not say its kind")?;
        let index: Index = http.json(&Ask::get(INDEX)).await.map_err(|e| words(&e))?;
        let document = self.document(http, &index, &gvk).await?;
        let schema = document
            .kind(&gvk)
            .ok_or_else(|| format!("the server publishes no schema of {}", gvk.words()))?;
        let (fields, wrong) = document.compare(schema, object);
        let mut checked = Checked {
            here: Unknown {
                kind: gvk.words(),
                fields,
            },
            wrong,
            anything: document.takes_anything(schema),
            ..Checked::default()
        };
        if let Some(applied) = applied(object) {
            // it may have been applied in another version than it is read in
            let from =
                Gvk::of(&applied).filter(|from| from.group == gvk.group && from.kind == gvk.kind);
            if let Some(from) = from {
                checked.dropped = self.dropped(http, &index, &from, &applied, object).await;
            }
        }
        Ok(checked)
    }

    /// What of a manifest is unknown and not in the object: nothing if the manifest's version is not served any more.
    async fn dropped(
        &self,
        http: &Http,
        index: &Index,
        gvk: &Gvk,
        manifest: &Value,
        object: &Value,
    ) -> Unknown {
        let Ok(document) = self.document(http, index, gvk).await else {
            return Unknown::default();
        };
        let mut fields = document
            .kind(gvk)
            .map_or(Vec::new(), |schema| document.compare(schema, manifest).0);
        fields.retain(|path| !has(object, path));
        Unknown {
            kind: gvk.words(),
            fields,
        }
    }

    /// The document of a group and version: from before, if the server still announces the same.
    async fn document(
        &self,
        http: &Http,
        index: &Index,
        gvk: &Gvk,
    ) -> Result<Arc<Document>, String> {
        let key = gvk.document();
        let address = index
            .paths
            .get(&key)
            .ok_or_else(|| format!("the server publishes no schema of {}", gvk.words()))?;
        let url = match address.url.as_str() {
            // nobody is to send us elsewhere
            url if url.starts_with("/openapi/v3/") => url.to_owned(),
            _ => format!("{INDEX}/{key}"),
        };
        // held while it is read: who asks for the same meanwhile finds it
        let mut known = self.0.lock().await;
        if let Some((from, document)) = known.get(&key)
            && *from == url
        {
            return Ok(document.clone());
        }
        let body = http
            .read(&Ask::get(url.clone()))
            .await
            .map_err(|e| words(&e))?;
        let document = tokio::task::spawn_blocking(move || serde_json::from_slice(&body));
        let document: Document = document
            .await
            .map_err(|e| e.to_string())?
            .map_err(|e| format!("unreadable schema: {e}"))?;
        let document = Arc::new(document);
        known.insert(key, (url, document.clone()));
        Ok(document)
    }
}

fn words(failure: &Failure) -> String {
    match failure.code() {
        Some(403) => "reading schemas is forbidden (needs get on /openapi/v3)".into(),
        Some(404) => "this server publishes no schemas".into(),
        _ => failure.to_string(),
    }
}

/// The manifest `kubectl apply` left.
fn applied(object: &Value) -> Option<Value> {
    let text = object.get("metadata")?.get("annotations")?.get(APPLIED)?;
    serde_json::from_str(text.as_str()?).ok()
}

fn has(object: &Value, path: &FieldPath) -> bool {
    let mut at = Some(object);
    for step in &path.0 {
        at = at.and_then(|value| match step {
            Step::Field(name) => value.get(&**name),
            Step::Item(n) => value.get(n),
        });
    }
    at.is_some()
}
