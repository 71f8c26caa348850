//! How many of what a large cluster holds, and of which shape: drawn from the seed before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use super::classes::{CLASSES, Class, End, FLAVORS};
use crate::api::write::Random;
use crate::scenario::Options;

/// The share of pods that are over: a control plane collects them beyond 12,500, whatever the size of the cluster.
const OVER: f64 = 0.1;
/// Indexes of the widest jobs.
const WIDE: usize = 10_000;
/// Jobs of that width: one to so many pods.
const WIDE_PER: usize = 25_000;

/// One job.
#[derive(Debug, Clone)]
pub struct Job {
    pub name: String,
    pub namespace: String,
    pub class: usize,
    /// Its queue, if it waits or waited in one.
    pub queue: Option<usize>,
    /// It waits for quota.
    pub waits: bool,
    pub end: End,
    pub running: usize,
    /// Indexes that succeeded, and how many of their pods are still there.
    pub done: usize,
    pub kept: usize,
    pub failed: usize,
    /// Indexes that have not begun.
    pub ahead: usize,
    /// Seconds since it began.
    pub age: i64,
}

/// A queue, and the quota its admitted Workloads take.
#[derive(Debug, Clone)]
pub struct Queue {
    pub name: String,
    pub namespace: String,
    pub cohort: String,
    pub first_of_cohort: bool,
    /// Processors, GiB, and cards by flavor.
    pub cpu: u64,
    pub memory: u64,
    pub gpus: BTreeMap<String, u64>,
}

#[derive(Debug)]
pub struct Plan {
    pub jobs: Vec<Job>,
    pub queues: Vec<Queue>,
}

impl Queue {
    fn new(nth: usize) -> Self {
        Self {
            name: format!("fleet-{nth:03}"),
            namespace: format!("team-{:02}", nth / 4),
            cohort: format!("fleet-{}", nth / 20),
            first_of_cohort: nth.is_multiple_of(20),
            cpu: 0,
            memory: 0,
            gpus: BTreeMap::new(),
        }
    }

    /// Takes quota for so many pods of a class.
    pub fn use_quota(&mut self, class: &Class, pods: usize) {
        let pods = pods as u64;
        for (word, amount) in class.amounts() {
            match word {
                "cpu" => self.cpu += amount * pods,
                "mem" => self.memory += amount * pods,
                flavor if FLAVORS.iter().any(|(f, _)| *f == flavor) => {
                    *self.gpus.entry(flavor.to_owned()).or_default() += amount * pods;
                }
                _ => {}
            }
        }
    }
}

