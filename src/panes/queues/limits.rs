//! What limits work where Kueue does not: pods that wait by what the scheduler has against them, the quotas of
//! namespaces, Volcano's queues. As tables; where they stand on the screen is not decided here.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use crate::model::ids::{ClusterId, Name};
use crate::model::kueue::others::Limit;
use crate::model::kueue::{Amount, QueueKind, QuotaRow, VolcanoQueueRow};
use crate::model::listed::Scope;
use crate::model::pod::PodPhase;
use crate::model::resources::{Devices, is_device};
use crate::model::want::{Kind, Selector, Want};
use crate::panes::Cx;
use crate::panes::clusters;
use crate::panes::jobs::why;
use crate::panes::sheet::scope;
use crate::panes::words::{amount, devices, quantity, when};
use crate::ui::meter::Fill;
use crate::ui::{Cell, Column, Meter, State, text};

/// The quotas of namespaces: watched by the screens that show them.
pub const QUOTAS: Want = Want::Watch(Kind::Queue(QueueKind::ResourceQuota), Selector::All);

/// A table, ready to be drawn.
pub struct Block<'a> {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell<'a>>>,
}

/// Pods that wait for one reason in one namespace with one priority class.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    pub pods: usize,
    pub devices: Devices,
    pub oldest: Option<DateTime<Utc>>,
    /// One scheduler message of them.
    pub message: String,
}

/// What a group has in common: reason, priority class (empty: none), namespace, cluster.
pub type Shared = (String, Name, Name, ClusterId);

/// The groups, counted anew only when pods changed: there may be a hundred thousand.
#[derive(Default)]
pub struct Pending(RefCell<Option<Counted>>);

/// Version of the pods, namespace and clusters they were counted for.
type Counted = (
    u64,
    Option<Name>,
    Vec<ClusterId>,
    Rc<BTreeMap<Shared, Group>>,
);

impl Pending {
    pub fn groups(&self, of: &[ClusterId], cx: &Cx) -> Rc<BTreeMap<Shared, Group>> {
        let (version, namespace) = (cx.model.pods.version(), &cx.session.namespace);
        let mut kept = self.0.borrow_mut();
        if let Some((v, n, clusters, groups)) = &*kept
            && *v == version
            && n == namespace
            && clusters == of
        {
            return groups.clone();
        }
        let groups = Rc::new(pending(of, cx));
        *kept = Some((version, namespace.clone(), of.to_vec(), groups.clone()));
        groups
    }
}

/// Pending pods without a node, by what they have in common.
fn pending(of: &[ClusterId], cx: &Cx) -> BTreeMap<Shared, Group> {
    let scope = scope_of(of, cx);
    let mut groups: BTreeMap<Shared, Group> = BTreeMap::new();
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
        let class = pod.priority_class.clone().unwrap_or_default();
        let group = groups
            .entry((
                why::brief(&cause),
                class,
                pod.namespace.clone(),
                pod.key.cluster,
            ))
            .or_default();
        group.pods += 1;
        group.devices.add_all(&pod.shape.devices);
        group.oldest = group.oldest.into_iter().chain(pod.created.get()).min();
        if group.message.is_empty() {
            group.message = pod.why.as_deref().unwrap_or_default().to_owned();
        }
    }
    groups
}

