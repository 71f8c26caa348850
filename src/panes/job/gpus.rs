//! What the GPUs of a job do, as the exporters of its nodes tell it. Separate because it joins two things: the job's
//! pods, and the devices that name them.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Cx, Job};
use crate::model::gpu_use::Device;
use crate::model::gpu_use::alarm::Weight;
use crate::model::ids::{ClusterId, Name};
use crate::model::pod::{PodPhase, PodRow};
use crate::model::want::Want;
use crate::panes::gpu_use::{self, Gauge};
use crate::panes::words::{count, product};
use crate::ui::{Cell, Column, Level, Row, Table, TableState, text};

/// Pods looked at; of more, the first.
const PODS: usize = 4096;
/// Nodes asked about for one job.
const NODES: usize = 16;
/// Signs of a device's history.
const SIGNS: usize = 12;
/// Of what is measured beside how busy it is; shown where there is room.
const SHORT: usize = 6;

/// What is known of them.
pub struct Gpus<'a> {
    /// In the order of pods, then of devices.
    devices: Vec<(&'a PodRow, &'a Device)>,
    /// Of how many nodes; more are not asked about.
    asked: usize,
    nodes: usize,
    /// What is not known, and why: in a sentence each.
    unknown: Vec<(String, Level)>,
}

/// The pods that have devices now, in order.
fn pods<'a>(pane: &Job, cx: &Cx<'a>) -> Vec<&'a PodRow> {
    let runs = |pod: &&PodRow| pod.phase == PodPhase::Running && pod.node.is_some();
    let mut all: Vec<&PodRow> = cx
        .model
        .pods_of(pane.key())
        .take(PODS)
        .filter(|pod| {
            let claims = || pod.shape.claims > 0 && !cx.model.claimed_by(pod.key).is_empty();
            !pod.shape.devices.is_empty() || claims()
        })
        .filter(runs)
        .collect();
    all.sort_by(|a, b| (a.index.get(), &a.name).cmp(&(b.index.get(), &b.name)));
    all
}

/// Their nodes in the order of the pods, with the pods on each.
fn nodes<'a>(pods: &[&'a PodRow]) -> Vec<((ClusterId, &'a Name), Vec<&'a PodRow>)> {
    let mut at: BTreeMap<(ClusterId, &Name), usize> = BTreeMap::new();
    let mut out: Vec<((ClusterId, &Name), Vec<&PodRow>)> = Vec::new();
    for pod in pods {
        let Some(node) = &pod.node else { continue };
        let place = (pod.key.cluster, node);
        let n = *at.entry(place).or_insert_with(|| {
            out.push((place, Vec::new()));
            out.len() - 1
        });
        out[n].1.push(pod);
    }
    out
}

/// Asked about while the detail is on screen.
pub fn wants(pane: &Job, cx: &Cx) -> Vec<Want> {
    if !cx.session.gpu_use.on {
        return Vec::new();
    }
    let pods = pods(pane, cx);
    let of = |((cluster, node), pods): ((ClusterId, &Name), Vec<&PodRow>)| {
        let namespace = pods.first().map(|pod| &pod.namespace)?;
        Some(gpu_use::want(cluster, node, namespace, cx))
    };
    nodes(&pods)
        .into_iter()
        .take(NODES)
        .filter_map(of)
        .collect()
}

/// Nothing where it is off, or no pod has a device.
pub fn look<'a>(pane: &Job, cx: &Cx<'a>) -> Option<Gpus<'a>> {
    if !cx.session.gpu_use.on {
        return None;
    }
    let pods = pods(pane, cx);
    let nodes = nodes(&pods);
    if nodes.is_empty() {
        return None;
    }
    let mut out = Gpus {
        devices: Vec::new(),
        asked: nodes.len().min(NODES),
        nodes: nodes.len(),
        unknown: Vec::new(),
    };
    let mut troubles: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut waiting = 0;
    let mut unnamed: BTreeSet<&str> = BTreeSet::new();
    for ((cluster, name), pods) in nodes.into_iter().take(NODES) {
        let Some(node) = cx.model.gpu_use.node(cluster, name) else {
            waiting += 1;
            continue;
        };
        if let Some(trouble) = &node.trouble {
            troubles.entry(&trouble.text).or_default().push(name);
        }
        for pod in pods {
            let before = out.devices.len();
            let of = cx.model.gpu_use.of_pod(pod);
            out.devices.extend(of.map(|device| (pod, device)));
            if out.devices.len() == before && node.told.is_some() {
                unnamed.insert(&pod.name);
            }
        }
    }
    for (why, names) in troubles {
        let others = match names.len() {
            0 | 1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let first = names.first().copied().unwrap_or_default();
        out.unknown
            .push((format!("{first}{others}: {why}"), Level::Warn));
    }
    if let Some(first) = unnamed.first() {
        let others = match unnamed.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let text = format!(
            "{first}{others}: no device names it (new, or the exporter is not told which pod has which)"
        );
        out.unknown.push((text, Level::Info));
    }
    if waiting > 0 {
        let text = format!(
            "waiting for the exporters of {}",
            count(waiting, "node", "nodes")
        );
        out.unknown.push((text, Level::Info));
    }
    Some(out)
}

