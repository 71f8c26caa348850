//! What Kueue itself says of its lines (its visibility API): who stands where. Polled while somebody looks, so it is
//! apart from the watched tables, and may be absent, forbidden or late.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::WorkloadRow;
use crate::model::delta::SourceId;
use crate::model::ids::{ClusterId, Name};

/// A line one can ask about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Line {
    /// All of a cluster queue: not for everybody to see.
    ClusterQueue(Name),
    /// Namespace and name.
    LocalQueue(Name, Name),
}

/// A pending Workload in a line; inadmissible ones are in it too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub namespace: Name,
    pub name: Name,
    pub local_queue: Name,
    pub priority: i32,
    /// From 0, as Kueue counts.
    pub in_cluster_queue: u32,
    pub in_local_queue: u32,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Told(DateTime<Utc>, Vec<Pending>),
    /// Not served here, or the queue is not known to it.
    Absent,
    /// 403.
    Forbidden,
    /// It should answer and does not, and why; asked again.
    Failing(String),
    /// Nobody asks any more.
    Dropped,
}

/// How the last question went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Answered, and when.
    Told(DateTime<Utc>),
    Absent,
    Forbidden,
    Failing(String),
}

/// One line as told; what was told last stays while asking fails.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    source: SourceId,
    pub standing: Standing,
    /// First in line first.
    pub pending: Vec<Pending>,
    /// Namespace and name of the same, in the same order.
    order: Vec<(Name, Name)>,
    places: HashMap<(Name, Name), usize>,
}

/// All lines somebody asks about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Positions(HashMap<(ClusterId, Line), Said>);

impl Positions {
    /// Folds one answer in. The Workloads (namespace, name) whose place may have changed; none: nothing has but the
    /// time of the answer.
    pub(super) fn hear(
        &mut self,
        source: SourceId,
        cluster: ClusterId,
        line: Line,
        heard: Heard,
    ) -> Option<HashSet<(Name, Name)>> {
        let at = (cluster, line);
        let before = self.0.get(&at);
        let kept = before.map(|said| said.pending.clone()).unwrap_or_default();
        let (standing, pending) = match heard {
            Heard::Told(at, pending) => (Standing::Told(at), pending),
            Heard::Absent => (Standing::Absent, Vec::new()),
            Heard::Forbidden => (Standing::Forbidden, Vec::new()),
            Heard::Failing(why) => (Standing::Failing(why), kept),
            // one who asks anew may have been answered already
            Heard::Dropped if before.is_none_or(|said| said.source != source) => return None,
            Heard::Dropped => {
                let gone = self.0.remove(&at)?;
                return Some(gone.order.into_iter().collect());
            }
        };
        let said = Said::new(source, standing, pending);
        let same = before.is_some_and(|before| {
            let told = (before.is_told(), said.is_told());
            before.pending == said.pending && (told == (true, true) || *before == said)
        });
        let new = said.order.clone();
        let old = self.0.insert(at, said).map(|said| said.order);
        if same {
            return None;
        }
        Some(old.into_iter().flatten().chain(new).collect())
    }

    /// What was said of a line; none: nobody asked, or there is no answer yet.
    pub fn line(&self, cluster: ClusterId, line: &Line) -> Option<&Said> {
        self.0.get(&(cluster, line.clone()))
    }

    /// The order of a cluster queue as Kueue tells it now.
    pub fn order(&self, cluster: ClusterId, queue: &str) -> Option<&[(Name, Name)]> {
        let said = self.line(cluster, &Line::ClusterQueue(queue.into()))?;
        said.is_told().then_some(&said.order)
    }

    /// Where Kueue says a Workload stands, by whichever line tells of it. O(lines asked about).
    pub fn of(&self, workload: &WorkloadRow) -> Option<&Pending> {
        let of = (workload.namespace.clone(), workload.name.clone());
        let mut said = self
            .0
            .iter()
            .filter(|((cluster, _), said)| *cluster == workload.key.cluster && said.is_told());
        said.find_map(|(_, said)| said.pending.get(*said.places.get(&of)?))
    }
}

