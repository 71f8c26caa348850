//! One sentence that says how a job is and why: the first thing read, on its own line. Separate because every
//! phase and every reason has its own words.

use super::Cx;
use crate::model::human;
use crate::model::job::{JobRow, Phase};
use crate::model::pod::{PodPhase, PodRow};
use crate::model::progress::JobTotals;
use crate::model::roles::Cast;
use crate::model::status::{JobStatus, condition};
use crate::model::waiting::waiting;
use crate::model::{podwhy, roles, status::Unit};
use crate::panes::jobs::why;
use crate::panes::words::{count, span};
use crate::ui::text;

/// How the job is and why.
pub fn sentence(job: &JobRow, status: &JobStatus, cx: &Cx) -> String {
    match status.phase {
        Phase::Failed => failed(job, status, cx),
        Phase::Succeeded => succeeded(status),
        Phase::Running => running(job, status, cx),
        Phase::Retrying => retrying(job, status, cx),
        // admitted by a queue: what was given and what is still missing
        Phase::Pending => match waiting(cx.model, job, cx.now) {
            Some(told) => text::clean(&told.sentence).into_owned(),
            None => pending(job, status, cx),
        },
        Phase::Queued => match (waiting(cx.model, job, cx.now), cx.model.queue(job)) {
            (Some(told), _) => text::clean(&told.sentence).into_owned(),
            (None, Some(queue)) => format!("waits for admission in queue {queue}"),
            (None, None) => "waits for admission".into(),
        },
        Phase::Suspended => {
            let since = condition(job, "Suspended")
                .and_then(|c| c.since)
                .or(job.created);
            let since = since
                .map(|at| format!(" for {}", human::duration(cx.now - at)))
                .unwrap_or_default();
            format!("held{since}; {}", done(status))
        }
        Phase::Finishing => {
            let what = match condition(job, "FailureTarget") {
                Some(c) => format!("failing: {}", c.reason),
                None => "succeeding".into(),
            };
            let left = status.active + status.terminating;
            format!(
                "{what}; {} still ending",
                count(left as usize, "pod", "pods")
            )
        }
        Phase::Terminating => {
            let left = status.active + status.terminating;
            format!(
                "being deleted; {} still ending",
                count(left as usize, "pod", "pods")
            )
        }
    }
}

/// `31 of 98 indexes done`.
fn done(status: &JobStatus) -> String {
    let unit = match (status.unit, status.total) {
        (Unit::Indexes, _) => " indexes",
        (Unit::Pods, Some(1)) => "",
        (Unit::Pods, _) => " pods",
        (Unit::Jobs, Some(1)) => "",
        (Unit::Jobs, _) => " jobs",
        (Unit::Groups, _) => " groups",
        (Unit::Percent, _) => " %",
    };
    match status.total {
        Some(total) => format!(
            "{} of {}{unit} {}",
            human::count(status.done.into()),
            human::count(total.into()),
            if status.serves { "ready" } else { "done" }
        ),
        None => format!("{} done", human::count(status.done.into())),
    }
}

fn failed(job: &JobRow, status: &JobStatus, cx: &Cx) -> String {
    let totals = cx.model.totals(job.key);
    let because = deaths(totals).map(|d| format!(": {d}")).unwrap_or_default();
    let message = condition(job, "Failed")
        .map(|c| text::clean(&c.message).trim_end_matches('.').to_owned())
        .unwrap_or_default();
    match status.reason.as_deref() {
        Some("FailedIndexes" | "MaxFailedIndexesExceeded") if status.lost > 0 => {
            let total = status.total.unwrap_or_default();
            let tries = crate::model::why::tries(cx.model, job, status);
            let limit = job.policy.max_failed_indexes;
            let over = limit.filter(|&max| status.lost > max);
            let limit = match (over, limit) {
                (Some(max), _) => format!("; more than the {max} allowed"),
                (None, _) => String::new(),
            };
            format!(
                "{} of {total} indexes failed{tries}{because}{limit}",
                status.lost
            )
        }
        Some("BackoffLimitExceeded") => {
            let tries = status.failed.max(1);
            format!(
                "gave up after {}{because}",
                count(tries as usize, "failed pod", "failed pods")
            )
        }
        Some("DeadlineExceeded") => match job.policy.active_deadline_seconds {
            Some(s) => format!(
                "ran past its deadline of {}; {}",
                span(s as i64),
                done(status)
            ),
            None => format!("ran past its deadline; {}", done(status)),
        },
        Some("PodFailurePolicy") if !message.is_empty() => {
            format!("stopped by its pod failure policy: {message}")
        }
        Some(reason) if message.is_empty() => format!("failed: {reason}{because}"),
        Some(_) => format!("failed: {message}{because}"),
        None => format!("failed{because}"),
    }
}

