//! Per completion index of an Indexed job: its state (domain: A.4), its tries and how it last ended. Knows what
//! was seen of pods that are gone, within a bound, and counts whole blocks of 100,000 indexes cheaply.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::blocks::Blocks;
use super::ids::{Key, Name, Uid};
use super::job::JobRow;
use super::moment::Moment;
use super::pod::{Exit, PodPhase, PodRow};

/// Remembered pods per job, one for each index; beyond it the oldest clean ends go first, then the oldest
/// failures. The tries stay counted. About 200 bytes each.
const REMEMBERED: usize = 4_096;

/// The state of one completion index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IndexState {
    Succeeded,
    Failed,
    Running,
    /// Waiting for its pod or its pod for a place.
    Pending,
    /// Only failed pods so far: its next try waits for the backoff. How many failed.
    Retrying(u32),
    Terminating,
    /// The job ended before this index ran.
    NotRun,
}

/// How many indexes of a range are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub succeeded: u32,
    pub failed: u32,
    pub running: u32,
    pub pending: u32,
    pub retrying: u32,
    pub terminating: u32,
    pub not_run: u32,
}

/// What the live pods of an index say, before the job's own status is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Class {
    #[default]
    Succeeded,
    Running,
    Pending,
    Terminating,
    Retrying,
}

/// All that is known of one job's indexes from its pods.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Indexes {
    cells: Blocks<Cell>,
    /// Indexes with live pods that the job's status does not settle.
    open: Blocks<Class>,
    /// Indexes of which a pod that is gone is remembered.
    order: Option<Box<Remembered>>,
}

/// In the order they are forgotten in: those that ended well first.
#[derive(Debug, Clone, PartialEq, Default)]
struct Remembered {
    clean: VecDeque<u32>,
    bad: VecDeque<u32>,
}

impl Remembered {
    fn of(&mut self, bad: bool) -> &mut VecDeque<u32> {
        match bad {
            true => &mut self.bad,
            false => &mut self.clean,
        }
    }
}

/// There is one for each index with pods, so it holds the one pod that most have in place.
#[derive(Debug, Clone, PartialEq, Default)]
struct Cell {
    first: Option<LivePod>,
    /// None where all went well at the first try.
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Rest {
    more: Vec<LivePod>,
    past: Past,
}

/// What is known of an index beside its pods.
#[derive(Debug, Clone, PartialEq, Default)]
struct Past {
    /// Most failures any pod of the index told of, itself included.
    told: u32,
    /// Failed pods that are gone.
    failed_gone: u32,
    last: Option<Seen>,
}

#[derive(Debug, Clone, PartialEq)]
struct LivePod {
    /// Its row in the table of pods.
    slot: u32,
    /// Which of two of the same second is the newer: the same one whatever the order they came in.
    tie: u32,
    created: Moment,
    class: PodClass,
    restarts: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PodClass {
    Succeeded,
    Running,
    Pending,
    Deleting,
    Failed,
}

/// A pod of an index as it was last seen; kept when the pod is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub key: Key,
    pub name: Box<str>,
    pub node: Option<Name>,
    pub phase: PodPhase,
    pub status: Name,
    pub exit: Option<Exit>,
    pub disrupted: Option<Name>,
    pub created: Option<DateTime<Utc>>,
    pub started: Option<DateTime<Utc>>,
    pub finished: Option<DateTime<Utc>>,
}

impl Seen {
    pub fn of(pod: &PodRow) -> Self {
        Self {
            key: pod.key,
            name: pod.name.as_str().into(),
            node: pod.node.clone(),
            phase: pod.phase,
            status: pod.status.clone(),
            exit: pod.exit.as_deref().cloned(),
            disrupted: pod.disrupted.clone(),
            created: pod.created.get(),
            started: pod.started.get(),
            finished: pod.finished.get(),
        }
    }

    fn is_bad(&self) -> bool {
        self.phase == PodPhase::Failed || self.exit.as_ref().is_some_and(|e| e.code != 0)
    }

    fn age(&self) -> (Option<DateTime<Utc>>, Uid) {
        (self.created, self.key.uid)
    }
}

impl Cell {
    fn class(&self) -> Option<Class> {
        let newest_active = self
            .live()
            .filter(|p| matches!(p.class, PodClass::Running | PodClass::Pending))
            .max_by_key(|p| (p.created, p.tie));
        let any = |class| self.live().any(|p| p.class == class);
        if any(PodClass::Succeeded) {
            Some(Class::Succeeded)
        } else if let Some(pod) = newest_active {
            Some(if pod.class == PodClass::Running {
                Class::Running
            } else {
                Class::Pending
            })
        } else if any(PodClass::Deleting) {
            Some(Class::Terminating)
        } else if any(PodClass::Failed) {
            Some(Class::Retrying)
        } else {
            None
        }
    }

