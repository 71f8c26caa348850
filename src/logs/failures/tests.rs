use rstest::rstest;

use super::*;

fn found(log: &str) -> Vec<Found> {
    let mut failures = Failures::default();
    let mut all = Vec::new();
    for (index, line) in log.lines().enumerate() {
        all.extend(failures.line(index as u64 + 1, line));
    }
    all.extend(failures.finish());
    all
}

#[rstest]
#[case(
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.50 GiB. GPU 2 has a total capacity of 39.39 GiB of which 211.06 MiB is free.",
    Failure::CudaOom,
    "GPU 2 ran out of memory: 1.50 GiB asked for, 211.06 MiB free of 39.39 GiB"
)]
#[case(
    "[rank7]:[E1124 03:02:01.1 ProcessGroupNCCL.cpp:6] [Rank 7] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=8, OpType=ALLREDUCE, Timeout(ms)=600000) ran for 600120 milliseconds before timing out.",
    Failure::NcclTimeout,
    "rank 7 waited in vain for 600 s for a collective (ALLREDUCE)"
)]
#[case(
    "torch.distributed.DistBackendError: NCCL error in: x.cpp:1, unhandled system error, ncclSystemError",
    Failure::NcclError,
    "NCCL: a system call failed"
)]
#[case("Killed", Failure::Killed, "killed (SIGKILL)")]
#[case(
    "[Errno 28] No space left on device: '/data/out'",
    Failure::DiskFull,
    "no space left on the device: /data/out"
)]
#[case(
    "OSError: [Errno 122] Disk quota exceeded: '/home/a'",
    Failure::Quota,
    "quota is exceeded: /home/a"
)]
#[case(
    "ModuleNotFoundError: No module named 'flash_attn'",
    Failure::Import,
    "‘flash_attn’ is not in the image"
)]
#[case(
    "ImportError: libcudnn.so.9: cannot open shared object file: No such file or directory",
    Failure::Import,
    "‘libcudnn.so.9’ is missing"
)]
#[case(
    "ImportError: cannot import name 'Adafactor' from 'transformers'",
    Failure::Import,
    "‘Adafactor’ cannot be imported"
)]
#[case(
    "RuntimeError: The server socket has failed to listen (errno: 98 - Address already in use). port: 29500, useIpv6: 0",
    Failure::AddressInUse,
    "port 29500 is taken"
)]
#[case(
    "PermissionError: [Errno 13] Permission denied: '/ckpt'",
    Failure::Permission,
    "permission denied: /ckpt"
)]
#[case(
    "Segmentation fault (core dumped)",
    Failure::Segfault,
    "segmentation fault"
)]
#[case(
    "RuntimeError: DataLoader worker (pid 812) is killed by signal: Bus error. It is possible",
    Failure::DataLoader,
    "killed by Bus error"
)]
#[case(
    "RuntimeError: CUDA error: an illegal memory access was encountered",
    Failure::CudaError,
    "CUDA: an illegal memory access"
)]
#[case(
    "RuntimeError: CUDA error: uncorrectable ECC error encountered",
    Failure::Ecc,
    "uncorrectable ECC"
)]
#[case(
    "[ 81.2] NVRM: Xid (PCI:0000:3b:00): 79, pid=812, GPU has fallen off the bus.",
    Failure::Xid,
    "Xid 79: the GPU has fallen off"
)]
fn one_line_tells(#[case] line: &str, #[case] kind: Failure, #[case] words: &str) {
    let all = found(&format!("step 1 loss 2\n{line}\nnext"));
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].kind, all[0].first, all[0].last), (kind, 2, 2));
    assert!(all[0].words.contains(words), "{}", all[0].words);
}

#[rstest]
#[case("NCCL INFO Bootstrap : Using eth0:10.0.0.2<0>")]
#[case("Setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid CUDA out of memory")]
#[case("nccl timeout is set to 1800 s")]
#[case("CUDA available: True, 8 devices")]
#[case("killed time waiting for peers: 3 s")]
#[case("step 3 loss 0.5")]
fn what_is_no_failure(#[case] line: &str) {
    assert_eq!(found(line), []);
}

#[test]
fn a_traceback_is_one_thing_with_its_place() {
    let log = "epoch 1\n\
        Traceback (most recent call last):\n\
        \x20 File \"/app/train.py\", line 81, in <module>\n\
        \x20   main()\n\
        \x20   ~~~~^^\n\
        \x20 File \"/app/model.py\", line 12, in forward\n\
        \x20   raise ValueError(\"bad shape\")\n\
        ValueError: bad shape\n\
        cleaning up\n";
    let all = found(log);
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].kind, all[0].first, all[0].last),
        (Failure::Traceback, 2, 8)
    );
    assert_eq!(all[0].words, "ValueError: bad shape (model.py:12)");
}

#[test]
fn chained_tracebacks_are_one_and_the_last_exception_counts() {
    let log = "Traceback (most recent call last):\n\
        \x20 File \"a.py\", line 1, in f\n\
        KeyError: 'x'\n\
        \n\
        During handling of the above exception, another exception occurred:\n\
        \n\
        Traceback (most recent call last):\n\
        \x20 File \"b.py\", line 2, in g\n\
        torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n";
    let all = found(log);
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].kind, all[0].first, all[0].last),
        (Failure::CudaOom, 1, 9)
    );
    assert!(
        all[0].words.ends_with("2.00 GiB asked for (b.py:2)"),
        "{}",
        all[0].words
    );
}

#[test]
fn ranks_that_fail_at_once_are_kept_apart() {
    let log = "[rank0]: Traceback (most recent call last):\n\
        [rank1]: Traceback (most recent call last):\n\
        [rank0]:   File \"a.py\", line 1, in f\n\
        [rank1]:   File \"b.py\", line 2, in g\n\
        step 4 loss 1.0\n\
        [rank0]:     f()\n\
        [rank1]:     g()\n\
        [rank1]: RuntimeError: CUDA error: device-side assert triggered\n\
        [rank1]: CUDA kernel errors might be asynchronously reported at some other API call\n\
        [rank0]: ValueError: no\n";
    let all = found(log);
    let told: Vec<_> = all
        .iter()
        .map(|f| (f.kind, f.first, f.last, f.rank))
        .collect();
    assert_eq!(
        told,
        [
            (Failure::Traceback, 1, 10, Some(0)),
            (Failure::CudaError, 2, 9, Some(1)),
        ]
    );
}

#[test]
fn torchrun_tells_who_was_first() {
    let ruler = "=".repeat(60);
    let thin = "-".repeat(60);
    let log = format!(
        "{ruler}\ntrain.py FAILED\n{thin}\nFailures:\n  <NO_OTHER_FAILURES>\n{thin}\nRoot Cause (first observed failure):\n[0]:\n  time      : 2026-11-24_03:04:05\n  host      : llama-worker-2\n  rank      : 17 (local_rank: 1)\n  exitcode  : -9 (pid: 88)\n  error_file: <N/A>\n  traceback : Signal 9 (SIGKILL) received by PID 88\n{ruler}\n"
    );
    let all = found(&log);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (all[0].kind, all[0].first, all[0].last, all[0].rank),
        (Failure::Torchrun, 1, 15, Some(17))
    );
    assert_eq!(
        all[0].words,
        "torchrun: rank 17 on llama-worker-2 failed first: it was killed (SIGKILL), most likely for want of memory"
    );
}

#[test]
fn the_same_said_again_and_again_is_one() {
    let line = "[Rank 3] NCCL error: ncclRemoteError";
    let all = found(&[line; 5].join("\n"));
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].first, all[0].last, all[0].rank), (1, 5, Some(3)));
}
