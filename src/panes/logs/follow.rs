//! Which streams a log screen wants, and what it remembers of each: pods come and go by themselves, and what a
//! vanished one wrote stays.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::ids::{Key, Name};
use crate::model::pod::{PodPhase, PodRow};
use crate::model::want::{LogWant, Want};
use crate::panes::{Cx, LogsOf, worker};
use crate::ui::State;

/// Streams followed at once. Every one is a connection to the API server; kubectl stops at 5.
pub const CAP: usize = 12;
/// Of those left out, so many are offered.
const NEXT: usize = 64;
/// A finished pod stays wanted for so long, so that its last lines are not cut off.
const GRACE_SECONDS: i64 = 60;
/// Lines per stream to begin with.
pub const TAIL: u32 = 2_000;

/// From when on lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    All,
    /// So many lines of each.
    Tail(u32),
    Seconds(u32),
}

impl Since {
    /// The last lines; asked again, more of them, then fewer.
    pub fn tail(self) -> Self {
        match self {
            Since::Tail(TAIL) => Since::Tail(TAIL * 10),
            Since::Tail(lines) if lines > TAIL => Since::Tail(TAIL / 10),
            _ => Since::Tail(TAIL),
        }
    }

    /// `last 2000 lines`, for the answer line.
    pub fn words(self) -> String {
        match self {
            Since::All => "from the start".into(),
            Since::Tail(lines) => format!("last {lines} lines"),
            Since::Seconds(s) if s % 3600 == 0 => format!("last {}h", s / 3600),
            Since::Seconds(s) => format!("last {}m", s / 60),
        }
    }
}

/// What is asked of every stream alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// `None`: the pod's default container.
    pub container: Option<Name>,
    pub previous: bool,
    pub since: Since,
}

impl Ask {
    /// The stream of one pod.
    pub fn want(&self, pod: &PodRow) -> LogWant {
        let over = matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed);
        LogWant {
            namespace: pod.namespace.clone(),
            pod: pod.name.as_str().into(),
            uid: pod.key.uid,
            container: self.container.clone(),
            previous: self.previous,
            tail: self.tail(),
            since_seconds: self.seconds(),
            follow: !over && !self.previous,
        }
    }

    fn tail(&self) -> Option<u32> {
        match self.since {
            Since::Tail(lines) => Some(lines),
            _ => None,
        }
    }

    fn seconds(&self) -> Option<u32> {
        match self.since {
            Since::Seconds(seconds) => Some(seconds),
            _ => None,
        }
    }

    /// Whether lines that arrive under this want belong to what is asked now.
    pub fn covers(&self, want: &LogWant) -> bool {
        self.container == want.container
            && self.previous == want.previous
            && self.tail() == want.tail
            && self.seconds() == want.since_seconds
    }
}

/// What is known of one stream: its pod as last seen, also after it is gone.
#[derive(Debug, Clone)]
pub struct Source {
    pub pod: Key,
    pub name: Box<str>,
    pub index: Option<u32>,
    pub state: State,
    /// The pod is no longer in the cluster.
    pub gone: bool,
    /// Was followed to its end or crowded out: asking again would tell everything twice.
    pub done: bool,
    /// It cannot be read right now: that nothing comes means nothing.
    pub cut: bool,
    /// Its lines tell a loss: the one to keep when not all can be followed.
    pub tells_loss: bool,
    pub rate: Rate,
    /// How its container ended before it was restarted.
    pub crash: Option<Crash>,
    /// The want was to follow; a pod that ends meanwhile keeps the stream it has.
    follow: bool,
}

impl Source {
    pub fn new(pod: &PodRow, follow: bool) -> Self {
        Self {
            pod: pod.key,
            name: pod.name.as_str().into(),
            index: pod.index.get(),
            state: state(pod),
            gone: false,
            done: false,
            cut: false,
            tells_loss: false,
            rate: Rate::default(),
            crash: crash(pod),
            follow,
        }
    }

