//! What keeps a scene alive after its script: new jobs at a calm pace, endlessly, from the seed.

use serde_json::json;

use super::script::{self, Entry};
use crate::api::write::Random;

/// Names, classes and programs that arrivals are put together from.
const PROJECTS: &[(&str, &[&str])] = &[
    (
        "ml-team-a",
        &[
            "resnet-depth-sweep",
            "asr-noise-augment",
            "t5-prompt-tuning",
            "yolo-hard-negatives",
        ],
    ),
    (
        "ml-team-b",
        &[
            "reward-ablation",
            "dpo-beta-scan",
            "sft-data-mix",
            "kl-schedule",
        ],
    ),
    (
        "research",
        &[
            "sparse-attention",
            "seed-study",
            "optimizer-bakeoff",
            "rope-scaling",
        ],
    ),
    (
        "inference",
        &[
            "embed-backfill",
            "judge-shadow",
            "quant-check",
            "rerank-nightly",
        ],
    ),
    (
        "data-platform",
        &[
            "compact-logs",
            "tokenize-delta",
            "feature-backfill",
            "dedup-delta",
        ],
    ),
    ("default", &["scratch-run", "sanity-check"]),
];

const KINDS: &[(&str, &str, &str)] = &[
    (
        "c1 p1 b2",
        "t4:1 cpu:4 mem:16",
        "--style epoch --step-time 0.8 --log-every 20 --loss 4.4:0.9 --gpu Tesla-T4",
    ),
    (
        "c1 p1 b2",
        "a100:2 cpu:16 mem:120",
        "--style hf --step-time 1.2 --log-every 20 --loss 1.7:0.8",
    ),
    (
        "c8 p4 indexed i1",
        "mig1:1 cpu:3 mem:16",
        "--style json --step-time 0.9 --log-every 10 --loss 1.1:0.4",
    ),
    (
        "c12 p4 indexed i1",
        "cpu:4 mem:8",
        "--style shards --step-time 4 --log-every 1",
    ),
    (
        "c6 p3 b4",
        "l4s:1 cpu:3 mem:10",
        "--style eval --step-time 5 --log-every 1",
    ),
    (
        "c4 p2 indexed b3",
        "a100:1 cpu:8 mem:60",
        "--style bar --step-time 1.1 --log-every 30 --loss 2.2:1.1",
    ),
    (
        "c1 p1 b1",
        "h100:4 cpu:32 mem:300",
        "--style iter --step-time 1.3 --log-every 10 --loss 3.3:2.1 --gpu NVIDIA-H100-80GB-HBM3",
    ),
];

const FAULTS: &[&str] = &["cuda-oom", "oom", "nan", "data", "bug", "nccl"];

/// The next arrival: minutes until it comes, and what it is. `serial` keeps names apart.
pub fn next(random: &mut Random, serial: u64) -> (f64, Entry) {
    let pick = |random: &mut Random, n: usize| random.below(n as u64) as usize;
    let (namespace, names) = PROJECTS[pick(random, PROJECTS.len())];
    let name = format!("{}-{serial}", names[pick(random, names.len())]);
    let (shape, resources, program) = KINDS[pick(random, KINDS.len())];
    let slow = program.contains("shards") || program.contains("eval");
    let steps = if slow {
        20 + random.below(60)
    } else {
        400 + random.below(1800)
    };
    let mut program = format!("--model {name} --steps {steps} {program}");
    if random.unit() < 0.22 {
        let fault = FAULTS[pick(random, FAULTS.len())];
        program.push_str(&format!(
            " --fail {fault} --fail-at {} --flaky 0.5",
            steps / 3
        ));
    }
    // Finished arrivals go after a while, so that the scene stays as large as it is.
    let shape = format!("{shape} t{}", 2400 + random.below(4800));
    let entry = Entry {
        minute: 0.0,
        namespace: namespace.to_owned(),
        manifests: vec![json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": namespace}},
            "spec": script::job_spec(&name, &shape, resources, &program),
        })],
    };
    (1.5 + 5.0 * random.unit(), entry)
}
