//! What happened to a job, in order, from its timestamps and conditions. Separate because the order and the
//! words come from the row alone, and the line that shows them shortens its clock times.

use chrono::{DateTime, Utc};

use crate::model::job::JobRow;
use crate::model::status::{JobStatus, telling};
use crate::ui::State;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub at: DateTime<Utc>,
    pub state: State,
    pub text: String,
}

/// Oldest first. An interim condition is left out once the final one has said the same.
pub fn moments(job: &JobRow, status: &JobStatus) -> Vec<Moment> {
    let mut out: Vec<Moment> = Vec::new();
    let mut add = |at: Option<DateTime<Utc>>, state, text: String| {
        if let Some(at) = at {
            out.push(Moment { at, state, text });
        }
    };
    add(job.created, State::Waiting, "created".into());
    let started_word = if job
        .conditions
        .iter()
        .any(|c| &*c.kind == "Suspended" && !c.on)
    {
        "resumed"
    } else {
        "started"
    };
    add(job.started, State::Running, started_word.into());
    for c in &job.conditions {
        let reason = |usual: &str| match &*c.reason {
            r if r == usual => String::new(),
            r => telling(job, r).map_or(String::new(), |r| format!(" {r}")),
        };
        match (&*c.kind, c.on) {
            ("Complete", true) => {
                let at = job.completed.or(c.since);
                add(
                    at,
                    State::Succeeded,
                    format!("succeeded{}", reason("CompletionsReached")),
                );
            }
            ("Failed", true) => add(c.since, State::Failed, format!("failed{}", reason(""))),
            ("Suspended", true) => add(
                c.since,
                State::Held,
                format!("held{}", reason("JobSuspended")),
            ),
            ("FailureTarget", true) if !status.phase.is_over() => {
                add(c.since, State::Failed, format!("failing{}", reason("")));
            }
            ("SuccessCriteriaMet", true) if !status.phase.is_over() => {
                add(
                    c.since,
                    State::Finishing,
                    format!("criteria met{}", reason("CompletionsReached")),
                );
            }
            // said by the start, or by the final condition
            ("Suspended" | "FailureTarget" | "SuccessCriteriaMet" | "Created", _) => {}
            ("Running", true) => {
                add(c.since, State::Running, format!("running{}", reason("")));
            }
            ("Restarting", true) => {
                let text = format!("begins again{}", reason(""));
                add(c.since, State::Retrying, text);
            }
            (kind, true) => add(c.since, State::Pending, format!("{kind}{}", reason(""))),
            _ => {}
        }
    }
    out.sort_by_key(|m| m.at);
    out
}

/// Clock times that say only what changed since the one before: `11:48:29`, `:31`, `11:49:32`; another day than
/// `today` is named.
pub fn clocks(moments: &[Moment], today: DateTime<Utc>) -> Vec<String> {
    let mut before: Option<DateTime<Utc>> = None;
    moments
        .iter()
        .map(|m| {
            let same = |format: &str| {
                before.is_some_and(|b| {
                    b.format(format).to_string() == m.at.format(format).to_string()
                })
            };
            let text = if same("%F %H:%M") {
                m.at.format(":%S").to_string()
            } else if same("%F") || (before.is_none() && m.at.date_naive() == today.date_naive()) {
                m.at.format("%H:%M:%S").to_string()
            } else {
                m.at.format("%-d %b %H:%M:%S").to_string()
            };
            before = Some(m.at);
            text
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::fixture;

    fn line(job: &JobRow) -> String {
        let moments = moments(job, &JobStatus::of(job, None));
        let clocks = clocks(&moments, fixture::now());
        clocks
            .iter()
            .zip(&moments)
            .map(|(c, m)| format!("{c} {}", m.text))
            .collect::<Vec<_>>()
            .join("  ")
    }

    #[test]
    fn a_failed_job_tells_when_and_why_once() {
        let model = fixture::model();
        let job = model.jobs.get(fixture::key("indexed-sweep")).unwrap();
        assert_eq!(
            line(job),
            "11:48:29 created  :31 started  11:49:32 failed FailedIndexes"
        );
    }

    #[test]
    fn other_kinds_say_their_words_once() {
        use crate::model::job::{Facts, JobKind};
        static TORCH: Facts = Facts::new("k", &["v1"], "PyTorchJob", "pytorchjobs", "Torch");
        let mut job = fixture::job("a", "mnist", 100);
        job.kind = JobKind(&TORCH);
        job.conditions = vec![
            fixture::condition("Created", "PyTorchJobCreated", "", 100),
            fixture::condition("Restarting", "PyTorchJobRestarting", "", 80),
            fixture::condition("Failed", "PyTorchJobFailed", "", 60),
        ];
        assert_eq!(
            line(&job),
            "12:01:40 created  :42 started  12:02:00 begins again  :20 failed"
        );
        job.conditions = vec![
            fixture::condition("Running", "PyTorchJobRunning", "", 80),
            fixture::condition("Failed", "BackoffLimitExceeded", "", 60),
        ];
        assert!(line(&job).ends_with("12:02:00 running  :20 failed BackoffLimitExceeded"));
    }

    #[test]
    fn another_day_is_named_and_a_held_job_says_so() {
        let model = fixture::model();
        let job = model.jobs.get(fixture::key("ablation-run")).unwrap();
        assert_eq!(line(job), "09:33:20 created  :30 held");
        let old = fixture::job("a", "old", 200_000);
        assert_eq!(line(&old), "21 Nov 04:30:00 created  :02 started");
    }
}
