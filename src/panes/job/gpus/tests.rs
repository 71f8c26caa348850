use super::*;
use crate::panes::fixture::exporters::{on, told};
use crate::panes::{Pane, fixture};

#[test]
fn looks() {
    let model = told();
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
    let model = told();
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
    let model = told();
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
