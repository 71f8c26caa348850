//! Amounts of resources in words: `6 h100`, `64 cpu`, `32Gi memory`.

use crate::model::human;
use crate::model::kueue::{Amount, FlavorResource, amount};
use crate::model::quantity::Quantity;
use crate::model::resources::is_device;

/// An amount as its resource is counted; the sign is not told.
pub fn bare(resource: &str, n: Amount) -> String {
    let n = n.unsigned_abs();
    match resource {
        "cpu" => human::cores(n),
        _ if is_bytes(resource) => human::bytes(n),
        _ => human::count(n),
    }
}

/// `8 nvidia.com/gpu`, `32Gi memory`.
pub fn with_unit(resource: &str, n: Amount) -> String {
    format!("{} {resource}", bare(resource, n))
}

/// An amount in a flavor: `6 h100` of a device, `12 cpu of default` of anything else.
pub fn of(fr: &FlavorResource, n: Amount) -> String {
    say(&fr.resource, &fr.flavor, &bare(&fr.resource, n))
}

/// The same of an amount that is text already.
pub fn say(resource: &str, flavor: &str, n: &str) -> String {
    if is_device(resource) {
        format!("{n} {flavor}")
    } else {
        format!("{n} {resource} of {flavor}")
    }
}

/// Reads an amount as Kueue writes it.
pub fn read(resource: &str, text: &str) -> Option<Amount> {
    Quantity::parse(text).map(|q| amount(resource, q))
}

fn is_bytes(resource: &str) -> bool {
    matches!(resource, "memory" | "ephemeral-storage" | "storage")
        || resource.starts_with("hugepages-")
}
