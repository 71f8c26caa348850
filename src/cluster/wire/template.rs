//! What pods and pod templates share: containers with their resources, and the device requests that follow.

use serde::Deserialize;

use super::lax::{self, Text};
use crate::model::ids::Names;
use crate::model::pod_status::{Asks, effective, effective_amount};
use crate::model::quantity::Quantity;
use crate::model::resources::{Devices, is_device};
use crate::model::shape::Beside;

/// A container of a pod; its image, env and mounts are skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    #[serde(deserialize_with = "lax::text")]
    pub name: Text,
    #[serde(deserialize_with = "lax::object")]
    pub resources: Resources,
    /// `Always` on an init container makes it a sidecar.
    #[serde(deserialize_with = "lax::text")]
    pub restart_policy: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    #[serde(deserialize_with = "lax::pairs")]
    pub requests: Vec<(Text, Text)>,
    #[serde(deserialize_with = "lax::pairs")]
    pub limits: Vec<(Text, Text)>,
}

impl Container {
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy == "Always"
    }
}

/// The template of a Job: here the first image is of interest, too.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Template {
    #[serde(deserialize_with = "lax::object")]
    pub spec: TemplateSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TemplateSpec {
    #[serde(deserialize_with = "lax::list")]
    pub containers: Vec<TemplateContainer>,
    #[serde(deserialize_with = "lax::list")]
    pub init_containers: Vec<Container>,
    #[serde(deserialize_with = "lax::text")]
    pub restart_policy: Text,
    #[serde(deserialize_with = "lax::text")]
    pub priority_class_name: Text,
    #[serde(deserialize_with = "lax::maybe_int")]
    pub priority: Option<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateContainer {
    #[serde(deserialize_with = "lax::text")]
    pub image: Text,
    #[serde(deserialize_with = "lax::object")]
    pub resources: Resources,
}

impl TemplateSpec {
    pub fn devices(&self, names: &mut Names) -> Devices {
        devices(
            self.containers.iter().map(|c| &c.resources),
            &self.init_containers,
            names,
        )
    }

    /// What a pod asks for beside devices.
    pub fn beside(&self) -> Beside {
        let of = |resource: &str| {
            let one = |r: &Resources| r.of(resource).unwrap_or_default().milli();
            let init = self.init_containers.iter();
            let init = init.map(|c| (true, c.is_sidecar(), one(&c.resources)));
            let main = self.containers.iter();
            effective_amount(init.chain(main.map(|c| (false, false, one(&c.resources)))))
        };
        Beside {
            cpu_milli: of("cpu"),
            memory: of("memory").div_ceil(1000),
        }
    }

    pub fn image(&self) -> &str {
        self.containers.first().map_or("", |c| &c.image)
    }
}

/// Effective device requests of a pod.
pub fn devices<'a>(
    main: impl Iterator<Item = &'a Resources>,
    init: &[Container],
    names: &mut Names,
) -> Devices {
    listed(main, init, is_device, names)
}

/// Effective requests of the resources that are wanted.
pub(super) fn listed<'a>(
    main: impl Iterator<Item = &'a Resources>,
    init: &[Container],
    wanted: fn(&str) -> bool,
    names: &mut Names,
) -> Devices {
    let mut asks: Vec<Asks> = Vec::new();
    for container in init {
        asks.push(Asks {
            init: true,
            sidecar: container.is_sidecar(),
            amounts: amounts(&container.resources, wanted, names),
        });
    }
    for resources in main {
        asks.push(Asks {
            amounts: amounts(resources, wanted, names),
            ..Asks::default()
        });
    }
    asks.retain(|ask| !ask.amounts.is_empty());
    if asks.is_empty() {
        return Devices::default();
    }
    effective(&asks)
}

/// A container's requests of the wanted resources; a limit without a request counts as one.
fn amounts(resources: &Resources, wanted: fn(&str) -> bool, names: &mut Names) -> Devices {
    let mut all = Devices::default();
    let bare = resources
        .limits
        .iter()
        .filter(|(limit, _)| !resources.requests.iter().any(|(name, _)| name == limit));
    for (name, amount) in resources.requests.iter().chain(bare) {
        if wanted(name) {
            let amount = Quantity::parse(amount).unwrap_or_default();
            all.add(names.get(name), amount.count());
        }
    }
    all
}

impl Resources {
    /// The request, or a limit without one.
    pub fn of(&self, resource: &str) -> Option<Quantity> {
        let find = |list: &[(Text, Text)]| {
            let (_, amount) = list.iter().find(|(name, _)| name == resource)?;
            Quantity::parse(amount)
        };
        find(&self.requests).or_else(|| find(&self.limits))
    }
}
