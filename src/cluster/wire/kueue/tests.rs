//! Both versions of the API give the same rows; what is missing, null or odd reads as absent.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::cluster::wire::Wire;
use crate::model::ids::{ClusterId, Uid};
use crate::model::kueue::queue::{Namespaces, Stop};
use crate::model::kueue::workload::{CheckState, State, WorkloadRow};
use crate::model::kueue::{FlavorResource, PriorityClassRow};

fn read<W: Wire>(value: &Value) -> W::Row {
    let object: W = serde_json::from_value(value.clone()).unwrap();
    object.row(ClusterId(0), &mut Names::default())
}

/// An object of nothing but these parts.
fn of<W: Wire>(spec: Value, status: Value) -> W::Row {
    read::<W>(&json!({
        "metadata": {"name": "a", "namespace": "ml", "uid": "00000000-0000-0000-0000-000000000001",
            "creationTimestamp": "2026-11-23T12:00:00Z"},
        "spec": spec, "status": status,
    }))
}

fn use_of(total: &str) -> Value {
    json!([{"name": "a100", "resources": [
        {"name": "nvidia.com/gpu", "total": total, "borrowed": "1"}, {"name": "cpu", "total": "1500m"}]}])
}

fn text<T: AsRef<str>>(names: &[T]) -> Vec<&str> {
    names.iter().map(AsRef::as_ref).collect()
}

