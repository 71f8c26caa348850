//! Which pod a shell or a forwarded port leads into, which container, and which ports are worth a try.

use serde_json::Value;

use super::Refusal;
use super::plan::{Subject, subject};
use crate::model::Model;
use crate::model::ids::Key;
use crate::model::pod::{PodPhase, PodRow};

/// What is run where no command is said: bash where there is one, else sh.
pub const SHELL: [&str; 3] = [
    "sh",
    "-c",
    "command -v bash >/dev/null 2>&1 && exec bash || exec sh",
];
/// The container that is meant where none is said; kubectl reads it, too.
const DEFAULT: &str = "kubectl.kubernetes.io/default-container";

/// The running pods that are meant: the pod itself, or those of a job, the first index or replica first.
///
/// # Errors
/// None runs, or it is nothing with pods.
pub fn pods(model: &Model, key: Key) -> Result<Vec<&PodRow>, Refusal> {
    let subject = subject(model, key).ok_or_else(|| Refusal::new("it is not there any more"))?;
    match subject {
        Subject::Pod(pod) if pod.phase == PodPhase::Running => Ok(vec![pod]),
        Subject::Pod(pod) => {
            let why = format!("{} does not run: it is {}", subject.words(), pod.status);
            Err(match pod.phase {
                PodPhase::Succeeded | PodPhase::Failed => {
                    Refusal::new(why).next("its logs are left")
                }
                _ => Refusal::new(why),
            })
        }
        Subject::Job(job) => {
            let all = model.pods_of(job.key);
            let mut all: Vec<&PodRow> = all.filter(|p| p.phase == PodPhase::Running).collect();
            all.sort_by_key(|pod| {
                let replica = pod.replica.as_ref();
                let number = replica.and_then(|r| r.number);
                let leads =
                    replica.is_some_and(|r| matches!(&*r.role, "master" | "launcher" | "head"));
                (!leads, pod.index.get(), number, &*pod.name)
            });
            match all.is_empty() {
                true => Err(Refusal::new(format!("no pod of {} runs", subject.words()))),
                false => Ok(all),
            }
        }
        _ => Err(
            Refusal::new(format!("{} has no pods of its own", subject.words()))
                .next("choose a job or a pod"),
        ),
    }
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let all = pod["spec"]["containers"].as_array();
    all.into_iter().flatten()
}

fn name(container: &Value) -> &str {
    container["name"].as_str().unwrap_or_default()
}

/// The container that is meant, and that it runs.
///
/// # Errors
/// There is none of this name, or it does not run.
pub fn container(pod: &Value, asked: Option<&str>) -> Result<String, Refusal> {
    let spec = &pod["spec"];
    let extra = ["initContainers", "ephemeralContainers"]
        .iter()
        .flat_map(|list| spec[*list].as_array().into_iter().flatten());
    let all: Vec<&str> = containers(pod).chain(extra).map(name).collect();
    let annotated = pod["metadata"]["annotations"][DEFAULT].as_str();
    let annotated = annotated.filter(|name| all.contains(name));
    let chosen = match asked.or(annotated).or(all.first().copied()) {
        Some(chosen) => chosen,
        None => return Err(Refusal::new("the pod has no containers")),
    };
    if !all.contains(&chosen) {
        return Err(Refusal::new(format!("the pod has no container {chosen}"))
            .next(format!("it has {}", all.join(", "))));
    }
    let status = [
        "containerStatuses",
        "initContainerStatuses",
        "ephemeralContainerStatuses",
    ]
    .iter()
    .flat_map(|list| pod["status"][*list].as_array().into_iter().flatten())
    .find(|status| name(status) == chosen);
    let state = status.map_or(&Value::Null, |status| &status["state"]);
    if state["running"].is_object() {
        return Ok(chosen.to_owned());
    }
    let reason = |kind: &str| state[kind]["reason"].as_str().unwrap_or(kind).to_owned();
    let how = match (
        state["waiting"].is_object(),
        state["terminated"].is_object(),
    ) {
        (true, _) => reason("waiting"),
        (_, true) => reason("terminated"),
        _ => "not started yet".into(),
    };
    Err(
        Refusal::new(format!("container {chosen} does not run: {how}"))
            .next("its logs may say why"),
    )
}

/// A port that something may listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub port: u16,
    /// What is there: `Ray dashboard`, or the name that its pod gives it.
    pub what: String,
}

/// What listens where by habit, and the words by which a container shows that it runs it.
const KNOWN: [(&str, u16, &str); 6] = [
    ("tensorboard", 6006, "TensorBoard"),
    ("jupyter", 8888, "Jupyter"),
    ("mlflow", 5000, "MLflow"),
    ("vllm", 8000, "vLLM"),
    ("sglang", 30000, "SGLang"),
    ("tritonserver", 8000, "Triton"),
];
/// On the head of a Ray cluster only.
const RAY: (u16, &str) = (8265, "Ray dashboard");

