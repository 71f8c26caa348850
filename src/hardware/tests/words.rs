//! What a manifest's words name, and above all what they do not.

use rstest::rstest;
use serde_json::{Value, json};

use super::super::advice;
use super::super::precision::Precision::{self, Bf16, Fp8, Fp16, Tf32};

fn is_gpu(name: &str) -> bool {
    name == "nvidia.com/gpu"
}

fn read_all(manifest: &Value) -> Vec<Precision> {
    let asks = advice::read(manifest, is_gpu);
    let found = asks.into_iter().flat_map(|asks| asks.found);
    found.map(|found| found.precision).collect()
}

/// Of a job of one container with a GPU.
fn read(mut container: Value) -> Vec<Precision> {
    container["resources"] = json!({"limits": {"nvidia.com/gpu": 1}});
    read_all(&json!({"spec": {"template": {"spec": {"containers": [container]}}}}))
}

fn args(args: &[&str]) -> Value {
    json!({ "args": args })
}

fn script(text: &str) -> Value {
    json!({"command": ["sh", "-c", text]})
}

fn env(name: &str, value: &str) -> Value {
    json!({"env": [{"name": name, "value": value}]})
}

fn image(name: &str) -> Value {
    json!({ "image": name })
}

#[rstest]
#[case::flag(args(&["--bf16"]), Bf16)]
#[case::switched_on(script("python train.py --bf16 True --lr 3"), Bf16)]
#[case::after_another_command(script("cd /src && torchrun train.py --fp8 --lr 3"), Fp8)]
#[case::the_last_one_counts(args(&["--no-bf16", "--bf16"]), Bf16)]
#[case::mixed(args(&["--mixed_precision", "bf16"]), Bf16)]
#[case::mixed_with_hyphen(args(&["--mixed-precision=fp8"]), Fp8)]
#[case::dtype(args(&["--dtype", "bfloat16"]), Bf16)]
#[case::torch_dtype(args(&["--torch_dtype=bfloat16"]), Bf16)]
#[case::quantization(args(&["--quantization", "fp8"]), Fp8)]
#[case::lightning(args(&["--precision=bf16-mixed"]), Bf16)]
#[case::hydra(args(&["trainer.precision=bf16-mixed"]), Bf16)]
#[case::megatron(args(&["--fp8-format", "hybrid"]), Fp8)]
#[case::tf32(args(&["--tf32"]), Tf32)]
#[case::tf32_on(args(&["--tf32", "true"]), Tf32)]
#[case::fp16(args(&["--fp16"]), Fp16)]
#[case::inline(args(&["model.load(x,torch_dtype=torch.bfloat16)"]), Bf16)]
#[case::python(json!({"command": ["python", "-c", "m = load(x, torch_dtype=torch.bfloat16)"]}), Bf16)]
#[case::kubelet_fills_in(json!({"args": ["--dtype=$(DTYPE)"], "env": [{"name": "DTYPE", "value": "bfloat16"}]}), Bf16)]
#[case::accelerate(env("ACCELERATE_MIXED_PRECISION", "fp8"), Fp8)]
#[case::torch_env(env("TORCH_DTYPE", "bfloat16"), Bf16)]
#[case::override_tf32(env("NVIDIA_TF32_OVERRIDE", "1"), Tf32)]
#[case::use_fp8(env("USE_FP8", "true"), Fp8)]
#[case::prefixed(env("TRAINER_ENABLE_FP8", "1"), Fp8)]
#[case::enabled(env("BF16_ENABLED", "on"), Bf16)]
#[case::bare(env("FP8", "1"), Fp8)]
#[case::image_tag(image("registry.example/llm/serve:0.9-fp8"), Fp8)]
#[case::image_name(image("registry.example/llama-3-8b-fp8:1.0@sha256:aa"), Fp8)]
fn formats_are_read(#[case] container: Value, #[case] precision: Precision) {
    assert_eq!(read(container.clone()), [precision], "{container}");
}

#[rstest]
#[case::off(args(&["--bf16", "False"]))]
#[case::off_by_number(args(&["--bf16=0"]))]
#[case::by_a_variable(args(&["--bf16=$USE_BF16"]))]
#[case::by_a_variable_after(args(&["--bf16", "$USE_BF16"]))]
#[case::auto(args(&["--bf16=auto"]))]
#[case::auto_after(args(&["--bf16", "auto"]))]
#[case::no(args(&["--no-bf16"]))]
#[case::no_underscore(args(&["--no_bf16"]))]
#[case::switched_off_later(args(&["--bf16", "--no-bf16"]))]
#[case::set_off_later(args(&["--bf16", "--lr", "3", "--bf16", "false"]))]
#[case::no_mixed(args(&["--mixed_precision", "no"]))]
#[case::dtype_auto(args(&["--dtype", "auto"]))]
#[case::fp32(args(&["--dtype", "float32"]))]
#[case::output(args(&["--output", "bf16"]))]
#[case::script_name(args(&["bf16.py"]))]
#[case::path(args(&["--config", "configs/bf16.yaml"]))]
#[case::path_after_equals(args(&["--checkpoint=/models/bf16/last.ckpt"]))]
#[case::data_set(args(&["--dataset", "fp8"]))]
#[case::data_set_after_equals(args(&["--dataset=fp8"]))]
#[case::data_key(args(&["data.name=fp8"]))]
#[case::model(args(&["--model", "org/Llama-3-8B-FP8"]))]
#[case::stored_only(args(&["--kv-cache-dtype", "fp8_e4m3"]))]
#[case::longer_flag(args(&["--bf16_reduce_scatter", "--fp8-margin=0"]))]
#[case::comment(script("# --bf16 breaks on these\npython train.py"))]
#[case::comment_behind(script("python train.py # --bf16"))]
#[case::decides_itself(script(
    "if nvidia-smi | grep A100; then train --bf16; else train --fp16; fi"
))]
#[case::falls_back_itself(script("train --fp8 || train"))]
#[case::asks_the_gpu(json!({"command": ["python", "-c",
    "load(dtype=torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16)"]}))]
