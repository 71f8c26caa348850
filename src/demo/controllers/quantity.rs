//! What a pod asks for in all, in thousandths of each resource.

use std::collections::BTreeMap;

use super::wire::{Container, PodSpec};
use crate::api::quantity::Quantity;

/// Thousandths per resource name.
pub type Amounts = BTreeMap<String, i64>;

/// A quantity in thousandths; what cannot be read is 0.
pub fn parse(text: &str) -> i64 {
    Quantity::parse(text).unwrap_or_default().milli()
}

fn of(container: &Container) -> Amounts {
    let r = &container.resources;
    let mut all: Amounts = r
        .limits
        .iter()
        .map(|(k, v)| (k.clone(), parse(v)))
        .collect();
    all.extend(r.requests.iter().map(|(k, v)| (k.clone(), parse(v))));
    all
}

fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let have = sum.entry(name.clone()).or_default();
        *have = have.saturating_add(*amount);
    }
}

fn raise(sum: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let have = sum.entry(name.clone()).or_default();
        *have = (*have).max(*amount);
    }
}

/// What a pod occupies: the sum of its containers and sidecars, or the peak of its start, if that is more.
pub fn demand(spec: &PodSpec) -> Amounts {
    let (mut sidecars, mut peak, mut steady) = (Amounts::new(), Amounts::new(), Amounts::new());
    for init in &spec.init_containers {
        let own = of(init);
        if init.restart_policy.as_deref() == Some("Always") {
            add(&mut sidecars, &own);
            raise(&mut peak, &sidecars);
        } else {
            let mut at_start = sidecars.clone();
            add(&mut at_start, &own);
            raise(&mut peak, &at_start);
        }
    }
    for container in &spec.containers {
        add(&mut steady, &of(container));
    }
    add(&mut steady, &sidecars);
    raise(&mut steady, &peak);
    let overhead = spec.overhead.iter().map(|(k, v)| (k.clone(), parse(v)));
    add(&mut steady, &overhead.collect());
    steady.retain(|_, amount| *amount > 0);
    steady
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_requests_are_added_up_all_the_same() {
        let huge = serde_json::json!({"name": "a", "resources": {"requests": {"memory": "8Ei", "cpu": "1E"}}});
        let spec = serde_json::json!({"containers": [huge, huge], "overhead": {"cpu": "lots"}});
        let all = demand(&serde_json::from_value(spec).unwrap());
        assert_eq!((all["memory"], all["cpu"]), (i64::MAX, i64::MAX));
    }

    #[test]
    fn a_pod_occupies_its_steady_sum_or_its_peak_at_start() {
        let spec: PodSpec = serde_json::from_value(serde_json::json!({
            "initContainers": [
                {"name": "proxy", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
                {"name": "fetch", "resources": {"requests": {"cpu": "6"}}},
            ],
            "containers": [
                {"name": "a", "resources": {"requests": {"cpu": "2"}, "limits": {"nvidia.com/gpu": "4"}}},
                {"name": "b", "resources": {"requests": {"cpu": "500m"}}},
            ],
        })).unwrap();
        let all = demand(&spec);
        assert_eq!(all["cpu"], 7_000);
        assert_eq!(all["nvidia.com/gpu"], 4_000);
    }
}
