//! Queues over HTTP: found where they are served, in the version there is; what may not be read takes nothing from
//! the jobs and is not shouted about.

use std::time::Duration;

use jobdeck::cluster::source::Tuning;
use jobdeck::model::health::Health;
use jobdeck::model::kueue::QueueKind;
use jobdeck::model::want::{Kind, Selector, Want};
use serde_json::{Value, json};

use crate::harness::{Client, quick};
use crate::scripted::Server;

const JOBS: &str = "batch/v1/jobs";

fn kueue(version: &str, plural: &str) -> String {
    format!("kueue.x-k8s.io/{version}/{plural}")
}

fn named(name: &str, spec: Value) -> Value {
    json!({"metadata": {"name": name, "namespace": "ml", "creationTimestamp": "2026-11-23T12:00:00Z"}, "spec": spec})
}

/// The last health of a kind.
fn health(client: &Client, kind: QueueKind) -> Option<&Health> {
    let mut all = client.health.iter().rev();
    all.find(|h| h.kind == Kind::Queue(kind)).map(|h| &h.health)
}

fn cohort(client: &Client) -> Option<String> {
    let queue = client.model.kueue.cluster_queues.rows().next()?;
    queue.cohort.as_deref().map(str::to_owned)
}

#[tokio::test]
async fn queues_come_and_go_in_the_newest_version_served() {
    let server = Server::start();
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &[Want::Workloads]);
    client
        .until("told of no kind", |c| c.workloads.len() == 1)
        .await;

    let (older, newer) = (
        kueue("v1beta1", "clusterqueues"),
        kueue("v1beta2", "clusterqueues"),
    );
    server.serve(&older);
    server.put_custom(&older, named("team-a", json!({"cohort": "old"})));
    client
        .until("v1beta1", |c| cohort(c).as_deref() == Some("old"))
        .await;
    assert_eq!(client.workloads.last().unwrap(), &["clusterqueues"]);
    // Kueue is upgraded: the same object, now with a new field
    server.serve(&newer);
    server.put_custom(&newer, named("team-a", json!({"cohortName": "new"})));
    client
        .until("v1beta2", |c| cohort(c).as_deref() == Some("new"))
        .await;

    for plural in [
        "workloads",
        "localqueues",
        "resourceflavors",
        "workloadpriorityclasses",
    ] {
        let at = kueue("v1beta2", plural);
        server.serve(&at);
        server.put_custom(&at, named("a", json!({"queueName": "main"})));
    }
    let all = |c: &Client| {
        let k = &c.model.kueue;
        (
            k.workloads.len(),
            k.local_queues.len(),
            k.flavors.len(),
            k.priority_classes.len(),
        )
    };
    client
        .until("a row of each", |c| all(c) == (1, 1, 1, 1))
        .await;

    for plural in [
        "workloads",
        "localqueues",
        "resourceflavors",
        "workloadpriorityclasses",
    ] {
        server.withdraw(&kueue("v1beta2", plural));
    }
    client
        .until("their rows gone", |c| all(c) == (0, 0, 0, 0))
        .await;
    assert!(client.notices.is_empty(), "{:?}", client.notices);
}

/// An ML user: Workloads and local queues of the own namespace, nothing of the cluster.
#[tokio::test]
async fn what_few_users_may_read_is_asked_for_quietly() {
    let server = Server::start();
    let kinds = [
        "workloads",
        "localqueues",
        "clusterqueues",
        "cohorts",
        "resourceflavors",
    ];
    for plural in kinds {
        let at = kueue("v1beta2", plural);
        server.serve(&at);
        server.put_custom(&at, named("a", json!({})));
    }
    server.serve(JOBS);
    server.put_custom(JOBS, named("j", json!({})));
    // no kind of Kueue cluster-wide
    let wide = kinds.map(|plural| format!("=/apis/{}", kueue("v1beta2", plural)));
    server.state().forbidden.extend(wide);
    let mut client = Client::open(&server).await;
    let wants = [Want::Watch(Kind::Job, Selector::All), Want::Workloads];
    client.cluster.want(None, &wants);
    let quiet = |c: &Client, kind| matches!(health(c, kind), Some(Health::Forbidden { .. }));
    client
        .until("own workloads and local queues", |c| {
            let k = &c.model.kueue;
            let own = k.workloads.len() + k.local_queues.len() == 2 && c.model.jobs.len() == 1;
            own && quiet(c, QueueKind::ClusterQueue)
                && quiet(c, QueueKind::Cohort)
                && quiet(c, QueueKind::ResourceFlavor)
        })
        .await;
    assert!(client.notices.is_empty(), "{:?}", client.notices);
    assert!(client.model.kueue.cluster_queues.is_empty());
}

#[tokio::test]
async fn cluster_queues_are_listed_whatever_namespace_is_chosen() {
    let server = Server::start();
    let (queues, workloads) = (
        kueue("v1beta2", "clusterqueues"),
        kueue("v1beta2", "workloads"),
    );
    for at in [&queues, &workloads] {
        server.serve(at);
        server.put_custom(at, named("a", json!({})));
    }
    let mut client = Client::open(&server).await;
    client.cluster.want(Some("ml"), &[Want::Workloads]);
    client
        .until("both", |c| {
            c.model.kueue.cluster_queues.len() + c.model.kueue.workloads.len() == 2
        })
        .await;
    let asked = server.asked_for();
    assert!(asked.contains(&format!("/apis/{queues}")), "{asked:?}");
    let scoped = asked.iter().filter(|p| p.ends_with("workloads"));
    assert!(
        { scoped }.all(|p| p.ends_with("/namespaces/ml/workloads")),
        "{asked:?}"
    );
    let of_queues =
        |h: &&jobdeck::cluster::report::SourceHealth| h.kind.plural() == "clusterqueues";
    assert!(
        client
            .health
            .iter()
            .filter(of_queues)
            .all(|h| h.namespace.is_none())
    );
}

#[tokio::test]
async fn without_discovery_each_is_asked_for_once() {
    let server = Server::start();
    let queues = kueue("v1beta1", "clusterqueues");
    server.serve(&queues);
    server.put_custom(&queues, named("a", json!({"cohort": "org"})));
    server.state().forbidden = vec![
        "=/apis".into(),
        format!("/apis/{}", kueue("v1beta2", "cohorts")),
    ];
    // one look
    let tuning = Tuning {
        discovery: Duration::from_secs(10_000),
        ..quick()
    };
    let mut client = Client::open_with(&server, tuning).await;
    client.cluster.want(None, &[Want::Workloads]);
    client
        .until("its row", |c| cohort(c).as_deref() == Some("org"))
        .await;
    assert_eq!(client.workloads[0], ["clusterqueues"]);
    // no namespace has cohorts: not asked for there
    let cohorts = format!("/apis/{}", kueue("v1beta2", "cohorts"));
    let asked = server.asked_for();
    assert_eq!(
        asked.iter().filter(|p| **p == cohorts).count(),
        1,
        "{asked:?}"
    );
}
