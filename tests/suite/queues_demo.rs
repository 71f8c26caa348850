//! The demo cluster's Kueue with kubectl: jobs are queued, one waits behind another, the visibility API tells in
//! which order, and quota that is given back lets the next ones in.

use serde_json::Value;

use crate::served::{Served, kubectl_there, manifest};

fn json(served: &Served, args: &[&str]) -> Value {
    serde_json::from_str(&served.ok(args)).expect("JSON")
}

fn wait(served: &Served, job: &str, condition: &str) {
    let condition = format!("--for=condition={condition}");
    let job = format!("job/{job}");
    served.ok(&["wait", &condition, &job, "--timeout=120s"]);
}

/// What the Workload of a job says of its quota, once it says anything.
fn reserved(served: &Served, job: &str) -> Value {
    for _ in 0..200 {
        let all = json(served, &["get", "workloads", "-n", "default", "-o", "json"]);
        let mut all = all["items"].as_array().expect("items").iter();
        let workload = all.find(|w| w["metadata"]["ownerReferences"][0]["name"] == job);
        let mut said = workload
            .and_then(|w| w["status"]["conditions"].as_array())
            .into_iter()
            .flatten();
        if let Some(said) = said.find(|c| c["type"] == "QuotaReserved") {
            return said.clone();
        }
    }
    panic!("the Workload of {job} never said anything of its quota");
}

/// Applies the objects of a manifest one after the other, seconds of the cluster's clock apart: of Workloads made in the
/// same second the smaller UID is first in line.
fn apply_in_order(served: &Served, name: &str) {
    let all = std::fs::read_to_string(manifest(name)).expect("a manifest");
    for (nth, one) in all.split("\n---\n").enumerate() {
        let file = served.folder.path().join(format!("{nth}.yaml"));
        std::fs::write(&file, one).expect("written");
        served.ok(&["apply", "-f", file.to_str().expect("a plain path")]);
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn jobs_wait_for_quota_in_order_and_get_it() {
    if !kubectl_there("jobs_wait_for_quota_in_order_and_get_it") {
        return;
    }
    let served = Served::start(&["--speed", "10"]);
    apply_in_order(&served, "queues");
    let ready = "--for=jsonpath={.status.ready}=1";
    served.ok(&["wait", ready, "job/first", "--timeout=120s"]);
    wait(&served, "second", "Suspended");
    let shown = served.ok(&["get", "workloads", "-n", "default"]);
    let head: Vec<&str> = shown
        .lines()
        .next()
        .unwrap_or_default()
        .split("  ")
        .map(str::trim)
        .filter(|w| !w.is_empty())
        .collect();
    assert_eq!(
        head,
        [
            "NAME",
            "QUEUE",
            "RESERVED IN",
            "ADMITTED",
            "FINISHED",
            "AGE"
        ]
    );
    let counted = "--for=jsonpath={.status.pendingWorkloads}=2";
    served.ok(&["wait", counted, "clusterqueue/small", "--timeout=120s"]);
    let path = "/apis/visibility.kueue.x-k8s.io/v1beta2/namespaces/default/localqueues/small/pendingworkloads";
    let waiting = json(&served, &["get", "--raw", path]);
    assert_eq!(waiting["kind"], "PendingWorkloadsSummary");
    let items = waiting["items"].as_array().expect("items");
    let places: Vec<&Value> = items.iter().map(|i| &i["positionInClusterQueue"]).collect();
    assert_eq!(places, [0, 1]);
    // Made in one second, they stand in the order of their UIDs.
    let mut owners: Vec<&str> = items
        .iter()
        .filter_map(|i| i["metadata"]["ownerReferences"][0]["name"].as_str())
        .collect();
    owners.sort_unstable();
    assert_eq!(owners, ["second", "third"]);
    let page = json(
        &served,
        &["get", "--raw", &format!("{path}?limit=1&offset=1")],
    );
    assert_eq!(page["items"][0]["positionInLocalQueue"], 1);
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    let said = reserved(&served, "second");
    assert_eq!(said["reason"], "WaitingForQuota");
    assert_eq!(
        said["message"],
        "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default-flavor, 1 more needed"
    );
    served.ok(&["delete", "job", "first", "--timeout=60s"]);
    for job in ["second", "third"] {
        served.ok(&["wait", ready, &format!("job/{job}"), "--timeout=120s"]);
    }
    let gone = served
        .kubectl(&["get", "--raw", &path.replace("/small/", "/none/")])
        .output()
        .expect("kubectl");
    assert!(!gone.status.success());
}