/// The ports worth offering, the likeliest first: what is known of such programs, then what the pod itself declares.
pub fn offers(pod: &Value) -> Vec<Offer> {
    let mut all: Vec<Offer> = Vec::new();
    let mut add = |port: u16, what: &str| {
        if !all.iter().any(|offer| offer.port == port) {
            all.push(Offer {
                port,
                what: what.to_owned(),
            });
        }
    };
    if pod["metadata"]["labels"]["ray.io/node-type"] == "head" {
        add(RAY.0, RAY.1);
    }
    for container in containers(pod) {
        let mut words = vec![
            name(container),
            container["image"].as_str().unwrap_or_default(),
        ];
        for list in ["command", "args"] {
            let all = container[list].as_array().into_iter().flatten();
            words.extend(all.filter_map(Value::as_str));
        }
        for (word, port, what) in KNOWN {
            if words.iter().any(|text| text.to_lowercase().contains(word)) {
                add(said(&words).unwrap_or(port), what);
            }
        }
    }
    for container in containers(pod) {
        for port in container["ports"].as_array().into_iter().flatten() {
            let number = port["containerPort"].as_u64();
            let Some(number) = number.and_then(|n| u16::try_from(n).ok()) else {
                continue;
            };
            if matches!(port["protocol"].as_str(), None | Some("TCP")) {
                add(number, port["name"].as_str().unwrap_or(name(container)));
            }
        }
    }
    all
}

/// What listens on a port by habit; empty where nothing does.
pub fn known(port: u16) -> &'static str {
    let mut all = KNOWN.iter().map(|(_, port, what)| (*port, *what));
    let found = all.find(|(known, _)| *known == port);
    match found {
        _ if port == RAY.0 => RAY.1,
        Some((_, what)) if port != 5000 && port != 8000 => what,
        _ => "",
    }
}

/// `--port=6007`, `--port 6007`.
fn said(words: &[&str]) -> Option<u16> {
    let all = words.iter().flat_map(|text| text.split([' ', '=', '\n']));
    let all: Vec<&str> = all.filter(|word| !word.is_empty()).collect();
    let at = all.iter().position(|word| *word == "--port")?;
    all.get(at + 1)?.parse().ok()
}

/// `REMOTE`, `LOCAL:REMOTE`, `:REMOTE` for any free one here. Local is none where it is not said, 0 for any.
///
/// # Errors
/// What is none of these.
pub fn ports(text: &str) -> Result<(Option<u16>, u16), Refusal> {
    let bad = || {
        Refusal::new(format!("{text} is no port"))
            .next("write 8265, 9000:8265, or :8265 for any free port here")
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|n| *n > 0).ok_or_else(bad);
    match text.trim().split_once(':') {
        None => Ok((None, number(text.trim())?)),
        Some(("", remote)) => Ok((Some(0), number(remote)?)),
        Some((local, remote)) => Ok((Some(number(local)?), number(remote)?)),
    }
}

/// What has gone through a forwarded port so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that are open.
    pub open: u32,
    /// Connections there have been.
    pub all: u64,
    /// Bytes to the pod, and from it.
    pub sent: u64,
    pub received: u64,
    /// What went wrong last.
    pub trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod() -> Value {
        json!({
            "metadata": {"annotations": {}},
            "spec": {"containers": [{"name": "main"}, {"name": "side"}], "initContainers": [{"name": "setup"}]},
            "status": {
                "containerStatuses": [
                    {"name": "main", "state": {"running": {}}},
                    {"name": "side", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
                ],
                "initContainerStatuses": [{"name": "setup", "state": {"terminated": {"reason": "Completed"}}}],
            },
        })
    }

    #[test]
    fn the_container_is_the_named_the_annotated_or_the_first() {
        let mut pod = pod();
        assert_eq!(container(&pod, None).unwrap(), "main");
        let why = |pod: &Value, asked| container(pod, asked).unwrap_err().to_string();
        assert!(why(&pod, Some("side")).contains("does not run: CrashLoopBackOff"));
        assert!(why(&pod, Some("setup")).contains("does not run: Completed"));
        assert!(why(&pod, Some("x")).contains("it has main, side, setup"));
        pod["metadata"]["annotations"][DEFAULT] = "side".into();
        assert!(why(&pod, None).contains("container side"));
        pod["status"] = Value::Null;
        assert!(why(&pod, Some("main")).contains("not started yet"));
    }

    #[test]
    fn known_programs_are_offered_before_declared_ports() {
        let of = |pod: Value| -> Vec<(u16, String)> {
            offers(&pod).into_iter().map(|o| (o.port, o.what)).collect()
        };
        let ray = json!({
            "metadata": {"labels": {"ray.io/node-type": "head"}},
            "spec": {"containers": [{"name": "ray-head", "image": "rayproject/ray:2.41.0", "ports": [
                {"containerPort": 6379, "name": "gcs"}, {"containerPort": 8265, "name": "dashboard"},
                {"containerPort": 9, "protocol": "UDP"},
            ]}]},
        });
        assert_eq!(
            of(ray),
            [(8265, "Ray dashboard".into()), (6379, "gcs".into())]
        );
        let board = json!({"spec": {"containers": [
            {"name": "a", "command": ["tensorboard", "--logdir", "/runs", "--port", "7007"], "ports": [{"containerPort": 80}]},
            {"name": "b", "image": "quay.io/jupyter/base"},
        ]}});
        assert_eq!(
            of(board),
            [
                (7007, "TensorBoard".into()),
                (8888, "Jupyter".into()),
                (80, "a".into())
            ]
        );
        assert!(of(json!({"spec": {"containers": [{"name": "train"}]}})).is_empty());
    }

    #[test]
    fn ports_as_people_write_them() {
        assert_eq!(ports("8265").unwrap(), (None, 8265));
        assert_eq!(ports("9000:8265").unwrap(), (Some(9000), 8265));
        assert_eq!(ports(":8265").unwrap(), (Some(0), 8265));
        for text in ["", "x", "0", "1:0", "70000", "1:2:3"] {
            assert!(ports(text).is_err(), "{text}");
        }
    }
}
