//! Kinds that CustomResourceDefinitions add: what is known of each version, and how an object looks in it.

mod check;
mod column;
pub mod definition;
mod lifecycle;
mod names;
mod structural;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::{Value, json};

pub use check::check;
pub use column::PrinterColumn;

use super::schema::{Schemas, schemas};
use super::write::{Cluster, Refusal};
use crate::store::{Kind, KindId, Object, Served};

/// Where the scale subresource finds its numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scale {
    pub spec: String,
    pub status: String,
    /// Empty if there is none.
    pub selector: String,
}

/// One version of a custom kind.
#[derive(Debug)]
pub struct Version {
    pub name: String,
    /// The structural schema.
    pub schema: Value,
    /// What it means for field ownership.
    pub types: Arc<Schemas>,
    pub columns: Vec<PrinterColumn>,
    pub scale: Option<Scale>,
}

/// A custom kind.
#[derive(Debug)]
pub struct Custom {
    /// Name of its definition.
    pub definition: String,
    /// `resourceVersion` of what it was read from.
    pub rv: u64,
    versions: Vec<Arc<Version>>,
}

/// All custom kinds that are served.
#[derive(Debug, Clone, Default)]
pub struct CustomKinds {
    by_kind: HashMap<KindId, Arc<Custom>>,
}

impl CustomKinds {
    pub fn get(&self, kind: KindId) -> Option<&Arc<Custom>> {
        self.by_kind.get(&kind)
    }

    /// One version of a kind; `None` for built-in ones.
    pub fn version(&self, kind: KindId, version: &str) -> Option<&Arc<Version>> {
        let custom = self.by_kind.get(&kind)?;
        custom.versions.iter().find(|v| v.name == version)
    }
}

/// The types of a kind: the built-in ones, or a definition's own.
pub enum Types {
    Builtin,
    Own(Arc<Version>),
}

impl Deref for Types {
    type Target = Schemas;

    fn deref(&self) -> &Schemas {
        match self {
            Self::Builtin => schemas(),
            Self::Own(version) => &version.types,
        }
    }
}

impl Cluster {
    /// The kind as an object says its version: a custom kind may have several.
    pub fn seen_as(&self, kind: KindId, value: &Value) -> Arc<Kind> {
        let stored = self.store.kind(kind);
        let said = value["apiVersion"].as_str().filter(|_| stored.custom);
        let version = said.and_then(|v| v.rsplit_once('/')).map(|(_, v)| v);
        let found = stored.at(version.unwrap_or(&stored.version));
        found.unwrap_or_else(|| stored.clone())
    }

    /// The types by which fields of a kind are owned.
    pub fn types(&self, kind: KindId, info: &Kind) -> Types {
        let own = self.custom.version(kind, &info.version);
        own.map_or(Types::Builtin, |v| Types::Own(v.clone()))
    }

    /// The table columns of a custom kind; `None` for built-in ones.
    pub fn columns(&self, kind: KindId, version: &str) -> Option<&[PrinterColumn]> {
        let version = self.custom.version(kind, version)?;
        Some(version.columns.as_slice())
    }

    /// Turns an object into what it is in another version: nothing is converted but its name, and each version
    /// knows its own fields only.
    pub fn convert(&self, kind: KindId, version: &str, value: &mut Value) {
        let info = self.store.kind(kind);
        if !info.custom {
            return;
        }
        let to = json!(format!("{}/{version}", info.group));
        if value["apiVersion"] == to {
            return;
        }
        value["apiVersion"] = to;
        if let Some(version) = self.custom.version(kind, version) {
            // The metadata of a stored object is one.
            let _ = structural::shape(&version.schema, value);
        }
    }

    /// A stored object in a version.
    pub fn shown_as(&self, object: &Object, version: &str) -> Value {
        let mut value = object.value();
        self.convert(object.kind, version, &mut value);
        value
    }

    /// Prunes an object of a custom kind and fills in defaults; answers what strict validation has against it.
    /// Built-in kinds pass untouched.
    ///
    /// # Errors
    /// A metadata that is none, in Go's words.
    pub fn structure(
        &self,
        kind: KindId,
        info: &Kind,
        value: &mut Value,
    ) -> Result<Vec<String>, String> {
        match self.custom.version(kind, &info.version) {
            Some(version) => structural::shape(&version.schema, value),
            None => Ok(Vec::new()),
        }
    }

