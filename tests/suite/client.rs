//! Watches over real HTTP against a server that misbehaves: whatever happens, the model must end up equal to what
//! the server has, and say how it is doing on the way.

use jobdeck::cluster::connect::ConnectError;
use jobdeck::cluster::failure::Failure;
use jobdeck::cluster::target::Target;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::model::health::Health;
use jobdeck::model::want::{Kind, Selector, Want};
use tokio::sync::mpsc;

use crate::harness::{Client, quick, ten};
use crate::scripted::{Fault, Server};

#[tokio::test]
async fn a_streamed_list_then_changes() {
    let server = ten();
    let mut client = Client::pods(&server).await;
    client.until_same(&server).await;
    server.put("new", "Pending");
    server.put("p1", "Succeeded");
    server.delete("p2");
    client.until_same(&server).await;
    assert_eq!(server.asked(), ["stream"]);
}

#[tokio::test]
async fn a_server_without_streams_is_read_in_pages() {
    let server = ten();
    server.state().no_streaming = true;
    let mut client = Client::pods(&server).await;
    client.until_same(&server).await;
    server.delete("p9");
    client.until_same(&server).await;
    assert_eq!(
        server.asked(),
        ["stream", "list", "page", "page", "page", "watch"]
    );
    let counted = client.health.iter().any(|h| {
        matches!(
            h.health,
            Health::Syncing {
                seen: 6,
                total: Some(10)
            }
        )
    });
    assert!(counted, "{:?}", client.health);
    // known for the whole cluster now
    assert!(!client.cluster.streams_lists());
    client
        .cluster
        .want(Some("default"), &[Want::Watch(Kind::Pod, Selector::All)]);
    client
        .until("listed again", |_| server.asked().len() > 7)
        .await;
    assert_eq!(server.asked()[6], "list");
}

#[tokio::test]
async fn each_fault_heals_and_nothing_is_missed() {
    let faults = [
        vec![Fault::Status(500, None)],
        vec![Fault::Status(503, None), Fault::Status(504, None)],
        vec![Fault::Status(429, Some(1))],
        vec![Fault::CutAfter(0)],
        vec![Fault::CutAfter(4), Fault::Status(502, None)],
        vec![Fault::IgnoreStream],
        vec![Fault::Stall],
        vec![Fault::Status(422, None), Fault::Garbage],
        vec![Fault::Status(422, None), Fault::Expire],
        vec![
            Fault::Status(422, None),
            Fault::CutAfter(1),
            Fault::Close,
            Fault::Close,
        ],
        vec![
            Fault::Status(422, None),
            Fault::Stall,
            Fault::Expire,
            Fault::CutAfter(0),
        ],
    ];
    for fault in faults {
        let server = ten();
        server.fail(fault.clone());
        let mut client = Client::pods(&server).await;
        client.until_same(&server).await;
        // what happens while faults are left must not be missed either
        for round in 0..20 {
            server.put(&format!("q{}", round % 7), &format!("Phase{round}"));
            server.delete(&format!("p{round}"));
            client.until_same(&server).await;
        }
        assert!(server.state().faults.is_empty(), "{fault:?} was not met");
    }
}

#[tokio::test]
async fn objects_that_vanish_during_an_outage_are_gone_after_it() {
    let server = ten();
    let mut client = Client::pods(&server).await;
    client.until_same(&server).await;
    // the watch ends, its version is too old by then, and half of the pods went unseen
    server.fail([Fault::Expire]);
    server
        .state()
        .pods
        .retain(|(_, name), _| name.as_str() < "p5");
    server.hang_up();
    client.until("relisted", |c| c.rows().len() == 5).await;
    client.until_same(&server).await;
}

#[tokio::test]
async fn chaos_of_any_seed_ends_in_the_truth() {
    for seed in 1u64..=6 {
        let server = ten();
        server.state().no_streaming = seed % 2 == 0;
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |n: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) % n
        };
        let mut client = Client::pods(&server).await;
        for _ in 0..25 {
            match next(8) {
                0 => server.fail([Fault::Status([500, 502, 503, 429][next(4) as usize], None)]),
                1 => server.fail([Fault::CutAfter(next(6) as usize)]),
                2 => server.fail([Fault::Expire]),
                3 => server.delete(&format!("p{}", next(10))),
                _ => server.put(
                    &format!("p{}", next(20)),
                    ["Running", "Failed"][next(2) as usize],
                ),
            }
            if next(3) == 0 {
                client
                    .until("caught up", |c| c.rows() == server.truth())
                    .await;
            }
        }
        server.state().faults.clear();
        client.until_same(&server).await;
    }
}

