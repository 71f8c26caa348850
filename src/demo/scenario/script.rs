//! Reads the scene's table and turns each line into the manifest that a user would have submitted.

use serde_json::{Value, json};

use super::workloads;

/// One line: when, and what.
#[derive(Debug, Clone)]
pub struct Entry {
    pub minute: f64,
    pub namespace: String,
    /// Complete manifests, in the order in which they are created.
    pub manifests: Vec<Value>,
}

const TRAIN: &str = "jobdeck.dev/demo/train:1";
const PRODUCT: &str = "nvidia.com/gpu.product";
const POOL: &str = "example.com/pool";

/// All lines of a table, in order of time. Lines that are not understood are left out.
pub fn read(table: &str) -> Vec<Entry> {
    let lines = table.lines().filter(|l| !l.trim_start().starts_with('#'));
    let mut all: Vec<Entry> = lines.filter_map(entry).collect();
    all.sort_by(|a, b| a.minute.total_cmp(&b.minute));
    all
}

fn entry(line: &str) -> Option<Entry> {
    // The program may hold `|` itself.
    let parts: Vec<&str> = line.splitn(6, " | ").map(str::trim).collect();
    let (minute, namespace, manifests) = match parts.as_slice() {
        [minute, namespace, file] => (minute, namespace, workloads::read(file.strip_prefix('@')?)?),
        [minute, namespace, name, shape, resources, program] => {
            let manifest = job(namespace, name, shape, resources, program);
            (minute, namespace, vec![manifest])
        }
        _ => return None,
    };
    Some(Entry {
        minute: minute.parse().ok()?,
        namespace: (*namespace).to_owned(),
        manifests,
    })
}

/// The Job or CronJob of a line in shorthand.
fn job(namespace: &str, name: &str, shape: &str, resources: &str, program: &str) -> Value {
    let (cron, shape) = match shape.strip_prefix("cron(").and_then(|s| s.split_once(')')) {
        Some((schedule, rest)) => (Some(schedule), rest),
        None => (None, shape),
    };
    let mut spec = job_spec(name, shape, resources, program);
    let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": namespace});
    let mut labels = labels;
    for (word, label) in [
        ("q=", "kueue.x-k8s.io/queue-name"),
        ("pri=", "kueue.x-k8s.io/priority-class"),
        ("max=", "kueue.x-k8s.io/max-exec-time-seconds"),
    ] {
        let mut words = shape.split_whitespace();
        if let Some(value) = words.find_map(|w| w.strip_prefix(word)) {
            labels[label] = json!(value);
        }
    }
    let meta = json!({"name": name, "labels": labels});
    let Some(schedule) = cron else {
        return json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec});
    };
    let policy = match shape {
        s if has(s, "forbid") => "Forbid",
        s if has(s, "replace") => "Replace",
        _ => "Allow",
    };
    if let Some(fields) = spec.as_object_mut() {
        fields.remove("suspend");
    }
    json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": {
        "schedule": schedule, "concurrencyPolicy": policy, "suspend": has(shape, "suspend"),
        "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
        "jobTemplate": {"metadata": {"labels": labels}, "spec": spec},
    }})
}

fn has(shape: &str, word: &str) -> bool {
    shape.split_whitespace().any(|w| w == word)
}

/// The number behind a one-letter key: `c10`.
fn number(shape: &str, key: char) -> Option<u64> {
    let mut words = shape.split_whitespace();
    words.find_map(|w| w.strip_prefix(key)?.parse().ok())
}

