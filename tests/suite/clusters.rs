//! Two clusters looked at together, in the real binary: the same namespace, name and even uid in both, and what is done to
//! one never reaches the other; one that is killed costs its own rows only, and comes back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use jobdeck::demo::Demo;
use jobdeck::demo::api::write::{Cluster, Writer};
use jobdeck::demo::clock::Clock;
use jobdeck::demo::world::World;
use serde_json::{Value, json};

use crate::pty::Session;

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";

fn job(name: &str) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {
        "template": {"spec": {"restartPolicy": "Never", "containers": [
            {"name": "main", "image": "busybox:1.36", "command": ["sleep", "900"]},
        ]}},
    }})
}

/// A cluster with the job that both have, and one of its own. Both are made alike, so that their uids are, too.
fn world(own: &str) -> World {
    let start = "2026-11-24T09:00:00Z".parse().expect("a time");
    let mut cluster = Cluster::new(Clock::stepped(start, 1.0), 7);
    jobdeck::demo::crds::install(&mut cluster);
    let mut world = World::new(cluster);
    for name in ["same", own] {
        let mut kinds = world.cluster.store.kinds();
        let kind = kinds.find(|(_, k)| k.plural == "jobs").expect("jobs").0;
        drop(kinds);
        let writer = Writer::new("kubectl");
        let made = world.cluster.create(kind, "default", job(name), &writer);
        made.unwrap_or_else(|why| panic!("{}", why.message));
        world.settle();
    }
    world
}

fn serve(own: &str, at: Option<SocketAddr>) -> Demo {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let at = at.unwrap_or(any);
    // whoever held the port goes at the end of its connections
    for _ in 0..200 {
        match Demo::start(at, world(own)) {
            Ok(demo) => return demo,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(50)),
        }
    }
    panic!("{at} stays taken");
}

fn ask(demo: &Demo, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(demo.addr()).expect("a connection");
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: demo\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let code = text.split(' ').nth(1).and_then(|c| c.parse().ok());
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    (code.expect("a status line"), body)
}

fn same(demo: &Demo) -> (u16, Value) {
    ask(demo, "GET", &format!("{JOBS}/same"), "")
}

fn kubeconfig(folder: &Path, clusters: &[(&str, SocketAddr)]) -> PathBuf {
    let mut text = format!("current-context: {}\nclusters:\n", clusters[0].0);
    for (name, addr) in clusters {
        text.push_str(&format!(
            "- name: {name}\n  cluster: {{server: 'http://{addr}'}}\n"
        ));
    }
    text.push_str("contexts:\n");
    for (name, _) in clusters {
        text.push_str(&format!(
            "- name: {name}\n  context: {{cluster: {name}, user: me}}\n"
        ));
    }
    text.push_str("users:\n- name: me\n  user: {}\n");
    let path = folder.join("kubeconfig");
    std::fs::write(&path, text).expect("a kubeconfig");
    path
}

struct Two {
    near: Demo,
    far: Option<Demo>,
    term: Session,
    _home: tempfile::TempDir,
}

impl Two {
    fn far(&self) -> &Demo {
        self.far.as_ref().expect("it runs")
    }
}

fn open(settings: &str, contexts: &str) -> Two {
    let (near, far) = (serve("only-near", None), serve("only-far", None));
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".config/jobdeck");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config.toml"), settings).expect("settings");
    let clusters = [("near", near.addr()), ("far", far.addr())];
    let config = kubeconfig(home.path(), &clusters);
    let config = config.to_str().expect("UTF-8").to_owned();
    let args = ["--kubeconfig", &config, "--context", contexts];
    let term = Session::start(&args, (110, 30), home.path());
    term.until("rows of both", |s| {
        s.contains("2 clusters") && s.contains("only-near") && s.contains("only-far")
    });
    Two {
        near,
        far: Some(far),
        term,
        _home: home,
    }
}

