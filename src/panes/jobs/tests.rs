use super::*;
use crate::model::Model;
use crate::model::delta::{Change, Rows as Rows_};
use crate::model::health::Health;
use crate::model::ids::Uid;
use crate::model::job::{Activity, Facts, RoleRow};
use crate::model::status::Unit;
use crate::panes::fixture;

#[test]
fn looks() {
    fixture::at_all_sizes("jobs", || Box::new(Jobs::default()));
}

#[test]
fn states() {
    fixture::in_all_states("jobs", || Box::new(Jobs::default()));
}

fn name(pane: &Jobs, cx: &Cx) -> String {
    match pane.selected(cx) {
        Some(Item::Job(job)) => job.name.to_string(),
        Some(Item::Cron(cron)) => cron.name.to_string(),
        None => String::new(),
    }
}

/// The names in the order shown.
fn names(pane: &Jobs, cx: &Cx) -> Vec<String> {
    (0..pane.rows.len())
        .filter_map(|at| match pane.rows.at(cx.model, at)? {
            Item::Job(job) => Some(job.name.to_string()),
            Item::Cron(cron) => Some(cron.name.to_string()),
        })
        .collect()
}

/// Pods come after their jobs, and with them the states by which the rows stand.
#[test]
fn the_cursor_stays_at_the_top_until_the_pods_are_there_too() {
    let mut stage = crate::panes::stage::Stage::new(fixture::model());
    let live = stage.session.sources.clone();
    for (kind, health) in &mut stage.session.sources {
        if *kind == Kind::Pod {
            *health = Health::Syncing {
                seen: 0,
                total: None,
            };
        }
    }
    let fail = |stage: &mut crate::panes::stage::Stage, of: &str| {
        let mut job = stage.model.jobs.get(fixture::key(of)).unwrap().clone();
        job.conditions = vec![fixture::condition("Failed", "BackoffLimitExceeded", "", 1)];
        job.namespace = "a".into();
        fixture::feed(&mut stage.model, 2, Rows_::Jobs(Change::Rows(vec![job])));
    };
    let mut pane = Jobs::default();
    stage.draw(&mut pane, 100, 30);
    let before = name(&pane, &stage.cx());
    fail(&mut stage, "resnet-hpo");
    stage.draw(&mut pane, 100, 30);
    let top = names(&pane, &stage.cx())[0].clone();
    assert_ne!(top, before);
    assert_eq!(name(&pane, &stage.cx()), top);
    // from now on it stays with its job
    stage.session.sources = live;
    let other = names(&pane, &stage.cx())[3].clone();
    fail(&mut stage, &other);
    stage.draw(&mut pane, 100, 30);
    assert_eq!(name(&pane, &stage.cx()), top);
}

#[test]
fn the_selection_survives_sorts_filters_and_updates() {
    let mut model = fixture::model();
    let mut pane = Jobs::default();
    fixture::with_cx(&model, |cx| {
        fixture::shot(&mut pane, cx, 100, 30);
        while name(&pane, cx) != "resnet-hpo" {
            assert_eq!(pane.act(Action::Down, cx), Reply::Done);
        }
        for _ in 0..4 {
            pane.act(Action::SortNext, cx);
            assert_eq!(name(&pane, cx), "resnet-hpo");
        }
        pane.act(Action::SortReverse, cx);
        assert_eq!(name(&pane, cx), "resnet-hpo");
        pane.set_filter("state:failed", cx).unwrap();
        assert_ne!(name(&pane, cx), "resnet-hpo");
        pane.set_filter("", cx).unwrap();
        assert_eq!(
            name(&pane, cx),
            "resnet-hpo",
            "what the filter hid is selected again"
        );
        assert!(
            pane.set_filter("gpu>many", cx)
                .unwrap_err()
                .contains("many")
        );
    });
    let mut job = model.jobs.get(fixture::key("resnet-hpo")).unwrap().clone();
    job.conditions = vec![fixture::condition("Failed", "BackoffLimitExceeded", "", 1)];
    fixture::feed(&mut model, 2, Rows_::Jobs(Change::Rows(vec![job])));
    fixture::with_cx(&model, |cx| {
        fixture::shot(&mut pane, cx, 100, 30);
        assert_eq!(
            name(&pane, cx),
            "resnet-hpo",
            "the row moved to the failed ones, the selection with it"
        );
    });
    fixture::feed(
        &mut model,
        2,
        Rows_::Jobs(Change::Gone(vec![Uid::parse("resnet-hpo")])),
    );
    fixture::with_cx(&model, |cx| {
        fixture::shot(&mut pane, cx, 100, 30);
        assert!(!name(&pane, cx).is_empty() && name(&pane, cx) != "resnet-hpo");
    });
}

