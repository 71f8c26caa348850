//! Two clusters in one app, without any: which is in front, where wants and writes go, and what is said of one that is lost.

use super::*;
use crate::app::effect::Effect;
use crate::app::fixture::{draw, draw_at, from, health, live, two};
use crate::cluster::report::Report;
use crate::model::delta::SourceId;
use crate::model::fixture::at;
use crate::model::ids::{Key, Uid};
use crate::model::want::{ObjectWant, Selector};
use crate::panes::Target;
use crate::settings::Settings;

const EAST: ClusterId = ClusterId(1);

fn key(cluster: ClusterId, uid: u128) -> Key {
    Key {
        cluster,
        uid: Uid(uid),
    }
}

fn stale() -> Health {
    Health::Stale {
        since: at(1),
        why: "connection refused".into(),
    }
}

/// The cursor goes to the row of `train` in east.
fn to_east(app: &mut App) {
    to(app, "east");
}

/// The cursor goes to the row of `train` in a cluster.
fn to(app: &mut App, cluster: &str) {
    app.filter(&format!("cluster:={cluster} train"), at(1));
    draw(app);
    app.take_effects(at(1));
}

#[test]
fn the_frame_of_two_clusters() {
    let mut app = two(Settings::default());
    insta::assert_snapshot!("two_80x24", draw_at(&mut app, (80, 24)));
    insta::assert_snapshot!("two_160x24", draw_at(&mut app, (160, 24)));
    health(&mut app, EAST, (SourceId(1), Kind::Job), stale());
    let screen = draw_at(&mut app, (80, 24));
    assert!(
        screen.contains("only-east") && screen.contains("east stale since"),
        "{screen}"
    );
    assert!(screen.contains("east: jobs stale since"), "{screen}");
}

#[test]
fn the_cluster_of_the_row_under_the_cursor_is_in_front() {
    let mut app = two(Settings::default());
    to(&mut app, "prod");
    assert_eq!(app.desk.session.cluster, FIRST);
    to_east(&mut app);
    assert_eq!(app.desk.session.cluster, EAST);
    assert_eq!(app.desk.session.context, "gke/east");
    assert_eq!(&*app.desk.session.home, "ml");
    // what was opened from it stays with it, wherever the cursor of another tab is
    app.open(&Target::Yaml(ObjectWant {
        kind: Kind::Job,
        namespace: "ml".into(),
        name: "train".into(),
    }));
    app.front(FIRST);
    app.take_effects(at(1));
    assert_eq!(app.desk.session.cluster, EAST);
}

#[test]
fn what_a_pane_wants_of_one_object_goes_to_the_cluster_in_front_alone() {
    let watch = Want::Watch(Kind::Job, Selector::All);
    let object = Want::Object(ObjectWant {
        kind: Kind::Job,
        namespace: "ml".into(),
        name: "train".into(),
    });
    let both = vec![watch.clone(), object.clone()];
    assert_eq!(addressed(both.clone(), FIRST), both);
    let there = vec![watch, object.clone().at(EAST)];
    assert_eq!(addressed(both, EAST), there);
    assert_eq!(addressed(vec![object.clone().at(FIRST)], EAST), [object]);
}

#[test]
fn an_object_of_the_same_name_that_was_asked_of_another_cluster_is_let_go() {
    let mut app = two(Settings::default());
    to_east(&mut app);
    let want = ObjectWant {
        kind: Kind::Job,
        namespace: "ml".into(),
        name: "train".into(),
    };
    app.open(&Target::Yaml(want.clone()));
    draw(&mut app);
    app.take_effects(at(1));
    let object = |cluster, value: &str| Report::Object {
        cluster,
        want: want.clone(),
        object: Ok(serde_json::json!({"kind": "Job", "metadata": {"name": value}})),
    };
    from(&mut app, object(FIRST, "of-the-wrong-one"));
    assert!(!draw(&mut app).contains("of-the-wrong-one"));
    from(&mut app, object(EAST, "of-the-right-one"));
    assert!(draw(&mut app).contains("of-the-right-one"));
}

