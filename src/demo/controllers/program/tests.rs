use super::*;
use rstest::rstest;
use serde_json::json;

fn launch(command: Value, env: Value) -> Launch {
    let pod = json!({"metadata": {"name": "p-0-x", "namespace": "ns", "uid": "u",
        "labels": {"batch.kubernetes.io/job-completion-index": "3"}}});
    let container =
        json!({"name": "main", "image": "busybox:1.36", "command": command, "env": env});
    Launch::of(&pod, &container, 0)
}

fn index(n: &str) -> Value {
    json!([{"name": "JOB_COMPLETION_INDEX", "value": n}])
}

#[rstest]
#[case(json!(["true"]), 0)]
#[case(json!(["false"]), 1)]
#[case(json!(["sh", "-c", "exit 9"]), 9)]
#[case(json!(["/bin/sh", "-c", "true && exit 3 || exit 4"]), 3)]
#[case(json!(["sh", "-c", "false; echo fine"]), 0)]
#[case(json!(["sh", "-ec", "false; echo fine"]), 1)]
#[case(json!(["sh", "-c", "exit $((JOB_COMPLETION_INDEX % 2))"]), 1)]
#[case(json!(["sh", "-c", "if [ \"$JOB_COMPLETION_INDEX\" -gt 2 ]; then exit 5; else exit 6; fi"]), 5)]
#[case(json!(["sh", "-c", "[ $JOB_COMPLETION_INDEX = 3 ]"]), 0)]
#[case(json!(["sh", "-c", "case $JOB_COMPLETION_INDEX in 1|3) exit 7;; *) exit 8;; esac"]), 7)]
#[case(json!(["bash", "-c", "for i in 1 2 3; do if [ $i -eq 2 ]; then exit $i; fi; done"]), 2)]
#[case(json!(["sh", "-c", "nslookup a"]), 1)]
#[case(json!(["sh", "-c", "sleep 9; nslookup a"]), 0)]
#[case(json!(["sh", "-c", "for i in $(seq 9); do if nslookup a; then exit 0; fi; sleep 2; done; exit 1"]), 0)]
#[case(json!(["sh", "-c", "kill -9 $$"]), 137)]
#[case(json!(["timeout", "5", "sleep", "60"]), 124)]
#[case(json!(["python3", "-c", "import sys\nsys.exit(4)"]), 4)]
#[case(json!(["sh", "-c", "for a do shift; set -- \"$@\" \"$a$a\"; done; [ \"$#.$1.$2\" = '2.77.x yx y' ]", "sh", "7", "x y"]), 0)]
#[case(json!(["sh", "-c", "a=one@two@three; [ \"${a%%@*}.${a#*@}.${a##*@}.${a%@*}\" = one.two@three.three.one@two ]"]), 0)]
#[case(json!(["sh", "-c", "shift 2; exec \"$@\"", "sh", "a", "b", "sh", "-c", "exit 9"]), 9)]
#[case(json!(["python3", "-c", "import os, sys\nprint(\"Hello world\")\nif int(os.environ.get(\"JOB_COMPLETION_INDEX\")) % 2 == 0:\n  sys.exit(1)\n"]), 0)]
#[case(json!(["python3", "-c", "import os,sys\nif os.environ['JOB_COMPLETION_INDEX'] in ('1', '3'): sys.exit(2)"]), 2)]
#[case(json!(["python3", "-c", "raise ValueError('no')"]), 1)]
#[case(json!(["python3", "-c", "x = 3\nfor i in range(4):\n    x += i\nif x == 9:\n    exit(x)\nelse:\n    exit(1)"]), 9)]
fn exit_codes(#[case] command: Value, #[case] code: i32) {
    assert_eq!(launch(command, index("3")).ending().code, code);
}

#[test]
fn the_documentations_example_fails_on_even_indexes() {
    let script = "import os, sys\nprint(\"Hello world\")\nif int(os.environ.get(\"JOB_COMPLETION_INDEX\")) % 2 == 0:\n  sys.exit(1)\n";
    for (n, code) in [("0", 1), ("1", 0), ("8", 1)] {
        let run = launch(json!(["python3", "-c", script]), index(n));
        assert_eq!(run.ending().code, code);
        assert_eq!(run.lines(0, 60.0, None).0[0].1, "Hello world");
    }
}

#[test]
fn time_passes_with_sleep_and_output_has_times() {
    let run = launch(
        json!(["sh", "-c", "echo a; sleep 5; echo b; sleep 1m"]),
        json!([]),
    );
    let ending = run.ending();
    assert_eq!(ending.after.unwrap().as_secs(), 65);
    let (lines, next) = run.lines(0, 1.0, None);
    assert_eq!(
        lines.iter().map(|l| l.1.as_str()).collect::<Vec<_>>(),
        ["a"]
    );
    assert!((next.unwrap() - 5.0).abs() < 0.1);
    assert_eq!(run.lines(1, 100.0, None).0.len(), 1);
}

