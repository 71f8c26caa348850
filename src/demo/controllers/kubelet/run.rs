//! One pod on its node as a state machine: pure, driven by the time, telling what to say and when to come back.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::images::{self, Unpullable, hash, mix};
use crate::clock::Clock;
use crate::controllers::program::{Ending, Launch};

mod pull;

/// A container instance that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub code: i32,
    pub reason: &'static str,
    pub started: DateTime<Utc>,
    pub finished: DateTime<Utc>,
    pub id: String,
}

/// Where a container is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Its turn has not come, or its sandbox is not there.
    Idle,
    Pulling {
        until: DateTime<Utc>,
        cached: bool,
    },
    /// The image will not come; looked at again at `until`.
    NoImage {
        until: DateTime<Utc>,
        tries: u32,
        waiting: bool,
    },
    /// What its configuration names does not exist.
    BadConfig {
        until: DateTime<Utc>,
        message: String,
    },
    Creating {
        until: DateTime<Utc>,
    },
    Running {
        since: DateTime<Utc>,
        ends: Option<DateTime<Utc>>,
        ending: Ending,
        ready_at: DateTime<Utc>,
    },
    /// Waits for its next start after a crash.
    BackOff {
        until: DateTime<Utc>,
        wait: Duration,
    },
    Ended(Ended),
}

#[derive(Debug, Clone)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub init: bool,
    pub sidecar: bool,
    pub state: State,
    pub last: Option<Ended>,
    pub restarts: u32,
    pub broken: Option<Unpullable>,
    spec: Value,
    crashes: u32,
    pulled: bool,
}

/// Something the kubelet says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub warning: bool,
    pub reason: &'static str,
    pub message: String,
    pub field: String,
}

/// What the state machine may ask of its surroundings.
pub struct Around<'a> {
    pub clock: &'a Clock,
    /// Is the image on the node?
    pub cached: &'a dyn Fn(&str) -> bool,
    /// What a container's configuration names and the namespace lacks.
    pub missing: &'a dyn Fn(&Value) -> Option<String>,
}

/// A pod that a kubelet has accepted.
#[derive(Debug, Clone)]
pub struct Run {
    pub uid: String,
    pub place: String,
    pub started: DateTime<Utc>,
    pub sandbox: DateTime<Utc>,
    pub containers: Vec<Container>,
    pub policy: String,
    pub deadline: Option<DateTime<Utc>>,
    pub stopping: bool,
    pub expired: bool,
    pub said: Vec<Said>,
    /// Images that came to the node since they were last taken.
    pub pulled: Vec<String>,
    pod: Value,
    seed: u64,
}