#[test]
fn cluster_queues_of_both_versions() {
    let groups = json!([{"coveredResources": ["nvidia.com/gpu", "cpu"], "flavors": [
        {"name": "a100", "resources": [
            {"name": "nvidia.com/gpu", "nominalQuota": 8, "borrowingLimit": "4", "lendingLimit": "0"},
            {"name": "cpu", "nominalQuota": "1500m", "borrowingLimit": null}]},
        {"name": "t4", "resources": [{"name": "nvidia.com/gpu", "nominalQuota": "2"}]}]}]);
    let status = json!({"flavorsReservation": use_of("6"), "flavorsUsage": use_of("5"), "pendingWorkloads": 3,
        "reservingWorkloads": 2, "admittedWorkloads": 1, "fairSharing": {"weightedShare": 9223372036854775807u64},
        "conditions": [{"type": "Active", "status": "False", "reason": "Stopped", "message": "is stopped"}]});
    let common = json!({"resourceGroups": groups, "queueingStrategy": "StrictFIFO", "stopPolicy": "HoldAndDrain",
        "namespaceSelector": {"matchLabels": {"team": "vision"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"}]},
        "fairSharing": {"weight": "500m"},
        "preemption": {"withinClusterQueue": "LowerPriority",
            "borrowWithinCohort": {"policy": "LowerPriority", "maxPriorityThreshold": 100}}});
    let with = |more: Value| {
        let mut spec = common.clone();
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        of::<clusterqueue::ClusterQueue>(spec, status.clone())
    };
    let newer = with(json!({"cohortName": "org",
        "admissionChecksStrategy": {"admissionChecks": [{"name": "nodes", "onFlavors": []}]},
        "flavorFungibility": {"whenCanBorrow": "MayStopSearch", "whenCanPreempt": "TryNextFlavor"}}));
    let older = with(json!({"cohort": "org", "admissionChecks": ["nodes"],
        "flavorFungibility": {"whenCanBorrow": "Borrow", "whenCanPreempt": "TryNextFlavor"}}));
    assert_eq!(newer, older);

    assert_eq!((newer.strict, newer.stop), (true, Stop::HoldAndDrain));
    assert_eq!(newer.cohort.as_deref(), Some("org"));
    let quota = |flavor: &str, resource: &str| {
        let (flavor, resource) = (flavor.into(), resource.into());
        let quota = newer.quota(&FlavorResource { flavor, resource }).unwrap();
        (quota.nominal, quota.borrowing_limit, quota.lending_limit)
    };
    assert_eq!(quota("a100", "nvidia.com/gpu"), (8, Some(4), Some(0)));
    assert_eq!(quota("a100", "cpu"), (1500, None, None));
    assert_eq!(quota("t4", "nvidia.com/gpu"), (2, None, None));
    assert_eq!(
        newer.namespaces,
        Namespaces::Selected("team=vision,tier in (a,b),!old".into())
    );
    let preemption = &newer.preemption;
    assert_eq!(&*preemption.within_cluster_queue, "LowerPriority");
    assert_eq!(&*preemption.reclaim_within_cohort, "Never");
    assert_eq!(preemption.borrow_max_priority, Some(100));
    assert_eq!((newer.weight, newer.share), (Some(500), Some(i64::MAX)));
    assert_eq!(
        (newer.reserved[0].total, newer.reserved[0].borrowed),
        (6, 1)
    );
    assert_eq!((newer.used[1].total, newer.used[1].borrowed), (1500, 0));
    assert_eq!((newer.pending, newer.reserving, newer.admitted), (3, 2, 1));
    assert_eq!(&*newer.inactive().unwrap().reason, "Stopped");
}

#[rstest]
#[case(Value::Null, Namespaces::Nobody)]
#[case(json!({}), Namespaces::All)]
#[case(json!({"matchLabels": {}}), Namespaces::All)]
#[case(json!({"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}), Namespaces::Selected("gpu".into()))]
fn whose_workloads_a_cluster_queue_takes(#[case] selector: Value, #[case] want: Namespaces) {
    let spec = json!({"namespaceSelector": selector});
    let row = of::<clusterqueue::ClusterQueue>(spec, Value::Null);
    assert_eq!(row.namespaces, want);
}

#[test]
fn local_queues_of_both_versions() {
    let row = |key: &str| {
        let mut status = json!({"flavorsReservation": use_of("6"), "pendingWorkloads": 2});
        status[key] = use_of("5");
        of::<localqueue::LocalQueue>(
            json!({"clusterQueue": "team-a", "stopPolicy": "Hold"}),
            status,
        )
    };
    assert_eq!(row("flavorsUsage"), row("flavorUsage"));
    let row = row("flavorUsage");
    assert_eq!(
        (&*row.cluster_queue, row.stop, row.pending),
        ("team-a", Stop::Hold, 2)
    );
    assert_eq!((row.reserved[0].total, row.used[0].total), (6, 5));
}

#[test]
fn cohorts_of_all_versions() {
    let row = |key: &str| of::<cohort::Cohort>(json!({key: "root"}), Value::Null);
    assert_eq!(row("parentName"), row("parent"));
    assert_eq!(row("parent").parent.as_deref(), Some("root"));
    let bare = of::<cohort::Cohort>(json!({"fairSharing": {"weight": "2"}}), Value::Null);
    assert_eq!(
        (bare.parent, bare.weight, bare.share),
        (None, Some(2000), None)
    );
}

#[test]
fn a_flavor_in_kubectl_s_words() {
    let row = read::<resourceflavor::ResourceFlavor>(
        &json!({"metadata": {"name": "h100"}, "spec": {
        "nodeLabels": {"nvidia.com/gpu.product": "H100"}, "topologyName": "rack-host",
        "nodeTaints": [{"key": "gpu", "value": "present", "effect": "NoSchedule"}, {"key": "spot", "effect": "NoExecute"}],
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}, {"operator": "Exists"},
            {"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 300}]}}),
    );
    assert_eq!(
        text(&row.node_taints),
        ["gpu=present:NoSchedule", "spot:NoExecute"]
    );
    assert_eq!(
        text(&row.tolerations),
        [
            "gpu:NoSchedule op=Exists",
            "op=Exists",
            "a=b:NoExecute for 300s"
        ]
    );
    assert_eq!(row.topology.as_deref(), Some("rack-host"));
    let (label, value) = &row.node_labels[0];
    assert_eq!((&**label, &**value), ("nvidia.com/gpu.product", "H100"));
}

#[test]
fn classes_checks_and_topologies() {
    let class = read::<workloadpriorityclass::WorkloadPriorityClass>(
        &json!({"metadata": {"name": "low", "uid": "u"}, "value": -10, "description": "sweeps"}),
    );
    let key = class.key;
    let want = PriorityClassRow {
        key,
        name: "low".into(),
        value: -10,
        description: "sweeps".into(),
    };
    assert_eq!(class, want);

    let check = of::<admissioncheck::AdmissionCheck>(
        json!({"controllerName": "kueue.x-k8s.io/multikueue", "retryDelayMinutes": 15,
            "parameters": {"apiGroup": "kueue.x-k8s.io", "kind": "MultiKueueConfig", "name": "workers"}}),
        json!({"conditions": [{"type": "Active", "status": "False", "reason": "NoUsableClusters"}]}),
    );
    assert_eq!(&*check.controller, "kueue.x-k8s.io/multikueue");
    assert_eq!(
        check.parameters,
        Some(("MultiKueueConfig".into(), "workers".into()))
    );
    assert!(!check.conditions[0].on);

    let levels =
        json!({"levels": [{"nodeLabel": "zone"}, {"nodeLabel": "kubernetes.io/hostname"}]});
    let topology = of::<topology::Topology>(levels, Value::Null);
    assert_eq!(text(&topology.levels), ["zone", "kubernetes.io/hostname"]);

    let config = of::<multikueueconfig::MultiKueueConfig>(
        json!({"clusters": ["us", "", "eu"]}),
        Value::Null,
    );
    assert_eq!(text(&config.clusters), ["us", "eu"]);

    let request = read::<provisioningrequest::ProvisioningRequest>(&json!({
        "metadata": {"name": "p", "namespace": "ml", "ownerReferences": [
            {"kind": "Workload", "name": "job-a", "uid": "00000000-0000-0000-0000-000000000007"}]},
        "spec": {"provisioningClassName": "queued-provisioning.gke.io"},
        "status": {"conditions": [{"type": "Provisioned", "status": "True"}]}}));
    assert_eq!(request.owner, Some(("job-a".into(), Uid(7))));
    assert_eq!(
        (&*request.class, request.conditions.len()),
        ("queued-provisioning.gke.io", 1)
    );
}

#[rstest]
#[case(json!({"clusterSource": {"kubeConfig": {"location": "w", "locationType": "Secret"}}}), "Secret/w")]
#[case(json!({"kubeConfig": {"location": "w", "locationType": "Secret"}}), "Secret/w")]
#[case(json!({"kubeConfig": {"location": "/etc/w", "locationType": "Path"}}), "Path//etc/w")]
#[case(json!({"clusterSource": {"clusterProfileRef": {"name": "p"}}}), "ClusterProfile/p")]
#[case(json!({"clusterProfileRef": {"name": "p"}, "kubeConfig": {}}), "ClusterProfile/p")]
#[case(json!(null), "")]
fn where_a_worker_cluster_is_told(#[case] spec: Value, #[case] want: &str) {
    let row = of::<multikueuecluster::MultiKueueCluster>(spec, Value::Null);
    assert_eq!(&*row.source, want);
}

fn pods(cpu: &str, gpus: u32) -> Value {
    json!({"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": cpu}, "limits": {"nvidia.com/gpu": gpus}}}]}})
}

