//! The manifests of the default scene: what is not a plain Job is written out as users write it, a file each.

use serde_json::Value;

use crate::api::decode;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("workloads/", $name)))),*]
    };
}

/// Every file of the folder.
const FILES: &[(&str, &str)] = files![
    "ablation-grid.yaml",
    "agent-gym.yaml",
    "bert-distill.yaml",
    "claims-inference.yaml",
    "claims-research.yaml",
    "claims-watch.yaml",
    "clip-retrieval.yaml",
    "detr-ddp.yaml",
    "dlrm-wide-deep.yaml",
    "east-queues.yaml",
    "fraud-boosting-week34.yaml",
    "gemma3-jax-pretrain.yaml",
    "hvd-resnet50-bench.yaml",
    "keras-census.yaml",
    "kueue-clusters.yaml",
    "kueue-queues.yaml",
    "mcmc-chains.yaml",
    "mnist-ddp.yaml",
    "moe-mpi-parked.yaml",
    "moe-shards.yaml",
    "osu-allreduce.yaml",
    "ppo-arena.yaml",
    "ppocr-v5-finetune.yaml",
    "qwen3-sft.yaml",
    "ranker-refresh.yaml",
    "ray-dedup-images.yaml",
    "ray-embed-faq.yaml",
    "ray-notebooks.yaml",
    "ray-serve-canary.yaml",
    "ray-sim-rollouts.yaml",
    "ray-tune-ppo.yaml",
    "rlhf-nightly.yaml",
    "sd3-lora-elastic.yaml",
    "sglang-deepseek.yaml",
    "slm-pretrain.yaml",
    "train-runtimes.yaml",
    "vllm-qwen3.yaml",
];

/// The documents of a file; `None` if there is no such file or it is not YAML.
pub fn read(name: &str) -> Option<Vec<Value>> {
    let (_, text) = FILES.iter().find(|(file, _)| *file == name)?;
    let parts = text.split("\n---\n");
    parts.map(|doc| decode::yaml(doc.as_bytes()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::DEFAULT;
    use crate::scenario::east::TABLE as EAST;

    #[test]
    fn every_file_is_listed_and_played() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenario/workloads");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(listed, there);
        for (name, _) in FILES {
            let docs = read(name).unwrap_or_else(|| panic!("{name} is not YAML"));
            assert!(docs.iter().all(|d| d["kind"].is_string()), "{name}");
            let line = format!("@{name}");
            let played = [DEFAULT, EAST].iter().any(|table| table.contains(&line));
            assert!(played, "{name} is in no line");
        }
    }
}
