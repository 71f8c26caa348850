//! Queues over HTTP: found where they are served, in the version there is; what may not be read takes nothing from
//! the jobs and is not shouted about.

use std::time::Duration;

use jobdeck::cluster::source::Tuning;
use jobdeck::cluster::target::Target;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::model::health::Health;
use jobdeck::model::ids::ClusterId;
use jobdeck::model::kueue::positions::Standing;
use jobdeck::model::kueue::{Line, QueueKind};
use jobdeck::model::want::{Kind, Selector, Want};
use serde_json::{Value, json};

use crate::harness::{Client, quick};
use crate::scripted::Server;
use crate::served::{Served, kubectl_there};

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

const LINES: &str = "visibility.kueue.x-k8s.io";

fn pending(name: &str, place: u32) -> Value {
    json!({"metadata": {"name": name, "namespace": "ml"}, "priority": 7, "localQueueName": "main",
        "positionInClusterQueue": place, "positionInLocalQueue": place / 2})
}

fn standing<'a>(client: &'a Client, line: &Line) -> Option<&'a Standing> {
    let said = client.model.kueue.positions.line(ClusterId(0), line)?;
    Some(&said.standing)
}

fn line_of(client: &Client, line: &Line) -> Vec<String> {
    let said = client.model.kueue.positions.line(ClusterId(0), line);
    let all = said.into_iter().flat_map(|said| &said.pending);
    all.map(|p| {
        format!(
            "{}/{} {} {}",
            p.namespace, p.name, p.in_cluster_queue, p.in_local_queue
        )
    })
    .collect()
}

#[tokio::test]
async fn a_line_is_asked_for_again_and_again_and_each_trouble_is_its_own() {
    let server = Server::start();
    server.serve(&format!("{LINES}/v1beta1/clusterqueues"));
    let at = format!("/apis/{LINES}/v1beta1/clusterqueues/team/pendingworkloads");
    let answer = |code: u16, body: Value| {
        server.state().answers.insert(at.clone(), (code, body));
    };
    answer(
        200,
        json!({"items": [pending("b", 1), pending("a", 0), {"priority": []}]}),
    );
    let mut client = Client::open(&server).await;
    let line = Line::ClusterQueue("team".into());
    let wants = [Want::Workloads, Want::Pending(line.clone())];
    client.cluster.want(None, &wants);
    client
        .until("the line", |c| {
            line_of(c, &line) == ["ml/a 0 0", "ml/b 1 0"]
        })
        .await;
    answer(200, json!({"items": [pending("b", 0)]}));
    client
        .until("the line moved on", |c| line_of(c, &line) == ["ml/b 0 0"])
        .await;

    answer(503, "no endpoints available".into());
    let down = |c: &Client| matches!(standing(c, &line), Some(Standing::Failing(why)) if why.contains("no endpoints"));
    client.until("it is down", down).await;
    assert_eq!(
        line_of(&client, &line),
        ["ml/b 0 0"],
        "what was seen last stays"
    );
    answer(403, "not for you".into());
    client
        .until("forbidden", |c| {
            standing(c, &line) == Some(&Standing::Forbidden)
        })
        .await;
    answer(404, "clusterqueue not found".into());
    client
        .until("absent", |c| standing(c, &line) == Some(&Standing::Absent))
        .await;
    answer(200, json!({"items": null}));
    client
        .until("back", |c| {
            matches!(standing(c, &line), Some(Standing::Told(_)))
        })
        .await;
    assert!(line_of(&client, &line).is_empty());
    assert!(client.notices.is_empty(), "{:?}", client.notices);
    // nobody looks: nobody asks
    client.cluster.want(None, &[]);
    client
        .until("let go", |c| standing(c, &line).is_none())
        .await;
}

#[tokio::test]
async fn a_cluster_without_the_visibility_api_is_not_asked() {
    let server = Server::start();
    server.serve(&kueue("v1beta2", "workloads"));
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &[Want::Workloads]);
    client.until("discovery", |c| !c.workloads.is_empty()).await;
    let line = Line::LocalQueue("ml".into(), "main".into());
    let wants = [Want::Workloads, Want::Pending(line.clone())];
    client.cluster.want(None, &wants);
    client
        .until("absent", |c| standing(c, &line) == Some(&Standing::Absent))
        .await;
    assert!(!server.asked_for().iter().any(|p| p.contains(LINES)));
    // it is switched on
    server.serve(&format!("{LINES}/v1beta2/localqueues"));
    let at = format!("/apis/{LINES}/v1beta2/namespaces/ml/localqueues/main/pendingworkloads");
    let items = json!({"items": [pending("a", 3)]});
    server.state().answers.insert(at, (200, items));
    client
        .until("told", |c| line_of(c, &line) == ["ml/a 3 1"])
        .await;
}

