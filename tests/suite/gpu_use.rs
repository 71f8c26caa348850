//! Exporters asked through the API server, as they are and as they go wrong; and that nobody is asked unless wanted.

use std::time::Duration;

use jobdeck::cluster::gpu_use::Settings;
use jobdeck::cluster::source::Tuning;
use jobdeck::model::gpu_use::reading::Reason;
use jobdeck::model::gpu_use::{Find, Node};
use jobdeck::model::ids::{ClusterId, Name};
use jobdeck::model::want::Want;
use serde_json::{Value, json};

use crate::harness::{Client, quick};
use crate::scripted::Server;
use crate::scripted::proxied::Proxied;

const HERE: ClusterId = ClusterId(0);

fn exporter(namespace: &str, name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": "nvidia-dcgm-exporter"}},
        "spec": {"containers": [{"name": "exporter", "ports": [{"name": "metrics", "containerPort": 9400}]}]},
        "status": {"phase": "Running"},
    })
}

fn list(pods: &[Value]) -> (u16, Value) {
    (200, json!({"kind": "PodList", "items": pods}))
}

fn body(gpu: u32, util: u32) -> String {
    format!(
        "DCGM_FI_DEV_GPU_UTIL{{gpu=\"{gpu}\",UUID=\"GPU-{gpu}\",namespace=\"ml\",pod=\"p\",container=\"c\"}} {util}\n"
    )
}

/// A server with one exporter, behind whose proxy is this.
fn server(behind: impl IntoIterator<Item = (&'static str, Proxied)>) -> Server {
    let server = Server::start();
    let mut state = server.state();
    let pods = list(&[exporter("gpu-operator", "dcgm-x")]);
    state.answers.insert("/api/v1/pods".into(), pods);
    for (path, of) in behind {
        state.proxied.insert(path.into(), of);
    }
    drop(state);
    server
}

const PLAIN: &str = "/api/v1/namespaces/gpu-operator/pods/dcgm-x:9400/proxy/metrics";
const TLS: &str = "/api/v1/namespaces/gpu-operator/pods/https:dcgm-x:9400/proxy/metrics";

fn tuning(settings: Settings) -> Tuning {
    Tuning {
        gpu_use: settings,
        ..quick()
    }
}

async fn asking(server: &Server, settings: Settings, nodes: &[&str]) -> Client {
    let mut client = Client::open_with(server, tuning(settings)).await;
    let wants: Vec<Want> = nodes.iter().map(|n| Want::GpuUse((*n).into())).collect();
    client.cluster.want(None, &wants);
    client
}

fn node<'a>(client: &'a Client, name: &str) -> Option<&'a Node> {
    client.model.gpu_use.node(HERE, &Name::from(name))
}

/// What is wrong with node `n1`, once something is known of it.
async fn trouble(server: &Server, settings: Settings) -> (Reason, String, Client) {
    let mut client = asking(server, settings, &["n1"]).await;
    client
        .until("heard of n1", |c| node(c, "n1").is_some())
        .await;
    let trouble = node(&client, "n1").unwrap().trouble.clone();
    let trouble = trouble.expect("something is wrong");
    (trouble.reason, trouble.text.to_string(), client)
}

fn proxied(server: &Server) -> usize {
    let state = server.state();
    let asked = state.requests.iter();
    asked.filter(|r| r.path.contains("/proxy/")).count()
}

#[tokio::test]
async fn an_exporter_is_found_and_asked_again_and_again() {
    let server = server([(PLAIN, Proxied::Text(200, body(0, 40)))]);
    let mut client = asking(&server, Settings::default(), &["n1"]).await;
    client
        .until("told", |c| node(c, "n1").is_some_and(|n| n.told.is_some()))
        .await;
    let device = node(&client, "n1").unwrap().find(Find::Index(0)).unwrap();
    assert_eq!(
        (device.reading.util, &*device.holders[0].pod),
        (Some(0.4), "p")
    );
    server
        .state()
        .proxied
        .insert(PLAIN.into(), Proxied::Text(200, body(0, 60)));
    client
        .until("the next reading", |c| {
            let device = node(c, "n1").and_then(|n| n.find(Find::Index(0)));
            device.is_some_and(|d| d.reading.util == Some(0.6))
        })
        .await;
    let state = server.state();
    let lists: Vec<_> = state
        .requests
        .iter()
        .filter(|r| r.path == "/api/v1/pods")
        .collect();
    assert_eq!(lists.len(), 2, "found once: {lists:#?}");
    for list in lists {
        assert_eq!(list.query["fieldSelector"], "spec.nodeName=n1");
        assert_eq!(list.query["resourceVersion"], "0");
    }
}

