//! The use of GPUs as the demo's own exporters tell it, asked over HTTP like those of any cluster: what comes out is what
//! the kubelets gave out, whatever the release and the make of the exporter.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jobdeck::cluster::gpu_use::Settings;
use jobdeck::cluster::source::Tuning;
use jobdeck::cluster::target::Target;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::demo::Demo;
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
use tokio::sync::mpsc;

use crate::harness::Client;

const HERE: ClusterId = ClusterId(0);
/// Whose exporter is of release 2.
const OLD: &str = "gpu-t4-1";

/// A client of the scene some minutes after its beginning, with all that the exporters of all nodes tell.
async fn asked() -> (Demo, Client, Vec<NodeRow>) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let demo = tokio::task::spawn_blocking(move || {
        let world = World::stepped(&Scene::default(), Duration::from_secs(600));
        Demo::start(any, world).expect("a free port")
    });
    let demo = demo.await.expect("a demo");
    let (out, reports) = mpsc::channel(CHANNEL);
    let options = Options {
        tuning: Tuning {
            gpu_use: Settings {
                nodes: 100,
                ..Settings::default()
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
    let mut client = Client::over(cluster, reports);
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
    (demo, client, nodes)
}

fn told<'a>(client: &'a Client, name: &Name) -> Option<&'a Node> {
    client.model.gpu_use.node(HERE, name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_demos_exporters_tell_is_what_its_kubelets_gave_out() {
    let (_demo, client, nodes) = asked().await;
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
    let (_demo, client, _) = asked().await;
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
