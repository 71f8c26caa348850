use chrono::TimeDelta;

use super::*;
use crate::model::Model;
use crate::model::delta::{Delta, Rows, SourceId};
use crate::model::gpu_use::reading::{
    DeviceId, DeviceRow, Heard, Holder, NodeUse, Reading, Reason, Trouble,
};
use crate::panes::{Pane, fixture};

fn device(node: u16, n: u16, pod: &str, engine: f32, used: f32) -> DeviceRow {
    DeviceRow {
        id: DeviceId {
            uuid: format!("GPU-{node}{n}").into(),
            slice: None,
        },
        index: Some(n),
        product: "NVIDIA H100 80GB HBM3".into(),
        holders: vec![Holder {
            namespace: "nlp".into(),
            pod: pod.into(),
            container: "main".into(),
            ..Holder::default()
        }],
        reading: Reading {
            engine: Some(engine),
            tensor: Some(engine * 0.45),
            used: Some(used),
            free: Some(81_559.0 - used),
            watts: Some(90.0 + engine * 600.0),
            celsius: Some(34.0 + engine * 40.0),
            xid: Some(0),
            ..Reading::default()
        },
    }
}

fn tell(model: &mut Model, node: &str, ago: i64, heard: Heard) {
    let of = NodeUse {
        node: node.into(),
        at: fixture::now() - TimeDelta::seconds(ago),
        every: 20,
        heard,
    };
    model.apply(Delta {
        cluster: ClusterId(0),
        source: SourceId(77),
        rows: Rows::GpuUse(Box::new(of)),
    });
}

/// Four nodes: one at work, one with an idle GPU and one that fell off the bus, one that may not be asked, one that has
/// not answered yet.
fn model() -> Model {
    let mut model = fixture::model();
    let pod = |n: u16| format!("llama-sft-{}-zq{}pw", n - 1, n - 1);
    for ago in (0..=1900).rev().step_by(20) {
        let wave = 0.6 + 0.39 * ((ago / 20 % 9) as f32 / 8.0);
        let busy = (0..8)
            .map(|n| device(1, n, &pod(1), wave, 71_000.0))
            .collect();
        let told = |devices| Heard::Told { devices, but: None };
        tell(&mut model, "gpu-h100-1", ago, told(busy));
        let mut some: Vec<_> = (0..8)
            .map(|n| device(2, n, &pod(2), wave, 71_000.0))
            .collect();
        some[3] = device(2, 3, &pod(2), 0.0, 40_960.0);
        some[5].reading.xid = Some(if ago < 300 { 79 } else { 0 });
        tell(&mut model, "gpu-h100-2", ago, told(some));
    }
    let trouble = Trouble {
        reason: Reason::Forbidden,
        text: "exporter gpu-operator/dcgm-x may not be asked: get on pods/proxy in namespace gpu-operator is needed (README, \"Use of GPUs\", has the role)".into(),
    };
    tell(&mut model, "gpu-h100-3", 5, Heard::Not(trouble));
    model
}

fn on(model: &Model, f: impl FnOnce(&Cx)) {
    let mut session = fixture::session();
    session.gpu_use.on = true;
    fixture::with(model, &session, f);
}

#[test]
fn looks() {
    let model = model();
    on(&model, |cx| {
        for (width, height) in fixture::SIZES {
            let mut pane = Job::new(fixture::key("llama-sft"));
            let shot = fixture::shot(&mut pane, cx, width, height);
            insta::assert_snapshot!(format!("job_gpus_{width}x{height}"), shot);
        }
        let mut nodes = crate::panes::nodes::Nodes::new();
        let shot = fixture::shot(&mut nodes, cx, 160, 20);
        insta::assert_snapshot!("nodes_gpu_use_160x20", shot);
    });
}

#[test]
fn it_says_what_is_idle_broken_and_unknown() {
    let model = model();
    on(&model, |cx| {
        let pane = Job::new(fixture::key("llama-sft"));
        let gpus = look(&pane, cx).unwrap();
        let summary = gpus.summary(cx);
        assert!(summary.starts_with("16 · "), "{summary}");
        assert!(
            summary.contains("1 idle for 30 min or more · 1 in trouble"),
            "{summary}"
        );
        assert_eq!(gpus.unknown.len(), 2, "{:?}", gpus.unknown);
        assert!(
            gpus.unknown[0]
                .0
                .starts_with("gpu-h100-3: exporter gpu-operator/dcgm-x")
        );
        assert_eq!(gpus.unknown[1].0, "waiting for the exporters of 1 node");
        let wants = wants(&pane, cx);
        let nodes = [1, 2, 3, 4].map(|n| Want::GpuUse(format!("gpu-h100-{n}").into()));
        assert_eq!(wants, nodes);
    });
}

#[test]
fn off_asks_nothing_and_says_which_key_asks() {
    let model = model();
    fixture::with_cx(&model, |cx| {
        let mut pane = Job::new(fixture::key("llama-sft"));
        let shot = fixture::shot(&mut pane, cx, 120, 40);
        assert!(
            shot.contains("what its GPUs do is not read (U asks"),
            "{shot}"
        );
        assert!(!shot.contains(" gpus "), "{shot}");
        let wants = pane.wants(cx);
        assert!(!wants.iter().any(Want::is_gpu_use));
    });
}