#[case::disabled(env("DISABLE_FP8", "1"))]
#[case::override_off(env("NVIDIA_TF32_OVERRIDE", "0"))]
#[case::env_off(env("FP8", "0"))]
#[case::env_false(env("USE_FP8", "false"))]
#[case::env_empty(env("USE_FP8", ""))]
#[case::env_from_elsewhere(json!({"env": [{"name": "USE_FP8", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]}))]
#[case::only_if_fp8_is_used(env("NVTE_FP8_DPA_BWD", "1"))]
#[case::weight_only(env("VLLM_TEST_FORCE_FP8_MARLIN", "1"))]
#[case::about_data(env("FP8_DATASET_READY", "1"))]
#[case::env_path(env("DATA_DIR", "/data/fp8"))]
#[case::no_mixed_env(env("ACCELERATE_MIXED_PRECISION", "no"))]
#[case::registry(image("bf16.example/team/train:2.9"))]
#[case::folder(image("registry.example/bf16/train:2.9"))]
#[case::fix(image("registry.example/train:fix-bf16"))]
#[case::not(image("registry.example/train:no-bf16"))]
#[case::in_the_middle(image("registry.example/train:bf16-nan-2.1"))]
#[case::longer_word(image("registry.example/train:2.1-bf16x"))]
#[case::nothing(json!({}))]
fn what_may_mean_something_else_is_passed_over(#[case] container: Value) {
    assert_eq!(read(container.clone()), [], "{container}");
}

#[test]
fn an_argument_says_more_than_the_images_name() {
    let container = json!({"image": "serve:0.9-fp8", "args": ["--dtype", "float16"]});
    assert_eq!(read(container), [Fp16]);
}

#[test]
fn only_containers_with_gpus_are_asked() {
    let pod =
        |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
    let gpus = json!({"limits": {"nvidia.com/gpu": "1"}});
    let beside = json!([{"args": ["train"], "resources": gpus}, {"args": ["--bf16"]}]);
    assert_eq!(read_all(&pod(beside)), []);
    // no GPUs at all, or none of them
    assert_eq!(read_all(&pod(json!([{"args": ["--bf16"]}]))), []);
    let none =
        json!([{"args": ["--bf16"], "resources": {"limits": {"nvidia.com/gpu": 0, "cpu": 4}}}]);
    assert_eq!(read_all(&pod(none)), []);
    // what ran before is over
    let before = json!({"spec": {"template": {"spec": {
        "initContainers": [{"args": ["--bf16"], "resources": gpus}],
        "containers": [{"args": ["train"], "resources": gpus}]}}}});
    assert_eq!(read_all(&before), []);
}

#[test]
fn a_trainer_is_read_like_a_container() {
    let job = |trainer: Value| json!({"kind": "TrainJob", "spec": {"trainer": trainer}});
    assert_eq!(read_all(&job(json!({"args": ["--bf16"]}))), [Bf16]);
    let with = json!({"args": ["--bf16"], "resourcesPerNode": {"limits": {"nvidia.com/gpu": 1}}});
    assert_eq!(read_all(&job(with)), [Bf16]);
    let without = json!({"args": ["--bf16"], "resourcesPerNode": {"limits": {"cpu": 1}}});
    assert_eq!(read_all(&job(without)), []);
}

#[test]
fn each_template_keeps_its_own() {
    let role = |args: &[&str]| {
        json!({"template": {"spec": {"containers": [
            {"args": args, "resources": {"limits": {"nvidia.com/gpu": 1}}}]}}})
    };
    let job = json!({"spec": {"pytorchReplicaSpecs": {"Master": role(&["--bf16"]), "Worker": role(&["--fp8"])}}});
    let asks = advice::read(&job, is_gpu);
    let found: Vec<Vec<Precision>> = asks
        .iter()
        .map(|asks| asks.found.iter().map(|f| f.precision).collect())
        .collect();
    assert_eq!(found, [[Bf16], [Fp8]]);
    assert!(asks.iter().all(|asks| asks.devices == ["nvidia.com/gpu"]));
}
