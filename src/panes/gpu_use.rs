//! The use of GPUs in words, signs and cells: one place for all panes that show some.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::style::Style;

use super::{Cx, worker};
use crate::app::action::{Action, Scope};
use crate::model::gpu_use::alarm::{Alarm, Weight};
use crate::model::gpu_use::reading::Reading;
use crate::model::gpu_use::ring::Sample;
use crate::model::gpu_use::verdict::{Unknown, Verdict};
use crate::model::gpu_use::{Device, Node};
use crate::model::human;
use crate::model::ids::{ClusterId, Name};
use crate::model::node::NodeRow;
use crate::model::want::Want;
use crate::ui::{Cell, Level, State, spark};

/// What has to be asked to know what the GPUs of a node do; the app asks only while the user wants it. `namespace`: of
/// a pod there, where it is a worker cluster's.
pub fn want(cluster: ClusterId, node: &Name, namespace: &Name, cx: &Cx) -> Want {
    worker::at(cluster, namespace, Want::GpuUse(node.clone()), cx)
}

/// Whether a node has devices, by whatever way they are given out.
pub fn has_gpus(row: &NodeRow, cx: &Cx) -> bool {
    cx.model.capacity.share(row).is_some()
}

/// `what its GPUs do is not read (U reads it)`.
pub fn off(cx: &Cx) -> String {
    let key = cx
        .keymap
        .key_for(Action::GpuUse, &[Scope::Global.name()])
        .map(|key| format!(" ({key} asks the exporters of its nodes)"));
    format!("what its GPUs do is not read{}", key.unwrap_or_default())
}

/// `97%`; something is never `0%`, and almost everything never `100%`.
pub fn percent(part: f32) -> String {
    match part {
        p if p <= 0.0 => "0%".into(),
        p if p < 0.01 => "<1%".into(),
        p if p < 1.0 => format!("{:.0}%", (p * 100.0).min(99.0)),
        _ => "100%".into(),
    }
}

/// `3`, or of a slice `0/9 1g.10gb`.
pub fn label(device: &Device) -> String {
    let index = device
        .index
        .map_or_else(|| device.id.uuid.to_string(), |n| n.to_string());
    match &device.id.slice {
        Some(slice) => format!("{index}/{} {}", slice.id, slice.profile),
        None => index,
    }
}

/// `71/80Gi`; how much alone where the whole is not told.
pub fn memory(reading: &Reading) -> Option<String> {
    let gib = |mib: f32| match mib / 1024.0 {
        g if g < 9.95 => format!("{g:.1}"),
        g => format!("{g:.0}"),
    };
    let used = reading.used?;
    Some(match reading.memory() {
        Some(all) => format!("{}/{}Gi", gib(used), gib(all)),
        None => format!("{}Gi", gib(used)),
    })
}

/// How busy it was, oldest first, as signs of one row: the last `columns` looks, from nothing to everything; a blank
/// where it was not read, but none before the first.
pub fn history(device: &Device, columns: usize, cx: &Cx) -> String {
    let every = device.every().max(1).into();
    let parts = device
        .history
        .spans(device.at, every, columns, Sample::activity);
    let signs = spark::parts(&parts, cx.theme.glyphs().is_ascii());
    signs.trim_start().to_owned()
}

/// What is measured of a device beside how busy it is, as far as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gauge {
    Tensor,
    Memory,
    Power,
    Heat,
}

/// One of them over the last `columns` looks: tensor activity as it is, memory as part of what the device has, heat as
/// part of what is hot, power as part of the most that was seen, for nobody tells the limit.
pub fn curve(device: &Device, of: Gauge, columns: usize, cx: &Cx) -> String {
    let most = |value: fn(&Sample) -> Option<f32>| {
        let seen = device.history.iter().filter_map(value);
        seen.fold(0.0, f32::max)
    };
    let used = |s: &Sample| s.used().map(|mib| mib as f32);
    let watts = |s: &Sample| s.watts().map(f32::from);
    let whole = match of {
        Gauge::Tensor => 1.0,
        Gauge::Memory => device.reading.memory().unwrap_or_else(|| most(used)),
        Gauge::Power => most(watts),
        Gauge::Heat => cx.session.gpu_use.terms.hot,
    };
    let value = |s: &Sample| match of {
        Gauge::Tensor => s.tensor(),
        Gauge::Memory => used(s),
        Gauge::Power => watts(s),
        Gauge::Heat => s.celsius().map(f32::from),
    };
    let part = |s: &Sample| value(s).map(|n| if whole > 0.0 { n / whole } else { 0.0 });
    let every = device.every().max(1).into();
    let parts = device.history.spans(device.at, every, columns, part);
    let signs = spark::parts(&parts, cx.theme.glyphs().is_ascii());
    signs.trim_start().to_owned()
}

