//! What containers have printed: computed from pod, program and clock whenever somebody asks, never stored.

pub mod faults;
pub mod styles;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::api::logs::{LogLine, LogQuery, LogSource, LogView};
use crate::api::write::Cluster;
use crate::controllers::program::{DATE, Launch};

/// The kubelets' side of `pods/log`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Logs;

/// One run of a container.
struct Instance {
    attempt: u32,
    started: DateTime<Utc>,
    ended: bool,
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

fn instance(status: &Value, previous: bool) -> Option<Instance> {
    let restarts = status["restartCount"].as_u64().unwrap_or(0) as u32;
    let (state, last) = (&status["state"], &status["lastState"]["terminated"]);
    let waits = state["waiting"].is_object();
    if previous || waits {
        // While a container waits for its next start, the last one is both: the newest and the previous.
        return Some(Instance {
            attempt: if waits {
                restarts
            } else {
                restarts.checked_sub(1)?
            },
            started: time(&last["startedAt"])?,
            ended: true,
        });
    }
    let running = time(&state["running"]["startedAt"]);
    let ended = running.is_none();
    Some(Instance {
        attempt: restarts,
        started: running.or_else(|| time(&state["terminated"]["startedAt"]))?,
        ended,
    })
}

/// The entry of that name in either of two lists.
fn either<'a>(root: &'a Value, name: &str, lists: [&str; 2]) -> Option<&'a Value> {
    let named = |list: &&str| {
        let list = root[*list].as_array()?;
        list.iter().find(|c| c["name"] == name)
    };
    lists.iter().find_map(named)
}

impl LogSource for Logs {
    fn read(&self, cluster: &Cluster, query: LogQuery<'_>) -> Option<LogView> {
        let (spec, status) = (&query.pod["spec"], &query.pod["status"]);
        let container = either(spec, query.container, ["containers", "initContainers"])?;
        let status = either(
            status,
            query.container,
            ["containerStatuses", "initContainerStatuses"],
        )?;
        let run = instance(status, query.previous)?;
        let (clock, meta) = (&cluster.clock, &query.pod["metadata"]);
        let simulated = |at: DateTime<Utc>| (at - run.started).as_seconds_f64() * clock.speed();
        let stopped = time(&meta["deletionTimestamp"]).map(|at| {
            let grace = meta["deletionGracePeriodSeconds"].as_u64().unwrap_or(0);
            simulated(at - clock.scaled(std::time::Duration::from_secs(grace)))
        });
        // An instance that has ended said all it had to say; its times are only whole seconds.
        let until = if run.ended {
            f64::INFINITY
        } else {
            simulated(clock.now())
        };
        let launch = Launch::of(query.pod, container, run.attempt);
        let (lines, next) = launch.lines(query.skip, until, stopped.filter(|s| *s > 0.0));
        let real = |offset: f64| {
            let nanos = (offset / clock.speed() * 1e9).min(9e18);
            run.started + chrono::TimeDelta::nanoseconds(nanos as i64)
        };
        let lines = lines.into_iter().map(|(offset, text)| {
            let at = real(offset);
            let text = text.replace(DATE, &at.format("%a %b %e %H:%M:%S UTC %Y").to_string());
            LogLine { at, text }
        });
        Some(LogView {
            lines: lines.collect(),
            ended: run.ended,
            next: next.filter(|_| !run.ended).map(real),
        })
    }
}