fn succeeded(status: &JobStatus) -> String {
    let took = match (status.started, status.finished) {
        (Some(from), Some(to)) => format!(" in {}", human::duration(to - from)),
        _ => String::new(),
    };
    match status.reason.as_deref() {
        Some("SuccessPolicy") => format!("{}, enough by its success policy{took}", done(status)),
        _ if status.total == Some(1) => format!("done{took}"),
        _ => format!("{}{took}", done(status)),
    }
}

fn running(job: &JobRow, status: &JobStatus, cx: &Cx) -> String {
    let mut parts = Vec::new();
    if status.total != Some(1) {
        parts.push(done(status));
    }
    let lacking = lacking(job, cx);
    let seen = cx.model.pods_of(job.key).next().is_some();
    parts.push(match status.elapsed(cx.now) {
        _ if lacking.is_some() => lacking.unwrap_or_default(),
        // whose pods are not ours to see has its own counters, which know nothing of readiness
        _ if !seen && status.active > status.ready => {
            format!("{} active", human::count(status.active.into()))
        }
        Some(d) if status.total == Some(1) => format!("running for {}", human::duration(d)),
        _ => format!("{} running", human::count(status.ready.into())),
    });
    let starting = status.active.saturating_sub(status.ready);
    if starting > 0 && job.roles.is_empty() {
        let cause = why::cause(job, cx.model)
            .map(|c| format!(" ({c})"))
            .unwrap_or_default();
        parts.push(format!("{starting} not yet{cause}"));
    }
    if status.lost > 0 {
        parts.push(format!(
            "{} failed for good",
            count(status.lost as usize, "index", "indexes")
        ));
    }
    if status.retries > 0 {
        let deaths = deaths(cx.model.totals(job.key))
            .map(|d| format!(" ({d})"))
            .unwrap_or_default();
        parts.push(format!(
            "{}{deaths}",
            count(status.retries as usize, "retry", "retries")
        ));
    }
    if let Some(left) = status.eta(job, cx.model.totals(job.key), cx.now) {
        parts.push(format!("about {} left", human::duration(left)));
    }
    parts.join(", ")
}

fn pending(job: &JobRow, status: &JobStatus, cx: &Cx) -> String {
    if job.parallelism == 0 {
        return "paused: parallelism is 0".into();
    }
    if let Some(lacking) = lacking(job, cx) {
        return lacking;
    }
    let Some(pod) = telling(job, cx) else {
        return match status.active {
            0 => "no pod made yet".into(),
            n => format!("{} not running yet", count(n as usize, "pod", "pods")),
        };
    };
    let waiting = status.active.max(1) as usize;
    let words = podwhy::why(pod).map_or_else(|| pod.status.to_string(), |w| w.text);
    let verb = if waiting == 1 { "waits" } else { "wait" };
    format!(
        "{} {verb}: {}",
        count(waiting, "pod", "pods"),
        text::clean(&words)
    )
}

fn retrying(job: &JobRow, status: &JobStatus, cx: &Cx) -> String {
    if let Some(pod) = telling(job, cx)
        && let Some(w) = podwhy::why(pod)
    {
        return text::clean(&w.text).into_owned();
    }
    if !job.kind.is_job() {
        return match condition(job, "Restarting").map(|c| &*c.message) {
            None | Some("") => format!(
                "begins again, {}",
                count(status.retries as usize, "restart", "restarts")
            ),
            Some(why) => format!("begins again: {}", text::clean(why)),
        };
    }
    let because = deaths(cx.model.totals(job.key))
        .map(|d| format!(": {d}"))
        .unwrap_or_default();
    format!(
        "{} failed{because}; the next try waits for its backoff",
        count(status.failed as usize, "pod", "pods")
    )
}

/// The roles that are not complete: `7 of 8 Worker run: worker-5 waits: 0/9 nodes are available…`. None where all
/// run, where no pod was seen, and of a Job.
fn lacking(job: &JobRow, cx: &Cx) -> Option<String> {
    let casts = roles::casts(cx.model, job);
    if !casts
        .iter()
        .any(|cast| cast.places.iter().any(Option::is_some))
    {
        return None;
    }
    let mut counts = Vec::new();
    let mut because = None;
    let mut later = Vec::new();
    for cast in &casts {
        let (well, all) = (cast.well(), cast.places.len());
        if well >= all {
            continue;
        }
        if let Some(before) = &cast.role.after
            && cast.places.iter().all(Option::is_none)
        {
            later.push(format!("{} comes after {before}", cast.role.name));
            continue;
        }
        counts.push(format!("{well} of {all} {}", cast.role.name));
        // of those that do not run, the first that says why; else the first
        let mut idle = (0..all).filter(|&at| !cast.is_well(at));
        let told = idle
            .clone()
            .find(|&at| cast.places[at].is_some_and(|pod| podwhy::why(pod).is_some()));
        if because.is_none() {
            because = told.or_else(|| idle.next()).map(|at| {
                let name = cast.name(job, at);
                match cast.places[at] {
                    None => format!("{name} has no pod"),
                    Some(pod) => match podwhy::why(pod) {
                        Some(why) if pod.deleting => {
                            format!("{name} is ending: {}", text::clean(&why.text))
                        }
                        Some(why) if pod.phase == PodPhase::Failed => {
                            format!("{name} failed: {}", text::clean(&why.text))
                        }
                        Some(why) => format!("{name} waits: {}", text::clean(&why.text)),
                        None if pod.deleting => format!("{name} is ending"),
                        None => format!("{name} is {}", pod.status.to_lowercase()),
                    },
                }
            });
        }
    }
    let Some(because) = because else {
        let running: usize = casts.iter().map(Cast::well).sum();
        let rest = later.first()?;
        return Some(format!("{running} running or done, {rest}"));
    };
    Some(format!("{} run; {because}", counts.join(", ")))
}

