//! Tables for every finding of rows, and the law that entries never repeat.

use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::Model;
use crate::model::delta::{Change, Delta, Rows, SourceId};
use crate::model::fixture::{at, condition, failed_example, job, key, pod, running};
use crate::model::ids::{ClusterId, Uid};
use crate::model::job::{JobRow, Phase};
use crate::model::pod::{Exit, PodRow};

fn feed(model: &mut Model, source: u32, rows: Rows) {
    model.apply(Delta {
        cluster: ClusterId(0),
        source: SourceId(source),
        rows,
    });
}

fn jobs(model: &mut Model, rows: Vec<JobRow>) {
    feed(model, 1, Rows::Jobs(Change::Rows(rows)));
}

fn pods(model: &mut Model, rows: Vec<PodRow>) {
    feed(model, 2, Rows::Pods(Change::Rows(rows)));
}

fn texts(inbox: &Inbox, now: i64) -> Vec<String> {
    inbox.open().map(|e| e.words(at(now))).collect()
}

fn ends(inbox: &Inbox) -> Vec<String> {
    let how = |e: &Entry| match &e.standing {
        Standing::Over(_, how) => Some(how.clone()),
        _ => None,
    };
    inbox.shown().filter_map(how).collect()
}

fn exit(code: i32, finished: i64) -> Option<Box<Exit>> {
    Some(Box::new(Exit {
        container: "main".into(),
        code,
        signal: 0,
        reason: "Error".into(),
        message: None,
        finished: Some(at(finished)),
        previous: true,
    }))
}

struct Seen {
    model: Model,
    inbox: Inbox,
    watch: Watch,
    rules: Rules,
}

impl Seen {
    fn new() -> Self {
        Self {
            model: Model::default(),
            inbox: Inbox::default(),
            watch: Watch::default(),
            rules: Rules::default(),
        }
    }

    fn look(&mut self, now: i64) -> News {
        let (watch, inbox) = (&mut self.watch, &mut self.inbox);
        watch.pass(&self.model, inbox, &self.rules, at(now), false)
    }
}

/// What a pod shows, and when; what is said of it then; how it ends.
#[rstest]
#[case(
    "Pending",
    "Unschedulable: 0/9 nodes are available: 5 Insufficient nvidia.com/gpu.",
    false,
    "no node takes it: 0/9 nodes: 5 short of nvidia.com/gpu",
    600,
    "a node was found"
)]
#[case(
    "ImagePullBackOff",
    "ImagePullBackOff: Back-off pulling image \"r/t:x\"",
    true,
    "cannot pull its image: Back-off pulling image \"r/t:x\"",
    30,
    "the image came"
)]
#[case(
    "CreateContainerConfigError",
    "CreateContainerConfigError: secret \"hf\" not found",
    true,
    "cannot start its container: secret \"hf\" not found",
    30,
    "the container was made"
)]
#[case(
    "ContainerCreating",
    "",
    true,
    "bound but not started for 10 min",
    600,
    "started"
)]
fn pods_that_cannot_start(
    #[case] status: &str,
    #[case] why: &str,
    #[case] bound: bool,
    #[case] said: &str,
    #[case] patience: i64,
    #[case] end: &str,
) {
    let mut seen = Seen::new();
    let owner = job(1, "train");
    let mut row = pod(10, &owner);
    row.status = status.into();
    row.why = (!why.is_empty()).then(|| why.into());
    row.node = bound.then(|| "n".into());
    jobs(&mut seen.model, vec![owner.clone()]);
    pods(&mut seen.model, vec![row.clone()]);
    assert_eq!(seen.look(patience - 1).fresh, [], "patience first");
    assert_eq!(seen.watch.due(), Some(at(patience)));
    // nothing changed but the time
    assert_eq!(seen.look(patience).fresh.len(), 1);
    assert_eq!(texts(&seen.inbox, patience), [said]);
    assert_eq!(
        seen.inbox.badge(key(1)).map(|e| &*e.finding.subject.name),
        Some("train")
    );
    // told again by the server: no second entry, and no news
    row.restarts = 0;
    row.index_failures = 1;
    pods(&mut seen.model, vec![row.clone()]);
    assert_eq!(seen.look(patience + 5).fresh, []);
    assert_eq!(seen.inbox.len(), 1);
    pods(&mut seen.model, vec![running(row, "n", patience + 9)]);
    seen.look(patience + 10);
    assert_eq!(
        (seen.inbox.open().count(), ends(&seen.inbox)),
        (0, vec![end.to_owned()])
    );
    assert_eq!(seen.inbox.badge(key(1)), None);
}

