use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::change::{Change, change};
use super::clean::{clean, next_name};
use super::{Intent, Object, Step, Write};
use crate::model::ids::{ClusterId, Key, Uid};
use crate::model::kind::{Facts, JobKind};
use crate::model::want::Kind;

#[rstest]
#[case("train", "train-r2")]
#[case("train-r2", "train-r3")]
#[case("train-r09", "train-r09-r2")]
#[case("a-run", "a-run-r2")]
#[case("-r5", "-r5-r2")]
fn names_for_the_next_run(#[case] old: &str, #[case] new: &str) {
    assert_eq!(next_name(old), new);
}

proptest! {
    #[test]
    fn a_next_name_is_new_and_fits_in_a_label(name in "[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?") {
        let next = next_name(&name);
        prop_assert!(next != name && next.len() <= 63);
    }
}

fn job() -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "train", "namespace": "ml", "uid": "u", "resourceVersion": "9", "generation": 2,
            "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{}], "finalizers": ["example.com/x"],
            "ownerReferences": [{"kind": "CronJob", "name": "nightly", "controller": true}],
            "labels": {"kueue.x-k8s.io/queue-name": "a", "job-name": "train", "app": "x",
                "batch.kubernetes.io/controller-uid": "u"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"},
        },
        "spec": {
            "parallelism": 2, "completions": 8, "suspend": false, "managedBy": "kueue.x-k8s.io/multikueue",
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}}, "manualSelector": false,
            "template": {
                "metadata": {"creationTimestamp": null, "labels": {"job-name": "train", "app": "x",
                    "kueue.x-k8s.io/podset": "main"}},
                "spec": {"containers": [{"name": "main", "volumeMounts": [], "emptyDir": {}}],
                    "nodeSelector": {"gpu": "a100"},
                    "schedulingGates": [{"name": "kueue.x-k8s.io/topology"}]},
            },
        },
        "status": {"active": 2},
    })
}

#[test]
fn a_job_is_cleaned_of_what_others_wrote() {
    let cleaned = clean(&job(), None);
    let expected = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "train", "namespace": "ml",
            "labels": {"kueue.x-k8s.io/queue-name": "a", "app": "x"},
            "annotations": {"mine": "1"},
        },
        "spec": {
            "parallelism": 2, "completions": 8, "suspend": true,
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "main", "volumeMounts": [], "emptyDir": {}}],
                    "nodeSelector": {"gpu": "a100"}},
            },
        },
    });
    assert_eq!(cleaned.manifest, expected);
    let notes = cleaned.notes.join("; ");
    assert!(
        notes.contains("no longer belongs to CronJob nightly"),
        "{notes}"
    );
    assert!(notes.contains("example.com/x"), "{notes}");
    assert!(notes.contains("its Workload is gone"), "{notes}");
    // cleaning is done once
    let again = clean(&cleaned.manifest, None);
    assert_eq!(again.manifest, cleaned.manifest);
}

#[test]
fn the_template_is_taken_from_the_workload_where_there_is_one() {
    let workload = json!({"spec": {"podSets": [{"name": "main", "count": 4, "template": {
        "metadata": {"labels": {"app": "x"}},
        "spec": {"containers": [{"name": "main"}]},
    }}]}});
    let cleaned = clean(&job(), Some(&workload));
    assert_eq!(cleaned.manifest["spec"]["parallelism"], 4);
    let pod = &cleaned.manifest["spec"]["template"]["spec"];
    assert_eq!(pod, &json!({"containers": [{"name": "main"}]}));
    let torch = json!({
        "kind": "PyTorchJob",
        "metadata": {"name": "t", "labels": {"kueue.x-k8s.io/queue-name": "a"}},
        "spec": {"runPolicy": {"suspend": false}, "pytorchReplicaSpecs": {"Worker": {"template": {"spec": {
            "containers": [], "nodeSelector": {"gpu": "a100"}, "tolerations": [{"key": "gpu"}],
        }}}}},
    });
    let sets = json!({"spec": {"podSets": [{"name": "worker", "template": {"spec": {
        "tolerations": [{"key": "mine"}]}}}]}});
    let cleaned = clean(&torch, Some(&sets));
    let worker = &cleaned.manifest["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"];
    assert_eq!(
        worker,
        &json!({"containers": [], "tolerations": [{"key": "mine"}]})
    );
    assert_eq!(cleaned.manifest["spec"]["runPolicy"]["suspend"], true);
}

#[test]
fn what_was_held_by_hand_begins_and_that_is_said() {
    let said = |kind: &str, spec: Value, queued: bool| {
        let labels = match queued {
            true => json!({"kueue.x-k8s.io/queue-name": "a"}),
            false => json!({}),
        };
        let object =
            json!({"kind": kind, "metadata": {"name": "x", "labels": labels}, "spec": spec});
        let notes = clean(&object, None).notes;
        notes.iter().any(|note| note.contains("it was held"))
    };
    let held = json!({"suspend": true});
    assert!(said("Job", held.clone(), false));
    assert!(said("PyTorchJob", json!({"runPolicy": held}), false));
    assert!(!said("Job", held.clone(), true));
    assert!(!said("Job", json!({"suspend": false}), false));
    assert!(!said("CronJob", held, false));
}