#[tokio::test]
async fn nobody_is_asked_who_is_not_wanted() {
    let server = server([(PLAIN, Proxied::Text(200, body(0, 40)))]);
    let mut client = asking(&server, Settings::default(), &[]).await;
    client.want_pods();
    client.until("rows or none", |c| c.last().is_some()).await;
    assert_eq!(proxied(&server), 0);
    // and not any more
    client.cluster.want(None, &[Want::GpuUse("n1".into())]);
    client
        .until("told", |c| node(c, "n1").is_some_and(|n| n.told.is_some()))
        .await;
    client.cluster.want(None, &[Want::GpuUse("n2".into())]);
    assert!(client.cluster.http().traffic().0 > 0);
    // another one is asked some rounds long, and this one is not
    let rounds = |c: &Client| {
        let device = node(c, "n2").and_then(|n| n.find(Find::Index(0)));
        device.map_or(0, |d| d.history.len())
    };
    client.until("the other told", |c| rounds(c) == 1).await;
    let last = node(&client, "n1").unwrap().asked;
    client.until("told again", |c| rounds(c) >= 4).await;
    assert_eq!(node(&client, "n1").unwrap().asked, last);
}

#[tokio::test]
async fn a_tls_port_is_spoken_to_as_one_and_remembered() {
    let hint = "Client sent an HTTP request to an HTTPS server.\n";
    let server = server([
        (PLAIN, Proxied::Text(400, hint.into())),
        (TLS, Proxied::Text(200, body(0, 40))),
    ]);
    let mut client = asking(&server, Settings::default(), &["n1"]).await;
    client
        .until("two readings", |c| {
            let device = node(c, "n1").and_then(|n| n.find(Find::Index(0)));
            device.is_some_and(|d| d.history.len() > 1)
        })
        .await;
    let state = server.state();
    let plain = state.requests.iter().filter(|r| r.path == PLAIN).count();
    assert_eq!(plain, 1, "asked plainly only once");
}

#[tokio::test]
async fn what_goes_wrong_is_told_with_the_next_step() {
    let status = Proxied::Status;
    let cases: [(&str, Proxied, Reason, &str); 9] = [
        (
            "forbidden",
            status(403, "Forbidden", "pods \"dcgm-x:9400\" is forbidden: User \"u\" cannot get resource \"pods/proxy\"".into()),
            Reason::Forbidden,
            "get on pods/proxy in namespace gpu-operator is needed",
        ),
        ("gone", status(404, "NotFound", "pods \"dcgm-x\" not found".into()), Reason::NotRunning, "is gone"),
        ("no metrics", Proxied::Text(404, "404 page not found".into()), Reason::Garbled, "serves no /metrics on port 9400"),
        (
            "refused",
            status(503, "ServiceUnavailable", "error trying to reach service: dial tcp 10.0.0.3:9400: connect: connection refused".into()),
            Reason::Unreachable,
            "refuses connections on port 9400",
        ),
        (
            "cut off",
            status(503, "ServiceUnavailable", "error trying to reach service: dial tcp 10.0.0.3:9400: i/o timeout".into()),
            Reason::Unreachable,
            "a network policy may keep it from port 9400",
        ),
        ("login", Proxied::Text(401, "Unauthorized".into()), Reason::Login, "wants a login of its own"),
        ("a page", Proxied::Text(200, "<html>\n<body>welcome</body>\n</html>\n".into()), Reason::Garbled, "something that is no metrics"),
        ("others", Proxied::Text(200, "go_goroutines 7\nup 1\n".into()), Reason::Garbled, "answers with 2 metrics, none of a GPU"),
        ("nothing", Proxied::Text(200, String::new()), Reason::Garbled, "something that is no metrics"),
    ];
    for (what, behind, reason, words) in cases {
        let server = server([(PLAIN, behind)]);
        let (got, text, client) = trouble(&server, Settings::default()).await;
        assert_eq!(got, reason, "{what}: {text}");
        assert!(
            text.contains(words) && text.contains("dcgm-x"),
            "{what}: {text}"
        );
        let notices = client.notices.len();
        assert!(notices <= 1, "{what}: {:?}", client.notices);
    }
}

