//! Layouts by name in the whole app.

use super::*;
use crate::app::fixture;
use crate::model::fixture::at;
use crate::panes::Command;
use crate::settings::Settings;

fn app() -> App {
    let mut app = fixture::app(Settings::default(), false);
    fixture::draw(&mut app);
    app
}

fn shows(app: &App) -> Vec<Show> {
    let layout = app.arranged().unwrap();
    layout.panes().iter().map(|part| part.show).collect()
}

#[test]
fn what_is_taken_up_is_what_is_saved() {
    let mut app = app();
    for (name, layout) in shipped() {
        app.arrange(name, true, at(1));
        app.take_effects(at(1));
        assert_eq!(app.arranged().unwrap().words(), layout.words(), "{name}");
        // the same places: once more through a file
        let again = app.arranged().unwrap();
        app.arrange("one", true, at(1));
        app.take_up(&again, at(1));
        assert_eq!(app.arranged().unwrap(), again, "{name}");
    }
    assert_eq!(shows(&app), [Show::Gpus, Show::Nodes, Show::Jobs]);
}

#[test]
fn a_layout_is_saved_under_a_name_and_the_settings_go_before_it() {
    let mut app = app();
    app.act(Action::SplitRight, at(1));
    app.act(Action::GoGpus, at(1));
    app.take_effects(at(1));
    app.run(Command::SaveLayout("mine".into()), at(1));
    let kept = app.take_ready_effects();
    assert!(
        kept.iter()
            .any(|effect| matches!(effect, Effect::Remember(habits)
            if habits.layouts.contains_key("mine"))),
        "{kept:?}"
    );
    app.run(Command::Layout("one".into()), at(1));
    assert_eq!(shows(&app), [Show::Jobs]);
    app.run(Command::Layout("mine".into()), at(1));
    assert_eq!(shows(&app), [Show::Jobs, Show::Gpus]);
    let offered = &app.desk.session.layouts;
    assert!(
        offered
            .iter()
            .any(|(name, about)| name == "mine" && about == "jobs, gpus (saved)")
    );

    let only = Arranged::new(vec![Part::new(Show::Nodes)]).unwrap();
    app.settings.layouts.insert("mine".into(), only);
    app.run(Command::Layout("mine".into()), at(1));
    assert_eq!(shows(&app), [Show::Nodes]);
    app.run(Command::SaveLayout("mine".into()), at(1));
    assert!(fixture::draw(&mut app).contains("one of the settings file"));
    app.run(Command::SaveLayout("two words".into()), at(1));
    assert!(fixture::draw(&mut app).contains("one word"));
    app.run(Command::Layout("nothing".into()), at(1));
    let seen = fixture::draw(&mut app);
    assert!(
        seen.contains("no layout nothing: there are mine, one"),
        "{seen}"
    );
}

#[test]
fn a_context_is_found_as_it_was_left_if_the_settings_say_so() {
    let settings = Settings {
        layout: "last".into(),
        ..Settings::default()
    };
    let mut app = fixture::app(settings, false);
    fixture::draw(&mut app);
    app.act(Action::SplitDown, at(1));
    app.act(Action::GoQueues, at(1));
    app.act(Action::SplitTaller, at(1));
    let last = app.habits.last_layouts.get("prod").cloned().expect("kept");
    assert_eq!(last.words(), "jobs, queues");
    app.run(Command::Layout("one".into()), at(1));
    app.habits.last_layouts.insert("prod".into(), last);
    app.arrange_first(at(1));
    assert_eq!(shows(&app), [Show::Jobs, Show::Queues]);
    // a flag goes before it, once
    app.layout_wanted = Some("training".into());
    app.arrange_first(at(1));
    assert_eq!(shows(&app), [Show::Jobs, Show::Logs]);
}

#[test]
fn a_filter_that_is_none_is_said_with_its_pane() {
    let mut app = app();
    let odd = Part {
        filter: "gpu>many".into(),
        ..Part::new(Show::Jobs)
    };
    let layout = Arranged::new(vec![odd]).unwrap();
    app.take_up(&layout, at(1));
    assert!(fixture::draw(&mut app).contains("pane 1 of the layout: gpu>many"));
}

#[test]
fn the_order_of_a_list_is_saved_and_taken_up_again() {
    let mut app = app();
    let plain = app.arranged().unwrap();
    assert_eq!(plain.panes()[0].sort, "", "as it is anyway");
    app.act(Action::SplitRight, at(1));
    app.act(Action::GoPods, at(1));
    fixture::draw(&mut app);
    let cx = app.desk.cx(at(1), true);
    app.screens.top_mut().set_order("-restarts", &cx);
    app.run(Command::SaveLayout("mine".into()), at(1));
    let saved = app.habits.layouts["mine"].clone();
    let sorts: Vec<&str> = saved.panes().iter().map(|part| &*part.sort).collect();
    assert_eq!(sorts, ["", "-restarts"]);
    // once more through a file
    let text = serde_json::to_string(&saved).unwrap();
    app.habits
        .layouts
        .insert("mine".into(), serde_json::from_str(&text).unwrap());
    app.run(Command::Layout("one".into()), at(1));
    app.run(Command::Layout("mine".into()), at(1));
    assert_eq!(app.arranged().unwrap(), saved);

    let odd = Part {
        sort: "label:team".into(),
        ..Part::new(Show::Jobs)
    };
    app.take_up(&Arranged::new(vec![odd]).unwrap(), at(2));
    let seen = fixture::draw(&mut app);
    assert!(
        seen.contains("pane 1 of the layout: no column label:team is shown"),
        "{seen}"
    );
}
