//! Recording and replay end to end: what a replay shows is what was there, in the tables and at a terminal.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use jobdeck::cluster::report::Report;
use jobdeck::cluster::source::Tuning;
use jobdeck::cluster::target::Target;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::model::Model;
use jobdeck::model::health::Health;
use jobdeck::model::json::{EventJson, NodeJson, PodJson, RowJson};
use jobdeck::model::want::Kind;
use jobdeck::recording::line::{Header, VERSION};
use jobdeck::recording::player::{Moved, Player};
use jobdeck::recording::record::wants;
use jobdeck::recording::scan::State;
use jobdeck::recording::write::Writer;
use tokio::sync::mpsc;

use super::harness::Client;
use super::pty::Session;
use super::served::Served;

/// The tables as `get -o json` prints them.
fn tables(model: &Model, now: DateTime<Utc>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut put = |json: serde_json::Result<String>| all.push(json.expect("JSON"));
    model
        .jobs
        .rows()
        .for_each(|row| put(serde_json::to_string(&RowJson::of(model, row, now))));
    model
        .pods
        .rows()
        .for_each(|row| put(serde_json::to_string(&PodJson::of(row))));
    model
        .nodes
        .rows()
        .for_each(|row| put(serde_json::to_string(&NodeJson::of(model, row))));
    model
        .events
        .rows()
        .for_each(|row| put(serde_json::to_string(&EventJson::of(row))));
    all.sort();
    all
}

/// Records a demo cluster that runs fast, and goes back and forth in what was recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_has_the_tables_that_were_there() {
    let served = tokio::task::spawn_blocking(|| Served::start(&["--speed", "30"]))
        .await
        .expect("a demo");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("demo.recording");
    let (out, reports) = mpsc::channel(CHANNEL);
    let options = Options {
        tuning: Tuning {
            raw: true,
            ..Tuning::default()
        },
        ..Options::default()
    };
    let url = format!("http://{}", served.address());
    let target = Target::plain(url.parse().expect("a URL"), "demo");
    let cluster = Cluster::open(target, options, out)
        .await
        .expect("a cluster");
    let mut client = Client::over(cluster, reports);
    let header = Header {
        recording: VERSION,
        jobdeck: "test".into(),
        context: "demo".into(),
        server: None,
        namespace: None,
        start: Utc::now(),
    };
    let start = header.start;
    let file = std::fs::File::create(&path).expect("a file");
    let mut writer = Writer::new(file, &header).expect("it can be written");
    client.cluster.want(None, &wants());
    // what was there after so many reports, and when
    let mut moments: Vec<(DateTime<Utc>, Vec<String>)> = Vec::new();
    let (mut last, mut live) = (start, 0);
    // objects come before the rows that are made of them: whose rows are yet to come
    let mut between = BTreeSet::new();
    while live < 400 || !between.is_empty() {
        let report = client.reports.recv().await.expect("a report");
        let now = Utc::now();
        // all of a millisecond belongs together
        if between.is_empty()
            && live % 100 >= 50
            && (now - start).num_milliseconds() > (last - start).num_milliseconds()
            && moments.len() <= live / 100
        {
            moments.push((last, tables(&client.model, last)));
        }
        last = now;
        match &report {
            Report::Raw { source, .. } => drop(between.insert(*source)),
            Report::Delta(delta) => drop(between.remove(&delta.source)),
            _ => {}
        }
        writer.report(&report, now).expect("written");
        client.take(report);
        let synced = |kind| {
            client
                .health
                .iter()
                .any(|h| h.kind == kind && h.health == Health::Live)
        };
        live += usize::from(synced(Kind::Pod) && synced(Kind::Job) && synced(Kind::Event));
    }
    let end = (last, tables(&client.model, last));
    writer.finish(last).expect("written");
    assert!(end.1.len() > 100, "{}", end.1.len());

    let (info, mut player) = Player::open(&path).expect("a recording");
    assert_eq!((info.skipped, info.worries()), (0, Vec::new()));
    assert_eq!(info.header, header);
    let mut state = State::default();
    let back_and_forth: Vec<_> = [end.clone()]
        .into_iter()
        .chain(moments.clone())
        .chain([end])
        .chain(moments)
        .collect();
    assert!(back_and_forth.len() > 4);
    for (at, were) in back_and_forth {
        let t = (at - start)
            .num_milliseconds()
            .try_into()
            .expect("after the start");
        match player.to(t).expect("it is there") {
            Moved::To(fresh) => state = *fresh,
            Moved::On(reports) => reports.into_iter().for_each(|report| state.take(report)),
        }
        let are = tables(&state.model, at);
        let differ: Vec<_> = were
            .iter()
            .zip(&are)
            .filter(|(a, b)| a != b)
            .take(2)
            .collect();
        assert!(
            were == are,
            "at {t}: {} and {}: {differ:#?}",
            were.len(),
            are.len()
        );
    }
}

/// The last moment at which a recording has a job, and how long it is in words.
fn when_it_went(file: &str, job: &str) -> (String, String) {
    let (info, mut player) = Player::open(std::path::Path::new(file)).expect("a recording");
    let (mut state, mut seen) = (State::default(), false);
    let gone = info.times.iter().find(|t| {
        match player.to(**t).expect("it is there") {
            Moved::To(fresh) => state = *fresh,
            Moved::On(reports) => reports.into_iter().for_each(|report| state.take(report)),
        }
        let has = state.model.jobs.rows().any(|row| &*row.name == job);
        std::mem::replace(&mut seen, has) && !has
    });
    let gone = i64::try_from(*gone.expect("it goes")).expect("a time");
    let at = info.header.start + chrono::TimeDelta::milliseconds(gone - 1);
    let total = jobdeck::model::human::duration(info.end - info.complete());
    (at.to_rfc3339(), total)
}

