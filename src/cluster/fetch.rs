//! One whole object, for the YAML view: fetched when it is wanted, kept by nobody here.

use super::failure::Failure;
use super::http::{Ask, Http};
use super::kinds::entry;
use super::report::Report;
use super::source::Shared;
use crate::model::want::ObjectWant;

/// The object as the server has it, managedFields included.
pub async fn object(
    http: &Http,
    version: &str,
    want: &ObjectWant,
) -> Result<serde_json::Value, Failure> {
    let path = entry(want.kind).object(version, &want.namespace, &want.name);
    http.json(&Ask::get(path)).await
}

/// Fetches and reports it; then, when it has long been read, what its served schema says of its fields.
pub async fn answer(shared: &Shared, want: ObjectWant) {
    let version = shared.version(entry(want.kind));
    let object = object(&shared.http, version, &want)
        .await
        .map_err(|failure| {
            let kind = entry(want.kind).plural();
            match failure.code() {
                Some(404) => format!("{kind} {} is gone", want.name),
                Some(403) => format!("reading {kind} is forbidden (needs get): {failure}"),
                _ => failure.to_string(),
            }
        });
    let cluster = shared.cluster;
    let shown = Report::Object {
        cluster,
        want: want.clone(),
        object: object.clone(),
    };
    if !shared.send(shown).await {
        return;
    }
    let Ok(object) = object else { return };
    let fields = shared.schemas.check(&shared.http, &object).await;
    shared
        .send(Report::Fields {
            cluster,
            want,
            fields,
        })
        .await;
}