#[tokio::test]
async fn a_server_that_goes_away_is_stale_and_comes_back() {
    let server = ten();
    let mut client = Client::pods(&server).await;
    client.until_same(&server).await;
    let addr = server.url().authority().unwrap().as_str().parse().unwrap();
    drop(server);
    client
        .until("stale", |c| matches!(c.last(), Some(Health::Stale { .. })))
        .await;
    assert_eq!(client.rows().len(), 10, "the last data stays");
    // the port is free once the old listener's thread has seen its end
    let server = loop {
        match std::net::TcpListener::bind::<std::net::SocketAddr>(addr) {
            Ok(free) => {
                drop(free);
                break Server::start_on(addr);
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    server.forget(500);
    server.put("other", "Running");
    client.until_same(&server).await;
}

#[tokio::test]
async fn forbidden_everywhere_shows_what_is_allowed() {
    let server = ten();
    server.put_in("ml", "train", "Running");
    server.put_in("secret", "hidden", "Running");
    server.state().allowed = Some(vec!["default".into(), "ml".into()]);
    let mut client = Client::pods(&server).await;
    client
        .until("both namespaces", |c| c.rows().len() == 11)
        .await;
    assert_eq!(client.notices.len(), 1, "{:?}", client.notices);
    let text = &client.notices[0].text;
    assert!(
        text.contains("lists of all namespaces are forbidden"),
        "{text}"
    );
    assert!(text.ends_with("showing default, ml only"), "{text}");
    // allowed one day: found without being told
    server.state().allowed = None;
    client.until_same(&server).await;
    assert_eq!(client.rows().len(), 12);
    // a namespace that stays forbidden says so itself
    server.state().allowed = Some(Vec::new());
    client
        .cluster
        .want(Some("secret"), &[Want::Watch(Kind::Pod, Selector::All)]);
    client
        .until("forbidden", |c| {
            matches!(c.last(), Some(Health::Forbidden { verb, resource, namespace })
                if verb == "list" && resource == "pods" && namespace.as_deref() == Some("secret"))
        })
        .await;
    client.until("empty", |c| c.rows().is_empty()).await;
}

#[tokio::test]
async fn an_absent_kind_is_absent() {
    let server = ten();
    let mut client = Client::open(&server).await;
    client
        .cluster
        .want(None, &[Want::Watch(Kind::Job, Selector::All)]);
    client
        .until("absent", |c| c.last() == Some(&Health::Absent))
        .await;
}

#[tokio::test]
async fn unwanted_watches_end_and_take_their_rows_along() {
    let server = ten();
    let mut client = Client::pods(&server).await;
    client.until_same(&server).await;
    client.want_pods();
    client.cluster.want(None, &[]);
    client.until("empty", |c| c.rows().is_empty()).await;
    assert_eq!(
        server.asked(),
        ["stream"],
        "the same want starts nothing new"
    );
}

#[tokio::test]
async fn odd_objects_are_left_out_with_a_word() {
    let server = ten();
    server.state().no_streaming = true;
    server.fail([Fault::Garbage]);
    let mut client = Client::open(&server).await;
    server.state().faults.clear();
    client.want_pods();
    server.fail([Fault::Garbage]);
    client.until_same(&server).await;
    client.until("said so", |c| !c.notices.is_empty()).await;
    assert!(client.notices[0].text.contains("could not be read"));
}

#[tokio::test]
async fn refused_and_unreachable_are_told_apart() {
    let server = Server::start();
    server.state().token = Some("right".into());
    let (out, _reports) = mpsc::channel(CHANNEL);
    let target = Target::plain(server.url(), "test");
    let error = Cluster::open(target, Options::default(), out.clone())
        .await
        .unwrap_err();
    assert!(matches!(&error, ConnectError::Server { failure, .. } if failure.code() == Some(401)));
    assert!(
        error.next_step().contains("log in again"),
        "{}",
        error.next_step()
    );
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let target = Target::plain(url.parse().unwrap(), "gone");
    let error = Cluster::open(target, Options::default(), out)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ConnectError::Server { failure: Failure::Network(why), .. } if why == "connection refused")
    );
    assert!(
        error
            .to_string()
            .starts_with(r#"context "gone", http://127.0.0.1"#),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_plugin_runs_once_for_many_and_again_when_its_token_is_refused() {
    use jobdeck::cluster::kubeconfig::Surroundings;

    let server = ten();
    server.state().token = Some("t1".into());
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    std::fs::write(folder.path().join("token"), "t1").unwrap();
    let script = format!(
        "echo run >> {c}; echo signing in >&2; printf '{{\"status\":{{\"token\":\"%s\"}}}}' $(cat {t})",
        c = count.display(),
        t = folder.path().join("token").display(),
    );
    let config = serde_json::json!({
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server.url().to_string()}}],
        "users": [{"name": "u", "user": {"exec": {"command": "sh", "args": ["-c", script], "interactiveMode": "Always"}}}],
    });
    let file = folder.path().join("config");
    std::fs::write(&file, config.to_string()).unwrap();
    let around = Surroundings {
        file: Some(file),
        ..Surroundings::default()
    };
    let target = jobdeck::cluster::connect::resolve(&around, None).unwrap();
    let runs = || std::fs::read_to_string(&count).unwrap().lines().count();
    let (out, reports) = mpsc::channel(CHANNEL);
    let options = Options {
        tuning: quick(),
        ..Options::default()
    };
    let cluster = Cluster::open(target, options, out).await.unwrap();
    let mut client = Client::over(cluster, reports);
    client.cluster.want(
        None,
        &[
            Want::Watch(Kind::Pod, Selector::All),
            Want::Watch(Kind::Event, Selector::All),
            Want::Watch(Kind::Node, Selector::All),
        ],
    );
    client.until("rows", |c| c.rows() == server.truth()).await;
    assert_eq!(runs(), 1);
    assert!(
        client.notices[0].text.contains("signing in"),
        "{:?}",
        client.notices
    );
    // the server forgets the token; the plugin has a new one
    server.state().token = Some("t2".into());
    std::fs::write(folder.path().join("token"), "t2").unwrap();
    server.hang_up();
    server.put("after", "Running");
    client.until("rows", |c| c.rows() == server.truth()).await;
    client
        .cluster
        .want(Some("default"), &[Want::Watch(Kind::Pod, Selector::All)]);
    client
        .until("renewed", |c| c.rows() == server.truth() && runs() == 2)
        .await;
}

