//! Which pod plays which part: the replicas of a workload's roles, each with its pod or without one. Separate
//! because every kind labels its pods otherwise, and a missing pod is a fact no pod can tell.

use std::cmp::Reverse;

use super::Model;
use super::job::{JobRow, RoleRow};
use super::pod::{PodPhase, PodRow};

/// More places than this no workload is shown with, whatever its spec asks for.
const MOST: usize = 100_000;

/// The pods of one role by their place; a place without one is a replica that has no pod (yet, or any more).
#[derive(Debug, Clone)]
pub struct Cast<'a> {
    pub role: RoleRow,
    pub places: Vec<Option<&'a PodRow>>,
}

/// All roles of a workload, in its order; none of a Job, and none where there are pods and not one of them says
/// which it is: then nothing can be said of the others.
///
/// O(pods of the workload · log); for one workload at a time.
pub fn casts<'a>(model: &'a Model, job: &JobRow) -> Vec<Cast<'a>> {
    // one that becomes another (a TrainJob its JobSet, a RayJob its cluster) has the other's roles: a runtime may ask
    // for more than the object itself does
    let child = model
        .children(job.key)
        .filter(|child| !child.roles.is_empty())
        .min_by_key(|child| child.key);
    let roles = child.map_or(&job.roles, |child| &child.roles);
    let mut left = MOST;
    let mut casts: Vec<(Cast<'a>, Vec<&'a PodRow>)> = roles
        .iter()
        .map(|role| {
            let places = vec![None; (role.pods() as usize).min(left)];
            left -= places.len();
            let role = role.clone();
            (Cast { role, places }, Vec::new())
        })
        .collect();
    if casts.is_empty() {
        return Vec::new();
    }
    let (mut pods, mut named) = (0usize, 0usize);
    for pod in model.pods_of(job.key) {
        pods += 1;
        let Some(replica) = &pod.replica else {
            continue;
        };
        named += 1;
        let of = |(cast, _): &&mut (Cast, _)| cast.role.name.eq_ignore_ascii_case(&replica.role);
        let Some((cast, loose)) = casts.iter_mut().find(of) else {
            continue;
        };
        let place = replica.number.and_then(|number| {
            let first = number.checked_mul(cast.role.each)?;
            Some(first.checked_add(replica.within)? as usize)
        });
        match place.and_then(|at| cast.places.get_mut(at)) {
            Some(place) if place.is_none_or(|there| goes_before(pod, there)) => *place = Some(pod),
            Some(_) => {}
            None => loose.push(pod),
        }
    }
    if pods > 0 && named == 0 {
        return Vec::new();
    }
    casts
        .into_iter()
        .map(|(mut cast, mut loose)| {
            loose.sort_unstable_by(|a, b| standing(a).cmp(&standing(b)));
            // those with a number beyond what is asked for are being scaled down; the others are not told apart
            let numbered = |pod: &&PodRow| pod.replica.as_ref().is_some_and(|r| r.number.is_some());
            let (beyond, same): (Vec<_>, Vec<_>) = loose.into_iter().partition(numbered);
            let mut same = same.into_iter();
            for place in cast.places.iter_mut().filter(|place| place.is_none()) {
                *place = same.next();
            }
            // those of the past say nothing where all places are taken
            let more = same.chain(beyond).filter(|pod| !is_past(pod));
            cast.places.extend(more.map(Some));
            cast
        })
        .collect()
}

fn is_past(pod: &PodRow) -> bool {
    pod.deleting || matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed)
}

/// Who comes first: those that live, oldest first, then those that are over, newest first.
fn standing(pod: &PodRow) -> impl Ord + '_ {
    let at = pod.created.get().map_or(0, |at| at.timestamp());
    let past = is_past(pod);
    let when = if past { Reverse(at) } else { Reverse(-at) };
    (past, when, &pod.name)
}

/// Of two pods of one place, the one that stands for it.
fn goes_before(new: &PodRow, there: &PodRow) -> bool {
    match (is_past(new), is_past(there)) {
        (false, true) => true,
        (true, false) => false,
        _ => (new.created, &new.name) > (there.created, &there.name),
    }
}

