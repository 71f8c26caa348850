//! The demo's own training program (`jobdeck.dev/demo/train`): its arguments say how long it runs, what it
//! prints and how it fails. Any line can be computed without those before it, so long logs cost nothing.

use std::collections::BTreeMap;

use super::{Effort, Line};
use crate::controllers::kubelet::{hash, mix};
use crate::logs::{faults, styles};

/// How a run goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The GPU's memory does not suffice: traceback, exit 1.
    CudaOom,
    /// The kernel kills it for the host's memory: nothing printed, OOMKilled.
    Oom,
    /// A rank stops answering; the watchdog aborts after a while: SIGABRT.
    Nccl,
    /// The loss is no number any more; the trainer gives up.
    Nan,
    /// An input file is missing.
    Data,
    /// The GPU reports an uncorrectable error.
    Xid,
    /// A bug in the user's code.
    Bug,
}

/// One training run, fully determined by its arguments, its index, its attempt and its seed.
#[derive(Debug, Clone)]
pub struct Training {
    pub style: styles::Style,
    pub model: String,
    /// Optimizer steps of the whole run.
    pub steps: u64,
    /// Seconds per step.
    pub pace: f64,
    pub log_every: u64,
    /// Steps between evaluations; 0 is never.
    pub eval_every: u64,
    pub epochs: u64,
    pub world: u64,
    pub rank: u64,
    pub batch: u64,
    /// First and last loss.
    pub loss: (f64, f64),
    pub lr: f64,
    pub gpu: String,
    pub seed: u64,
    /// Seconds until the first step.
    warmup: f64,
    fault: Option<(u64, Fault)>,
    header: Vec<Line>,
    tail: Vec<Line>,
    length: Option<f64>,
}

/// What a trainer would report of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// 0..100
    pub percent: u64,
    /// Seconds until the last step.
    pub remaining: u64,
    pub epoch: f64,
    pub loss: f64,
    pub lr: f64,
}

impl Training {
    /// As of the last logged step.
    pub fn progress(&self, seconds: f64) -> Progress {
        let steps = ((seconds - self.warmup) / self.pace).max(0.0) as u64;
        let step = steps.min(self.last_step()) / self.log_every * self.log_every;
        Progress {
            percent: step * 100 / self.steps,
            remaining: ((self.steps - step) as f64 * self.pace) as u64,
            epoch: self.epoch_at(step),
            loss: self.loss_at(step),
            lr: self.lr_at(step),
        }
    }

    /// What it does with its GPUs after so many simulated seconds.
    pub fn effort(&self, seconds: f64) -> Effort {
        if seconds < self.warmup {
            return Effort::Loading((seconds / self.warmup).clamp(0.0, 1.0));
        }
        let steps = (seconds - self.warmup) / self.pace;
        if steps > self.last_step() as f64 {
            return match self.fault {
                Some((_, Fault::Nccl)) => Effort::Stuck,
                None if self.length.is_none() => Effort::Parked,
                _ => Effort::Context,
            };
        }
        // an evaluation takes as long as a few steps
        let within = |every: u64| steps % every as f64;
        let evaluates = self.eval_every > 0
            && steps > self.eval_every as f64
            && within(self.eval_every) < (self.eval_every as f64 * 0.1).min(6.0);
        match self.style {
            _ if evaluates => Effort::Evaluating,
            styles::Style::Eval | styles::Style::Shards => Effort::Serving,
            _ => Effort::Training,
        }
    }

    pub fn new(argv: &[String], env: &BTreeMap<String, String>, attempt: u32, seed: u64) -> Self {
        let options = options(argv);
        let text = |name: &str, or: &str| options.get(name).cloned().unwrap_or(or.to_owned());
        let number = |name: &str, or: f64| {
            let given = options.get(name).and_then(|v| v.parse::<f64>().ok());
            given.unwrap_or(or)
        };
        let index = rank(env);
        let steps = number("steps", 400.0).max(1.0) as u64;
        // Runs of one kind are not equally fast: nodes and data differ.
        let spread = 1.0 + number("spread", 0.06) * (unit(seed) * 2.0 - 1.0);
        let loss = text("loss", "2.9:1.4");
        let (first, last) = loss.split_once(':').unwrap_or(("2.9", "1.4"));
        let log_every = number("log-every", 10.0).max(1.0) as u64;
        let mut training = Self {
            style: styles::Style::named(&text("style", "hf")),
            model: text("model", "resnet50"),
            steps,
            pace: number("step-time", 1.0).max(0.000_1) * spread,
            log_every,
            eval_every: (number("eval-every", 0.0) as u64) / log_every * log_every,
            epochs: number("epochs", 3.0).max(1.0) as u64,
            world: number("world", world(env)).max(1.0) as u64,
            rank: index.unwrap_or(0),
            batch: number("batch", 32.0) as u64,
            loss: (first.parse().unwrap_or(2.9), last.parse().unwrap_or(1.4)),
            lr: number("lr", 2e-4),
            gpu: text("gpu", "NVIDIA A100-SXM4-80GB"),
            warmup: number("warmup", 9.0) * (0.8 + 0.4 * unit(mix(seed))),
            seed,
            fault: None,
            header: Vec::new(),
            tail: Vec::new(),
            length: None,
        };
        if fails(&options, index, attempt, seed) {
            let at = number("fail-at", steps as f64 / 2.0).max(0.0) as u64;
            training.fault = Some((at.min(steps), fault(&text("fail", "bug"))));
        }
        training.header = styles::header(&training, env)
            .into_iter()
            .map(|(share, line)| (share * training.warmup, line))
            .collect();
        training.finish(options.contains_key("forever"), number("hang", 120.0));
        training
    }

