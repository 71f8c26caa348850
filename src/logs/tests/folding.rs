//! Failures and repeated lines on one line: what is hidden, what is told, and that nothing is lost by it.

use proptest::prelude::*;
use rstest::rstest;

use super::super::failures::Failure;
use super::*;

/// A traceback as a rank prints it.
fn traceback(words: &str) -> Vec<String> {
    vec![
        "Traceback (most recent call last):".into(),
        "  File \"/app/train.py\", line 81, in main".into(),
        "    step()".into(),
        format!("ValueError: {words}"),
    ]
}

fn tell(buffer: &mut LogBuffer, stream: usize, from: i64, lines: &[String]) {
    for (n, text) in lines.iter().enumerate() {
        buffer.push(stream, &[line(at(from + n as i64), text)]);
    }
}

fn visible(buffer: &LogBuffer) -> Vec<String> {
    let lines = std::iter::successors(buffer.first(Lens::VISIBLE), |cursor| {
        buffer.next(*cursor, Lens::VISIBLE)
    });
    lines
        .filter_map(|cursor| buffer.get(cursor))
        .map(|line| line.text().to_owned())
        .collect()
}

fn folded(buffer: &LogBuffer, text: &str) -> Folded {
    let line = buffer.shown().find(|l| l.text() == text && l.is_visible());
    buffer.told(line.unwrap()).unwrap()
}

#[test]
fn a_traceback_stands_on_one_line_and_stays_folded_while_lines_arrive() {
    let mut buffer = buffer(2);
    buffer.push(0, &[line(at(0), "step 1")]);
    tell(&mut buffer, 0, 1, &traceback("bad"));
    let head = "Traceback (most recent call last):";
    assert_eq!(visible(&buffer), ["step 1", head]);
    tell(&mut buffer, 0, 9, &["cleaning up".into(), "done".into()]);
    tell(&mut buffer, 1, 3, &["other rank".into()]);
    assert_eq!(
        visible(&buffer),
        ["step 1", head, "other rank", "cleaning up", "done"]
    );
    let told = folded(&buffer, head);
    assert_eq!((told.lines, told.open), (4, false));
    let (kind, words) = told.told.unwrap();
    assert_eq!(
        (kind, &*words),
        (Failure::Traceback, "ValueError: bad (train.py:81)")
    );
    let anchor = buffer.first_failure().unwrap().anchor;
    assert_eq!(buffer.toggle_fold(anchor), Some(anchor));
    assert_eq!(visible(&buffer).len(), 8);
    buffer.push(0, &[line(at(20), "more")]);
    assert_eq!(visible(&buffer).len(), 9);
    buffer.toggle_fold(anchor);
    assert_eq!(visible(&buffer).len(), 6);
    assert_eq!(texts(&buffer).len(), 9);
}

#[test]
fn alike_ones_of_several_ranks_are_one_with_the_ranks_named() {
    let mut buffer = LogBuffer::new(LogBuffer::LIMIT);
    for rank in 0..4 {
        buffer.add_named(&format!("w-{rank}"), Some(rank));
    }
    for (stream, words) in [(0, "bad"), (2, "bad"), (3, "another"), (1, "bad")] {
        tell(&mut buffer, stream, 10 + stream as i64, &traceback(words));
    }
    assert_eq!(visible(&buffer).len(), 2);
    assert_eq!(buffer.failures(), 2);
    let lead = buffer.first_failure().unwrap().anchor;
    let told = buffer.told(buffer.line(lead).unwrap()).unwrap();
    assert_eq!(told.who, [(0, None), (1, None), (2, None)]);
    // Opened, all of them are there; each by itself where streams stand side by side.
    buffer.toggle_fold(lead);
    assert_eq!(visible(&buffer).len(), 3 * 4 + 1);
    buffer.toggle_fold(lead);
    buffer.set_apart(true);
    assert_eq!(visible(&buffer).len(), 4);
    buffer.set_apart(false);
    // Of one rank alone, its own is the one that is told.
    buffer.set_filter(LogFilter::parse("rank:2").ok());
    while buffer.work(1 << 20) {}
    assert_eq!(visible(&buffer).len(), 1);
    let line = buffer.get(buffer.first(Lens::VISIBLE).unwrap()).unwrap();
    assert_eq!(line.stream(), 2);
    assert_eq!(buffer.told(line).unwrap().who, [(2, None)]);
    // Long after it is another story.
    buffer.set_filter(None);
    while buffer.work(1 << 20) {}
    tell(&mut buffer, 3, 5_000, &traceback("bad"));
    assert_eq!(buffer.failures(), 3);
}