    fn live(&self) -> impl Iterator<Item = &LivePod> {
        let more = self.rest.iter().flat_map(|rest| &rest.more);
        self.first.iter().chain(more)
    }

    fn put(&mut self, pod: LivePod) {
        let more = self.rest.iter_mut().flat_map(|rest| &mut rest.more);
        let mut all = self.first.iter_mut().chain(more);
        if let Some(known) = all.find(|p| p.slot == pod.slot) {
            *known = pod;
            return;
        }
        drop(all);
        match &mut self.first {
            None => self.first = Some(pod),
            Some(_) => self.rest().more.push(pod),
        }
    }

    fn take(&mut self, slot: u32) {
        if let Some(rest) = &mut self.rest {
            rest.more.retain(|p| p.slot != slot);
        }
        if self.first.as_ref().is_some_and(|p| p.slot == slot) {
            self.first = self.rest.as_mut().and_then(|rest| rest.more.pop());
        }
        self.shrink();
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    fn shrink(&mut self) {
        if self.rest.as_deref() == Some(&Rest::default()) {
            self.rest = None;
        }
    }

    fn retries(&self) -> u32 {
        let failed = self.live().filter(|p| p.class == PodClass::Failed);
        let restarts: u32 = self.live().map(|p| u32::from(p.restarts)).sum();
        let past = self.rest.as_ref().map(|rest| &rest.past);
        let seen = (failed.count() as u32)
            .saturating_add(past.map_or(0, |past| past.failed_gone))
            .saturating_add(restarts);
        past.map_or(0, |past| past.told).max(seen)
    }

    fn is_blank(&self) -> bool {
        self.first.is_none() && self.rest.is_none()
    }

    fn last(&self) -> Option<&Seen> {
        self.rest.as_ref()?.past.last.as_ref()
    }

    fn forget(&mut self) {
        if let Some(rest) = &mut self.rest {
            rest.past.last = None;
        }
        self.shrink();
    }
}

impl Indexes {
    /// A pod appeared or changed; `job` is its job's row, if known.
    pub fn put(&mut self, slot: u32, pod: &PodRow, job: Option<&JobRow>) {
        let Some(index) = pod.index.get() else { return };
        let class = match pod.phase {
            PodPhase::Succeeded => PodClass::Succeeded,
            PodPhase::Failed => PodClass::Failed,
            _ if pod.deleting => PodClass::Deleting,
            PodPhase::Running => PodClass::Running,
            _ => PodClass::Pending,
        };
        let live = LivePod {
            slot,
            tie: {
                let uid = pod.key.uid.0;
                (uid >> 96) as u32 ^ uid as u32
            },
            created: pod.created,
            class,
            restarts: u16::try_from(pod.restarts).unwrap_or(u16::MAX),
        };
        let cell = self.cells.or_default(index);
        let failed = u32::from(class == PodClass::Failed);
        let told = pod.index_failures.saturating_add(failed);
        if told > 0 {
            let past = &mut cell.rest().past;
            past.told = past.told.max(told);
        }
        cell.put(live);
        self.reclass(index, job);
    }

    /// A pod left the table; `gone` is its last row if it left the cluster too.
    pub fn remove(&mut self, slot: u32, pod: &PodRow, gone: Option<&PodRow>, job: Option<&JobRow>) {
        let Some(index) = pod.index.get() else { return };
        let Some(cell) = self.cells.get_mut(index) else {
            return;
        };
        cell.take(slot);
        if let Some(gone) = gone {
            let past = &mut cell.rest().past;
            if gone.phase == PodPhase::Failed {
                past.failed_gone = past.failed_gone.saturating_add(1);
            }
            let seen = Seen::of(gone);
            let last = past.last.as_ref();
            if last.is_none_or(|last| last.age() <= seen.age()) {
                if last.is_none() {
                    let bad = seen.is_bad();
                    self.order.get_or_insert_default().of(bad).push_back(index);
                }
                past.last = Some(seen);
            }
        }
        if cell.is_blank() {
            self.cells.remove(index);
        }
        self.reclass(index, job);
        self.forget();
    }

    /// Indexes the job's status tells of are no longer open.
    pub fn settle(&mut self, job: &JobRow) {
        self.open.retain(|i, class| !settled(job, i, *class));
    }

    fn reclass(&mut self, index: u32, job: Option<&JobRow>) {
        let class = self.cells.get(index).and_then(Cell::class);
        match class.filter(|&c| !job.is_some_and(|job| settled(job, index, c))) {
            Some(class) => *self.open.or_default(index) = class,
            None => self.open.remove(index),
        }
    }

