//! What the GPUs on the map do, where exporters are asked: which nodes are asked about, the colours of use, and the words
//! beside the map. Separate because none of it is there until the user wants it.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{Gpus, Row, Spot};
use crate::model::capacity::cards::Card;
use crate::model::gpu_use::alarm::Weight;
use crate::model::gpu_use::seats::on_cards;
use crate::model::gpu_use::{Device, Node};
use crate::model::ids::Key;
use crate::model::node::NodeRow;
use crate::model::want::Want;
use crate::panes::gpu_use::Gauge;
use crate::panes::{Cx, gpu_use};
use crate::ui::{State, spark};

/// Signs of a device's history.
const SIGNS: usize = 20;
/// The same where two stand beside each other.
const SHORT: usize = 7;

impl Gpus {
    /// The nodes asked about: that of the cursor first, and where use is the colour those in sight, no more than are
    /// asked at a time.
    pub(super) fn asked(&self, cx: &Cx) -> Vec<Want> {
        if !cx.session.gpu_use.on {
            return Vec::new();
        }
        let most = cx.session.gpu_use.nodes.max(1);
        let mut keys: Vec<Key> = Vec::new();
        if let Some(Spot::Node(key)) = self.spot {
            keys.push(key);
        }
        if self.heat {
            keys.extend(self.in_sight(most));
        }
        let mut nodes: Vec<_> = Vec::new();
        for node in keys.into_iter().filter_map(|key| cx.model.nodes.get(key)) {
            let at = (node.key.cluster, node.name.clone());
            if nodes.len() < most && !nodes.contains(&at) {
                nodes.push(at);
            }
        }
        let asked = nodes.into_iter();
        asked
            .map(|(cluster, name)| Want::GpuUse(name).at(cluster))
            .collect()
    }

    /// Nodes on screen, of a line of blocks those around the cursor.
    fn in_sight(&self, most: usize) -> Vec<Key> {
        let height = usize::from(self.map.height);
        let shown = self.rows.iter().skip(self.offset).take(height);
        let at = match self.spot {
            Some(Spot::Node(key)) => self.tree.find(key),
            _ => None,
        };
        let mut out = Vec::new();
        for row in shown {
            match *row {
                Row::Node(branch, node) => out.extend(self.tree.node(branch, node)),
                Row::Blocks(branch, from, to) => {
                    let (first, last) = match at {
                        Some((b, n)) if b == branch && (from..to).contains(&n) => {
                            let first = n.saturating_sub(most / 2).max(from);
                            (first, (first + most).min(to))
                        }
                        _ => continue,
                    };
                    out.extend((first..last).filter_map(|n| self.tree.node(branch, n)));
                }
                Row::Cluster(_) | Row::Group(_) | Row::Gap => {}
            }
        }
        out
    }
}

/// What an exporter tells of each part of the cards of a node; none where it is not known.
pub fn devices<'a>(
    cards: &[Card],
    node: &NodeRow,
    cx: &Cx<'a>,
) -> Option<Vec<Vec<Option<&'a Device>>>> {
    let known = cx.model.gpu_use.node(node.key.cluster, &node.name)?;
    known.told?;
    Some(on_cards(cards, known, cx.model))
}

/// The sign and the style of a device by what it does.
pub fn heat(device: Option<&Device>, cx: &Cx) -> (String, Style) {
    let theme = cx.theme;
    let unknown = || ("?".to_owned(), theme.faint());
    let Some(device) = device.filter(|device| !device.is_stale(cx.now)) else {
        return unknown();
    };
    let terms = &cx.session.gpu_use.terms;
    let alarms = device.alarms(cx.now, terms, None);
    if alarms.iter().any(|alarm| alarm.weight() == Weight::Sick) {
        return (
            "!".into(),
            theme.state(State::Failed).add_modifier(Modifier::BOLD),
        );
    }
    let verdict = device.verdict(cx.now, terms.window, None);
    if verdict.idle_since().is_some() {
        return ("○".into(), theme.state(State::Held));
    }
    match device.reading.activity() {
        Some((part, _)) => busy(part, cx),
        None => unknown(),
    }
}

/// The same of a whole node: how busy its devices are together.
pub fn node_heat(node: &NodeRow, cx: &Cx) -> (String, Style) {
    let known = cx.model.gpu_use.node(node.key.cluster, &node.name);
    let known = known.filter(|known| !known.is_stale(cx.now));
    let Some(known) = known else {
        return ("?".into(), cx.theme.faint());
    };
    let parts = known.devices().iter().filter_map(|d| d.reading.activity());
    let (sum, n) = parts.fold((0.0, 0), |(sum, n), (part, _)| (sum + part, n + 1));
    match n {
        0 => ("?".into(), cx.theme.faint()),
        n => busy(sum / n as f32, cx),
    }
}

fn busy(part: f32, cx: &Cx) -> (String, Style) {
    let sign = spark::parts(&[part.into()], cx.theme.glyphs().is_ascii());
    let style = match part {
        p if p <= 0.0 => cx.theme.dim(),
        p if p < 0.4 => cx.theme.state(State::Pending),
        _ => cx.theme.state(State::Running),
    };
    (sign, style)
}

