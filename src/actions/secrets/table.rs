//! What is masked and what is not, as a table: one module decides for the trash, the history and what was not sent.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;

/// A job with one environment variable.
fn job(name: &str, value: &str) -> Value {
    json!({"kind": "Job", "spec": {"containers": [{"name": "main", "env": [{"name": name, "value": value}]}]}})
}

/// How a variable stands in the trash, and whether a history has its value.
fn kept(name: &str, value: &str) -> (String, bool) {
    let mut trash = job(name, value);
    mask(&mut trash, false);
    let mut history = job(name, value);
    mask(&mut history, true);
    let at = |of: &Value| {
        let value = of.pointer("/spec/containers/0/env/0/value");
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let told = !value.is_empty() && at(&history) == value;
    (at(&trash), told)
}

#[rstest]
#[case("HF_TOKEN", "hunter2")]
#[case("HUGGING_FACE_HUB_TOKEN", "hunter2")]
#[case("WANDB_API_KEY", "hunter2")]
#[case("OPENAI_API_KEY", "hunter2")]
#[case("AWS_SECRET_ACCESS_KEY", "hunter2")]
#[case("AWS_SESSION_TOKEN", "hunter2")]
#[case("GITHUB_PAT", "hunter2")]
#[case("DB_PASSWORD", "123456")]
#[case("PGPASSWORD", "hunter2")]
#[case("MYSQL_PWD", "hunter2")]
#[case("SSH_KEY", "hunter2")]
#[case("AZURE_STORAGE_KEY", "hunter2")]
#[case(
    "AZURE_STORAGE_CONNECTION_STRING",
    "AccountName=a;AccountKey=hunter2=="
)]
#[case("clientSecret", "hunter2")]
#[case("basicAuth", "hunter2")]
#[case("JWT", "hunter2")]
fn names_that_tell_a_secret_hide_all_of_it(#[case] name: &str, #[case] value: &str) {
    assert_eq!(kept(name, value), (MASK.to_owned(), false));
}

#[rstest]
#[case(
    "DATABASE_URL",
    "postgresql://train:hunter2@db.ml:5432/runs",
    "postgresql://train:(not kept)@db.ml:5432/runs"
)]
#[case(
    "CELERY_BROKER",
    "amqp://u:hunter2@rabbit/",
    "amqp://u:(not kept)@rabbit/"
)]
#[case(
    "PIP_INDEX_URL",
    "https://u:hunter2@pypi.corp/simple",
    "https://u:(not kept)@pypi.corp/simple"
)]
#[case(
    "GIT_REMOTE",
    "https://hunter2hunter2@git.corp/r.git",
    "https://(not kept)@git.corp/r.git"
)]
#[case(
    "DATA",
    "https://acc.blob.core/x?sv=2024-01&sig=hunter2hunter2hunter2%3D",
    "https://acc.blob.core/x?sv=2024-01(not kept)"
)]
#[case(
    "ALERTS",
    "https://hooks.slack.com/services/T0/B0/hunter2",
    "(not kept)"
)]
#[case("MODEL", "llama at hf_hunter2hunter2hunter2", "llama at (not kept)")]
#[case(
    "EXTRA",
    "--lr 3e-4 --api-key hunter2",
    "--lr 3e-4 --api-key (not kept)"
)]
#[case(
    "DOCKER_CONFIG_JSON",
    r#"{"auths":{"ghcr.io":{"auth":"dXNlcjpwYXNz"}}}"#,
    r#"{"auths":{"ghcr.io":{"auth":(not kept)}}}"#
)]
#[case(
    "HEADERS",
    "Authorization: Bearer hunter2hunter2",
    "Authorization: Bearer (not kept)"
)]
fn within_a_value_only_the_secret_goes(
    #[case] name: &str,
    #[case] value: &str,
    #[case] want: &str,
) {
    assert_eq!(kept(name, value), (want.to_owned(), false));
}

#[rstest]
#[case("MAX_TOKENS", "4096")]
#[case("NUM_TOKENS_PER_BATCH", "65536")]
#[case("TOKENIZERS_PARALLELISM", "false")]
#[case("PAD_TOKEN", "<pad>")]
#[case("eosToken", "</s>")]
#[case("PWD", "/workspace/train")]
#[case("AUTH_METHOD", "oidc")]
#[case("PASSWORD_FILE", "/run/secrets/db")]
#[case("TOKEN_URL", "https://login.corp/oauth2/token")]
#[case("SECRET_NAME", "db")]
#[case("USE_AUTH", "true")]
#[case("MONKEY", "3")]
#[case("S3_KEY_PREFIX", "runs/2026")]
#[case("CONFIG", "mask-rcnn-resnet50-fpn-3x-coco.yaml")]
#[case("TASK", "task-distribution-shift-evaluation-2")]
#[case("CHECKPOINT", "llama_hf_convertedcheckpoint0001")]
#[case("NCCL_SOCKET_IFNAME", "eth0")]
#[case("MASTER_ADDR", "train-0.train.ml.svc.cluster.local")]
#[case("WANDB_BASE_URL", "https://wandb.corp:8443/api")]
#[case("OMP_NUM_THREADS", "8")]
#[case(
    "PYTORCH_CUDA_ALLOC_CONF",
    "expandable_segments:True,max_split_size_mb:128"
)]
#[case(
    "IMAGE",
    "ghcr.io/acme/train@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)]
#[case(
    "CMD",
    "torchrun --nproc-per-node=8 train.py --tokenizer bert --seq-len 4096 --keep-last 3"
)]
fn what_is_no_secret_stays_in_the_trash(#[case] name: &str, #[case] value: &str) {
    assert_eq!(kept(name, value), (value.to_owned(), false));
}

#[test]
fn no_value_of_a_secret_object_stays_and_nothing_of_another_goes() {
    let mut secret = json!({"kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "metadata": {"name": "registry"},
        "data": {".dockerconfigjson": "eyJhdXRocyI6e319", "harmless": "MQ=="}, "stringData": {"note": "x", "n": "1"}});
    let masked = mask(&mut secret, false);
    assert_eq!(masked.len(), 4);
    for at in [
        "/data/.dockerconfigjson",
        "/data/harmless",
        "/stringData/note",
        "/stringData/n",
    ] {
        assert_eq!(secret.pointer(at), Some(&Value::from(MASK)), "{at}");
    }
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    let map = json!({"kind": "ConfigMap", "data": {"train.yaml": "lr: 3e-4\nmax_tokens: 4096\n", "n": "1"}});
    let mut same = map.clone();
    assert_eq!(mask(&mut same, false), []);
    assert_eq!(same, map);
}
