//! The words and signs several panes share: states, GPU amounts, plurals. Separate so that a thing is called
//! the same on every screen.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};

use super::Cx;
use crate::actions::Intent;
use crate::model::human;
use crate::model::ids::Key;
use crate::model::indexes::IndexState;
use crate::model::job::Phase;
use crate::model::kueue::Amount;
use crate::model::pod::{PodPhase, PodRow};
use crate::model::resources::Devices;
use crate::ui::State;

/// The sign and hue of a job's phase.
pub fn phase_state(phase: Phase) -> State {
    match phase {
        Phase::Queued => State::Waiting,
        Phase::Suspended => State::Held,
        Phase::Pending => State::Pending,
        Phase::Running => State::Running,
        Phase::Retrying => State::Retrying,
        Phase::Finishing => State::Finishing,
        Phase::Succeeded => State::Succeeded,
        Phase::Failed => State::Failed,
        Phase::Terminating => State::Terminating,
    }
}

/// The sign and hue of a completion index.
pub fn index_state(state: IndexState) -> State {
    match state {
        IndexState::Succeeded => State::Succeeded,
        IndexState::Failed => State::Failed,
        IndexState::Running => State::Running,
        IndexState::Pending => State::Pending,
        IndexState::Retrying(_) => State::Retrying,
        IndexState::Terminating => State::Terminating,
        IndexState::NotRun => State::NotRun,
    }
}

/// The sign and hue of a pod.
pub fn pod_state(pod: &PodRow) -> State {
    match pod.phase {
        PodPhase::Succeeded => State::Succeeded,
        PodPhase::Failed => State::Failed,
        _ if pod.deleting => State::Terminating,
        _ if is_failing(&pod.status) => State::Retrying,
        PodPhase::Running if pod.is_ready => State::Running,
        PodPhase::Running => State::Pending,
        PodPhase::Pending | PodPhase::Unknown if pod.node.is_none() => State::Waiting,
        PodPhase::Pending => State::Pending,
        PodPhase::Unknown => State::Stale,
    }
}

/// A status that will not get better by waiting alone.
pub fn is_failing(status: &str) -> bool {
    status.ends_with("BackOff")
        || status.contains("Err")
        || status.ends_with("Error")
        || status.ends_with("OOMKilled")
}

/// The short name of a GPU product: `NVIDIA-A100-SXM4-80GB` → `A100`, `AMD_Instinct_MI300X_OAM` → `MI300X`.
pub fn product(label: &str) -> Cow<'_, str> {
    const VENDORS: [&str; 9] = [
        "nvidia", "amd", "intel", "tesla", "instinct", "geforce", "quadro", "radeon", "graphics",
    ];
    let mut parts = label
        .split(['-', '_', ' '])
        .filter(|part| !part.is_empty() && !VENDORS.iter().any(|v| part.eq_ignore_ascii_case(v)));
    match (parts.next(), parts.next()) {
        // `RTX 4090`, `GTX 1080`, `TITAN V`: the first part alone names a family
        (Some(family), Some(model)) if family.chars().all(|c| c.is_ascii_alphabetic()) => {
            Cow::Owned(format!("{family} {model}"))
        }
        (Some(name), _) => Cow::Borrowed(name),
        (None, _) => Cow::Borrowed(label),
    }
}

/// What a device is called after its amount: the product where it is known, else the end of its resource name.
pub fn device<'a>(resource: &'a str, label: Option<&'a str>) -> Cow<'a, str> {
    let (vendor, kind) = resource.split_once('/').unwrap_or(("", resource));
    match (kind, label) {
        ("gpu", Some(label)) => product(label),
        ("gpu.shared", Some(label)) => Cow::Owned(format!("{} share", product(label))),
        ("gpu.shared", None) => Cow::Borrowed("gpu share"),
        ("gpu", None) if vendor == "amd.com" => Cow::Borrowed("amd gpu"),
        // the profile alone says that it is a slice
        _ => Cow::Borrowed(kind.strip_prefix("mig-").unwrap_or(kind)),
    }
}