/// What the colours of use mean.
pub fn legend(cx: &Cx) -> Vec<Span<'static>> {
    let dim = cx.theme.dim();
    let window = cx.session.gpu_use.terms.window.num_minutes();
    let (low, _) = busy(0.0, cx);
    let (some, some_style) = busy(0.3, cx);
    let (full, full_style) = busy(1.0, cx);
    vec![
        Span::styled("use: ", dim),
        Span::styled(low, dim),
        Span::styled(some, some_style),
        Span::styled(full, full_style),
        Span::styled(" busy  ", dim),
        Span::styled("○", cx.theme.state(State::Held)),
        Span::styled(format!(" idle for {window} min  "), dim),
        Span::styled("?", cx.theme.faint()),
        Span::styled(" unknown", dim),
    ]
}

/// What a device does: how busy it is, then what else is measured, two in a line, then what is to be said of it.
pub fn words(device: &Device, cx: &Cx) -> Vec<Line<'static>> {
    let theme = cx.theme;
    let reading = &device.reading;
    let stale = device.is_stale(cx.now);
    let plain = if stale { theme.faint() } else { theme.text() };
    let dim = theme.dim();
    let mut spans = Vec::new();
    match reading.activity() {
        Some((part, basis)) => {
            spans.push(Span::styled(
                format!("{} busy ", gpu_use::percent(part)),
                plain,
            ));
            spans.push(Span::styled(
                gpu_use::history(device, SIGNS, cx),
                theme.accent(),
            ));
            spans.push(Span::styled(format!(" {}", basis.words()), dim));
        }
        None => spans.push(Span::styled("activity not exported", dim)),
    }
    let mut out = vec![Line::from(spans)];
    let mut gauges: Vec<(String, Gauge)> = Vec::new();
    gauges.extend(
        (reading.tensor).map(|p| (format!("tensor {}", gpu_use::percent(p)), Gauge::Tensor)),
    );
    gauges.extend(gpu_use::memory(reading).map(|m| (format!("{m} held"), Gauge::Memory)));
    gauges.extend((reading.watts).map(|w| (format!("{w:.0} W"), Gauge::Power)));
    gauges.extend((reading.celsius).map(|c| (format!("{c:.0} °C"), Gauge::Heat)));
    for two in gauges.chunks(2) {
        let mut spans = Vec::new();
        for (n, (words, gauge)) in two.iter().enumerate() {
            let curve = gpu_use::curve(device, *gauge, SHORT, cx);
            spans.push(Span::styled(format!("{words:<13}"), plain));
            let gap = if n == 0 { SHORT + 2 } else { 0 };
            spans.push(Span::styled(format!(" {curve:<gap$}"), theme.accent()));
        }
        out.push(Line::from(spans));
    }
    let mut said = gpu_use::remark(device, None, cx);
    said.extend((reading.dram).map(|p| (format!("memory bus {}", gpu_use::percent(p)), dim)));
    if !said.is_empty() {
        let mut spans = Vec::new();
        for (words, style) in said {
            if !spans.is_empty() {
                spans.push(Span::styled(" · ", dim));
            }
            spans.push(Span::styled(words, style));
        }
        out.push(Line::from(spans));
    }
    out
}

/// The same of one among several: a line each.
pub fn brief(device: &Device, cx: &Cx) -> Line<'static> {
    let theme = cx.theme;
    let reading = &device.reading;
    let plain = match device.is_stale(cx.now) {
        true => theme.faint(),
        false => theme.text(),
    };
    let mut spans = vec![Span::styled(
        format!("{}  ", gpu_use::label(device)),
        theme.dim(),
    )];
    if let Some((part, _)) = reading.activity() {
        let busy = format!("{:>4} ", gpu_use::percent(part));
        spans.push(Span::styled(busy, plain));
        let past = gpu_use::history(device, SHORT, cx);
        spans.push(Span::styled(format!("{past:<SHORT$}  "), theme.accent()));
    }
    let mut facts = Vec::new();
    facts.extend((reading.tensor).map(|p| format!("tensor {}", gpu_use::percent(p))));
    facts.extend(gpu_use::memory(reading));
    spans.push(Span::styled(facts.join(" · "), plain));
    for (words, style) in gpu_use::remark(device, None, cx) {
        spans.push(Span::styled(format!("  {words}"), style));
    }
    Line::from(spans)
}

/// Why nothing is known of a node's GPUs, if nothing is.
pub fn unknown(node: &NodeRow, cx: &Cx) -> Option<Line<'static>> {
    let dim = cx.theme.dim();
    if !cx.session.gpu_use.on {
        return Some(Line::styled(gpu_use::off(cx), dim));
    }
    let known: Option<&Node> = cx.model.gpu_use.node(node.key.cluster, &node.name);
    let Some(known) = known else {
        return Some(Line::styled("asking its exporter …", dim));
    };
    let trouble = known.trouble.as_ref()?;
    let style = cx.theme.level(crate::ui::Level::Warn);
    Some(Line::styled(trouble.text.to_string(), style))
}
