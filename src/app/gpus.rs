//! Alarms of GPUs: counted again when something changed and some time passed, shown on the map and kept in the inbox.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use crate::model::gpu_alarms::{GpuAlarm, findings, of_all};
use crate::model::health::Health;
use crate::model::ids::ClusterId;
use crate::model::inbox::{Finding, Fresh, Id, Inbox};
use crate::model::want::Kind;

/// How old the list may be while the cluster is busy: it takes a look at every node.
const OLD: TimeDelta = TimeDelta::seconds(2);
/// What exporters told is looked at so often, as what they tell no more is not known any more.
const AGING: TimeDelta = TimeDelta::seconds(30);

type Versions = (u64, u64, u64, u64, Vec<ClusterId>);

/// What was found last.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    made: Option<(Versions, DateTime<Utc>)>,
    /// Nobody is told of what was so before anybody looked.
    told: bool,
    kept: Kept,
    due: Option<DateTime<Utc>>,
}

impl Alarms {
    /// When to look again though nothing changes.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.due
    }
}

/// The entries of the inbox that stand for alarms, with what is said when they are over.
#[derive(Debug, Default)]
struct Kept(BTreeMap<Id, &'static str>);

impl Kept {
    /// Gives the inbox what is so now, and takes back what is not so, or not known, any more; what is news.
    fn pass(&mut self, alarms: &[GpuAlarm], inbox: &mut Inbox, now: DateTime<Utc>) -> Vec<Finding> {
        let mut gone = std::mem::take(&mut self.0);
        let mut fresh = Vec::new();
        for (finding, end) in findings(alarms) {
            gone.remove(&finding.id());
            self.0.insert(finding.id(), end);
            if inbox.found(finding.clone(), now) != Fresh::Known {
                fresh.push(finding);
            }
        }
        for (id, end) in gone {
            let of = |alarm: &GpuAlarm| alarm.subject.id == id.0 && alarm.cause == id.1;
            match alarms.iter().any(|alarm| alarm.stale && of(alarm)) {
                true => inbox.lose(|of| of.id() == id, now),
                false => drop(inbox.over(&id.0, &id.1, end, now)),
            }
        }
        fresh
    }
}

impl App {
    /// Rows changed, or time passed.
    pub(super) fn look_at_gpus(&mut self, now: DateTime<Utc>) {
        let model = &self.desk.model;
        let clusters = self.desk.session.clusters();
        let clusters: Vec<ClusterId> = clusters.iter().map(|open| open.id).collect();
        let seen: Vec<ClusterId> = (clusters.into_iter())
            .filter(|cluster| self.nodes_seen(*cluster))
            .collect();
        let versions = (
            model.capacity.version(),
            model.nodes.version(),
            model.kueue.version(),
            model.gpu_use.version(),
            seen.clone(),
        );
        if let Some((made, at)) = &self.alarms.made {
            let (changed, at) = (*made != versions, *at);
            if changed && now - at < OLD {
                self.alarms.due = Some(at + OLD);
                return;
            }
            if !changed && self.alarms.due.is_none_or(|due| due > now) {
                return;
            }
        }
        if seen.is_empty() {
            self.alarms.due = None;
            return;
        }
        let terms = self.desk.session.gpu_use.terms;
        let alarms = of_all(model, &seen, now, &terms);
        self.alarms.made = Some((versions, now));
        let asked = (seen.iter()).any(|of| model.gpu_use.nodes(*of).next().is_some());
        self.alarms.due = asked.then_some(now + AGING);
        let fresh = self
            .alarms
            .kept
            .pass(&alarms, &mut self.desk.session.inbox, now);
        if std::mem::replace(&mut self.alarms.told, true) {
            self.flash(&fresh, now);
        }
        if self.desk.session.gpu_alarms != alarms {
            self.desk.session.gpu_alarms = alarms;
            self.dirty = true;
        }
    }

    /// Nodes and pods were listed: with one of them alone there seems to be more wrong than there is.
    fn nodes_seen(&self, cluster: ClusterId) -> bool {
        [Kind::Node, Kind::Pod].into_iter().all(|kind| {
            let mut of = self
                .sources_of(cluster)
                .filter(|(k, _)| *k == kind)
                .peekable();
            of.peek().is_some()
                && of.all(|(_, health)| matches!(health, Health::Live | Health::Stale { .. }))
        })
    }
}

#[cfg(test)]
mod tests;
