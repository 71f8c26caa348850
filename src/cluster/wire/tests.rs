use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::ids::Uid;
use crate::model::job::JobKind;

type Job = job::Job;
type Pod = pod::Pod;

fn event_in_part<W: Wire>(line: &[u8]) -> serde_json::Result<(Event<W>, Option<Odd>)> {
    let mut objects = Typed::<W>::default();
    let (event, odd) = line::event_in_part(&mut objects, line, true)?;
    Ok((objects.into_event(event), odd))
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(|f| serde_json::json!(f)),
        "[ -~]{0,12}".prop_map(Into::into),
        Just("2026-01-02T03:04:05Z".into()),
        Just("1,3-5,7".into()),
    ];
    // keys that mean something, so that values land where a decoder looks
    let key = proptest::sample::select(vec![
        "metadata",
        "name",
        "namespace",
        "uid",
        "labels",
        "annotations",
        "ownerReferences",
        "deletionTimestamp",
        "controller",
        "spec",
        "template",
        "containers",
        "initContainers",
        "resources",
        "requests",
        "limits",
        "nvidia.com/gpu",
        "completions",
        "parallelism",
        "podFailurePolicy",
        "successPolicy",
        "rules",
        "onExitCodes",
        "values",
        "status",
        "phase",
        "conditions",
        "type",
        "reason",
        "message",
        "containerStatuses",
        "initContainerStatuses",
        "state",
        "lastState",
        "terminated",
        "waiting",
        "running",
        "exitCode",
        "restartCount",
        "uncountedTerminatedPods",
        "succeeded",
        "failed",
        "completedIndexes",
        "taints",
        "allocatable",
        "capacity",
        "nodeInfo",
        "involvedObject",
        "series",
        "count",
        "items",
        "jobTemplate",
        "active",
        "restartPolicy",
        "k8s.io/initial-events-end",
        "apiVersion",
        "pytorchReplicaSpecs",
        "runPolicy",
        "schedulingPolicy",
        "replicas",
        "suspend",
        "replicaStatuses",
        "Worker",
        "Launcher",
        "replicatedJobs",
        "replicatedJobsStatus",
        "jobsStatus",
        "restarts",
        "runtimeRef",
        "trainer",
        "numNodes",
        "resourcesPerNode",
        "trainerStatus",
        "progressPercentage",
        "rayClusterSpec",
        "headGroupSpec",
        "workerGroupSpecs",
        "numOfHosts",
        "jobStatus",
        "jobDeploymentStatus",
        "desiredWorkerReplicas",
        "readyWorkerReplicas",
        "leaderWorkerTemplate",
        "size",
        "readyReplicas",
    ]);
    leaf.prop_recursive(6, 80, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            proptest::collection::hash_map(key.clone(), inner, 0..8).prop_map(|map| {
                map.into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

pub(super) fn check<W: Wire>(value: &serde_json::Value) {
    let mut names = Names::default();
    let list = serde_json::json!({
        "metadata": {"resourceVersion": "7"},
        "items": [value, {"metadata": {"name": "good", "uid": "u-1"}}, value],
    });
    let page = page::<W>(list.to_string().as_bytes()).unwrap();
    assert_eq!(page.version, "7");
    assert!(page.items.iter().any(|item| item.meta().name == "good"));
    for item in page.items {
        item.row(ClusterId(0), &mut names);
    }
    let line = serde_json::json!({"type": "MODIFIED", "object": value});
    event::<W>(line.to_string().as_bytes()).unwrap();
    let (event, unread) = event_in_part::<W>(line.to_string().as_bytes()).unwrap();
    // what nobody can be made of is said, and so is what was read as absent
    assert!(unread.is_some() || matches!(event, Event::Applied(_)));
    // a list that is something else entirely is empty, not an error
    super::page::<W>(value.to_string().as_bytes()).ok();
}

proptest! {
    #[test]
    fn no_json_panics_or_hides_its_list(value in any_json()) {
        check::<Job>(&value);
        check::<Pod>(&value);
        check::<cronjob::CronJob>(&value);
        check::<node::Node>(&value);
        check::<super::event::Event>(&value);
        check::<namespace::Namespace>(&value);
        kinds::check_all(&value);
        kueue::check_all(&value);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = page::<Pod>(&bytes);
        let _ = event::<Pod>(&bytes);
    }
}

#[test]
fn an_element_nothing_can_read_is_read_in_part_and_counted() {
    let json = br#"{"metadata":{"continue":"t","remainingItemCount":9},"items":[
        {"metadata":{"name":"a","uid":"1"}},
        {"metadata":{"name":"b","uid":"2"},"spec":{"nodeName":"x","nodeName":"y"}},
        {"metadata":{"name":"c","uid":"3"},"spec":{"priority":1e999,"nodeName":1e999}},
        17,
        {"metadata":{"name":"d","uid":"4"}}]}"#;
    let page = page::<Pod>(json).unwrap();
    let mut names = Names::default();
    let rows: Vec<_> = (page.items.into_iter())
        .map(|i| i.row(ClusterId(0), &mut names))
        .map(|row| (row.name.to_string(), row.node.as_deref().map(str::to_owned)))
        .collect();
    let row = |name: &str, node: Option<&str>| (name.to_owned(), node.map(str::to_owned));
    // of a repeated key the last holds; where a number is none, who it is at least
    assert_eq!(
        rows,
        [
            row("a", None),
            row("b", Some("y")),
            row("c", None),
            row("d", None)
        ]
    );
    assert_eq!((page.skipped, page.odd, page.remaining), (3, 0, Some(9)));
    assert_eq!(page.next.as_deref(), Some("t"));
    let said: Vec<String> = page
        .unread
        .iter()
        .map(|u| format!("{}: {}", u.object, u.why))
        .collect();
    assert!(
        said[0].starts_with("b: spec.nodeName: duplicate field `nodeName`"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("c: spec.nodeName: number out of range"),
        "{said:?}"
    );
    assert!(said[2].starts_with("without a name"), "{said:?}");
}

#[test]
fn values_of_another_type_are_counted_and_found() {
    let json = br#"{"items":[
        {"metadata":{"name":"a","namespace":"ml","uid":"1","labels":null,"creationTimestamp":"2026-01-02T03:04:05Z"}},
        {"metadata":{"name":"b","namespace":"ml","uid":"2"},"status":{"phase":"Running","startTime":"yesterday"}},
        {"metadata":{"name":"c","uid":"3"},"spec":{"containers":{"name":"x"}},"status":{"containerStatuses":[{"restartCount":-3}]}},
        {"metadata":{"name":"d","uid":"4","labels":[],"annotations":"x"}}]}"#;
    let page = page::<Pod>(json).unwrap();
    assert_eq!((page.items.len(), page.skipped, page.odd), (4, 0, 3));
    let said: Vec<String> = page
        .unread
        .iter()
        .map(|u| format!("{}: {}", u.object, u.why))
        .collect();
    assert!(
        said[0].starts_with("ml/b: status.startTime: a text that is no time"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("c: spec.containers: an object is not expected here"),
        "{said:?}"
    );
    assert!(
        said[2].starts_with("d: metadata.labels: a list is not expected here"),
        "{said:?}"
    );
    // the same in a watch
    let line = br#"{"type":"MODIFIED","object":{"metadata":{"name":"b","uid":"2"},"status":{"phase":"Running","phase":"Failed"}}}"#;
    let (event, odd) = event_in_part::<Pod>(line).unwrap();
    assert!(matches!(event, Event::Applied(_)), "{event:?}");
    assert!(
        odd.and_then(|o| o.unread)
            .is_some_and(|u| u.why.contains("duplicate field `phase`"))
    );
    let whole = br#"{"type":"MODIFIED","object":{"metadata":{"name":"b","uid":"2"}}}"#;
    assert_eq!(event_in_part::<Pod>(whole).unwrap().1, None);
    assert!(event_in_part::<Pod>(&line[..line.len() - 4]).is_err());
}

#[rstest]
#[case(r#"{"type":"ADDED","object":{"metadata":{"name":"a"}}}"#, "applied")]
#[case(r#"{"object":{"metadata":{"uid":"u"}},"type":"DELETED"}"#, "deleted")]
#[case(
    r#"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"9"},"spec":{"containers":null},"status":{}}}"#,
    "bookmark 9 false"
)]
#[case(
    r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}}}}"#,
    "bookmark 9 true"
)]
#[case(
    r#"{"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old resource version: 1 (9)","reason":"Expired","code":410}}"#,
    "error 410 Expired"
)]
#[case(r#"{"type":"SURPRISE","object":{"metadata":{"name":"a"}}}"#, "unknown")]
#[case(r#"{"type":"ADDED","object":{}}"#, "unknown")]
fn watch_lines(#[case] line: &str, #[case] expected: &str) {
    let got = match event::<Pod>(line.as_bytes()).unwrap() {
        Event::Applied(_) => "applied".to_owned(),
        Event::Deleted(_) => "deleted".to_owned(),
        Event::Bookmark { version, end } => format!("bookmark {version} {end}"),
        Event::Error(status) => format!("error {} {}", status.code, status.reason),
        Event::Unknown => "unknown".to_owned(),
    };
    assert_eq!(got, expected);
}

