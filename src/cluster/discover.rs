//! Which groups, versions and kinds a server serves: aggregated discovery (two requests) where it has it, else
//! the old way, for the groups that matter here only.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::failure::Failure;
use super::http::{Ask, Http};
use super::kinds::Entry;
use super::wire::lax;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Groups of batch systems we know by name.
pub const BATCH_GROUPS: &[(&str, &str)] = &[
    ("kueue.x-k8s.io", "Kueue"),
    ("jobset.x-k8s.io", "JobSet"),
    ("kubeflow.org", "Kubeflow training jobs"),
    ("trainer.kubeflow.org", "Kubeflow Trainer"),
    ("ray.io", "KubeRay"),
    ("batch.volcano.sh", "Volcano"),
    ("resource.k8s.io", "Dynamic Resource Allocation"),
];

/// Plural → verbs.
type Resources = BTreeMap<String, Vec<String>>;

/// What is served.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Served {
    /// (group, version) → plural → verbs. Versions in the server's order of preference per group.
    groups: BTreeMap<String, Vec<(String, Resources)>>,
    /// Told in two requests.
    pub aggregated: bool,
    /// Discovery is forbidden: only what was asked for is here, and other groups may be served as well.
    pub partial: bool,
}

impl Served {
    /// The version to use of a kind; `None`: not served.
    pub fn version(&self, entry: &Entry) -> Option<&'static str> {
        let versions = self.groups.get(entry.group)?;
        entry.versions.iter().copied().find(|wanted| {
            versions
                .iter()
                .any(|(version, kinds)| version == wanted && kinds.contains_key(entry.plural()))
        })
    }

    pub fn has_group(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// Versions of a group, best first.
    pub fn versions(&self, group: &str) -> Vec<&str> {
        let versions = self.groups.get(group);
        versions
            .into_iter()
            .flatten()
            .map(|(v, _)| v.as_str())
            .collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    #[serde(deserialize_with = "lax::text")]
    kind: String,
    /// APIGroupDiscoveryList
    #[serde(deserialize_with = "lax::list")]
    items: Vec<Group>,
    /// APIGroupList
    #[serde(deserialize_with = "lax::list")]
    groups: Vec<OldGroup>,
    /// APIVersions
    #[serde(deserialize_with = "lax::texts")]
    versions: Vec<String>,
    /// APIResourceList
    #[serde(deserialize_with = "lax::list")]
    resources: Vec<OldResource>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    #[serde(deserialize_with = "lax::object")]
    metadata: super::wire::meta::Meta,
    #[serde(deserialize_with = "lax::list")]
    versions: Vec<GroupVersion>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupVersion {
    #[serde(deserialize_with = "lax::text")]
    version: String,
    #[serde(deserialize_with = "lax::list")]
    resources: Vec<Resource>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    #[serde(deserialize_with = "lax::text")]
    resource: String,
    #[serde(deserialize_with = "lax::texts")]
    verbs: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldGroup {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::list")]
    versions: Vec<OldVersion>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldVersion {
    #[serde(deserialize_with = "lax::text")]
    version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldResource {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::texts")]
    verbs: Vec<String>,
}

/// Asks the server what it serves.
pub async fn discover(http: &Http) -> Result<Served, Failure> {
    let core = http
        .json::<Answer>(&Ask::get("/api").accept(AGGREGATED))
        .await?;
    let mut served = named(http).await?;
    if core.kind != "APIGroupDiscoveryList" {
        for version in core.versions {
            let kinds = resources(http, &format!("/api/{version}")).await;
            served.add("", version, kinds);
        }
    }
    served.take(core.items);
    Ok(served)
}

/// The same without the core group, which all servers have: one request where discovery is aggregated.
pub async fn named(http: &Http) -> Result<Served, Failure> {
    let named = http
        .json::<Answer>(&Ask::get("/apis").accept(AGGREGATED))
        .await?;
    let mut served = Served {
        aggregated: named.kind == "APIGroupDiscoveryList",
        ..Served::default()
    };
    served.take(named.items);
    for group in named.groups {
        for version in group.versions {
            // one request per version: only for groups with kinds we watch
            let ours = super::kinds::all().any(|k| k.group == group.name);
            let kinds = if ours {
                resources(http, &format!("/apis/{}/{}", group.name, version.version)).await
            } else {
                BTreeMap::new()
            };
            served.add(&group.name, version.version, kinds);
        }
    }
    Ok(served)
}

/// Where discovery is forbidden: asks for the kinds themselves, in each version we know, best first. `places`: where
/// to list them, `None` for all namespaces; the first that allows it decides. What may be listed nowhere counts as
/// not served.
pub async fn probe(
    http: &Http,
    kinds: impl Iterator<Item = &'static Entry>,
    places: &[Option<&str>],
) -> Result<Served, Failure> {
    let one = |entry: &'static Entry| async move {
        // what is in no namespace is asked for once
        let places = if entry.namespaced { places } else { &[None] };
        for version in entry.versions {
            for place in places {
                let path = entry.path(version, *place);
                match http.read(&Ask::get(format!("{path}?limit=1"))).await {
                    Ok(_) => return Ok(Some((entry, *version))),
                    // not in this version
                    Err(failure) if failure.code() == Some(404) => break,
                    Err(failure) if failure.code() == Some(403) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(None)
    };
    let mut served = Served {
        partial: true,
        ..Served::default()
    };
    let found = futures::future::try_join_all(kinds.map(one)).await?;
    for (entry, version) in found.into_iter().flatten() {
        let kinds = BTreeMap::from([(entry.plural().to_owned(), Vec::new())]);
        served.add(entry.group, version.to_owned(), kinds);
    }
    Ok(served)
}

impl Served {
    fn take(&mut self, groups: Vec<Group>) {
        for group in groups {
            for version in group.versions {
                let kinds = version.resources.into_iter().map(|r| (r.resource, r.verbs));
                self.add(&group.metadata.name, version.version, kinds.collect());
            }
        }
    }

    fn add(&mut self, group: &str, version: String, kinds: BTreeMap<String, Vec<String>>) {
        let versions = self.groups.entry(group.to_owned()).or_default();
        versions.push((version, kinds));
    }
}

/// The old way; a group whose server is down has nothing.
async fn resources(http: &Http, path: &str) -> BTreeMap<String, Vec<String>> {
    match http.json::<Answer>(&Ask::get(path)).await {
        Ok(answer) => answer
            .resources
            .into_iter()
            .map(|r| (r.name, r.verbs))
            .collect(),
        Err(failure) => {
            tracing::warn!(path, %failure, "discovery");
            BTreeMap::new()
        }
    }
}
