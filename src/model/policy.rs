//! A job's limits and policies in words, for its detail.

use chrono::TimeDelta;

use super::human;
use super::job::JobRow;

/// One short phrase per rule that differs from doing nothing, the shape of the job first.
pub fn summary(job: &JobRow) -> Vec<String> {
    let p = &job.policy;
    let mut all = Vec::new();
    all.push(match (job.completions, job.indexed) {
        (Some(n), true) => format!("{n} indexes, {} at a time", job.parallelism),
        (Some(1), false) if job.parallelism <= 1 => "one pod".into(),
        (Some(n), false) => format!("{n} successes, {} pods at a time", job.parallelism),
        (None, _) => format!("work queue of {} pods", job.parallelism),
    });
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
}
