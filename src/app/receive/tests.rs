//! What the settings say of one context holds as long as it is on screen.

use super::*;
use crate::app::fixture::{answer, app};
use crate::settings::{ContextSettings, Settings};

/// Another context answers.
fn go(app: &mut App, context: &str) {
    app.connect(&[context.to_owned()]);
    answer(app, context);
}

fn of_east(own: ContextSettings) -> Settings {
    Settings {
        contexts: [("east".into(), own)].into(),
        ..Settings::default()
    }
}

fn theme(app: &App) -> &str {
    app.desk.look.theme.name()
}

#[test]
fn each_context_has_its_theme_and_one_that_was_chosen_stays_else() {
    let settings = of_east(ContextSettings {
        theme: Some("high-contrast".into()),
        ..ContextSettings::default()
    });
    let mut app = app(settings, false);
    assert_eq!(theme(&app), "jobdeck-dark");
    go(&mut app, "east");
    assert_eq!(theme(&app), "high-contrast");
    go(&mut app, "west");
    assert_eq!(theme(&app), "jobdeck-dark");
    app.desk.look.use_theme("nord").unwrap();
    go(&mut app, "prod");
    assert_eq!(theme(&app), "nord", "nothing else is wanted there");
    // a flag holds everywhere
    app.theme_wanted = None;
    go(&mut app, "east");
    assert_eq!(theme(&app), "nord");
}

#[test]
fn a_theme_that_is_not_there_is_told_and_changes_nothing() {
    let settings = of_east(ContextSettings {
        theme: Some("nowhere".into()),
        ..ContextSettings::default()
    });
    let mut app = app(settings, false);
    go(&mut app, "east");
    assert_eq!(theme(&app), "jobdeck-dark");
    let notices = app.desk.notices.all();
    assert!(notices.iter().any(|n| n.text.contains("nowhere")));
}

#[test]
fn exporters_are_asked_and_nothing_is_written_as_the_context_says() {
    let settings = of_east(ContextSettings {
        gpu_use: Some(true),
        read_only: Some(true),
        ..ContextSettings::default()
    });
    let mut app = app(settings, false);
    let session = |app: &App| (app.desk.session.gpu_use.on, app.desk.session.read_only);
    assert_eq!(session(&app), (false, false));
    go(&mut app, "east");
    assert_eq!(session(&app), (true, true));
    go(&mut app, "west");
    assert_eq!(session(&app), (false, false));
}