#[test]
fn cronjobs_are_rows_and_leave_when_the_filter_speaks_of_what_they_lack() {
    let model = fixture::model();
    let mut pane = Jobs::default();
    fixture::with_cx(&model, |cx| {
        pane.act(Action::SortNext, cx);
        pane.rows.set_sort(Sort::by(JobColumn::Name));
        pane.set_filter("weekly", cx).unwrap();
        assert_eq!(names(&pane, cx), ["weekly-eval"]);
        pane.set_filter("failed>0", cx).unwrap();
        assert!(!names(&pane, cx).is_empty());
        assert!(
            names(&pane, cx)
                .iter()
                .all(|n| n != "weekly-eval" && n != "nightly-export")
        );
        pane.set_filter("kind:cronjob", cx).unwrap();
        assert_eq!(names(&pane, cx), ["nightly-export", "weekly-eval"]);
    });
}

#[test]
fn only_failed_is_a_switch_and_escape_leaves_it() {
    let model = fixture::model();
    let mut pane = Jobs::default();
    fixture::with_cx(&model, |cx| {
        pane.act(Action::OnlyFailed, cx);
        let all = names(&pane, cx);
        assert!(all.contains(&"indexed-sweep".into()) && all.contains(&"resnet-hpo".into()));
        assert!(!all.contains(&"llama-sft".into()) && !all.contains(&"weekly-eval".into()));
        assert_eq!(pane.act(Action::Back, cx), Reply::Done);
        assert!(names(&pane, cx).contains(&"llama-sft".into()));
        assert_eq!(pane.act(Action::Back, cx), Reply::Ignored);
    });
}

#[test]
fn marks_are_copied_together() {
    let model = fixture::model();
    let mut pane = Jobs::default();
    fixture::with_cx(&model, |cx| {
        pane.rows.set_sort(Sort::by(JobColumn::Name));
        pane.act(Action::Top, cx);
        pane.act(Action::Mark, cx);
        pane.act(Action::Mark, cx);
        let Reply::Copy { text, what } = pane.act(Action::Copy, cx) else {
            panic!("no copy")
        };
        assert_eq!((text.lines().count(), &*what), (2, "2 job names"));
        assert!(pane.position(cx).ends_with("2 marked"));
        pane.act(Action::MarkClear, cx);
        assert!(
            matches!(pane.act(Action::Copy, cx), Reply::Copy { what, .. } if what.starts_with("job "))
        );
    });
}

#[test]
fn the_detail_follows_the_selection_and_streams_only_when_it_rests() {
    let model = fixture::model();
    let mut pane = Jobs::default();
    let session = fixture::session();
    let streams = |pane: &Jobs, cx: &Cx| {
        let about = |w: &Want| matches!(w, Want::Watch(_, Selector::About { .. }) | Want::Log(_));
        pane.wants(cx).into_iter().filter(about).count()
    };
    fixture::with(&model, &session, |cx| {
        fixture::shot(&mut pane, cx, 160, 40);
        assert_eq!(streams(&pane, cx), 0, "the selection has just moved");
        let wake = pane.wake(cx).unwrap();
        assert!(wake <= cx.now + REST);
        let later = Cx {
            now: cx.now + REST,
            ..*cx
        };
        assert!(streams(&pane, &later) > 0);
        // the keyboard moves into the detail and back
        assert_eq!(pane.scopes(), [Scope::Jobs, Scope::List]);
        assert_eq!(pane.act(Action::Focus, cx), Reply::Done);
        assert_eq!(pane.scopes(), [Scope::Job, Scope::List]);
        assert_eq!(pane.act(Action::Back, cx), Reply::Done);
        assert_eq!(pane.scopes(), [Scope::Jobs, Scope::List]);
        // no room, no detail
        fixture::shot(&mut pane, cx, 80, 24);
        assert_eq!(pane.act(Action::Focus, cx), Reply::Ignored);
        assert_eq!(streams(&pane, &later), 0);
        assert!(matches!(
            pane.act(Action::Open, cx),
            Reply::Open(Target::Job(_))
        ));
    });
}

