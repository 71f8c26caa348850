//! Pods without a job: alone, and as a group that is admitted together.

use super::*;

fn queued(name: &str, group: Option<(&str, usize)>, gpus: i64, seconds: i64) -> Value {
    let mut value = pod(gpus, seconds);
    value["metadata"] = json!({"name": name, "labels": {"kueue.x-k8s.io/queue-name": "lq"}});
    if let Some((group, total)) = group {
        value["metadata"]["labels"]["kueue.x-k8s.io/pod-group-name"] = json!(group);
        value["metadata"]["annotations"]["kueue.x-k8s.io/pod-group-total-count"] =
            json!(total.to_string());
    }
    value
}

fn phase(s: &Stage, name: &str) -> String {
    s.get("pods", name)["status"]["phase"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_pod_waits_at_its_gate_until_there_is_quota() {
    let mut s = Stage::new(&json!({"resourceGroups": groups(4)}));
    s.make("pods", "default", queued("one", None, 4, 100));
    s.run(10);
    s.make("pods", "default", queued("two", None, 4, 30));
    s.run(20);
    assert_eq!(
        (phase(&s, "one"), phase(&s, "two")),
        ("Running".to_owned(), "Pending".to_owned())
    );
    let two = s.get("pods", "two");
    assert_eq!(
        two["spec"]["schedulingGates"],
        json!([{"name": "kueue.x-k8s.io/admission"}])
    );
    assert_eq!(two["status"]["conditions"][0]["reason"], "SchedulingGated");
    assert!(
        s.said("two", "QuotaReserved")
            .starts_with("False WaitingForQuota")
    );
    let one = s.get("pods", "one");
    assert_eq!(one["spec"]["nodeSelector"], json!({"gpu": "h100"}));
    assert!(one["spec"]["schedulingGates"].is_null());
    let wl = s.workload("one");
    assert!(
        wl["metadata"]["name"]
            .as_str()
            .unwrap()
            .starts_with("pod-one-")
    );
    s.run(200);
    assert!(s.said("two", "Finished").starts_with("True Succeeded"));
    assert!(s.get("pods", "two")["metadata"]["finalizers"].is_null());
    let kind = s.id("pods");
    s.0.cluster
        .delete(kind, "default", "two", &Delete::default())
        .unwrap();
    s.run(60);
    assert!(s.0.object("pods", "default", "two").is_none());
}

#[test]
fn a_group_is_admitted_when_all_of_it_is_there() {
    let mut s = Stage::new(&json!({}));
    s.make("pods", "default", queued("g-0", Some(("gang", 3)), 2, 60));
    s.make("pods", "default", queued("g-1", Some(("gang", 3)), 2, 60));
    s.run(30);
    assert_eq!(s.0.objects("workloads", "default").len(), 0);
    s.make("pods", "default", queued("g-2", Some(("gang", 3)), 2, 60));
    s.run(20);
    let wl = s.get("workloads", "gang");
    assert_eq!(wl["spec"]["podSets"][0]["count"], 3);
    assert_eq!(
        wl["metadata"]["ownerReferences"].as_array().map(Vec::len),
        Some(3)
    );
    for name in ["g-0", "g-1", "g-2"] {
        assert_eq!(phase(&s, name), "Running", "{name}");
    }
    let before = s.0.cluster.store.rv();
    s.run(20);
    assert_eq!(s.0.cluster.store.rv(), before);
    s.run(60);
    let conditions = s.get("workloads", "gang")["status"]["conditions"].clone();
    let end = conditions
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["type"] == "Finished")
        .unwrap();
    assert_eq!(end["message"], "Pods succeeded: 3/3.");
}

#[test]
fn preempted_pods_are_deleted() {
    let mut s = Stage::new(&json!({"resourceGroups": groups(4)}));
    let mut low = queued("low", None, 4, 900);
    low["metadata"]["labels"]["kueue.x-k8s.io/priority-class"] = json!("low");
    s.make("pods", "default", low);
    s.run(20);
    s.job(
        "urgent",
        4,
        60,
        json!({"kueue.x-k8s.io/priority-class": "high"}),
    );
    s.run(90);
    assert!(s.admitted("urgent"));
    assert!(s.0.object("pods", "default", "low").is_none());
}
