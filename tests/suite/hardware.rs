//! The hardware reference: its command without a cluster, and a demo cluster's GPUs resolved over HTTP.

use assert_cmd::Command;
use serde_json::Value;

fn jobdeck(home: &std::path::Path) -> Command {
    let mut command = Command::cargo_bin("jobdeck").unwrap();
    command
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .env("KUBECONFIG", home.join("none"))
        .env_remove("KUBERNETES_SERVICE_HOST");
    command
}

fn said(args: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let out = jobdeck(home.path()).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{args:?}: {errors}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn json_has_the_matrix_the_data_sheet_and_the_gpus() {
    let all: Value = serde_json::from_str(&said(&["hardware", "-o", "json"])).unwrap();
    let keys: Vec<&String> = all.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["datasheet", "gpus", "precisionMatrix"]);
    let matrix = all["precisionMatrix"].as_array().unwrap();
    let row = |gpu: &str| matrix.iter().find(|row| row["gpu"] == gpu).unwrap();
    let names: Vec<&str> = matrix[..6]
        .iter()
        .map(|r| r["gpu"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "NVIDIA Tesla P4",
            "NVIDIA P100",
            "NVIDIA Volta",
            "NVIDIA Turing",
            "NVIDIA A100",
            "NVIDIA H100"
        ]
    );
    assert_eq!(row("NVIDIA Volta")["tensor"]["bf16"], "unknown");
    assert_eq!(row("NVIDIA Turing")["tensor"]["bf16"], "no");
    assert_eq!(row("NVIDIA H100")["tensor"]["fp8"], "yes");
    for row in matrix {
        assert_eq!(row["cuda"].as_object().unwrap().len(), 9);
        assert_eq!(row["tensor"].as_object().unwrap().len(), 9);
    }
    let sheet = all["datasheet"].as_array().unwrap();
    assert_eq!(sheet.len(), 23);
    assert_eq!(sheet[0]["NVIDIA H100 PCIe"], "GH100");
    assert_eq!(
        sheet[17]["NVIDIA H100 SXM"],
        "2,000 teraflops   4,000 teraflops*"
    );
    let gpus = all["gpus"].as_array().unwrap();
    let h100 = gpus.iter().find(|gpu| gpu["id"] == "h100-sxm").unwrap();
    assert_eq!(h100["figures"]["dense.fp8"]["value"], 1979.0);
    assert_eq!(h100["figures"]["dense.fp8"]["status"], "copy");
    assert_eq!(h100["mig"][0]["profile"], "1g.10gb");
}

#[test]
fn names_precisions_and_filter_words_narrow() {
    let json = |args: &[&str]| -> Vec<String> {
        let args = [&["hardware", "-o", "json"], args].concat();
        let all: Value = serde_json::from_str(&said(&args)).unwrap();
        let gpus = all["gpus"].as_array().unwrap().iter();
        gpus.map(|gpu| gpu["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(json(&["h100-sxm"]), ["h100-sxm"]);
    assert!(json(&["fp8", "tensor", "mem>=80", "arch:hopper", "mig"]).contains(&"h200-sxm".into()));
    let fp8 = json(&["--precision", "fp8"]);
    assert!(fp8.contains(&"l4".into()) && !fp8.contains(&"a100-sxm-80".into()));
    assert_eq!(json(&["A100", "--precision", "fp8"]), Vec::<String>::new());
    assert_eq!(
        said(&["hardware", "A100", "fp8"]),
        "no GPU is all of that\n"
    );
    assert!(said(&["hardware", "t4"]).contains("compute capability"));
    let both = said(&["hardware", "--compare", "a100-sxm-80", "h100-sxm"]);
    assert!(
        both.contains("FP8 Tensor Core") && both.contains("1,979 | 3,958* TFLOPS"),
        "{both}"
    );
    assert!(said(&["hardware"]).contains("TENSOR CORES"));
}

#[test]
fn what_is_not_there_is_said_with_what_is_near() {
    let home = tempfile::tempdir().unwrap();
    for (args, code, word) in [
        (
            &["hardware", "h10o"][..],
            1,
            "no GPU named h10o; nearest: h100",
        ),
        (&["hardware", "mem>=x"], 1, "not a number"),
        (&["hardware", "--precision", "fp9"], 1, "one of fp8"),
        (&["hardware", "--compare", "t4"], 2, "--compare"),
    ] {
        let out = jobdeck(home.path()).args(args).output().unwrap();
        let errors = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{args:?}: {errors}");
        assert!(errors.contains(word), "{args:?}: {errors}");
    }
}

#[test]
fn entries_of_the_user_are_read_and_mistakes_told() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("jobdeck");
    std::fs::create_dir(&folder).unwrap();
    let entry =
        "[[gpu]]\nid = \"rtx-4090\"\nname = \"GeForce RTX 4090\"\narch = \"ada\"\nmemory = 24\n";
    std::fs::write(folder.join("hardware.toml"), entry).unwrap();
    let out = jobdeck(home.path())
        .args(["hardware", "rtx-4090"])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("(yours)") && text.contains("+24 GB"),
        "{text}"
    );
    std::fs::write(
        folder.join("hardware.toml"),
        "[[gpu]]\nid = \"t4\"\nmemry = 3\n",
    )
    .unwrap();
    let out = jobdeck(home.path())
        .args(["hardware", "t4"])
        .output()
        .unwrap();
    let errors = String::from_utf8(out.stderr).unwrap();
    assert!(out.status.success());
    assert!(
        errors.contains("hardware.toml:3: ") && errors.contains("memry"),
        "{errors}"
    );
    assert!(errors.contains("using the shipped reference"), "{errors}");
}

#[cfg(feature = "demo")]
#[test]
fn the_gpus_of_a_demo_cluster_are_resolved_from_its_nodes() {
    let served = crate::served::Served::over(crate::served::still());
    let reach = ["--kubeconfig", served.kubeconfig.to_str().unwrap()];
    let text = said(&[&["render", "hardware", "--size", "200x60"][..], &reach].concat());
    let first = text
        .lines()
        .find(|l| l.contains("kinds of GPU here"))
        .unwrap();
    assert!(!first.contains("0 GPUs"), "{first}");
    // counted, and before what is not there
    let line = |name: &str| text.lines().position(|l| l.contains(name)).unwrap();
    assert!(line("A100 SXM4 80 GB") < line("B200 (HGX/DGX)"), "{text}");
    for name in ["Tesla T4", "L4", "H100 SXM5 80 GB", "Instinct MI300X"] {
        assert!(line(name) < line("B200 (HGX/DGX)"), "{name}: {text}");
    }
}

/// A job that runs nowhere yet, on the whole way: manifest over HTTP, node selector, nodes, reference.
#[cfg(feature = "demo")]
#[test]
fn a_waiting_job_of_a_demo_cluster_is_told_what_its_gpus_will_lack() {
    let args = [
        "render",
        "job/yolo-v12-warehouse",
        "--demo",
        "--at",
        "20m",
        "--size",
        "200x40",
    ];
    let text = said(&args);
    let words =
        "bf16 (--bf16) has no tensor-core path on Turing (Tesla-T4): would fall back to FP32";
    assert!(text.contains(words), "{text}");
}
