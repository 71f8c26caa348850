//! `topologyAssignment`: where the pods of a set were placed, as a list of domains or packed into slices.

use serde::Deserialize;

use super::super::lax;
use crate::model::ids::{Name, Names};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TopologyAssignment {
    #[serde(deserialize_with = "lax::texts")]
    pub levels: Vec<String>,
    #[serde(deserialize_with = "lax::list")]
    slices: Vec<Slice>,
    /// v1beta1
    #[serde(deserialize_with = "lax::list")]
    domains: Vec<Domain>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Domain {
    #[serde(deserialize_with = "lax::texts")]
    values: Vec<String>,
    #[serde(deserialize_with = "lax::count")]
    count: u32,
}

/// Domains whose names and counts have much in common.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Slice {
    #[serde(deserialize_with = "lax::maybe_count")]
    domain_count: Option<u32>,
    #[serde(deserialize_with = "lax::list")]
    values_per_level: Vec<Values>,
    #[serde(deserialize_with = "lax::object")]
    pod_counts: Counts,
}

/// The same for all domains of a slice, or one each.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Values {
    #[serde(deserialize_with = "lax::maybe_text")]
    universal: Option<String>,
    #[serde(deserialize_with = "lax::object")]
    individual: Individual,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Individual {
    #[serde(deserialize_with = "lax::text")]
    prefix: String,
    #[serde(deserialize_with = "lax::text")]
    suffix: String,
    #[serde(deserialize_with = "lax::texts")]
    roots: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    #[serde(deserialize_with = "lax::maybe_count")]
    universal: Option<u32>,
    #[serde(deserialize_with = "lax::numbers")]
    individual: Vec<i64>,
}

impl Values {
    fn at(&self, domain: usize, names: &mut Names) -> Name {
        if let Some(all) = &self.universal {
            return names.get(all);
        }
        let Individual {
            prefix,
            suffix,
            roots,
        } = &self.individual;
        let root = roots.get(domain).map_or("", String::as_str);
        names.get(&format!("{prefix}{root}{suffix}"))
    }
}

impl Counts {
    fn at(&self, domain: usize) -> u32 {
        let own = || self.individual.get(domain).copied().unwrap_or_default();
        self.universal
            .unwrap_or_else(|| u32::try_from(own()).unwrap_or_default())
    }
}

impl Slice {
    /// How many domains: never more than it lists, whatever it says.
    fn len(&self) -> usize {
        let values = { self.values_per_level.iter() }
            .filter(|values| values.universal.is_none())
            .map(|values| values.individual.roots.len());
        let counts = self.pod_counts.individual.len();
        let counts = self.pod_counts.universal.is_none().then_some(counts);
        let listed = values.chain(counts).min();
        let told = self.domain_count.map(|n| n as usize);
        match (listed, told) {
            (Some(listed), Some(told)) => listed.min(told),
            (Some(listed), None) => listed,
            // all the same: one domain
            (None, told) => told.unwrap_or(1).min(1),
        }
    }
}

impl TopologyAssignment {
    /// The values of each domain, and its pods.
    pub fn domains(&self, names: &mut Names) -> Vec<(Vec<Name>, u32)> {
        let mut all: Vec<(Vec<Name>, u32)> = Vec::new();
        for slice in &self.slices {
            for at in 0..slice.len() {
                let values = slice.values_per_level.iter();
                let values = values.map(|values| values.at(at, names)).collect();
                all.push((values, slice.pod_counts.at(at)));
            }
        }
        for domain in &self.domains {
            let values = domain.values.iter().map(|value| names.get(value)).collect();
            all.push((values, domain.count));
        }
        all
    }
}
