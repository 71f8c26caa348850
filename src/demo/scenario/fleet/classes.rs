//! What runs on a large cluster: shapes of jobs, and for each the pods and Workloads that a control plane makes of it,
//! watched in a small world of its own.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::super::nodes::{self, Quirks};
use super::super::{create, found, join, script};
use super::mold::Mold;
use crate::api::write::Cluster;
use crate::clock::Clock;
use crate::controllers::wire::Pod;
use crate::store::Object;
use crate::world::World;

/// A shape of job.
pub struct Class {
    pub stem: &'static str,
    /// The machines that its specimen runs on.
    family: &'static str,
    resources: &'static str,
    /// GPUs of its pods.
    pub gpus: usize,
    /// It waits in a queue for quota.
    pub queued: bool,
    /// The most pods of an ordinary job of the class.
    pub widest: usize,
}

#[rustfmt::skip]
pub const CLASSES: &[Class] = &[
    Class { stem: "pretrain", family: "gpu-h100", resources: "h100:8 cpu:96 mem:900", gpus: 8, queued: true, widest: 16 },
    Class { stem: "sft", family: "gpu-h100", resources: "h100:1 cpu:12 mem:96", gpus: 1, queued: true, widest: 8 },
    Class { stem: "distill", family: "gpu-a100", resources: "a100:4 cpu:32 mem:240", gpus: 4, queued: true, widest: 12 },
    Class { stem: "sweep", family: "gpu-a100", resources: "a100:1 cpu:8 mem:64", gpus: 1, queued: true, widest: 16 },
    Class { stem: "detect", family: "gpu-t4", resources: "t4:1 cpu:6 mem:24", gpus: 1, queued: true, widest: 8 },
    Class { stem: "tokenize", family: "cpu-std", resources: "cpu:1 mem:2", gpus: 0, queued: false, widest: 48 },
    Class { stem: "evaluate", family: "cpu-std", resources: "cpu:2 mem:6", gpus: 0, queued: false, widest: 24 },
    Class { stem: "captions", family: "cpu-std", resources: "cpu:1 mem:1", gpus: 0, queued: false, widest: 64 },
];

/// How a specimen of a pod ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Runs,
    Succeeded,
    Failed,
}

pub const ENDS: [End; 3] = [End::Runs, End::Succeeded, End::Failed];

/// What the objects of a class are cast in.
pub struct Cast {
    pub class: &'static Class,
    /// By [`End`].
    pub jobs: Vec<Value>,
    pub pods: Vec<Mold>,
    pub workloads: Vec<Value>,
    /// A pod that asks of a node what they all ask.
    pub asks: Pod,
    /// The container that has the devices.
    pub container: String,
}

/// Words that a pod is cut by, in this order: see [`Cast`].
pub const WORDS: usize = 14;

const JOB: &str = "zz-specimen";
const SPACE: &str = "zz-space";
const LOCAL: &str = "zz-local";
const QUEUE: &str = "zz-queue";
const NTH: usize = 99_999;
/// Steps of a run that nobody sees the end of.
pub const STEPS: &str = "864017";
const LONG: &str = r#""--step-time","1""#;
const SHORT: &str = r#""--step-time","0.0005""#;
const FAULT: &str = r#","--fail","bug","--fail-at","200000""#;

impl Class {
    /// What one of its pods asks for: processors, GiB of memory, and cards by flavor.
    pub fn amounts(&self) -> impl Iterator<Item = (&str, u64)> {
        let words = self.resources.split_whitespace();
        words.filter_map(|w| {
            let (word, amount) = w.split_once(':')?;
            Some((word, amount.parse().ok()?))
        })
    }

    /// The manifest of one of its jobs.
    pub fn manifest(&self, name: &str, shape: &str, queue: &str, how: End) -> Value {
        let time = if how == End::Runs { "1" } else { "0.0005" };
        let fault = if how == End::Failed {
            " --fail bug --fail-at 200000"
        } else {
            ""
        };
        let program = format!(
            "--model {name} --style json --log-every 30 --steps {STEPS} --step-time {time}{fault}"
        );
        let mut spec = script::job_spec(name, shape, self.resources, &program);
        let pod = &mut spec["template"]["spec"];
        if pod["tolerations"].is_null() {
            pod["tolerations"] = json!([{"key": "nvidia.com/gpu", "operator": "Exists"}]);
        }
        pod["volumes"] = json!([{"name": "dshm", "emptyDir": {"medium": "Memory"}}]);
        let main = &mut pod["containers"][0];
        main["volumeMounts"] = json!([{"name": "dshm", "mountPath": "/dev/shm"}]);
        let mut labels =
            json!({"app.kubernetes.io/name": self.stem, "app.kubernetes.io/part-of": "fleet"});
        if !queue.is_empty() {
            labels["kueue.x-k8s.io/queue-name"] = json!(queue);
        }
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "labels": labels}, "spec": spec,
        })
    }
}

