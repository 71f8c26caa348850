//! The log pipeline as data: tables for what a terminal would show, laws for order, bounds and counts.

mod folding;
mod pipeline;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rstest::rstest;

use super::frames::{Frame, unwelcome};
use super::*;
use crate::model::log::LogLine;

fn at(seconds: i64) -> Option<DateTime<Utc>> {
    Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds))
}

fn line(at: Option<DateTime<Utc>>, bytes: impl AsRef<[u8]>) -> LogLine {
    LogLine {
        at,
        bytes: bytes.as_ref().into(),
        goes_on: at.is_none(),
    }
}

fn texts(buffer: &LogBuffer) -> Vec<String> {
    buffer.shown().map(|l| l.text().to_owned()).collect()
}

fn buffer(streams: usize) -> LogBuffer {
    let mut buffer = LogBuffer::new(LogBuffer::LIMIT);
    for _ in 0..streams {
        buffer.add_stream();
    }
    buffer
}

#[rstest]
#[case(b"plain", "plain")]
#[case(b" 10%\r 20%\r 30%", " 30%")]
#[case(b"\r 10%\r 20%\r", " 20%")]
#[case(b"\r\r", "")]
#[case(b"carriage return line feed\r", "carriage return line feed")]
#[case(b"1/8 loss\x08\x08\x08\x08\x08\x08\x08\x08\r8/8", "8/8 loss")]
#[case(b"loss 0.3125\rloss 0.31", "loss 0.3125")]
#[case(b"epoch 10 of 10\rdone", "doneh 10 of 10")]
#[case(b"100% done\r         \rnext", "next")]
#[case(b"|\x08/\x08-\x08", "-")]
#[case(b"a\tb\t\tc", "a       b               c")]
#[case(b"a\0b\x07c\x7f", "abc")]
#[case(b"bad \xff\xfe utf", "bad \u{fffd}\u{fffd} utf")]
#[case(b"cut \xe6\x97", "cut ")]
#[case(b"cut \xe6\x97\tand on", "cut \u{fffd}   and on")]
#[case(b"\x1b[31mred\x1b[0m \x1b[1Aup", "red up")]
#[case(b"loss 0.5 \x1b[2K\x1b[1Aup", "         up")]
#[case(b"long text\r\x1b[Kshort", "short")]
#[case(b"long text\x1b[2K\rshort", "short")]
#[case(b"keep this not that\x1b[9D\x1b[K", "keep this")]
#[case(b"100% done\r         \r", "100% done")]
#[case(b"100% done\x1b[2K\r", "100% done")]
#[case(b"abc\x08\x08X", "aXc")]
#[case(b"abc\x1b[2GX\x1b[6GY", "aXc  Y")]
#[case(b"a\x1b[2Cb\x1b[?1049h\x1b[?25lc\x1b[>4;1m\x1b[5n", "a  bc")]
#[case(b"\x1bPq#0;1;0\x1b\\x\x1b_app\x1b\\y\x1b^pm\x07z", "xyz")]
#[case(b"one\x1b[H\x1b[2J\x1b[3Jtwo", "onetwo")]
#[case(b"\x1b]52;c;aGVsbG8=\x07clip", "clip")]
#[case(b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink")]
#[case(b"\x1b(B\x1b=done", "done")]
#[case(b"\x1b]never ends", "never ends")]
#[case(b"\x1b[12\xe6\x97\xa5", "日")]
#[case("a\u{202e}b\u{9b}31mc\u{200b}".as_bytes(), "ab31mc")]
fn what_is_left_on_the_line(#[case] bytes: &[u8], #[case] want: &str) {
    let mut buffer = buffer(1);
    buffer.push(0, &[line(at(1), bytes)]);
    assert_eq!(texts(&buffer), [want]);
}

