//! Workloads that fail again and again: checks that never agree, pods that never start. The loops must come to rest
//! between the tries, and tell how many there were and when the next one is.

use super::*;

/// A queue with a provisioning check that fails so many times after `minutes`.
fn provisioning(minutes: &str, failures: &str, base: i64) -> Stage {
    let mut s = Stage::new(&json!({
        "admissionChecksStrategy": {"admissionChecks": [{"name": "dws"}]},
    }));
    s.make("provisioningrequestconfigs", "", json!({"metadata": {"name": "dws"}, "spec": {
        "provisioningClassName": "queued-provisioning.gke.io",
        "retryStrategy": {"backoffLimitCount": 3, "backoffBaseSeconds": base, "backoffMaxSeconds": 1800},
        "parameters": {"demo.jobdeck.dev/minutes": minutes, "demo.jobdeck.dev/failures": failures},
    }}));
    s.make("admissionchecks", "", json!({"metadata": {"name": "dws"}, "spec": {
        "controllerName": "kueue.x-k8s.io/provisioning-request",
        "parameters": {"apiGroup": "kueue.x-k8s.io", "kind": "ProvisioningRequestConfig", "name": "dws"},
    }}));
    s
}

#[test]
fn a_check_that_never_agrees_ends_in_deactivation() {
    for (minutes, base, off) in [("1", 60, 0), ("0.25", 1, 370), ("3", 600, 999)] {
        let mut s = provisioning(minutes, "99", base);
        let odd = s.0.cluster.clock.now() + TimeDelta::milliseconds(1500 + off);
        s.0.advance_to(odd);
        s.job("train", 4, 60, json!({}));
        for _ in 0..240 {
            s.run(60);
        }
        let said = s.said("train", "Evicted");
        assert!(
            said.starts_with("True DeactivatedDueToAdmissionCheck"),
            "{said}"
        );
    }
}

#[test]
fn pods_that_never_start_are_tried_again_later_and_later() {
    for off in [0, 370, 999] {
        let mut s = Stage::new(&json!({"resourceGroups": groups(64)}));
        let odd = s.0.cluster.clock.now() + TimeDelta::milliseconds(1500 + off);
        s.0.advance_to(odd);
        // No node has so many.
        s.job("wide", 24, 60, json!({}));
        s.run(32 * 60);
        let wl = s.workload("wide");
        let state = &wl["status"]["requeueState"];
        assert_eq!(state["count"], 1);
        let again: chrono::DateTime<chrono::Utc> =
            state["requeueAt"].as_str().unwrap().parse().unwrap();
        assert!(again > s.0.cluster.clock.now());
        for _ in 0..480 {
            s.run(60);
        }
        let said = s.said("wide", "Evicted");
        assert!(said.contains("Deactivated"), "{said}");
    }
}
