//! ResourceClaim: which devices were given out, and to which pods.

use serde::Deserialize;

use super::super::meta::Meta;
use super::super::{Object, Wire, lax};
use super::thousandths;
use crate::model::delta::{Change, Rows};
use crate::model::dra::{Allotted, ClaimRow, DraRows};
use crate::model::ids::{ClusterId, Name, Names, Uid};

pub type Claim = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Spec {
    #[serde(deserialize_with = "lax::object")]
    devices: Wanted,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    #[serde(deserialize_with = "lax::list")]
    requests: Vec<Request>,
}

/// v1 and v1beta2 have the ask under `exactly` or as alternatives; v1beta1 has it here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Request {
    #[serde(deserialize_with = "lax::maybe_object")]
    exactly: Option<Exactly>,
    #[serde(deserialize_with = "lax::list")]
    first_available: Vec<Exactly>,
    #[serde(deserialize_with = "lax::text")]
    device_class_name: String,
    #[serde(deserialize_with = "lax::text")]
    allocation_mode: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    count: Option<u32>,
    #[serde(deserialize_with = "lax::flag")]
    admin_access: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Exactly {
    #[serde(deserialize_with = "lax::text")]
    device_class_name: String,
    #[serde(deserialize_with = "lax::text")]
    allocation_mode: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    count: Option<u32>,
    #[serde(deserialize_with = "lax::flag")]
    admin_access: bool,
}

impl Request {
    /// The class and how many; the first of alternatives. None for one that only looks on.
    fn ask(&self, names: &mut Names) -> Option<(Name, Option<u32>)> {
        let inner = self.exactly.as_ref().or(self.first_available.first());
        let (class, mode, count, admin) = match inner {
            Some(e) => (
                &e.device_class_name,
                &e.allocation_mode,
                e.count,
                e.admin_access,
            ),
            None => (
                &self.device_class_name,
                &self.allocation_mode,
                self.count,
                self.admin_access,
            ),
        };
        let count = (mode != "All").then(|| count.unwrap_or(1));
        (!admin && !class.is_empty()).then(|| (names.get(class), count))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::maybe_object")]
    allocation: Option<Allocation>,
    #[serde(deserialize_with = "lax::list")]
    reserved_for: Vec<Consumer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Allocation {
    #[serde(deserialize_with = "lax::object")]
    devices: Results,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Results {
    #[serde(deserialize_with = "lax::list")]
    results: Vec<Given>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Given {
    #[serde(deserialize_with = "lax::text")]
    driver: String,
    #[serde(deserialize_with = "lax::text")]
    pool: String,
    #[serde(deserialize_with = "lax::text")]
    device: String,
    #[serde(deserialize_with = "lax::flag")]
    admin_access: bool,
    #[serde(deserialize_with = "lax::pairs")]
    consumed_capacity: Vec<(lax::Text, lax::Text)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Consumer {
    #[serde(deserialize_with = "lax::text")]
    resource: String,
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::text")]
    uid: String,
}

impl Wire for Claim {
    type Row = ClaimRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> ClaimRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        let asks = spec.devices.requests.iter();
        let given = status.allocation.iter().flat_map(|a| &a.devices.results);
        let devices = given.filter(|g| !g.admin_access).map(|g| Allotted {
            driver: names.get(&g.driver),
            pool: names.get(&g.pool),
            device: names.get(&g.device),
            consumed: (g.consumed_capacity.iter())
                .map(|(name, amount)| (names.get(name), thousandths(amount)))
                .collect(),
        });
        let devices = devices.collect();
        let users = status.reserved_for.iter().filter(|c| c.resource == "pods");
        ClaimRow {
            key: metadata.key(cluster),
            namespace: names.get(&metadata.namespace),
            name: metadata.name.as_str().into(),
            created: metadata.creation_timestamp,
            deleting: metadata.is_deleting(),
            asks: asks.filter_map(|request| request.ask(names)).collect(),
            allocated: status.allocation.is_some(),
            devices,
            users: users
                .map(|c| (c.name.as_str().into(), Uid::parse(&c.uid)))
                .collect(),
        }
    }

    fn rows(change: Change<ClaimRow>) -> Rows {
        Rows::Dra(DraRows::Claims(change))
    }
}