#[test]
fn a_write_names_the_cluster_of_its_row() {
    let mut app = two(Settings::default());
    let keys = vec![key(FIRST, 1), key(EAST, 1)];
    app.propose(keys, &crate::actions::Intent::Hold, at(1));
    assert!(app.overlay.is_some(), "two are asked about");
    let steps: Vec<_> = [FIRST, EAST]
        .into_iter()
        .flat_map(|cluster| {
            let intent = crate::actions::Intent::DELETE;
            crate::actions::plan::plan(&app.desk.model, key(cluster, 1), &intent).unwrap()
        })
        .collect();
    app.carry_out(steps, at(1));
    let effects = app.take_ready_effects();
    let written = effects.iter().find_map(|effect| match effect {
        Effect::Write { steps, .. } => Some(steps.iter().map(|s| s.cluster).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(written, Some(vec![FIRST, EAST]));
    // and the row of each says so, by its cluster
    let pending = &app.desk.session.pending;
    assert!(pending.of(key(FIRST, 1)).is_some() && pending.of(key(EAST, 1)).is_some());
}

#[test]
fn a_right_that_is_missing_in_one_is_not_missing_in_the_other() {
    let mut app = two(Settings::default());
    let intent = crate::actions::Intent::DELETE;
    let plan = |app: &App, cluster| {
        crate::actions::plan::plan(&app.desk.model, key(cluster, 1), &intent).unwrap()
    };
    let (here, there) = (plan(&app, FIRST), plan(&app, EAST));
    for question in there.iter().flat_map(|step| step.needs()) {
        from(
            &mut app,
            Report::May {
                cluster: EAST,
                question,
                allowed: false,
            },
        );
    }
    assert!(app.forbidden(&there).is_some() && app.forbidden(&here).is_none());
}

#[test]
fn one_that_is_lost_is_said_once_and_so_is_its_return() {
    let mut app = two(Settings::default());
    to(&mut app, "prod");
    for n in 1..3 {
        health(&mut app, EAST, (SourceId(n), Kind::Job), stale());
    }
    let said = |app: &App, text: &str| {
        let all = app.desk.notices.all().iter();
        all.filter(|notice| notice.text.contains(text)).count()
    };
    assert_eq!(said(&app, "gke/east: jobs no longer arrive"), 1);
    assert!(app.overall().is_none(), "the one in front is well");
    live(&mut app, EAST);
    assert_eq!(said(&app, "gke/east answers again"), 1);
}

#[test]
fn the_others_are_shown_though_the_first_does_not_answer() {
    let mut app = two(Settings::default());
    app.connect(&["gke/prod".into(), "gke/east".into()]);
    crate::app::fixture::join(&mut app, EAST);
    assert_eq!((&app.link, app.desk.session.cluster), (&Link::Open, EAST));
    let failure = crate::app::message::Failure {
        context: "gke/prod".into(),
        why: "no route".into(),
        passing: true,
        ..Default::default()
    };
    let connection = app.connection;
    app.receive(
        crate::app::message::Message::NotOpened {
            connection,
            failure,
        },
        at(1),
    );
    assert_eq!(app.link, Link::Open);
    let screen = draw(&mut app);
    assert!(screen.contains("prod does not answer"), "{screen}");
}

#[test]
fn one_after_the_other_and_all_again() {
    let mut app = two(Settings::default());
    let shown = |app: &mut App| {
        app.next_cluster(at(1));
        app.desk.session.shown()
    };
    assert_eq!(shown(&mut app), [FIRST]);
    assert_eq!(shown(&mut app), [EAST]);
    assert_eq!(shown(&mut app), [FIRST, EAST]);
    // with one open, back to what was there before
    app.connect(&["alone".into()]);
    app.take_ready_effects();
    app.next_cluster(at(1));
    let again = app.take_ready_effects();
    let back = Effect::Connect {
        connection: app.connection,
        context: Some("gke/prod".into()),
        peers: vec!["gke/east".into()],
    };
    assert!(again.contains(&back), "{again:?}");
}
