//! Logs that no screen shows, read for metrics and known failures because the settings ask for it: a bounded number of
//! streams, one for a job. Their lines are not kept, but the last few of a job that failed.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use crate::cluster::report::LogBatch;
use crate::history::LINES;
use crate::logs::run::{Reading, Said};
use crate::model::Model;
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::inbox::News;
use crate::model::job::Phase;
use crate::model::pod::{PodPhase, PodRow};
use crate::model::want::{LogWant, Want};
use crate::panes::{Worries, Worry, run};
use crate::settings::Follow;

/// Lines to begin with.
const TAIL: u32 = 200;
/// How often it is chosen anew which jobs are followed.
const CHOOSE: TimeDelta = TimeDelta::seconds(5);
/// Jobs that failed and wait for their log to be read.
const QUEUED: usize = 64;

/// One stream of it.
#[derive(Debug)]
struct Stream {
    job: Key,
    pod: Key,
    reading: Reading,
    lines: VecDeque<String>,
    cut: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Background {
    streams: BTreeMap<LogWant, Stream>,
    /// Jobs that failed.
    failed: VecDeque<Key>,
    /// Chosen last, and for which state of the jobs.
    chosen: Option<(DateTime<Utc>, u64)>,
}

impl Background {
    pub fn wants(&self) -> impl Iterator<Item = (ClusterId, Want)> + '_ {
        let all = self.streams.iter();
        all.map(|(want, stream)| (stream.pod.cluster, Want::Log(want.clone())))
    }

    /// Jobs whose logs are read.
    pub fn jobs(&self) -> impl Iterator<Item = Key> + '_ {
        self.streams.values().map(|stream| stream.job)
    }

    /// Other settings: it is chosen anew, and no more than they allow.
    pub fn again(&mut self) {
        self.chosen = None;
    }

    /// When something is missed that does not come.
    pub fn due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let of = |s: &Stream| s.reading.due(run::seconds(now), &|_| !s.cut);
        let due = self.streams.values().filter_map(of);
        due.min_by(f64::total_cmp).and_then(run::moment)
    }

    /// Jobs came to their end.
    pub fn ended(&mut self, news: &News) {
        for ended in &news.ended {
            if ended.phase == Phase::Failed && self.failed.len() < QUEUED {
                self.failed.push_back(ended.job);
            }
        }
        if !news.ended.is_empty() {
            self.chosen = None;
        }
    }
}

/// The pod that tells most of a running job: the first that runs, by index or name.
fn leader(model: &Model, job: Key) -> Option<&PodRow> {
    let running = model.pods_of(job).filter(|p| p.phase == PodPhase::Running);
    running.min_by_key(|pod| (pod.index.get().unwrap_or(u32::MAX), &*pod.name))
}

fn victim(model: &Model, job: Key) -> Option<&PodRow> {
    let failed = model.pods_of(job).filter(|p| p.phase == PodPhase::Failed);
    failed.max_by_key(|pod| pod.finished)
}

fn want(pod: &PodRow, follow: bool) -> LogWant {
    let container = pod.container_names.split(',').next();
    LogWant {
        namespace: pod.namespace.clone(),
        pod: (&*pod.name).into(),
        uid: pod.key.uid,
        container: container.filter(|c| !c.is_empty()).map(Name::from),
        previous: false,
        tail: Some(TAIL),
        since_seconds: None,
        follow,
    }
}

