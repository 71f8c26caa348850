use super::*;
use crate::model::Model;
use crate::model::extra::Columns;
use crate::panes::jobs::Jobs;
use crate::panes::{Session, fixture};

fn picks(all: &[&str]) -> Chosen {
    let all = all.iter();
    all.map(|text| Pick::parse(List::Jobs, text).unwrap())
        .collect()
}

/// The chooser over jobs that show these; none: the usual ones.
fn opened<T>(
    shown: Option<&[&str]>,
    settings: Option<&[&str]>,
    f: impl FnOnce(&mut Chooser, &Cx) -> T,
) -> T {
    let mut columns = Columns::default();
    columns.put(List::Jobs, shown.map(picks));
    let session = Session {
        columns,
        ..fixture::session()
    };
    fixture::with(&fixture::model(), &session, |cx| {
        let mut jobs = Jobs::default();
        fixture::shot(&mut jobs, cx, 160, 44);
        let usual = jobs.usual(cx);
        f(
            &mut Chooser::new(List::Jobs, &usual, settings.map(picks), cx),
            cx,
        )
    })
}

fn written(chooser: &Chooser) -> String {
    let picks = chooser.picks();
    let words: Vec<&str> = picks.iter().map(Pick::text).collect();
    words.join(" ")
}

fn at(chooser: &mut Chooser, name: &str) {
    let found = chooser
        .offers
        .iter()
        .position(|offer| offer.pick.text() == name);
    chooser.go(found.expect(name));
}

/// Moves to a column and does this to it.
fn with(chooser: &mut Chooser, cx: &Cx, name: &str, actions: &[Action]) -> String {
    at(chooser, name);
    for action in actions {
        assert_eq!(chooser.act(*action, cx), Reply::Done);
    }
    written(chooser)
}

#[test]
fn at_two_sizes() {
    let shown = ["*", "label:team", "annotation:example.com/cost"];
    opened(Some(&shown), None, |chooser, cx| {
        with(chooser, cx, "retries", &[Action::Mark, Action::Down]);
        for (width, height) in [(80, 24), (160, 44)] {
            let shot = fixture::shot(chooser, cx, width, height);
            insta::assert_snapshot!(format!("columns_{width}x{height}"), shot);
        }
    });
}

#[test]
fn nothing_changed_is_nothing_done() {
    opened(None, None, |chooser, cx| {
        assert_eq!(written(chooser), "*");
        assert_eq!(chooser.act(Action::Open, cx), Reply::Run(Command::Close));
        with(chooser, cx, "name", &[Action::Mark, Action::Mark]);
        assert_eq!(chooser.act(Action::Open, cx), Reply::Run(Command::Close));
        assert_eq!(
            chooser.act(Action::Back, cx),
            Reply::Ignored,
            "the app closes it"
        );
    });
}

#[test]
fn usual_ones_stay_a_star_until_one_of_them_is_hidden() {
    opened(None, None, |chooser, cx| {
        assert_eq!(with(chooser, cx, "image", &[Action::Mark]), "* image");
        // one that is not shown is moved past
        assert_eq!(
            with(chooser, cx, "image", &[Action::ColumnUp]),
            "* image why"
        );
        with(chooser, cx, "image", &[Action::ColumnDown]);
        assert_eq!(
            with(chooser, cx, "age", &[Action::ColumnUp; 20]),
            "age * image"
        );
        let hidden = with(chooser, cx, "retries", &[Action::Mark]);
        assert!(
            hidden.starts_with("age state name") && !hidden.contains("retries"),
            "{hidden}"
        );
        let Reply::Run(Command::Columns(List::Jobs, Some(chosen))) = chooser.act(Action::Open, cx)
        else {
            panic!("not applied");
        };
        assert_eq!(chosen[0], Pick::Named("age"));
    });
}

#[test]
fn r_is_back_to_those_of_the_settings() {
    let settings = ["name", "label:team", "age"];
    opened(
        Some(&["state", "annotation:example.com/cost"]),
        Some(&settings),
        |chooser, cx| {
            assert_eq!(written(chooser), "state annotation:example.com/cost");
            chooser.act(Action::UsualColumns, cx);
            assert_eq!(written(chooser), "name label:team age");
            // what was shown is still there to be marked
            at(chooser, "annotation:example.com/cost");
            let back = Reply::Run(Command::Columns(List::Jobs, None));
            assert_eq!(chooser.act(Action::Open, cx), back);
            with(chooser, cx, "age", &[Action::Mark]);
            let chosen = Command::Columns(List::Jobs, Some(picks(&settings[..2])));
            assert_eq!(chooser.act(Action::Open, cx), Reply::Run(chosen));
        },
    );
}

#[test]
fn no_column_at_all_is_refused_and_titles_are_kept() {
    let titled = Pick::Own(
        Extra::parse("label:team")
            .unwrap()
            .titled("Who")
            .wide(Some(9)),
    );
    let mut columns = Columns::default();
    columns.put(
        List::Jobs,
        Some([titled.clone(), Pick::Named("name")].into()),
    );
    let session = Session {
        columns,
        ..fixture::session()
    };
    fixture::with(&Model::default(), &session, |cx| {
        let mut chooser = Chooser::new(List::Jobs, &[], None, cx);
        with(&mut chooser, cx, "name", &[Action::Mark]);
        let chosen = Command::Columns(List::Jobs, Some([titled].into()));
        assert_eq!(chooser.act(Action::Open, cx), Reply::Run(chosen));
        with(&mut chooser, cx, "label:team", &[Action::Mark]);
        let Reply::Say(Level::Warning, why) = chooser.act(Action::Open, cx) else {
            panic!("taken");
        };
        assert!(why.contains("jobs need a column"), "{why}");
    });
}

#[test]
fn the_key_that_opened_it_types_what_is_marked() {
    opened(None, None, |chooser, cx| {
        with(chooser, cx, "image", &[Action::Mark]);
        let typed = Command::Type("columns * image ".into());
        assert_eq!(chooser.act(Action::Columns, cx), Reply::Run(typed));
    });
}

#[test]
fn a_click_on_a_mark_turns_it_and_one_beside_it_selects() {
    opened(None, None, |chooser, cx| {
        fixture::shot(chooser, cx, 80, 24);
        let press = |x, row: u16, chooser: &Chooser| MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: chooser.body.x + x,
            row: chooser.body.y + row,
            modifiers: crossterm::event::KeyModifiers::NONE,
        };
        let event = press(20, 2, chooser);
        assert_eq!(chooser.mouse(event, Rect::default(), cx), Reply::Done);
        assert!(chooser.at == 2 && chooser.offers[2].shown);
        let event = press(2, 3, chooser);
        assert_eq!(chooser.mouse(event, Rect::default(), cx), Reply::Done);
        assert!(chooser.at == 3 && !chooser.offers[3].shown);
    });
}
