//! The mouse in the whole app: events in, frames and state out.

use crossterm::event::{Event, KeyModifiers};
use ratatui::buffer::Buffer;

use super::*;
use crate::app::fixture;
use crate::model::fixture::at;
use crate::settings::Settings;

const SIZE: (u16, u16) = (160, 30);

fn app() -> App {
    let settings = Settings {
        tips: false,
        ..Settings::default()
    };
    let mut app = fixture::app(settings, false);
    picture(&mut app);
    app
}

fn picture(app: &mut App) -> String {
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let mut buf = Buffer::empty(area);
    app.paint(area, &mut buf, at(1));
    let rows = buf.content.chunks(usize::from(SIZE.0));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n")
        .collect()
}

fn send(app: &mut App, kind: MouseEventKind, place: (u16, u16), ms: i64) -> String {
    let event = Event::Mouse(MouseEvent {
        kind,
        column: place.0,
        row: place.1,
        modifiers: KeyModifiers::NONE,
    });
    app.input(&event, at(1) + TimeDelta::milliseconds(ms));
    picture(app)
}

const DOWN: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
const UP: MouseEventKind = MouseEventKind::Up(MouseButton::Left);
const DRAG: MouseEventKind = MouseEventKind::Drag(MouseButton::Left);

/// Where a text is on the screen: column of its first sign, row.
fn find(seen: &str, text: &str) -> (u16, u16) {
    for (row, line) in seen.lines().enumerate() {
        if let Some(at) = line.find(text) {
            return (line[..at].chars().count() as u16, row as u16);
        }
    }
    panic!("no {text}:\n{seen}");
}

fn click(app: &mut App, text: &str) -> String {
    let place = find(&picture(app), text);
    send(app, DOWN, place, 0);
    send(app, UP, place, 10)
}

#[test]
fn a_click_selects_and_only_a_double_click_opens() {
    let mut app = app();
    let seen = picture(&mut app);
    let place = find(&seen, "train ");
    let seen = send(&mut app, DOWN, place, 0);
    assert!(
        seen.lines()
            .nth(usize::from(place.1))
            .unwrap()
            .starts_with('▌'),
        "{seen}"
    );
    // slow
    let seen = send(&mut app, DOWN, place, 900);
    assert!(!seen.contains("▸ job/train"), "{seen}");
    let seen = send(&mut app, DOWN, place, 1100);
    assert!(seen.contains("▸ job/train"), "{seen}");
}

#[test]
fn headings_sort_and_the_wheel_scrolls_what_is_below_it() {
    let mut app = app();
    let seen = click(&mut app, "NAME");
    assert!(seen.contains("NAME▴") || seen.contains("NAME▾"), "{seen}");
    let before = find(&seen, "▌");
    let place = find(&seen, "other ");
    let seen = send(&mut app, MouseEventKind::ScrollDown, place, 0);
    assert!(seen.contains('▌'), "{before:?} {seen}");
    // over help, which knows only keys
    app.act(Action::Help, at(1));
    let first = picture(&mut app);
    let seen = send(&mut app, MouseEventKind::ScrollDown, (80, 15), 0);
    assert_ne!(seen, first);
}

#[test]
fn tabs_keys_in_sight_and_the_path_do_what_they_say() {
    let mut app = app();
    let seen = click(&mut app, "Nodes");
    assert!(seen.contains("nodes: loading"), "{seen}");
    click(&mut app, "Jobs");
    // the footer
    let seen = click(&mut app, "open");
    assert!(seen.contains("▸ job/"), "{seen}");
    // the path: back to the list, then another namespace, then another context
    let seen = click(&mut app, "all namespaces");
    assert!(seen.contains("namespace"), "{seen}");
    app.act(Action::Back, at(1));
    app.close_overlay();
    let seen = click(&mut app, "prod");
    assert!(seen.contains("context"), "{seen}");
    app.close_overlay();
    picture(&mut app);
    // beside the tabs
    let seen = click(&mut app, "filter");
    assert!(app.prompt.is_some(), "{seen}");
}

#[test]
fn a_screen_of_the_path_is_gone_back_to() {
    let mut app = app();
    app.act(Action::Open, at(1));
    app.act(Action::Logs, at(1));
    let seen = picture(&mut app);
    let (_, row) = find(&seen, "▸ job/");
    let job = seen.lines().nth(usize::from(row)).unwrap();
    let job = job.split('▸').nth(2).unwrap().trim().to_owned();
    assert_eq!(app.screens.path().count(), 3);
    click(&mut app, &job);
    assert_eq!(app.screens.path().count(), 2);
}

#[test]
fn the_line_between_two_panes_is_drawn_to_and_fro_and_keys_do_the_same() {
    let mut app = app();
    picture(&mut app);
    let (_, column) = app.screens.top().border().expect("two panes");
    send(&mut app, DOWN, (column, 10), 0);
    send(&mut app, DRAG, (column - 20, 10), 50);
    send(&mut app, UP, (column - 20, 10), 90);
    let (_, there) = app.screens.top().border().unwrap();
    assert!(there.abs_diff(column - 20) <= 1, "{column} {there}");
    // not held any more
    send(&mut app, DRAG, (column, 10), 100);
    assert_eq!(app.screens.top().border().unwrap().1, there);
    app.act(Action::Narrower, at(1));
    picture(&mut app);
    assert!(app.screens.top().border().unwrap().1 > there);
    app.act(Action::Wider, at(1));
    picture(&mut app);
    assert!(app.screens.top().border().unwrap().1.abs_diff(there) <= 1);
    // whatever is asked for, both stay
    for column in [0, SIZE.0 - 1] {
        let (_, line) = app.screens.top().border().unwrap();
        send(&mut app, DOWN, (line, 10), 0);
        send(&mut app, DRAG, (column, 10), 50);
        send(&mut app, UP, (column, 10), 90);
        let (_, line) = app.screens.top().border().unwrap();
        assert!((20..SIZE.0 - 20).contains(&line), "{line}");
    }
}
