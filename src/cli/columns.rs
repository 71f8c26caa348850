//! The tables of `jobdeck get`: which columns each kind has, and what is in them.

use chrono::{DateTime, Utc};

use super::table::Table;
use crate::model::Model;
use crate::model::event::EventRow;
use crate::model::human::{age, bytes, cores, duration};
use crate::model::ids::Name;
use crate::model::job::JobRow;
use crate::model::node::NodeRow;
use crate::model::pod::PodRow;
use crate::model::podwhy;
use crate::model::resources::Devices;

/// Which columns.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Rows of several namespaces: say which.
    pub namespace: bool,
    pub wide: bool,
}

/// The cells of one row, with what `wide` and `-A` ask for beside.
struct Cells(Vec<String>);

impl Cells {
    fn new(shape: Shape, namespace: Option<&Name>) -> Self {
        let namespace = namespace.filter(|_| shape.namespace);
        Self(namespace.map(|n| n.to_string()).into_iter().collect())
    }

    fn add(mut self, cells: impl IntoIterator<Item = String>) -> Self {
        self.0.extend(cells);
        self
    }
}

fn headers(shape: Shape, namespaced: bool, base: &[&'static str], wide: &[&'static str]) -> Table {
    let mut all = Vec::new();
    if namespaced && shape.namespace {
        all.push("NAMESPACE");
    }
    all.extend(base);
    if shape.wide {
        all.extend(wide);
    }
    Table::new(all)
}

const HEADERS: [&str; 12] = [
    "KIND", "NAME", "STATE", "DONE", "ACTIVE", "READY", "FAILED", "RETRIES", "GPUS", "ELAPSED",
    "ETA", "AGE",
];

pub fn jobs(rows: &[&JobRow], model: &Model, now: DateTime<Utc>, shape: Shape) -> Table {
    table_of_jobs(rows, model, now, shape, false)
}

/// The same with the kind, for rows of several.
pub fn workloads(rows: &[&JobRow], model: &Model, now: DateTime<Utc>, shape: Shape) -> Table {
    table_of_jobs(rows, model, now, shape, true)
}

fn table_of_jobs(
    rows: &[&JobRow],
    model: &Model,
    now: DateTime<Utc>,
    shape: Shape,
    kinds: bool,
) -> Table {
    let mut table = headers(
        shape,
        true,
        if kinds { &HEADERS } else { &HEADERS[1..] },
        &["REASON", "FAILED-INDEXES", "QUEUE", "PRIORITY", "IMAGE"],
    );
    for job in rows {
        let status = model.status(job);
        let done = match status.total {
            Some(total) => format!("{}/{total}", status.done),
            None => status.done.to_string(),
        };
        let span = |time: Option<chrono::TimeDelta>| time.map(duration).unwrap_or_default();
        let eta = status.eta(job, model.totals(job.key), now);
        let kind = kinds.then(|| job.kind_name().to_owned());
        let cells = Cells::new(shape, Some(&job.namespace)).add(kind);
        let mut cells = cells.add([
            job.name.to_string(),
            status.phase.word().to_owned(),
            done,
            status.active.to_string(),
            status.ready.to_string(),
            status.failed.to_string(),
            status.retries.to_string(),
            devices(&model.gpus(job)),
            span(status.elapsed(now)),
            span(eta),
            age(job.created, now),
        ]);
        if shape.wide {
            let priority = match (model.priority(job), model.priority_class(job)) {
                (Some(n), Some(class)) => format!("{class} ({n})"),
                (Some(n), None) => n.to_string(),
                (None, class) => text(class),
            };
            cells = cells.add([
                text(status.reason.as_ref()),
                job.failed_indexes.to_string(),
                text(model.queue(job)),
                priority,
                text(job.image.as_ref()),
            ]);
        }
        table.push(cells.0);
    }
    table
}