#[test]
fn what_is_done_to_an_object_never_reaches_its_namesake_in_another_cluster() {
    let mut two = open("", "near,far");
    let uid = |demo: &Demo| same(demo).1["metadata"]["uid"].clone();
    assert_eq!(uid(&two.near), uid(two.far()), "the hardest case");
    let term = &mut two.term;
    term.send("/name:same cluster:=far\r");
    term.until("one row", |s| {
        s.contains("far") && !s.contains("only-near") && s.contains("1/1")
    });
    // hold it: the other runs on
    term.send("p");
    term.until("where it is held", |s| {
        s.contains("[ Cancel ]") && s.contains("context far")
    });
    term.send("\x1b[C\r");
    term.until("its row says so", |s| {
        s.contains("held") && !s.contains("[ Cancel ]")
    });
    let suspended = |demo: &Demo| same(demo).1["spec"]["suspend"] == json!(true);
    assert!(suspended(two.far()) && !suspended(&two.near));
    let term = &mut two.term;
    // its manifest is that of its own cluster
    term.send("y");
    term.until_shows("suspend: true");
    term.send("\x1b");
    term.until_shows("1/1");
    term.send("\x04");
    term.until("the question says where", |s| {
        s.contains("[ Cancel ]") && s.contains("context far")
    });
    term.send("\x1b[C\r");
    term.until_shows("none of ");
    assert_eq!((same(&two.near).0, same(two.far()).0), (200, 404));
    // made again where it was, though the cursor is elsewhere by then
    let term = &mut two.term;
    term.send("u");
    term.until("what can be made again", |s| {
        s.contains("make again (") && s.contains("job/same")
    });
    term.send("\r");
    term.until_shows("same-r2");
    let again = format!("{JOBS}/same-r2");
    let made = |demo: &Demo| ask(demo, "GET", &again, "").0;
    assert_eq!((made(&two.near), made(two.far())), (404, 200));
    // several at once, of both
    let term = &mut two.term;
    term.send("\x1b");
    term.until_shows("only-near");
    term.send("/name:only\r");
    term.until("two rows", |s| {
        s.contains("only-near") && s.contains("only-far") && s.contains("/2")
    });
    term.send("g  \x04");
    term.until("both are named", |s| {
        s.contains("delete 2 objects") && s.contains("· near") && s.contains("· far")
    });
    term.send("\x1b[C\r");
    term.until_shows("none of ");
    let gone = |demo: &Demo, name: &str| ask(demo, "GET", &format!("{JOBS}/{name}"), "").0;
    assert_eq!(gone(&two.near, "only-near"), 404);
    assert_eq!(gone(two.far(), "only-far"), 404);
    assert_eq!(same(&two.near).0, 200);
}

const KUEUE: &str = "/apis/kueue.x-k8s.io/v1beta2";

/// A cluster queue `team` of so many CPUs, with a queue of the same name in `default`.
fn queue(demo: &Demo, cpu: &str) {
    let made = |path: &str, object: Value| {
        let answer = ask(
            demo,
            "POST",
            &format!("{KUEUE}/{path}"),
            &object.to_string(),
        );
        assert_eq!(answer.0, 201, "{path}: {:?}", answer.1);
    };
    let object = |kind: &str, name: &str, spec: Value| {
        json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": kind,
            "metadata": {"name": name}, "spec": spec})
    };
    made(
        "resourceflavors",
        object("ResourceFlavor", "plain", json!({})),
    );
    let groups = json!([{"coveredResources": ["cpu"], "flavors": [
        {"name": "plain", "resources": [{"name": "cpu", "nominalQuota": cpu}]}]}]);
    let spec = json!({"namespaceSelector": {}, "resourceGroups": groups});
    made("clusterqueues", object("ClusterQueue", "team", spec));
    let local = object("LocalQueue", "team", json!({"clusterQueue": "team"}));
    made("namespaces/default/localqueues", local);
}

