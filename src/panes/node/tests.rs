use serde_json::json;

use super::*;
use crate::model::delta::{Change, Delta, Rows, SourceId};
use crate::panes::fixture::{self, exporters};
use crate::panes::stage::Stage;

fn page(name: &str) -> Node {
    Node::new(fixture::key(name))
}

#[test]
fn looks() {
    exporters::on(&exporters::told(), |cx| {
        for (width, height) in fixture::SIZES {
            let mut pane = page("gpu-h100-2");
            let shot = fixture::shot(&mut pane, cx, width, height);
            insta::assert_snapshot!(format!("node_{width}x{height}"), shot);
        }
    });
}

#[test]
fn states() {
    fixture::in_all_states("node", || Box::new(page("gpu-a100-1")));
}

#[test]
fn its_pods_and_their_jobs_are_a_key_away() {
    let stage = Stage::new(fixture::model());
    let mut pane = page("gpu-h100-1");
    stage.draw(&mut pane, 160, 44);
    assert_eq!(pane.subjects(&stage.cx()), [fixture::key("gpu-h100-1")]);
    stage.act(&mut pane, Action::Open);
    let screen = stage.draw(&mut pane, 160, 44);
    assert!(screen.contains("llama-sft-0"), "{screen}");
    assert_ne!(pane.subjects(&stage.cx()), [fixture::key("gpu-h100-1")]);
    assert!(matches!(
        stage.act(&mut pane, Action::GoJob),
        Reply::Open(Target::Job(_))
    ));
    stage.act(&mut pane, Action::Back);
    let Reply::Open(Target::GpuMap(gpus::MapOf::Node(key))) =
        stage.act(&mut pane, Action::ShowGpus)
    else {
        panic!("it has GPUs");
    };
    assert_eq!(key, fixture::key("gpu-h100-1"));
}

/// What no row keeps comes from the object, once it is there.
#[test]
fn labels_and_the_system_come_from_the_object() {
    let stage = Stage::new(fixture::model());
    let mut pane = page("gpu-h100-1");
    let before = stage.draw(&mut pane, 100, 120);
    assert!(!before.contains("LABELS"), "{before}");
    let object = json!({
        "metadata": {"labels": {
            "team": "nlp", "nvidia.com/gpu.product": "NVIDIA-H100", "feature.node.kubernetes.io/cpu-cpuid.AVX": "true",
        }},
        "status": {
            "nodeInfo": {"osImage": "Ubuntu 24.04", "kernelVersion": "6.8.0", "containerRuntimeVersion": "containerd://2.1"},
            "addresses": [{"type": "InternalIP", "address": "10.0.0.7"}, {"type": "Hostname", "address": "gpu-h100-1"}],
        },
    });
    let want = Node::object_want(&"gpu-h100-1".into());
    let arrival = |object: &Result<Value, String>, pane: &mut Node| {
        pane.receive(
            &Arrival::Object {
                want: &want,
                object,
            },
            &stage.cx(),
        );
    };
    arrival(&Ok(object), &mut pane);
    let screen = stage.draw(&mut pane, 100, 120);
    for words in [
        "Ubuntu 24.04 · 6.8.0",
        "10.0.0.7",
        "team",
        "nlp",
        "and 1 of its hardware",
    ] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    assert!(!screen.contains("cpuid"), "{screen}");
    arrival(
        &Err("nodes: forbidden (needs get on nodes)".into()),
        &mut pane,
    );
    let screen = stage.draw(&mut pane, 100, 120);
    assert!(screen.contains("needs get on nodes"), "{screen}");
}

