use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::actions::{document, templates};

/// The shipped template of a kind.
fn shipped(name: &str) -> Value {
    let all = templates::all(Vec::new());
    let template = all.iter().find(|t| t.name == name).unwrap();
    document::parse(&template.text).unwrap().remove(0).value
}

fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "image": "a"}]}})
}

fn of_kind(name: &str) -> Value {
    match name {
        "pod" => pod(),
        "cronjob" => json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"},
            "spec": {"jobTemplate": {"spec": shipped("job")["spec"]}}}),
        "leaderworkerset" => {
            json!({"kind": "LeaderWorkerSet", "metadata": {"name": "l"}, "spec": {"replicas": 1,
            "leaderWorkerTemplate": {"workerTemplate": pod()}}})
        }
        "raycluster" => {
            json!({"kind": "RayCluster", "metadata": {"name": "r"}, "spec": shipped("rayjob")["spec"]["rayClusterSpec"]})
        }
        "stranger" => {
            json!({"kind": "Experiment", "metadata": {"name": "x"}, "spec": {"trialTemplate": pod()}})
        }
        name => shipped(name),
    }
}

#[rstest]
#[case("job", &[""])]
#[case("pod", &[""])]
#[case("cronjob", &[""])]
#[case("pytorchjob", &["Master", "Worker"])]
#[case("tfjob", &["Chief", "PS", "Worker"])]
#[case("mpijob", &["Launcher", "Worker"])]
#[case("xgboostjob", &["Master", "Worker"])]
#[case("paddlejob", &["Worker"])]
#[case("jaxjob", &["Worker"])]
#[case("trainjob", &[])]
#[case("jobset", &["driver", "workers"])]
#[case("rayjob", &["head", "workers"])]
#[case("raycluster", &["head", "workers"])]
#[case("leaderworkerset", &["worker"])]
#[case("stranger", &["trialTemplate"])]
fn pod_templates_are_found_in_every_kind(#[case] name: &str, #[case] want: &[&str]) {
    let manifest = of_kind(name);
    let roles = roles(&manifest);
    let names: Vec<&str> = roles.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, want);
    for role in &roles {
        let template = manifest.pointer(&role.at).unwrap();
        assert!(template["spec"]["containers"].is_array(), "{role:?}");
    }
}

const KINDS: [&str; 14] = [
    "job",
    "parallel-job",
    "indexed-job",
    "pod",
    "pytorchjob",
    "tfjob",
    "mpijob",
    "xgboostjob",
    "paddlejob",
    "jaxjob",
    "trainjob",
    "jobset",
    "rayjob",
    "raycluster",
];

#[test]
fn the_queue_is_a_label_of_every_kind() {
    for name in KINDS {
        let before = of_kind(name);
        let mut manifest = before.clone();
        let notes = queue(&mut manifest, "gpus").unwrap();
        assert_eq!(notes, ["its queue is gpus"], "{name}");
        assert_eq!(label(&manifest, QUEUE), Some("gpus"));
        let mut other = before.clone();
        other["metadata"] = manifest["metadata"].clone();
        assert_eq!(manifest, other, "{name}: nothing else changed");
        // with a class it is Kueue's
        let notes = priority(&mut manifest, "high").unwrap();
        assert_eq!(notes[0], "its WorkloadPriorityClass is high", "{name}");
        assert_eq!(label(&manifest, CLASS), Some("high"));
        assert!(queue(&mut manifest, "gpus").unwrap().is_empty());
        let notes = queue(&mut manifest, "").unwrap();
        assert!(notes[0].contains("was gpus"), "{notes:?}");
        assert_eq!(manifest, before, "{name}: as before");
    }
}

#[test]
fn a_held_job_is_let_go_with_its_queue() {
    let mut job = shipped("job");
    job["metadata"]["labels"][QUEUE] = "a".into();
    job["spec"]["suspend"] = true.into();
    queue(&mut job, "").unwrap();
    assert_eq!(job["spec"]["suspend"], false);
    let mut torch = shipped("pytorchjob");
    torch["spec"]["runPolicy"]["schedulingPolicy"] =
        json!({"queue": "default", "priorityClass": "low"});
    assert!(queue(&mut torch, "big").unwrap()[0].contains("Volcano"));
    assert!(priority(&mut torch, "high").unwrap()[0].contains("gang"));
    let policy = &torch["spec"]["runPolicy"]["schedulingPolicy"];
    assert_eq!(policy, &json!({"queue": "big", "priorityClass": "high"}));
    assert!(!is_queued(&torch));
    let mut cron = of_kind("cronjob");
    queue(&mut cron, "a").unwrap();
    assert_eq!(
        cron["spec"]["jobTemplate"]["metadata"]["labels"][QUEUE],
        "a"
    );
}

