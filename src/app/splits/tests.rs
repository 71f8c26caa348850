//! Splits in the whole app: keys and clicks in, frames and effects out.

use chrono::TimeDelta;
use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::*;
use crate::app::fixture;
use crate::app::screens::Tab;
use crate::model::fixture::at;
use crate::settings::Settings;
use crate::ui::Glyphs;

fn app() -> App {
    let settings = Settings {
        tips: false,
        ..Settings::default()
    };
    fixture::app(settings, false)
}

fn picture_at(app: &mut App, size: (u16, u16), now: DateTime<Utc>) -> String {
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buf = Buffer::empty(area);
    app.paint(area, &mut buf, now);
    let rows = buf.content.chunks(usize::from(size.0));
    rows.map(|row| {
        let row: String = row.iter().map(|cell| cell.symbol()).collect();
        row.trim_end().to_owned() + "\n"
    })
    .collect()
}

fn picture(app: &mut App, width: u16, height: u16) -> String {
    picture_at(app, (width, height), at(1))
}

/// Keys as they are typed: `^w` is ctrl-w.
fn press(app: &mut App, keys: &str) {
    let mut control = false;
    for key in keys.chars() {
        if key == '^' {
            control = true;
            continue;
        }
        let modifiers = match std::mem::take(&mut control) {
            true => KeyModifiers::CONTROL,
            false => KeyModifiers::NONE,
        };
        let event = KeyEvent::new(KeyCode::Char(key), modifiers);
        app.input(&Event::Key(event), at(1));
    }
}

fn mouse(app: &mut App, kind: MouseEventKind, (column, row): (u16, u16)) {
    let event = MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    app.input(&Event::Mouse(event), at(1));
}

/// Jobs to the left, GPUs to the right above nodes.
fn three() -> App {
    let mut app = app();
    picture(&mut app, 160, 44);
    press(&mut app, "^wv3");
    picture(&mut app, 160, 44);
    press(&mut app, "^ws5");
    app
}

fn wants(app: &mut App) -> Vec<Vec<Want>> {
    let effects = app.take_effects(at(1));
    let all = effects.into_iter().filter_map(|effect| match effect {
        Effect::Wants { wants, .. } => Some(wants),
        _ => None,
    });
    all.collect()
}

#[test]
fn three_panes_share_the_screen_each_with_its_title_and_the_keys_act_on_one() {
    let mut app = three();
    let seen = picture(&mut app, 160, 44);
    insta::assert_snapshot!("three_160x44", seen);
    assert_eq!(app.screens.tab(), Tab::Nodes);
    assert!(seen.contains("▶ Nodes"), "{seen}");
    press(&mut app, "^wh");
    assert_eq!(app.screens.tab(), Tab::Jobs);
    press(&mut app, "^wl^wk");
    assert_eq!(app.screens.tab(), Tab::Gpus);
    // where nothing is, nothing happens
    press(&mut app, "^wk");
    assert_eq!(app.screens.tab(), Tab::Gpus);
    press(&mut app, "^ww");
    assert_eq!(app.screens.tab(), Tab::Nodes);
    press(&mut app, "^wp^wp");
    assert_eq!(app.screens.tab(), Tab::Jobs);
    press(&mut app, "^wx");
    let swapped = picture(&mut app, 160, 44);
    let title = swapped.lines().nth(2).unwrap();
    assert!(
        title.starts_with("─ GPUs") && title.contains("▶ Jobs"),
        "{title}"
    );
    press(&mut app, "^wx^wc^wc");
    assert!(!app.screens.is_split());
    let seen = picture(&mut app, 160, 44);
    assert!(!seen.contains('▶') && !seen.contains('━'), "{seen}");
    press(&mut app, "^wc");
    assert!(picture(&mut app, 160, 44).contains("this is the only pane"));
}

#[test]
fn what_has_the_keyboard_is_found_without_colour_and_without_unicode() {
    let mut app = three();
    app.desk.look.glyphs = Glyphs::Ascii;
    let seen = picture(&mut app, 160, 44);
    assert!(seen.is_ascii(), "{seen}");
    assert!(seen.contains("> Nodes ===="), "{seen}");
    assert!(seen.contains("- GPUs ----"), "{seen}");
}

#[test]
fn a_begun_sequence_says_how_it_may_go_on() {
    let mut app = app();
    press(&mut app, "^w");
    let seen = picture(&mut app, 160, 44);
    let footer = seen.lines().last().unwrap();
    assert!(footer.contains("ctrl-w …"), "{footer}");
    assert!(
        footer.contains("v split right") && footer.contains("s split down"),
        "{footer}"
    );
}

#[test]
fn one_pane_has_the_whole_screen_where_it_is_zoomed_or_too_small_and_the_others_come_back() {
    let mut app = three();
    let before = picture(&mut app, 160, 44);
    press(&mut app, "z");
    let zoomed = picture(&mut app, 160, 44);
    assert!(zoomed.contains("pane 3 of 3, zoomed"), "{zoomed}");
    assert!(!zoomed.contains("GPUs ─"), "{zoomed}");
    press(&mut app, "z");
    assert_eq!(picture(&mut app, 160, 44), before);
    let small = picture(&mut app, 64, 18);
    assert!(small.contains("pane 3 of 3, no room for all"), "{small}");
    assert_eq!(picture(&mut app, 160, 44), before);
    // a new one ends the zoom
    press(&mut app, "z^wv");
    assert!(!app.screens.is_zoomed());
}

