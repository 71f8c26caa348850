//! The screen where there are no queues to show: why, and what waits all the same. Without Kueue the scheduler is the
//! only queue there is: pending pods by what it has against them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::limits::{self, Pending};
use crate::model::ids::ClusterId;
use crate::model::kueue::QueueKind;
use crate::model::want::Kind;
use crate::panes::words::count;
use crate::panes::{Cx, health};
use crate::ui::{Row, Table, TableState};

const QUEUES: [Kind; 2] = [
    Kind::Queue(QueueKind::ClusterQueue),
    Kind::Queue(QueueKind::LocalQueue),
];

/// No queue is known in any of these clusters.
pub fn is(of: &[ClusterId], cx: &Cx) -> bool {
    let kueue = &cx.model.kueue;
    let mut all = kueue.cluster_queues.rows().map(|row| row.key);
    let mut local = kueue.local_queues.rows().map(|row| row.key);
    !all.any(|key| of.contains(&key.cluster)) && !local.any(|key| of.contains(&key.cluster))
}

/// Whether a cluster serves queues; none before that was looked for.
fn served(of: ClusterId, cx: &Cx) -> Option<bool> {
    let served = cx.session.served(of)?;
    Some(QUEUES.iter().any(|kind| served.contains(kind)))
}

/// The same of one cluster in a word or two.
pub fn brief(of: ClusterId, cx: &Cx) -> &'static str {
    match served(of, cx) {
        None => "looking",
        Some(false) => "no Kueue",
        Some(true) => "no queue",
    }
}

/// What to say instead of counting queues in these clusters; none if there are some.
pub fn words(pending: &Pending, of: &[ClusterId], cx: &Cx) -> Option<String> {
    if !is(of, cx) {
        return None;
    }
    let served: Vec<Option<bool>> = of.iter().map(|of| served(*of, cx)).collect();
    if !served.contains(&Some(true)) {
        if served.contains(&None) {
            return Some("looking for queues".into());
        }
        let groups = pending.groups(of, cx);
        let pending = groups.values().map(|group| group.pods).sum::<usize>();
        let pods = count(pending, "pod waits", "pods wait");
        let mut words = match pending {
            0 => "Kueue is not installed here, and no pod waits for the scheduler".to_owned(),
            _ => format!("Kueue is not installed here: {pods} for the scheduler alone"),
        };
        let full = limits::quotas(of, cx)
            .iter()
            .filter(|q| q.limit.ratio() >= 1.0)
            .count();
        if full > 0 {
            let full = count(full, "limit of a quota is", "limits of quotas are");
            words.push_str(&format!("; {full} used up"));
        }
        return Some(words);
    }
    let unknown = QUEUES.iter().find_map(|kind| health::unknown(*kind, cx));
    Some(unknown.unwrap_or_else(|| "Kueue is installed, but no queue is set up yet".into()))
}

/// Draws what limits and orders work all the same: what waits for the scheduler, quotas, another scheduler's queues.
pub fn draw(pending: &Pending, of: &[ClusterId], cx: &Cx, area: Rect, buf: &mut Buffer) {
    let blocks = [
        limits::waits(pending, of, cx),
        limits::usage(of, cx),
        limits::volcano(of, cx),
    ];
    let mut left: Vec<_> = blocks
        .into_iter()
        .filter(|block| !block.rows.is_empty())
        .collect();
    left.reverse();
    let mut area = area;
    while let Some(block) = left.pop() {
        // those below keep a heading and a few rows each
        let below: usize = left.iter().map(|b| b.rows.len().min(3) + 2).sum();
        let room = usize::from(area.height).saturating_sub(below).max(4);
        let height = u16::try_from((block.rows.len() + 1).min(room)).unwrap_or(u16::MAX);
        let height = height.min(area.height);
        if height < 2 {
            return;
        }
        Table::new(&block.columns, block.rows.len())
            .focused(false)
            .draw(
                Rect { height, ..area },
                buf,
                cx.theme,
                &mut TableState::default(),
                |at| match block.rows.get(at) {
                    Some(cells) => Row::new(cells.clone()),
                    None => Row::default(),
                },
            );
        let gone = (height + 1).min(area.height);
        area = Rect {
            y: area.y + gone,
            height: area.height - gone,
            ..area
        };
    }
}