#[test]
fn colours_are_kept_with_their_place() {
    let mut buffer = buffer(1);
    let text = "a\x1b[1;31mred\x1b[38;5;208mo\x1b[48:2:1:2:3mb\x1b[0mz\x1b[97m\x1b[mend";
    buffer.push(0, &[line(at(1), text)]);
    let line = buffer.shown().next().unwrap();
    assert_eq!(line.text(), "aredobzend");
    let runs: Vec<_> = line
        .runs()
        .iter()
        .map(|run| (run.start, run.sgr.fg, run.sgr.bg, run.sgr.marks))
        .collect();
    assert_eq!(
        runs,
        [
            (1, Hue::Ansi(1), Hue::Default, Sgr::BOLD),
            (4, Hue::Indexed(208), Hue::Default, Sgr::BOLD),
            (5, Hue::Indexed(208), Hue::Rgb(1, 2, 3), Sgr::BOLD),
            (6, Hue::Default, Hue::Default, 0),
        ]
    );
}

#[test]
fn a_rewritten_line_loses_the_colours_of_the_frame_before() {
    let mut buffer = buffer(1);
    buffer.push(0, &[line(at(1), "\x1b[31mone\x1b[0m\rtwo")]);
    let line = buffer.shown().next().unwrap();
    assert_eq!((line.text(), line.runs().len()), ("two", 0));
}

#[test]
fn pieces_without_a_timestamp_go_on_in_the_same_line() {
    let mut buffer = buffer(2);
    buffer.push(0, &[line(at(1), " 10%\r 20%\r")]);
    buffer.push(1, &[line(at(2), "other")]);
    buffer.push(0, &[line(None, " 30%\r"), line(None, b" 40% \xe2\x96")]);
    assert_eq!(texts(&buffer), [" 40% ", "other"]);
    buffer.push(0, &[line(None, b"\x88")]);
    assert_eq!(texts(&buffer), [" 40% █", "other"]);
    assert_eq!(buffer.counts().lines, 2);
    assert_eq!(buffer.stream(0).unwrap().lines, 1);
    buffer.push(0, &[line(at(3), "next\r"), line(at(4), "last\r")]);
    assert_eq!(texts(&buffer), [" 40% █", "other", "next", "last"]);
}

#[test]
fn a_far_move_takes_little_memory() {
    let mut buffer = buffer(1);
    buffer.push(0, &[line(at(1), "a\x1b[999999999Cb")]);
    assert!(texts(&buffer)[0].len() < 2_000);
}

#[test]
fn an_escape_cut_by_the_runtime_is_one_all_the_same() {
    let mut buffer = buffer(1);
    buffer.push(
        0,
        &[line(at(1), "\x1b[3"), line(None, "1mred\x1b]8;;http://x")],
    );
    buffer.push(0, &[line(None, "\x1b\\link"), line(None, "\x1b[0m")]);
    assert_eq!(texts(&buffer), ["redlink"]);
    assert_eq!(
        buffer.shown().next().unwrap().runs()[0].sgr.fg,
        Hue::Ansi(1)
    );
}

#[test]
fn nested_bars_update_their_own_rows_and_leave_their_last_frames() {
    let mut buffer = buffer(1);
    let mut n = 0;
    let mut push = |bytes: &str| {
        n += 1;
        buffer.push(0, &[line(at(n), bytes)]);
        texts(&buffer)
    };
    push("start");
    push("\router: 0/2");
    assert_eq!(
        push("\rinner: 0/3\x1b[A"),
        ["start", "outer: 0/2", "inner: 0/3"]
    );
    assert_eq!(
        push("\rinner: 2/3\x1b[A"),
        ["start", "outer: 0/2", "inner: 2/3"]
    );
    assert_eq!(
        push("\r          \x1b[A\router: 1/2"),
        ["start", "outer: 1/2", "inner: 2/3"]
    );
    push("\rinner: 3/3\x1b[A");
    push("\r          \x1b[A\router: 2/2");
    assert_eq!(push("done"), ["start", "outer: 2/2", "done"]);
    assert_eq!(push("and on"), ["start", "outer: 2/2", "done", "and on"]);
}

#[test]
fn a_live_display_of_several_rows_is_drawn_over_itself() {
    let mut buffer = buffer(1);
    for step in 1..=3 {
        let up = if step > 1 { "\x1b[2A" } else { "" };
        buffer.push(
            0,
            &[
                line(at(step * 2), format!("{up}\x1b[2Kgpu0 {step}")),
                line(at(step * 2 + 1), format!("\x1b[2Kgpu1 {step}")),
            ],
        );
    }
    buffer.push(0, &[line(at(9), "end")]);
    assert_eq!(texts(&buffer), ["gpu0 3", "gpu1 3", "end"]);
}