#[test]
fn a_queue_of_the_same_name_in_another_cluster_is_another() {
    let mut two = open("", "near,far");
    queue(&two.near, "20");
    queue(two.far(), "80");
    let term = &mut two.term;
    term.send("2");
    term.until("both, each with its own quota", |s| {
        s.contains("CLUSTER / QUEUE") && s.contains("0 / 20") && s.contains("0 / 80")
    });
    // near, its queue, its local queue, far, its queue
    term.send("gjjjj");
    term.until("the queue of far", |s| {
        s.contains("cluster queue team · in far")
    });
    term.send("p");
    term.until("where it is held", |s| {
        s.contains("[ Cancel ]") && s.contains("context far")
    });
    term.send("\x1b[C\r");
    term.until("its row says so", |s| {
        s.contains("hold") && !s.contains("[ Cancel ]")
    });
    let is_held = |demo: &Demo| {
        let queue = ask(demo, "GET", &format!("{KUEUE}/clusterqueues/team"), "").1;
        let stop = queue["spec"]["stopPolicy"].as_str();
        stop.is_some_and(|stop| stop.contains("Hold"))
    };
    assert!(is_held(two.far()) && !is_held(&two.near));
    // its manifest is its own too
    let term = &mut two.term;
    term.send("y");
    term.until_shows("kind: ClusterQueue");
    term.send("G");
    term.until("the quota of far", |s| {
        let mut lines = s.lines();
        lines.any(|line| line.contains("nominalQuota") && line.contains("80"))
    });
}

#[test]
fn a_context_that_is_read_only_stays_so_beside_others() {
    let settings = "[contexts.far]\nread-only = true\n[clusters]\nboth = [\"near\", \"far\"]\n";
    let mut two = open(settings, "@both");
    let term = &mut two.term;
    term.until_shows("read-only: far");
    term.send("/name:same\r");
    term.until("two rows", |s| !s.contains("only-") && s.contains("/2"));
    // both marked: only one may be deleted
    term.send("g  \x04");
    term.until("one is left out", |s| {
        s.contains("[ Cancel ]") && s.contains("read-only in context far")
    });
    term.send("\x1b[C\r");
    term.until("one row", |s| s.contains("/1") && !s.contains("[ Cancel ]"));
    assert_eq!((same(&two.near).0, same(two.far()).0), (404, 200));
    let term = &mut two.term;
    term.send("p");
    term.until_shows("read-only in context far");
    assert_ne!(same(two.far()).1["spec"]["suspend"], json!(true));
}

#[test]
fn one_that_is_lost_costs_its_own_rows_only_and_comes_back() {
    let mut two = open("", "near,far");
    let at = two.far().addr();
    two.far = None;
    two.term.until("it is said, and its rows stay", |s| {
        s.contains("far stale since") && s.contains("only-far") && s.contains("near")
    });
    // the other lives on
    let made = ask(&two.near, "POST", JOBS, &job("new-here").to_string());
    assert_eq!(made.0, 201);
    let screen = two.term.until_shows("new-here");
    assert!(screen.contains("only-far"), "{screen}");
    two.far = Some(serve("only-far", Some(at)));
    two.term.send("R");
    two.term.until("it is back", |s| !s.contains("stale"));
    let made = ask(two.far(), "POST", JOBS, &job("only-later").to_string());
    assert_eq!(made.0, 201);
    two.term.until_shows("only-later");
    // one alone, and all again
    two.term.send("KK");
    two.term.until("one alone", |s| {
        s.contains("only-later") && !s.contains("only-near")
    });
    two.term.send("K");
    two.term.until_shows("only-near");
}

#[test]
fn one_that_is_not_there_holds_nobody_up() {
    let near = serve("only-near", None);
    let home = tempfile::tempdir().expect("a folder");
    // nothing listens there: the port was free a moment ago
    let closed = serve("nobody", None).addr();
    let clusters = [("gone", closed), ("near", near.addr())];
    let config = kubeconfig(home.path(), &clusters);
    let config = config.to_str().expect("UTF-8").to_owned();
    let args = ["--kubeconfig", &config, "--context", "gone,near"];
    let mut term = Session::start(&args, (110, 30), home.path());
    term.until("the other one", |s| {
        s.contains("gone does not answer") && s.contains("only-near")
    });
    term.send("q");
    assert_eq!(term.until_ended(), 0);
}