/// Held or deleted: nobody found a node or an image.
#[rstest]
#[case::deleted(true)]
#[case::being_deleted(false)]
fn pods_that_are_gone_did_not_start(#[case] gone: bool) {
    let mut seen = Seen::new();
    let owner = job(1, "train");
    let mut row = pod(10, &owner);
    row.status = "ImagePullBackOff".into();
    row.node = Some("n".into());
    jobs(&mut seen.model, vec![owner]);
    pods(&mut seen.model, vec![row.clone()]);
    assert_eq!(seen.look(100).fresh.len(), 1);
    let change = match gone {
        true => Change::Gone(vec![row.key.uid]),
        false => {
            row.deleting = true;
            Change::Rows(vec![row])
        }
    };
    feed(&mut seen.model, 2, Rows::Pods(change));
    seen.look(110);
    assert_eq!(
        (seen.inbox.open().count(), ends(&seen.inbox)),
        (0, vec!["no such pod any more".to_owned()])
    );
}

#[test]
fn many_pods_of_one_job_are_one_entry_and_gated_ones_none() {
    let mut seen = Seen::new();
    let owner = job(1, "train");
    let waiting = |uid| PodRow {
        why: Some("Unschedulable: 0/9 nodes are available: 5 Insufficient cpu.".into()),
        ..pod(uid, &owner)
    };
    jobs(&mut seen.model, vec![owner.clone()]);
    let mut gated = pod(20, &owner);
    gated.status = "SchedulingGated".into();
    pods(
        &mut seen.model,
        (10..14).map(waiting).chain([gated]).collect(),
    );
    seen.look(700);
    assert_eq!(
        texts(&seen.inbox, 700),
        ["4 pods: no node takes it: 0/9 nodes: 5 short of cpu"]
    );
    pods(
        &mut seen.model,
        (10..13).map(|n| running(waiting(n), "n", 701)).collect(),
    );
    assert_eq!(seen.look(702).fresh, []);
    assert_eq!(
        texts(&seen.inbox, 702),
        ["no node takes it: 0/9 nodes: 5 short of cpu"]
    );
    // the watch is cancelled: nothing is known to be over
    feed(&mut seen.model, 2, Rows::Pods(Change::Dropped));
    seen.watch
        .pass(&seen.model, &mut seen.inbox, &seen.rules, at(710), true);
    let standing: Vec<_> = seen.inbox.shown().map(|e| e.standing.clone()).collect();
    assert_eq!(standing, [Standing::Unwatched(at(710))]);
}

