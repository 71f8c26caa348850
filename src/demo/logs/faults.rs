//! The last words of runs that fail, one shape per fault.

use crate::controllers::program::train::{Fault, Training};

/// What is printed when a run fails at a step.
pub fn last_words(t: &Training, step: u64, fault: Fault) -> Vec<String> {
    let rank = t.rank;
    let trace = |what: &str, line: &str, error: String| {
        vec![
            "Traceback (most recent call last):".to_owned(),
            format!(
                "  File \"/workspace/train.py\", line {}, in <module>",
                180 + t.seed % 60
            ),
            "    main()".to_owned(),
            format!(
                "  File \"/workspace/{what}\", line {}, in {line}",
                40 + t.seed % 300
            ),
            error,
        ]
    };
    match fault {
        Fault::CudaOom => trace("model.py", "forward", format!(
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {:.2} GiB. GPU 0 has a total capacity of {} GiB of which {:.2} MiB is free. Of the allocated memory {:.2} GiB is allocated by PyTorch.",
            1.0 + 3.0 * t.noise(step, 1), capacity(&t.gpu), 40.0 + 900.0 * t.noise(step, 2), capacity(&t.gpu) - 1.7)),
        Fault::Oom => Vec::new(),
        Fault::Nccl => vec![
            format!("[rank{rank}]:[E ProcessGroupNCCL.cpp:632] [Rank {rank}] Watchdog caught collective operation timeout: WorkNCCL(SeqNum={}, OpType=ALLREDUCE, NumelIn=25557032, NumelOut=25557032, Timeout(ms)=600000) ran for 600031 milliseconds before timing out.", step * 3),
            format!("[rank{rank}]:[E ProcessGroupNCCL.cpp:684] Some NCCL operations have failed or timed out; to keep data consistent the process is taken down."),
            "Fatal Python error: Aborted".to_owned(),
        ],
        Fault::Nan => vec![
            format!("loss has not been a finite number since step {step}"),
            "giving up: lower the learning rate or check the last shards".to_owned(),
        ],
        Fault::Data => trace("data.py", "open_shard", format!(
            "FileNotFoundError: [Errno 2] No such file or directory: '/data/{}/shard-{:05}.parquet'", t.model, t.seed % 2048)),
        Fault::Xid => trace("train.py", "step", "RuntimeError: CUDA error: uncorrectable ECC error encountered".to_owned()),
        Fault::Bug => trace("train.py", "collate", "RuntimeError: stack expects each tensor to be equal size, but got [512] at entry 0 and [498] at entry 7".to_owned()),
    }
}

fn capacity(gpu: &str) -> f64 {
    match gpu {
        g if g.contains("H100") || g.contains("80GB") => 79.15,
        g if g.contains("L4") => 22.03,
        g if g.contains("T4") => 14.56,
        g if g.contains("MI300X") => 191.69,
        _ => 39.38,
    }
}