#[test]
fn endless_programs_run_until_they_are_killed() {
    for command in [
        json!(["sleep", "infinity"]),
        json!(["sh", "-c", "while true; do echo tick; sleep 10; done"]),
    ] {
        let ending = launch(command, json!([])).ending();
        assert_eq!(ending.after, None);
        let killed = ending.on_term(30);
        assert_eq!((killed.code, killed.after.unwrap().as_secs()), (137, 30));
    }
    assert_eq!(
        launch(
            json!(["sh", "-c", "trap 'exit 0' TERM; sleep 1000000"]),
            json!([])
        )
        .ending()
        .on_term(30)
        .code,
        0
    );
}

#[test]
fn shell_words_and_pipes() {
    let script = "X=$(echo one two | wc -l); Y='a  b'; echo \"$X $Y ${Z:-none}\"; items=(foo bar); echo ${items[1]}; seq 3 | tail -n 1; printf '%03d\\n' 7 2>&1";
    let lines = launch(json!(["bash", "-c", script]), json!([]))
        .lines(0, 9.0, None)
        .0;
    let lines: Vec<String> = lines.into_iter().map(|l| l.1).collect();
    assert_eq!(lines, ["1 a  b none", "bar", "3", "007"]);
}

#[test]
fn kubernetes_expands_its_own_variables_and_the_downward_api() {
    let env = json!([
        {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-completion-index']"}}},
        {"name": "BOTH", "value": "$(WHO)-$(N)-$(NOPE)-$$(WHO)"},
    ]);
    let run = launch(json!(["echo", "$(BOTH)"]), env);
    assert_eq!(run.lines(0, 9.0, None).0[0].1, "ns-3-$(NOPE)-$(WHO)");
}

#[test]
fn pi_has_two_thousand_digits_after_some_seconds() {
    let run = launch(
        json!(["perl", "-Mbignum=bpi", "-wle", "print bpi(2000)"]),
        json!([]),
    );
    let lines = run.lines(0, 100.0, None).0;
    assert_eq!(lines[0].1.len(), 2001);
    assert!((2.0..12.0).contains(&run.ending().after.unwrap().as_secs_f64()));
}

#[test]
fn memory_beyond_the_limit_is_fatal() {
    let pod = json!({"metadata": {"uid": "u"}});
    let container = json!({"image": "polinux/stress", "command": ["stress"], "args": ["--vm", "1", "--vm-bytes", "250M"],
        "resources": {"limits": {"memory": "100Mi"}}});
    let ending = Launch::of(&pod, &container, 0).ending();
    assert_eq!((ending.code, ending.reason()), (137, "OOMKilled"));
}

fn training(args: &str, index: &str, attempt: u32) -> Launch {
    let pod = json!({"metadata": {"uid": "some-uid", "name": "t"}});
    let args: Vec<&str> = args.split_whitespace().collect();
    let container = json!({"name": "trainer", "image": "jobdeck.dev/demo/train:1", "args": args,
        "env": [{"name": "JOB_COMPLETION_INDEX", "value": index}]});
    Launch::of(&pod, &container, attempt)
}

#[test]
fn a_training_log_can_be_read_from_any_line() {
    let run = training(
        "--steps 300 --step-time 2 --log-every 5 --eval-every 50 --style hf",
        "0",
        0,
    );
    let (all, next) = run.lines(0, 1e9, None);
    assert!(next.is_none());
    assert!(all.len() > 60, "{}", all.len());
    assert!(all.windows(2).all(|w| w[0].0 <= w[1].0), "times go forward");
    for skip in [0, 3, 17, all.len() - 1] {
        assert_eq!(run.lines(skip, 1e9, None).0, all[skip..]);
    }
    let half = all[all.len() / 2].0;
    let (first, next) = run.lines(0, half, None);
    assert_eq!(first, all[..first.len()]);
    assert_eq!(next, Some(all[first.len()].0));
    assert!(run.ending().after.unwrap().as_secs_f64() > all.last().unwrap().0);
}

#[test]
fn faults_are_taken_from_the_arguments() {
    let args = "--steps 100 --fail cuda-oom --fail-at 40 --fail-indexes odd --fail-attempts 2";
    assert_eq!(training(args, "2", 0).ending().code, 0);
    let failed = training(args, "3", 1);
    assert_eq!(failed.ending().code, 1);
    let last = failed.lines(0, 1e9, None).0.pop().unwrap().1;
    assert!(last.contains("CUDA out of memory"), "{last}");
    assert_eq!(training(args, "3", 2).ending().code, 0);
    assert_eq!(
        training("--fail oom", "0", 0).ending().reason(),
        "OOMKilled"
    );
}

#[test]
fn a_stopped_training_says_good_bye_and_exits_with_143() {
    let run = training("--steps 1000 --step-time 1", "0", 0);
    let killed = run.ending().on_term(30);
    assert_eq!(killed.code, 143);
    let (lines, next) = run.lines(0, 1e9, Some(100.0));
    assert!(next.is_none());
    assert!(lines.last().unwrap().1.contains("saved checkpoint"));
    assert_eq!(run.lines(lines.len() - 1, 1e9, Some(100.0)).0.len(), 1);
}