#[test]
fn lines_that_rewrote_others_are_known_again() {
    let mut buffer = buffer(1);
    let told = [
        line(at(1), "\router: 0/2"),
        line(at(2), "\rinner: 0/3\x1b[A"),
        line(at(3), "\rinner: 1/3\x1b[A"),
        line(at(4), "\rinner: 2/3"),
        line(at(5), "done"),
    ];
    buffer.push(0, &told);
    buffer.push(0, &told[2..]);
    buffer.push(0, &[line(at(6), "next")]);
    assert_eq!(texts(&buffer), ["outer: 0/2", "inner: 2/3", "done", "next"]);
    assert_eq!(buffer.counts().repeated, 3);
}

#[test]
fn a_line_of_a_megabyte_is_all_there() {
    let mut buffer = buffer(1);
    let long: String = (0..1_000_000u32)
        .map(|n| char::from(b'a' + (n % 26) as u8))
        .collect();
    buffer.push(0, &[line(at(1), &long), line(at(2), "short")]);
    let all = texts(&buffer);
    assert_eq!(all[..all.len() - 1].concat(), long);
    assert!(all.len() > 2 && all.iter().all(|t| t.len() < 2 * buffer::MAX_LINE));
    assert_eq!(all.last().unwrap(), "short");
    assert_eq!(buffer.stream(0).unwrap().lines, 2);
}

#[test]
fn streams_merge_by_time_and_keep_their_own_order() {
    let mut buffer = buffer(3);
    buffer.push(
        0,
        &[line(at(1), "a1"), line(at(5), "a5"), line(at(9), "a9")],
    );
    // A clock that jumped back: order within the stream holds.
    buffer.push(
        1,
        &[line(at(4), "b4"), line(at(2), "b2"), line(at(6), "b6")],
    );
    buffer.push(2, &[line(at(0), "c0"), line(at(5), "c5")]);
    assert_eq!(
        texts(&buffer),
        ["c0", "a1", "b4", "b2", "a5", "c5", "b6", "a9"]
    );
}

#[test]
fn notes_stand_among_the_lines_once() {
    let mut buffer = buffer(2);
    buffer.note(0, false, "waiting to start: ContainerCreating");
    buffer.note(0, false, "waiting to start: ContainerCreating");
    buffer.push(0, &[line(at(1), "hello")]);
    buffer.push(1, &[line(at(3), "later")]);
    buffer.note(0, true, "container restarted");
    buffer.push(0, &[line(at(2), "again")]);
    let all: Vec<_> = buffer.shown().map(|l| (l.text(), l.kind())).collect();
    assert_eq!(
        all,
        [
            ("waiting to start: ContainerCreating", LineKind::Note),
            ("hello", LineKind::Text),
            ("container restarted", LineKind::Alarm),
            ("again", LineKind::Text),
            ("later", LineKind::Text),
        ]
    );
}

#[test]
fn the_bound_is_in_bytes_and_says_what_it_cost() {
    let mut buffer = LogBuffer::new(100_000);
    buffer.add_stream();
    for n in 0..5_000 {
        buffer.push(0, &[line(at(n), format!("line {n} of a long run"))]);
        assert!(buffer.counts().bytes <= 100_000);
    }
    let counts = buffer.counts();
    assert_eq!(counts.lines as u64 + counts.trimmed, 5_000);
    assert!(counts.lines > 500);
    assert_eq!(texts(&buffer).last().unwrap(), "line 4999 of a long run");
}