impl Run {
    pub fn new(pod: &Value, clock: &Clock) -> Self {
        let now = clock.now();
        let uid = pod["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let seed = hash(&uid);
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let mut containers = Vec::new();
        for (part, init) in [("initContainers", true), ("containers", false)] {
            for spec in pod["spec"][part].as_array().into_iter().flatten() {
                let image = text(&spec["image"]);
                containers.push(Container {
                    name: text(&spec["name"]),
                    broken: images::check(&image).err(),
                    image,
                    init,
                    sidecar: init && spec["restartPolicy"] == "Always",
                    state: State::Idle,
                    last: None,
                    restarts: 0,
                    spec: spec.clone(),
                    crashes: 0,
                    pulled: false,
                });
            }
        }
        let deadline = pod["spec"]["activeDeadlineSeconds"].as_u64();
        Self {
            place: format!(
                "{}_{}",
                text(&pod["metadata"]["name"]),
                text(&pod["metadata"]["namespace"])
            ),
            started: now,
            sandbox: now + clock.scaled(Duration::from_millis(300 + seed % 500)),
            containers,
            policy: text(&pod["spec"]["restartPolicy"]),
            deadline: deadline.map(|s| now + clock.scaled(Duration::from_secs(s))),
            stopping: false,
            expired: false,
            said: Vec::new(),
            pulled: Vec::new(),
            pod: pod.clone(),
            seed,
            uid,
        }
    }

    /// A pod that already runs when its kubelet (re)starts: its containers go on where they are.
    pub fn adopt(pod: &Value, clock: &Clock) -> Self {
        let mut run = Self::new(pod, clock);
        let time = |v: &Value| v.as_str().and_then(|t| t.parse::<DateTime<Utc>>().ok());
        let status = &pod["status"];
        run.started = time(&status["startTime"]).unwrap_or(run.started);
        run.sandbox = run.started;
        for at in 0..run.containers.len() {
            let list = ["initContainerStatuses", "containerStatuses"];
            let mut all = list.iter().filter_map(|l| status[*l].as_array()).flatten();
            let Some(old) = all.find(|s| s["name"] == run.containers[at].name.as_str()) else {
                continue;
            };
            let (running, over) = (&old["state"]["running"], &old["state"]["terminated"]);
            let id = run.container_id(at);
            let c = &mut run.containers[at];
            c.restarts = old["restartCount"].as_u64().unwrap_or(0) as u32;
            c.pulled = true;
            if let Some(since) = time(&running["startedAt"]) {
                let ending = Launch::of(pod, &c.spec, c.restarts).ending();
                let ends = ending.after.map(|d| since + clock.scaled(d));
                c.state = State::Running {
                    since,
                    ends,
                    ending,
                    ready_at: since,
                };
            } else if over.is_object() {
                let started = time(&over["startedAt"]).unwrap_or(run.started);
                let code = over["exitCode"].as_i64().unwrap_or(0) as i32;
                c.state = State::Ended(Ended {
                    code,
                    reason: Ending::exit(code, None).reason(),
                    started,
                    finished: time(&over["finishedAt"]).unwrap_or(started),
                    id,
                });
            }
        }
        run
    }

    fn say(&mut self, at: usize, warning: bool, reason: &'static str, message: String) {
        let c = &self.containers[at];
        let part = if c.init {
            "initContainers"
        } else {
            "containers"
        };
        let field = format!("spec.{part}{{{}}}", c.name);
        self.said.push(Said {
            warning,
            reason,
            message,
            field,
        });
    }

    /// Lets everything happen that is due; answers when something is due next.
    pub fn step(&mut self, around: &Around<'_>) -> Option<DateTime<Utc>> {
        let now = around.clock.now();
        if !self.stopping && !self.expired && self.deadline.is_some_and(|d| d <= now) {
            self.expired = true;
            self.stop(around.clock, 30);
        }
        // Each pass may let another container have its turn; the number of passes is bounded by their number.
        for _ in 0..4 * self.containers.len() + 4 {
            let mut moved = false;
            for at in 0..self.containers.len() {
                moved |= self.step_one(at, around, now);
            }
            moved |= self.end_sidecars(around.clock);
            if !moved {
                break;
            }
        }
        self.next(now)
    }

    /// When something is due next.
    pub fn next(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let own = self.containers.iter().filter_map(|c| c.due(now)).min();
        let sandbox = (self.sandbox > now).then_some(self.sandbox);
        let deadline = self.deadline.filter(|d| *d > now && !self.done());
        own.into_iter().chain(sandbox).chain(deadline).min()
    }

    fn step_one(&mut self, at: usize, around: &Around<'_>, now: DateTime<Utc>) -> bool {
        let clock = around.clock;
        let millis = |n: u64| clock.scaled(Duration::from_millis(n));
        let jitter = mix(self.seed ^ ((at as u64) << 8) ^ u64::from(self.containers[at].restarts));
        match self.containers[at].state.clone() {
            State::Idle => {
                if self.stopping || self.expired || self.sandbox > now || !self.turn(at) {
                    return false;
                }
                self.pull(at, around, jitter);
            }
            State::Pulling { until, cached } if until <= now => {
                let c = &mut self.containers[at];
                c.pulled = true;
                let image = c.image.clone();
                let bytes = images::size(&image, hash(&image));
                let took = images::duration(bytes, cached, jitter).as_secs_f64();
                let text = format!(
                    "Successfully pulled image \"{image}\" in {took:.3}s ({took:.3}s including waiting). Image size: {bytes} bytes."
                );
                self.say(at, false, "Pulled", text);
                self.pulled.push(image);
                self.create(at, around, millis(200 + jitter % 300));
            }
            State::NoImage {
                until,
                tries,
                waiting,
            } if until <= now => {
                if waiting {
                    self.refuse(at, clock, tries + 1);
                } else {
                    self.back_off_pull(at, clock, tries);
                }
            }
            State::BadConfig { until, .. } if until <= now => {
                self.create(at, around, millis(200 + jitter % 300));
            }
            State::Creating { until } if until <= now => self.start(at, clock, jitter),
            State::Running {
                since,
                ends: Some(ends),
                ending,
                ..
            } if ends <= now => {
                self.end(at, clock, since, ends, &ending);
            }
            State::BackOff { until, .. } if until <= now => {
                self.containers[at].restarts += 1;
                let image = self.containers[at].image.clone();
                let text = format!("Container image \"{image}\" already present on machine");
                self.say(at, false, "Pulled", text);
                self.create(at, around, millis(200 + jitter % 300));
            }
            _ => return false,
        }
        true
    }

    /// Init containers go one after the other; the others when those are done.
    fn turn(&self, at: usize) -> bool {
        self.containers[..at].iter().filter(|c| c.init).all(|c| {
            if c.sidecar {
                matches!(c.state, State::Running { .. })
            } else {
                c.completed()
            }
        })
    }

    fn create(&mut self, at: usize, around: &Around<'_>, takes: TimeDelta) {
        let now = around.clock.now();
        let wait = around.clock.scaled(Duration::from_secs(10));
        if let Some(message) = (around.missing)(&self.containers[at].spec) {
            self.say(at, true, "Failed", format!("Error: {message}"));
            self.containers[at].state = State::BadConfig {
                until: now + wait,
                message,
            };
            return;
        }
        self.containers[at].state = State::Creating { until: now + takes };
    }

    fn start(&mut self, at: usize, clock: &Clock, jitter: u64) {
        let now = clock.now();
        self.say(at, false, "Created", "Container created".to_owned());
        self.say(at, false, "Started", "Container started".to_owned());
        let c = &self.containers[at];
        let ending = Launch::of(&self.pod, &c.spec, c.restarts).ending();
        let probe = &c.spec["readinessProbe"];
        let mut delay = probe["initialDelaySeconds"].as_u64().unwrap_or(0) * 1000;
        if probe.is_object() {
            delay += 300 + jitter % 1000;
        }
        let ends = ending.after.map(|d| now + clock.scaled(d));
        self.containers[at].state = State::Running {
            since: now,
            ends,
            ending,
            ready_at: now + clock.scaled(Duration::from_millis(delay)),
        };
    }

    fn end(
        &mut self,
        at: usize,
        clock: &Clock,
        since: DateTime<Utc>,
        ends: DateTime<Utc>,
        ending: &Ending,
    ) {
        let id = self.container_id(at);
        let ended = Ended {
            code: ending.code,
            reason: ending.reason(),
            started: since,
            finished: ends,
            id,
        };
        let over = self.stopping || self.expired;
        let c = &mut self.containers[at];
        let policy = if c.sidecar {
            "Always"
        } else {
            self.policy.as_str()
        };
        let again = match policy {
            "Always" => !c.init || c.sidecar || ending.code != 0,
            "OnFailure" => ending.code != 0,
            _ => false,
        };
        if over || !again {
            c.state = State::Ended(ended);
            return;
        }
        if ends - since > clock.scaled(Duration::from_secs(600)) {
            c.crashes = 0;
        }
        c.crashes += 1;
        let wait = if c.crashes == 1 {
            Duration::from_secs(1)
        } else {
            back_off(c.crashes - 1)
        };
        let first = c.crashes == 1;
        c.last = Some(ended);
        c.state = State::BackOff {
            until: ends + clock.scaled(wait),
            wait,
        };
        if !first {
            let text = format!(
                "Back-off restarting failed container {} in pod {}({})",
                self.containers[at].name, self.place, self.uid
            );
            self.say(at, true, "BackOff", text);
        }
    }

    /// The pod is to go, or has used up its time: running containers get SIGTERM, and SIGKILL after `grace`.
    pub fn stop(&mut self, clock: &Clock, grace: u64) {
        for at in 0..self.containers.len() {
            self.stop_one(at, clock, grace);
        }
    }

    fn stop_one(&mut self, at: usize, clock: &Clock, grace: u64) {
        let State::Running {
            since,
            ends,
            ending,
            ready_at,
        } = self.containers[at].state.clone()
        else {
            return;
        };
        let name = self.containers[at].name.clone();
        self.say(at, false, "Killing", format!("Stopping container {name}"));
        let killed = ending.on_term(grace);
        let at_latest = clock.now() + clock.scaled(killed.after.unwrap_or_default());
        // It may come to its own end before the signal has worked.
        let (ends, ending) = match ends {
            Some(own) if own <= at_latest => (own, ending),
            _ => (at_latest, killed),
        };
        self.containers[at].state = State::Running {
            since,
            ends: Some(ends),
            ending,
            ready_at,
        };
    }

    /// Sidecars are stopped once the containers they serve have ended.
    fn end_sidecars(&mut self, clock: &Clock) -> bool {
        let main_over = self
            .containers
            .iter()
            .filter(|c| !c.init)
            .all(|c| matches!(c.state, State::Ended(_)));
        let lost = self.lost();
        if self.stopping || !(main_over || lost) {
            return false;
        }
        let left: Vec<usize> = (0..self.containers.len())
            .filter(|at| self.containers[*at].sidecar)
            .collect();
        let mut moved = false;
        for at in left {
            if matches!(self.containers[at].state, State::Running { .. }) && !self.expired {
                self.retire_sidecar(at, clock);
                moved = true;
            }
        }
        moved
    }

    fn retire_sidecar(&mut self, at: usize, clock: &Clock) {
        // A stopped sidecar must not come back: the pod is over.
        self.containers[at].sidecar = false;
        let kept = std::mem::replace(&mut self.policy, "Never".to_owned());
        self.stop_one(at, clock, 30);
        self.containers[at].state = match self.containers[at].state.clone() {
            State::Running {
                since,
                ends,
                ready_at,
                ..
            } => State::Running {
                since,
                ends,
                ending: Ending::exit(0, ends.and_then(|e| (e - since).to_std().ok())),
                ready_at,
            },
            other => other,
        };
        self.policy = kept;
    }

    /// An init container failed for good.
    fn lost(&self) -> bool {
        let mut init = self.containers.iter().filter(|c| c.init && !c.sidecar);
        init.any(|c| matches!(&c.state, State::Ended(e) if e.code != 0))
    }

    /// Every container that will ever run has run.
    pub fn done(&self) -> bool {
        let over = |c: &Container| matches!(c.state, State::Ended(_));
        if self.stopping || self.expired {
            return !self
                .containers
                .iter()
                .any(|c| matches!(c.state, State::Running { .. }));
        }
        if self.lost() {
            return !self
                .containers
                .iter()
                .any(|c| matches!(c.state, State::Running { .. }));
        }
        self.containers.iter().all(over)
    }

    pub fn initialized(&self) -> bool {
        let mut init = self.containers.iter().filter(|c| c.init);
        init.all(|c| c.completed() || (c.sidecar && c.started()))
    }

    /// `status.phase`.
    pub fn phase(&self) -> &'static str {
        let main: Vec<&Container> = self.containers.iter().filter(|c| !c.init).collect();
        if self.done() {
            let fine = |c: &&Container| matches!(&c.state, State::Ended(e) if e.code == 0);
            let good = !self.expired && !self.lost() && main.iter().all(fine);
            return if good { "Succeeded" } else { "Failed" };
        }
        let begun =
            |c: &&Container| c.last.is_some() || c.started() || matches!(c.state, State::Ended(_));
        if self.initialized() && main.iter().all(begun) {
            "Running"
        } else {
            "Pending"
        }
    }

