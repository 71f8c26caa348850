//! The use of GPUs as the demo's own exporters tell it, asked over HTTP like those of any cluster: what comes out is what
//! the kubelets gave out, whatever the release and the make of the exporter.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jobdeck::cluster::gpu_use::Settings;
use jobdeck::cluster::source::Tuning;
use jobdeck::cluster::target::Target;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::demo::Demo;
use jobdeck::demo::http::faults::Switchboard;
use jobdeck::demo::scenario::Options as Scene;
use jobdeck::demo::world::World;
use jobdeck::model::capacity::cards::{State, cards};
use jobdeck::model::gpu_use::reading::Reason;
use jobdeck::model::gpu_use::{Device, Node};
use jobdeck::model::health::Health;
use jobdeck::model::ids::{ClusterId, Name};
use jobdeck::model::node::NodeRow;
use jobdeck::model::pod::PodPhase;
use jobdeck::model::want::{Kind, Selector, Want};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::Client;
use crate::served::still;

const HERE: ClusterId = ClusterId(0);
/// Whose exporter is of release 2.
const OLD: &str = "gpu-t4-1";

/// A scene of one's own, to be changed, at a switchboard.
async fn scene() -> (Demo, Switchboard) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let board = Switchboard::default();
    let own = board.clone();
    let demo = tokio::task::spawn_blocking(move || {
        let world = World::stepped(&Scene::default(), Duration::from_secs(600));
        Demo::start_faulty(any, world, own).expect("a free port")
    });
    (demo.await.expect("a demo"), board)
}

/// A client that may ask about every node.
async fn client(demo: &Demo, gpu_use: Settings) -> Client {
    let (out, reports) = mpsc::channel(CHANNEL);
    let options = Options {
        tuning: Tuning {
            gpu_use: Settings {
                nodes: 100,
                ..gpu_use
            },
            ..Tuning::default()
        },
        ..Options::default()
    };
    let url = format!("http://{}", demo.addr());
    let target = Target::plain(url.parse().expect("a URL"), "demo");
    let cluster = Cluster::open(target, options, out)
        .await
        .expect("a cluster");
    Client::over(cluster, reports)
}

/// A client with all that the exporters of all nodes tell.
async fn asked() -> (Client, Vec<NodeRow>) {
    let mut client = client(still(), Settings::default()).await;
    let watches = [Kind::Node, Kind::Pod].map(|kind| Want::Watch(kind, Selector::All));
    client.cluster.want(None, &watches);
    client
        .until("nodes and pods", |c| {
            let live = |kind| {
                let mut all = c.health.iter();
                all.any(|h| h.kind == kind && h.health == Health::Live)
            };
            live(Kind::Node) && live(Kind::Pod)
        })
        .await;
    let with_gpus = |n: &&NodeRow| {
        n.labels.has_key("nvidia.com/gpu.deploy.dcgm-exporter") || n.name.starts_with("gpu-mi")
    };
    let nodes: Vec<NodeRow> = client
        .model
        .nodes
        .rows()
        .filter(with_gpus)
        .cloned()
        .collect();
    assert!(nodes.len() > 20, "{}", nodes.len());
    let mut wants = watches.to_vec();
    wants.extend(nodes.iter().map(|n| Want::GpuUse(n.name.clone())));
    client.cluster.want(None, &wants);
    client
        .until("all heard of", |c| {
            nodes.iter().all(|n| told(c, &n.name).is_some())
        })
        .await;
    (client, nodes)
}