#[test]
fn without_a_queue_the_class_is_the_pods() {
    for name in KINDS {
        let mut manifest = of_kind(name);
        let before = manifest.clone();
        if name == "trainjob" {
            let refusal = priority(&mut manifest, "high").unwrap_err();
            assert!(refusal.to_string().contains("give it a queue"), "{refusal}");
            continue;
        }
        let notes = priority(&mut manifest, "high").unwrap();
        let roles = roles(&manifest);
        assert_eq!(notes.len(), roles.len(), "{name}: {notes:?}");
        for role in &roles {
            let template = manifest.pointer(&role.at).unwrap();
            assert_eq!(template["spec"]["priorityClassName"], "high", "{name}");
        }
        priority(&mut manifest, "").unwrap();
        assert_eq!(manifest, before, "{name}");
    }
}

#[test]
fn the_image_is_that_of_what_does_the_work() {
    for name in KINDS {
        let mut manifest = of_kind(name);
        let notes = image(&mut manifest, "me/train:2").unwrap();
        assert!(!notes.is_empty(), "{name}");
        for role in roles(&manifest) {
            let template = manifest.pointer(&role.at).unwrap();
            assert_eq!(
                template["spec"]["containers"][0]["image"], "me/train:2",
                "{name}"
            );
            let said = notes
                .iter()
                .any(|n| n.starts_with(&of(&role)) && n.contains("(was "));
            assert!(said, "{name} {role:?}: {notes:?}");
        }
    }
    let train = {
        let mut train = shipped("trainjob");
        image(&mut train, "x").unwrap();
        train
    };
    assert_eq!(train["spec"]["trainer"]["image"], "x");
    // sidecars stay, and that is said
    let mut job = shipped("job");
    let side = json!({"name": "side", "image": "s"});
    let containers = &mut job["spec"]["template"]["spec"]["containers"];
    containers.as_array_mut().unwrap().insert(0, side);
    job["spec"]["template"]["metadata"] =
        json!({"annotations": {"kubectl.kubernetes.io/default-container": "main"}});
    let notes = image(&mut job, "n").unwrap();
    assert_eq!(
        notes,
        [
            "the image of main is n (was busybox:1.36)",
            "the image of side stays"
        ]
    );
    assert_eq!(
        image(&mut job, "side=t").unwrap(),
        ["the image of side is t (was s)"]
    );
    let refusal = image(&mut job, "nope=t").unwrap_err().to_string();
    assert!(
        refusal.contains("no container and no role nope") && refusal.contains("main, side"),
        "{refusal}"
    );
    // a role
    let mut torch = shipped("pytorchjob");
    image(&mut torch, "Worker=w").unwrap();
    let specs = &torch["spec"]["pytorchReplicaSpecs"];
    assert_eq!(
        specs["Worker"]["template"]["spec"]["containers"][0]["image"],
        "w"
    );
    assert_ne!(
        specs["Master"]["template"]["spec"]["containers"][0]["image"],
        "w"
    );
    assert!(image(&mut torch, "a b").is_err() && image(&mut torch, "").is_err());
}