impl App {
    /// Chooses what is followed; not at every call.
    pub(super) fn choose_background(&mut self, now: DateTime<Utc>) {
        let follow = self.settings.logs.watch;
        if follow == Follow::Off || self.alone {
            // what was followed until the settings changed is let go
            self.background.streams.clear();
            self.background.failed.clear();
            return;
        }
        let version = self.desk.model.jobs.version();
        let fresh = |(at, of): (DateTime<Utc>, u64)| of == version || now - at < CHOOSE;
        if self.background.chosen.is_some_and(fresh) {
            return;
        }
        self.background.chosen = Some((now, version));
        let most = self.settings.logs.watch_streams;
        let cx = self.desk.cx(now, true);
        let fronts = self.screens.fronts();
        let front: Vec<Key> = fronts.filter_map(|(pane, _)| pane.about(&cx)).collect();
        let model = &self.desk.model;
        let open = self.desk.session.shown();
        let here = |key: Key| open.contains(&key.cluster);
        let phase = |key: Key| model.jobs.get(key).map(|job| model.status(job).phase);
        let runs = |key: Key| follow == Follow::Running && phase(key) == Some(Phase::Running);
        // what is followed stays so; a log that is read to its end leaves by itself
        let all = &mut self.background;
        all.streams.retain(|want, stream| {
            let there = model.jobs.contains(stream.job) && !front.contains(&stream.job);
            there && (!want.follow || runs(stream.job))
        });
        while all.streams.len() > most {
            all.streams.pop_last();
        }
        while all.streams.len() < most
            && let Some(job) = all.failed.pop_front()
        {
            if !front.contains(&job)
                && let Some(pod) = victim(model, job).filter(|pod| here(pod.key))
            {
                all.streams
                    .insert(want(pod, false), Stream::new(job, pod.key));
            }
        }
        if follow == Follow::Running && all.streams.len() < most {
            let followed: Vec<Key> = all.streams.values().map(|s| s.job).collect();
            let mut jobs: Vec<_> = model
                .jobs
                .rows()
                .filter(|job| here(job.key) && !model.is_part(job))
                .filter(|job| !front.contains(&job.key) && !followed.contains(&job.key))
                .filter(|job| model.status(job).phase == Phase::Running)
                .map(|job| {
                    let gpus: u32 = model.gpus(job).0.iter().map(|(_, n)| *n).sum();
                    (
                        std::cmp::Reverse(gpus),
                        std::cmp::Reverse(job.created),
                        job.key,
                    )
                })
                .collect();
            jobs.sort_unstable();
            for (.., job) in jobs {
                if all.streams.len() >= most {
                    break;
                }
                if let Some(pod) = leader(model, job).filter(|pod| here(pod.key)) {
                    all.streams
                        .insert(want(pod, true), Stream::new(job, pod.key));
                }
            }
        }
    }

    /// Lines of a log that no screen shows, if it is one.
    pub(super) fn hear_background(&mut self, batch: &LogBatch, said: &[Said], now: DateTime<Utc>) {
        let thresholds = self.desk.session.thresholds.clone();
        let Some(stream) = self.background.streams.get_mut(&*batch.want) else {
            return;
        };
        // another cluster may have a pod that is called the same
        if stream.pod.cluster != batch.cluster {
            return;
        }
        stream.reading.take(0, said, &thresholds, &batch.lines, now);
        for line in &batch.lines {
            if stream.lines.len() == LINES {
                stream.lines.pop_front();
            }
            let whole = String::from_utf8_lossy(&line.bytes);
            let plain = crate::ui::text::strip(crate::ui::text::last_frame(&whole));
            stream.lines.push_back(plain);
        }
        if !batch.lines.is_empty() {
            stream.cut = false;
        }
        let over = batch
            .notes
            .iter()
            .any(|note| note.text.starts_with("end of log"));
        stream.cut |= !batch.notes.is_empty();
        let want = batch.want.clone();
        self.told_by_background(&want, now);
        if over && let Some(stream) = self.background.streams.remove(&*want) {
            self.background.chosen = None;
            self.keep_read(stream.job, stream.lines.iter().map(String::as_str), now);
        }
    }

    /// Time passed: what does not come is noticed.
    pub(super) fn tick_background(&mut self, now: DateTime<Utc>) {
        let wants: Vec<LogWant> = self.background.streams.keys().cloned().collect();
        for want in wants {
            self.told_by_background(&want, now);
        }
    }

    fn told_by_background(&mut self, want: &LogWant, now: DateTime<Utc>) {
        let Some(stream) = self.background.streams.get_mut(want) else {
            return;
        };
        let live = want.follow && !stream.cut;
        let summary = stream.reading.summary(run::seconds(now), &|_| live);
        let (open, over) = stream.reading.worries();
        let (job, pod) = (stream.job, stream.pod);
        let who = |held| Worry {
            pod,
            who: String::new(),
            held,
        };
        let worries = Worries {
            job,
            open: open.into_iter().map(who).collect(),
            over: over.into_iter().map(who).collect(),
        };
        if let Some(summary) = summary {
            self.desk.session.remember_run(job, summary, now);
            self.dirty = true;
        }
        self.worried(worries, now);
    }
}

impl Stream {
    fn new(job: Key, pod: Key) -> Self {
        Self {
            job,
            pod,
            reading: Reading::default(),
            lines: VecDeque::new(),
            cut: false,
        }
    }
}

#[cfg(test)]
mod tests;