fn told<'a>(client: &'a Client, name: &Name) -> Option<&'a Node> {
    client.model.gpu_use.node(HERE, name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_demos_exporters_tell_is_what_its_kubelets_gave_out() {
    let (client, nodes) = asked().await;
    let model = &client.model;
    let (mut busy, mut quiet, mut heard) = (0, 0, 0);
    for row in &nodes {
        let node = told(&client, &row.name).expect("heard of");
        if !row.ready {
            let reason = node.trouble.as_ref().map(|t| t.reason);
            assert_eq!(reason, Some(Reason::Unreachable), "{}", row.name);
            continue;
        }
        assert_eq!(node.trouble, None, "{}", row.name);
        heard += 1;
        assert!(!node.devices().is_empty(), "{}", row.name);
        for device in node.devices() {
            possible(&row.name, device);
            match device.reading.activity() {
                Some((part, _)) if part > 0.5 => busy += 1,
                Some((part, _)) if part <= 0.0 => quiet += 1,
                _ => {}
            }
        }
    }
    assert!(
        heard > 20 && busy > 15 && quiet > 15,
        "{heard} {busy} {quiet}"
    );
    // a pod that the kubelet says has whole cards has as many on its exporter
    let mut pods = 0;
    for pod in model.pods.rows().filter(|p| p.phase == PodPhase::Running) {
        let Some(node) = pod.node.as_ref().and_then(|name| told(&client, name)) else {
            continue;
        };
        let row = nodes.iter().find(|n| Some(&n.name) == pod.node.as_ref());
        let cut = row.is_none_or(|n| {
            let of_pod = cards(model, n);
            let of_pod = of_pod.iter().flat_map(|card| &card.parts);
            let mut of_pod = of_pod.filter(|part| part.pod == Some(pod.key));
            of_pod.any(|part| !part.unit.is_whole() || part.state == State::Sick)
        });
        let devices: u32 = pod.shape.plugged().map(|(_, n)| *n).sum();
        if node.told.is_none() || cut || devices == 0 {
            continue;
        }
        pods += 1;
        assert_eq!(
            model.gpu_use.of_pod(pod).count() as u32,
            devices,
            "{} on {:?}",
            pod.name,
            pod.node
        );
    }
    assert!(pods > 8, "{pods}");
}

/// No value that stands for none came through.
fn possible(node: &str, device: &Device) {
    let reading = device.reading;
    let parts = [reading.engine, reading.util, reading.tensor, reading.dram];
    for part in parts.into_iter().flatten() {
        assert!((0.0..=1.0).contains(&part), "{node}: {reading:?}");
    }
    assert!(
        reading.watts.is_none_or(|w| w < 1500.0),
        "{node}: {reading:?}"
    );
    assert!(
        reading.celsius.is_none_or(|c| c < 120.0),
        "{node}: {reading:?}"
    );
    assert!(
        reading.memory().is_none_or(|mib| mib < 300_000.0),
        "{node}: {reading:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_exporter_that_writes_blanks_says_nothing_there() {
    let (client, _) = asked().await;
    let node = told(&client, &OLD.into()).expect("heard of");
    let device = |index| {
        let mut all = node.devices().iter();
        all.find(|d| d.index == Some(index))
            .expect("a card")
            .reading
    };
    let (blank, other) = (device(0), device(1));
    assert_eq!(blank.watts, None, "{blank:?}");
    assert!(other.watts.is_some_and(|w| w > 1.0), "{other:?}");
    // it does not collect these at all, and activity is told from utilisation then
    assert_eq!((blank.engine, blank.tensor), (None, None));
    assert!(blank.util.is_some());
}

/// AMD's exporter writes other names, other labels and other units.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amds_exporter_tells_the_same_things() {
    let (client, nodes) = asked().await;
    let amd: Vec<&NodeRow> = nodes
        .iter()
        .filter(|n| n.name.starts_with("gpu-mi"))
        .collect();
    assert!(!amd.is_empty());
    let (mut held, mut busy, mut cut) = (0, 0, 0);
    for row in amd {
        let node = told(&client, &row.name).expect("heard of");
        assert_eq!((&node.trouble, node.devices().len() >= 8), (&None, true));
        for device in node.devices() {
            let r = device.reading;
            let known = [r.used, r.free, r.celsius];
            assert!(known.iter().all(Option::is_some), "{r:?}");
            assert!(device.product.contains("MI3"), "{}", device.product);
            // it has no engine activity: use is what it calls gfx activity, and of partitions nobody tells that
            assert_eq!(r.engine, None);
            assert_eq!(r.util.is_some(), device.id.slice.is_none(), "{r:?}");
            assert_eq!(r.activity().is_some(), r.util.is_some());
            cut += usize::from(device.id.slice.is_some());
            held += usize::from(!device.holders.is_empty());
            busy += usize::from(r.activity().is_some_and(|(part, _)| part > 0.5));
        }
    }
    assert!(
        held > 0 && busy > 0 && cut > 0,
        "{held} held, {busy} busy, {cut} cut"
    );
}

/// The exporter of a node, as the cluster has it.
fn exporter_of(demo: &Demo, node: &str, change: impl FnOnce(&mut Value)) {
    let mut world = demo.shared().lock();
    let store = &mut world.cluster_mut().store;
    let pods = store.kind_id("", "pods").expect("pods");
    let found = store.list(pods, Some("gpu-operator"));
    let found: Vec<Value> = found.map(|pod| pod.value()).collect();
    let mut pod = found
        .into_iter()
        .find(|pod| {
            pod["spec"]["nodeName"] == node
                && pod["metadata"]["labels"]["app"] == "nvidia-dcgm-exporter"
        })
        .expect("one");
    change(&mut pod);
    store.put(pods, pod);
}

const NODE: &str = "gpu-a100-0";

async fn heard(demo: &Demo, settings: Settings, of: &str) -> Client {
    let mut client = client(demo, settings).await;
    client.cluster.want(None, &[Want::GpuUse(of.into())]);
    client
        .until("heard of it", |c| told(c, &of.into()).is_some())
        .await;
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exporter_behind_tls_is_read_as_well() {
    let (demo, _) = scene().await;
    let tls = "--web-config-file=/etc/dcgm-exporter/web.yaml";
    exporter_of(&demo, NODE, |pod| {
        pod["spec"]["containers"][0]["args"] = json!([tls]);
    });
    let client = heard(&demo, Settings::default(), NODE).await;
    let node = told(&client, &NODE.into()).expect("heard of");
    assert_eq!((&node.trouble, node.devices().len()), (&None, 8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_ask_and_who_gets_no_answer_is_told_why() {
    let (demo, board) = scene().await;
    let behind = "/api/v1/namespaces/gpu-operator/pods/";
    let settings = Settings {
        timeout: Duration::from_millis(700),
        ..Settings::default()
    };
    for (fault, reason, words) in [
        (
            "error=403",
            Reason::Forbidden,
            "get on pods/proxy in namespace gpu-operator is needed",
        ),
        (
            "stall",
            Reason::Unreachable,
            "a network policy may keep the API server from port 9400",
        ),
        // half an answer
        ("mute", Reason::Unreachable, "does not answer within"),
        ("cut=2000", Reason::Server, "trying again"),
        ("error=503", Reason::Unreachable, "does not answer"),
    ] {
        board.clear();
        board.say(&format!("{fault}@{behind}")).unwrap();
        let client = heard(&demo, settings.clone(), NODE).await;
        let node = told(&client, &NODE.into()).expect("heard of");
        let trouble = node.trouble.as_ref().expect("something is wrong");
        assert_eq!(trouble.reason, reason, "{fault}: {}", trouble.text);
        assert!(trouble.text.contains(words), "{fault}: {}", trouble.text);
        assert!(node.devices().is_empty(), "{fault}");
    }
    // and when it is over, it is over
    board.clear();
    let client = heard(&demo, Settings::default(), NODE).await;
    let node = told(&client, &NODE.into()).expect("heard of");
    assert_eq!((&node.trouble, node.devices().len()), (&None, 8));
}