#[rstest]
#[case("job", "4", "/spec/parallelism", "it runs 4 pods at a time (was 1)")]
#[case("parallel-job", "20", "/spec/parallelism", "never more than 10 run")]
#[case(
    "cronjob",
    "4",
    "/spec/jobTemplate/spec/parallelism",
    "4 pods at a time"
)]
#[case(
    "pytorchjob",
    "7",
    "/spec/pytorchReplicaSpecs/Worker/replicas",
    "7 Worker pods (was 3)"
)]
#[case(
    "tfjob",
    "ps=4",
    "/spec/tfReplicaSpecs/PS/replicas",
    "4 PS pods (was 2)"
)]
#[case(
    "mpijob",
    "6",
    "/spec/mpiReplicaSpecs/Worker/replicas",
    "its launcher still says -n 2"
)]
#[case(
    "xgboostjob",
    "3",
    "/spec/xgbReplicaSpecs/Worker/replicas",
    "3 Worker pods (was 2)"
)]
#[case(
    "paddlejob",
    "3",
    "/spec/paddleReplicaSpecs/Worker/replicas",
    "3 Worker pods (was 2)"
)]
#[case(
    "jaxjob",
    "2",
    "/spec/jaxReplicaSpecs/Worker/replicas",
    "2 Worker pods (was 3)"
)]
#[case("trainjob", "8", "/spec/trainer/numNodes", "8 nodes (was 2)")]
#[case(
    "jobset",
    "workers=8",
    "/spec/replicatedJobs/1/template/spec/completions",
    "8 pods at a time (was 4)"
)]
#[case(
    "rayjob",
    "5",
    "/spec/rayClusterSpec/workerGroupSpecs/0/maxReplicas",
    "5 workers (was 2)"
)]
#[case(
    "raycluster",
    "workers=1",
    "/spec/workerGroupSpecs/0/minReplicas",
    "1 workers (was 2)"
)]
#[case("leaderworkerset", "3", "/spec/replicas", "3 groups (was 1)")]
fn more_pods_in_each_kinds_own_words(
    #[case] name: &str,
    #[case] count: &str,
    #[case] at: &str,
    #[case] words: &str,
) {
    let mut manifest = of_kind(name);
    let count: Count = count.parse().unwrap();
    let notes = parallelism(&mut manifest, &count).unwrap().join("; ");
    assert!(notes.contains(words), "{notes}");
    assert_eq!(manifest.pointer(at), Some(&json!(count.n)), "{manifest}");
    assert!(!manifest.to_string().contains("null"), "{manifest}");
}

#[rstest]
#[case("pod", "2", "is one pod")]
#[case(
    "jobset",
    "2",
    "several replicated jobs (driver, workers): say which: driver=N"
)]
#[case("jobset", "x=2", "no replicated job x: it has driver, workers")]
#[case("pytorchjob", "master=2", "there is one Master")]
#[case("pytorchjob", "chief=2", "no role chief: it has Master, Worker")]
#[case("job", "main=2", "no part main")]
#[case("rayjob", "gpu=2", "no worker group gpu: it has workers")]
#[case("stranger", "2", "not known here")]
fn what_has_no_such_number_says_what_to_do(
    #[case] name: &str,
    #[case] count: &str,
    #[case] words: &str,
) {
    let mut manifest = of_kind(name);
    let before = manifest.clone();
    let refusal = parallelism(&mut manifest, &count.parse().unwrap()).unwrap_err();
    assert!(refusal.to_string().contains(words), "{refusal}");
    assert!(refusal.next.is_some());
    assert_eq!(manifest, before);
}

#[test]
fn a_gang_of_indexes_grows_as_a_whole_and_elastic_bounds_follow() {
    let mut job = json!({"kind": "Job", "metadata": {"name": "g"},
        "spec": {"completionMode": "Indexed", "completions": 4, "parallelism": 4}});
    let notes = parallelism(&mut job, &"8".parse().unwrap()).unwrap();
    assert_eq!(notes[1], "its indexes are 0 to 7 (were 0 to 3)");
    assert_eq!(job["spec"]["completions"], 8);
    let mut torch = shipped("pytorchjob");
    torch["spec"]["elasticPolicy"] = json!({"minReplicas": 1, "maxReplicas": 4});
    torch["spec"]["runPolicy"]["schedulingPolicy"] = json!({"minAvailable": 4});
    let notes = parallelism(&mut torch, &"6".parse().unwrap()).unwrap();
    assert_eq!(torch["spec"]["elasticPolicy"]["maxReplicas"], 6);
    assert_eq!(
        torch["spec"]["runPolicy"]["schedulingPolicy"]["minAvailable"],
        7
    );
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!("x".parse::<Count>().is_err() && "a=".parse::<Count>().is_err());
}

fn spot() -> Flavor {
    Flavor::of(&json!({"metadata": {"name": "a100-spot"}, "spec": {
        "nodeLabels": {"pool": "spot"},
        "nodeTaints": [{"key": "spot", "value": "true", "effect": "NoSchedule"}, {"key": "mine", "effect": "NoSchedule"},
            {"key": "soft", "effect": "PreferNoSchedule"}],
        "tolerations": [{"key": "spot", "operator": "Exists"}],
    }}))
}