#[tokio::test]
async fn who_may_not_is_told_once_for_all_nodes() {
    let server = server([(
        PLAIN,
        Proxied::Status(
            403,
            "Forbidden",
            "cannot get resource \"pods/proxy\"".into(),
        ),
    )]);
    let mut client = asking(&server, Settings::default(), &["n1", "n2", "n3"]).await;
    client
        .until("all three heard of", |c| {
            ["n1", "n2", "n3"].iter().all(|n| node(c, n).is_some())
        })
        .await;
    assert_eq!(client.notices.len(), 1, "{:?}", client.notices);
    assert!(client.notices[0].text.contains("pods/proxy"));
    assert_eq!(proxied(&server), 3);
}

#[tokio::test]
async fn one_that_never_answers_and_one_that_never_ends_are_left() {
    let slow = server([(PLAIN, Proxied::Stalls)]);
    let settings = Settings {
        timeout: Duration::from_millis(300),
        ..Settings::default()
    };
    let (reason, text, _) = trouble(&slow, settings).await;
    assert_eq!(reason, Reason::Unreachable);
    assert!(text.contains("network policy"), "{text}");
    let line = format!("foreign{{l=\"{}\"}} 1\n", "x".repeat(60_000));
    let endless = server([(PLAIN, Proxied::Endless(line, 2000))]);
    let (reason, text, _) = trouble(&endless, Settings::default()).await;
    assert_eq!(reason, Reason::Garbled);
    assert!(text.contains("more than 16 MiB"), "{text}");
}

#[tokio::test]
async fn megabytes_of_other_metrics_hide_nothing() {
    let mut all = "node_x{l=\"0123456789012345678901234567890123456789\"} 1\n".repeat(60_000);
    all.push_str(&body(0, 40));
    let server = server([(PLAIN, Proxied::Text(200, all))]);
    let mut client = asking(&server, Settings::default(), &["n1"]).await;
    client
        .until("told", |c| {
            node(c, "n1").is_some_and(|n| n.devices().len() == 1)
        })
        .await;
}

#[tokio::test]
async fn two_exporters_on_one_node_make_one_picture() {
    let server = server([
        (PLAIN, Proxied::Text(200, body(0, 40))),
        (
            "/api/v1/namespaces/monitoring/pods/dcgm-y:9400/proxy/metrics",
            Proxied::Text(200, format!("{}{}", body(0, 99), body(1, 50))),
        ),
    ]);
    let both = [
        exporter("gpu-operator", "dcgm-x"),
        exporter("monitoring", "dcgm-y"),
    ];
    server
        .state()
        .answers
        .insert("/api/v1/pods".into(), list(&both));
    let mut client = asking(&server, Settings::default(), &["n1"]).await;
    client
        .until("told", |c| node(c, "n1").is_some_and(|n| n.told.is_some()))
        .await;
    let utils = |c: &Client| -> Vec<Option<f32>> {
        let devices = node(c, "n1").unwrap().devices().iter();
        devices.map(|d| d.reading.util).collect()
    };
    assert_eq!(utils(&client), [Some(0.4), Some(0.5)]);
    // one of them failing leaves the other's, and is told
    server
        .state()
        .proxied
        .insert(PLAIN.into(), Proxied::Text(500, "oops".into()));
    client
        .until("a trouble beside what is known", |c| {
            node(c, "n1").is_some_and(|n| n.trouble.is_some())
        })
        .await;
    assert_eq!(utils(&client), [Some(0.99), Some(0.5)]);
}