fn workload(spec: Value, status: Value) -> WorkloadRow {
    of::<workload::Workload>(spec, status)
}

fn admitted(more: Value) -> Value {
    let mut assigned = json!({"name": "main", "count": 4, "flavors": {"nvidia.com/gpu": "a100"},
        "resourceUsage": {"nvidia.com/gpu": "8", "pods": "4"}});
    for (key, value) in more.as_object().unwrap() {
        assigned[key] = value.clone();
    }
    json!({"clusterQueue": "team-a", "podSetAssignments": [assigned]})
}

#[test]
fn workloads_of_both_versions() {
    let status = |topology: Value| {
        json!({"admission": admitted(json!({"topologyAssignment": topology})),
        "conditions": [{"type": "QuotaReserved", "status": "True", "reason": "QuotaReserved"}],
        "requeueState": {"count": 2, "requeueAt": "2026-11-23T12:18:34Z"},
        "admissionChecks": [{"name": "nodes", "state": "Retry", "message": "no nodes", "retryCount": 3, "lastTransitionTime": "2026-11-23T12:00:09Z"}],
        "schedulingStats": {"evictions": [{"reason": "Deactivated", "underlyingCause": "RequeuingLimitExceeded", "count": 1}]},
        "nominatedClusterNames": ["us", "eu"], "unhealthyNodes": [{"name": "n1"}]})
    };
    let common = |class: Value| {
        let mut spec = json!({"podSets": [{"name": "main", "count": 4, "minCount": 2, "template": pods("1", 2)}],
            "queueName": "default", "priority": 100, "maximumExecutionTimeSeconds": 3600});
        for (key, value) in class.as_object().unwrap() {
            spec[key] = value.clone();
        }
        spec
    };
    let newer = workload(
        common(
            json!({"active": true, "priorityClassRef": {"group": "kueue.x-k8s.io", "kind": "WorkloadPriorityClass", "name": "normal"}}),
        ),
        status(json!({"levels": ["rack", "host"], "slices": [
            {"domainCount": 2, "podCounts": {"universal": 1}, "valuesPerLevel": [{"universal": "r1"}, {"individual": {"prefix": "gpu-", "roots": ["0", "1"], "suffix": ".x"}}]},
            {"domainCount": 1, "podCounts": {"individual": [2]}, "valuesPerLevel": [{"universal": "r2"}, {"universal": "gpu-7.x"}]}]})),
    );
    let older = workload(
        common(
            json!({"priorityClassName": "normal", "priorityClassSource": "kueue.x-k8s.io/workloadpriorityclass"}),
        ),
        status(json!({"levels": ["rack", "host"], "domains": [
            {"values": ["r1", "gpu-0.x"], "count": 1}, {"values": ["r1", "gpu-1.x"], "count": 1}, {"values": ["r2", "gpu-7.x"], "count": 2}]})),
    );
    assert_eq!(newer, older);

    assert_eq!(
        (newer.state(), newer.active, newer.priority),
        (State::Reserved, true, 100)
    );
    assert_eq!(newer.priority_class.as_deref(), Some("normal"));
    let assigned = &newer.admission.as_ref().unwrap().pod_sets[0];
    assert_eq!(
        (
            assigned.count,
            assigned.domains.len(),
            assigned.domains[2].1
        ),
        (4, 3, 2)
    );
    assert_eq!(text(&assigned.domains[1].0), ["r1", "gpu-1.x"]);
    assert_eq!((newer.requeues, newer.requeue_at.is_some()), (2, true));
    let check = &newer.checks[0];
    assert_eq!(
        (check.state, check.retries, &*check.message),
        (CheckState::Retry, 3, "no nodes")
    );
    assert_eq!(&*newer.evictions[0].cause, "RequeuingLimitExceeded");
    assert_eq!(text(&newer.nominated), ["us", "eu"]);
    assert_eq!(
        (text(&newer.unhealthy_nodes), newer.most_seconds),
        (vec!["n1"], Some(3600))
    );
}