    /// Nothing new while the definition is being deleted.
    ///
    /// # Errors
    /// 403.
    pub fn takes_new(&self, info: &Kind, value: &Value) -> Result<(), Refusal> {
        if !info.ending {
            return Ok(());
        }
        let name = value["metadata"]["name"].as_str().unwrap_or_default();
        let why = "create not allowed while custom resource definition is terminating";
        Err(Refusal::forbidden(info, name, why))
    }
}

/// What a definition's spec says of its kind and versions.
fn read(name: &str, rv: u64, spec: &Value) -> (Kind, Custom) {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let texts = |v: &Value| {
        let all = v.as_array().into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (group, names) = (text(&spec["group"]), &spec["names"]);
    let kind = text(&names["kind"]);
    let mut sorted: Vec<&Value> = spec["versions"].as_array().into_iter().flatten().collect();
    sorted.sort_by_key(|v| std::cmp::Reverse(priority(v["name"].as_str().unwrap_or_default())));
    let status_of = |v: &Value| v["subresources"]["status"].is_object();
    let scale_of = |v: &Value| v["subresources"]["scale"].is_object();
    let selectable = |v: &Value| {
        let all = v["selectableFields"].as_array().into_iter().flatten();
        all.map(|f| text(&f["jsonPath"]).trim_start_matches('.').to_owned())
            .collect::<Vec<_>>()
    };
    let storage = sorted.iter().find(|v| v["storage"] == true).copied();
    let storage = storage.unwrap_or(&Value::Null);
    let best = sorted
        .iter()
        .find(|v| v["served"] == true && v["deprecated"] != true);
    let warning = |v: &Value| {
        if v["deprecated"] != true {
            return String::new();
        }
        if let Some(text) = v["deprecationWarning"].as_str() {
            return text.to_owned();
        }
        let instead = best
            .map(|b| format!("; use {group}/{} {kind}", text(&b["name"])))
            .unwrap_or_default();
        format!("{group}/{} {kind} is deprecated{instead}", text(&v["name"]))
    };
    let versions = sorted.iter().filter(|v| v["served"] == true);
    let info = Kind {
        version: text(&storage["name"]),
        plural: text(&names["plural"]),
        singular: text(&names["singular"]),
        short: texts(&names["shortNames"]),
        namespaced: spec["scope"] == "Namespaced",
        categories: texts(&names["categories"]),
        status: status_of(storage),
        scale: scale_of(storage),
        custom: true,
        versions: versions
            .map(|v| Served {
                version: text(&v["name"]),
                status: status_of(v),
                scale: scale_of(v),
                selectable: selectable(v),
                warning: warning(v),
            })
            .collect(),
        list: text(&names["listKind"]),
        ending: false,
        selectable: selectable(storage),
        kind: kind.clone(),
        group: group.clone(),
    };
    let version = |v: &&Value| {
        let schema = v["schema"]["openAPIV3Schema"].clone();
        let name = text(&v["name"]);
        let scale = &v["subresources"]["scale"];
        Arc::new(Version {
            types: Arc::new(Schemas::of_custom(&group, &name, &kind, &schema)),
            columns: PrinterColumn::all(&v["additionalPrinterColumns"]),
            scale: scale.is_object().then(|| Scale {
                spec: text(&scale["specReplicasPath"]),
                status: text(&scale["statusReplicasPath"]),
                selector: text(&scale["labelSelectorPath"]),
            }),
            schema,
            name,
        })
    };
    let custom = Custom {
        definition: name.to_owned(),
        rv,
        versions: sorted.iter().map(version).collect(),
    };
    (info, custom)
}

/// How good a version is: stable ones before beta before alpha, later ones first; names that are none come last.
pub fn priority(version: &str) -> (u8, u64, u64, std::cmp::Reverse<String>) {
    let none = || (0, 0, 0, std::cmp::Reverse(version.to_owned()));
    let Some(rest) = version.strip_prefix('v') else {
        return none();
    };
    let (number, stage, minor) = match (rest.split_once("beta"), rest.split_once("alpha")) {
        (Some((n, m)), _) => (n, 2, m),
        (None, Some((n, m))) => (n, 1, m),
        (None, None) => (rest, 3, "0"),
    };
    match (number.parse(), minor.parse()) {
        (Ok(number), Ok(minor)) => (stage, number, minor, std::cmp::Reverse(String::new())),
        _ => none(),
    }
}

#[cfg(test)]
mod tests;
