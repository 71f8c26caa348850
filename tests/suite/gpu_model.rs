//! GPUs from the outside: devices that are claimed over HTTP, and what `get gpus` and `fit` print on the demo cluster.

use std::collections::BTreeMap;

use jobdeck::cluster::target::Target;
use jobdeck::cluster::{self, CHANNEL, Cluster};
use jobdeck::model::capacity::holders::{By, ledger};
use jobdeck::model::dra::DraKind;
use jobdeck::model::health::Health;
use jobdeck::model::ids::ClusterId;
use jobdeck::model::want::{Kind, Selector, Want};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::Client;
use crate::scripted::Server;
use crate::served::{Served, still};

fn wants() -> Vec<Want> {
    let watch = |kind| Want::Watch(Kind::Dra(kind), Selector::All);
    let mut all: Vec<Want> = DraKind::ALL.map(watch).into();
    all.push(Want::Workloads);
    all
}

fn health(client: &Client, kind: DraKind) -> Option<&Health> {
    let mut all = client.health.iter().rev();
    all.find(|h| h.kind == Kind::Dra(kind)).map(|h| &h.health)
}

fn slice() -> Value {
    json!({
        "metadata": {"name": "n1-gpu"},
        "spec": {
            "driver": "gpu.nvidia.com", "nodeName": "n1",
            "pool": {"name": "n1", "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-0", "basic": {"attributes": {"type": {"string": "gpu"}}}}],
        },
    })
}

#[tokio::test]
async fn devices_come_and_go_in_the_version_served() {
    let server = Server::start();
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &wants());
    let absent = |c: &Client| {
        DraKind::ALL
            .iter()
            .all(|k| health(c, *k) == Some(&Health::Absent))
    };
    client.until("told that there are none", absent).await;
    let at = "resource.k8s.io/v1beta1/resourceslices";
    server.serve(at);
    server.put_custom(at, slice());
    client.until("a slice", |c| c.model.slices.len() == 1).await;
    let row = client.model.slices.rows().next().unwrap();
    assert_eq!(
        (&*row.driver, row.node.as_deref()),
        ("gpu.nvidia.com", Some("n1"))
    );
    server.withdraw(at);
    client.until("it gone", |c| c.model.slices.is_empty()).await;
    assert!(client.notices.is_empty(), "{:?}", client.notices);
}

#[tokio::test]
async fn who_may_not_see_devices_hears_nothing_of_it() {
    let server = Server::start();
    let (slices, claims) = (
        "resource.k8s.io/v1/resourceslices",
        "resource.k8s.io/v1/resourceclaims",
    );
    for at in [slices, claims] {
        server.serve(at);
        server.put_custom(at, json!({"metadata": {"name": "c", "namespace": "ml"}}));
    }
    // of claims those of the own namespace may be read
    let wide = [format!("/apis/{slices}"), format!("=/apis/{claims}")];
    server.state().forbidden.extend(wide);
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &wants());
    client
        .until("own claims, no slices", |c| {
            let forbidden = matches!(
                health(c, DraKind::ResourceSlice),
                Some(Health::Forbidden { .. })
            );
            forbidden && c.model.claims.len() == 1
        })
        .await;
    assert!(client.notices.is_empty(), "{:?}", client.notices);
}

/// Those that have theirs by claims are no exception.
#[tokio::test(flavor = "multi_thread")]
async fn a_workload_has_as_many_gpus_as_the_ledger_says() {
    let demo = still();
    let target = Target::plain(format!("http://{}", demo.addr()).parse().unwrap(), "demo");
    let (out, reports) = mpsc::channel(CHANNEL);
    let cluster = Cluster::open(target, cluster::Options::default(), out)
        .await
        .unwrap();
    let mut client = Client::over(cluster, reports);
    let mut wants = wants();
    let core = [Kind::Job, Kind::Pod, Kind::Node];
    wants.extend(core.map(|kind| Want::Watch(kind, Selector::All)));
    client.cluster.want(None, &wants);
    let claimed = |c: &Client| -> Vec<(String, u64, u64)> {
        let model = &c.model;
        let jobs = ledger(model, ClusterId(0), By::Workload).into_iter();
        let jobs = jobs.filter_map(|holder| {
            let job = model.jobs.get(holder.key?)?;
            let held: u64 = holder.held.values().map(|held| held.count).sum();
            let by_claim = job.gpus().is_empty();
            by_claim.then(|| {
                (
                    job.name.to_string(),
                    u64::from(model.gpus(job).total()),
                    held,
                )
            })
        });
        jobs.collect()
    };
    client
        .until("as many as are held", |c| {
            let all = claimed(c);
            let video = all.iter().any(|(name, ..)| name == "video-diffusion-h200");
            video && all.iter().all(|(_, shown, held)| shown == held)
        })
        .await;
}

