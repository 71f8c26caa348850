//! What a container does is decided by its command: a small interpreter of what batch jobs usually run.
//!
//! A launch is a pure function of the pod, the container and the attempt: when it ends, how, and what it
//! has printed by when. The kubelet asks for the ending, the log endpoint for the lines.

mod expr;
mod parse;
mod pi;
mod python;
mod ray;
mod shell;
mod tools;
pub mod train;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::kubelet::{hash, mix};
use super::quantity;
use train::Training;

/// How a container comes to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Simulated run time; `None`: it runs until it is stopped.
    pub after: Option<Duration>,
    pub code: i32,
    /// Killed by the kernel for its memory.
    pub oom: bool,
    /// Seconds from SIGTERM to the end, and the exit code then; `None`: it ignores SIGTERM.
    term: Option<(f64, i32)>,
}

impl Ending {
    pub fn exit(code: i32, after: Option<Duration>) -> Self {
        Self {
            after,
            code,
            oom: false,
            term: None,
        }
    }

    /// `state.terminated.reason`.
    pub fn reason(&self) -> &'static str {
        match (self.oom, self.code) {
            (true, _) => "OOMKilled",
            (_, 0) => "Completed",
            _ => "Error",
        }
    }

    /// What happens after SIGTERM with so many seconds of grace; `after` counts from the signal.
    pub fn on_term(&self, grace: u64) -> Self {
        match self.term {
            Some((after, code)) if after < grace as f64 => {
                Self::exit(code, Some(Duration::from_secs_f64(after)))
            }
            _ => Self::exit(137, Some(Duration::from_secs(grace))),
        }
    }
}

/// What a program does with the GPUs it was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effort {
    /// It does not touch them.
    None,
    /// It holds a context on them and computes nothing.
    Context,
    /// It brings its model there; 0..1 of it is done.
    Loading(f64),
    Training,
    Evaluating,
    /// Its work is done, and its memory is not given back.
    Parked,
    /// All ranks wait for one that does not answer.
    Stuck,
    /// It answers requests as they come.
    Serving,
}

/// One start of one container.
#[derive(Debug, Clone)]
pub struct Launch {
    image: String,
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    /// Bytes; 0 is no limit.
    memory: i64,
    seed: u64,
    attempt: u32,
}

/// Stands in a line where the wall-clock date of that line belongs (`date`).
pub const DATE: &str = "\u{1}date\u{1}";

/// A line and the simulated second at which it is complete.
pub type Line = (f64, String);

/// What a launch does, worked out up to some moment.
enum Course {
    Ran(Ran),
    Trains(Box<Training>),
    /// A submitter follows a training that runs elsewhere; it ends well even if that does not.
    Follows(Box<Training>),
}

/// What an interpreted program has done.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub lines: Vec<Line>,
    pub time: f64,
    pub code: i32,
    pub oom: bool,
    /// It would go on for ever (or longer than anybody looks).
    pub forever: bool,
    pub term: Option<(f64, i32)>,
    /// The exit code of what a submitter submitted.
    pub driver: Option<i32>,
}