    /// A file or a pipe.
    pub fn file(name: &str) -> Self {
        Self {
            pod: Key::default(),
            name: name.into(),
            index: None,
            state: State::Running,
            gone: false,
            done: false,
            cut: false,
            tells_loss: false,
            rate: Rate::default(),
            crash: None,
            // Nobody knows whether whoever writes it still runs: its silence means nothing.
            follow: false,
        }
    }

    /// Takes over what the model says now; `None`: the pod is gone.
    pub fn update(&mut self, pod: Option<&PodRow>) {
        match pod {
            Some(pod) => {
                self.state = state(pod);
                self.index = pod.index.get();
                self.crash = crash(pod);
                self.gone = false;
            }
            None => self.gone = true,
        }
    }

    /// Its pod runs and is read, so that its silence means something.
    pub fn is_live(&self) -> bool {
        let runs = matches!(self.state, State::Running | State::Retrying);
        runs && self.follow && !self.gone && !self.done && !self.cut
    }

    /// What tells it from its siblings: the index, else the random end of the name.
    pub fn label(&self) -> String {
        match self.index {
            Some(index) => index.to_string(),
            None => self
                .name
                .rsplit('-')
                .next()
                .unwrap_or(&self.name)
                .to_owned(),
        }
    }
}

/// How a container ended that runs again, or is about to.
#[derive(Debug, Clone, PartialEq)]
pub struct Crash {
    pub at: DateTime<Utc>,
    pub container: Name,
    /// `OOMKilled`, `exit 1`
    pub how: String,
}

fn crash(pod: &PodRow) -> Option<Crash> {
    let exit = pod.exit.as_deref().filter(|_| pod.restarts > 0)?;
    let how = match &*exit.reason {
        "" | "Error" => format!("exit {}", exit.code),
        "Completed" => "exit 0".to_owned(),
        reason => reason.to_owned(),
    };
    Some(Crash {
        at: exit.finished?,
        container: exit.container.clone(),
        how,
    })
}

/// Seconds a rate is told of.
const SPAN: usize = 8;

/// Lines in the last seconds, by the time they were written.
#[derive(Debug, Clone, Default)]
pub struct Rate {
    counts: [u32; SPAN],
    /// The newest of these seconds.
    newest: i64,
}

impl Rate {
    pub fn add(&mut self, second: i64) {
        let ahead = second - self.newest;
        if ahead > 0 {
            for n in 0..ahead.min(SPAN as i64) {
                self.counts[slot(second - n)] = 0;
            }
            self.newest = second;
        }
        if ahead > -(SPAN as i64) {
            let count = &mut self.counts[slot(second)];
            *count = count.saturating_add(1);
        }
    }

    /// Lines a second over the last whole seconds; the one that still runs does not count.
    pub fn now(&self, now: i64) -> f64 {
        let span = SPAN as i64 - 1;
        let lines: u32 = (now - span..now)
            .filter(|second| self.newest - second < SPAN as i64 && *second <= self.newest)
            .map(|second| self.counts[slot(second)])
            .sum();
        f64::from(lines) / span as f64
    }
}

fn slot(second: i64) -> usize {
    second.rem_euclid(SPAN as i64) as usize
}

fn state(pod: &PodRow) -> State {
    crate::panes::words::pod_state(pod)
}

/// The pods to follow, best first, and how many more there are to follow.
pub struct Plan<'a> {
    pub pods: Vec<&'a PodRow>,
    /// Pods with something to read that the cap leaves out: how many, and those that come next.
    pub left_out: usize,
    pub next: Vec<&'a PodRow>,
    /// Pods that have not started, so have nothing to read yet.
    pub waiting: usize,
    /// When time alone changes it.
    pub until: Option<DateTime<Utc>>,
}

/// The model's pods this screen is about.
pub fn pods<'a>(of: &'a LogsOf, cx: &Cx<'a>) -> Vec<&'a PodRow> {
    match of {
        LogsOf::Job { job, .. } => cx.model.pods_of(*job).collect(),
        LogsOf::Pod { pod, .. } => cx.model.pods.get(*pod).into_iter().collect(),
        LogsOf::File { .. } => Vec::new(),
    }
}

