//! The first line: what there is of GPUs, in words.

use ratatui::text::{Line, Span};

use super::alarms;
use crate::model::capacity::groups::{Dim, Group, Totals};
use crate::model::capacity::unit::Unit;
use crate::model::shape::Taint;
use crate::model::want::Kind;
use crate::panes::words::{count, product};
use crate::panes::{Cx, health};
use crate::ui::State;

/// The largest sizes a pod is thought of, in GPUs.
const SIZES: [u32; 4] = [8, 4, 2, 1];

/// `107 GPUs: 97 used, 8 free (largest gang now 1 × 8 H100), 2 sick; 36 slices (14 free)`.
pub fn line<'a>(cx: &Cx<'a>, tolerates: impl Fn(&Taint) -> bool + Copy) -> Line<'a> {
    let Some(all) = cx.model.capacity.all(cx.session.cluster) else {
        let text = health::unknown(Kind::Node, cx).unwrap_or_else(|| "no node offers GPUs".into());
        return Line::styled(text, cx.theme.dim());
    };
    let whole = all.gpus(tolerates);
    let mut parts = Vec::new();
    if whole.sums.capacity > 0 {
        let n = whole.sums.capacity;
        let text = format!(
            "{n} {}: {} used",
            if n == 1 { "GPU" } else { "GPUs" },
            whole.sums.used
        );
        parts.push(Span::styled(text, cx.theme.text()));
        let free = format!(", {} free", whole.open);
        parts.push(Span::styled(free, cx.theme.state(State::Succeeded)));
        if let Some(gang) = gang(cx, tolerates) {
            parts.push(Span::styled(
                format!(" (largest gang now {gang})"),
                cx.theme.dim(),
            ));
        }
        parts.extend(wrong(cx));
        let more = [
            (whole.tainted, State::Pending, "behind taints"),
            (whole.away, State::Held, "out of use"),
            (whole.stranded, State::Waiting, "stranded"),
            (whole.sums.sick, State::Failed, "sick"),
            (whole.sums.over, State::Failed, "lost under a pod"),
        ];
        for (n, state, words) in more.into_iter().filter(|(n, ..)| *n > 0) {
            parts.push(Span::styled(", ", cx.theme.dim()));
            parts.push(Span::styled(format!("{n} {words}"), cx.theme.state(state)));
        }
    }
    let (slices, shares, chips) = cut(all, tolerates);
    for (totals, one, many) in [
        (slices, "slice", "slices"),
        (shares, "share", "shares"),
        (chips, "chip", "chips"),
    ] {
        if totals.sums.allocatable == 0 {
            continue;
        }
        if !parts.is_empty() {
            parts.push(Span::styled("; ", cx.theme.dim()));
        }
        let n = usize::try_from(totals.sums.allocatable).unwrap_or(usize::MAX);
        let words = format!("{} ({} free)", count(n, one, many), totals.open);
        parts.push(Span::styled(words, cx.theme.text()));
    }
    if whole.sums.capacity == 0 {
        parts.extend(wrong(cx));
    }
    Line::from(parts)
}

/// `, 3 alarms`.
fn wrong<'a>(cx: &Cx<'a>) -> Vec<Span<'a>> {
    let (n, Some(worst)) = alarms::count(cx) else {
        return Vec::new();
    };
    let style = cx.theme.state(alarms::sign(worst));
    vec![
        Span::styled(", ", cx.theme.dim()),
        Span::styled(count(n, "alarm", "alarms"), style),
    ]
}

/// Slices, shares and accelerators that are no GPUs, each added up: they are counted, never added to GPUs.
fn cut(all: &Group, tolerates: impl Fn(&Taint) -> bool + Copy) -> (Totals, Totals, Totals) {
    let (mut slices, mut shares) = (Totals::default(), Totals::default());
    let mut chips = Totals::default();
    for kind in all.kinds() {
        match kind.unit {
            Unit::Mig { .. } | Unit::Partition { .. } => slices.add(&all.totals(kind, tolerates)),
            Unit::Share { .. } => shares.add(&all.totals(kind, tolerates)),
            Unit::Chip => chips.add(&all.totals(kind, tolerates)),
            _ => {}
        }
    }
    (slices, shares, chips)
}

/// The most pods of the largest size that would start now, of one product: `3 × 8 H100`.
fn gang(cx: &Cx, tolerates: impl Fn(&Taint) -> bool + Copy) -> Option<String> {
    let groups: Vec<_> = cx
        .model
        .capacity
        .groups(cx.session.cluster, Dim::Product)
        .collect();
    for size in SIZES {
        let best = groups.iter().filter_map(|(name, group)| {
            let whole = group.gpus(tolerates);
            Some((whole.pods(size), *name)).filter(|(pods, _)| *pods > 0)
        });
        if let Some((pods, name)) = best.max_by_key(|(pods, _)| *pods) {
            let name = name.map_or("GPUs".into(), |name| product(name));
            return Some(format!("{pods} × {size} {name}"));
        }
    }
    None
}
