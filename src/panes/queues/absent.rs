//! The screen where there are no queues to show: why, and what waits all the same. Without Kueue the scheduler is the
//! only queue there is: pending pods by what it has against them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::ids::Name;
use crate::model::kueue::QueueKind;
use crate::model::pod::PodPhase;
use crate::model::resources::Devices;
use crate::model::want::Kind;
use crate::panes::jobs::why;
use crate::panes::sheet::scope;
use crate::panes::words::{count, devices, when};
use crate::panes::{Cx, health};
use crate::ui::{Cell, Column, Row, State, Table, TableState, text};

const QUEUES: [Kind; 2] = [
    Kind::Queue(QueueKind::ClusterQueue),
    Kind::Queue(QueueKind::LocalQueue),
];

/// What to say instead of counting queues; none if there are some.
pub fn words(cx: &Cx) -> Option<String> {
    let kueue = &cx.model.kueue;
    if !kueue.cluster_queues.is_empty() || !kueue.local_queues.is_empty() {
        return None;
    }
    let served = match &cx.session.served {
        None => return Some("looking for queues".into()),
        Some(served) => QUEUES.iter().any(|kind| served.contains(kind)),
    };
    if !served {
        let pending = pending(cx).values().map(|group| group.pods).sum::<usize>();
        let pods = count(pending, "pod waits", "pods wait");
        return Some(match pending {
            0 => "Kueue is not installed here, and no pod waits for the scheduler".into(),
            _ => format!("Kueue is not installed here: {pods} for the scheduler alone"),
        });
    }
    let unknown = QUEUES.iter().find_map(|kind| health::unknown(*kind, cx));
    Some(unknown.unwrap_or_else(|| "Kueue is installed, but no queue is set up yet".into()))
}

/// Pods that wait for one reason in one namespace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    pub pods: usize,
    pub devices: Devices,
    pub oldest: Option<DateTime<Utc>>,
    /// One scheduler message of them.
    pub message: String,
}

/// Pending pods without a node, by reason and namespace.
pub fn pending(cx: &Cx) -> BTreeMap<(String, Name), Group> {
    let scope = scope(cx);
    let mut groups: BTreeMap<(String, Name), Group> = BTreeMap::new();
    let waits = cx
        .model
        .pods
        .rows()
        .filter(|pod| scope.holds(*pod))
        .filter(|pod| pod.phase == PodPhase::Pending && pod.node.is_none() && !pod.deleting);
    for pod in waits {
        let Some(cause) = why::of_pod(pod) else {
            continue;
        };
        let group = groups
            .entry((why::brief(&cause), pod.namespace.clone()))
            .or_default();
        group.pods += 1;
        group.devices.add_all(&pod.devices);
        group.oldest = group.oldest.into_iter().chain(pod.created).min();
        if group.message.is_empty() {
            group.message = pod.why.as_deref().unwrap_or_default().to_owned();
        }
    }
    groups
}

/// Draws what waits for the scheduler, most pods first.
pub fn draw(cx: &Cx, area: Rect, buf: &mut Buffer) {
    let mut groups: Vec<_> = pending(cx).into_iter().collect();
    if groups.is_empty() {
        return;
    }
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.pods));
    let mut columns = vec![
        Column::new("pods", "PODS").rank(0).width(4, 5, 8).right(),
        Column::new("reason", "WAIT FOR").rank(0).width(14, 20, 36),
        Column::new("namespace", "NS")
            .rank(1)
            .width(8, 12, 24)
            .middle(),
        Column::new("devices", "ASK FOR").rank(2).width(8, 12, 30),
        Column::new("oldest", "OLDEST")
            .rank(3)
            .width(6, 6, 12)
            .right(),
        Column::new("message", "THE SCHEDULER SAYS")
            .rank(2)
            .width(20, 30, 400)
            .grow(),
    ];
    if cx.session.namespace.is_some() {
        columns.retain(|column| column.id() != "namespace");
    }
    let dim = cx.theme.dim();
    Table::new(&columns, groups.len()).focused(false).draw(
        area,
        buf,
        cx.theme,
        &mut TableState::default(),
        |at| {
            let Some(((reason, namespace), group)) = groups.get(at) else {
                return Row::default();
            };
            let cells = columns.iter().map(|column| match column.id() {
                "pods" => Cell::Number(group.pods as u64),
                "reason" => Cell::state(State::Waiting, reason.clone()),
                "namespace" => Cell::text(namespace.to_string()),
                "devices" => Cell::from(devices(&group.devices, None)),
                "oldest" => Cell::styled(when(group.oldest, cx), dim),
                _ => Cell::styled(text::clean(&group.message).into_owned(), dim),
            });
            Row::new(cells.collect())
        },
    );
}