#[test]
fn a_restart_loop_is_over_when_it_has_been_quiet() {
    let mut seen = Seen::new();
    let owner = job(1, "probe");
    let mut row = running(pod(10, &owner), "n", 0);
    (row.restarts, row.exit) = (2, exit(137, 90));
    jobs(&mut seen.model, vec![owner]);
    pods(&mut seen.model, vec![row.clone()]);
    seen.look(100);
    assert_eq!(texts(&seen.inbox, 100), [""; 0], "two restarts are none");
    (row.restarts, row.exit) = (3, exit(1, 190));
    pods(&mut seen.model, vec![row.clone()]);
    seen.look(200);
    assert_eq!(texts(&seen.inbox, 200), ["restarted 3 times, last: exit 1"]);
    row.status = "CrashLoopBackOff".into();
    (row.restarts, row.ready, row.is_ready) = (4, 0, false);
    pods(&mut seen.model, vec![row.clone()]);
    assert_eq!(seen.look(260).fresh, []);
    assert_eq!(
        texts(&seen.inbox, 260),
        ["crash loop, restarted 4 times, last: exit 1"]
    );
    // it runs; after a quarter of an hour without another end that is believed
    row.status = "Running".into();
    (row.ready, row.is_ready) = (1, true);
    pods(&mut seen.model, vec![row]);
    seen.look(300);
    assert_eq!(seen.inbox.open().count(), 1);
    assert_eq!(seen.watch.due(), Some(at(190 + 900)));
    seen.look(1_090);
    assert_eq!(ends(&seen.inbox), ["no restart any more"]);
}

#[test]
fn a_job_fails_is_done_retries_recovers_and_goes() {
    let mut seen = Seen::new();
    let old = failed_example(1);
    let mut row = job(2, "train");
    row.active = 1;
    jobs(&mut seen.model, vec![old.clone(), row.clone()]);
    let first = seen.look(2 * 3_600);
    assert_eq!(first.fresh, [], "what failed long ago is no news");
    assert_eq!((first.ended.len(), first.begun), (0, vec![key(2)]));
    (row.active, row.failed) = (0, 1);
    jobs(&mut seen.model, vec![row.clone()]);
    let retry = seen.look(7_300);
    assert_eq!(retry.fresh.len(), 1);
    assert!(retry.fresh[0].text.starts_with("retrying: "), "{retry:?}");
    row.active = 1;
    let up = running(pod(10, &row), "n", 7_400);
    jobs(&mut seen.model, vec![row.clone()]);
    pods(&mut seen.model, vec![up]);
    seen.look(7_400);
    assert_eq!(ends(&seen.inbox), ["runs again"]);
    // what its log said is over with it, and its own end is one entry
    let nan = Finding::new(
        Source::Training,
        Subject::job(&row),
        "training/nan/0",
        Severity::Error,
        "x",
    );
    seen.inbox.found(nan, at(7_450));
    (row.active, row.failed) = (0, 7);
    row.conditions = vec![condition("Failed", "BackoffLimitExceeded", 7_500)];
    jobs(&mut seen.model, vec![row.clone()]);
    let failed = seen.look(7_500);
    assert_eq!((failed.ended.len(), failed.fresh.len()), (1, 1));
    assert_eq!(failed.ended[0].phase, Phase::Failed);
    assert_eq!(texts(&seen.inbox, 7_500).len(), 1);
    assert!(ends(&seen.inbox).contains(&"the job failed".to_owned()));
    assert_eq!(seen.inbox.unread(), 1);
    feed(&mut seen.model, 1, Rows::Jobs(Change::Gone(vec![Uid(2)])));
    seen.look(7_600);
    assert!(ends(&seen.inbox).contains(&"the job was deleted".to_owned()));
    // a success is told quietly
    let mut good = job(3, "good");
    jobs(&mut seen.model, vec![good.clone()]);
    seen.look(7_700);
    good.succeeded = 1;
    good.conditions = vec![condition("Complete", "CompletionsReached", 7_800)];
    jobs(&mut seen.model, vec![good]);
    let done = seen.look(7_800);
    assert_eq!(
        (done.fresh.len(), done.fresh[0].severity),
        (1, Severity::Note)
    );
    assert_eq!(seen.inbox.unread(), 0);
}

#[test]
fn a_job_that_failed_shortly_before_is_told_with_its_time() {
    let mut seen = Seen::new();
    jobs(&mut seen.model, vec![failed_example(1)]);
    let news = seen.look(600);
    assert_eq!((news.fresh.len(), news.ended.len()), (1, 0));
    assert_eq!(news.fresh[0].since, Some(at(64)));
    assert_eq!(
        texts(&seen.inbox, 600),
        ["failed: 5 of 10 indexes failed after 2 tries each"]
    );
}