#[tokio::test]
async fn where_pods_of_all_namespaces_are_hidden_the_usual_ones_are_looked_at() {
    let server = Server::start();
    {
        let mut state = server.state();
        state.forbidden.push("=/api/v1/pods".into());
        state.forbidden.push("/api/v1/namespaces/kube".into());
        let pods = list(&[exporter("gpu-operator", "dcgm-x")]);
        state
            .answers
            .insert("/api/v1/namespaces/gpu-operator/pods".into(), pods);
        state
            .proxied
            .insert(PLAIN.into(), Proxied::Text(200, body(0, 40)));
    }
    let mut client = asking(&server, Settings::default(), &["n1", "n2"]).await;
    client
        .until("both told", |c| {
            ["n1", "n2"]
                .iter()
                .all(|n| node(c, n).is_some_and(|n| n.told.is_some()))
        })
        .await;
    let wide = server
        .state()
        .requests
        .iter()
        .filter(|r| r.path == "/api/v1/pods")
        .count();
    assert!(wide <= 2, "learnt once, asked {wide} times");
    // nowhere at all
    let server = Server::start();
    server.state().forbidden.push("/api/v1/".into());
    let (reason, text, client) = trouble(&server, Settings::default()).await;
    assert_eq!(reason, Reason::Forbidden);
    assert!(text.contains("[gpu-use] namespaces"), "{text}");
    assert_eq!(client.notices.len(), 1);
    // the settings say where
    let server = Server::start();
    let pods = list(&[exporter("gpu-operator", "dcgm-x")]);
    server
        .state()
        .answers
        .insert("/api/v1/namespaces/gpu-operator/pods".into(), pods);
    server
        .state()
        .proxied
        .insert(PLAIN.into(), Proxied::Text(200, body(0, 40)));
    let settings = Settings {
        namespaces: vec!["gpu-operator".into()],
        ..Settings::default()
    };
    let mut client = asking(&server, settings, &["n1"]).await;
    client
        .until("told", |c| node(c, "n1").is_some_and(|n| n.told.is_some()))
        .await;
    assert!(
        server
            .state()
            .requests
            .iter()
            .all(|r| r.path != "/api/v1/pods")
    );
}

#[tokio::test]
async fn no_exporter_and_one_that_does_not_run_are_told_apart() {
    let server = server([]);
    server
        .state()
        .answers
        .insert("/api/v1/pods".into(), list(&[]));
    let (reason, text, _) = trouble(&server, Settings::default()).await;
    assert_eq!(reason, Reason::NoExporter);
    assert!(
        text.contains("n1") && text.contains("dcgm-exporter"),
        "{text}"
    );
    let mut broken = exporter("gpu-operator", "dcgm-x");
    broken["status"] = json!({"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]});
    server
        .state()
        .answers
        .insert("/api/v1/pods".into(), list(&[broken]));
    let (reason, text, _) = trouble(&server, Settings::default()).await;
    assert_eq!(reason, Reason::NotRunning);
    assert!(
        text.contains("CrashLoopBackOff")
            && text.contains("kubectl -n gpu-operator describe pod dcgm-x"),
        "{text}"
    );
    assert_eq!(proxied(&server), 0);
}

#[tokio::test]
async fn a_failing_node_is_asked_less_and_less_and_heals() {
    let server = server([(PLAIN, Proxied::Text(500, "oops".into()))]);
    let (_, _, mut client) = trouble(&server, Settings::default()).await;
    let pods = list(&[exporter("gpu-operator", "dcgm-z")]);
    server.state().answers.insert("/api/v1/pods".into(), pods);
    let moved = "/api/v1/namespaces/gpu-operator/pods/dcgm-z:9400/proxy/metrics";
    server
        .state()
        .proxied
        .insert(moved.into(), Proxied::Text(200, body(0, 40)));
    // the user does not want to wait
    client.cluster.retry_now();
    client
        .until("its successor told", |c| {
            node(c, "n1").is_some_and(|n| n.told.is_some() && n.trouble.is_none())
        })
        .await;
}

#[tokio::test]
async fn of_more_nodes_than_are_asked_about_the_rest_is_told_so() {
    let server = server([(PLAIN, Proxied::Text(200, body(0, 40)))]);
    let settings = Settings {
        nodes: 3,
        at_once: 1,
        ..Settings::default()
    };
    let names = ["n1", "n2", "n3", "n4", "n5"];
    let mut client = asking(&server, settings, &names).await;
    client
        .until("all heard of", |c| {
            names.iter().all(|n| node(c, n).is_some())
        })
        .await;
    let over: Vec<&str> = names
        .into_iter()
        .filter(|n| {
            node(&client, n)
                .unwrap()
                .trouble
                .as_ref()
                .is_some_and(|t| t.reason == Reason::TooMany)
        })
        .collect();
    assert_eq!(over, ["n4", "n5"]);
    // scrolled on: those that were too many come in
    client.cluster.want(
        None,
        &[Want::GpuUse("n4".into()), Want::GpuUse("n5".into())],
    );
    client
        .until("they are asked", |c| {
            ["n4", "n5"]
                .iter()
                .all(|n| node(c, n).is_some_and(|n| n.told.is_some() && n.trouble.is_none()))
        })
        .await;
}