/// A span in whole minutes.
fn minutes(span: TimeDelta) -> String {
    match span.num_seconds() {
        s if s < 60 => format!("{}s", s.max(0)),
        s if s < 3600 => format!("{}m", s / 60),
        _ => human::duration(span),
    }
}

/// What is to be said of a device beside its numbers: what is wrong, then whether it is idle, or why that is not known;
/// nothing of one that works.
pub fn remark(device: &Device, started: Option<DateTime<Utc>>, cx: &Cx) -> Vec<(String, Style)> {
    let terms = &cx.session.gpu_use.terms;
    let mut out: Vec<(String, Style)> = device
        .alarms(cx.now, terms, started)
        .into_iter()
        .filter(|alarm| !matches!(alarm, Alarm::Parked { .. } | Alarm::Unused { .. }))
        .map(|alarm| {
            let style = match alarm.weight() {
                Weight::Sick => cx.theme.level(Level::Error),
                Weight::Waste => cx.theme.level(Level::Warn),
                Weight::Note => cx.theme.dim(),
            };
            (alarm.short(), style)
        })
        .collect();
    let dim = cx.theme.dim();
    let idle = cx.theme.state(State::Held);
    let said = match device.verdict(cx.now, terms.window, started) {
        Verdict::Free | Verdict::Busy(_) => None,
        Verdict::Parked { since, .. } => {
            Some((format!("parked {}", minutes(cx.now - since)), idle))
        }
        Verdict::Unused { since, .. } => {
            Some((format!("unused {}", minutes(cx.now - since)), idle))
        }
        Verdict::Unknown(Unknown::Watching { since }) => {
            let seen = minutes(device.at - since);
            Some((
                format!("quiet, seen {seen} of {}", minutes(terms.window)),
                dim,
            ))
        }
        Verdict::Unknown(Unknown::Young { since }) => Some((
            format!("quiet, pod is {} old", minutes(cx.now - since)),
            dim,
        )),
        Verdict::Unknown(Unknown::NoActivity) => Some(("activity not exported".into(), dim)),
        Verdict::Unknown(Unknown::Stale { at }) => {
            Some((format!("read {} ago", minutes(cx.now - at)), dim))
        }
    };
    out.extend(said);
    if device.is_shared() {
        out.push((format!("shared by {}", device.holders.len()), dim));
    }
    out
}

/// How urgently a device wants eyes, the most urgent first when sorted downwards: sick, idle, hot, then by how little
/// it does.
pub fn urgency(device: &Device, started: Option<DateTime<Utc>>, cx: &Cx) -> (Weight, bool, u8) {
    let terms = &cx.session.gpu_use.terms;
    let alarms = device.alarms(cx.now, terms, started);
    let weight = alarms.first().map_or(Weight::Note, |alarm| alarm.weight());
    let idle = device.verdict(cx.now, terms.window, started).idle_since();
    let lazy = device
        .reading
        .activity()
        .map_or(0, |(part, _)| 100 - (part * 100.0) as u8);
    (weight, idle.is_some(), lazy)
}

/// The cards of a node in one cell: a sign each, then how busy they are together; or why that is not known.
pub fn node_cell(row: &NodeRow, cx: &Cx) -> Cell<'static> {
    if !has_gpus(row, cx) || !cx.session.gpu_use.on {
        return Cell::Empty;
    }
    let Some(node) = cx.model.gpu_use.node(row.key.cluster, &row.name) else {
        return Cell::styled("…", cx.theme.faint());
    };
    let parts: Vec<f64> = activities(node);
    let known: Vec<f64> = parts.iter().copied().filter(|p| p.is_finite()).collect();
    if node.is_stale(cx.now) || known.is_empty() {
        let why = match &node.trouble {
            Some(trouble) => trouble.reason.short(),
            None if node.told.is_some() => "not exported",
            None => "…",
        };
        return Cell::styled(why, cx.theme.faint());
    }
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let signs = match parts.len() <= 16 {
        true => spark::parts(&parts, cx.theme.glyphs().is_ascii()),
        false => format!("{}×", parts.len()),
    };
    let idle = node.devices().iter().any(|device| {
        let verdict = device.verdict(cx.now, cx.session.gpu_use.terms.window, None);
        verdict.idle_since().is_some()
    });
    let style = match idle {
        true => cx.theme.state(State::Held),
        false => cx.theme.text(),
    };
    Cell::styled(format!("{signs} {:>4}", percent(mean as f32)), style)
}

/// How busy each device of a node is; of a card in slices, its slices.
fn activities(node: &Node) -> Vec<f64> {
    let devices = node.devices();
    let sliced = |uuid: &Name| {
        devices
            .iter()
            .any(|d| d.id.slice.is_some() && d.id.uuid == *uuid)
    };
    devices
        .iter()
        .filter(|d| d.id.slice.is_some() || !sliced(&d.id.uuid))
        .map(|d| {
            d.reading
                .activity()
                .map_or(f64::NAN, |(part, _)| part.into())
        })
        .collect()
}