fn jobdeck(args: &[&str], home: &std::path::Path) -> (bool, String, String) {
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args(args)
        .env("HOME", home)
        .env_remove("KUBECONFIG")
        .output()
        .expect("jobdeck runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.success(), text(&out.stdout), text(&out.stderr))
}

/// `record`, then `get` and the cockpit over the file, with no cluster any more; then the same in a live cluster.
#[test]
fn an_incident_is_recorded_replayed_and_looked_back_at() {
    let mut served = Served::start(&["--speed", "5"]);
    let home = tempfile::tempdir().expect("a folder");
    let config = served.kubeconfig.to_str().expect("a plain path").to_owned();
    let file = home.path().join("incident");
    let file = file.to_str().expect("a plain path");

    // the live cockpit begins before, so that it has a past
    let mut term = Session::start(&["--kubeconfig", &config, "-A"], (140, 40), home.path());
    term.until("live jobs", |s| s.contains("live") && s.contains("NAME"));
    term.send("/exit-code\r");
    term.until("one job", |s| {
        s.contains("exit-code-policy") && !s.contains("lora-rank")
    });

    let recorder = std::process::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args(["--kubeconfig", &config, "-A", "record", file])
        .env("HOME", home.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("jobdeck runs");
    // what is written is read while more is written
    let recorded = |there: bool| {
        let so = (0..300).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            let (ok, jobs, _) = jobdeck(&["get", "jobs", "--replay", file], home.path());
            let so = ok && jobs.contains("exit-code-policy-demo") == there;
            // the slider begins when the first lists are complete
            so && Player::open(std::path::Path::new(file))
                .is_ok_and(|(info, _)| info.end - info.complete() > chrono::TimeDelta::seconds(4))
        });
        assert!(so, "never recorded as it is: there {there}");
    };
    recorded(true);
    let job = "/apis/batch/v1/namespaces/research/jobs/exit-code-policy-demo";
    let answer = served.request("DELETE", &format!("{job}?propagationPolicy=Background"), "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    // live: it is gone; back in time it is there, and nothing can be done to it
    term.until("gone", |s| !s.contains("exit-code-policy-demo"));
    term.send("B");
    term.until("the past", |s| s.contains(" ago ") && s.contains("B now"));
    term.send("((");
    term.until("it is there again", |s| {
        s.contains("exit-code-policy-demo") && s.contains(" ago ")
    });
    term.send("\x04");
    term.until("refused", |s| s.contains("nothing can be changed there"));
    term.send("B");
    term.until("now", |s| {
        !s.contains("exit-code-policy-demo") && s.contains("live")
    });
    term.send("q");
    assert_eq!(term.until_ended(), 0);

    recorded(false);
    // as ctrl-c
    let pid = recorder.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(killed.is_ok_and(|status| status.success()));
    let out = recorder.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success() && told.contains("objects and changes"),
        "{told}"
    );
    served.stop();

    let (ok, jobs, told) = jobdeck(
        &["get", "jobs", "-o", "json", "--replay", file],
        home.path(),
    );
    let (gone, there) = ("exit-code-policy-demo", "lora-rank-sweep");
    assert!(
        ok && !jobs.contains(gone) && jobs.contains(there),
        "{told}: {} {}",
        jobs.contains(gone),
        jobs.contains(there)
    );
    let (at, total) = when_it_went(file, "exit-code-policy-demo");
    let at = ["get", "jobs", "--replay", file, "--replay-at", &at];
    let (ok, jobs, told) = jobdeck(&at, home.path());
    assert!(
        ok && jobs.contains("exit-code-policy-demo"),
        "{jobs} {told}"
    );
    let (ok, _, told) = jobdeck(
        &["get", "jobs", "--replay", file, "--replay-at", "+9h"],
        home.path(),
    );
    assert!(
        !ok && told.contains("is not in the recording: it goes from"),
        "{told}"
    );
    // what is there is never written over
    let (ok, _, told) = jobdeck(
        &["--kubeconfig", &config, "record", file, "--for", "1s"],
        home.path(),
    );
    assert!(!ok && told.contains("cannot"), "{told}");

    // the cockpit: paused at the end, back to the start, a change on, faster
    let mut term = Session::start(&["replay", file, "--at", at[5]], (140, 40), home.path());
    term.until("just before", |s| {
        s.contains(" replay ") && s.contains("lora-rank")
    });
    term.send("/exit-code\r");
    term.until("it is there", |s| {
        s.contains("exit-code-policy-demo") && !s.contains("lora-rank")
    });
    let end = format!("{total} of {total}");
    term.send("$");
    term.until("the end", |s| {
        s.contains(&end) && !s.contains("exit-code-policy-demo")
    });
    term.send("^");
    let start = format!(" 0s of {total}");
    term.until("the start", |s| {
        s.contains(&start) && s.contains("exit-code-policy-demo")
    });
    // two changes on, and one back
    term.send("..,");
    term.until("it stands", |s| s.contains("‖"));
    term.send("^ ");
    term.until("it plays", |s| {
        s.contains("▶ x1") && s.contains("exit-code-policy-demo")
    });
    term.send("++");
    term.until("to its end", |s| {
        s.contains(&end) && !s.contains("exit-code-policy-demo")
    });
    term.send("\x04");
    term.until("refused", |s| s.contains("a recording is replayed"));
    term.send("q");
    assert_eq!(term.until_ended(), 0);
}
