//! Who preempted whom, as the conditions and events say it: by UIDs and paths, resolved here to names where they are
//! known, and kept after the messages are gone.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};

use super::{Kueue, WorkloadRow};
use crate::model::ids::{ClusterId, Key, Name, Uid};

/// What a message about a preemption says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Of the Workload it made room for, and of that one's job.
    pub workload: Option<Uid>,
    pub job: Option<Uid>,
    /// `prioritization in the ClusterQueue`, `reclamation within the cohort` …
    pub because: Name,
    /// Cohorts and queue, e.g. `/org/team-b`; empty: not told.
    pub by: Name,
    pub of: Name,
    /// Told by the event only.
    pub priorities: Option<(i64, i64)>,
}

impl Said {
    /// Reads `Preempted to accommodate a workload (UID: …, JobUID: …) due to …; preemptor path: …; preemptee path: …`,
    /// with and without the paths, which older versions did not write.
    pub fn parse(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once("to accommodate a workload (UID: ")?;
        let (uids, rest) = rest.split_once(')')?;
        let uid = |text: &str| {
            let text = text.trim();
            (!text.is_empty() && text != "UNKNOWN").then(|| Uid::parse(text))
        };
        let (workload, job) = match uids.split_once(", JobUID: ") {
            Some((workload, job)) => (uid(workload), uid(job)),
            None => (uid(uids), None),
        };
        let rest = rest.trim_start().strip_prefix("due to ").unwrap_or(rest);
        let mut parts = rest.split("; ");
        let because = parts.next().unwrap_or_default().trim();
        let mut said = Self {
            workload,
            job,
            because: because.into(),
            by: Name::default(),
            of: Name::default(),
            priorities: None,
        };
        let (mut above, mut below) = (None, None);
        for part in parts {
            let Some((label, text)) = part.split_once(": ") else {
                continue;
            };
            let path = || -> Name {
                match text.trim() {
                    "UNKNOWN" => Name::default(),
                    path => path.into(),
                }
            };
            let number = || text.split(' ').next().and_then(|n| n.parse().ok());
            match label {
                "preemptor path" => said.by = path(),
                "preemptee path" => said.of = path(),
                "preemptor effective priority" => above = number(),
                "preemptee effective priority" => below = number(),
                _ => {}
            }
        }
        said.priorities = above.zip(below);
        Some(said)
    }

    /// The cluster queue it was preempted for; empty: not told.
    pub fn by_queue(&self) -> &str {
        self.by.rsplit('/').next().unwrap_or_default()
    }

    /// The cluster queue it was preempted in; empty: not told.
    pub fn of_queue(&self) -> &str {
        self.of.rsplit('/').next().unwrap_or_default()
    }
}

/// One preemption, as it is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct Preempted {
    pub at: Option<DateTime<Utc>>,
    pub said: Said,
    /// Name of the job it made room for, its namespace and priority, where it is known.
    pub by: Option<(Name, Name, i32)>,
    /// Name and priority of the one preempted.
    pub victim: (Name, i32),
}

impl Preempted {
    /// `llama-sft (queue team-b)`, or what can be told of one that may not be read.
    pub fn who(&self) -> String {
        let queue = self.said.by_queue();
        match (&self.by, queue) {
            (Some((name, ..)), "") => name.to_string(),
            (Some((name, ..)), queue) => format!("{name} (queue {queue})"),
            (None, "") => "a workload that cannot be seen".into(),
            (None, _) => {
                let priority = self
                    .said
                    .priorities
                    .map(|(by, _)| format!(", priority {by}"))
                    .unwrap_or_default();
                format!("a workload of {}{priority}", self.said.by)
            }
        }
    }
}

/// Workloads remembered, and preemptions of each.
const WORKLOADS: usize = 4096;
const EACH: usize = 16;

/// Preemptions by the one preempted, newest last. Bounded: the Workload unheard of for longest is forgotten first.
#[derive(Debug, Clone, Default)]
pub struct Preemptions {
    of: HashMap<Key, Vec<Preempted>>,
    /// Keys of `of`, the last one told of at the end.
    recent: VecDeque<Key>,
}

impl Preemptions {
    /// Remembers one. A message heard again, or one about the same that says more, is no second preemption.
    pub fn add(&mut self, victim: Key, new: Preempted) {
        let all = self.of.entry(victim).or_default();
        let same = |old: &&mut Preempted| {
            old.said.workload == new.said.workload
                && old.said.because == new.said.because
                && (old.at == new.at || old.at.is_none() || new.at.is_none())
        };
        if let Some(old) = all.iter_mut().rev().find(same) {
            // a name once known stays known
            let by = new.by.or_else(|| old.by.take());
            let priorities = new.said.priorities.or(old.said.priorities);
            *old = Preempted {
                at: new.at.or(old.at),
                by,
                said: Said {
                    priorities,
                    ..new.said
                },
                ..new
            };
        } else {
            if all.len() == EACH {
                all.remove(0);
            }
            all.push(new);
        }
        if self.recent.back() != Some(&victim) {
            self.recent.retain(|key| *key != victim);
            self.recent.push_back(victim);
        }
        if self.recent.len() > WORKLOADS
            && let Some(oldest) = self.recent.pop_front()
        {
            self.of.remove(&oldest);
        }
    }

    /// How often and for whom a Workload was preempted, oldest first.
    pub fn of(&self, victim: Key) -> &[Preempted] {
        self.of.get(&victim).map_or(&[], Vec::as_slice)
    }
}

