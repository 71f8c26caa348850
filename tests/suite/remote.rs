//! Logs, single objects, writes and the doctor over real HTTP against a server that answers as told.

use jobdeck::cluster::doctor::{self, Diagnosis, Mark};
use jobdeck::cluster::source::Tuning;
use jobdeck::cluster::target::Target;
use jobdeck::model::ids::Uid;
use jobdeck::model::want::{Kind, LogWant, ObjectWant, Want};

use crate::harness::{Client, quick, ten};
use crate::scripted::{Log, Server};

#[tokio::test]
async fn the_doctor_says_what_works_and_why_the_rest_does_not() {
    let server = ten();
    server.state().allowed = Some(vec!["default".into()]);
    let target = Target::plain(server.url(), "test");
    let found = doctor::examine_target(target, None, Diagnosis::default()).await;
    let text = found.to_string();
    let line = |topic: &str| found.lines.iter().find(|l| l.topic == topic).expect(topic);
    assert_eq!(line("version").text, "v1.36.0");
    assert_eq!(
        (line("tls").mark, line("tls").text.as_str()),
        (Mark::Note, "none (plain http)")
    );
    assert_eq!(line("pods").mark, Mark::Note, "{text}");
    assert!(
        line("pods").text.starts_with(
            "list and watch in default only; all namespaces: needs list pods and watch pods"
        ),
        "{text}"
    );
    assert_eq!(line("nodes").mark, Mark::No);
    assert_eq!(line("logs").text, "yes, in default");
    assert!(found.is_usable());
    server.state().allowed = Some(Vec::new());
    let target = Target::plain(server.url(), "test");
    let found = doctor::examine_target(target, Some("ml"), Diagnosis::default()).await;
    assert!(!found.is_usable());
    let no = found
        .lines
        .iter()
        .find(|l| l.topic == "delete jobs")
        .unwrap();
    assert_eq!(
        no.text,
        "no: needs delete jobs.batch in ml (only where allowed)"
    );
}

#[tokio::test]
async fn one_object_or_why_not() {
    let server = ten();
    let mut client = Client::open(&server).await;
    let object = |name: &str| {
        Want::Object(ObjectWant {
            kind: Kind::Pod,
            namespace: "default".into(),
            name: name.into(),
        })
    };
    client.cluster.want(None, &[object("p3")]);
    client.until("an answer", |c| c.objects.len() == 1).await;
    assert_eq!(
        client.objects[0].as_ref().unwrap()["metadata"]["name"],
        "p3"
    );
    client.cluster.want(None, &[object("nope")]);
    client.until("an answer", |c| c.objects.len() == 2).await;
    assert_eq!(client.objects[1].as_ref().unwrap_err(), "pods nope is gone");
}

fn log_want(server: &Server) -> LogWant {
    let uid =
        server.state().pods[&("default".to_owned(), "p0".to_owned())]["metadata"]["uid"].clone();
    LogWant {
        namespace: "default".into(),
        pod: "p0".into(),
        uid: Uid::parse(uid.as_str().unwrap()),
        container: None,
        previous: false,
        tail: Some(100),
        since_seconds: None,
        follow: true,
    }
}

#[tokio::test]
async fn a_log_is_waited_for_followed_across_cuts_and_ended() {
    let server = ten();
    let at = |ms: u32| format!("2026-01-01T00:00:{:02}.{:03}000000Z", ms / 1000, ms % 1000);
    server.state().logs.extend([
        Log::Error(204, String::new()),
        Log::Error(
            400,
            r#"container "main" in pod "p0" is waiting to start: ContainerCreating"#.into(),
        ),
        Log::Cut(format!(
            "{} one\n{} two\n{} thr",
            at(100),
            at(1200),
            at(1300)
        )),
        Log::Error(500, "dial tcp: i/o timeout".into()),
        // resumed at a whole second
        Log::Cut(format!("{} two\n{} three\n", at(1200), at(1300))),
        Log::Open(format!(
            "{} two\n{} three\n{} four\n",
            at(1200),
            at(1300),
            at(1400)
        )),
    ]);
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &[Want::Log(log_want(&server))]);
    let log = client.until_log("four").await;
    assert_eq!(
        log,
        [
            "# waiting: the pod is not scheduled yet",
            "# waiting: ContainerCreating",
            "one",
            "two",
            "# interrupted: 500: dial tcp: i/o timeout",
            "# reconnected",
            "three",
            "four"
        ]
    );
    let queries: Vec<Option<String>> = server
        .state()
        .requests
        .iter()
        .filter(|r| r.path.ends_with("/log"))
        .map(|r| r.query.get("sinceTime").cloned())
        .collect();
    assert_eq!(queries[2], None);
    assert_eq!(queries[3].as_deref(), Some("2026-01-01T00:00:01Z"));
}

#[tokio::test]
async fn a_log_ends_with_its_pod_and_not_before() {
    let server = ten();
    let line = "2026-01-01T00:00:01.0Z first\n";
    let second = "2026-01-01T00:00:02.0Z second\n";
    // the container restarts; then the pod ends
    server.state().logs.extend([
        Log::Text(line.into()),
        Log::Text(format!("{line}{second}")),
        Log::Text(second.into()),
    ]);
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &[Want::Log(log_want(&server))]);
    client.until_log("second").await;
    server.put("p0", "Succeeded");
    let log = client.until_log("# end of log").await;
    assert_eq!(
        log,
        ["first", "second", "# end of log: the pod has succeeded"]
    );
}

#[tokio::test]
async fn what_a_log_cannot_be_had_for() {
    let server = ten();
    let cases: [(Log, bool, &str); 4] = [
        (
            Log::Error(403, "no".into()),
            false,
            "# end of log: forbidden (needs get on pods/log): no",
        ),
        (
            Log::Error(404, "gone".into()),
            false,
            "# end of log: the pod is gone",
        ),
        (
            Log::Error(400, "previous terminated container not found".into()),
            true,
            "# end of log: the container has no previous instance",
        ),
        (
            Log::Text("2026-01-01T00:00:01.0Z old\n2026-01-01T00:00:02.0Z last".into()),
            true,
            "last",
        ),
    ];
    for (answer, previous, expected) in cases {
        server.state().logs = [answer].into();
        let mut client = Client::open(&server).await;
        let want = LogWant {
            previous,
            container: Some("main".into()),
            ..log_want(&server)
        };
        client.cluster.want(None, &[Want::Log(want)]);
        let log = client.until_log("# end of log").await;
        assert!(log.iter().any(|l| l == expected), "{log:?}");
    }
}

#[tokio::test]
async fn a_log_more_than_the_limit_waits_its_turn() {
    let server = ten();
    server
        .state()
        .logs
        .push_back(Log::Open("2026-01-01T00:00:01.0Z here\n".into()));
    let tuning = Tuning {
        log_streams: 1,
        ..quick()
    };
    let mut client = Client::open_with(&server, tuning).await;
    let first = log_want(&server);
    let second = LogWant {
        tail: Some(5),
        ..first.clone()
    };
    client.cluster.want(None, &[Want::Log(first.clone())]);
    client.until_log("here").await;
    client
        .cluster
        .want(None, &[Want::Log(first), Want::Log(second.clone())]);
    client
        .until_log("# waiting: 1 logs are followed already")
        .await;
    client.cluster.want(None, &[Want::Log(second)]);
    client.until_log("here").await;
}