/// What a pod set asks for: as Kueue counted it, as it was admitted, else by its template.
#[rstest]
#[case::told(json!({"resourceRequests": [{"name": "main", "resources": {"cpu": "16", "memory": "1Gi"}}]}), "cpu=16000 memory=1073741824")]
#[case::admitted(json!({"admission": admitted(json!({}))}), "nvidia.com/gpu=8 pods=4")]
#[case::fresh(Value::Null, "cpu=4000 nvidia.com/gpu=8")]
#[case::partly_over(json!({"reclaimablePods": [{"name": "main", "count": 3}]}), "cpu=1000 nvidia.com/gpu=2")]
#[case::more_over_than_there_are(json!({"reclaimablePods": [{"name": "main", "count": 9}]}), "cpu=0 nvidia.com/gpu=0")]
#[case::of_another_set(json!({"resourceRequests": [{"name": "other", "resources": {"cpu": "16"}}]}), "cpu=4000 nvidia.com/gpu=8")]
fn what_a_pod_set_asks_for(#[case] status: Value, #[case] want: &str) {
    let set = json!({"name": "main", "count": 4, "template": pods("1", 2)});
    let row = workload(json!({"podSets": [set]}), status);
    let all = row.requests();
    let all: Vec<String> = all.iter().map(|(name, n)| format!("{name}={n}")).collect();
    assert_eq!(all.join(" "), want);
}