/// Runs one job of each class to each of its ends, and takes what comes of it.
pub fn cast(seed: u64) -> Vec<Cast> {
    let all = CLASSES.iter();
    all.filter_map(|class| one(class, seed)).collect()
}

fn quota() -> Vec<Value> {
    let kueue = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let mut all = flavors();
    all.push(kueue("ClusterQueue", QUEUE, queue_spec(&|_, _| 1000, None)));
    all.push(kueue("LocalQueue", LOCAL, json!({"clusterQueue": QUEUE})));
    all
}

/// The cards that queues have quota for: flavor, and product as the nodes are labelled.
pub const FLAVORS: [(&str, &str); 3] = [
    ("h100", "NVIDIA-H100-80GB-HBM3"),
    ("a100", "NVIDIA-A100-SXM4-80GB"),
    ("t4", "Tesla-T4"),
];

fn flavors() -> Vec<Value> {
    let flavor = |name: &str, spec: Value| json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor", "metadata": {"name": name}, "spec": spec});
    let cards = FLAVORS.iter().map(|(name, product)| {
        flavor(
            name,
            json!({"nodeLabels": {"nvidia.com/gpu.product": product}}),
        )
    });
    std::iter::once(flavor("default-flavor", json!({})))
        .chain(cards)
        .collect()
}

/// A queue's spec; `quota` gives, of a flavor and a resource, how much: processors, GiB, or cards.
pub fn queue_spec(quota: &dyn Fn(&str, &str) -> u64, cohort: Option<&str>) -> Value {
    let resource = |flavor: &str, name: &str| {
        let n = quota(flavor, name);
        let nominal = if name == "memory" {
            json!(format!("{n}Gi"))
        } else {
            json!(n)
        };
        json!({"name": name, "nominalQuota": nominal, "borrowingLimit": 0})
    };
    let cards = FLAVORS.iter().map(
        |(flavor, _)| json!({"name": flavor, "resources": [resource(flavor, "nvidia.com/gpu")]}),
    );
    let mut spec = json!({
        "namespaceSelector": {},
        "resourceGroups": [
            {"coveredResources": ["cpu", "memory"], "flavors": [{
                "name": "default-flavor",
                "resources": [resource("default-flavor", "cpu"), resource("default-flavor", "memory")],
            }]},
            {"coveredResources": ["nvidia.com/gpu"], "flavors": cards.collect::<Vec<Value>>()},
        ],
    });
    match cohort {
        Some(cohort) => spec["cohortName"] = json!(cohort),
        // without a cohort there is nothing to borrow from
        None => {
            let text = spec.to_string().replace(r#""borrowingLimit":0,"#, "");
            spec = serde_json::from_str(&text).unwrap_or(spec);
        }
    }
    spec
}

fn one(class: &'static Class, seed: u64) -> Option<Cast> {
    let start = DateTime::UNIX_EPOCH + TimeDelta::days(12_000);
    let mut world = World::new(Cluster::new(Clock::stepped(start, 1.0), seed));
    let kinds = world.kinds();
    found(&mut world.cluster, kinds);
    world.namespace(SPACE);
    let family = nodes::FAMILIES.iter().find(|f| f.name == class.family)?;
    join(
        &mut world.cluster,
        kinds,
        nodes::node(family, NTH, Quirks::default(), start),
    );
    for manifest in quota() {
        create(&mut world.cluster, SPACE, manifest).ok()?;
    }
    world.settle();
    let (mut jobs, mut pods, mut workloads) = (Vec::new(), Vec::new(), Vec::new());
    let mut asks = None;
    let mut container = String::new();
    for how in ENDS {
        let queue = if class.queued { LOCAL } else { "" };
        let manifest = class.manifest(JOB, "c1 p1 indexed i0", queue, how);
        let begun = world.cluster.clock.now();
        create(&mut world.cluster, SPACE, manifest).ok()?;
        world.advance_to(begun + TimeDelta::hours(1));
        let job = world.objects("jobs", SPACE).into_iter().next()?;
        let pod = world.objects("pods", SPACE).into_iter().next()?;
        let workload = world.objects("workloads", SPACE).into_iter().next();
        let instead: &[(&str, &str)] = &[(SHORT, LONG), (FAULT, "")];
        let words = words(&job, &pod, family.name);
        if how == End::Runs {
            asks = Some(Pod::new(&pod, None));
            let first = &pod.tree()["spec"]["containers"][0]["name"];
            container = first.as_str().unwrap_or_default().to_owned();
        }
        pods.push(Mold::new(&pod, &words, begun, instead)?);
        jobs.push(plain(&job, begun, instead)?);
        if let Some(workload) = workload {
            workloads.push(plain(&workload, begun, instead)?);
        }
        let how = crate::api::write::Delete {
            propagation: Some("Background".to_owned()),
            ..Default::default()
        };
        world.cluster.delete(kinds.jobs, SPACE, JOB, &how).ok()?;
        world.advance_to(world.cluster.clock.now() + TimeDelta::minutes(5));
    }
    Some(Cast {
        class,
        jobs,
        pods,
        workloads,
        asks: asks?,
        container,
    })
}

/// A tree whose times are said as `@seconds@`, so that they can be set.
fn plain(object: &Object, begun: DateTime<Utc>, instead: &[(&str, &str)]) -> Option<Value> {
    let mut text = String::from_utf8(object.json().to_vec()).ok()?;
    for (old, new) in instead {
        text = text.replace(old, new);
    }
    let mut value: Value = serde_json::from_str(&text).ok()?;
    each_text(&mut value, &mut |text| {
        if text.len() == 20
            && text.ends_with('Z')
            && let Ok(time) = text.parse::<DateTime<Utc>>()
        {
            *text = format!("@{}@", (time - begun).num_seconds());
        }
    });
    Some(value)
}

/// Does something to every text of a tree.
pub fn each_text(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(all) => all.iter_mut().for_each(|v| each_text(v, change)),
        Value::Object(all) => all.values_mut().for_each(|v| each_text(v, change)),
        _ => {}
    }
}