#[test]
fn policies_read_as_sentences() {
    let job: Job = serde_json::from_str(
        r#"{"metadata":{"name":"a","uid":"00000000-0000-0000-0000-000000000001"},"spec":{"completions":10,
        "podFailurePolicy":{"rules":[
            {"action":"FailJob","onExitCodes":{"containerName":"main","operator":"In","values":[42,43]}},
            {"action":"Count","onExitCodes":{"operator":"NotIn","values":[0]}},
            {"action":"Ignore","onPodConditions":[{"type":"DisruptionTarget"}]}]},
        "successPolicy":{"rules":[{"succeededIndexes":"0,2-3,99","succeededCount":2}]},
        "template":{"spec":{"restartPolicy":"OnFailure","containers":[
            {"image":"a:1","resources":{"limits":{"nvidia.com/gpu":2,"cpu":"4"}}},
            {"image":"b:1","resources":{"requests":{"nvidia.com/gpu":"1"},"limits":{"nvidia.com/gpu":"1"}}}]}}}}"#,
    )
    .unwrap();
    let row = job.row(ClusterId(3), &mut Names::default());
    assert_eq!((row.beside.cpu_milli, row.beside.memory), (4000, 0));
    let rules: Vec<&str> = row.policy.failure_rules.iter().map(|r| &**r).collect();
    assert_eq!(
        rules,
        [
            "FailJob on exit 42, 43 in main",
            "Count on exit other than 0",
            "Ignore on DisruptionTarget"
        ]
    );
    let (indexes, count) = &row.policy.success_rules[0];
    assert_eq!(indexes.as_ref().unwrap().to_string(), "0,2,3");
    assert_eq!((*count, row.devices.get("nvidia.com/gpu")), (Some(2), 3));
    assert_eq!((row.image.as_deref(), row.key.uid), (Some("a:1"), Uid(1)));
    assert!(row.policy.restart_on_failure);
}

