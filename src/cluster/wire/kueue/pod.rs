//! What one pod of a template asks for, of every resource: needed where Kueue has not counted it yet.

use serde::Deserialize;

use super::super::lax;
use super::super::template::{Container, Resources};
use super::counted;
use crate::model::kueue::Amount;

/// A pod template, as far as its requests go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Template {
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[serde(deserialize_with = "lax::list")]
    containers: Vec<Container>,
    #[serde(deserialize_with = "lax::list")]
    init_containers: Vec<Container>,
    #[serde(deserialize_with = "lax::pairs")]
    overhead: Vec<(lax::Text, lax::Text)>,
    /// Of the whole pod; replaces what its containers add up to.
    #[serde(deserialize_with = "lax::object")]
    resources: Resources,
}

/// Requests, and limits that have none.
fn asks(resources: &Resources) -> impl Iterator<Item = (&str, Amount)> {
    let bare = resources
        .limits
        .iter()
        .filter(|(limit, _)| !resources.requests.iter().any(|(name, _)| name == limit));
    let all = resources.requests.iter().chain(bare);
    all.map(|(name, quantity)| (name.as_str(), counted(name, quantity)))
}

fn of(resources: &Resources, name: &str) -> Option<Amount> {
    asks(resources).find(|(n, _)| *n == name).map(|(_, n)| n)
}

impl Template {
    /// By resource, sorted by name; zeros stay where they are written.
    pub fn requests(&self) -> Vec<(&str, Amount)> {
        let Spec {
            containers,
            init_containers,
            overhead,
            resources,
        } = &self.spec;
        let each = init_containers.iter().chain(containers);
        let mut names: Vec<&str> = each
            .map(|container| &container.resources)
            .chain([resources])
            .flat_map(asks)
            .map(|(name, _)| name)
            .chain(overhead.iter().map(|(name, _)| name.as_str()))
            .collect();
        names.sort_unstable();
        names.dedup();
        let one = |name| {
            let (mut sidecars, mut peak): (Amount, Amount) = (0, 0);
            for container in init_containers {
                let n = of(&container.resources, name).unwrap_or_default();
                match container.is_sidecar() {
                    true => sidecars = sidecars.saturating_add(n),
                    false => peak = peak.max(sidecars.saturating_add(n)),
                }
            }
            let main = containers.iter().filter_map(|c| of(&c.resources, name));
            let together = main.fold(sidecars, Amount::saturating_add);
            let whole = of(resources, name).unwrap_or(together.max(peak));
            let more = overhead.iter().find(|(n, _)| n == name);
            whole.saturating_add(more.map_or(0, |(_, quantity)| counted(name, quantity)))
        };
        names.into_iter().map(|name| (name, one(name))).collect()
    }
}
