//! Two clusters: a manager without nodes for what it hands out, and the worker `east` that admits by its own quota.

use super::*;

const LABELS: &str = "kueue.x-k8s.io/multikueue-origin";

/// A manager with 16 GPUs of quota behind a MultiKueue check, and a worker with `nominal`.
fn pair(nominal: i64) -> Stage {
    let mut s = Stage::new(&json!({
        "resourceGroups": groups(16),
        "admissionChecksStrategy": {"admissionChecks": [{"name": "mk"}]},
    }));
    let east = Stage::new(&json!({"resourceGroups": groups(nominal)}));
    s.0.employ("east", east.0);
    s.make(
        "namespaces",
        "",
        json!({"metadata": {"name": "kueue-system"}}),
    );
    s.make(
        "multikueueconfigs",
        "",
        json!({"metadata": {"name": "all"}, "spec": {"clusters": ["west", "east"]}}),
    );
    for name in ["east", "west"] {
        let secret = format!("{name}-kubeconfig");
        s.make(
            "multikueueclusters",
            "",
            json!({"metadata": {"name": name}, "spec": {
                "clusterSource": {"kubeConfig": {"location": secret, "locationType": "Secret"}},
            }}),
        );
    }
    s.make(
        "secrets",
        "kueue-system",
        json!({"metadata": {"name": "east-kubeconfig"}}),
    );
    s.make(
        "admissionchecks",
        "",
        json!({"metadata": {"name": "mk"}, "spec": {
            "controllerName": "kueue.x-k8s.io/multikueue",
            "parameters": {"apiGroup": "kueue.x-k8s.io", "kind": "MultiKueueConfig", "name": "all"},
        }}),
    );
    s.run(2);
    s
}

/// What the worker holds of a kind.
fn there(s: &Stage, plural: &str) -> Vec<Value> {
    let workers = crate::Backend::workers(&s.0);
    let world = workers[0].shared.lock();
    let store = &world.cluster().store;
    let found = store.kinds().find(|(_, k)| k.plural == plural);
    let kind = found.map(|(id, _)| id).unwrap();
    store
        .list(kind, Some("default"))
        .map(|o| o.value())
        .collect()
}