/// Roles that lead the others.
const LEADERS: [&str; 6] = ["master", "launcher", "leader", "head", "chief", "driver"];

/// Chooses: what was asked for and picked, whoever tells a loss, the one that leads, what failed or crashed; then those
/// followed already, so that nothing jumps, and low indexes.
pub fn plan<'a>(of: &'a LogsOf, sources: &[Source], picked: &[Key], cx: &Cx<'a>) -> Plan<'a> {
    let wanted_index = match of {
        LogsOf::Job { index, .. } => *index,
        LogsOf::Pod { .. } | LogsOf::File { .. } => None,
    };
    let mut ranked = Vec::new();
    let mut plan = Plan {
        pods: Vec::new(),
        left_out: 0,
        next: Vec::new(),
        waiting: 0,
        until: None,
    };
    let mut ending = Vec::new();
    for pod in pods(of, cx) {
        let known = sources.iter().find(|source| source.pod == pod.key);
        let over = matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed);
        if pod.phase == PodPhase::Pending && pod.started.is_none() && pod.restarts == 0 {
            plan.waiting += 1;
            // The server answers an unscheduled pod with nothing at all; the model knows more.
            if pod.node.is_none() {
                continue;
            }
        }
        if over && known.is_some() {
            let grace = TimeDelta::seconds(GRACE_SECONDS);
            let until = pod
                .finished
                .get()
                .map(|at| at + grace)
                .filter(|until| cx.now < *until);
            if known.is_some_and(|source| source.done) {
                continue;
            }
            if until.is_some() {
                plan.until = plan.until.into_iter().chain(until).min();
                ending.push(pod);
                continue;
            }
        }
        let lead = |role: &str| LEADERS.iter().any(|lead| role.eq_ignore_ascii_case(lead));
        let leads = match &pod.replica {
            Some(replica) if lead(&replica.role) => true,
            _ => pod.index.get() == Some(0),
        };
        let asked = wanted_index.is_some() && pod.index.get() == wanted_index;
        let place = picked.iter().rev().position(|key| *key == pod.key);
        let class = match pod.phase {
            _ if asked => 0,
            _ if place.is_some() => 1,
            _ if known.is_some_and(|source| source.tells_loss) => 2,
            _ if leads => 3,
            PodPhase::Failed => 4,
            _ if pod.restarts > 0 => 4,
            PodPhase::Running | PodPhase::Unknown => 5,
            PodPhase::Pending => 6,
            PodPhase::Succeeded => 7,
        };
        let rank = (class, place, known.is_none(), pod.index.get(), &*pod.name);
        ranked.push((rank, pod));
    }
    // Of ten thousand pods only those near the front need an order.
    let best = |ranked: &mut Vec<_>, most: usize| {
        if ranked.len() > most {
            ranked.select_nth_unstable_by_key(most, |(rank, _)| *rank);
        }
        let rest = ranked.split_off(ranked.len().min(most));
        let mut front = std::mem::replace(ranked, rest);
        front.sort_unstable_by_key(|(rank, _)| *rank);
        front
            .into_iter()
            .map(|(_, pod)| pod)
            .collect::<Vec<&PodRow>>()
    };
    plan.pods = best(&mut ranked, CAP);
    plan.left_out = ranked.len();
    plan.next = best(&mut ranked, NEXT);
    plan.pods.extend(ending);
    plan
}

/// The streams of a plan as wants; a pod that ended keeps the want it had, or it would be read twice.
pub fn wants(plan: &Plan, sources: &[Source], ask: &Ask, cx: &Cx) -> Vec<Want> {
    plan.pods
        .iter()
        .map(|pod| {
            let mut want = ask.want(pod);
            if let Some(source) = sources.iter().find(|source| source.pod == pod.key) {
                want.follow = source.follow;
            }
            worker::at(pod.key.cluster, &pod.namespace, Want::Log(want), cx)
        })
        .collect()
}