/// What waits for the scheduler, most pods first.
pub fn waits<'a>(pending: &Pending, of: &[ClusterId], cx: &Cx<'a>) -> Block<'a> {
    let groups = pending.groups(of, cx);
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|(_, group)| Reverse(group.pods));
    let classes = groups.iter().any(|((_, class, ..), _)| !class.is_empty());
    let mut columns = vec![
        Column::new("pods", "PODS").rank(0).width(4, 5, 8).right(),
        Column::new("reason", "WAIT FOR").rank(0).width(14, 20, 36),
        Column::new("class", "PRIORITY")
            .rank(2)
            .width(6, 10, 24)
            .middle(),
        namespace_column(),
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
    columns.retain(|column| match column.id() {
        "namespace" => cx.session.namespace.is_none(),
        "class" => classes,
        _ => true,
    });
    let columns = with_cluster(columns, of, cx);
    let dim = cx.theme.dim();
    let cell = |id: &str, (reason, class, namespace, cluster): &Shared, group: &Group| match id {
        "cluster" => clusters::cell(*cluster, cx),
        "pods" => Cell::Number(group.pods as u64),
        "reason" => Cell::state(State::Waiting, reason.clone()),
        "class" => Cell::styled(text::clean(class).into_owned(), dim),
        "namespace" => Cell::text(namespace.to_string()),
        "devices" => Cell::from(devices(&group.devices, None)),
        "oldest" => Cell::styled(when(group.oldest, cx), dim),
        _ => Cell::styled(text::clean(&group.message).into_owned(), dim),
    };
    let rows = groups.iter().map(|(shared, group)| {
        let cells = columns.iter().map(|c| cell(c.id(), shared, group));
        cells.collect()
    });
    Block {
        rows: rows.collect(),
        columns,
    }
}

/// With the column that tells rows of several clusters apart, in front.
fn with_cluster(columns: Vec<Column>, of: &[ClusterId], cx: &Cx) -> Vec<Column> {
    match of.len() {
        1 => columns,
        _ => clusters::with_column(columns, cx),
    }
}

/// The namespaces looked at, in these clusters.
fn scope_of(of: &[ClusterId], cx: &Cx) -> Scope {
    Scope {
        clusters: Some(of.to_vec()),
        ..scope(cx)
    }
}

fn namespace_column() -> Column {
    Column::new("namespace", "NS")
        .rank(1)
        .width(8, 12, 24)
        .middle()
}

/// One limit of one quota.
pub struct Usage<'a> {
    pub quota: &'a QuotaRow,
    pub limit: &'a Limit,
}

/// The limits in scope, the fullest first; of those as full, devices first.
pub fn quotas<'a>(of: &[ClusterId], cx: &Cx<'a>) -> Vec<Usage<'a>> {
    let scope = scope(cx);
    let names = |row: &QuotaRow| {
        let all = scope.namespaces.as_ref();
        all.is_none_or(|all| all.contains(&row.namespace))
    };
    let rows = cx.model.kueue.quotas.rows();
    let rows = rows.filter(|row| of.contains(&row.key.cluster) && names(row));
    let mut all: Vec<Usage> = rows
        .flat_map(|quota| quota.limits.iter().map(move |limit| Usage { quota, limit }))
        .collect();
    all.sort_by(|a, b| {
        let rank = |u: &Usage<'a>| (!is_device(u.limit.resource()), u.quota.namespace.clone());
        let full = b.limit.ratio().total_cmp(&a.limit.ratio());
        full.then_with(|| rank(a).cmp(&rank(b)))
            .then_with(|| a.limit.what.cmp(&b.limit.what))
    });
    all
}

/// Resource quotas, the fullest limit first.
pub fn usage<'a>(of: &[ClusterId], cx: &Cx<'a>) -> Block<'a> {
    let mut columns = vec![
        namespace_column(),
        Column::new("quota", "QUOTA")
            .rank(2)
            .width(8, 12, 24)
            .middle(),
        Column::new("what", "LIMIT").rank(0).width(10, 18, 36),
        Column::new("used", "USED").rank(0).width(18, 26, 60).grow(),
        Column::new("scope", "FOR").rank(3).width(6, 12, 40),
    ];
    let all = quotas(of, cx);
    columns.retain(|column| match column.id() {
        "namespace" => cx.session.namespace.is_none(),
        "scope" => all.iter().any(|u| !u.quota.scope.is_empty()),
        _ => true,
    });
    let columns = with_cluster(columns, of, cx);
    let dim = cx.theme.dim();
    let cell = |id: &str, of: &Usage<'a>| match id {
        "cluster" => clusters::cell(of.quota.key.cluster, cx),
        "namespace" => Cell::text(of.quota.namespace.to_string()),
        "quota" => Cell::styled(text::clean(&of.quota.name).into_owned(), dim),
        "what" => Cell::text(text::clean(&of.limit.what).into_owned()),
        "scope" => Cell::styled(text::clean(&of.quota.scope).into_owned(), dim),
        _ => {
            let limit = of.limit;
            let say = |n| quantity(limit.resource(), n);
            let label = format!("{} / {}", say(limit.used), say(limit.hard));
            let meter = Meter::new(limit.hard as f64).segment(limit.used as f64, Fill::Plain);
            let meter = match limit.ratio() >= 1.0 {
                true => meter.label(label).note("full", State::Waiting),
                false => meter.label(label),
            };
            Cell::Bar(meter)
        }
    };
    let rows = all
        .iter()
        .map(|u| columns.iter().map(|c| cell(c.id(), u)).collect());
    Block {
        rows: rows.collect(),
        columns: columns.clone(),
    }
}