#[test]
fn filter_and_search_see_old_and_new_lines() {
    let mut buffer = buffer(1);
    let lines: Vec<_> = (0..5_000)
        .map(|n| line(at(n), format!("step {n} loss {}", n % 7)))
        .collect();
    buffer.push(0, &lines);
    buffer.set_filter(LogFilter::parse("\"loss 3\"").ok());
    assert_eq!(buffer.counts().shown, 0);
    // Bounded work, newest first.
    assert!(buffer.work(1));
    let some = buffer.counts().shown;
    assert!(some > 0 && some < 714);
    assert_eq!(
        buffer
            .get(buffer.last(Lens::VISIBLE).unwrap())
            .unwrap()
            .text(),
        "step 4994 loss 3"
    );
    while buffer.work(10_000) {}
    assert_eq!(buffer.counts().shown, 714);
    buffer.push(
        0,
        &[line(at(6_000), "new loss 3"), line(at(6_001), "new loss 4")],
    );
    assert_eq!(buffer.counts().shown, 715);

    buffer.set_search(Pattern::search("STEP 1[0-9] ".to_lowercase().as_str()));
    while buffer.work(10_000) {}
    // 10 and 17 have loss 3.
    assert_eq!(buffer.counts().hits, 2);
    let text = |found: Option<(Cursor, usize)>| {
        let (cursor, number) = found.unwrap();
        (buffer.get(cursor).unwrap().text().to_owned(), number)
    };
    assert_eq!(text(buffer.find(None, false)), ("step 17 loss 3".into(), 2));
    let last = buffer.get(buffer.find(None, false).unwrap().0).unwrap();
    let last = last.anchor();
    assert_eq!(
        text(buffer.find(Some(last), false)),
        ("step 10 loss 3".into(), 1)
    );
    assert_eq!(
        text(buffer.find(Some(last), true)),
        ("step 10 loss 3".into(), 1)
    );
    assert_eq!(buffer.hit_number(last), Some(2));

    buffer.set_filter(LogFilter::parse("!loss").ok());
    while buffer.work(10_000) {}
    assert_eq!(buffer.counts().shown, 0);
    buffer.set_filter(None);
    while buffer.work(1 << 20) {}
    assert_eq!(buffer.counts().shown, 5_002);
}

#[test]
fn a_stream_taken_up_again_tells_nothing_twice() {
    let told = [
        line(at(1), "one"),
        line(at(2), "two"),
        line(at(2), "two"),
        line(at(2), "three"),
    ];
    let again = |from: usize| {
        let mut lines: Vec<_> = told[from..].to_vec();
        lines.extend([line(at(2), "same second"), line(at(3), "new")]);
        lines
    };
    for from in [0, 1, 3] {
        let mut buffer = self::buffer(2);
        buffer.push(0, &told);
        buffer.push(1, &[line(at(2), "two")]);
        buffer.push(0, &again(from)[..told.len() - from]);
        buffer.push(0, &again(from)[told.len() - from..]);
        let all = texts(&buffer);
        if from < 2 {
            assert_eq!(
                all,
                ["one", "two", "two", "three", "two", "same second", "new"]
            );
        } else {
            // Less was told again than is known of that second: what cannot be told apart is kept or left out once.
            assert!(all.ends_with(&["new".to_owned()]), "{all:?}");
        }
    }
    // What was trimmed or cleared stays away, and does not come back as the newest.
    let mut buffer = self::buffer(1);
    buffer.push(0, &told);
    buffer.clear();
    buffer.push(0, &again(0));
    assert_eq!(texts(&buffer).last().unwrap(), "new");
    assert!(!texts(&buffer).contains(&"one".to_owned()));
    // A clock set back is no replay.
    let mut buffer = self::buffer(1);
    buffer.push(0, &told);
    buffer.push(0, &[line(at(0), "clock set back")]);
    assert_eq!(texts(&buffer).last().unwrap(), "clock set back");
}

#[test]
fn clearing_forgets_lines_but_not_streams() {
    let mut buffer = buffer(1);
    buffer.push(0, &[line(at(1), "old")]);
    buffer.clear();
    assert_eq!(buffer.counts(), Counts::default());
    buffer.push(0, &[line(None, "rest"), line(at(2), "new")]);
    assert_eq!(texts(&buffer), ["rest", "new"]);
}

