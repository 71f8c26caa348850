use super::*;
use crate::panes::fixture;

fn job(name: &'static str) -> impl FnMut() -> Box<dyn Pane> {
    move || Box::new(Job::new(fixture::key(name)))
}

#[test]
fn looks() {
    fixture::at_all_sizes("job_sweep", job("indexed-sweep"));
    fixture::at_all_sizes("job_huge", job("huge-scan"));
    fixture::at_all_sizes("job_plain", job("tokenise-shard"));
    fixture::at_all_sizes("job_cron", job("weekly-eval"));
}

#[test]
fn replicas_by_role() {
    let (model, of) = fixture::torch(12);
    fixture::at_sizes("job_roles", &model, || Box::new(Job::new(of.key)));
    let mut pane = Job::new(of.key);
    fixture::with_cx(&model, |cx| {
        fixture::shot(&mut pane, cx, 100, 40);
        // where the trouble is
        assert_eq!(pane.position(cx), "Worker 5 of 12");
        pane.act(Action::NextFailed, cx);
        assert_eq!(pane.position(cx), "Worker 7 of 12");
        let worker = |n: u32| fixture::key(&format!("mnist-worker-{n}"));
        let opened = pane.act(Action::Logs, cx);
        assert!(
            matches!(&opened, Reply::Open(Target::Logs(LogsOf::Pod { pod, .. })) if *pod == worker(7)),
            "{opened:?}"
        );
        // a place without a pod has no log and no node
        pane.act(Action::Right, cx);
        pane.act(Action::Right, cx);
        assert_eq!(pane.position(cx), "Worker 9 of 12");
        assert_eq!(pane.act(Action::Open, cx), Reply::Ignored);
        assert_eq!(pane.act(Action::Copy, cx), Reply::Ignored);
        pane.act(Action::NextSection, cx);
        assert_eq!(pane.part(cx), Part::Pods);
    });
}

#[test]
fn the_cursor_starts_at_the_trouble_and_walks_the_failed_indexes() {
    let model = fixture::model();
    let mut pane = Job::new(fixture::key("indexed-sweep"));
    fixture::with_cx(&model, |cx| {
        fixture::shot(&mut pane, cx, 100, 40);
        assert_eq!(pane.position(cx), "index 0 of 10");
        for at in [2, 4, 6, 8, 0] {
            assert_eq!(pane.act(Action::NextFailed, cx), Reply::Done);
            assert_eq!(pane.grid.cursor(), at);
        }
        pane.act(Action::PreviousFailed, cx);
        assert_eq!(pane.grid.cursor(), 8);
        pane.act(Action::Left, cx);
        assert_eq!(pane.grid.cursor(), 7);
        assert_eq!(
            pane.act(Action::CopyFailed, cx),
            Reply::Copy {
                text: "0,2,4,6,8".into(),
                what: "failed indexes of indexed-sweep".into()
            }
        );
        assert_eq!(
            pane.act(Action::Open, cx),
            Reply::Open(Target::Logs(LogsOf::Job {
                job: fixture::key("indexed-sweep"),
                index: Some(7)
            }))
        );
    });
}

#[test]
fn sections_are_gone_through_both_ways_and_escape_is_left_to_the_app() {
    let model = fixture::model();
    let mut pane = Job::new(fixture::key("indexed-sweep"));
    fixture::with_cx(&model, |cx| {
        assert_eq!(pane.part(cx), Part::Indexes);
        pane.act(Action::NextSection, cx);
        assert_eq!(pane.part(cx), Part::Pods);
        assert!(matches!(
            pane.act(Action::Open, cx),
            Reply::Open(Target::Logs(LogsOf::Pod { .. }))
        ));
        pane.act(Action::NextSection, cx);
        pane.act(Action::NextSection, cx);
        assert_eq!(pane.part(cx), Part::Indexes);
        pane.act(Action::PreviousSection, cx);
        assert_eq!(pane.part(cx), Part::Events);
        assert_eq!(pane.act(Action::Back, cx), Reply::Ignored);
    });
}

#[test]
fn the_log_under_the_grid_is_that_of_the_cursor() {
    let model = fixture::model();
    let mut pane = Job::new(fixture::key("resnet-hpo")).at_index(35);
    fixture::with_cx(&model, |cx| {
        fixture::shot(&mut pane, cx, 100, 40);
        let log = |pane: &Job, cx: &Cx| {
            pane.wants(cx).into_iter().find_map(|w| {
                if let Want::Log(log) = w {
                    Some(log)
                } else {
                    None
                }
            })
        };
        let want = log(&pane, cx).unwrap();
        assert_eq!((&*want.pod, want.follow), ("resnet-hpo-35-bb35c", true));
        let lines = [crate::model::log::LogLine {
            at: None,
            bytes: b"step 12 \x1b[31mloss 0.5\x1b[0m"[..].into(),
            goes_on: false,
        }];
        pane.receive(
            &Arrival::Lines {
                want: &want,
                lines: &lines,
                said: &[],
            },
            cx,
        );
        assert!(fixture::shot(&mut pane, cx, 100, 40).contains("│ step 12 loss 0.5"));
        pane.act(Action::Right, cx);
        assert!(
            !fixture::shot(&mut pane, cx, 100, 40).contains("step 12"),
            "another index, another log"
        );
        assert_eq!(&*log(&pane, cx).unwrap().pod, "resnet-hpo-36-bb36c");
    });
}

#[test]
fn a_deleted_job_stays_on_screen_as_it_was() {
    use crate::model::delta::{Change, Rows};
    let mut model = fixture::model();
    let mut pane = Job::new(fixture::key("indexed-sweep"));
    fixture::with_cx(&model, |cx| fixture::shot(&mut pane, cx, 100, 40));
    fixture::feed(
        &mut model,
        2,
        Rows::Jobs(Change::Gone(vec![fixture::key("indexed-sweep").uid])),
    );
    fixture::with_cx(&model, |cx| {
        let shot = fixture::shot(&mut pane, cx, 100, 40);
        assert!(
            shot.contains("deleted; this is what was seen last")
                && shot.contains("failed 0,2,4,6,8")
        );
    });
}