fn columns(several: bool) -> Vec<Column> {
    // names come before curves
    let curve = |id, from| {
        Column::new(id, "")
            .rank(9)
            .fixed(SHORT as u16)
            .from_width(from)
    };
    let mut all = vec![
        Column::new("gpu", "GPU").rank(0).width(1, 4, 16),
        Column::new("model", "MODEL").rank(5).width(4, 6, 12),
        Column::new("use", "USE").rank(0).width(4, 4, 4).right(),
        Column::new("past", "")
            .rank(2)
            .width(SIGNS as u16, SIGNS as u16, SIGNS as u16),
        Column::new("tensor", "TENSOR")
            .rank(3)
            .width(6, 6, 6)
            .right(),
        curve("past tensor", 112),
        Column::new("memory", "MEMORY")
            .rank(1)
            .width(7, 8, 11)
            .right(),
        curve("past memory", 120),
        Column::new("power", "POWER").rank(6).width(5, 5, 6).right(),
        curve("past power", 136),
        Column::new("heat", "TEMP").rank(6).width(4, 5, 5).right(),
        curve("past heat", 136),
        Column::new("remark", "").rank(1).width(10, 14, 60).grow(),
    ];
    if several {
        all.insert(
            0,
            Column::new("pod", "POD").rank(4).width(8, 14, 40).middle(),
        );
    }
    all
}

fn row(pod: &PodRow, device: &Device, columns: &[Column], cx: &Cx) -> Row<'static> {
    let reading = &device.reading;
    let stale = device.is_stale(cx.now);
    let plain = match stale {
        true => cx.theme.faint(),
        false => cx.theme.text(),
    };
    let dim = if stale {
        cx.theme.faint()
    } else {
        cx.theme.dim()
    };
    let said = |text: Option<String>, style| match text {
        Some(text) => Cell::styled(text, style),
        None => Cell::styled("?", cx.theme.faint()),
    };
    let curve = |of| Cell::styled(gpu_use::curve(device, of, SHORT, cx), cx.theme.accent());
    let cells = columns.iter().map(|column| match column.id() {
        "past tensor" => curve(Gauge::Tensor),
        "past memory" => curve(Gauge::Memory),
        "past power" => curve(Gauge::Power),
        "past heat" => curve(Gauge::Heat),
        "pod" => Cell::styled(pod.name.to_string(), dim),
        "gpu" => Cell::styled(gpu_use::label(device), plain),
        "model" => Cell::styled(product(&device.product).into_owned(), dim),
        "use" => said(
            reading.activity().map(|(part, _)| gpu_use::percent(part)),
            plain,
        ),
        "past" => Cell::styled(gpu_use::history(device, SIGNS, cx), cx.theme.accent()),
        "tensor" => said(reading.tensor.map(gpu_use::percent), plain),
        "memory" => said(gpu_use::memory(reading), plain),
        "power" => said(reading.watts.map(|w| format!("{w:.0}W")), dim),
        "heat" => said(reading.celsius.map(|c| format!("{c:.0}°C")), dim),
        "remark" => {
            let mut spans = Vec::new();
            for (text, style) in gpu_use::remark(device, pod.started.get(), cx) {
                if !spans.is_empty() {
                    spans.push(Span::styled(", ", cx.theme.faint()));
                }
                spans.push(Span::styled(text, style));
            }
            Cell::Spans(spans)
        }
        _ => Cell::Empty,
    });
    Row::new(cells.collect())
}

