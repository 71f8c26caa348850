//! `[views.NAME]`: lists as they are looked at, under a name. The same form is kept of views that are saved from the screen.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use schemars_derive::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::columns::{AnyColumn, picks, shown, written};
use crate::model::extra::{List, Saved};

/// A list as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View(pub Saved);

/// By name.
pub type Views = BTreeMap<String, View>;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Screen {
    /// Jobs of all kinds.
    Jobs,
    /// Pods.
    Pods,
    /// Nodes.
    Nodes,
    /// Events.
    Events,
}

/// As it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    /// The list it is about.
    screen: Screen,
    /// Only rows that match, as in the filter.
    #[serde(default)]
    filter: Option<String>,
    /// The column the rows are sorted by; with a - before it the other way round.
    #[serde(default)]
    sort: Option<String>,
    /// The columns, in their order; left out, those of the list.
    #[serde(default)]
    #[schemars(with = "Option<Vec<AnyColumn>>")]
    columns: Option<Vec<toml::Value>>,
    /// The namespace; * for all, left out for the one that is looked at.
    #[serde(default)]
    namespace: Option<String>,
}

impl<'de> Deserialize<'de> for View {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(de)?;
        let screen = match written.screen {
            Screen::Jobs => List::Jobs,
            Screen::Pods => List::Pods,
            Screen::Nodes => List::Nodes,
            Screen::Events => List::Events,
        };
        let columns = written.columns.map(|all| picks(screen, all)).transpose();
        let saved = Saved {
            screen,
            filter: written.filter.unwrap_or_default().trim().to_owned(),
            sort: written.sort.filter(|sort| !sort.is_empty()),
            columns: columns.map_err(|why| D::Error::custom(format!("columns: {why}")))?,
            namespace: written
                .namespace
                .filter(|name| !name.is_empty())
                .map(Into::into),
        };
        saved
            .check()
            .map_err(|(key, why)| D::Error::custom(format!("{key}: {why}")))?;
        Ok(Self(saved))
    }
}

impl JsonSchema for View {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "view".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}

impl View {
    /// As it is kept.
    pub fn value(&self) -> Value {
        let Self(saved) = self;
        let mut all = json!({"screen": saved.screen.name()});
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                all[key] = value;
            }
        };
        put(
            "filter",
            (!saved.filter.is_empty()).then(|| json!(saved.filter)),
        );
        put("sort", saved.sort.as_ref().map(|sort| json!(sort)));
        put(
            "namespace",
            saved.namespace.as_ref().map(|name| json!(&**name)),
        );
        put(
            "columns",
            saved
                .columns
                .as_ref()
                .map(|all| all.iter().map(written).collect()),
        );
        all
    }

    /// One that is kept.
    ///
    /// # Errors
    /// What of it cannot be.
    pub fn read(value: &Value) -> Result<Self, String> {
        Self::deserialize(value).map_err(|e| e.to_string())
    }

    /// As TOML, to be put into the settings.
    pub fn show(&self, name: &str) -> String {
        let Self(saved) = self;
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let mut out = format!(
            "[views.{}]\nscreen = {}\n",
            quoted(name),
            quoted(saved.screen.name())
        );
        let keys = [
            (
                "filter",
                (!saved.filter.is_empty()).then(|| quoted(&saved.filter)),
            ),
            ("sort", saved.sort.as_deref().map(quoted)),
            ("namespace", saved.namespace.as_deref().map(quoted)),
            ("columns", saved.columns.as_ref().map(|all| shown(all))),
        ];
        for (key, value) in keys {
            if let Some(value) = value {
                out += &format!("{key} = {value}\n");
            }
        }
        out
    }
}

/// All views as TOML.
pub fn show(views: &Views) -> String {
    let all = views.iter().map(|(name, view)| view.show(name) + "\n");
    all.collect()
}