/// What a program may write: words, colours, escapes cut short, frames, bad UTF-8.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z ]{0,9}".prop_map(String::into_bytes),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\x08\x08".to_vec()),
        1 => Just(b"\x1b[1;31m".to_vec()),
        1 => Just(b"\x1b[A".to_vec()),
        1 => Just(b"\x1b[2K".to_vec()),
        1 => Just(b"\x1b[3D\x1b[K".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\x1b[0".to_vec()),
        1 => Just(b"\x1b]8;;".to_vec()),
        1 => Just("日本\u{202e}é".as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_bytes_become_harmless_text_however_they_are_cut(bytes in output(), cuts in proptest::collection::vec(1usize..9, 0..40)) {
        let mut whole = Frame::default();
        let mut parts = Frame::default();
        let mut kept = [BTreeMap::new(), BTreeMap::new()];
        let mut sizes = cuts.into_iter();
        for line in bytes.split(|b| *b == b'\n') {
            whole.newline();
            whole.feed(line);
            parts.newline();
            let mut rest = line;
            while !rest.is_empty() {
                let (first, second) = rest.split_at(sizes.next().unwrap_or(99).min(rest.len()));
                parts.feed(first);
                // Looking at it in between changes nothing.
                parts.show();
                rest = second;
            }
            for (frame, kept) in [&mut whole, &mut parts].into_iter().zip(&mut kept) {
                frame.settle();
                for row in frame.take_changed() {
                    kept.insert(row.id(), (row.text().to_owned(), row.runs().to_vec()));
                }
                kept.retain(|_, row| !row.0.is_empty());
            }
            prop_assert_eq!(&kept[0], &kept[1]);
        }
        for (text, runs) in kept[0].values() {
            prop_assert!(!text.chars().any(unwelcome), "{:?}", text);
            let mut last = None;
            for run in runs {
                prop_assert!(text.is_char_boundary(run.start as usize));
                prop_assert!((run.start as usize) < text.len());
                prop_assert!(last < Some(run.start));
                last = Some(run.start);
            }
        }
    }

    /// The ring against the plain way: a sorted list, judged from nothing, trimmed from the front.
    #[test]
    fn the_ring_is_a_sorted_list(
        steps in proptest::collection::vec((0usize..3, 0i64..40, 0u8..12), 1..400),
        limit in 2_000usize..40_000,
        filter_at in 0usize..400,
    ) {
        let mut buffer = LogBuffer::new(limit);
        for _ in 0..3 { buffer.add_stream(); }
        let mut plain: Vec<(i64, u64, String)> = Vec::new();
        let mut keys = [i64::MIN; 3];
        for (n, (stream, second, word)) in steps.iter().enumerate() {
            if n == filter_at {
                buffer.set_filter(LogFilter::parse("w1").ok());
                buffer.set_search(Pattern::search("w11"));
            }
            let text = format!("{n} w{word} of stream {stream}");
            buffer.push(*stream, &[line(at(*second), &text)]);
            keys[*stream] = keys[*stream].max(*second);
            plain.push((keys[*stream], n as u64, text));
            prop_assert!(buffer.counts().bytes <= limit);
            buffer.work(300);
        }
        while buffer.work(100_000) {}
        let counts = buffer.counts();
        prop_assert_eq!(counts.lines as u64 + counts.trimmed + counts.repeated, steps.len() as u64);
        let filtered = filter_at < steps.len();
        if counts.trimmed == 0 {
            prop_assert_eq!(counts.repeated, 0);
            plain.sort();
            let want: Vec<&str> = plain.iter().map(|p| p.2.as_str()).filter(|t| !filtered || t.contains("w1")).collect();
            prop_assert_eq!(texts(&buffer), want);
        }
        let all = texts(&buffer);
        prop_assert_eq!(all.len(), counts.shown);
        let hits = if filtered { all.iter().filter(|t| t.contains("w11")).count() } else { 0 };
        prop_assert_eq!(hits, counts.hits);
        // The two ways through it agree, and with the numbers.
        let mut cursor = buffer.last(Lens::VISIBLE);
        for n in (0..counts.shown).rev() {
            let here = cursor.unwrap();
            prop_assert_eq!(buffer.rank(here), n);
            prop_assert_eq!(buffer.nth(n), Some(here));
            let anchor = buffer.get(here).unwrap().anchor();
            prop_assert_eq!(buffer.seek(anchor, Lens::VISIBLE), Some(here));
            cursor = buffer.previous(here, Lens::VISIBLE);
        }
        prop_assert_eq!(cursor, None);
    }
}