#[test]
fn a_bare_pod_is_cleaned_of_where_it_ran() {
    let pod = json!({
        "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"nodeName": "n1", "priority": 0, "containers": [{"name": "main",
            "volumeMounts": [{"name": "kube-api-access-x", "mountPath": "/v"}, {"name": "data"}]}],
            "volumes": [{"name": "kube-api-access-x"}, {"name": "data"}]},
    });
    assert_eq!(
        clean(&pod, None).manifest["spec"],
        json!({"containers": [{"name": "main", "volumeMounts": [{"name": "data"}]}], "volumes": [{"name": "data"}]})
    );
}

/// What Kueue gave a template, and how it was before.
fn placed() -> Value {
    json!({"spec": {"containers": [], "nodeSelector": {"gpu": "a100"}, "tolerations": [{"key": "gpu"}]},
        "metadata": {"labels": {"kueue.x-k8s.io/podset": "x", "app": "a"}}})
}

fn pristine() -> Value {
    json!({"spec": {"containers": []}, "metadata": {"labels": {"app": "a"}}})
}

#[rstest]
#[case("PyTorchJob", json!({"pytorchReplicaSpecs": {"Master": {"template": placed()}}, "runPolicy": {"suspend": false, "managedBy": "kueue.x-k8s.io/multikueue"}}),
    &["master"], json!({"pytorchReplicaSpecs": {"Master": {"template": pristine()}}, "runPolicy": {"suspend": true}}))]
#[case("TFJob", json!({"tfReplicaSpecs": {"PS": {"template": placed()}, "Chief": {"template": placed()}}}),
    &["ps", "chief"], json!({"tfReplicaSpecs": {"PS": {"template": pristine()}, "Chief": {"template": pristine()}}}))]
#[case("MPIJob", json!({"mpiReplicaSpecs": {"Launcher": {"template": placed()}}}), &["launcher"], json!({"mpiReplicaSpecs": {"Launcher": {"template": pristine()}}}))]
#[case("XGBoostJob", json!({"xgbReplicaSpecs": {"Worker": {"template": placed()}}}), &["worker"], json!({"xgbReplicaSpecs": {"Worker": {"template": pristine()}}}))]
#[case("PaddleJob", json!({"paddleReplicaSpecs": {"Worker": {"template": placed()}}}), &["worker"], json!({"paddleReplicaSpecs": {"Worker": {"template": pristine()}}}))]
#[case("JAXJob", json!({"jaxReplicaSpecs": {"Worker": {"template": placed()}}}), &["worker"], json!({"jaxReplicaSpecs": {"Worker": {"template": pristine()}}}))]
#[case("TrainJob", json!({"suspend": false, "runtimePatches": [{"manager": "kueue.x-k8s.io/manager"}, {"manager": "me"}]}), &["node"],
    json!({"suspend": true, "runtimePatches": [{"manager": "me"}]}))]
#[case("JobSet", json!({"suspend": false, "managedBy": "kueue.x-k8s.io/multikueue", "replicatedJobs": [{"name": "w", "template": {"spec": {"template": placed()}}}]}), &["w"],
    json!({"suspend": true, "replicatedJobs": [{"name": "w", "template": {"spec": {"template": pristine()}}}]}))]
#[case("RayJob", json!({"suspend": false, "jobId": "x-1", "rayClusterSpec": {"headGroupSpec": {"template": placed()}, "workerGroupSpecs": [{"groupName": "g", "template": placed()}]}}), &["head", "g"],
    json!({"suspend": true, "rayClusterSpec": {"headGroupSpec": {"template": pristine()}, "workerGroupSpecs": [{"groupName": "g", "template": pristine()}]}}))]
#[case("RayCluster", json!({"suspend": false, "headGroupSpec": {"template": placed()}}), &["head"], json!({"suspend": true, "headGroupSpec": {"template": pristine()}}))]
#[case("Pod", json!({"containers": [], "nodeName": "n", "nodeSelector": {"gpu": "a100"}, "schedulingGates": [{"name": "kueue.x-k8s.io/admission"}, {"name": "mine"}]}), &["main"],
    json!({"containers": [], "schedulingGates": [{"name": "mine"}]}))]
fn every_kind_is_cleaned_of_what_kueue_gave_it(
    #[case] kind: &str,
    #[case] spec: Value,
    #[case] sets: &[&str],
    #[case] want: Value,
) {
    let queue = json!({"kueue.x-k8s.io/queue-name": "a"});
    let object = json!({"kind": kind, "metadata": {"name": "x", "uid": "u", "labels": queue}, "spec": spec, "status": {"a": 1}});
    let sets: Vec<Value> = (sets.iter())
        .map(|name| json!({"name": name, "count": 1, "template": {"spec": {"containers": []}}}))
        .collect();
    let workload = json!({"spec": {"podSets": sets}});
    let cleaned = clean(&object, Some(&workload)).manifest;
    assert_eq!(
        cleaned,
        json!({"kind": kind, "metadata": {"name": "x", "labels": queue}, "spec": want})
    );
    assert_eq!(clean(&cleaned, Some(&workload)).manifest, cleaned);
    // what nobody queues is not held
    let mut own = object.clone();
    own["metadata"]["labels"] = json!({"app": "x"});
    let text = clean(&own, None).manifest.to_string();
    assert!(!text.contains("\"suspend\":true"), "{text}");
}

