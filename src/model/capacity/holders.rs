//! The ledger: who holds GPUs, by pod, workload, queue or namespace, with GPU-hours so far. Made from the running sums
//! of [`super::ledger`] when it is looked at: O(workloads that hold any), by pod O(pods that do).

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::ledger::{Entry, Held, account, maker, since};
use super::unit::{Kind, WHOLE, unit_of};
use crate::model::Model;
use crate::model::dra::ClaimRow;
use crate::model::ids::{ClusterId, Key, Name};

/// What the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    Pod,
    /// The outermost workload; what no workload made stands for itself.
    Workload,
    /// Kueue's local queue, or another scheduler's.
    Queue,
    Namespace,
}

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Most GPUs first.
    Held,
    /// Most GPU-hours first.
    Hours,
    Name,
    Namespace,
    Queue,
    Pods,
}

/// One holder.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    pub cluster: ClusterId,
    /// The pod or the workload, where it has a row.
    pub key: Option<Key>,
    /// `Job`, `PyTorchJob`, `Deployment`; of others `pod`, `queue`, `namespace`.
    pub kind: Name,
    pub name: Name,
    /// None in a row of a namespace: there it is the name.
    pub namespace: Option<Name>,
    pub queue: Option<Name>,
    pub pods: u32,
    /// What is held, each kind apart.
    pub held: BTreeMap<Kind, Held>,
    /// Device-seconds of pods that are over, by resource.
    spent: BTreeMap<Name, i128>,
}

impl Holder {
    /// Whole GPUs (and other whole accelerators) held.
    pub fn whole(&self) -> u64 {
        let whole = self.held.iter().filter(|(kind, _)| kind.unit.is_whole());
        whole.map(|(_, held)| held.count).sum()
    }

    /// Everything held that is a GPU or a part of one, in GPU equivalents.
    pub fn equivalents(&self) -> f64 {
        let each = self
            .held
            .iter()
            .map(|(kind, held)| kind.unit.equivalent() as f64 / WHOLE as f64 * held.count as f64);
        each.sum()
    }

    /// Hours of GPUs, parts as their equivalents, of pods that are there: from the moment each was bound until now, or
    /// its end. Pods that are deleted are forgotten.
    pub fn gpu_hours(&self, now: DateTime<Utc>) -> f64 {
        let one = |kind: &Kind| kind.unit.equivalent() as f64 / WHOLE as f64;
        let now = now.timestamp();
        let held: f64 = (self.held.iter())
            .map(|(kind, held)| one(kind) * held.seconds(now))
            .sum();
        let spent = self.spent.iter().map(|(name, seconds)| {
            let known = self.held.keys().find(|kind| kind.resource == *name);
            let part = known.map_or_else(
                || unit_of(name, None).equivalent() as f64 / WHOLE as f64,
                one,
            );
            part * *seconds as f64
        });
        (held + spent.sum::<f64>()) / 3600.0
    }

    fn take(&mut self, entry: &Entry) {
        self.pods += entry.pods;
        for (kind, held) in entry.held.iter() {
            self.held.entry(kind.clone()).or_default().add(held);
        }
        for (name, seconds) in entry.spent.iter() {
            *self.spent.entry(name.clone()).or_default() += seconds;
        }
    }
}

fn blank(key: Option<Key>, kind: &str, name: Name) -> Holder {
    Holder {
        cluster: ClusterId::default(),
        key,
        kind: kind.into(),
        name,
        namespace: None,
        queue: None,
        pods: 0,
        held: BTreeMap::new(),
        spent: BTreeMap::new(),
    }
}

/// Everybody who holds a device in a cluster, most GPUs first.
pub fn ledger(model: &Model, cluster: ClusterId, by: By) -> Vec<Holder> {
    let mut all: HashMap<Group, Holder> = HashMap::new();
    if by == By::Pod {
        pods(model, cluster, &mut all);
    } else {
        let entries = model.capacity.ledger().entries();
        for (key, entry) in entries.filter(|(key, e)| key.cluster == cluster && e.pods > 0) {
            holder(model, by, key, entry, &mut all).take(entry);
        }
    }
    for claim in model.claims.rows().filter(|c| c.key.cluster == cluster) {
        if let Some(entry) = of_claim(model, claim) {
            let user = claim
                .users
                .first()
                .map(|(_, uid)| Key { cluster, uid: *uid });
            let pod = user.and_then(|key| model.pods.get(key));
            let account = match (by, pod) {
                (By::Pod, _) | (_, None) => user.unwrap_or(claim.key),
                (_, Some(pod)) => account(pod),
            };
            holder(model, by, account, &entry, &mut all).take(&entry);
        }
    }
    let mut rows: Vec<Holder> = all.into_values().collect();
    rows.iter_mut().for_each(|row| row.cluster = cluster);
    sort(&mut rows, Order::Held, DateTime::UNIX_EPOCH);
    rows
}

