//! Which replica of which role a pod is, by the labels of each family of operators. Separate because this is the
//! one place that knows those labels of pods.

use super::meta::Meta;
use crate::model::ids::Names;
use crate::model::pod::Replica;

/// Reads it; `index` is the pod's completion index. None for pods of kinds without roles.
pub fn replica(meta: &Meta, index: Option<u32>, names: &mut Names) -> Option<Box<Replica>> {
    let number = |label: &str| meta.label(label).and_then(|text| text.parse().ok());
    let mut place = |role: &str, number: Option<u32>, within: u32| {
        Some(Box::new(Replica {
            role: names.get(role),
            number,
            within,
        }))
    };
    if let Some(role) = meta.label("jobset.sigs.k8s.io/replicatedjob-name") {
        let job = number("jobset.sigs.k8s.io/job-index");
        return place(role, job, index.unwrap_or(0));
    }
    if let Some(role) = meta.label("training.kubeflow.org/replica-type") {
        return place(role, number("training.kubeflow.org/replica-index"), 0);
    }
    if meta.label("training.kubeflow.org/operator-name") == Some("mpi-operator") {
        // a launcher that works too takes index 0 of the workers' labels, and its Job may have replaced it
        return match meta.label("training.kubeflow.org/job-role")? {
            "launcher" => place("launcher", None, 0),
            role => place(role, last_number(&meta.name), 0),
        };
    }
    if let Some(kind) = meta.label("ray.io/node-type") {
        return match kind {
            "head" => place("head", None, 0),
            _ => place(meta.label("ray.io/group").unwrap_or(kind), None, 0),
        };
    }
    if meta.label("leaderworkerset.sigs.k8s.io/name").is_some() {
        let group = number("leaderworkerset.sigs.k8s.io/group-index");
        return match number("leaderworkerset.sigs.k8s.io/worker-index").unwrap_or(0) {
            0 => place("leader", group, 0),
            worker => place("worker", group, worker - 1),
        };
    }
    None
}

/// `3` of `pi-worker-3`.
fn last_number(name: &str) -> Option<u32> {
    name.rsplit('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::kubeflow(json!({"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "3"}), None, "worker 3 0")]
    #[case::garbled(json!({"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "-3"}), None, "worker ? 0")]
    #[case::mpi_worker(json!({"training.kubeflow.org/operator-name": "mpi-operator", "training.kubeflow.org/job-role": "worker", "training.kubeflow.org/replica-index": "8"}), None, "worker 7 0")]
    #[case::mpi_launcher(json!({"training.kubeflow.org/operator-name": "mpi-operator", "training.kubeflow.org/job-role": "launcher"}), None, "launcher ? 0")]
    #[case::jobset(json!({"jobset.sigs.k8s.io/replicatedjob-name": "node", "jobset.sigs.k8s.io/job-index": "2"}), Some(5), "node 2 5")]
    #[case::ray_head(json!({"ray.io/node-type": "head", "ray.io/group": "headgroup"}), None, "head ? 0")]
    #[case::ray_worker(json!({"ray.io/node-type": "worker", "ray.io/group": "gpu"}), None, "gpu ? 0")]
    #[case::leader(json!({"leaderworkerset.sigs.k8s.io/name": "a", "leaderworkerset.sigs.k8s.io/group-index": "1", "leaderworkerset.sigs.k8s.io/worker-index": "0"}), None, "leader 1 0")]
    #[case::follower(json!({"leaderworkerset.sigs.k8s.io/name": "a", "leaderworkerset.sigs.k8s.io/group-index": "1", "leaderworkerset.sigs.k8s.io/worker-index": "3"}), None, "worker 1 2")]
    #[case::plain(json!({"app": "web"}), Some(1), "none")]
    fn labels_tell_the_place(
        #[case] labels: serde_json::Value,
        #[case] index: Option<u32>,
        #[case] expected: &str,
    ) {
        let meta: Meta =
            serde_json::from_value(json!({"name": "pi-worker-7", "labels": labels})).unwrap();
        let got = replica(&meta, index, &mut Names::default()).map_or("none".into(), |r| {
            let number = r.number.map_or("?".into(), |n| n.to_string());
            format!("{} {number} {}", r.role, r.within)
        });
        assert_eq!(got, expected);
    }
}
