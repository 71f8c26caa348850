use super::super::fixture::{app, draw, rows};
use super::super::message::Message;
use super::*;
use crate::model::delta::{Change, Rows};
use crate::model::fixture::{at, job};
use crate::settings::Settings;

fn writes(app: &mut App) -> Vec<Effect> {
    let all = app.take_effects(at(1)).into_iter();
    all.filter(|e| {
        matches!(
            e,
            Effect::Write { .. }
                | Effect::Trash { .. }
                | Effect::Submit { .. }
                | Effect::Shell { .. }
                | Effect::Forward { .. }
        )
    })
    .collect()
}

fn said(app: &App) -> String {
    let all = app.desk.notices.all().last();
    all.map(|n| n.text.clone()).unwrap_or_default()
}

#[test]
fn read_only_every_action_is_tried_and_none_writes() {
    let per_context = Settings {
        contexts: [(
            "prod".into(),
            crate::settings::ContextSettings {
                read_only: Some(true),
                ..Default::default()
            },
        )]
        .into(),
        ..Settings::default()
    };
    let for_all = Settings {
        read_only: true,
        ..Settings::default()
    };
    for (settings, flag) in [
        (Settings::default(), true),
        (per_context, false),
        (for_all, false),
    ] {
        for action in Action::ALL {
            let mut app = app(settings.clone(), flag);
            assert!(app.desk.session.read_only);
            app.act(*action, at(1));
            // and whatever it opened is answered with yes
            for then in [Action::Focus, Action::Right, Action::Open, Action::Open] {
                app.act(then, at(1));
            }
            assert_eq!(writes(&mut app), [], "{} writes", action.name());
            if action.writes() {
                let notices = app.desk.notices.all();
                let told = notices.iter().any(|n| n.text.contains("read-only"));
                assert!(told, "{} says nothing", action.name());
            }
        }
    }
}

#[test]
fn no_other_action_writes_and_those_that_do_are_marked() {
    for action in Action::ALL.iter().filter(|a| !a.writes()) {
        let mut app = app(Settings::default(), false);
        app.act(*action, at(1));
        for then in [Action::Right, Action::Open, Action::Open] {
            app.act(then, at(1));
        }
        assert_eq!(writes(&mut app), [], "{} writes", action.name());
    }
}

#[test]
fn a_deletion_is_asked_about_with_cancel_in_focus_and_its_target_frozen() {
    let mut app = app(Settings::default(), false);
    app.act(Action::Delete, at(1));
    let picture = draw(&mut app);
    assert!(picture.contains("[ Cancel ]"), "{picture}");
    // enter is harmless
    app.act(Action::Open, at(1));
    assert_eq!(writes(&mut app), []);
    assert!(app.overlay.is_none());

    app.act(Action::Delete, at(1));
    let first = app.screens.top().subjects(&app.desk.cx(at(1), true));
    // while it is asked, the row goes and another of its name comes
    rows(&mut app, Rows::Jobs(Change::Gone(vec![first[0].uid])));
    let name = if first[0].uid.0 == 1 {
        "train"
    } else {
        "other"
    };
    rows(&mut app, Rows::Jobs(Change::Rows(vec![job(9, name)])));
    app.act(Action::Right, at(1));
    app.act(Action::Open, at(1));
    match &writes(&mut app)[..] {
        [Effect::Write { steps, .. }] => assert_eq!(steps[0].object.key, Some(first[0])),
        other => panic!("{other:?}"),
    }
}

#[test]
fn more_than_a_few_are_confirmed_by_their_number() {
    let settings = Settings {
        actions: crate::settings::ActionSettings {
            type_above: 1,
            ..Default::default()
        },
        ..Settings::default()
    };
    let mut app = app(settings, false);
    app.act(Action::Mark, at(1));
    app.act(Action::Mark, at(1));
    app.act(Action::Delete, at(1));
    app.act(Action::Right, at(1));
    app.act(Action::Open, at(1));
    assert_eq!(writes(&mut app), [], "the number is asked for");
    assert!(app.prompt.is_some());
    app.filter("3", at(1));
    app.act(Action::Open, at(1));
    assert_eq!(writes(&mut app), []);
    assert!(said(&app).contains("that is not 2"), "{}", said(&app));
    app.filter("2", at(1));
    app.act(Action::Open, at(1));
    match &writes(&mut app)[..] {
        [Effect::Write { steps, .. }] => assert_eq!(steps.len(), 2),
        other => panic!("{other:?}"),
    }
    assert!(app.overlay.is_none() && app.prompt.is_none());
}

fn end(app: &mut App, ended: Ended) {
    let cx = app.desk.cx(at(1), true);
    let key = app.screens.top().subjects(&cx)[0];
    let step = plan(&app.desk.model, key, &Intent::DELETE)
        .unwrap()
        .remove(0);
    let connection = app.connection;
    let outcome = Box::new(Outcome::new(step, ended));
    app.receive(
        Message::Written {
            connection,
            outcome,
        },
        at(2),
    );
}

#[test]
fn the_row_says_what_is_under_way_until_it_is_seen() {
    let mut app = app(Settings::default(), false);
    let delete = |app: &mut App| {
        draw(app);
        app.act(Action::Delete, at(1));
        app.act(Action::Right, at(1));
        app.act(Action::Open, at(1));
        assert_eq!(writes(app).len(), 1);
    };
    delete(&mut app);
    assert!(draw(&mut app).contains("⌫ deleting"), "{}", draw(&mut app));
    end(&mut app, Ended::Done);
    assert!(said(&app).contains("deleted job/"), "{}", said(&app));
    assert!(draw(&mut app).contains("⌫ deleting"));
    // not seen: said, and the row tells the truth again
    assert_eq!(app.desk.session.pending.wake(), Some(at(32)));
    app.tick(at(32));
    assert!(said(&app).contains("it is not seen yet"), "{}", said(&app));
    assert!(!draw(&mut app).contains("⌫ deleting"));
    // seen
    delete(&mut app);
    end(&mut app, Ended::Done);
    let key = app.screens.top().subjects(&app.desk.cx(at(1), true))[0];
    rows(&mut app, Rows::Jobs(Change::Gone(vec![key.uid])));
    assert!(app.desk.session.pending.is_empty());
    // refused: stays visible in the messages
    delete(&mut app);
    let refusal = crate::actions::Refusal::new("forbidden: needs delete jobs.batch");
    end(&mut app, Ended::Not(Cause::Forbidden, refusal));
    assert!(app.desk.session.pending.is_empty());
    let last = app.desk.notices.all().last().unwrap();
    assert_eq!(last.level, Level::Error);
    // and from then on the key is grey
    let keys = app.screens.top().subjects(&app.desk.cx(at(1), true));
    let denied = app.denied(Action::Delete, &keys);
    assert_eq!(denied.as_deref(), Some("needs delete jobs.batch"));
    app.act(Action::Delete, at(3));
    assert!(app.overlay.is_none());
    assert!(
        said(&app).contains("needs delete jobs.batch"),
        "{}",
        said(&app)
    );
}

#[test]
fn what_may_be_done_is_asked_for_what_is_selected() {
    let mut app = app(Settings::default(), false);
    app.wanted = None;
    let asked: Vec<String> = app
        .take_effects(at(1))
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Wants { wants, .. } => Some(wants),
            _ => None,
        })
        .flatten()
        .filter_map(|want| match want {
            crate::model::want::Want::May(question) => Some(question.words()),
            _ => None,
        })
        .collect();
    assert_eq!(
        asked,
        ["create jobs.batch", "delete jobs.batch", "patch jobs.batch"]
    );
}