const MANIFEST: &str = r#"
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: tiny}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: WorkloadPriorityClass
metadata: {name: mid}
value: 55
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: tiny-cq}
spec:
  namespaceSelector: {}
  resourceGroups:
  - coveredResources: [cpu]
    flavors: [{name: tiny, resources: [{name: cpu, nominalQuota: 1}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: tiny, namespace: default}
spec: {clusterQueue: tiny-cq}
"#;

fn sleeper(name: &str) -> String {
    let spec = json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": "default", "labels": {"kueue.x-k8s.io/queue-name": "tiny", "kueue.x-k8s.io/priority-class": "mid"}},
        "spec": {"suspend": true, "template": {"spec": {"restartPolicy": "Never", "containers": [
            {"name": "main", "image": "busybox", "command": ["sleep", "3600"], "resources": {"requests": {"cpu": "1"}}}]}}}});
    spec.to_string()
}

/// Kueue's own answers, end to end: one job is admitted, the other stands in line behind it until the first goes.
#[tokio::test]
async fn a_job_waits_for_the_other_s_quota_on_the_demo_cluster() {
    if !kubectl_there("a_job_waits_for_the_other_s_quota_on_the_demo_cluster") {
        return;
    }
    let served = Served::start(&["--speed", "10"]);
    let apply = |name: &str, text: &str| {
        let file = served.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        served.ok(&["apply", "-f", file.to_str().unwrap()]);
    };
    apply("queues.yaml", MANIFEST);
    apply("first.json", &sleeper("first"));
    let url: http::Uri = format!("http://{}", served.address()).parse().unwrap();
    let (out, reports) = tokio::sync::mpsc::channel(CHANNEL);
    let target = Target::plain(url, "demo");
    let cluster = Cluster::open(target, Options::default(), out)
        .await
        .unwrap();
    let mut client = Client::over(cluster, reports);
    let line = Line::ClusterQueue("tiny-cq".into());
    let wants = [
        Want::Watch(Kind::Job, Selector::All),
        Want::Watch(Kind::Pod, Selector::All),
        Want::Workloads,
        Want::Pending(line.clone()),
    ];
    client.cluster.want(Some("default"), &wants);
    let phase = |c: &Client, name: &str| {
        let job = c.model.jobs.rows().find(|job| &*job.name == name)?;
        Some(c.model.status(job).phase.word())
    };
    client
        .until("the first runs", |c| phase(c, "first") == Some("running"))
        .await;
    apply("second.json", &sleeper("second"));
    client
        .until("the second stands in line", |c| {
            phase(c, "second") == Some("queued") && line_of(c, &line).len() == 1
        })
        .await;
    let model = &client.model;
    let second = model
        .jobs
        .rows()
        .find(|job| &*job.name == "second")
        .unwrap();
    let workload = model.workload_of(second).unwrap();
    assert_eq!(model.priority(second), Some(55));
    assert_eq!(model.queue(second).map(|q| &**q), Some("tiny"));
    let told = model.kueue.positions.of(workload).unwrap();
    assert_eq!((told.in_cluster_queue, &*told.local_queue), (0, "tiny"));
    let position = model
        .kueue
        .look(ClusterId(0))
        .order
        .position(workload.key)
        .unwrap();
    assert!(position.at == 1 && !position.estimated, "{position:?}");
    let queue = model.kueue.cluster_queue(ClusterId(0), "tiny-cq").unwrap();
    assert_eq!(queue.reserved.iter().map(|u| u.total).sum::<i64>(), 1000);

    served.ok(&["delete", "job", "first", "--wait=false"]);
    client
        .until("the second runs", |c| phase(c, "second") == Some("running"))
        .await;
    client
        .until("the line is empty", |c| line_of(c, &line).is_empty())
        .await;
}