impl<'a> Cast<'a> {
    /// Whether the pod of a place is ready, or ended well.
    pub fn is_well(&self, at: usize) -> bool {
        self.places.get(at).copied().flatten().is_some_and(|pod| {
            pod.phase == PodPhase::Succeeded
                || (pod.phase == PodPhase::Running && pod.is_ready && !pod.deleting)
        })
    }

    /// How many are.
    pub fn well(&self) -> usize {
        (0..self.places.len())
            .filter(|&at| self.is_well(at))
            .count()
    }

    /// What to call a place: its pod's name less the workload's, `worker-3`, or what it would be called.
    pub fn name(&self, job: &JobRow, at: usize) -> String {
        let Some(Some(pod)) = self.places.get(at) else {
            let role = self.role.name.to_lowercase();
            return match self.role.each {
                0 | 1 => format!("{role}-{at}"),
                each => format!("{role}-{}-{}", at / each as usize, at % each as usize),
            };
        };
        let short = pod.name.strip_prefix(&*job.name);
        let short = short.and_then(|rest| rest.strip_prefix('-'));
        // a number alone would be no name
        short
            .filter(|s| s.starts_with(|c: char| c.is_ascii_alphabetic()))
            .unwrap_or(&pod.name)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delta::{Change, Delta, Rows, SourceId};
    use crate::model::fixture::{at, job, pod, running};
    use crate::model::ids::ClusterId;
    use crate::model::job::{Facts, JobKind};
    use crate::model::pod::Replica;

    static TORCH: Facts = Facts::new("k", &["v1"], "TorchJob", "torchjobs", "Torch");

    fn torch(roles: &[(&str, u32, u32)]) -> JobRow {
        let mut row = job(1, "mnist");
        row.kind = JobKind(&TORCH);
        row.roles = roles
            .iter()
            .map(|(name, wanted, each)| RoleRow {
                name: (*name).into(),
                wanted: *wanted,
                each: *each,
                ..RoleRow::default()
            })
            .collect();
        row
    }

    fn part(uid: u128, of: &JobRow, role: &str, number: Option<u32>, within: u32) -> PodRow {
        let mut pod = running(pod(uid, of), "n", 0);
        pod.owner = Some(("TorchJob".into(), of.name.clone(), of.key.uid));
        pod.name = format!("mnist-{role}-{}", number.unwrap_or(uid as u32)).into();
        pod.replica = Some(Box::new(Replica {
            role: role.into(),
            number,
            within,
        }));
        pod
    }

    fn shown(job: &JobRow, pods: Vec<PodRow>) -> String {
        let mut model = Model::default();
        for (source, rows) in [
            (1, Rows::Jobs(Change::Rows(vec![job.clone()]))),
            (2, Rows::Pods(Change::Rows(pods))),
        ] {
            model.apply(Delta {
                cluster: ClusterId(0),
                source: SourceId(source),
                rows,
            });
        }
        let job = model.jobs.get(job.key).unwrap();
        let casts = casts(&model, job);
        let line = |cast: &Cast| {
            let of = |at: usize| match cast.places[at] {
                Some(_) => cast.name(job, at),
                None => format!("({})", cast.name(job, at)),
            };
            let all: Vec<String> = (0..cast.places.len()).map(of).collect();
            format!("{}/{} {}", cast.well(), cast.role.name, all.join(" "))
        };
        casts.iter().map(line).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn every_replica_has_its_place_and_a_missing_one_is_a_hole() {
        let row = torch(&[("Master", 1, 1), ("Worker", 3, 1)]);
        let pods = vec![
            part(11, &row, "worker", Some(2), 0),
            part(12, &row, "master", Some(0), 0),
            part(13, &row, "worker", Some(0), 0),
            // of a role nobody asked for
            part(14, &row, "chief", Some(0), 0),
        ];
        assert_eq!(
            shown(&row, pods),
            "1/Master master-0 | 2/Worker worker-0 (worker-1) worker-2"
        );
    }

    #[test]
    fn the_pod_that_lives_stands_for_its_place() {
        let row = torch(&[("Worker", 1, 1)]);
        let mut dead = part(11, &row, "worker", Some(0), 0);
        (dead.phase, dead.created) = (PodPhase::Failed, Some(at(50)).into());
        dead.name = "mnist-worker-0-dead".into();
        let live = part(12, &row, "worker", Some(0), 0);
        assert_eq!(
            shown(&row, vec![live.clone(), dead.clone()]),
            "1/Worker worker-0"
        );
        assert_eq!(shown(&row, vec![dead.clone(), live]), "1/Worker worker-0");
        assert_eq!(shown(&row, vec![dead]), "0/Worker worker-0-dead");
    }

    #[test]
    fn a_replica_of_several_pods_takes_several_places() {
        let row = torch(&[("node", 2, 2)]);
        let pods = vec![
            part(11, &row, "node", Some(1), 0),
            part(12, &row, "node", Some(0), 1),
        ];
        assert_eq!(
            shown(&row, pods),
            "2/node (node-0-0) node-0 node-1 (node-1-1)"
        );
    }

    #[test]
    fn replicas_that_are_not_told_apart_fill_up_and_more_than_wanted_are_shown() {
        let row = torch(&[("gpu", 2, 1)]);
        let mut pods: Vec<PodRow> = (11..14)
            .map(|uid| part(uid, &row, "gpu", None, 0))
            .collect();
        assert_eq!(shown(&row, pods.clone()), "3/gpu gpu-11 gpu-12 gpu-13");
        // one that failed before is not one too many
        pods[0].phase = PodPhase::Failed;
        assert_eq!(shown(&row, pods), "2/gpu gpu-12 gpu-13");
    }

    #[test]
    fn one_that_becomes_another_has_its_roles() {
        static TRAIN: Facts =
            Facts::new("t", &["v1"], "TrainJob", "trainjobs", "Train").of_children();
        let mut train = job(7, "mnist");
        train.kind = JobKind(&TRAIN);
        train.roles = torch(&[("node", 1, 1)]).roles;
        let mut set = torch(&[("init", 1, 1), ("node", 1, 3)]);
        set.owner = Some(("TrainJob".into(), train.name.clone(), train.key.uid));
        let pods = vec![part(11, &set, "node", Some(0), 2)];
        let mut model = Model::default();
        for (source, rows) in [
            (1, Rows::Jobs(Change::Rows(vec![train.clone(), set]))),
            (2, Rows::Pods(Change::Rows(pods))),
        ] {
            model.apply(Delta {
                cluster: ClusterId(0),
                source: SourceId(source),
                rows,
            });
        }
        let casts = casts(&model, model.jobs.get(train.key).unwrap());
        let counts: Vec<_> = casts
            .iter()
            .map(|cast| (&*cast.role.name, cast.well(), cast.places.len()))
            .collect();
        assert_eq!(counts, [("init", 0, 1), ("node", 1, 3)]);
    }

    #[test]
    fn pods_that_do_not_say_which_they_are_leave_nothing_to_tell() {
        let row = torch(&[("gpu", 2, 1)]);
        assert_eq!(shown(&row, Vec::new()), "0/gpu (gpu-0) (gpu-1)");
        let mut pod = part(11, &row, "gpu", None, 0);
        pod.replica = None;
        assert_eq!(shown(&row, vec![pod]), "");
    }

    #[test]
    fn a_number_alone_is_no_name() {
        let row = torch(&[("leader", 1, 1)]);
        let mut pod = part(11, &row, "leader", Some(0), 0);
        pod.name = "mnist-0".into();
        assert_eq!(shown(&row, vec![pod]), "1/leader mnist-0");
    }

    #[test]
    fn one_too_many_by_its_number_does_not_hide_that_another_is_missing() {
        let row = torch(&[("Worker", 2, 1)]);
        let pods = [0, 5].map(|n| part(11 + u128::from(n), &row, "worker", Some(n), 0));
        assert_eq!(
            shown(&row, pods.into()),
            "2/Worker worker-0 (worker-1) worker-5"
        );
    }

    #[test]
    fn no_spec_and_no_label_asks_for_too_much() {
        let row = torch(&[("a", u32::MAX, 9), ("b", 0, 0)]);
        let pods = vec![
            part(11, &row, "a", Some(u32::MAX), u32::MAX),
            part(12, &row, "b", Some(7), 1),
        ];
        let text = shown(&row, pods);
        assert!(text.ends_with("| 1/b b-7"), "{}", &text[text.len() - 40..]);
    }
}