#[rstest]
#[case(r#"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/5 nodes are available: 3 Insufficient nvidia.com/gpu."}]}"#,
    Some("0/5 nodes are available: 3 Insufficient nvidia.com/gpu."))]
#[case(r#"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated","message":"x"}]}"#,
    Some("held by kueue.x-k8s.io/admission"))]
#[case(r#"{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling"}}}]}"#,
    Some("ImagePullBackOff: Back-off pulling"))]
#[case(r#"{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ContainerCreating"}}}]}"#, None)]
#[case(
    r#"{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory."}"#,
    Some("The node was low on resource: memory.")
)]
#[case(r#"{"phase":"Running"}"#, None)]
fn why_in_one_line(#[case] status: &str, #[case] why: Option<&str>) {
    let gates = if status.contains("Gated") {
        r#"[{"name":"kueue.x-k8s.io/admission"}]"#
    } else {
        "[]"
    };
    let json = format!(
        r#"{{"metadata":{{"name":"a"}},"spec":{{"schedulingGates":{gates}}},"status":{status}}}"#
    );
    let pod: Pod = serde_json::from_str(&json).unwrap();
    let row = pod.row(ClusterId(0), &mut Names::default());
    assert_eq!(row.why.as_deref(), why);
}

#[test]
fn the_exit_that_tells_most() {
    let exit = |statuses: &str| {
        let json = format!(r#"{{"status":{{"containerStatuses":[{statuses}]}}}}"#);
        let pod: Pod = serde_json::from_str(&json).unwrap();
        let row = pod.row(ClusterId(0), &mut Names::default());
        row.exit
            .map(|e| (e.container.to_string(), e.code, e.previous))
    };
    let oom = r#"{"name":"b","lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled"}},"state":{"running":{}}}"#;
    assert_eq!(exit(oom), Some(("b".into(), 137, true)));
    let done =
        r#"{"name":"a","state":{"terminated":{"exitCode":0,"finishedAt":"2026-01-01T00:00:09Z"}}}"#;
    let died =
        r#"{"name":"c","state":{"terminated":{"exitCode":1,"finishedAt":"2026-01-01T00:00:01Z"}}}"#;
    assert_eq!(
        exit(&format!("{done},{died}")),
        Some(("c".into(), 1, false))
    );
    assert_eq!(exit(&format!("{oom},{done}")), Some(("a".into(), 0, false)));
    assert_eq!(exit(r#"{"name":"a","state":{"running":{}}}"#), None);
}

#[test]
fn pods_that_belong_by_label() {
    let row = |meta: &str| {
        let json = format!(r#"{{"metadata":{{"name":"p","namespace":"ml","uid":"u-1",{meta}}}}}"#);
        let pod: Pod = serde_json::from_str(&json).unwrap();
        pod.row(ClusterId(0), &mut Names::default())
    };
    let member = |meta: &str| row(meta).member.clone();
    let queue = r#""kueue.x-k8s.io/queue-name":"main""#;
    let alone = member(&format!(r#""labels":{{{queue}}}"#)).unwrap();
    assert_eq!(
        (alone.kind, alone.key.uid),
        (Some(JobKind::POD), Uid::parse("u-1"))
    );
    assert_eq!((&*alone.name, alone.queue.as_deref()), ("p", Some("main")));
    let group = member(
        r#""labels":{"kueue.x-k8s.io/pod-group-name":"g"},"annotations":{"kueue.x-k8s.io/pod-group-total-count":"4"}"#,
    )
    .unwrap();
    assert_eq!(
        (group.kind, &*group.name, group.total),
        (Some(JobKind::POD_GROUP), "g", Some(4))
    );
    let by = |kind: &str| {
        format!(
            r#""ownerReferences":[{{"kind":"{kind}","name":"o","uid":"u-2","controller":true}}]"#
        )
    };
    // a Job's pod is the Job's, a Deployment's pod nobody's here
    assert_eq!(
        member(&format!(r#""labels":{{{queue}}},{}"#, by("Job"))),
        None
    );
    assert_eq!(
        member(&format!(r#""labels":{{{queue}}},{}"#, by("ReplicaSet"))),
        None
    );
    let set = format!(
        r#""labels":{{"leaderworkerset.sigs.k8s.io/name":"s"}},{}"#,
        by("StatefulSet")
    );
    let set = member(&set).unwrap();
    assert_eq!(set.kind, None);
    assert_eq!(
        set.key,
        crate::model::groups::named(ClusterId(0), "leaderworkersets", "ml", "s")
    );
}

#[test]
fn a_line_that_is_not_utf8_is_read_all_the_same() {
    let line = |name: &[u8], image: &[u8]| {
        let parts: [&[u8]; 5] = [
            br#"{"type":"ADDED","object":{"metadata":{"uid":"1","name":""#,
            name,
            br#""},"spec":{"containers":[{"image":""#,
            image,
            br#""}]}}}"#,
        ];
        parts.concat()
    };
    let read = |line: &[u8]| match event::<pod::Pod>(line) {
        Ok(Event::Applied(pod)) => Some(pod.metadata.name.to_string()),
        _ => None,
    };
    assert_eq!(
        read(&line("zürich".as_bytes(), b"a")),
        Some("zürich".into())
    );
    assert_eq!(read(&line(b"p", b"\xff\xfe")), Some("p".into()));
    assert_eq!(
        read(&line(b"\xff\xfe", b"a")),
        Some("\u{fffd}\u{fffd}".into())
    );
}