/// `8 A100`, `2 1g.10gb`, `4 A100 + 2 1g.10gb`; empty without devices.
pub fn devices(of: &Devices, label: Option<&str>) -> String {
    let mut out = String::new();
    for (resource, n) in &of.0 {
        if !out.is_empty() {
            out.push_str(" + ");
        }
        out.push_str(&format!("{n} {}", device(resource, label)));
    }
    out
}

/// An amount of a resource as Kueue counts it: `8 gpu`, `96 cpu`, `1Ti memory`.
pub fn amount(resource: &str, n: Amount) -> String {
    format!("{} {}", quantity(resource, n), device(resource, None))
}

/// The number of [`amount`] alone: cores, bytes or a count; below zero with its sign.
pub fn quantity(resource: &str, n: Amount) -> String {
    let sign = if n < 0 { "-" } else { "" };
    let n = n.unsigned_abs();
    let text = match resource {
        "cpu" => human::cores(n),
        "memory" | "ephemeral-storage" => human::bytes(n),
        _ if resource.starts_with("hugepages-") => human::bytes(n),
        _ => n.to_string(),
    };
    format!("{sign}{text}")
}

/// A span as a limit is written: `90s`, `12h`, `1h30m`; whole parts only.
pub fn span(seconds: i64) -> String {
    let text = human::duration(TimeDelta::seconds(seconds));
    for zero in ["m00s", "h00m", "d0h"] {
        if let Some(head) = text.strip_suffix(zero) {
            return format!("{head}{}", &zero[..1]);
        }
    }
    text
}

/// An age, or the timestamp when those are asked for; empty if unknown.
pub fn when(at: Option<DateTime<Utc>>, cx: &Cx) -> String {
    match at {
        None => String::new(),
        Some(at) if cx.timestamps => stamp(at, cx.now),
        Some(at) => human::duration(cx.now - at),
    }
}

/// `11:48:29`, with the day if it is another.
pub fn stamp(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let format = if at.date_naive() == now.date_naive() {
        "%H:%M:%S"
    } else {
        "%-d %b %H:%M"
    };
    at.format(format).to_string()
}

/// `1 index`, `5 indexes`.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What was asked for and is not yet seen, for the state column: `⌫ deleting…`.
pub fn pending(key: Key, cx: &Cx) -> Option<(State, String)> {
    let intent = cx.session.pending.of(key)?;
    let state = match intent {
        Intent::Delete { .. } | Intent::Evict => State::Terminating,
        Intent::Hold | Intent::Stop(_) | Intent::Cordon(_) => State::Held,
        _ => State::Pending,
    };
    let dots = if cx.theme.glyphs().is_ascii() {
        "..."
    } else {
        "…"
    };
    Some((state, format!("{}{dots}", intent.doing())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_called_by_their_short_names() {
        for (label, short) in [
            ("NVIDIA-A100-SXM4-80GB", "A100"),
            ("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "A100"),
            ("NVIDIA-H100-80GB-HBM3", "H100"),
            ("NVIDIA-L4", "L4"),
            ("Tesla-T4-SHARED", "T4"),
            ("AMD_Instinct_MI300X_OAM", "MI300X"),
            ("NVIDIA-GeForce-RTX-4090", "RTX 4090"),
            ("", ""),
        ] {
            assert_eq!(product(label), short);
        }
    }

    #[test]
    fn slices_and_shares_keep_their_own_names() {
        let mut d = Devices::default();
        d.add("nvidia.com/gpu".into(), 4);
        d.add("nvidia.com/mig-1g.10gb".into(), 2);
        assert_eq!(
            devices(&d, Some("NVIDIA-A100-SXM4-80GB")),
            "4 A100 + 2 1g.10gb"
        );
        assert_eq!(devices(&d, None), "4 gpu + 2 1g.10gb");
        assert_eq!(device("amd.com/gpu", None), "amd gpu");
        assert_eq!(
            device("nvidia.com/gpu.shared", Some("Tesla-T4-SHARED")),
            "T4 share"
        );
    }
}