impl Plan {
    /// `there` pods of those asked for are there already.
    pub fn new(options: &Options, there: usize) -> Self {
        let mut random = Random::new(options.seed ^ 0x91a4);
        let budget = options.pods.saturating_sub(there);
        let jobs = options.jobs().max(1);
        let workloads = options.workloads().min(jobs);
        let queues: Vec<Queue> = (0..options.queues()).map(Queue::new).collect();
        let mut plan = Self {
            jobs: Vec::new(),
            queues,
        };
        let over = (budget as f64 * OVER) as usize;
        let (mut left, mut ended) = (budget.saturating_sub(over), over);
        let classes = |queued: bool| {
            let all = CLASSES.iter().enumerate();
            let all = all.filter(move |(_, c)| c.queued == queued);
            all.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let (gpu, cpu) = (classes(true), classes(false));
        let pick = |random: &mut Random, of: &[usize]| {
            let at = random.below(of.len().max(1) as u64) as usize;
            of.get(at).copied().unwrap_or(0)
        };
        let age = |random: &mut Random, end: End| match end {
            End::Runs => 600 + random.below(100_000) as i64,
            _ => 4000 + random.below(200_000) as i64,
        };

        // the widest
        let wide = if options.jobs() < 20 {
            0
        } else {
            (options.pods / WIDE_PER).max(1)
        };
        for _ in 0..wide {
            let running = (budget / 40).min(2500);
            let done = 3000 + random.below(3000) as usize;
            let kept = (ended / (4 * wide)).min(done);
            let failed = 10 + random.below(30) as usize;
            let class = pick(&mut random, &cpu);
            let job = Job {
                running,
                done,
                kept,
                failed,
                ahead: WIDE.saturating_sub(running + done + failed),
                age: age(&mut random, End::Runs),
                ..plan.job(class, None, &mut random)
            };
            left = left.saturating_sub(running);
            ended = ended.saturating_sub(kept + failed);
            plan.jobs.push(job);
        }

        // in queues: most run, some wait, some are over
        let (waiting, finished) = (workloads * 15 / 100, workloads * 15 / 100);
        let mut rows = workloads;
        for nth in 0..workloads {
            if plan.queues.is_empty() {
                break;
            }
            let class = pick(&mut random, &gpu);
            let widest = CLASSES[class].widest as u64;
            let width = 1 + random.below(widest) as usize;
            let job = plan.job(class, Some(nth % plan.queues.len()), &mut random);
            rows -= 1;
            let (waits, end) = match nth {
                n if n < waiting => (true, End::Runs),
                n if n < waiting + finished && ended > width => {
                    let bad = random.below(5) == 0;
                    (false, if bad { End::Failed } else { End::Succeeded })
                }
                _ => (false, End::Runs),
            };
            let job = plan_end(job, end, width, age(&mut random, end));
            match end {
                _ if waits => {}
                // as many as may be, so that there is something for the others
                End::Runs if left < width => continue,
                End::Runs => left -= width,
                _ => ended -= width,
            }
            plan.jobs.push(Job { waits, ..job });
        }
        let _ = rows;

        // beside queues
        let others = jobs.saturating_sub(plan.jobs.len());
        let finished = others * 35 / 100;
        for nth in 0..finished {
            let rest = (finished - nth).max(1);
            let width = (1 + random.below((2 * ended / rest).max(1) as u64) as usize).min(ended);
            if width == 0 {
                break;
            }
            let bad = random.below(4) == 0;
            let end = if bad { End::Failed } else { End::Succeeded };
            let class = pick(&mut random, &cpu);
            let job = plan.job(class, None, &mut random);
            let age = age(&mut random, end);
            plan.jobs.push(plan_end(job, end, width, age));
            ended -= width;
        }
        let running = others.saturating_sub(finished).max(1);
        left += ended;
        for nth in 0..running {
            let rest = running - nth;
            let width = if rest == 1 {
                left
            } else {
                (1 + random.below((2 * left / rest).max(1) as u64) as usize).min(left)
            };
            if width == 0 {
                break;
            }
            let class = pick(&mut random, &cpu);
            let job = plan.job(class, None, &mut random);
            let done = random.below(2 * width as u64) as usize;
            let age = age(&mut random, End::Runs);
            plan.jobs.push(Job {
                running: width,
                done,
                age,
                ..job
            });
            left -= width;
        }
        plan
    }

    fn job(&self, class: usize, queue: Option<usize>, random: &mut Random) -> Job {
        let serial = self.jobs.len();
        let spaces = self.spaces();
        let namespace = match queue.and_then(|q| self.queues.get(q)) {
            Some(queue) => queue.namespace.clone(),
            None => format!("team-{:02}", random.below(spaces as u64)),
        };
        Job {
            name: format!("{}-{serial:05}", CLASSES[class].stem),
            namespace,
            class,
            queue,
            waits: false,
            end: End::Runs,
            running: 0,
            done: 0,
            kept: 0,
            failed: 0,
            ahead: 0,
            age: 0,
        }
    }

    fn spaces(&self) -> usize {
        self.queues.len().div_ceil(4).max(1)
    }

    /// The namespaces that its jobs are in.
    pub fn namespaces(&self) -> BTreeSet<String> {
        let jobs = self.jobs.iter().map(|j| j.namespace.clone());
        let queues = self.queues.iter().map(|q| q.namespace.clone());
        jobs.chain(queues).collect()
    }
}

fn plan_end(job: Job, end: End, width: usize, age: i64) -> Job {
    let part = |of: End| if end == of { width } else { 0 };
    Job {
        end,
        running: part(End::Runs),
        done: part(End::Succeeded),
        failed: part(End::Failed),
        kept: if end == End::Runs { 0 } else { width },
        age,
        ..job
    }
}