/// The preemption a Workload's own conditions tell of, be it over.
pub fn of(kueue: &Kueue, row: &WorkloadRow) -> Option<Preempted> {
    let told = ["Preempted", "Evicted"].into_iter();
    let (condition, said) = told
        .filter_map(|kind| row.condition(kind))
        .find_map(|c| Some((c, Said::parse(&c.message)?)))?;
    Some(Preempted {
        at: condition.since,
        by: named(kueue, row.key.cluster, &said),
        said,
        victim: (job_name(row), row.priority),
    })
}

/// Job, namespace and priority of the Workload it was for, if that one is known by now.
pub fn named(kueue: &Kueue, cluster: ClusterId, said: &Said) -> Option<(Name, Name, i32)> {
    let key = |uid: Uid| Key { cluster, uid };
    let own = said.workload.and_then(|uid| kueue.workloads.get(key(uid)));
    own.or_else(|| kueue.workload_of(key(said.job?)))
        .map(|w| (job_name(w), w.namespace.clone(), w.priority))
}

/// What its owner calls it, else its own name.
pub fn job_name(row: &WorkloadRow) -> Name {
    match row.owners.as_slice() {
        // a pod group is named like its Workload
        [(kind, name, _)] if &**kind != "Pod" || row.owners.len() == 1 => name.clone(),
        _ => row.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::at;
    use crate::model::kueue::fixture::*;

    fn message(workload: &str, job: &str) -> String {
        format!(
            "Preempted to accommodate a workload (UID: {workload}, JobUID: {job}) due to reclamation within the cohort; preemptor path: /org/team-b; preemptee path: /org/team-a"
        )
    }

    #[test]
    fn condition_event_and_old_wording() {
        let text = message("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "UNKNOWN");
        let said = Said::parse(&text).unwrap();
        assert_eq!(
            said.workload.unwrap().to_string(),
            "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
        );
        assert_eq!((said.job, said.priorities), (None, None));
        assert_eq!(&*said.because, "reclamation within the cohort");
        assert_eq!((said.by_queue(), said.of_queue()), ("team-b", "team-a"));
        let event = format!(
            "{text}; preemptor effective priority: 1000 (base: 1000, boost: 0); preemptee effective priority: -5 (base: -5, boost: 0)"
        );
        assert_eq!(Said::parse(&event).unwrap().priorities, Some((1000, -5)));
        let old = "Preempted to accommodate a workload (UID: x) due to prioritization in the ClusterQueue";
        let said = Said::parse(old).unwrap();
        assert_eq!(said.workload, Some(Uid::parse("x")));
        assert_eq!(
            (said.by_queue(), &*said.because),
            ("", "prioritization in the ClusterQueue")
        );
        assert_eq!(Said::parse("The workload is deactivated"), None);
    }

    fn world() -> World {
        let big = workload("big", "b", 8).at_priority(10);
        let by = |uid: Uid| message(&uid.to_string(), "UNKNOWN");
        World {
            workloads: vec![
                workload("seen", "a", 2).with(on(
                    "Preempted",
                    "InCohortReclamation",
                    &by(big.key.uid),
                )),
                workload("unseen", "a", 2).with(on(
                    "Preempted",
                    "InCohortReclamation",
                    &by(Uid(77)),
                )),
                big,
            ],
            ..World::default()
        }
    }

    #[test]
    fn resolved_to_names_and_kept() {
        let kueue = world().kueue();
        let row = |name: &str| {
            let mut rows = kueue.workloads.rows();
            rows.find(|w| &*w.owners[0].1 == name).unwrap()
        };
        // heard of when the rows came, and once more
        let mut kept = kueue.preemptions.clone();
        kept.add(row("seen").key, of(&kueue, row("seen")).unwrap());
        let all = kept.of(row("seen").key);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].who(), "big (queue team-b)");
        assert_eq!(all[0].by.as_ref().unwrap().2, 10);
        assert_eq!(
            kept.of(row("unseen").key)[0].who(),
            "a workload of /org/team-b"
        );
        assert_eq!(kept.of(row("big").key), []);
        // the preemptor is gone: its name stays; a later preemption is another one
        let mut later = of(&kueue, row("seen")).unwrap();
        later.by = None;
        kept.add(row("seen").key, later.clone());
        assert_eq!(kept.of(row("seen").key)[0].who(), "big (queue team-b)");
        later.at = Some(at(1000));
        kept.add(row("seen").key, later);
        assert_eq!(kept.of(row("seen").key).len(), 2);
    }

    #[test]
    fn bounded() {
        let kueue = world().kueue();
        let mut kept = Preemptions::default();
        let one = kueue.workloads.rows().find_map(|w| of(&kueue, w)).unwrap();
        let key = |n: usize| Key {
            cluster: ClusterId(0),
            uid: Uid(n as u128),
        };
        for n in 0..WORKLOADS + 5 {
            kept.add(key(n), one.clone());
        }
        assert_eq!(kept.of(key(4)).len(), 0);
        assert_eq!(kept.of(key(5)).len(), 1);
        for n in 0..40 {
            let mut one = one.clone();
            one.at = Some(at(n));
            kept.add(key(9), one);
        }
        let all = kept.of(key(9));
        assert_eq!((all.len(), all[EACH - 1].at), (EACH, Some(at(39))));
    }
}