static TORCH: Facts = Facts::new("kubeflow.org", &["v1"], "PyTorchJob", "pytorchjobs", "PyT");
static TRAIN: Facts = Facts::new(
    "trainer.kubeflow.org",
    &["v1"],
    "TrainJob",
    "trainjobs",
    "Trn",
);
static RAY: Facts = Facts::new("ray.io", &["v1"], "RayCluster", "rayclusters", "Ray");

fn step(intent: Intent, kind: Kind) -> Step {
    let key = Key {
        cluster: ClusterId(0),
        uid: Uid::parse("u"),
    };
    let object = Object {
        kind,
        namespace: "ml".into(),
        name: "x".into(),
        key: Some(key),
    };
    Step::new(intent, object)
}

fn torch() -> Kind {
    Kind::Workload(JobKind(&TORCH))
}

#[rstest]
#[case(Intent::Hold, Kind::Job, json!({"spec": {}}), json!({"spec": {"suspend": true}}))]
#[case(Intent::Resume, Kind::CronJob, json!({"spec": {"suspend": true}}), json!({"spec": {"suspend": false}}))]
#[case(Intent::Hold, torch(), json!({}), json!({"spec": {"runPolicy": {"suspend": true}}}))]
#[case(Intent::Hold, Kind::Workload(JobKind(&TRAIN)), json!({}), json!({"spec": {"suspend": true}}))]
#[case(Intent::Hold, crate::actions::WORKLOAD, json!({"spec": {}}), json!({"spec": {"active": false}}))]
#[case(Intent::Resume, crate::actions::WORKLOAD, json!({"spec": {"active": false}}), json!({"spec": {"active": true}}))]
#[case(Intent::Scale(3), Kind::Job, json!({"spec": {"parallelism": 1}}), json!({"spec": {"parallelism": 3}}))]
#[case(Intent::Scale(3), Kind::Job, json!({"spec": {"parallelism": 1, "completions": 1, "completionMode": "Indexed"}}),
    json!({"spec": {"parallelism": 3, "completions": 3}}))]
#[case(Intent::Scale(3), Kind::Job, json!({"spec": {"parallelism": 1, "completions": 9, "completionMode": "Indexed"}}),
    json!({"spec": {"parallelism": 3}}))]
#[case(Intent::Scale(3), torch(), json!({"spec": {"elasticPolicy": {"minReplicas": 1, "maxReplicas": 4}}}),
    json!({"spec": {"pytorchReplicaSpecs": {"Worker": {"replicas": 3}}}}))]
#[case(Intent::Scale(9), Kind::Workload(JobKind(&RAY)),
    json!({"spec": {"workerGroupSpecs": [{"groupName": "g", "replicas": 1, "maxReplicas": 4}]}}),
    json!({"spec": {"workerGroupSpecs": [{"groupName": "g", "replicas": 9, "maxReplicas": 9}]}}))]
fn each_kind_is_changed_by_its_own_field(
    #[case] intent: Intent,
    #[case] kind: Kind,
    #[case] fresh: Value,
    #[case] mut patch: Value,
) {
    patch["metadata"] = json!({});
    match change(&step(intent, kind), &fresh, "s") {
        Ok(Change::Write(Write::Patch { body, .. })) => assert_eq!(body, patch),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(Intent::Scale(3), torch(), json!({"spec": {}}), "has no elasticPolicy")]
#[case(Intent::Scale(9), torch(), json!({"spec": {"elasticPolicy": {"maxReplicas": 4}}}), "takes 1 to 4 workers")]
#[case(Intent::Scale(3), Kind::Workload(JobKind(&RAY)), json!({"spec": {"enableInTreeAutoscaling": true}}), "autoscaler")]
#[case(Intent::Scale(3), Kind::Workload(JobKind(&RAY)), json!({"spec": {"workerGroupSpecs": [{}, {}]}}), "2 worker groups")]
#[case(Intent::Scale(3), Kind::Pod, json!({}), "cannot be scaled")]
#[case(Intent::Hold, Kind::Pod, json!({}), "no field to hold it by")]
#[case(Intent::Move("b".into()), Kind::Job, json!({"spec": {"suspend": false}}), "has started meanwhile")]
#[case(Intent::Trigger, Kind::CronJob, json!({}), "has no template")]
fn what_cannot_be_says_why(
    #[case] intent: Intent,
    #[case] kind: Kind,
    #[case] fresh: Value,
    #[case] why: &str,
) {
    let refusal = change(&step(intent, kind), &fresh, "s").unwrap_err();
    assert!(refusal.to_string().contains(why), "{refusal}");
}