impl Said {
    fn new(source: SourceId, standing: Standing, pending: Vec<Pending>) -> Self {
        let name = |p: &Pending| (p.namespace.clone(), p.name.clone());
        let order: Vec<_> = pending.iter().map(name).collect();
        Self {
            source,
            standing,
            places: order.iter().cloned().zip(0..).collect(),
            pending,
            order,
        }
    }

    /// The last question was answered: what is here is how it is.
    pub fn is_told(&self) -> bool {
        matches!(self.standing, Standing::Told(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::model::delta::{Change, Delta, Rows};
    use crate::model::fixture::{at, delta, key};
    use crate::model::kueue::QueueRows;

    const HERE: ClusterId = ClusterId(0);

    fn line() -> Line {
        Line::ClusterQueue("team".into())
    }

    fn pending(name: &str, place: u32) -> Pending {
        Pending {
            namespace: "ml".into(),
            name: name.into(),
            local_queue: "main".into(),
            priority: 0,
            in_cluster_queue: place,
            in_local_queue: place,
        }
    }

    fn say(source: u32, heard: Heard) -> Delta {
        Delta {
            source: SourceId(source),
            ..delta(Rows::Queues(QueueRows::Line(line(), heard)))
        }
    }

    fn told(names: &[&str], when: i64) -> Heard {
        let all = names.iter().zip(0..).map(|(name, n)| pending(name, n));
        Heard::Told(at(when), all.collect())
    }

    fn model() -> Model {
        let mut m = Model::default();
        let rows = ["a", "b"].into_iter().zip(1u128..);
        let rows = rows.map(|(name, uid)| WorkloadRow::blank(key(uid), "ml".into(), name.into()));
        let rows = QueueRows::Workloads(Change::Rows(rows.collect()));
        m.apply(delta(Rows::Queues(rows)));
        m
    }

    fn order(m: &Model) -> Option<Vec<String>> {
        let order = m.kueue.positions.order(HERE, "team")?;
        Some(order.iter().map(|(_, name)| name.to_string()).collect())
    }

    #[test]
    fn the_last_answer_holds_until_it_is_known_to_be_none() {
        let mut m = model();
        assert_eq!(order(&m), None);
        m.apply(say(1, told(&["b", "a"], 0)));
        assert_eq!(order(&m).unwrap(), ["b", "a"]);
        let a = m.kueue.workloads.get(key(1)).unwrap().clone();
        assert_eq!(m.kueue.positions.of(&a).unwrap().in_cluster_queue, 1);

        m.apply(say(1, Heard::Failing("503".into())));
        let said = m.kueue.positions.line(HERE, &line()).unwrap();
        assert_eq!((said.pending.len(), said.is_told()), (2, false));
        assert_eq!(order(&m), None, "what may be wrong by now orders nothing");
        m.apply(say(1, Heard::Forbidden));
        let said = m.kueue.positions.line(HERE, &line()).unwrap();
        assert_eq!(
            (said.pending.len(), &said.standing),
            (0, &Standing::Forbidden)
        );
        m.apply(say(1, Heard::Dropped));
        assert_eq!(m.kueue.positions, Positions::default());
    }

    #[test]
    fn only_what_moved_is_touched() {
        let mut m = model();
        let version = |m: &Model| m.kueue.workloads.version();
        let start = version(&m);
        m.apply(say(1, told(&["a", "b"], 0)));
        assert_eq!(version(&m), start + 2);
        m.apply(say(1, told(&["a", "b"], 5)));
        assert_eq!(version(&m), start + 2, "asked again, nothing new");
        let said = m.kueue.positions.line(HERE, &line()).unwrap();
        assert_eq!(said.standing, Standing::Told(at(5)));
        m.apply(say(1, told(&["b"], 10)));
        assert_eq!(version(&m), start + 4);
    }

    #[test]
    fn the_end_of_an_earlier_question_takes_nothing_from_the_next() {
        let mut m = model();
        m.apply(say(1, told(&["a"], 0)));
        m.apply(say(2, told(&["b"], 1)));
        m.apply(say(1, Heard::Dropped));
        assert_eq!(order(&m).unwrap(), ["b"]);
    }
}
