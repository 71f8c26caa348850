//! A job's limits and policies in words, for its detail.

use chrono::TimeDelta;

use super::human;
use super::job::JobRow;

/// One short phrase per rule that differs from doing nothing, the shape of the workload first: how many of what a
/// Job runs, the roles of other kinds and what they are made from.
pub fn summary(job: &JobRow) -> Vec<String> {
    let p = &job.policy;
    let mut all = if job.kind.is_job() {
        vec![shape(job)]
    } else {
        roles(job)
    };
    all.extend(job.runtime.iter().map(|runtime| format!("from {runtime}")));
    all.extend(p.terms.iter().map(ToString::to_string));
    if let Some(n) = p.backoff_limit_per_index {
        let most = p
            .max_failed_indexes
            .map_or(String::new(), |m| format!(", at most {m} failed"));
        all.push(format!("{} per index{most}", tries(n)));
    }
    // the server sets the largest number where the limit is per index
    if let Some(n) = p.backoff_limit.filter(|n| *n < i32::MAX as u32) {
        all.push(tries(n));
    }
    if p.restart_on_failure {
        all.push("restarts in place".into());
    }
    let seconds = |s: u64| human::duration(TimeDelta::seconds(s.min(1 << 40) as i64));
    if let Some(s) = p.active_deadline_seconds {
        all.push(format!("deadline {}", seconds(s)));
    }
    for (indexes, count) in &p.success_rules {
        all.push(match (indexes, count) {
            (Some(set), Some(n)) => format!("enough: {n} of indexes {set}"),
            (Some(set), None) => format!("enough: indexes {set}"),
            (None, Some(n)) => format!("enough: any {n} indexes"),
            (None, None) => "enough: any".into(),
        });
    }
    all.extend(p.failure_rules.iter().map(|rule| rule.to_string()));
    if p.replace_failed_only {
        all.push("replaces a pod only once it has ended".into());
    }
    if let Some(s) = p.ttl_seconds {
        all.push(format!("deleted {} after its end", seconds(s)));
    }
    if let Some(by) = &job.managed_by {
        all.push(format!("managed by {by}"));
    }
    all
}

fn shape(job: &JobRow) -> String {
    match (job.completions, job.indexed) {
        (Some(n), true) => format!("{n} indexes, {} at a time", job.parallelism),
        (Some(1), false) if job.parallelism <= 1 => "one pod".into(),
        (Some(n), false) => format!("{n} successes, {} pods at a time", job.parallelism),
        (None, _) => format!("work queue of {} pods", job.parallelism),
    }
}

/// `1 Master`, `8 Worker`, `2 × 4 node` where a replica is several pods.
fn roles(job: &JobRow) -> Vec<String> {
    let roles = job.roles.iter().filter(|role| role.wanted > 0);
    roles
        .map(|role| match role.each {
            0 | 1 => format!("{} {}", role.wanted, role.name),
            each => format!("{} × {each} {}", role.wanted, role.name),
        })
        .collect()
}

fn tries(n: u32) -> String {
    match n {
        0 => "no retry".into(),
        1 => "1 retry".into(),
        n => format!("{n} retries"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::*;
    use crate::model::indexset::IndexSet;
    use crate::model::job::{Facts, JobKind, RoleRow};

    #[test]
    fn says_what_matters() {
        assert_eq!(
            summary(&failed_example(1)),
            [
                "10 indexes, 3 at a time",
                "1 retry per index, at most 5 failed"
            ]
        );
        let mut j = job(1, "pi");
        j.policy.backoff_limit = Some(4);
        j.policy.ttl_seconds = Some(300);
        j.policy.active_deadline_seconds = Some(7200);
        assert_eq!(
            summary(&j),
            [
                "one pod",
                "4 retries",
                "deadline 2h00m",
                "deleted 5m00s after its end"
            ]
        );
        j.completions = None;
        j.policy.failure_rules = vec!["FailJob on exit 42".into()];
        j.policy.success_rules = vec![(Some(IndexSet::parse("0", None)), None)];
        assert!(summary(&j).contains(&"enough: indexes 0".to_owned()));
        assert!(summary(&j).contains(&"FailJob on exit 42".to_owned()));
        assert_eq!(summary(&j)[0], "work queue of 1 pods");
    }

    #[test]
    fn other_kinds_say_their_roles_and_what_only_they_can_be_told() {
        static SET: Facts = Facts::new("x", &["v1"], "Set", "sets", "Set");
        let mut j = job(1, "set");
        j.kind = JobKind(&SET);
        let role = |name: &str, wanted, each| RoleRow {
            name: name.into(),
            wanted,
            each,
            ..RoleRow::default()
        };
        j.roles = vec![
            role("driver", 1, 1),
            role("node", 2, 4),
            role("spare", 0, 1),
        ];
        j.runtime = Some("TrainingRuntime/torch".into());
        j.policy.terms = vec!["starts in order".into()];
        j.policy.backoff_limit = Some(3);
        assert_eq!(
            summary(&j),
            [
                "1 driver",
                "2 × 4 node",
                "from TrainingRuntime/torch",
                "starts in order",
                "3 retries"
            ]
        );
    }
}
