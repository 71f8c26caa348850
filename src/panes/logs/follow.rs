//! Which streams a log screen wants, and what it remembers of each: pods come and go by themselves, and what a
//! vanished one wrote stays.

use chrono::TimeDelta;

use crate::model::ids::{Key, Name};
use crate::model::pod::{PodPhase, PodRow};
use crate::model::want::{LogWant, Want};
use crate::panes::{Cx, LogsOf, worker};
use crate::ui::State;

/// Streams followed at once. Every one is a connection to the API server; kubectl stops at 5.
pub const CAP: usize = 12;
/// A finished pod stays wanted for so long, so that its last lines are not cut off.
const GRACE_SECONDS: i64 = 60;
/// Lines per stream to begin with.
pub const TAIL: u32 = 2_000;

/// From when on lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    All,
    Tail,
    Seconds(u32),
}

impl Since {
    /// `last 2000 lines`, for the answer line.
    pub fn words(self) -> String {
        match self {
            Since::All => "from the start".into(),
            Since::Tail => format!("last {TAIL} lines"),
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
            pod: pod.name.as_ref().into(),
            uid: pod.key.uid,
            container: self.container.clone(),
            previous: self.previous,
            tail: (self.since == Since::Tail).then_some(TAIL),
            since_seconds: match self.since {
                Since::Seconds(seconds) => Some(seconds),
                _ => None,
            },
            follow: !over && !self.previous,
        }
    }

    /// Whether lines that arrive under this want belong to what is asked now.
    pub fn covers(&self, want: &LogWant) -> bool {
        self.container == want.container
            && self.previous == want.previous
            && want.tail.is_some() == (self.since == Since::Tail)
            && want.since_seconds.is_some() == matches!(self.since, Since::Seconds(_))
            && want
                .since_seconds
                .is_none_or(|s| self.since == Since::Seconds(s))
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
    /// The want was to follow; a pod that ends meanwhile keeps the stream it has.
    follow: bool,
}

impl Source {
    pub fn new(pod: &PodRow, follow: bool) -> Self {
        Self {
            pod: pod.key,
            name: pod.name.clone(),
            index: pod.index,
            state: state(pod),
            gone: false,
            done: false,
            cut: false,
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
            // Nobody knows whether whoever writes it still runs: its silence means nothing.
            follow: false,
        }
    }

    /// Takes over what the model says now; `None`: the pod is gone.
    pub fn update(&mut self, pod: Option<&PodRow>) {
        match pod {
            Some(pod) => {
                self.state = state(pod);
                self.index = pod.index;
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

fn state(pod: &PodRow) -> State {
    crate::panes::words::pod_state(pod)
}

/// The pods to follow, best first, and how many more there are to follow.
pub struct Plan<'a> {
    pub pods: Vec<&'a PodRow>,
    /// Pods with something to read that the cap leaves out.
    pub left_out: usize,
    /// Pods that have not started, so have nothing to read yet.
    pub waiting: usize,
}

/// The model's pods this screen is about.
pub fn pods<'a>(of: &'a LogsOf, cx: &Cx<'a>) -> Vec<&'a PodRow> {
    match of {
        LogsOf::Job { job, .. } => cx.model.pods_of(*job).collect(),
        LogsOf::Pod { pod, .. } => cx.model.pods.get(*pod).into_iter().collect(),
        LogsOf::File { .. } => Vec::new(),
    }
}

/// Chooses: running pods before failed before succeeded, those already followed first, low indexes first.
pub fn plan<'a>(of: &'a LogsOf, sources: &[Source], cx: &Cx<'a>) -> Plan<'a> {
    let wanted_index = match of {
        LogsOf::Job { index, .. } => *index,
        LogsOf::Pod { .. } | LogsOf::File { .. } => None,
    };
    let mut ranked = Vec::new();
    let mut plan = Plan {
        pods: Vec::new(),
        left_out: 0,
        waiting: 0,
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
            let fresh = pod
                .finished
                .is_some_and(|at| cx.now - at < TimeDelta::seconds(GRACE_SECONDS));
            if known.is_some_and(|source| source.done) {
                continue;
            }
            if fresh {
                ending.push(pod);
                continue;
            }
        }
        let class = match pod.phase {
            PodPhase::Running | PodPhase::Unknown => 0,
            PodPhase::Failed => 1,
            PodPhase::Pending => 2,
            PodPhase::Succeeded => 3,
        };
        let asked = wanted_index.is_some() && pod.index == wanted_index;
        ranked.push(((!asked, known.is_none(), class, pod.index, &*pod.name), pod));
    }
    ranked.sort_unstable_by_key(|(rank, _)| *rank);
    plan.left_out = ranked.len().saturating_sub(CAP);
    plan.pods = ranked.into_iter().take(CAP).map(|(_, pod)| pod).collect();
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
