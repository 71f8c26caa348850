//! Prefixes of lines as programs, launchers and runtimes write them.

use rstest::rstest;

use super::*;

#[rstest]
#[case("2026-11-24T03:04:05.678Z INFO go", "go")]
#[case("2026-11-24 03:04:05,678 - trainer - INFO - go", "go")]
#[case("2026/11/24 03:04:05 go", "go")]
#[case("11/24 03:04:05 - mmengine - INFO - go", "go")]
#[case("[24/11/2026 03:04:05] go", "go")]
#[case("Nov 24 03:04:05 go", "go")]
#[case("Tue Nov 24 03:04:05 2026 go", "go")]
#[case("03:04:05.123 go", "go")]
#[case("I1124 03:04:05.000001      1 main.go:12] go", "go")]
#[case("E1124 03:04:05.000001 7 nccl.cc:3] go", "go")]
#[case("[W1124 03:04:05.1 reducer.cpp:14] go", "go")]
#[case("WARNING:root:go", "go")]
#[case("INFO 11-24 03:04:05 [loggers.py:12] go", "go")]
#[case("[11/24 03:04:05 d2.engine]: go", "go")]
#[case("[11/24 03:04:05] ppcls.engine INFO: go", "go")]
#[case("2026-11-24 03:04:05 | INFO | train | go", "go")]
#[case(
    "[NeMo I 2026-11-24 03:04:05 nemo:12] go",
    "[NeMo I 2026-11-24 03:04:05 nemo:12] go"
)]
#[case("| epoch 1 | loss 2", "| epoch 1 | loss 2")]
#[case("  indented text", "  indented text")]
#[case("Error: it broke", "Error: it broke")]
#[case("[10]\ttrain-rmse:0.1", "[10]\ttrain-rmse:0.1")]
#[case("1875/1875 - 3s", "1875/1875 - 3s")]
#[case("(RayTrainWorker pid=12, ip=10.0.0.3) go", "go")]
fn what_is_left(#[case] line: &str, #[case] body: &str) {
    assert_eq!(&line[Prefix::read(line).body..], body);
}

#[rstest]
#[case("[rank3]: go", Some(3), None, None)]
#[case("[Rank 12] go", Some(12), None, None)]
#[case("[1,7]<stderr>:go", Some(7), None, None)]
#[case("[2]<stdout>:go", Some(2), None, None)]
#[case("[default5]:go", None, Some(5), None)]
#[case("[rank0]:[W429 01:22:58.8 a.cpp:1] go", Some(0), None, None)]
#[case("rank:4 go", Some(4), None, None)]
#[case("worker-2: rank=9, go", Some(9), None, Some("worker-2"))]
#[case("[node-1]: go", None, None, Some("node-1"))]
#[case("[Pod train-launcher]: go", None, None, Some("train-launcher"))]
#[case("[pod/llama-0/trainer] go", None, None, Some("llama-0"))]
#[case("llama-0-x7k2p trainer go", None, None, Some("llama-0-x7k2p"))]
#[case("llama-worker-1  | go", None, None, Some("llama-worker-1"))]
#[case(
    "2026-11-24T03:04:05Z INFO [Pod a-0]: 2026-11-24T03:04:05Z INFO go",
    None,
    None,
    Some("a-0")
)]
fn who_says_it(
    #[case] line: &str,
    #[case] rank: Option<u32>,
    #[case] local: Option<u32>,
    #[case] pod: Option<&str>,
) {
    let prefix = Prefix::read(line);
    assert_eq!(&line[prefix.body..], "go");
    assert_eq!(
        (prefix.rank, prefix.local_rank, prefix.pod),
        (rank, local, pod)
    );
}

#[test]
fn level_and_logger() {
    let prefix = Prefix::read("2026-11-24 03:04:05 | ERROR | train_inner | go");
    assert_eq!(prefix.level, Some(Severity::Error));
    assert_eq!(prefix.logger, Some("train_inner"));
    assert_eq!(prefix.time, Some("2026-11-24 03:04:05"));
    assert_eq!(Prefix::read("3: go").number, Some(3));
    assert_eq!(Prefix::read("2026-11-24T03:04:05Z 3: go").number, Some(3));
}
