//! TrainJobs from creation to each of their ends.

use serde_json::{Value, json};

use crate::api::write::Writer;
use crate::controllers::operators::tests::Stage;

const STEPS: [&str; 4] = ["--model=m", "--steps=100", "--step-time=1", "--warmup=1"];

fn spec(args: &[&str]) -> Value {
    json!({
        "runtimeRef": {"name": "torch-distributed"},
        "trainer": {
            "image": "jobdeck.dev/demo/train:1", "numNodes": 2, "args": args,
            "env": [{"name": "SEED", "value": "7"}],
            "resourcesPerNode": {"requests": {"cpu": 2}, "limits": {"memory": "2Gi"}},
        },
    })
}

fn submit(spec: Value) -> Stage {
    let mut stage = Stage::new();
    stage.create("TrainJob", "mnist", spec);
    stage
}

fn env(container: &Value, name: &str) -> Value {
    let all = container["env"].as_array().unwrap();
    let found = all.iter().find(|e| e["name"] == name);
    found.unwrap_or(&Value::Null)["value"].clone()
}

#[test]
fn a_job_becomes_the_jobset_of_its_runtime() {
    let mut s = submit(spec(&STEPS));
    let set = s.get("jobsets", "mnist");
    assert_eq!(set["metadata"]["ownerReferences"][0]["kind"], "TrainJob");
    let node = &set["spec"]["replicatedJobs"][0];
    assert_eq!(
        (&node["name"], &node["replicas"]),
        (&json!("node"), &json!(1))
    );
    assert_eq!(s.names("jobs"), ["mnist-node-0"]);
    let job = s.get("jobs", "mnist-node-0");
    assert_eq!(job["spec"]["parallelism"], 2);
    assert_eq!(
        job["metadata"]["labels"]["trainer.kubeflow.org/trainjob-ancestor-step"],
        "trainer"
    );
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "jobdeck.dev/demo/train:1");
    assert_eq!(container["resources"]["requests"]["cpu"], "2");
    assert_eq!(container["ports"][0]["containerPort"], 29500);
    for (name, value) in [
        ("SEED", "7"),
        ("PET_NNODES", "2"),
        ("PET_NPROC_PER_NODE", "2"),
        ("PET_MASTER_ADDR", "mnist-node-0-0.mnist"),
        ("PET_MASTER_PORT", "29500"),
    ] {
        assert_eq!(env(container, name), value, "{name}");
    }
    s.run(60);
    let status = s.get("trainjobs", "mnist")["status"].clone();
    assert!(status["conditions"].is_null(), "it has none while it runs");
    assert_eq!(
        status["jobsStatus"],
        json!([{"name": "node", "ready": 1, "succeeded": 0, "failed": 0, "active": 1, "suspended": 0}])
    );
}

#[test]
fn the_trainers_status_moves_and_ends_at_a_hundred() {
    let mut s = submit(spec(&STEPS));
    let trainer = |s: &Stage| s.get("trainjobs", "mnist")["status"]["trainerStatus"].clone();
    s.run(20);
    assert!(trainer(&s).is_null());
    s.run(40);
    let early = trainer(&s);
    s.run(40);
    let late = trainer(&s);
    let number = |v: &Value, field: &str| v[field].as_u64().unwrap();
    let (a, b) = (
        number(&early, "progressPercentage"),
        number(&late, "progressPercentage"),
    );
    assert!(10 < a && a < b && b < 100, "{a} {b}");
    assert!(
        number(&early, "estimatedRemainingSeconds") > number(&late, "estimatedRemainingSeconds")
    );
    assert!(late["lastUpdatedTime"].as_str() > early["lastUpdatedTime"].as_str());
    assert_eq!(late["metrics"][0]["name"], "loss");
    assert!(
        late["metrics"][0]["value"]
            .as_str()
            .unwrap()
            .parse::<f64>()
            .unwrap()
            > 0.0
    );
    s.run(120);
    assert_eq!(
        s.conditions("trainjobs", "mnist"),
        ["Complete=True AllJobsCompleted"]
    );
    let end = trainer(&s);
    assert_eq!(number(&end, "progressPercentage"), 100);
    assert_eq!(number(&end, "estimatedRemainingSeconds"), 0);
}