#[test]
fn what_is_hidden_is_read_on() {
    let mut app = app();
    picture(&mut app, 160, 44);
    let alone = wants(&mut app).pop();
    press(&mut app, "^wv6");
    picture(&mut app, 160, 44);
    let both = wants(&mut app).pop().expect("events are wanted as well");
    let events = |wants: &[Want]| {
        use crate::model::want::{Kind, Selector};
        wants.contains(&Want::Watch(Kind::Event, Selector::All))
    };
    assert!(events(&both) && !alone.is_some_and(|alone| events(&alone)));
    press(&mut app, "^whz");
    picture(&mut app, 160, 44);
    let zoomed = app.wanted.clone().unwrap().1;
    assert!(events(&zoomed), "{zoomed:?}");
    press(&mut app, "z^wl^wc");
    picture(&mut app, 160, 44);
    assert!(!events(&wants(&mut app).pop().unwrap()));
}

#[test]
fn a_pane_beside_follows_the_cursor_once_it_rests_until_it_is_left() {
    let mut app = app();
    picture(&mut app, 160, 44);
    app.act(Action::OpenBeside, at(1));
    let first = picture(&mut app, 160, 44);
    let shown = |seen: &str| {
        let title = seen.lines().nth(2).unwrap().to_owned();
        title
            .split("job/")
            .nth(1)
            .map(|rest| rest.split(' ').next().unwrap().to_owned())
    };
    let one = shown(&first).expect("a job beside the list");
    assert!(
        first.contains("▶ Jobs") && first.contains("follows Jobs"),
        "{first}"
    );
    app.act(Action::Down, at(1));
    app.take_effects(at(1));
    assert_eq!(
        shown(&picture(&mut app, 160, 44)),
        Some(one.clone()),
        "not yet"
    );
    let due = app.screens.rested().expect("it is due");
    let later = at(1) + TimeDelta::milliseconds(260);
    assert!(due <= later);
    app.take_effects(later);
    let other = shown(&picture_at(&mut app, (160, 44), later)).unwrap();
    assert_ne!(other, one);
    // the same again takes the same pane
    app.act(Action::OpenBeside, later);
    assert_eq!(app.screens.number().1, 2);
    // its YAML has one of its own, below
    app.act(Action::YamlBeside, later);
    assert_eq!(app.screens.number().1, 3);
    // whoever goes back in it is not followed any more
    press(&mut app, "^wl");
    app.act(Action::Back, later);
    app.take_effects(later);
    let seen = picture_at(&mut app, (160, 44), later);
    assert_eq!(shown(&seen), None, "{seen}");
    press(&mut app, "^wh");
    app.act(Action::Up, later);
    app.take_effects(later + TimeDelta::seconds(1));
    assert_eq!(shown(&picture(&mut app, 160, 44)), None);
}

#[test]
fn who_reads_what_another_reads_already_has_it_told_from_the_beginning() {
    let mut app = app();
    picture(&mut app, 160, 44);
    app.act(Action::YamlBeside, at(1));
    picture(&mut app, 160, 44);
    wants(&mut app);
    let object = |wants: &Vec<Want>| wants.iter().any(|w| matches!(w, Want::Object(_)));
    app.act(Action::Yaml, at(1));
    let asked = wants(&mut app);
    let told: Vec<bool> = asked.iter().map(object).collect();
    assert_eq!(told, [false, true], "{asked:?}");
    assert!(wants(&mut app).is_empty(), "once");
}

#[test]
fn the_mouse_focuses_turns_what_it_is_over_and_draws_lines() {
    let mut app = three();
    picture(&mut app, 160, 44);
    let down = MouseEventKind::Down(MouseButton::Left);
    mouse(&mut app, down, (10, 20));
    assert_eq!(app.screens.tab(), Tab::Jobs);
    let cursor = |app: &mut App| {
        let seen = picture(app, 160, 44);
        seen.lines().position(|line| line.starts_with('▌'))
    };
    // over the list, while the keyboard is elsewhere
    press(&mut app, "^wl");
    let tab = app.screens.tab();
    let before = cursor(&mut app);
    app.screens.front_of_mut(0).unwrap();
    mouse(&mut app, MouseEventKind::ScrollDown, (10, 6));
    assert_eq!(app.screens.tab(), tab, "the keyboard stays");
    assert!(before.is_some());
    // a title is a place to click
    mouse(&mut app, down, (100, 2));
    mouse(&mut app, MouseEventKind::Up(MouseButton::Left), (100, 2));
    assert_eq!(app.screens.tab(), Tab::Gpus);
    // the line between them
    let line = app.spots.splits.lines[0].area.x;
    mouse(&mut app, down, (line, 20));
    mouse(
        &mut app,
        MouseEventKind::Drag(MouseButton::Left),
        (line - 20, 20),
    );
    mouse(
        &mut app,
        MouseEventKind::Up(MouseButton::Left),
        (line - 20, 20),
    );
    picture(&mut app, 160, 44);
    assert_eq!(app.spots.splits.lines[0].area.x, line - 20);
    mouse(
        &mut app,
        MouseEventKind::Drag(MouseButton::Left),
        (line, 20),
    );
    picture(&mut app, 160, 44);
    assert_eq!(
        app.spots.splits.lines[0].area.x,
        line - 20,
        "not held any more"
    );
    press(&mut app, "^wh^w>");
    picture(&mut app, 160, 44);
    assert!(app.spots.splits.lines[0].area.x > line - 20);
}

#[test]
fn another_namespace_keeps_the_splits_and_what_follows() {
    let mut app = app();
    picture(&mut app, 160, 44);
    app.act(Action::OpenBeside, at(1));
    app.switch_namespace(Some("default"), at(2));
    assert_eq!(app.screens.number().1, 2);
    picture(&mut app, 160, 44);
    app.take_effects(at(2));
    let seen = picture(&mut app, 160, 44);
    assert!(seen.contains("follows Jobs"), "{seen}");
}