#[test]
fn read_dismissed_and_muted() {
    let (mut inbox, owner) = (Inbox::default(), job(1, "train"));
    let say = |cause: &str, severity| {
        Finding::new(
            Source::Training,
            Subject::job(&owner),
            cause,
            severity,
            "no output for {age}",
        )
    };
    let id = say("a", Severity::Warning).id();
    inbox.found(say("a", Severity::Warning), at(0));
    assert_eq!(
        inbox.get(&id).unwrap().words(at(900)),
        "no output for 15 min"
    );
    inbox.set_read(&id, true);
    assert_eq!(inbox.unread(), 0);
    // worse than what was read
    inbox.found(say("a", Severity::Error), at(5));
    assert_eq!(inbox.unread(), 1);
    inbox.dismiss(&id);
    inbox.found(say("a", Severity::Error), at(9));
    assert_eq!((inbox.shown().count(), inbox.unread()), (0, 0));
    inbox.over(&id.0, "a", "speaks again", at(10));
    assert_eq!(inbox.found(say("a", Severity::Error), at(20)), Fresh::Again);
    let entry = inbox.get(&id).unwrap();
    assert_eq!((entry.times, entry.since, entry.read), (2, at(20), false));
    assert!(inbox.toggle_mute(&id.0));
    assert_eq!(
        (inbox.shown().count(), inbox.badge(key(1)), inbox.hushed()),
        (0, None, 1)
    );
    assert_eq!(inbox.unmute_all(), 1);
    assert_eq!(inbox.about(&id.0).len(), 1);
}

#[test]
fn an_old_line_read_again_is_no_news() {
    let (mut inbox, owner) = (Inbox::default(), job(1, "train"));
    let found = Finding::new(
        Source::Logs,
        Subject::job(&owner),
        "log/oom",
        Severity::Error,
        "x",
    );
    let found = found.dated(Some(at(50)));
    assert_eq!(inbox.found(found.clone(), at(60)), Fresh::New);
    inbox.over(&found.subject.id, "log/oom", "runs again", at(70));
    assert_eq!(inbox.found(found.clone(), at(80)), Fresh::Known);
    assert_eq!(inbox.open().count(), 0);
    assert_eq!(
        inbox.found(found.dated(Some(at(90))), at(100)),
        Fresh::Again
    );
}

#[test]
fn it_stays_bounded_and_what_is_open_stays() {
    let mut inbox = Inbox::default();
    for n in 0..2 * KEPT as u128 {
        let subject = Subject::object(key(n), "x", &"ns".into());
        inbox.found(
            Finding::new(Source::Jobs, subject.clone(), "c", Severity::Error, "x"),
            at(n as i64),
        );
        if n > 10 {
            inbox.over(&subject.id, "c", "gone", at(n as i64));
        }
    }
    assert_eq!((inbox.len(), inbox.open().count()), (KEPT, 11));
}

#[derive(Debug, Clone)]
enum Step {
    Found(u8, u8, bool),
    Over(u8, u8),
    Dismiss(u8, u8),
    Mute(u8),
    Lose,
}

fn step() -> impl Strategy<Value = Step> {
    let (subject, cause) = (0u8..4, 0u8..3);
    prop_oneof![
        4 => (subject.clone(), cause.clone(), any::<bool>()).prop_map(|(s, c, e)| Step::Found(s, c, e)),
        2 => (subject.clone(), cause.clone()).prop_map(|(s, c)| Step::Over(s, c)),
        1 => (subject.clone(), cause).prop_map(|(s, c)| Step::Dismiss(s, c)),
        1 => subject.prop_map(Step::Mute),
        1 => Just(Step::Lose),
    ]
}