#[test]
fn a_failed_set_is_a_failed_job() {
    let mut args = STEPS.to_vec();
    args.extend(["--fail=bug", "--fail-at=20"]);
    let mut spec = spec(&args);
    spec["runtimePatches"] = json!([{"manager": "me", "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [
        {"name": "node", "template": {"spec": {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never"}}}}}]}}}}]);
    let mut s = submit(spec);
    s.run(120);
    assert_eq!(
        s.conditions("trainjobs", "mnist"),
        ["Failed=True FailedJobs"]
    );
    let condition = s.get("trainjobs", "mnist")["status"]["conditions"][0].clone();
    assert_eq!(
        condition["message"],
        "jobset failed due to one or more job failures (first failed job: mnist-node-0)"
    );
}

#[test]
fn suspending_goes_through_the_jobset() {
    let mut spec = spec(&STEPS);
    spec["suspend"] = json!(true);
    let mut s = submit(spec);
    assert_eq!(
        s.conditions("trainjobs", "mnist"),
        ["Suspended=True Suspended"]
    );
    assert_eq!(s.get("jobsets", "mnist")["spec"]["suspend"], true);
    s.change("trainjobs", "mnist", |v| {
        v["spec"]["suspend"] = json!(false)
    });
    s.run(30);
    assert_eq!(
        s.conditions("trainjobs", "mnist"),
        ["Suspended=False Resumed"]
    );
    assert_eq!(s.names("pods").len(), 2);
}

#[test]
fn a_job_without_its_runtime_is_not_taken() {
    let mut s = Stage::new();
    let refused = s.refused("TrainJob", "a", json!({"runtimeRef": {"name": "gone"}}));
    assert!(
        refused.starts_with("admission webhook \"validator.trainjob.trainer.kubeflow.org\" denied the request: spec.runtimeRef: Invalid value:")
            && refused.ends_with("ClusterTrainingRuntime.trainer.kubeflow.org \"gone\" not found: specified clusterTrainingRuntime must be created before the TrainJob is created"),
        "{refused}"
    );
    let refused = s.refused(
        "TrainJob",
        "a",
        json!({"runtimeRef": {"name": "mine", "kind": "TrainingRuntime"}}),
    );
    assert!(
        refused.contains("specified trainingRuntime must be created"),
        "{refused}"
    );
}

#[test]
fn a_runtime_that_went_is_told_by_an_event_and_waited_for() {
    let mut s = Stage::new();
    let runtime =
        s.0.cluster
            .store
            .kind_id("trainer.kubeflow.org", "clustertrainingruntimes");
    let runtime = runtime.unwrap();
    let mut copy =
        s.0.cluster
            .store
            .get(runtime, "", "torch-distributed")
            .unwrap()
            .value();
    s.create("TrainJob", "mnist", {
        let mut spec = spec(&STEPS);
        spec["managedBy"] = json!("kueue.x-k8s.io/multikueue");
        spec
    });
    assert!(s.names("jobsets").is_empty(), "another controller's");
    let gone =
        s.0.cluster
            .delete(runtime, "", "torch-distributed", &Default::default());
    assert!(gone.is_ok());
    // The one admitted before is handed over, so to speak.
    s.change("trainjobs", "mnist", |v| {
        v["spec"]["managedBy"] = json!("trainer.kubeflow.org/trainjob-controller");
    });
    let text = "TrainJobResourcesCreationFailed: TrainJob resources reconciliation failed: not found ClusterTrainingRuntime specified in TrainJob: ClusterTrainingRuntime.trainer.kubeflow.org \"torch-distributed\" not found";
    assert_eq!(s.events("mnist"), [text]);
    for field in ["resourceVersion", "uid"] {
        copy["metadata"].as_object_mut().unwrap().remove(field);
    }
    s.0.cluster
        .create(runtime, "", copy, &Writer::new("helm"))
        .unwrap();
    s.run(60);
    assert_eq!(s.names("jobsets"), ["mnist"]);
}

#[test]
fn an_unknown_sort_of_runtime_fails_the_job() {
    let s = submit(json!({"runtimeRef": {"name": "a", "kind": "Recipe"}}));
    assert_eq!(
        s.conditions("trainjobs", "mnist"),
        ["Failed=True TrainingRuntimeNotSupported"]
    );
}