#[test]
fn the_first_failure_is_first_by_time_whoever_arrives_first() {
    let mut buffer = buffer(2);
    tell(
        &mut buffer,
        0,
        100,
        &["RuntimeError: CUDA error: device-side assert triggered".into()],
    );
    assert_eq!(buffer.first_failure().unwrap().stream, 0);
    tell(
        &mut buffer,
        1,
        50,
        &["torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.50 GiB.".into()],
    );
    let first = buffer.first_failure().unwrap();
    assert_eq!(first.stream, 1);
    assert!(first.words.contains("1.50 GiB asked for"));
    let next = buffer.failure_beside(first.anchor, false).unwrap();
    assert_eq!(buffer.line(next).unwrap().stream(), 0);
    assert_eq!(buffer.failure_number(next), 2);
    assert_eq!(buffer.failure_beside(next, false), None);
    assert_eq!(buffer.failure_beside(next, true), Some(first.anchor));
}

#[test]
fn a_search_finds_what_is_folded_and_opens_it() {
    let mut buffer = buffer(1);
    tell(&mut buffer, 0, 1, &traceback("bad"));
    buffer.set_search(Pattern::search("step\\(\\)"));
    while buffer.work(1 << 20) {}
    assert_eq!(buffer.counts().hits, 1);
    let (cursor, number) = buffer.find(None, true).unwrap();
    let line = buffer.get(cursor).unwrap();
    assert_eq!((number, line.is_visible()), (1, false));
    let anchor = line.anchor();
    buffer.unfold(anchor);
    assert!(buffer.line(anchor).unwrap().is_visible());
    assert_eq!(buffer.counts().hits, 1);
}

#[rstest]
#[case("bad", 4, 1)]
#[case("is:failure", 4, 1)]
#[case("level:error+", 4, 1)]
// Of a failure that does not pass as a whole, the lines that do are shown as they are.
#[case("\"step()\"", 1, 1)]
#[case("nothing", 0, 0)]
fn a_filter_goes_by_the_sentence_too(
    #[case] filter: &str,
    #[case] passed: usize,
    #[case] seen: usize,
) {
    let mut buffer = buffer(1);
    buffer.push(0, &[line(at(0), "INFO step 1")]);
    tell(&mut buffer, 0, 1, &traceback("bad"));
    buffer.set_filter(LogFilter::parse(filter).ok());
    while buffer.work(1 << 20) {}
    assert_eq!(
        (buffer.counts().shown, visible(&buffer).len()),
        (passed, seen)
    );
}

#[test]
fn the_same_line_again_is_counted_and_nothing_else_is() {
    let mut buffer = buffer(3);
    let same: Vec<String> = vec!["waiting for peers".into(); 37];
    tell(&mut buffer, 0, 0, &same);
    assert_eq!(visible(&buffer), ["waiting for peers"]);
    assert_eq!(folded(&buffer, "waiting for peers").lines, 37);
    assert_eq!(texts(&buffer).len(), 37);
    tell(&mut buffer, 0, 40, &["".into(), "".into(), "x".into()]);
    tell(&mut buffer, 1, 50, &["x".into()]);
    tell(&mut buffer, 0, 51, &["x".into(), "\x1b[31mx".into()]);
    assert_eq!(
        visible(&buffer),
        ["waiting for peers", "", "", "x", "x", "x", "x"]
    );
    // Another line came to stand between: order is worth more than a row.
    tell(&mut buffer, 2, 20, &["late".into()]);
    assert_eq!(visible(&buffer).len(), 37 + 1 + 6);
}

