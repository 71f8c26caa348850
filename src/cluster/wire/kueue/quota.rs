//! Quota and its use, as cluster queues, local queues and cohorts share their shapes.

use serde::Deserialize;

use super::super::lax;
use super::{all_named, counted, limit};
use crate::model::ids::Names;
use crate::model::kueue::FlavorResource;
use crate::model::kueue::queue::{FlavorQuotas, Quota, ResourceGroup, Stop, Use};
use crate::model::quantity::Quantity;

/// One of `spec.resourceGroups`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Group {
    #[serde(deserialize_with = "lax::texts")]
    covered_resources: Vec<String>,
    #[serde(deserialize_with = "lax::list")]
    flavors: Vec<Flavor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Flavor {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::list")]
    resources: Vec<Resource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Resource {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::text")]
    nominal_quota: String,
    #[serde(deserialize_with = "lax::text")]
    borrowing_limit: String,
    #[serde(deserialize_with = "lax::text")]
    lending_limit: String,
}

pub fn groups(all: Vec<Group>, names: &mut Names) -> Vec<ResourceGroup> {
    all.into_iter()
        .map(|group| ResourceGroup {
            covers: all_named(&group.covered_resources, names),
            flavors: group
                .flavors
                .into_iter()
                .map(|flavor| FlavorQuotas {
                    flavor: names.get(&flavor.name),
                    resources: flavor.resources.iter().map(|r| r.row(names)).collect(),
                })
                .collect(),
        })
        .collect()
}

impl Resource {
    fn row(&self, names: &mut Names) -> Quota {
        Quota {
            resource: names.get(&self.name),
            nominal: counted(&self.name, &self.nominal_quota),
            borrowing_limit: limit(&self.name, &self.borrowing_limit),
            lending_limit: limit(&self.name, &self.lending_limit),
        }
    }
}

/// One of `flavorsReservation`, `flavorsUsage`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FlavorUse {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::list")]
    resources: Vec<ResourceUse>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResourceUse {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::text")]
    total: String,
    #[serde(deserialize_with = "lax::text")]
    borrowed: String,
}

pub fn uses(all: &[FlavorUse], names: &mut Names) -> Vec<Use> {
    let mut rows = Vec::new();
    for flavor in all {
        for resource in &flavor.resources {
            rows.push(Use {
                of: FlavorResource {
                    flavor: names.get(&flavor.name),
                    resource: names.get(&resource.name),
                },
                total: counted(&resource.name, &resource.total),
                borrowed: counted(&resource.name, &resource.borrowed),
            });
        }
    }
    rows
}

/// `spec.fairSharing`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fair {
    #[serde(deserialize_with = "lax::text")]
    weight: String,
}

impl Fair {
    /// In thousandths; none: not told.
    pub fn weight(&self) -> Option<u64> {
        Some(Quantity::parse(&self.weight)?.milli())
    }
}

/// `status.fairSharing`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Share {
    #[serde(deserialize_with = "lax::maybe_whole")]
    pub weighted_share: Option<i64>,
}

pub fn stop(policy: &str) -> Stop {
    match policy {
        "Hold" => Stop::Hold,
        "HoldAndDrain" => Stop::HoldAndDrain,
        _ => Stop::None,
    }
}