pub fn pods(rows: &[&PodRow], _: &Model, now: DateTime<Utc>, shape: Shape) -> Table {
    let mut table = headers(
        shape,
        true,
        &["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
        &["NODE", "JOB", "INDEX", "GPUS", "WHY"],
    );
    for pod in rows {
        let mut cells = Cells::new(shape, Some(&pod.namespace)).add([
            pod.name.to_string(),
            format!("{}/{}", pod.ready, pod.containers),
            pod.status.to_string(),
            pod.restarts.to_string(),
            age(pod.created.get(), now),
        ]);
        if shape.wide {
            cells = cells.add([
                text(pod.node.as_ref()),
                text(pod.job()),
                pod.index.get().map(|i| i.to_string()).unwrap_or_default(),
                devices(&pod.shape.devices),
                podwhy::why(pod).map(|why| why.text).unwrap_or_default(),
            ]);
        }
        table.push(cells.0);
    }
    table
}

pub fn nodes(rows: &[&NodeRow], model: &Model, now: DateTime<Utc>, shape: Shape) -> Table {
    let mut table = headers(
        shape,
        false,
        &["NAME", "STATUS", "GPUS", "USED", "PODS", "AGE", "VERSION"],
        &["PRODUCT", "CPU", "MEMORY", "ZONE", "TAINTS"],
    );
    for node in rows {
        let used = model.capacity.of(node);
        let mut state = if node.ready { "Ready" } else { "NotReady" }.to_owned();
        if node.cordoned {
            state.push_str(",SchedulingDisabled");
        }
        let mut cells = Cells::new(shape, None).add([
            node.name.to_string(),
            state,
            devices(&node.allocatable),
            devices(&used.map(|u| u.devices.clone()).unwrap_or_default()),
            used.map_or(0, |u| u.pods).to_string(),
            age(node.created, now),
            node.version.to_string(),
        ]);
        if shape.wide {
            let taints: Vec<&str> = node.taints.iter().map(|t| &**t).collect();
            cells = cells.add([
                text(node.product.as_ref()),
                cores(node.cpu_milli),
                bytes(node.memory),
                text(node.zone.as_ref()),
                taints.join(","),
            ]);
        }
        table.push(cells.0);
    }
    table
}

pub fn events(rows: &[&EventRow], _: &Model, now: DateTime<Utc>, shape: Shape) -> Table {
    let mut table = headers(
        shape,
        true,
        &["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"],
        &["COUNT", "FIRST SEEN", "SOURCE"],
    );
    for event in rows {
        let (kind, name, _) = &event.about;
        let mut cells = Cells::new(shape, Some(&event.namespace)).add([
            age(event.last, now),
            if event.warning { "Warning" } else { "Normal" }.to_owned(),
            event.reason.to_string(),
            format!("{}/{name}", kind.to_lowercase()),
            event.message.clone(),
        ]);
        if shape.wide {
            cells = cells.add([
                event.count.to_string(),
                age(event.first, now),
                event.by.to_string(),
            ]);
        }
        table.push(cells.0);
    }
    table
}

fn text(name: Option<&Name>) -> String {
    name.map(|n| n.to_string()).unwrap_or_default()
}

/// Whole GPUs as a number, slices and shares under their own name: `8`, `2 mig-1g.10gb`, `4+2 mig-1g.10gb`.
fn devices(devices: &Devices) -> String {
    if devices.is_empty() {
        return "0".into();
    }
    let parts: Vec<String> = devices
        .0
        .iter()
        .map(|(name, amount)| match name.split_once('/') {
            Some((_, "gpu")) => amount.to_string(),
            Some((_, kind)) => format!("{amount} {kind}"),
            None => format!("{amount} {name}"),
        })
        .collect();
    parts.join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_gpus_and_slices_stay_apart() {
        let mut all = Devices::default();
        assert_eq!(devices(&all), "0");
        all.add("nvidia.com/gpu".into(), 4);
        assert_eq!(devices(&all), "4");
        all.add("nvidia.com/mig-1g.10gb".into(), 2);
        assert_eq!(devices(&all), "4+2 mig-1g.10gb");
    }
}