/// A Job's spec from the table's shorthand.
pub fn job_spec(name: &str, shape: &str, resources: &str, program: &str) -> Value {
    let on_failure = has(shape, "onfailure");
    let mut spec = json!({
        "template": {
            "metadata": {"labels": {"app.kubernetes.io/name": name}},
            "spec": pod_spec(shape, resources, program, on_failure),
        },
    });
    let fields = [
        ('p', "parallelism"),
        ('b', "backoffLimit"),
        ('i', "backoffLimitPerIndex"),
        ('m', "maxFailedIndexes"),
        ('d', "activeDeadlineSeconds"),
        ('t', "ttlSecondsAfterFinished"),
    ];
    for (key, field) in fields {
        if let Some(n) = number(shape, key) {
            spec[field] = json!(n);
        }
    }
    if !has(shape, "queue") {
        spec["completions"] = json!(number(shape, 'c').unwrap_or(1));
    }
    if has(shape, "indexed") {
        spec["completionMode"] = json!("Indexed");
    }
    if has(shape, "suspend") {
        spec["suspend"] = json!(true);
    }
    if has(shape, "leader") {
        spec["successPolicy"] = json!({"rules": [{"succeededIndexes": "0"}]});
    }
    let codes =
        |action: &str| json!({"action": action, "onExitCodes": {"operator": "In", "values": [2]}});
    let mut rules = Vec::new();
    if has(shape, "nofault") {
        rules.push(codes("FailJob"));
    }
    if has(shape, "shards") {
        rules.push(codes("FailIndex"));
    }
    if has(shape, "preempt") || has(shape, "shards") {
        rules.push(json!({"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}));
    }
    if !rules.is_empty() {
        spec["podFailurePolicy"] = json!({"rules": rules});
    } else if has(shape, "replace") {
        spec["podReplacementPolicy"] = json!("Failed");
    }
    spec
}

fn pod_spec(shape: &str, resources: &str, program: &str, on_failure: bool) -> Value {
    let (image, argv) = match program.split_once(" $ ") {
        Some((image, command)) => (image, words(command)),
        None => (TRAIN, words(program)),
    };
    let mut main = json!({"name": "main", "image": image});
    if image == TRAIN {
        main["name"] = json!("trainer");
        main["args"] = json!(argv);
    } else {
        main["command"] = json!(argv);
    }
    let mut spec = json!({"restartPolicy": if on_failure { "OnFailure" } else { "Never" }});
    let (wanted, limits) = demand(resources, &mut spec);
    if wanted.as_object().is_some_and(|w| !w.is_empty()) {
        main["resources"] = json!({"requests": wanted, "limits": limits});
    }
    if has(shape, "secret") {
        main["env"] = json!([{"name": "WANDB_API_KEY", "valueFrom": {"secretKeyRef": {"name": "wandb-api-key", "key": "token"}}}]);
    }
    let mut init = Vec::new();
    if has(shape, "init") {
        let script = "echo fetching dataset; sleep 12; echo 4096 files ready";
        init.push(
            json!({"name": "fetch", "image": "busybox:1.36", "command": ["sh", "-c", script]}),
        );
    }
    if has(shape, "sidecar") {
        let script = "trap 'exit 0' TERM; echo shipping logs; while true; do sleep 60; done";
        init.push(json!({"name": "log-shipper", "image": "busybox:1.36", "restartPolicy": "Always", "command": ["sh", "-c", script]}));
    }
    if !init.is_empty() {
        spec["initContainers"] = json!(init);
    }
    spec["containers"] = json!([main]);
    spec
}

/// Requests and limits of the container; selector and tolerations go into the pod's spec.
fn demand(resources: &str, spec: &mut Value) -> (Value, Value) {
    let (mut wanted, mut limits) = (json!({}), json!({}));
    for word in resources.split_whitespace() {
        let (class, amount) = word.split_once(':').unwrap_or((word, "1"));
        let (resource, label) = match class {
            "cpu" if amount == "0" => continue,
            "cpu" => {
                wanted["cpu"] = json!(amount);
                continue;
            }
            "mem" => {
                wanted["memory"] = json!(format!("{amount}Gi"));
                limits["memory"] = json!(format!("{amount}Gi"));
                continue;
            }
            // A place on a GPU node for work that needs no GPU.
            "host" => {
                spec["nodeSelector"] = json!({"kubernetes.io/hostname": amount});
                spec["tolerations"] = json!([{"key": "nvidia.com/gpu", "operator": "Exists"}]);
                continue;
            }
            "h100" => ("nvidia.com/gpu", Some((PRODUCT, "NVIDIA-H100-80GB-HBM3"))),
            "a100" => ("nvidia.com/gpu", Some((PRODUCT, "NVIDIA-A100-SXM4-80GB"))),
            "t4" => ("nvidia.com/gpu", Some((PRODUCT, "Tesla-T4"))),
            "l4" => ("nvidia.com/gpu", Some((PRODUCT, "NVIDIA-L4-SHARED"))),
            "l4s" => ("nvidia.com/gpu.shared", None),
            "l40s" => ("nvidia.com/gpu", Some((PRODUCT, "NVIDIA-L40S"))),
            "gb200" => ("nvidia.com/gpu", Some((PRODUCT, "NVIDIA-GB200"))),
            "mps" => ("nvidia.com/gpu", Some((PRODUCT, "NVIDIA-A10G-SHARED"))),
            "mig2" => (
                "nvidia.com/gpu",
                Some((PRODUCT, "NVIDIA-A100-SXM4-80GB-MIG-2g.20gb")),
            ),
            "mig1" => ("nvidia.com/mig-1g.10gb", None),
            "mig3" => ("nvidia.com/mig-3g.40gb", None),
            "amd" => ("amd.com/gpu", None),
            "cpx" => ("amd.com/cpx_nps4", None),
            "i915" => ("gpu.intel.com/i915", None),
            "xe" => ("gpu.intel.com/xe", None),
            "tpu" => (
                "google.com/tpu",
                Some(("cloud.google.com/gke-tpu-topology", "2x2x2")),
            ),
            // Nodes of flavors that are bought when needed.
            "bursth" => ("nvidia.com/gpu", Some((POOL, "h100-calendar"))),
            "bursta" => ("nvidia.com/gpu", Some((POOL, "a100-spot"))),
            _ => continue,
        };
        wanted[resource] = json!(amount);
        limits[resource] = json!(amount);
        if let Some((label, value)) = label {
            spec["nodeSelector"] = json!({label: value});
        }
        let key = match resource.split_once('/') {
            Some(("amd.com", _)) => "amd.com/gpu",
            Some(("nvidia.com", _)) => "nvidia.com/gpu",
            _ => resource,
        };
        spec["tolerations"] = json!([{"key": key, "operator": "Exists"}]);
    }
    (wanted, limits)
}

/// Words divided by spaces; single quotes keep a word together.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let (mut word, mut quoted, mut any) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                any = true;
            }
            ' ' if !quoted => {
                if any {
                    out.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_scene_is_understood_to_the_last_line() {
        let text = super::super::DEFAULT;
        let all = read(text);
        let lines = text
            .lines()
            .filter(|l| !l.starts_with('#') && !l.trim().is_empty());
        assert_eq!(all.len(), lines.count());
        let jobs = all.iter().filter(|e| e.manifests[0]["kind"] == "Job");
        assert!(jobs.count() >= 60);
        let docs = all
            .iter()
            .find(|e| e.manifests[0]["metadata"]["name"] == "job-backoff-limit-per-index-example")
            .unwrap();
        let spec = &docs.manifests[0]["spec"];
        assert_eq!(
            (
                &spec["completions"],
                &spec["parallelism"],
                &spec["backoffLimitPerIndex"],
                &spec["maxFailedIndexes"]
            ),
            (&json!(10), &json!(3), &json!(1), &json!(5))
        );
        let namespaces: std::collections::BTreeSet<_> =
            all.iter().map(|e| e.namespace.as_str()).collect();
        assert_eq!(namespaces.len(), 6);
    }
}