    fn forget(&mut self) {
        let Some(order) = &mut self.order else { return };
        while order.clean.len() + order.bad.len() > REMEMBERED {
            let index = match order.clean.pop_front() {
                Some(index) => {
                    let last = self.cells.get(index).and_then(Cell::last);
                    if last.is_some_and(|seen| seen.is_bad()) {
                        order.bad.push_back(index);
                        continue;
                    }
                    index
                }
                None => match order.bad.pop_front() {
                    Some(index) => index,
                    None => return,
                },
            };
            if let Some(cell) = self.cells.get_mut(index) {
                cell.forget();
                if cell.is_blank() {
                    self.cells.remove(index);
                }
            }
        }
    }

    /// Failed tries of an index, as far as told or seen.
    pub fn retries(&self, index: u32) -> u32 {
        self.cells.get(index).map_or(0, Cell::retries)
    }

    /// The newest pod of an index that is in the pod table, by its slot there.
    pub fn newest(&self, index: u32) -> Option<u32> {
        let cell = self.cells.get(index)?;
        Some(cell.live().max_by_key(|p| (p.created, p.tie))?.slot)
    }

    /// The newest pod of an index that is gone, if still remembered.
    pub fn remembered(&self, index: u32) -> Option<&Seen> {
        self.cells.get(index)?.last()
    }
}

fn settled(job: &JobRow, index: u32, class: Class) -> bool {
    job.completed_indexes.contains(index)
        || (class != Class::Succeeded && job.failed_indexes.contains(index))
}

/// The states of a job's indexes: its status and its pods taken together.
#[derive(Debug, Clone, Copy)]
pub struct Grid<'a> {
    job: &'a JobRow,
    seen: Option<&'a Indexes>,
    over: bool,
}

impl<'a> Grid<'a> {
    pub fn new(job: &'a JobRow, seen: Option<&'a Indexes>) -> Self {
        let over = job
            .conditions
            .iter()
            .any(|c| c.on && matches!(&*c.kind, "Complete" | "Failed"));
        Self { job, seen, over }
    }

    /// Number of indexes.
    pub fn len(&self) -> u32 {
        self.job.completions.unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The state of one index, in O(log n).
    pub fn state(&self, index: u32) -> IndexState {
        let open = self.seen.and_then(|seen| seen.open.get(index)).copied();
        if self.job.completed_indexes.contains(index) || open == Some(Class::Succeeded) {
            return IndexState::Succeeded;
        }
        if self.job.failed_indexes.contains(index) {
            return IndexState::Failed;
        }
        match open {
            Some(Class::Running) => IndexState::Running,
            Some(Class::Pending) => IndexState::Pending,
            Some(Class::Terminating) => IndexState::Terminating,
            Some(Class::Retrying) if self.over => IndexState::Failed,
            Some(Class::Retrying) => IndexState::Retrying(self.retries(index)),
            _ if self.over => IndexState::NotRun,
            _ => IndexState::Pending,
        }
    }

    /// How many of `from..=to` are in each state. Costs the ranges of the status inside and the open indexes
    /// inside, not the pods.
    pub fn counts(&self, from: u32, to: u32) -> Counts {
        let mut n = Counts::default();
        let Some(last) = self.len().checked_sub(1) else {
            return n;
        };
        let to = to.min(last);
        if from > to {
            return n;
        }
        n.succeeded = self.job.completed_indexes.count_in(from, to);
        n.failed = self.job.failed_indexes.count_in(from, to);
        let mut rest = (to - from + 1).saturating_sub(n.succeeded + n.failed);
        if let Some(seen) = self.seen {
            for (index, class) in seen.open.range(from..=to) {
                let place = match class {
                    Class::Succeeded => &mut n.succeeded,
                    Class::Running => &mut n.running,
                    Class::Pending => &mut n.pending,
                    Class::Terminating => &mut n.terminating,
                    Class::Retrying if self.over => &mut n.failed,
                    Class::Retrying => &mut n.retrying,
                };
                *place += 1;
                if *class == Class::Succeeded && self.job.failed_indexes.contains(index) {
                    n.failed -= 1;
                } else {
                    rest = rest.saturating_sub(1);
                }
            }
        }
        *(if self.over {
            &mut n.not_run
        } else {
            &mut n.pending
        }) += rest;
        n
    }

    /// Failed tries of an index.
    pub fn retries(&self, index: u32) -> u32 {
        self.seen.map_or(0, |seen| seen.retries(index))
    }

    /// Failed indexes as ranges ready to copy: those of the status, and of a finished job also those whose
    /// pods all failed.
    pub fn failed(&self) -> String {
        let open = self.seen.filter(|_| self.over).map(|seen| &seen.open);
        let extra: Vec<String> = open
            .into_iter()
            .flat_map(Blocks::iter)
            .filter(|(_, class)| **class == Class::Retrying)
            .map(|(index, _)| index.to_string())
            .collect();
        if extra.is_empty() {
            return self.job.failed_indexes.to_string();
        }
        let all = format!("{},{}", self.job.failed_indexes, extra.join(","));
        super::indexset::IndexSet::parse(&all, self.job.completions).to_string()
    }
}

#[cfg(test)]
mod tests;