    /// With lines of somebody else before the first and after the last one.
    pub fn between(mut self, before: &[String], after: &str) -> Self {
        super::ray::around(&mut self.header, before);
        if let Some(end) = self.length {
            self.tail.push((end - 0.05, after.to_owned()));
        }
        self
    }

    /// The last step that is taken.
    fn last_step(&self) -> u64 {
        match self.fault {
            // It goes on for a while with a loss that is no number.
            Some((at, Fault::Nan)) => (at + 3 * self.log_every).min(self.steps),
            Some((at, _)) => at,
            None => self.steps,
        }
    }

    fn finish(&mut self, forever: bool, hang: f64) {
        let end = self.time_of(self.last_step());
        let (after, tail) = match self.fault {
            Some((at, fault)) => {
                let wait = if fault == Fault::Nccl { hang } else { 0.6 };
                (wait, faults::last_words(self, at, fault))
            }
            None => (0.8, styles::footer(self, end)),
        };
        let count = tail.len().max(1) as f64;
        let at = |i: usize| end + after + 0.4 * i as f64 / count;
        self.tail = tail
            .into_iter()
            .enumerate()
            .map(|(i, l)| (at(i), l))
            .collect();
        self.length = (!forever).then_some(end + after + 0.9);
    }

    /// When a step ends. Steps vary a little and never overtake each other.
    pub fn time_of(&self, step: u64) -> f64 {
        let jitter = 0.3 * unit(mix(self.seed ^ step));
        let jitter = if step == 0 { 0.0 } else { jitter };
        self.warmup + self.pace * (step as f64 - jitter).max(0.0)
    }

    /// The loss after a step: a falling curve with noise; not a number once that has gone wrong.
    pub fn loss_at(&self, step: u64) -> f64 {
        if matches!(self.fault, Some((at, Fault::Nan)) if step >= at) {
            return f64::NAN;
        }
        let t = step as f64 / self.steps as f64;
        let (first, last) = self.loss;
        let curve = last + (first - last) * (-4.5 * t).exp();
        let noise = (unit(mix(self.seed ^ (step << 1))) - 0.5) * 0.06 * curve;
        (curve + noise).max(0.000_1)
    }

    /// A number in 0..1 that belongs to a step.
    pub fn noise(&self, step: u64, salt: u64) -> f64 {
        unit(mix(self.seed ^ step.wrapping_mul(31) ^ (salt << 40)))
    }

    /// Learning rate: warm-up, then a cosine.
    pub fn lr_at(&self, step: u64) -> f64 {
        let t = step as f64 / self.steps as f64;
        let up = (t / 0.03).min(1.0);
        self.lr * up * 0.5 * (1.0 + (std::f64::consts::PI * t).cos())
    }

    pub fn epoch_at(&self, step: u64) -> f64 {
        step as f64 * self.epochs as f64 / self.steps as f64
    }

    pub fn length(&self) -> Option<f64> {
        self.length
    }

    pub fn code(&self) -> i32 {
        match self.fault.map(|f| f.1) {
            None => 0,
            Some(Fault::Oom) => 137,
            Some(Fault::Nccl) => 134,
            Some(Fault::Data) => 2,
            Some(_) => 1,
        }
    }

    pub fn oom(&self) -> bool {
        matches!(self.fault, Some((_, Fault::Oom)))
    }

    /// Seconds from SIGTERM until the checkpoint is written.
    pub fn stop_takes(&self) -> f64 {
        2.0 + 6.0 * unit(self.seed >> 3)
    }

    /// Log lines per block (between two evaluations), and the lines of one evaluation.
    fn block(&self) -> (u64, u64) {
        match self.eval_every {
            0 => (u64::MAX, 0),
            every => (every / self.log_every, styles::EVAL_LINES),
        }
    }

    fn body_count(&self) -> u64 {
        let logs = self.last_step() / self.log_every;
        let (per_block, extra) = self.block();
        logs + logs / per_block * extra
    }

    fn body(&self, i: u64) -> Line {
        let (per_block, extra) = self.block();
        let size = per_block.saturating_add(extra);
        let (block, rest) = (i / size, i % size);
        let log = block * per_block.min(u64::MAX / 2) + rest.min(per_block - 1) + 1;
        let step = if per_block == u64::MAX { i + 1 } else { log } * self.log_every;
        let at = self.time_of(step);
        if rest < per_block {
            return (at, styles::progress(self, step));
        }
        let nth = rest - per_block;
        (
            at + 0.01 * (nth + 1) as f64 * self.pace.min(1.0),
            styles::evaluation(self, step, nth),
        )
    }

