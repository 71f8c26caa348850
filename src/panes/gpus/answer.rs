//! The first line: what there is of GPUs, in words.

use ratatui::text::{Line, Span};

use super::alarms;
use crate::model::capacity::groups::{Dim, Group, Totals};
use crate::model::capacity::unit::Unit;
use crate::model::ids::ClusterId;
use crate::model::shape::Taint;
use crate::model::want::Kind;
use crate::panes::words::{count, product};
use crate::panes::{Cx, health};
use crate::ui::{State, text};

/// The largest sizes a pod is thought of, in GPUs.
const SIZES: [u32; 4] = [8, 4, 2, 1];

/// `107 GPUs: 97 used, 8 free (largest gang now 1 × 8 H100), 2 sick; 36 slices (14 free)`.
pub fn line<'a>(
    clusters: &[ClusterId],
    cx: &Cx<'a>,
    tolerates: impl Fn(&Taint) -> bool + Copy,
) -> Line<'a> {
    let groups = clusters.iter().filter_map(|of| cx.model.capacity.all(*of));
    let all: Vec<&Group> = groups.collect();
    if all.is_empty() {
        let text = health::unknown(Kind::Node, cx).unwrap_or_else(|| "no node offers GPUs".into());
        return Line::styled(text, cx.theme.dim());
    }
    let mut whole = Totals::default();
    all.iter().for_each(|of| whole.add(&of.gpus(tolerates)));
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
        if let Some(gang) = gang(clusters, cx, tolerates) {
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
    let (slices, shares, chips) = cut(&all, tolerates);
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
fn cut(all: &[&Group], tolerates: impl Fn(&Taint) -> bool + Copy) -> (Totals, Totals, Totals) {
    let (mut slices, mut shares) = (Totals::default(), Totals::default());
    let mut chips = Totals::default();
    for (group, kind) in all
        .iter()
        .flat_map(|of| of.kinds().map(move |kind| (of, kind)))
    {
        let sum = match kind.unit {
            Unit::Mig { .. } | Unit::Partition { .. } => &mut slices,
            Unit::Share { .. } => &mut shares,
            Unit::Chip => &mut chips,
            _ => continue,
        };
        sum.add(&group.totals(kind, tolerates));
    }
    (slices, shares, chips)
}

/// The most pods of the largest size that would start now, of one product in one cluster: `3 × 8 H100`, of several
/// clusters `3 × 8 H100 in east`.
fn gang(
    clusters: &[ClusterId],
    cx: &Cx,
    tolerates: impl Fn(&Taint) -> bool + Copy,
) -> Option<String> {
    let groups = |of: &ClusterId| {
        let (of, groups) = (*of, cx.model.capacity.groups(*of, Dim::Product));
        groups.map(move |(name, group)| (of, name, group))
    };
    let groups: Vec<_> = clusters.iter().flat_map(groups).collect();
    for size in SIZES {
        let best = groups.iter().filter_map(|(of, name, group)| {
            let whole = group.gpus(tolerates);
            Some((whole.pods(size), *name, *of)).filter(|(pods, ..)| *pods > 0)
        });
        if let Some((pods, name, of)) = best.max_by_key(|(pods, ..)| *pods) {
            let name = name.map_or("GPUs".into(), |name| product(name));
            let place = cx.model.clusters.name(of).filter(|_| clusters.len() > 1);
            let place = place.map_or(String::new(), |name| format!(" in {}", text::clean(name)));
            return Some(format!("{pods} × {size} {name}{place}"));
        }
    }
    None
}
