//! Compact screens: how many rows and bytes they spare, and what stays on them.

use ratatui::backend::CrosstermBackend;

use super::*;
use crate::app::action::Action;
use crate::app::fixture;
use crate::model::delta::{Change, Rows};
use crate::model::fixture::{at, job};
use crate::settings::Settings;

const SIZE: (u16, u16) = (80, 24);

fn app(compact: Compact) -> App {
    let settings = Settings {
        compact,
        tips: false,
        ..Settings::default()
    };
    let mut app = fixture::app(settings, false);
    let jobs = (10..90).map(|n| job(n, &format!("job-{n}"))).collect();
    fixture::rows(&mut app, Rows::Jobs(Change::Rows(jobs)));
    app
}

fn picture(app: &mut App, (width, height): (u16, u16)) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    app.paint(area, &mut buf, at(1));
    let rows = buf.content.chunks(usize::from(width));
    rows.map(|row| {
        let row: String = row.iter().map(|cell| cell.symbol()).collect();
        row.trim_end().to_owned() + "\n"
    })
    .collect()
}

/// Rows of the table that hold a job.
fn data(seen: &str) -> usize {
    seen.lines().filter(|line| line.contains(" job-")).count()
}

#[test]
fn a_small_terminal_shows_more_rows_and_still_says_where_one_is() {
    let mut normal = app(Compact::Never);
    let mut compact = app(Compact::Auto);
    let (before, after) = (picture(&mut normal, SIZE), picture(&mut compact, SIZE));
    insta::assert_snapshot!("normal_80x24", before);
    insta::assert_snapshot!("compact_80x24", after);
    assert_eq!((data(&before), data(&after)), (19, 20));
    let first = after.lines().next().unwrap();
    assert!(
        first.starts_with(" Jobs Queues GPUs") && first.ends_with("prod ▸ all"),
        "{first}"
    );
    // two panes: their titles hold what matters as well
    for app in [&mut normal, &mut compact] {
        app.act(Action::SplitDown, at(1));
    }
    let (before, after) = (picture(&mut normal, SIZE), picture(&mut compact, SIZE));
    assert_eq!((data(&before), data(&after)), (15, 18), "{after}");
    assert!(after.contains("▶ Jobs"), "{after}");
    insta::assert_snapshot!("compact_split_80x24", after);
    // large ones are as they were, until the key says otherwise
    assert!(picture(&mut compact, (120, 40)).starts_with(" jobdeck"));
    compact.act(Action::ToggleCompact, at(1));
    assert!(picture(&mut compact, (120, 40)).starts_with(" Jobs"));
    compact.act(Action::ToggleCompact, at(1));
    assert!(picture(&mut compact, SIZE).starts_with(" jobdeck"));
}

#[test]
fn the_way_and_the_filter_stand_in_place_of_the_tabs() {
    let mut app = app(Compact::Always);
    app.filter("job-1", at(1));
    let seen = picture(&mut app, SIZE);
    assert!(seen.starts_with(" Jobs  /job-1 (esc clears)"), "{seen}");
    app.filter("", at(1));
    app.act(Action::Open, at(1));
    let seen = picture(&mut app, SIZE);
    assert!(seen.starts_with(" Jobs  job/"), "{seen}");
    // parts of the path are clicked as everywhere
    assert_eq!(app.spots.crumbs.len(), 3);
}

#[test]
fn under_a_flood_of_changes_far_fewer_bytes_are_written() {
    let a_second = |compact| {
        let mut app = app(compact);
        let mut out = Vec::new();
        let area = Rect::new(0, 0, SIZE.0, SIZE.1);
        let options = ratatui::TerminalOptions {
            viewport: ratatui::Viewport::Fixed(area),
        };
        let backend = CrosstermBackend::new(&mut out);
        let mut screen = ratatui::Terminal::with_options(backend, options).unwrap();
        let mut frames = 0;
        for n in 0..20 {
            let mut one = job(10 + n, &format!("job-{}", 10 + n));
            one.active = 1;
            fixture::rows(&mut app, Rows::Jobs(Change::Rows(vec![one])));
            screen.draw(|frame| app.draw(frame, at(1))).unwrap();
            frames += 1;
        }
        let pace = app.pace().as_millis() as usize;
        drop(screen);
        out.len() / frames * 1000 / pace
    };
    let (normal, compact) = (a_second(Compact::Never), a_second(Compact::Always));
    println!("bytes a second: {compact} compact, {normal} not");
    assert!(compact > 0 && compact * 4 < normal, "{compact} of {normal}");
}
