//! The time machine over an app without a cluster: what is shown, what is refused, and the way back.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::*;
use crate::app::fixture::{app, rows};
use crate::app::message::Message;
use crate::cluster::report::Report;
use crate::model::delta::{Change, Delta, Rows, SourceId};
use crate::model::fixture::{at, condition, job};
use crate::model::ids::{ClusterId, Uid};
use crate::settings::Settings;

fn tell(app: &mut App, rows: Rows, seconds: i64) {
    let connection = app.connection;
    let report = Report::Delta(Delta {
        cluster: ClusterId(0),
        source: SourceId(1),
        rows,
    });
    let message = Message::From {
        connection,
        report,
        said: Vec::new(),
        failed: Vec::new(),
    };
    app.receive(message, at(seconds));
}

/// `train` fails after two minutes, `other` is deleted after three, `third` comes after four.
fn an_incident() -> App {
    let mut app = app(Settings::default(), false);
    rows(&mut app, Rows::Jobs(Change::Synced));
    rows(&mut app, Rows::Pods(Change::Synced));
    let mut train = job(1, "train");
    train.conditions = vec![condition("Failed", "BackoffLimitExceeded", 120)];
    tell(&mut app, Rows::Jobs(Change::Rows(vec![train])), 120);
    tell(&mut app, Rows::Jobs(Change::Gone(vec![Uid(2)])), 180);
    tell(
        &mut app,
        Rows::Jobs(Change::Rows(vec![job(3, "third")])),
        240,
    );
    app
}

fn frame(app: &mut App, (width, height): (u16, u16), seconds: i64) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    app.paint(area, &mut buf, at(seconds));
    let lines = buf.content.chunks(width.into());
    let line =
        |cells: &[ratatui::buffer::Cell]| cells.iter().map(|c| c.symbol()).collect::<String>();
    lines
        .map(|cells| line(cells).trim_end().to_owned() + "\n")
        .collect()
}

/// Clock times are local: which they are is beside the point.
fn assert_frame(name: &str, text: &str) {
    insta::with_settings!({filters => vec![(r"\d\d:\d\d:\d\d", "HH:MM:SS")]}, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn the_slider_at_two_sizes() {
    let mut app = an_incident();
    app.act(Action::TimeMachine, at(600));
    for _ in 0..7 {
        app.act(Action::PastMinuteBack, at(600));
    }
    assert_frame("machine-80x24", &frame(&mut app, (80, 24), 600));
    assert_frame("machine-160x30", &frame(&mut app, (160, 30), 600));
}

#[test]
fn the_past_is_shown_nothing_is_changed_there_and_now_goes_on() {
    let mut app = an_incident();
    let names = |app: &App| {
        let mut all: Vec<_> = app
            .desk
            .model
            .jobs
            .rows()
            .map(|job| job.name.to_string())
            .collect();
        all.sort();
        all
    };
    assert_eq!(names(&app), ["third", "train"]);
    app.act(Action::TimeMachine, at(300));
    assert!(app.in_the_past() && app.desk.session.read_only);
    assert_eq!(names(&app), ["third", "train"], "ten seconds ago");
    // back from change to change
    app.act(Action::PastPrevious, at(300));
    app.act(Action::PastPrevious, at(300));
    assert_eq!(app.desk.time(at(301)), at(180));
    app.act(Action::PastSecondBack, at(301));
    assert_eq!(names(&app), ["other", "train"]);
    assert!(frame(&mut app, (120, 30), 301).contains("other"));
    app.act(Action::Delete, at(302));
    let said = app
        .desk
        .notices
        .all()
        .last()
        .map(|n| n.text.clone())
        .unwrap_or_default();
    assert!(said.contains("nothing can be changed there"), "{said}");
    assert!(
        app.take_effects(at(302))
            .iter()
            .all(|e| !matches!(e, Effect::Write { .. }))
    );
    // meanwhile something comes: it is there on the way back, not before
    tell(
        &mut app,
        Rows::Jobs(Change::Rows(vec![job(4, "fourth")])),
        310,
    );
    assert_eq!(names(&app), ["other", "train"]);
    app.act(Action::Back, at(320));
    assert!(!app.in_the_past() && !app.desk.session.read_only);
    assert_eq!(names(&app), ["fourth", "third", "train"]);
    let shown = frame(&mut app, (120, 30), 320);
    assert!(
        shown.contains("fourth") && !shown.contains("other"),
        "{shown}"
    );
}

#[test]
fn playing_leads_back_to_now() {
    let mut app = an_incident();
    app.act(Action::TimeMachine, at(600));
    app.act(Action::PastFaster, at(600));
    app.act(Action::PastPause, at(600));
    assert!(app.wake(at(600)).is_some_and(|wake| wake <= at(601)));
    app.tick(at(605));
    assert!(app.in_the_past());
    app.tick(at(640));
    assert!(!app.in_the_past());
}

#[test]
fn without_a_past_it_is_said_why() {
    let mut fresh = app(Settings::default(), false);
    fresh.act(Action::TimeMachine, at(5));
    let said = |app: &App| {
        app.desk
            .notices
            .all()
            .last()
            .map(|n| n.text.clone())
            .unwrap_or_default()
    };
    assert!(said(&fresh).contains("no past yet"));
    let mut settings = Settings::default();
    settings.time_machine.memory_mib = 0;
    let mut off = app(settings, false);
    off.act(Action::TimeMachine, at(5));
    assert!(said(&off).contains("[time-machine]"));
    assert!(!off.in_the_past() && !fresh.in_the_past());
}