/// What groups entries into a row.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Group {
    Of(Key),
    Queue(Name, Option<Name>),
    Namespace(Name),
}

fn holder<'a>(
    model: &Model,
    by: By,
    account: Key,
    entry: &Entry,
    all: &'a mut HashMap<Group, Holder>,
) -> &'a mut Holder {
    let top = model.top(account);
    let job = model.jobs.get(top);
    let queue = || job.and_then(|job| model.queue(job)).cloned();
    match by {
        By::Namespace => all
            .entry(Group::Namespace(entry.namespace.clone()))
            .or_insert_with(|| blank(None, "namespace", entry.namespace.clone())),
        By::Queue => {
            let queue = queue();
            let group = Group::Queue(entry.namespace.clone(), queue.clone());
            all.entry(group).or_insert_with(|| Holder {
                namespace: Some(entry.namespace.clone()),
                queue: queue.clone(),
                ..blank(None, "queue", queue.unwrap_or_else(|| "no queue".into()))
            })
        }
        By::Workload | By::Pod => all.entry(Group::Of(top)).or_insert_with(|| {
            let (kind, name): (Name, Name) = match (job, &entry.owner) {
                (Some(job), _) => (job.kind_name().into(), job.name.clone()),
                (None, Some((kind, name))) => (kind.clone(), name.clone()),
                (None, None) => {
                    let pod = model.pods.get(account);
                    (
                        "pod".into(),
                        pod.map_or_else(|| "?".into(), |p| (*p.name).into()),
                    )
                }
            };
            Holder {
                namespace: Some(entry.namespace.clone()),
                queue: queue(),
                key: job
                    .map(|job| job.key)
                    .or_else(|| model.pods.contains(account).then_some(account)),
                ..blank(None, &kind, name)
            }
        }),
    }
}

fn pods(model: &Model, cluster: ClusterId, all: &mut HashMap<Group, Holder>) {
    for node in model.nodes.rows().filter(|n| n.key.cluster == cluster) {
        let holders = model.capacity.of(node).map(|used| &used.holders);
        for pod in holders
            .into_iter()
            .flatten()
            .filter_map(|key| model.pods.get(*key))
        {
            let top = model.top(account(pod));
            let job = model.jobs.get(top);
            let mut row = Holder {
                namespace: Some(pod.namespace.clone()),
                queue: job.and_then(|job| model.queue(job)).cloned(),
                ..blank(Some(pod.key), "pod", (*pod.name).into())
            };
            row.pods = 1;
            for (name, count) in pod.shape.plugged() {
                let (unit, resource) = (unit_of(name, Some(node)), name.clone());
                let held = Held::of(*count, pod.deleting, since(pod));
                row.held.insert(Kind { unit, resource }, held);
            }
            all.insert(Group::Of(pod.key), row);
        }
    }
}

/// What a claim holds, as an entry of its own; `None`: nothing, or nothing that is known.
fn of_claim(model: &Model, claim: &ClaimRow) -> Option<Entry> {
    let cluster = claim.key.cluster;
    let user = claim
        .users
        .first()
        .map(|(_, uid)| Key { cluster, uid: *uid });
    let pod = user.and_then(|key| model.pods.get(key));
    let from = pod
        .and_then(since)
        .or(claim.created.map(|at| at.timestamp()));
    let mut entry = Entry {
        pods: u32::try_from(claim.users.len()).unwrap_or(u32::MAX),
        namespace: claim.namespace.clone(),
        owner: Some(("ResourceClaim".into(), claim.name.clone())),
        ..Entry::default()
    };
    if let Some(made) = pod.and_then(maker) {
        entry.owner = Some(made);
    }
    for device in &claim.devices {
        if let Some((_, kind)) = model.capacity.dra().find(cluster, device) {
            let going = claim.deleting || pod.is_some_and(|pod| pod.deleting);
            entry
                .held
                .or_insert_with(kind, Held::default)
                .add(&Held::of(1, going, from));
        }
    }
    (!entry.held.is_empty()).then_some(entry)
}

/// Sorts rows; ties by name.
pub fn sort(rows: &mut [Holder], order: Order, now: DateTime<Utc>) {
    let most = |a: f64, b: f64| b.total_cmp(&a);
    rows.sort_by(|a, b| {
        let first = match order {
            Order::Held => (b.whole().cmp(&a.whole())).then(most(a.equivalents(), b.equivalents())),
            Order::Hours => most(a.gpu_hours(now), b.gpu_hours(now)),
            Order::Name => a.name.cmp(&b.name),
            Order::Namespace => a.namespace.cmp(&b.namespace),
            Order::Queue => a.queue.cmp(&b.queue),
            Order::Pods => b.pods.cmp(&a.pods),
        };
        let tie = |h: &Holder| (h.namespace.clone(), h.name.clone(), h.key);
        first.then_with(|| tie(a).cmp(&tie(b)))
    });
}