#[test]
fn the_effective_request_of_a_pod() {
    let ask = |cpu: &str| json!({"requests": {"cpu": cpu}});
    let spec = json!({
        "initContainers": [
            {"name": "early", "resources": ask("3")},
            {"name": "proxy", "restartPolicy": "Always", "resources": ask("500m")},
            {"name": "fetch", "resources": {"requests": {"cpu": "4", "memory": "1Gi"}}}],
        "containers": [{"name": "a", "resources": ask("1")}, {"name": "b", "resources": {"requests": {"memory": "2Gi"}, "limits": {"cpu": "1"}}}],
        "overhead": {"cpu": "250m"},
    });
    let requests = |spec: &Value| {
        let template: pod::Template = serde_json::from_value(json!({"spec": spec})).unwrap();
        let all = template.requests().into_iter();
        all.map(|(name, n)| format!("{name}={n}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    // the last init container beside the sidecar is the hungriest moment
    assert_eq!(requests(&spec), "cpu=4750 memory=2147483648");
    let mut whole = spec;
    whole["resources"] = json!({"requests": {"cpu": "2"}});
    assert_eq!(requests(&whole), "cpu=2250 memory=2147483648");
    assert_eq!(requests(&Value::Null), "");
}

#[test]
fn finished_pods_give_their_quota_back() {
    let held = |over: u32, count: u32| {
        let row = workload(
            json!({"podSets": [{"name": "main", "count": 4}]}),
            json!({"admission": admitted(json!({"count": count})), "reclaimablePods": [{"name": "main", "count": over}],
                "conditions": [{"type": "Admitted", "status": "True"}]}),
        );
        // what has no flavor is not counted by any quota
        let held: Vec<_> = row
            .holds()
            .map(|(of, n)| (of.resource.to_string(), n))
            .collect();
        assert_eq!(held.len(), 1);
        held[0].1
    };
    assert_eq!((held(0, 4), held(1, 4), held(4, 4)), (8, 6, 0));
    // admitted with two of four: the first two that end give nothing back
    assert_eq!((held(2, 2), held(3, 2)), (8, 4));
}

#[test]
fn owners_with_the_controller_first() {
    let row = read::<workload::Workload>(
        &json!({"metadata": {"name": "g", "namespace": "ml", "uid": "w",
        "labels": {"kueue.x-k8s.io/job-uid": "00000000-0000-0000-0000-000000000005"},
        "ownerReferences": [{"kind": "Pod", "name": "p", "uid": "x"},
            {"kind": "Job", "name": "j", "uid": "00000000-0000-0000-0000-000000000005", "controller": true}]}}),
    );
    let owners: Vec<&str> = row.owners.iter().map(|(_, name, _)| &**name).collect();
    assert_eq!((owners, row.job), (vec!["j", "p"], Some(Uid(5))));
    assert!(row.active && row.state() == State::Pending && row.pod_sets.is_empty());
}

#[test]
fn a_slice_never_makes_more_domains_than_it_lists() {
    let domains = |slice: Value| {
        let topology = json!({"levels": ["host"], "slices": [slice]});
        let status = json!({"admission": admitted(json!({"topologyAssignment": topology}))});
        let row = workload(json!({}), status);
        row.admission.unwrap().pod_sets[0].domains.len()
    };
    let roots = json!([{"individual": {"roots": ["a", "b"]}}]);
    assert_eq!(
        domains(
            json!({"domainCount": 2_000_000_000, "valuesPerLevel": roots, "podCounts": {"universal": 1}})
        ),
        2
    );
    assert_eq!(
        domains(
            json!({"domainCount": 2_000_000_000, "valuesPerLevel": [{"universal": "a"}], "podCounts": {"universal": 1}})
        ),
        1
    );
    assert_eq!(
        domains(json!({"valuesPerLevel": roots, "podCounts": {"individual": [1]}})),
        1
    );
    assert_eq!(
        domains(json!({"domainCount": 0, "valuesPerLevel": roots})),
        0
    );
}

#[test]
fn every_kind_has_its_line_and_survives_nulls() {
    let kinds: Vec<QueueKind> = QUEUES
        .iter()
        .map(|entry| match entry.kind {
            Kind::Queue(kind) => kind,
            other => panic!("{other:?} is no queue"),
        })
        .collect();
    assert_eq!(kinds, QueueKind::ALL);
    for odd in [
        json!({}),
        json!({"metadata": {"name": "a"}, "spec": null, "status": null}),
        json!({"metadata": {"name": "a"}, "spec": [1], "status": "x"}),
        json!({"metadata": {"name": "a"}, "spec": {"podSets": {}, "resourceGroups": 1, "active": "no", "levels": null,
            "clusters": {}, "preemption": [], "priority": "high"}, "status": {"admission": [], "conditions": {}, "requeueState": null}}),
    ] {
        check_all(&odd);
    }
}

#[test]
fn quotas_of_namespaces_and_queues_of_volcano() {
    let hard = json!({"requests.nvidia.com/gpu": "8", "requests.cpu": "64", "limits.memory": "1Ti", "count/jobs.batch": 20});
    let spec = json!({"hard": hard, "scopeSelector": {"matchExpressions": [
        {"scopeName": "PriorityClass", "operator": "In", "values": ["low", "batch"]}]}});
    let status = json!({"hard": hard, "used": {"requests.nvidia.com/gpu": "8", "requests.cpu": "1500m", "limits.memory": "512Gi"}});
    let quota = of::<resourcequota::ResourceQuota>(spec.clone(), status);
    assert_eq!(
        (&*quota.namespace, &*quota.scope),
        ("ml", "priority low, batch")
    );
    let all: Vec<_> = quota
        .limits
        .iter()
        .map(|l| (&*l.what, l.used, l.hard))
        .collect();
    assert_eq!(
        all,
        [
            ("count/jobs.batch", 0, 20),
            ("limits.memory", 512 << 30, 1 << 40),
            ("requests.cpu", 1500, 64_000),
            ("requests.nvidia.com/gpu", 8, 8),
        ]
    );
    assert_eq!(
        (quota.limits[3].resource(), quota.limits[3].ratio()),
        ("nvidia.com/gpu", 1.0)
    );
    // not seen by its controller yet
    assert_eq!(
        of::<resourcequota::ResourceQuota>(spec, Value::Null)
            .limits
            .len(),
        4
    );

    let spec = json!({"weight": 4, "parent": "root", "reclaimable": false,
        "capability": {"cpu": "100", "nvidia.com/gpu": 16}, "deserved": {"nvidia.com/gpu": "8"}});
    let status = json!({"state": "Open", "pending": 3, "running": 2, "inqueue": 1,
        "allocated": {"cpu": "2500m", "nvidia.com/gpu": "12"}, "reservation": {}});
    let queue = of::<volcanoqueue::VolcanoQueue>(spec, status);
    assert_eq!(
        (queue.weight, queue.parent.as_deref(), queue.reclaimable),
        (Some(4), Some("root"), false)
    );
    assert_eq!(
        queue.allocated,
        [("cpu".into(), 2500), ("nvidia.com/gpu".into(), 12)]
    );
    let groups = queue.groups.unwrap();
    assert_eq!((groups.pending, groups.running, groups.inqueue), (3, 2, 1));
    // newer versions count elsewhere
    let bare = of::<volcanoqueue::VolcanoQueue>(json!({}), json!({"state": "Closed"}));
    assert_eq!((bare.groups, bare.reclaimable), (None, true));
}

/// Keys that mean something to the decoders of this folder.
fn shaped_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(|f| json!(f)),
        "[ -~]{0,8}".prop_map(Into::into),
        prop_oneof![Just("99E"), Just("500m"), Just("main"), Just("True")].prop_map(Into::into),
    ];
    let key = proptest::sample::select(vec![
        "metadata",
        "name",
        "uid",
        "ownerReferences",
        "kind",
        "spec",
        "status",
        "podSets",
        "count",
        "template",
        "containers",
        "initContainers",
        "restartPolicy",
        "resources",
        "requests",
        "limits",
        "overhead",
        "cpu",
        "nvidia.com/gpu",
        "admission",
        "podSetAssignments",
        "flavors",
        "resourceUsage",
        "topologyAssignment",
        "levels",
        "slices",
        "domains",
        "domainCount",
        "valuesPerLevel",
        "universal",
        "individual",
        "roots",
        "prefix",
        "podCounts",
        "values",
        "resourceRequests",
        "reclaimablePods",
        "requeueState",
        "requeueAt",
        "admissionChecks",
        "state",
        "schedulingStats",
        "evictions",
        "unhealthyNodes",
        "nominatedClusterNames",
        "conditions",
        "resourceGroups",
        "coveredResources",
        "nominalQuota",
        "borrowingLimit",
        "namespaceSelector",
        "matchLabels",
        "matchExpressions",
        "operator",
        "preemption",
        "borrowWithinCohort",
        "flavorsUsage",
        "flavorsReservation",
        "total",
        "fairSharing",
        "weight",
        "weightedShare",
        "nodeLabels",
        "nodeTaints",
        "tolerations",
        "clusters",
        "clusterSource",
        "kubeConfig",
        "parameters",
        "value",
        "hard",
        "used",
        "scopeSelector",
        "scopeName",
        "capability",
        "allocated",
        "pending",
        "priority",
        "active",
    ]);
    leaf.prop_recursive(7, 100, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::hash_map(key.clone(), inner, 0..8).prop_map(|map| {
                let map = map.into_iter().map(|(k, v)| (k.to_owned(), v));
                Value::Object(map.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_panics_or_hides_its_list(value in shaped_json()) {
        check_all(&value);
        let row = read::<workload::Workload>(&json!({"spec": value, "status": value}));
        let _ = (row.holds().count(), row.requests(), row.jobs());
    }
}