#[test]
fn an_untouched_list_of_finished_jobs_sleeps() {
    let mut model = Model::default();
    let mut job = fixture::job("a", "old", 400 * 86_400);
    job.conditions = vec![fixture::condition(
        "Complete",
        "CompletionsReached",
        "",
        399 * 86_400,
    )];
    fixture::feed(&mut model, 1, Rows_::Jobs(Change::Rows(vec![job])));
    let mut pane = Jobs::default();
    fixture::with_cx(&model, |cx| {
        fixture::shot(&mut pane, cx, 100, 20);
        let wake = pane.wake(cx).unwrap();
        assert!(
            wake - cx.now > TimeDelta::hours(1),
            "an age in days need not be drawn each second"
        );
    });
}

#[test]
fn what_another_made_is_folded_under_it_and_unfolds_as_a_tree() {
    let model = fixture::model();
    let mut pane = Jobs::default();
    fixture::with_cx(&model, |cx| {
        pane.rows.set_sort(Sort::by(JobColumn::Name));
        let run = "weekly-eval-29401920";
        pane.refresh(cx);
        let (shown, all) = (pane.rows.len(), pane.rows.scoped());
        assert_eq!(shown, all, "a run is counted beside its CronJob");
        assert!(!names(&pane, cx).contains(&run.into()));
        pane.list.choose(fixture::key("weekly-eval"));
        assert!(pane.hints(cx).contains(&Action::Expand));
        assert_eq!(pane.act(Action::Expand, cx), Reply::Done);
        let now = names(&pane, cx);
        let at = now.iter().position(|n| n == "weekly-eval").unwrap();
        assert_eq!((&*now[at + 1], pane.rows.len()), (run, shown + 1));
        let place = pane.rows.place(cx.model, at + 1);
        assert_eq!((place.depth, place.last), (1, true));
        // from the child back to its owner
        pane.act(Action::Down, cx);
        assert_eq!(name(&pane, cx), run);
        assert_eq!(pane.act(Action::Expand, cx), Reply::Done);
        assert_eq!((&*name(&pane, cx), pane.rows.len()), ("weekly-eval", shown));
        // a run that passes a filter its CronJob does not stands for itself
        pane.set_filter("kind:job weekly", cx).unwrap();
        assert_eq!(names(&pane, cx), [run]);
        pane.set_filter("llama-sft", cx).unwrap();
        assert_eq!(
            pane.act(Action::Expand, cx),
            Reply::Ignored,
            "nothing to unfold"
        );
    });
}

#[test]
fn states_and_kinds_are_whole_on_narrow_screens() {
    use crate::ui::table::layout;
    for namespaces in [true, false] {
        let columns = columns::columns(namespaces, true, false);
        let natural: Vec<u16> = columns.iter().map(|_| 9).collect();
        for total in 57..=80 {
            let widths = layout(&columns, &natural, total);
            let width = |id: &str| {
                let at = columns.iter().position(|c| c.id() == id).unwrap();
                widths[at].unwrap_or(0)
            };
            let retry = "↻ retry 34".chars().count();
            assert!(usize::from(width("state")) >= retry, "{total}");
            assert!(width("kind") >= 4, "{total}");
            // the ordinary screen keeps the time
            assert!(total < 78 || width("elapsed") == 7, "{total}");
        }
    }
}

static SET: Facts = Facts::new(
    "jobset.x-k8s.io",
    &["v1alpha2"],
    "JobSet",
    "jobsets",
    "JobSet",
)
.of_children()
.letters("JSet");

