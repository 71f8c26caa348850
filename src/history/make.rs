//! A record from what is known of a workload: its row, what its pods told, what its log said.

use chrono::{DateTime, Utc};

use super::{ENDS, IndexEnd, Metrics, Record, VERSION};
use crate::logs::run::Summary;
use crate::model::Model;
use crate::model::ids::Key;
use crate::model::indexset::IndexSet;
use crate::model::job::JobRow;
use crate::model::json::phase_name;
use crate::model::podwhy;
use crate::model::why::why;

/// What is to be recorded.
pub struct Seen<'a> {
    pub model: &'a Model,
    pub context: &'a str,
    /// What its log said, as far as it was read.
    pub summary: Option<&'a Summary>,
    pub now: DateTime<Utc>,
}

impl Record {
    /// What the row and its pods tell; manifest and lines are put in by who has them.
    pub fn of(job: &JobRow, seen: &Seen) -> Self {
        let model = seen.model;
        let status = model.status(job);
        let totals = model.totals(job.key);
        let gpus = model.gpus(job);
        let count: u32 = gpus.0.iter().map(|(_, n)| *n).sum();
        let ran = status.elapsed(status.finished.unwrap_or(seen.now));
        let hours = ran.map(|ran| ran.num_seconds() as f64 / 3600.0 * f64::from(count));
        // of no use finer than that, and so it reads back as it was
        let hours = hours.map(|h| (h * 1e3).round() / 1e3);
        let exits = totals.map(|totals| totals.exits()).unwrap_or_default();
        let exits = exits.into_iter().take(20).map(|(code, reason, n)| {
            let words = match (code, &*reason) {
                (-1, reason) => podwhy::disruption(reason),
                (code, "" | "Error" | "Completed") => format!("exit {code}"),
                (code, reason) => format!("exit {code} {reason}"),
            };
            (words, n)
        });
        let failed = match job.indexed {
            true => model.grid(job).failed(),
            false => String::new(),
        };
        Record {
            version: VERSION,
            context: seen.context.to_owned(),
            api_version: job.api_version.to_string(),
            kind: job.kind_name().to_owned(),
            namespace: job.namespace.to_string(),
            name: job.name.to_string(),
            uid: job.key.uid.to_string(),
            phase: phase_name(status.phase).to_owned(),
            reason: status.reason.as_deref().map(str::to_owned),
            message: super::clean_text(&why(model, job, seen.now)),
            created: job.created,
            started: status.started,
            finished: status.finished,
            deleted: None,
            updated: seen.now,
            done: status.done,
            total: status.total,
            unit: status.unit.word().to_owned(),
            failed: status.failed,
            retries: status.retries,
            ends: ends(model, job, &failed),
            failed_indexes: failed,
            exits: exits.collect(),
            gpus: gpus
                .0
                .iter()
                .map(|(name, n)| (name.to_string(), *n))
                .collect(),
            gpu_hours: hours.filter(|_| count > 0),
            queue: model.queue(job).map(|queue| queue.to_string()),
            image: job.image.as_deref().map(super::clean_text),
            metrics: seen.summary.map(metrics),
            lines: Vec::new(),
            manifest: None,
            masked: Vec::new(),
        }
    }
}

/// How the failed indexes ended, of those whose pods were seen.
fn ends(model: &Model, job: &JobRow, failed: &str) -> Vec<IndexEnd> {
    let set = IndexSet::parse(failed, job.completions);
    let indexes = set.ranges().iter().flat_map(|&(from, to)| from..=to);
    let end = |index: u32| {
        let exit = exit_of(model, job.key, index)?;
        Some(IndexEnd {
            index,
            exit_code: Some(exit.0),
            reason: exit.1,
        })
    };
    indexes.take(ENDS).filter_map(end).collect()
}

fn exit_of(model: &Model, job: Key, index: u32) -> Option<(i32, String)> {
    let live = model
        .pod_of_index(job, index)
        .and_then(|pod| pod.exit.as_deref());
    let totals = model.totals(job);
    let gone = totals.and_then(|totals| totals.indexes.remembered(index));
    let exit = live.or_else(|| gone.and_then(|seen| seen.exit.as_ref()))?;
    Some((exit.code, exit.reason.to_string()))
}

fn metrics(summary: &Summary) -> Metrics {
    let progress = &summary.progress;
    let number = |n: f64| n.is_finite().then_some(n);
    Metrics {
        name: summary.name.clone(),
        last: summary.last.map(|(x, y)| (x, number(y))),
        best: summary.best.filter(|(_, y)| y.is_finite()),
        curve: summary.spark.iter().map(|y| number(*y)).collect(),
        step: progress.step,
        steps: progress.steps,
        epoch: progress.epoch,
        epochs: progress.epochs,
        concern: summary.concern.clone(),
    }
}
