//! Resource quantities (`500m`, `64Gi`, `8`) as thousandths, and what a pod asks for in all.

use std::collections::BTreeMap;

use super::wire::{Container, PodSpec};

/// Thousandths per resource name.
pub type Amounts = BTreeMap<String, i64>;

/// A quantity in thousandths; what cannot be read is 0.
pub fn parse(text: &str) -> i64 {
    let split = text.find(|c: char| c.is_ascii_alphabetic() && c != 'e' && c != 'E');
    let (number, suffix) = text.split_at(split.unwrap_or(text.len()));
    let (number, suffix) = match number.strip_suffix(['e', 'E']) {
        // `1E` is an exabyte, not an exponent without digits.
        Some(rest) if text.len() == number.len() => (rest, "E"),
        _ => (number, suffix),
    };
    let Ok(number) = number.parse::<f64>() else {
        return 0;
    };
    let scale: f64 = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        _ => return 0,
    };
    (number * scale * 1000.0).round() as i64
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
        *sum.entry(name.clone()).or_default() += amount;
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
    use rstest::rstest;

    #[rstest]
    #[case("8", 8_000)]
    #[case("500m", 500)]
    #[case("1.5", 1_500)]
    #[case("64Gi", 68_719_476_736_000)]
    #[case("1e3", 1_000_000)]
    #[case("2k", 2_000_000)]
    #[case("lots", 0)]
    fn quantities(#[case] text: &str, #[case] thousandths: i64) {
        assert_eq!(parse(text), thousandths);
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