#[test]
fn other_kinds_look_like_jobs_and_show_what_they_are_made_of() {
    let mut model = Model::default();
    let mut set = fixture::job("nlp", "llama", 600);
    set.kind = JobKind(&SET);
    set.unit = Unit::Jobs;
    set.completions = Some(2);
    set.activity = Activity::Running;
    set.roles = vec![RoleRow {
        name: "workers".into(),
        wanted: 2,
        devices: fixture::devices(&[("nvidia.com/gpu", 8)]),
        ..RoleRow::default()
    }];
    let child = |n: u32, active: u32| {
        let mut job = fixture::job("nlp", &format!("llama-workers-{n}"), 590);
        job.owner = Some(("JobSet".into(), "llama".into(), fixture::key("llama").uid));
        (job.active, job.ready) = (active, active);
        job
    };
    let (first, second) = (child(0, 2), child(1, 1));
    let pod = fixture::pod(&first, "llama-workers-0-x", None, "gpu-h100-1", 580);
    let alone = fixture::job("nlp", "pi", 500);
    fixture::feed(
        &mut model,
        1,
        Rows_::Jobs(Change::Rows(vec![first, second, set, alone])),
    );
    fixture::feed(&mut model, 2, Rows_::Pods(Change::Rows(vec![pod])));
    let mut pane = Jobs::default();
    fixture::with_cx(&model, |cx| {
        pane.rows.set_sort(Sort::by(JobColumn::Name));
        let folded = fixture::shot(&mut pane, cx, 110, 8);
        pane.act(Action::Top, cx);
        assert_eq!(name(&pane, cx), "llama");
        pane.act(Action::Expand, cx);
        let open = fixture::shot(&mut pane, cx, 110, 8);
        insta::assert_snapshot!("jobs_tree", format!("{folded}\n{open}"));
        // the kind stays where there is little room
        for columns in [60, 80] {
            let narrow = fixture::shot(&mut pane, cx, columns, 8);
            let told = narrow.contains(" JobSet ") || narrow.contains(" JSet ");
            assert!(narrow.contains("KIND") && told, "{narrow}");
        }
        // one kind alone is said where it is not the ordinary one
        pane.set_filter("kind:jobset", cx).unwrap();
        assert!(fixture::shot(&mut pane, cx, 110, 8).contains("KIND"));
        pane.set_filter("pi", cx).unwrap();
        assert!(!fixture::shot(&mut pane, cx, 110, 8).contains("KIND"));
        pane.set_filter("", cx).unwrap();
        fixture::shot(&mut pane, cx, 110, 8);
        pane.set_filter("kind:jobset", cx).unwrap();
        assert_eq!(names(&pane, cx)[0], "llama");
        // yaml, pods and logs are those of the set
        let Reply::Open(Target::Yaml(want)) = pane.act(Action::Yaml, cx) else {
            panic!("no yaml")
        };
        assert_eq!(want.kind.plural(), "jobsets");
        assert_eq!(cx.model.pods_of(fixture::key("llama")).count(), 1);
        // one kind alone needs no column
        pane.set_filter("pi", cx).unwrap();
        assert!(!pane.columns(cx).iter().any(|c| c.id() == "kind"));
    });
    fixture::with_cx(&model, |cx| {
        let mut detail = crate::panes::job::Job::new(fixture::key("llama"));
        insta::assert_snapshot!("job_of_jobs", fixture::shot(&mut detail, cx, 110, 24));
    });
}

#[test]
fn a_job_whose_log_was_read_tells_its_loss_and_how_far_it_is() {
    use crate::logs::run::{Progress, Summary};
    use crate::panes::fixture::{key, model, now, session, shot, with};
    let model = model();
    let mut session = session();
    let at = now().timestamp() as f64;
    session.remember_run(
        key("llama-sft"),
        Summary {
            progress: Progress {
                step: Some(1_200.0),
                steps: Some(5_000.0),
                fraction: Some(0.24),
                left: Some(7_800.0),
                at: Some(at),
                ..Progress::default()
            },
            name: "loss".into(),
            last: Some((1_200.0, 1.93)),
            best: Some((1_100.0, 1.88)),
            spark: (0..32).map(|n| 4.0 - f64::from(n) / 15.0).collect(),
            points: 600,
            concern: Some("the loss stands still".into()),
        },
        now(),
    );
    with(&model, &session, |cx| {
        let mut pane = Jobs::default();
        let seen = shot(&mut pane, cx, 240, 20);
        let row = seen
            .lines()
            .find(|line| line.contains("llama-sft"))
            .unwrap();
        assert!(seen.contains("LOSS"), "{seen}");
        assert!(row.contains("! ") && row.contains("▁ 1.93"), "{row}");
        assert!(seen.contains("2h10m"), "{seen}");
    });
    // The end of the log alone tells where it is; the curve that is known stays.
    let end = Summary {
        name: "loss".into(),
        last: Some((1_300.0, 1.9)),
        spark: vec![1.9; 32],
        points: 40,
        ..Summary::default()
    };
    session.remember_run(key("llama-sft"), end, now() - chrono::TimeDelta::minutes(5));
    let known = &session.runs[&key("llama-sft")].summary;
    assert_eq!((known.spark[0], known.best), (4.0, Some((1_100.0, 1.88))));
    assert_eq!(known.last, Some((1_300.0, 1.9)));
    // It was read a while ago: how long stands beside it.
    with(&model, &session, |cx| {
        let seen = shot(&mut Jobs::default(), cx, 240, 20);
        let row = seen
            .lines()
            .find(|line| line.contains("llama-sft"))
            .unwrap();
        assert!(row.contains(" 1.90 5m "), "{row}");
    });
}