/// The pod that says most: one in trouble, by name so that it is always the same one.
fn telling<'a>(job: &JobRow, cx: &Cx<'a>) -> Option<&'a PodRow> {
    cx.model
        .pods_of(job.key)
        .filter(|pod| !pod.deleting && pod.finished.is_none() && podwhy::why(pod).is_some())
        .min_by_key(|pod| (&*pod.status == "ContainerCreating", &pod.name))
}

/// How its pods died: `exit 1`, `9 × exit 1, 2 × OOMKilled`.
fn deaths(totals: Option<&JobTotals>) -> Option<String> {
    let exits = totals?.exits();
    let word = |code: i32, reason: &str| match (reason, code) {
        (reason, -1) => podwhy::disruption(reason),
        ("Error" | "", code) => format!("exit {code}"),
        ("OOMKilled", _) => "out of memory".into(),
        (reason, 0) => reason.to_owned(),
        (reason, code) => format!("exit {code} {reason}"),
    };
    match &exits[..] {
        [] => None,
        [(code, reason, _)] => Some(word(*code, reason)),
        several => {
            let shown = several.iter().take(3);
            Some(
                shown
                    .map(|(code, reason, n)| format!("{n} × {}", word(*code, reason)))
                    .collect::<Vec<_>>()
                    .join(", "),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::panes::fixture;

    fn of(name: &str) -> String {
        let model = fixture::model();
        fixture::with_cx(&model, |cx| {
            let job = model.jobs.get(fixture::key(name)).unwrap();
            super::sentence(job, &model.status(job), cx)
        })
    }

    #[test]
    fn roles_say_which_replica_holds_them_up_and_what_comes_later() {
        use crate::model::delta::{Change, Rows};
        let say = |model: &crate::model::Model, key| {
            fixture::with_cx(model, |cx| {
                let job = model.jobs.get(key).unwrap();
                super::sentence(job, &model.status(job), cx)
            })
        };
        let (mut model, mut job) = fixture::torch(12);
        assert_eq!(
            say(&model, job.key),
            "0 of 13 pods done, 9 of 12 Worker run; worker-5 waits: 0/9 nodes are available"
        );
        // all that can be there are
        let mut later = job.roles[0].clone();
        (later.name, later.after) = ("Evaluator".into(), Some("Master".into()));
        job.roles = vec![job.roles[0].clone(), later];
        fixture::feed(&mut model, 1, Rows::Jobs(Change::Rows(vec![job.clone()])));
        assert_eq!(
            say(&model, job.key),
            "0 of 13 pods done, 1 running or done, Evaluator comes after Master"
        );
        // whose pods are not ours to see has its own counters
        job.roles.pop();
        job.active = 13;
        let mut model = crate::model::Model::default();
        fixture::feed(&mut model, 1, Rows::Jobs(Change::Rows(vec![job.clone()])));
        assert_eq!(say(&model, job.key), "0 of 13 pods done, 13 active");
    }

    #[test]
    fn every_phase_says_how_and_why() {
        assert_eq!(
            of("indexed-sweep"),
            "5 of 10 indexes failed after 2 tries each: exit 1"
        );
        assert_eq!(of("pi"), "done in 8s");
        assert_eq!(
            of("gnn-hgcal"),
            "6 pods wait: 0/9 nodes: 1 node(s) were unschedulable, 3 node(s) didn't match Pod's node \
             affinity/selector, 5 Insufficient nvidia.com/gpu"
        );
        assert_eq!(
            of("oom-probe"),
            "crash loop, 6 restarts: out of memory: main was killed (OOMKilled)"
        );
        assert_eq!(of("ablation-run"), "held for 2h29m; 0 of 12 pods done");
        assert_eq!(
            of("detr-queue"),
            "waits for admission in queue vision-main; nothing of Kueue's can be seen here"
        );
        assert!(
            of("resnet-hpo")
                .starts_with("31 of 98 indexes done, 8 running, 2 indexes failed for good")
        );
        assert_eq!(
            of("clip-training-vit-l14-336px-laion-400m-epoch-32-seed-1234"),
            "ran past its deadline of 12h; 0 of 2 pods done"
        );
        assert_eq!(of("old-run"), "being deleted; 1 pod still ending");
    }
}
