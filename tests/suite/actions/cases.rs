//! Every action as it is sent: a table that the tests of what servers answer share.

use jobdeck::actions::{Intent, Propagation, Step, WORKLOAD};
use jobdeck::model::ids::Uid;
use jobdeck::model::kueue::QueueKind;
use jobdeck::model::kueue::queue::Stop;
use jobdeck::model::want::Kind;
use serde_json::{Value, json};

use super::{OTHER, UID, object};
use crate::scripted::{Server, Turn};

/// One action: how it is asked for, where it goes, and what the server has there.
pub struct Case {
    pub step: Step,
    pub method: &'static str,
    pub path: &'static str,
    /// Where the object is read.
    pub read: &'static str,
    pub now: Value,
    /// The object when it is done.
    pub after: Option<Value>,
}

fn case(
    intent: Intent,
    kind: Kind,
    (method, path, read): (&'static str, &'static str, &'static str),
    spec: Value,
    after: Option<Value>,
) -> Case {
    let namespace = if kind.namespaced() { "ml" } else { "" };
    let name = read.rsplit('/').next().unwrap();
    let whole = |spec: Value| {
        let mut all = json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": namespace, "uid": UID, "resourceVersion": "7"},
        });
        all.as_object_mut()
            .unwrap()
            .extend(spec.as_object().unwrap().clone());
        all
    };
    Case {
        step: Step::new(intent, object(kind, namespace, name, Some(Uid::parse(UID)))),
        method,
        path,
        read,
        now: whole(spec),
        after: after.map(whole),
    }
}

pub fn cases() -> Vec<Case> {
    let job = "/apis/batch/v1/namespaces/ml/jobs/train";
    let pod = "/api/v1/namespaces/ml/pods/train-0";
    let cron = "/apis/batch/v1/namespaces/ml/cronjobs/nightly";
    let workload = "/apis/kueue.x-k8s.io/v1beta2/namespaces/ml/workloads/job-train";
    let queue = "/apis/kueue.x-k8s.io/v1beta2/clusterqueues/gpus";
    let spec = |spec: Value| json!({ "spec": spec });
    let held = |on: bool| spec(json!({"suspend": on}));
    let labels = |key: &str, value: &str| {
        json!({
            "metadata": {"name": "train", "namespace": "ml", "uid": UID, "resourceVersion": "7",
                "labels": {key: value}},
            "spec": {"suspend": true},
        })
    };
    let mut all = vec![
        case(
            Intent::DELETE,
            Kind::Job,
            ("DELETE", job, job),
            held(false),
            None,
        ),
        case(
            Intent::Delete {
                propagation: Propagation::Foreground,
                force: true,
            },
            Kind::Pod,
            ("DELETE", pod, pod),
            spec(json!({})),
            None,
        ),
        case(
            Intent::Evict,
            Kind::Pod,
            ("POST", "/api/v1/namespaces/ml/pods/train-0/eviction", pod),
            spec(json!({})),
            None,
        ),
        case(
            Intent::Hold,
            Kind::Job,
            ("PATCH", job, job),
            held(false),
            Some(held(true)),
        ),
        case(
            Intent::Resume,
            Kind::CronJob,
            ("PATCH", cron, cron),
            held(true),
            Some(held(false)),
        ),
        case(
            Intent::Hold,
            WORKLOAD,
            ("PATCH", workload, workload),
            spec(json!({})),
            Some(spec(json!({"active": false}))),
        ),
        case(
            Intent::Stop(Stop::HoldAndDrain),
            Kind::Queue(QueueKind::ClusterQueue),
            ("PATCH", queue, queue),
            spec(json!({"stopPolicy": "None"})),
            Some(spec(json!({"stopPolicy": "HoldAndDrain"}))),
        ),
        case(
            Intent::Scale(3),
            Kind::Job,
            ("PATCH", job, job),
            spec(json!({"parallelism": 1})),
            Some(spec(json!({"parallelism": 3}))),
        ),
        case(
            Intent::Priority("high".into()),
            Kind::Job,
            ("PATCH", job, job),
            labels("kueue.x-k8s.io/queue-name", "a"),
            Some(labels("kueue.x-k8s.io/priority-class", "high")),
        ),
        case(
            Intent::Move("b".into()),
            Kind::Job,
            ("PATCH", job, job),
            labels("kueue.x-k8s.io/queue-name", "a"),
            Some(labels("kueue.x-k8s.io/queue-name", "b")),
        ),
        case(
            Intent::Cordon(true),
            Kind::Node,
            ("PATCH", "/api/v1/nodes/n1", "/api/v1/nodes/n1"),
            spec(json!({})),
            Some(spec(json!({"unschedulable": true}))),
        ),
    ];
    // what it is written through is another object than the one that is named
    let named = object(Kind::Job, "ml", "train", Some(Uid::parse(OTHER)));
    let through = all[5].step.object.clone();
    all[5].step = Step {
        through: Some(through),
        ..Step::new(Intent::Hold, named)
    };
    all
}

/// The answer of a server that does as it is told.
pub fn takes(server: &Server, case: &Case) {
    let turn = Turn::Then(200, json!({}), case.after.clone());
    server.turn(case.method, case.path, turn);
}

pub fn has(server: &Server, case: &Case) {
    let mut state = server.state();
    state
        .answers
        .insert(case.read.to_owned(), (200, case.now.clone()));
}