proptest! {
    /// Whatever is told in whatever order: one entry per subject and cause, and what is counted is what is shown.
    #[test]
    fn entries_never_repeat(steps in proptest::collection::vec(step(), 0..120)) {
        let mut inbox = Inbox::default();
        let subject = |s: u8| Subject::object(key(s.into()), "x", &"ns".into());
        let mut told = BTreeSet::new();
        for (n, step) in steps.into_iter().enumerate() {
            let now = at(n as i64);
            match step {
                Step::Found(s, c, event) => {
                    let mut finding = Finding::new(Source::Jobs, subject(s), &c.to_string(), Severity::Error, n.to_string());
                    finding.event = event;
                    let fresh = inbox.found(finding, now);
                    prop_assert_eq!(fresh == Fresh::New, told.insert((s, c)));
                }
                Step::Over(s, c) => {
                    inbox.over(&subject(s).id, &c.to_string(), "over", now);
                    let id = (subject(s).id, Name::from(c.to_string()));
                    prop_assert!(inbox.get(&id).is_none_or(|e| !e.is_open()));
                }
                Step::Dismiss(s, c) => inbox.dismiss(&(subject(s).id, c.to_string().into())),
                Step::Mute(s) => drop(inbox.toggle_mute(&subject(s).id)),
                Step::Lose => inbox.lose(|_| true, now),
            }
            prop_assert_eq!(inbox.len(), told.len());
            let shown: Vec<Id> = inbox.shown().map(Entry::id).collect();
            let distinct: BTreeSet<&Id> = shown.iter().collect();
            prop_assert_eq!(shown.len(), distinct.len());
            prop_assert!(inbox.unread() <= shown.len() && inbox.open().count() <= shown.len());
            for s in 0..4 {
                let about = inbox.about(&subject(s).id).len();
                prop_assert_eq!(inbox.is_muted(&subject(s).id), about == 0 && inbox.is_muted(&subject(s).id));
                prop_assert!(about <= 3);
            }
        }
    }

    /// Rows in any order and number give the same entries as the last rows alone, as far as they are open.
    #[test]
    fn looks_in_between_make_no_difference(
        rows in proptest::collection::vec((0u128..6, 0usize..5, any::<bool>()), 1..60),
    ) {
        let owner = job(1, "train");
        let statuses = ["Running", "ImagePullBackOff", "Pending", "CrashLoopBackOff", "ContainerCreating"];
        let make = |uid: u128, which: usize| {
            let mut row = match which {
                0 | 3 => running(pod(10 + uid, &owner), "n", 1),
                _ => pod(10 + uid, &owner),
            };
            row.status = statuses[which].into();
            row.node = (which != 2).then(|| "n".into());
            if which == 3 {
                (row.restarts, row.exit, row.is_ready) = (2, exit(1, 990), false);
            }
            row
        };
        let (mut often, mut once) = (Seen::new(), Seen::new());
        for seen in [&mut often, &mut once] {
            jobs(&mut seen.model, vec![owner.clone()]);
        }
        for (uid, which, looks) in rows {
            pods(&mut often.model, vec![make(uid, which)]);
            pods(&mut once.model, vec![make(uid, which)]);
            if looks {
                often.look(1_000);
            }
        }
        often.look(1_000);
        once.look(1_000);
        let open = |seen: &Seen| -> Vec<(Name, String)> {
            seen.inbox.open().map(|e| (e.finding.cause.clone(), e.words(at(1_000)))).collect()
        };
        prop_assert_eq!(open(&often), open(&once));
        prop_assert_eq!(often.inbox.open().count(), once.inbox.len());
    }
}

#[test]
fn ages_are_told_in_whole_parts() {
    for (seconds, words) in [
        (5, "5 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_199, "119 min"),
        (7_200, "2h00m"),
    ] {
        assert_eq!(
            said("no output for {age}", TimeDelta::seconds(seconds)),
            format!("no output for {words}")
        );
    }
}
