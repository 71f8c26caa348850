//! A served kind: what discovery tells of it.

use std::sync::Arc;

/// One served kind (a discovery entry).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kind {
    /// API group; empty for core.
    pub group: String,
    pub version: String,
    pub kind: String,
    /// Lower-case resource name, as in the URL.
    pub plural: String,
    pub singular: String,
    pub short: Vec<String>,
    pub namespaced: bool,
    pub categories: Vec<String>,
    /// Has the subresource `status`.
    pub status: bool,
    /// Has the subresource `scale`.
    pub scale: bool,
    /// Comes from a CustomResourceDefinition: no built-in schema, defaults or validation.
    pub custom: bool,
    /// The versions it is served in, best first; empty if `version` is the only one. What is stored is in `version`.
    pub versions: Vec<Served>,
    /// The kind of its lists where it is not the kind with `List` behind it.
    pub list: String,
    /// Its definition is being deleted: nothing can be created any more.
    pub ending: bool,
    /// Fields beside name and namespace that a field selector may name.
    pub selectable: Vec<String>,
}

/// One version of a kind that has several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    pub version: String,
    pub status: bool,
    pub scale: bool,
    pub selectable: Vec<String>,
    /// What a client that uses this version is warned of; empty if of nothing.
    pub warning: String,
}

impl Kind {
    /// `jobs.batch`, or `pods` for core: how messages name the resource.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `JobList`
    pub fn list_kind(&self) -> String {
        if self.list.is_empty() {
            format!("{}List", self.kind)
        } else {
            self.list.clone()
        }
    }

    /// The versions it is served in, best first.
    pub fn served(&self) -> impl Iterator<Item = &str> {
        let only = self.versions.is_empty() && !self.custom;
        let several = self.versions.iter().map(|v| v.version.as_str());
        several.chain(only.then_some(self.version.as_str()))
    }

    /// The kind as it is in one of its versions; `None` if it is not served in that one.
    pub fn at(self: &Arc<Self>, version: &str) -> Option<Arc<Self>> {
        if !self.custom {
            return (self.version == version).then(|| self.clone());
        }
        let found = self.versions.iter().find(|v| v.version == version)?;
        Some(Arc::new(Self {
            version: found.version.clone(),
            status: found.status,
            scale: found.scale,
            selectable: found.selectable.clone(),
            ..(**self).clone()
        }))
    }

    /// `batch/v1`, or `v1` for core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}