#[test]
fn a_flavor_is_its_nodes_labels_on_every_role_that_asks_for_devices() {
    for name in KINDS {
        let mut manifest = of_kind(name);
        let notes = flavor(&mut manifest, &spot()).unwrap();
        assert!(
            notes.iter().any(|n| n.contains("pool=spot")),
            "{name}: {notes:?}"
        );
        let text = manifest.to_string();
        assert!(
            text.contains("\"nodeSelector\":{\"pool\":\"spot\"}") && !text.contains("null"),
            "{text}"
        );
        // nobody queues it: the tolerations Kueue would add come with it
        assert!(
            text.contains("\"key\":\"spot\"") && text.contains("\"key\":\"mine\""),
            "{text}"
        );
        assert!(!text.contains("\"soft\""));
        let again = flavor(&mut manifest, &spot()).unwrap();
        assert_eq!(again, Vec::<String>::new(), "{name}");
    }
    let mut queued = shipped("pytorchjob");
    queue(&mut queued, "a").unwrap();
    let launcher =
        &mut queued["spec"]["pytorchReplicaSpecs"]["Master"]["template"]["spec"]["containers"][0];
    launcher["resources"] = json!({});
    queued["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]["nodeSelector"] =
        json!({"pool": "h100", "zone": "b"});
    let notes = flavor(&mut queued, &spot()).unwrap().join("; ");
    assert!(
        notes.contains("Worker: nodes with pool=spot (was h100)"),
        "{notes}"
    );
    assert!(
        notes.contains("still asks for zone=b") && notes.contains("Master asks for no devices"),
        "{notes}"
    );
    let specs = &queued["spec"]["pytorchReplicaSpecs"];
    assert!(specs["Master"]["template"]["spec"]["nodeSelector"].is_null());
    let worker = &specs["Worker"]["template"]["spec"];
    assert_eq!(
        worker["tolerations"],
        json!([{"key": "mine", "operator": "Exists", "effect": "NoSchedule"}])
    );
    let bare = Flavor::of(&json!({"metadata": {"name": "any"}, "spec": {}}));
    let refusal = flavor(&mut queued, &bare).unwrap_err().to_string();
    assert!(refusal.contains("any has no nodeLabels"), "{refusal}");
}

#[test]
fn a_train_job_is_placed_by_the_overrides_its_trainer_knows() {
    let mut old = shipped("trainjob");
    old["spec"]["podTemplateOverrides"] =
        json!([{"targetJobs": [{"name": "node"}], "spec": {"volumes": []}}]);
    flavor(&mut old, &spot()).unwrap();
    assert_eq!(
        old["spec"]["podTemplateOverrides"][0]["spec"]["nodeSelector"]["pool"],
        "spot"
    );
    assert!(old["spec"]["runtimePatches"].is_null());
    let mut new = shipped("trainjob");
    let notes = flavor(&mut new, &spot()).unwrap().join("; ");
    assert!(notes.contains("Trainer 2.2"), "{notes}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from)
    ];
    let keys = prop_oneof![
        Just("spec"),
        Just("template"),
        Just("metadata"),
        Just("labels"),
        Just("containers"),
        Just("runPolicy"),
        Just("rayClusterSpec"),
        Just("headGroupSpec"),
        Just("workerGroupSpecs"),
        Just("replicatedJobs"),
        Just("jobTemplate"),
        Just("pytorchReplicaSpecs"),
        Just("Worker"),
        Just("runtimePatches"),
        Just("nodeSelector"),
        Just("tolerations"),
        Just("elasticPolicy"),
        Just("env"),
        Just("trainer"),
        Just("schedulingPolicy"),
        Just("replicas"),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(keys.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// What somebody types is anything; nothing in it may end the program.
    #[test]
    fn nothing_in_a_manifest_is_taken_for_granted(
        spec in value(), metadata in value(),
        kind in prop_oneof![Just("Job"), Just("CronJob"), Just("Pod"), Just("PyTorchJob"), Just("JobSet"), Just("RayJob"),
            Just("TrainJob"), Just("LeaderWorkerSet"), Just("X")],
    ) {
        let manifest = json!({"kind": kind, "metadata": metadata, "spec": spec});
        let _ = queue(&mut manifest.clone(), "q");
        let _ = queue(&mut manifest.clone(), "");
        let _ = priority(&mut manifest.clone(), "p");
        let _ = image(&mut manifest.clone(), "i");
        let _ = parallelism(&mut manifest.clone(), &Count { of: None, n: 3 });
        let _ = flavor(&mut manifest.clone(), &spot());
        let failed = crate::model::indexset::IndexSet::parse("1,3", None);
        let options = crate::actions::resubmit::Options { failed_indexes: true, ..Default::default() };
        let _ = crate::actions::resubmit::resubmit(&manifest, None, Some(&failed), &options, |_| false);
    }
}