#[test]
fn a_bar_that_begins_alike_is_not_a_repeated_line() {
    let mut buffer = buffer(1);
    buffer.push(0, &[line(at(1), "  0%"), line(at(2), "  0%\r 50%\r100%")]);
    assert_eq!(visible(&buffer), ["  0%", "100%"]);
    buffer.push(0, &[line(at(3), "100%"), line(None, "\rdone")]);
    assert!(
        visible(&buffer).contains(&"100%".to_owned()),
        "{:?}",
        visible(&buffer)
    );
    assert_eq!(visible(&buffer).len(), texts(&buffer).len());
}

#[test]
fn what_is_trimmed_leaves_a_head_and_the_first_failure_its_sentence() {
    let mut buffer = LogBuffer::new(40_000);
    buffer.add_stream();
    tell(&mut buffer, 0, 0, &traceback("bad"));
    let same: Vec<String> = vec!["the same".into(); 2_000];
    tell(&mut buffer, 0, 10, &same);
    let counts = buffer.counts();
    assert!(counts.trimmed > 1_000 && counts.bytes <= 40_000);
    assert_eq!((visible(&buffer).len(), buffer.failures()), (1, 0));
    assert_eq!(folded(&buffer, "the same").lines as usize, counts.lines);
    let first = buffer.first_failure().unwrap();
    assert!(first.words.contains("bad") && buffer.line(first.anchor).is_none());
    buffer.clear();
    assert!(buffer.first_failure().is_none());
}

proptest! {
    /// However lines come, folded or open, trimmed or not: counts agree with what is there, each line that passes is
    /// visible or in a closed fold whose head is, and opening all shows all.
    #[test]
    fn folding_hides_and_never_loses(
        steps in proptest::collection::vec((0usize..3, 0i64..30, 0usize..9), 1..120),
        limit in 4_000usize..60_000,
        filter_at in 0usize..150,
    ) {
        let mut buffer = LogBuffer::new(limit);
        for n in 0..3 { buffer.add_named(&format!("w-{n}"), Some(n)); }
        for (n, (stream, second, what)) in steps.iter().enumerate() {
            if n == filter_at {
                buffer.set_filter(LogFilter::parse("!noise").ok());
                buffer.set_search(Pattern::search("File"));
            }
            let lines: Vec<String> = match what {
                0..=2 => vec!["the same".into()],
                3 => traceback("bad"),
                4 => traceback("worse"),
                5 => vec!["CUDA out of memory. Tried to allocate 2.00 GiB.".into()],
                6 => vec!["Killed".into(), "Killed".into()],
                7 => vec!["noise".into()],
                _ => vec![format!("step {n}")],
            };
            let lines: Vec<LogLine> = lines.iter().map(|text| line(at(*second), text)).collect();
            buffer.push(*stream, &lines);
            if n % 7 == 3 && let Some(first) = buffer.first_failure() {
                let anchor = first.anchor;
                buffer.toggle_fold(anchor);
            }
            prop_assert!(buffer.counts().bytes <= limit);
        }
        while buffer.work(1 << 20) {}
        let counts = buffer.counts();
        let passed: Vec<&Line> = buffer.shown().collect();
        prop_assert_eq!(passed.len(), counts.shown);
        prop_assert_eq!(passed.iter().filter(|l| l.is_visible()).count(), counts.visible);
        prop_assert_eq!(passed.iter().filter(|l| l.is_hit()).count(), counts.hits);
        prop_assert!(counts.visible > 0 || counts.shown == 0);
        if filter_at > steps.len() {
            prop_assert_eq!(counts.shown, counts.lines);
        }
        buffer.open_all(true);
        let counts = buffer.counts();
        prop_assert_eq!(counts.visible, counts.shown);
    }
}