    pub fn container_id(&self, at: usize) -> String {
        let c = &self.containers[at];
        let base = self.seed ^ hash(&c.name) ^ (u64::from(c.restarts) << 32);
        let hex: String = (1..5)
            .map(|i| format!("{:016x}", mix(base.wrapping_add(i))))
            .collect();
        format!("containerd://{hex}")
    }

    /// The pod's address, from its UID.
    pub fn ip(&self) -> String {
        let bits = mix(self.seed);
        format!(
            "10.{}.{}.{}",
            244 + bits % 8,
            (bits >> 8) % 256,
            2 + (bits >> 16) % 250
        )
    }
}

impl Container {
    pub fn completed(&self) -> bool {
        matches!(&self.state, State::Ended(e) if e.code == 0)
    }

    pub fn started(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    pub fn has_image(&self) -> bool {
        self.pulled
    }

    pub fn ready(&self, now: DateTime<Utc>) -> bool {
        match &self.state {
            State::Running { ready_at, .. } => *ready_at <= now && (!self.init || self.sidecar),
            State::Ended(e) => self.init && e.code == 0,
            _ => false,
        }
    }

    fn due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.state {
            State::Idle | State::Ended(_) => None,
            State::Pulling { until, .. }
            | State::NoImage { until, .. }
            | State::BadConfig { until, .. }
            | State::Creating { until }
            | State::BackOff { until, .. } => Some(*until),
            State::Running { ends, ready_at, .. } => {
                let ready = (*ready_at > now).then_some(*ready_at);
                ends.iter().copied().chain(ready).min()
            }
        }
    }
}

/// 10 s, doubled each time, at most 5 min.
fn back_off(times: u32) -> Duration {
    let doubled = 10u64 << (times.max(1) - 1).min(6);
    Duration::from_secs(doubled.min(300))
}