#[test]
fn what_keeps_pods_away_stands_first_and_a_node_that_went_is_remembered() {
    let mut model = fixture::model();
    let mut row = fixture::node("evil\u{1b}[2J", None, &[]);
    (row.ready, row.cordoned) = (false, true);
    row.not_ready_reason = Some("NodeStatusUnknown".into());
    row.taints = vec!["node.kubernetes.io/unreachable:NoExecute".into()];
    row.key.cluster = fixture::session().cluster;
    let key = row.key;
    let give = |rows| Delta {
        cluster: key.cluster,
        source: SourceId(77),
        rows: Rows::Nodes(rows),
    };
    model.apply(give(Change::Rows(vec![row])));
    let mut stage = Stage::new(model);
    let mut pane = Node::new(key);
    let screen = stage.draw(&mut pane, 80, 40);
    let first: Vec<&str> = screen.lines().skip(1).take(3).map(str::trim).collect();
    assert!(
        first[0].starts_with("not ready: NodeStatusUnknown"),
        "{screen}"
    );
    assert_eq!(
        first[1..],
        [
            "cordoned: no new pods",
            "taint node.kubernetes.io/unreachable:NoExecute"
        ]
    );
    assert!(!screen.contains('\u{1b}'));
    stage.model.apply(give(Change::Dropped));
    let screen = stage.draw(&mut pane, 80, 40);
    assert!(
        screen.contains("deleted; this is what was seen last"),
        "{screen}"
    );
    for (width, height) in [(1, 1), (10, 3), (40, 8), (300, 90)] {
        stage.draw(&mut pane, width, height);
    }
}

/// A node whose GPUs are a DRA driver's offers them in slices of devices, and nothing in its status.
#[test]
fn gpus_that_are_claimed_are_gpus() {
    use crate::model::dra::{Allotted, ClaimRow, DeviceRow, DraRows, SliceRow};
    let mut model = fixture::model();
    let node = fixture::node("gpu-dra-1", Some("NVIDIA-H200"), &[]);
    let job = model.jobs.get(fixture::key("llama-sft")).unwrap().clone();
    let mut pod = fixture::pod(&job, "claims-two", None, "gpu-dra-1", 60);
    pod.shape = crate::model::shape::Shape {
        claims: 1,
        ..Default::default()
    }
    .into();
    let device = |name: &str| DeviceRow {
        name: name.into(),
        kind: Some("gpu".into()),
        ..DeviceRow::default()
    };
    let slice = SliceRow {
        key: fixture::key("slice"),
        name: "slice".into(),
        driver: "gpu.nvidia.com".into(),
        pool: "gpu-dra-1".into(),
        generation: 1,
        slices: 1,
        node: Some("gpu-dra-1".into()),
        devices: ["a", "b", "c"].map(device).into(),
        counters: [].into(),
    };
    let allotted = |device: &str| Allotted {
        driver: "gpu.nvidia.com".into(),
        pool: "gpu-dra-1".into(),
        device: device.into(),
        consumed: [].into(),
    };
    let claim = ClaimRow {
        key: fixture::key("claim"),
        namespace: pod.namespace.clone(),
        name: "claim".into(),
        created: None,
        deleting: false,
        asks: Vec::new(),
        allocated: true,
        devices: ["a", "b"].map(allotted).into(),
        users: vec![("claims-two".into(), pod.key.uid)],
    };
    for rows in [
        Rows::Nodes(Change::Rows(vec![node])),
        Rows::Pods(Change::Rows(vec![pod])),
        Rows::Dra(DraRows::Slices(Change::Rows(vec![slice]))),
        Rows::Dra(DraRows::Claims(Change::Rows(vec![claim]))),
    ] {
        model.apply(Delta {
            cluster: fixture::session().cluster,
            source: SourceId(78),
            rows,
        });
    }
    let stage = Stage::new(model);
    let mut pane = page("gpu-dra-1");
    let screen = stage.draw(&mut pane, 200, 50);
    let cx = stage.cx();
    let answer = pane.answer(&cx).to_string();
    assert!(answer.contains("3 H200"), "{answer}");
    assert!(screen.contains("GPU USE"), "{screen}");
    let line = screen.lines().find(|line| line.contains("claims-two"));
    assert!(line.is_some_and(|line| line.contains("2 H200")), "{screen}");
    let asks = |pane: &dyn Pane| {
        let wants = pane.wants(&cx);
        wants.contains(&Want::GpuUse("gpu-dra-1".into()))
    };
    assert!(asks(&pane));
    // and the job that has them is asked about them
    let mut session = fixture::session();
    session.gpu_use.on = true;
    fixture::with(&stage.model, &session, |cx| {
        let wants = crate::panes::job::Job::new(job.key).wants(cx);
        assert!(
            wants.contains(&Want::GpuUse("gpu-dra-1".into())),
            "{wants:?}"
        );
    });
}