impl Gpus<'_> {
    /// Rows it can use, its heading aside.
    pub fn rows(&self) -> usize {
        let table = match self.devices.len() {
            0 => 0,
            n => n + 1,
        };
        table + self.unknown.len()
    }

    /// `8 · 63% busy · 2 idle · 1 sick`.
    pub fn summary(&self, cx: &Cx) -> String {
        let terms = &cx.session.gpu_use.terms;
        let fresh = self.devices.iter().filter(|(_, d)| !d.is_stale(cx.now));
        let parts: Vec<f32> = fresh
            .filter_map(|(_, d)| Some(d.reading.activity()?.0))
            .collect();
        let mut out = vec![self.devices.len().to_string()];
        if !parts.is_empty() {
            let mean = parts.iter().sum::<f32>() / parts.len() as f32;
            out.push(format!("{} busy", gpu_use::percent(mean)));
        }
        let (mut idle, mut sick) = (0, 0);
        for (pod, device) in &self.devices {
            let verdict = device.verdict(cx.now, terms.window, pod.started.get());
            idle += usize::from(verdict.idle_since().is_some());
            let alarms = device.alarms(cx.now, terms, pod.started.get());
            sick += usize::from(alarms.iter().any(|a| a.weight() == Weight::Sick));
        }
        if idle > 0 {
            out.push(format!(
                "{idle} idle for {} min or more",
                terms.window.num_minutes()
            ));
        }
        if sick > 0 {
            out.push(format!("{sick} in trouble"));
        }
        if self.asked < self.nodes {
            out.push(format!(
                "of the first {} of {} nodes",
                self.asked, self.nodes
            ));
        }
        out.join(" · ")
    }

    /// The devices, those that want eyes first where not all fit; then what is not known.
    pub fn draw(&self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let below = self.unknown.len().min(usize::from(area.height).div_ceil(2)) as u16;
        let table = Rect {
            height: area.height - below.min(area.height),
            ..area
        };
        let mut shown = self.devices.clone();
        let room = usize::from(table.height.saturating_sub(1));
        if shown.len() > room {
            shown.sort_by_key(|(pod, device)| {
                std::cmp::Reverse(gpu_use::urgency(device, pod.started.get(), cx))
            });
        }
        let mut y = area.y;
        if !shown.is_empty() && table.height > 1 {
            let one = shown.iter().all(|(pod, _)| pod.key == shown[0].0.key);
            let columns = columns(!one);
            Table::new(&columns, shown.len()).draw(
                table,
                buf,
                cx.theme,
                &mut TableState::default(),
                |at| match shown.get(at) {
                    Some((pod, device)) => row(pod, device, &columns, cx),
                    None => Row::default(),
                },
            );
            y += (shown.len() as u16 + 1).min(table.height);
        }
        for (words, level) in &self.unknown {
            if y >= area.bottom() {
                break;
            }
            let style = match level {
                Level::Info => cx.theme.dim(),
                level => cx.theme.level(*level),
            };
            // a single sentence may take the room there is
            let most = match self.unknown.len() {
                1 => usize::from(area.bottom() - y),
                _ => 1,
            };
            for line in text::wrap(words, area.width.into()).into_iter().take(most) {
                buf.set_line(area.x, y, &Line::styled(line, style), area.width);
                y += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