fn jobdeck(args: &[&str]) -> (i32, String, String) {
    let home = tempfile::tempdir().expect("a folder");
    let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .env_clear()
        .env("HOME", home.path())
        .args(args)
        .output()
        .expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("it ended by itself");
    (code, text(output.stdout), text(output.stderr))
}

fn json(args: &[&str]) -> Value {
    let (code, out, err) = jobdeck(args);
    assert_eq!((code, &*err), (0, ""), "{args:?}");
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn every_node_with_gpus_adds_up() {
    let demo = Served::shared();
    let file = demo.kubeconfig.to_str().expect("UTF-8");
    let get = ["get", "gpus", "--kubeconfig", file, "-o"];
    let nodes = json(&[&get[..], &["json"]].concat());
    let nodes = nodes.as_array().expect("rows");
    assert!(!nodes.is_empty());
    let mut held = 0;
    for node in nodes {
        let mut used: BTreeMap<String, u64> = BTreeMap::new();
        for holder in node["holders"].as_array().expect("holders") {
            for (resource, n) in holder["resources"].as_object().expect("a map") {
                *used.entry(resource.clone()).or_default() += n.as_u64().expect("a number");
            }
        }
        for (resource, r) in node["resources"].as_object().expect("a map") {
            let n = |field: &str| r[field].as_u64().expect("a number");
            assert_eq!(
                n("sick"),
                n("capacity").saturating_sub(n("allocatable")),
                "{node}"
            );
            assert_eq!(
                n("over"),
                n("used").saturating_sub(n("allocatable")),
                "{node}"
            );
            assert!(
                n("free") <= n("allocatable").saturating_sub(n("used")),
                "{node}"
            );
            held += n("used");
            // of claims the holders stand under the driver, whatever they have of it
            let plugged = resource
                .split_once('/')
                .is_some_and(|(vendor, _)| vendor.matches('.').count() == 1);
            if plugged && node["resources"].as_object().map_or(0, |r| r.len()) == 1 {
                assert_eq!(
                    used.get(resource).copied().unwrap_or(0),
                    n("used"),
                    "{resource} of {node}"
                );
            }
        }
    }
    assert!(held > 0, "nobody holds anything in the demo");
    let (_, table, _) = jobdeck(&[&get[..], &["wide"]].concat());
    assert_eq!(table.lines().count(), nodes.len() + 1);
    assert!(
        table.starts_with("NODE  ") && table.contains("HOLDERS"),
        "{table}"
    );
}

#[test]
fn what_fits_is_said_and_what_is_in_the_way() {
    let demo = Served::shared();
    let file = demo.kubeconfig.to_str().expect("UTF-8");
    let on = |args: &[&'static str]| {
        let mut all: Vec<&str> = args.to_vec();
        all.extend(["-A", "--kubeconfig", file]);
        all
    };
    let one = json(&on(&["fit", "--gpu", "1", "-o", "json"]));
    let pods: u64 = one["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["pods"].as_u64().unwrap())
        .sum();
    assert_eq!(one["pods"].as_u64(), Some(pods));
    assert_eq!(one["fits"], json!(pods > 0));
    let many = json(&on(&[
        "fit", "--gpu", "8", "--cpu", "32", "--memory", "64Gi", "--nodes", "1000", "-o", "json",
    ]));
    assert_eq!(
        (&many["fits"], &many["wanted"]),
        (&json!(false), &json!(1000))
    );
    assert!(
        many["almost"]
            .as_array()
            .unwrap()
            .iter()
            .all(|n| !n["blocks"].as_array().unwrap().is_empty())
    );
    let (code, text, _) = jobdeck(&on(&["fit", "--gpu", "1", "--product", "no such card"]));
    assert_eq!(
        (code, text.as_str()),
        (
            0,
            "1 GPU, on no such card: fits nowhere: no node has such devices\n"
        )
    );
    // wrong usage
    for args in [
        &["fit"][..],
        &["fit", "--gpu", "many"],
        &["fit", "--gpu", "1", "--memory", "1x"],
        &["fit", "job/a", "--gpu", "1"],
    ] {
        assert_eq!(jobdeck(args).0, 2, "{args:?}");
    }
    let (code, _, err) = jobdeck(&on(&["fit", "job/nobody"]));
    assert!(code == 1 && err.contains("no job/nobody here"), "{err}");
}