#[test]
fn a_job_runs_in_the_worker_and_is_told_of_here() {
    let mut s = pair(8);
    let reason = |s: &Stage, plural: &str, name: &str| {
        let object = s.0.object(plural, "", name).unwrap();
        let c = object["status"]["conditions"][0].clone();
        format!(
            "{} {}: {}",
            c["status"].as_str().unwrap(),
            c["reason"].as_str().unwrap(),
            c["message"].as_str().unwrap()
        )
    };
    assert_eq!(
        reason(&s, "multikueueclusters", "east"),
        "True Active: Connected"
    );
    assert_eq!(
        reason(&s, "multikueueclusters", "west"),
        "False BadKubeConfig: load client config failed: Secret \"west-kubeconfig\" not found"
    );
    assert_eq!(
        reason(&s, "admissionchecks", "mk"),
        "True SomeActiveClusters: Inactive clusters: [west]"
    );
    s.job("train", 4, 60, json!({}));
    assert_eq!(
        s.get("jobs", "train")["spec"]["managedBy"],
        "kueue.x-k8s.io/multikueue"
    );
    s.run(20);
    let wl = s.workload("train");
    assert_eq!(wl["status"]["clusterName"], "east");
    assert!(wl["status"]["nominatedClusterNames"].is_null());
    let check = &wl["status"]["admissionChecks"][0];
    assert_eq!(
        (&check["state"], &check["message"]),
        (
            &json!("Ready"),
            &json!("The workload was admitted on \"east\"")
        )
    );
    assert!(s.admitted("train") && !s.suspended("train"));
    let status = s.get("jobs", "train")["status"].clone();
    assert_eq!(
        (&status["active"], &status["ready"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(s.0.objects("pods", "default").len(), 0);
    assert_eq!(there(&s, "pods").len(), 1);
    let copy = &there(&s, "workloads")[0];
    assert_eq!(copy["metadata"]["name"], wl["metadata"]["name"]);
    assert_eq!(copy["metadata"]["labels"][LABELS], "multikueue");
    assert_eq!(copy["metadata"]["ownerReferences"][0]["name"], "train");
    let job = &there(&s, "jobs")[0];
    assert_eq!(job["metadata"]["labels"][LABELS], "multikueue");
    assert_eq!(
        job["metadata"]["annotations"]["kueue.x-k8s.io/prebuilt-workload-name"],
        wl["metadata"]["name"]
    );
    assert!(job["spec"]["managedBy"].is_null());
    s.run(120);
    assert!(
        s.said("train", "Finished").starts_with("True Succeeded"),
        "{}",
        s.said("train", "Finished")
    );
    assert_eq!(s.get("jobs", "train")["status"]["succeeded"], 1);
    // Nothing of it is left there.
    s.run(60);
    for plural in ["jobs", "workloads", "pods"] {
        assert_eq!(there(&s, plural).len(), 0, "{plural}");
    }
}

#[test]
fn the_worker_admits_by_its_own_quota() {
    let mut s = pair(4);
    s.job("first", 4, 300, json!({}));
    s.run(5);
    s.job("second", 4, 60, json!({}));
    s.run(30);
    // Quota here, none there.
    assert!(s.said("second", "QuotaReserved").starts_with("True"));
    assert!(!s.admitted("second"));
    let wl = s.workload("second");
    assert_eq!(wl["status"]["nominatedClusterNames"], json!(["east"]));
    assert_eq!(wl["status"]["admissionChecks"][0]["state"], "Pending");
    let before = s.0.cluster.store.rv();
    s.run(100);
    assert_eq!(s.0.cluster.store.rv(), before);
    s.run(300);
    assert_eq!(s.workload("second")["status"]["clusterName"], "east");
    s.run(200);
    assert!(s.said("second", "Finished").starts_with("True"));
}

#[test]
fn one_preempted_there_is_dispatched_again() {
    let mut s = pair(4);
    s.job(
        "low",
        4,
        300,
        json!({"kueue.x-k8s.io/priority-class": "low"}),
    );
    s.run(20);
    assert_eq!(s.workload("low")["status"]["clusterName"], "east");
    s.job(
        "high",
        4,
        100,
        json!({"kueue.x-k8s.io/priority-class": "high"}),
    );
    s.run(60);
    assert_eq!(s.workload("high")["status"]["clusterName"], "east");
    let low = s.workload("low");
    assert_eq!(
        low["status"]["schedulingStats"]["evictions"][0]["reason"],
        "AdmissionCheck"
    );
    assert!(low["status"]["clusterName"].is_null());
    assert!(s.suspended("low"));
    s.run(600);
    assert!(
        s.said("low", "Finished").starts_with("True"),
        "{}",
        s.workload("low")["status"]
    );
}

#[test]
fn what_is_stopped_or_deleted_here_ends_there() {
    let mut s = pair(8);
    for name in ["stopped", "deleted"] {
        s.job(name, 4, 900, json!({}));
    }
    s.run(20);
    assert_eq!(there(&s, "pods").len(), 2);
    let name = s.workload("stopped")["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    s.change("workloads", &name, |v| v["spec"]["active"] = json!(false));
    let (kind, how) = (
        s.id("jobs"),
        Delete {
            propagation: Some("Background".to_owned()),
            ..Delete::default()
        },
    );
    s.0.cluster
        .delete(kind, "default", "deleted", &how)
        .unwrap();
    s.run(120);
    assert!(s.said("stopped", "Evicted").starts_with("True Deactivated"));
    assert!(s.suspended("stopped"));
    for plural in ["jobs", "workloads", "pods"] {
        assert_eq!(there(&s, plural).len(), 0, "{plural}");
    }
    assert_eq!(s.0.objects("workloads", "default").len(), 1);
}
