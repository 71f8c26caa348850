use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::model::Model;
use crate::model::ids::ClusterId;
use crate::model::vitals::{Problem, Process, Reading};
use crate::model::want::Kind;
use crate::panes::fixture::{model, now};
use crate::panes::stage::Stage;

fn reading(seconds: i64) -> Reading {
    let later = u64::try_from(seconds).unwrap();
    let read = |kind, objects, events| KindRead {
        objects,
        events,
        lists: 0,
        watches: 1,
        ..KindRead::new(kind)
    };
    Reading {
        at: now() - TimeDelta::seconds(2) + TimeDelta::seconds(seconds),
        process: Process {
            cpu: Some(Duration::from_millis(4_000 + 40 * later)),
            rss: Some(83 << 20),
            peak: Some(97 << 20),
            threads: Some(5),
        },
        links: vec![Link {
            cluster: ClusterId(0),
            name: "csc-demo".into(),
            requests: 14,
            bytes: 34_600_000 + 6_000 * later,
            waiting: 3,
            room: 64,
            kinds: vec![
                read(Kind::Job, 210, 12),
                KindRead {
                    folded: 31,
                    skipped: 2,
                    failures: 1,
                    problems: vec![Problem {
                        at: now() - TimeDelta::seconds(70),
                        object: "team-a/worker-7".into(),
                        why:
                            "status.containerStatuses[0]: number out of range at line 1 column 812"
                                .into(),
                    }],
                    ..read(Kind::Pod, 100_412, 412 + 9 * later)
                },
                read(Kind::Node, 7_500, 0),
            ],
        }],
    }
}

fn stage(readings: &[i64]) -> Stage {
    let mut stage = Stage::new(model());
    for at in readings {
        stage.session.vitals.take(reading(*at));
    }
    let vitals = &mut stage.session.vitals;
    for n in 1..=200 {
        vitals
            .frames
            .put(now(), Duration::from_micros(400 + n * 11));
        vitals.turns.put(now(), Duration::from_micros(n));
    }
    vitals.queue.put(now(), 17);
    vitals.room = 64;
    stage
}

#[test]
fn it_tells_what_it_takes() {
    insta::assert_snapshot!(
        "narrow",
        stage(&[0, 2]).draw(&mut Itself::default(), 80, 20)
    );
    insta::assert_snapshot!("wide", stage(&[0, 2]).draw(&mut Itself::default(), 160, 20));
}

#[test]
fn what_is_not_known_yet_is_not_made_up() {
    insta::assert_snapshot!("first", stage(&[0]).draw(&mut Itself::default(), 100, 20));
    let unknown = Stage::new(Model::default());
    insta::assert_snapshot!("nothing", unknown.draw(&mut Itself::default(), 80, 12));
}

/// A watch that a screen wanted which was left is not one that has trouble connecting.
#[test]
fn what_is_watched_no_more_says_so() {
    let mut stage = stage(&[0, 2]);
    let first = stage.draw(&mut Itself::default(), 160, 20);
    assert!(!first.contains("not watched"), "{first}");
    stage
        .session
        .sources
        .retain(|(kind, _)| *kind != Kind::Node);
    let then = stage.draw(&mut Itself::default(), 160, 20);
    let line = then.lines().find(|line| line.contains("nodes  ")).unwrap();
    assert!(line.contains("not watched"), "{then}");
    assert_eq!(then.matches("not watched").count(), 1, "{then}");
    // asked for, and not there yet
    stage.session.sources.push((Kind::Node, Health::Connecting));
    let again = stage.draw(&mut Itself::default(), 160, 20);
    assert!(again.contains("connecting"), "{again}");
}