// the server waits for its reader with its state locked: the client must run beside the storm
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_for_nobody_is_folded_and_the_last_state_wins() {
    const STORM: u64 = 20_000;
    let server = ten();
    let mut client = Client::pods(&server).await;
    client.until_same(&server).await;
    let read = |client: &Client| {
        let link = client.cluster.link("test");
        let pods = link.kinds.iter().find(|of| of.kind == Kind::Pod);
        pods.map(|of| (of.events, of.folded)).unwrap_or_default()
    };
    let (before, _) = read(&client);
    // nobody takes a report while this comes
    for n in 0..STORM {
        server.put("p1", &format!("Phase{n}"));
    }
    let all_read = async {
        while read(&client).0 < before + STORM {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(std::time::Duration::from_secs(120), all_read).await;
    assert!(done.is_ok(), "it waits instead: {:?}", read(&client));
    let (_, folded) = read(&client);
    let (mut reports, mut rows) = (0, 0);
    while let Ok(report) = client.reports.try_recv() {
        reports += 1;
        if let jobdeck::cluster::report::Report::Delta(delta) = &report
            && let jobdeck::model::delta::Rows::Pods(jobdeck::model::delta::Change::Rows(all)) =
                &delta.rows
        {
            rows += all.len() as u64;
        }
        client.take(report);
    }
    // while one is taken another may come
    assert!(reports <= 2 * CHANNEL, "{reports} reports");
    assert!(rows <= STORM - folded, "{rows} rows, {folded} folded");
    client.until_same(&server).await;
}