    fn line(&self, i: usize) -> Option<Line> {
        let head = self.header.len();
        if i < head {
            return self.header.get(i).cloned();
        }
        let i = (i - head) as u64;
        let body = self.body_count();
        if i < body {
            return Some(self.body(i));
        }
        self.tail.get((i - body) as usize).cloned()
    }

    /// See [`super::Launch::lines`].
    pub fn lines(&self, skip: usize, until: f64, stopped: Option<f64>) -> (Vec<Line>, Option<f64>) {
        let cut = stopped.unwrap_or(f64::INFINITY);
        let mut out = Vec::new();
        let mut at = skip;
        let mut last = 0;
        loop {
            match self.line(at) {
                Some(line) if line.0 > cut => break,
                Some(line) if line.0 > until => return (out, Some(line.0)),
                Some(line) => out.push(line),
                None => break,
            }
            at += 1;
            last = at;
        }
        let Some(stopped) = stopped else {
            return (out, None);
        };
        // What it says when it is told to stop comes after everything before the signal.
        let before = last.max(self.count_until(cut));
        for (nth, line) in styles::farewell(self, stopped).into_iter().enumerate() {
            let when = stopped + 0.1 + nth as f64 * self.stop_takes() * 0.4;
            if before + nth < skip {
                continue;
            }
            if when > until {
                return (out, Some(when));
            }
            out.push((when, line));
        }
        (out, None)
    }

    fn count_until(&self, cut: f64) -> usize {
        let all = self.header.len() + self.body_count() as usize + self.tail.len();
        let (mut low, mut high) = (0, all);
        while low < high {
            let middle = (low + high) / 2;
            if self.line(middle).is_some_and(|l| l.0 <= cut) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// Which one of its kind this process is, from whatever its launcher told it.
fn rank(env: &BTreeMap<String, String>) -> Option<u64> {
    const NAMES: [&str; 5] = [
        "JOB_COMPLETION_INDEX",
        "RANK",
        "PROCESS_ID",
        "PADDLE_TRAINER_ID",
        "LWS_WORKER_INDEX",
    ];
    let mut known = NAMES.iter().filter_map(|name| env.get(*name)?.parse().ok());
    // Some launchers only number the names.
    let numbered = env.contains_key("PADDLE_NNODES") || env.contains_key("K_MPI_JOB_ROLE");
    let host = env.get("HOSTNAME").filter(|_| numbered);
    let host = host.and_then(|name| name.rsplit('-').next()?.parse().ok());
    known.next().or(host).or_else(|| {
        let config: serde_json::Value = serde_json::from_str(env.get("TF_CONFIG")?).ok()?;
        config["task"]["index"].as_u64()
    })
}

/// How many processes there are, if the launcher says so.
fn world(env: &BTreeMap<String, String>) -> f64 {
    const NAMES: [&str; 4] = [
        "WORLD_SIZE",
        "NUM_PROCESSES",
        "PADDLE_NNODES",
        "LWS_GROUP_SIZE",
    ];
    let mut known = NAMES.iter().filter_map(|name| env.get(*name)?.parse().ok());
    known.next().unwrap_or(1.0)
}

fn options(argv: &[String]) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut at = 0;
    while at < argv.len() {
        if let Some(name) = argv[at].strip_prefix("--") {
            match name.split_once('=') {
                Some((name, value)) => {
                    out.insert(name.to_owned(), value.to_owned());
                }
                None => {
                    let value = argv.get(at + 1).filter(|v| !v.starts_with("--"));
                    at += usize::from(value.is_some());
                    out.insert(name.to_owned(), value.cloned().unwrap_or_default());
                }
            }
        }
        at += 1;
    }
    out
}

fn fault(name: &str) -> Fault {
    match name {
        "cuda-oom" => Fault::CudaOom,
        "oom" => Fault::Oom,
        "nccl" => Fault::Nccl,
        "nan" => Fault::Nan,
        "data" => Fault::Data,
        "xid" => Fault::Xid,
        _ => Fault::Bug,
    }
}

/// Does this attempt of this index fail?
fn fails(options: &BTreeMap<String, String>, index: Option<u64>, attempt: u32, seed: u64) -> bool {
    if !options.contains_key("fail") {
        return false;
    }
    let attempts = options
        .get("fail-attempts")
        .and_then(|n| n.parse::<u32>().ok());
    if attempts.is_some_and(|n| attempt >= n) {
        return false;
    }
    let index = index.unwrap_or(0);
    let listed = match options.get("fail-indexes").map(String::as_str) {
        None => true,
        Some("even") => index.is_multiple_of(2),
        Some("odd") => !index.is_multiple_of(2),
        Some(list) => list.split(',').any(|i| i.parse() == Ok(index)),
    };
    let chance = options
        .get("flaky")
        .and_then(|p| p.parse::<f64>().ok())
        .unwrap_or(1.0);
    listed && unit(hash("flaky") ^ seed) < chance
}

/// 0..1 from the bits of a hash.
fn unit(bits: u64) -> f64 {
    (mix(bits) >> 11) as f64 / (1u64 << 53) as f64
}
