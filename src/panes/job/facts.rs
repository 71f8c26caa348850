//! A job's limits and policies in words. Separate because each field has its own sentence and none of it
//! draws anything.

use crate::model::job::{JobRow, Policy};
use crate::panes::words::span;

/// The policies that matter, in the order one asks for them: retries, failed indexes, deadline, rules, clean-up.
pub fn policies(job: &JobRow) -> Vec<String> {
    let p = &job.policy;
    let mut out = Vec::new();
    if let Some(limit) = p.backoff_limit_per_index {
        out.push(match limit {
            0 => "no retries".into(),
            1 => "1 retry per index".into(),
            n => format!("{n} retries per index"),
        });
    }
    if let Some(max) = p.max_failed_indexes {
        out.push(format!("fails above {max} failed indexes"));
    }
    match p.backoff_limit {
        // 2147483647 is what the server fills in beside a limit per index: no limit at all
        Some(i32_max) if i32_max >= i32::MAX as u32 => {}
        Some(0) => out.push("no retries".into()),
        Some(1) => out.push("1 retry".into()),
        Some(n) => out.push(format!("{n} retries")),
        None => {}
    }
    if p.restart_on_failure {
        out.push("restarts in place".into());
    }
    if let Some(seconds) = p.active_deadline_seconds {
        out.push(format!("deadline {}", span(seconds as i64)));
    }
    out.extend(p.failure_rules.iter().map(|rule| lower_first(rule)));
    out.extend(success(p));
    if p.replace_failed_only {
        out.push("replaces pods only when they ended".into());
    }
    if let Some(seconds) = p.ttl_seconds {
        out.push(match seconds {
            0 => "deleted when done".into(),
            s => format!("deleted {} after its end", span(s as i64)),
        });
    }
    if let Some(manager) = &job.managed_by {
        out.push(format!("managed by {manager}"));
    }
    out
}

/// How much runs of how much: `Indexed, 10 indexes, 3 at a time`.
pub fn shape(job: &JobRow) -> String {
    let at_a_time = match (job.completions, job.parallelism) {
        (_, 0) => ", paused (parallelism 0)".to_string(),
        (Some(n), p) if p >= n => {
            if n > 1 {
                ", all at a time".into()
            } else {
                String::new()
            }
        }
        (_, 1) => ", one at a time".into(),
        (_, p) => format!(", {p} at a time"),
    };
    match (job.indexed, job.completions) {
        (true, Some(n)) => format!("indexed, {n} {}{at_a_time}", plural(n, "index", "indexes")),
        (true, None) => format!("indexed{at_a_time}"),
        (false, Some(n)) => format!("{n} {}{at_a_time}", plural(n, "completion", "completions")),
        (false, None) => format!("work queue{at_a_time}"),
    }
}

fn success(p: &Policy) -> impl Iterator<Item = String> + '_ {
    p.success_rules.iter().map(|(set, count)| match (set, count) {
        (Some(set), Some(n)) => format!("done when {n} of {set} succeed"),
        (Some(set), None) => format!("done when {set} succeed"),
        (None, Some(n)) => format!("done when {n} succeed"),
        (None, None) => "done by success policy".into(),
    })
}

fn lower_first(rule: &str) -> String {
    // the rules come as `FailJob on exit 42`: already words
    rule.to_string()
}

fn plural(n: u32, one: &'static str, many: &'static str) -> &'static str {
    if n == 1 { one } else { many }
}