impl Launch {
    /// The `attempt`-th start of a container of this pod.
    pub fn of(pod: &Value, container: &Value, attempt: u32) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let env = environment(pod, container);
        let words = |field: &str| {
            let all = container[field].as_array().into_iter().flatten();
            all.map(|w| expand(&text(w), &env)).collect::<Vec<_>>()
        };
        let uid = text(&pod["metadata"]["uid"]);
        let seed = mix(hash(&uid) ^ hash(&text(&container["name"])) ^ u64::from(attempt));
        let failures =
            &pod["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"];
        let before = failures.as_str().and_then(|f| f.parse().ok()).unwrap_or(0);
        let limit = container["resources"]["limits"]["memory"].as_str();
        Self {
            image: text(&container["image"]),
            argv: words("command").into_iter().chain(words("args")).collect(),
            memory: limit.map_or(0, |m| quantity::parse(m) / 1000),
            seed,
            attempt: attempt + before,
            env,
        }
    }

    /// Its environment.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// Its command line: its own, or the image's.
    pub fn words(&self) -> Vec<String> {
        match self.argv.is_empty() {
            true => tools::entrypoint(&self.image),
            false => self.argv.clone(),
        }
    }

    /// When and how it ends.
    pub fn ending(&self) -> Ending {
        match self.course() {
            Course::Ran(ran) => Ending {
                after: (!ran.forever).then(|| Duration::from_secs_f64(ran.time.max(0.05))),
                code: ran.code,
                oom: ran.oom,
                term: ran.term,
            },
            Course::Follows(training) => Ending {
                after: training.length().map(Duration::from_secs_f64),
                code: 0,
                oom: false,
                term: Some((0.4, 143)),
            },
            Course::Trains(training) => Ending {
                after: training.length().map(Duration::from_secs_f64),
                code: training.code(),
                oom: training.oom(),
                term: Some((training.stop_takes(), 143)),
            },
        }
    }

    /// The lines from the `skip`-th on that are complete at second `until`, and when the next one is due.
    /// `stopped` is the second at which SIGTERM came, if it came.
    pub fn lines(&self, skip: usize, until: f64, stopped: Option<f64>) -> (Vec<Line>, Option<f64>) {
        match self.course() {
            Course::Ran(ran) => {
                let cut = stopped.unwrap_or(f64::INFINITY);
                let mut all = ran
                    .lines
                    .into_iter()
                    .filter(|(at, _)| *at <= cut)
                    .skip(skip);
                let mut out = Vec::new();
                for line in all.by_ref() {
                    if line.0 > until {
                        return (out, Some(line.0));
                    }
                    out.push(line);
                }
                (out, None)
            }
            Course::Trains(training) | Course::Follows(training) => {
                training.lines(skip, until, stopped)
            }
        }
    }

    /// How far a training has come after so many simulated seconds; `None` for every other program.
    pub fn progress(&self, seconds: f64) -> Option<train::Progress> {
        match self.course() {
            Course::Trains(training) => Some(training.progress(seconds)),
            Course::Follows(_) | Course::Ran(_) => None,
        }
    }

    /// What it does with its GPUs after so many simulated seconds.
    pub fn effort(&self, seconds: f64) -> Effort {
        const SERVERS: [&str; 5] = ["vllm", "sglang", "triton", "tgi", "dynamo"];
        let serves = SERVERS.iter().any(|s| self.image.contains(s));
        match self.course() {
            Course::Trains(training) => training.effort(seconds),
            Course::Follows(_) => Effort::None,
            Course::Ran(_) if serves => Effort::Serving,
            Course::Ran(_) => {
                let words = self.argv.iter().chain(std::iter::once(&self.image));
                let computes = ["torch", "cuda", "jupyter", "ray", "nvidia"];
                let mut words = words.filter(|w| computes.iter().any(|c| w.contains(c)));
                words.next().map_or(Effort::None, |_| Effort::Context)
            }
        }
    }

    /// With which code a submitted job ends; `None` if nothing is submitted.
    pub fn submitted(&self) -> Option<i32> {
        match self.course() {
            Course::Follows(training) => Some(training.code()),
            Course::Ran(ran) => ran.driver,
            Course::Trains(_) => None,
        }
    }

    fn course(&self) -> Course {
        let trains = self.image.starts_with("jobdeck.dev/demo/train")
            || self.argv.first().is_some_and(|a| a == "jobdeck-train");
        if trains {
            let training = Training::new(&self.argv, &self.env, self.attempt, self.seed);
            return Course::Trains(Box::new(training));
        }
        if let Some((id, words)) = ray::submission(&self.argv)
            && words.iter().any(|w| w.starts_with("--steps"))
        {
            let training = Training::new(&words, &self.env, self.attempt, self.seed);
            let address = self.env.get("RAY_DASHBOARD_ADDRESS").cloned();
            let shown = ray::shown(training, &id, &address.unwrap_or_default());
            return Course::Follows(Box::new(shown));
        }
        let mut machine = tools::Machine::new(self.env.clone(), self.memory, self.seed);
        let code = machine.exec(&self.words());
        Course::Ran(machine.finish(code))
    }
}

/// The container's environment: literals, `$(NAME)` of earlier ones, and the downward API.
fn environment(pod: &Value, container: &Value) -> BTreeMap<String, String> {
    let meta = &pod["metadata"];
    let host = pod["spec"]["hostname"].as_str().or(meta["name"].as_str());
    let mut env = BTreeMap::from([
        ("HOSTNAME".to_owned(), host.unwrap_or_default().to_owned()),
        ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("HOME".to_owned(), "/root".to_owned()),
        ("KUBERNETES_SERVICE_HOST".to_owned(), "10.96.0.1".to_owned()),
        ("KUBERNETES_SERVICE_PORT".to_owned(), "443".to_owned()),
    ]);
    for entry in container["env"].as_array().into_iter().flatten() {
        let Some(name) = entry["name"].as_str() else {
            continue;
        };
        let value = match entry["value"].as_str() {
            Some(value) => expand(value, &env),
            None => {
                let path = entry["valueFrom"]["fieldRef"]["fieldPath"].as_str();
                path.map(|p| field(pod, p)).unwrap_or_default()
            }
        };
        env.insert(name.to_owned(), value);
    }
    env
}

/// A downward API field: `metadata.name`, `metadata.labels['x']`, `status.podIP`, …
fn field(pod: &Value, path: &str) -> String {
    let value = match path.split_once("['") {
        Some((map, key)) => {
            let pointer = format!("/{}", map.replace('.', "/"));
            let map = pod.pointer(&pointer);
            map.and_then(|m| m.get(key.trim_end_matches("']")))
        }
        None => pod.pointer(&format!("/{}", path.replace('.', "/"))),
    };
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Kubernetes' own `$(NAME)`; `$$(NAME)` is an escaped one, unknown names stay as they are.
fn expand(text: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$") {
            out.push('$');
            rest = after;
            continue;
        }
        let name = rest.strip_prefix("$(").and_then(|r| r.split_once(')'));
        match name.and_then(|(n, tail)| Some((env.get(n)?, tail))) {
            Some((value, tail)) => {
                out.push_str(value);
                rest = tail;
            }
            None => {
                out.push('$');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