/// The words of a job's specimen, and what stands in their place: name, UID, namespace, queues.
pub fn rename(text: &mut String, job: &Named<'_>) {
    for (old, new) in [
        (JOB, job.name),
        (job.old_uid, job.uid),
        (SPACE, job.namespace),
        (LOCAL, job.local),
        (QUEUE, job.queue),
    ] {
        if !old.is_empty() && text.contains(old) {
            *text = text.replace(old, new);
        }
    }
}

/// What a job is called.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    pub name: &'a str,
    pub uid: &'a str,
    pub old_uid: &'a str,
    pub namespace: &'a str,
    pub local: &'a str,
    pub queue: &'a str,
}

fn devices(pod: &Value) -> Option<String> {
    let status = &pod["status"]["containerStatuses"][0]["allocatedResourcesStatus"];
    status.is_array().then(|| status.to_string())
}

/// What a pod is cut by.
fn words(job: &Object, pod: &Object, family: &str) -> Vec<String> {
    let tree = pod.tree();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let status = &tree["status"];
    let host = text(&status["hostIP"]);
    let zone = pod.labels.get("topology.kubernetes.io/zone").cloned();
    let own = &status["containerStatuses"][0];
    let words = vec![
        pod.name.clone(),
        format!("{JOB}-0"),
        JOB.to_owned(),
        job.uid.clone(),
        pod.uid.clone(),
        SPACE.to_owned(),
        format!("{family}-{NTH}"),
        host,
        text(&status["podIP"]),
        r#"job-completion-index":"0""#.to_owned(),
        text(&own["containerID"]),
        devices(&tree).unwrap_or_else(|| "\u{1}none".to_owned()),
        zone.unwrap_or_else(|| "\u{1}none".to_owned()),
        format!(r#""resourceVersion":"{}""#, pod.rv),
    ];
    debug_assert_eq!(words.len(), WORDS);
    let named = |(at, word): (usize, String)| {
        if word.is_empty() {
            format!("\u{1}{at}")
        } else {
            word
        }
    };
    let mut words: Vec<String> = words.into_iter().enumerate().map(named).collect();
    words.push(LOCAL.to_owned());
    words.push(QUEUE.to_owned());
    words
}