/// Volcano's queues, by name.
pub fn volcano<'a>(of: &[ClusterId], cx: &Cx<'a>) -> Block<'a> {
    let rows = cx.model.kueue.volcano_queues.rows();
    let mut all: Vec<&VolcanoQueueRow> = rows.filter(|row| of.contains(&row.key.cluster)).collect();
    all.sort_by(|a, b| (&a.name, a.key.cluster).cmp(&(&b.name, b.key.cluster)));
    let counted = all.iter().any(|row| row.groups.is_some());
    let mut columns = vec![
        Column::new("name", "VOLCANO QUEUE")
            .rank(0)
            .width(12, 18, 40)
            .middle(),
        Column::new("state", "STATE").rank(1).width(6, 8, 12),
        Column::new("pending", "PEND")
            .rank(1)
            .width(4, 5, 8)
            .right(),
        Column::new("inqueue", "INQ").rank(2).width(4, 5, 8).right(),
        Column::new("running", "RUN").rank(1).width(4, 5, 8).right(),
        Column::new("weight", "WEIGHT")
            .rank(3)
            .width(6, 6, 8)
            .right(),
        Column::new("held", "HOLDS").rank(1).width(12, 20, 60),
        Column::new("most", "MOST")
            .rank(2)
            .width(10, 16, 120)
            .grow(),
    ];
    columns.retain(|c| counted || !matches!(c.id(), "pending" | "inqueue" | "running"));
    let columns = with_cluster(columns, of, cx);
    let dim = cx.theme.dim();
    let cell = |id: &str, row: &VolcanoQueueRow| {
        let groups = row.groups.unwrap_or_default();
        match id {
            "cluster" => clusters::cell(row.key.cluster, cx),
            "name" => Cell::text(match &row.parent {
                Some(parent) => text::clean(&format!("{parent}/{}", row.name)).into_owned(),
                None => text::clean(&row.name).into_owned(),
            }),
            "state" => match &*row.state {
                "Open" => Cell::state(State::Running, "open"),
                "" => Cell::Empty,
                other => Cell::state(State::Held, other.to_lowercase()),
            },
            "pending" => match groups.pending {
                0 => Cell::Number(0),
                n => Cell::styled(n.to_string(), cx.theme.state(State::Waiting)),
            },
            "inqueue" => Cell::Number(groups.inqueue.into()),
            "running" => Cell::Number(groups.running.into()),
            "weight" => row
                .weight
                .map_or(Cell::Empty, |n| Cell::from(n.to_string())),
            "held" => Cell::from(amounts(&row.allocated)),
            _ if row.capability.is_empty() => Cell::styled("no limit", dim),
            _ => Cell::styled(amounts(&row.capability), dim),
        }
    };
    let rows = all
        .iter()
        .map(|row| columns.iter().map(|c| cell(c.id(), row)).collect());
    Block {
        rows: rows.collect(),
        columns: columns.clone(),
    }
}

/// Devices first, then cpu and memory; what there is nothing of is left out.
pub fn amounts(all: &[(Name, Amount)]) -> String {
    let mut all: Vec<_> = all
        .iter()
        .filter(|(what, n)| *n > 0 && &**what != "pods")
        .collect();
    all.sort_by_key(|(what, _)| !is_device(what));
    let words: Vec<String> = all.iter().map(|(what, n)| amount(what, *n)).collect();
    words.join(", ")
}
