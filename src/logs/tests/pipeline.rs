//! Arbitrary bytes through all of it at once: what the parts promise each has to hold for them together.
//! `PROPTEST_CASES=100000` makes a fuzzer of it.

use proptest::prelude::*;

use super::super::frames::unwelcome;
use super::super::{History, LogBuffer, failures, metrics, run};
use super::{at, line};

/// Pieces that programs, terminals and attackers write.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = |text: &'static str| Just(text.as_bytes().to_vec());
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "\\PC{0,12}".prop_map(String::into_bytes),
        prop_oneof![
            text("\n"),
            text("\r"),
            text("\r\n"),
            text("\x08"),
            text("\t"),
            text("\0")
        ],
        prop_oneof![
            text("\x1b[A"),
            text("\x1b[2K"),
            text("\x1b[31m"),
            text("\x1b[999;999H"),
            text("\x1b]0;"),
            text("\x1b["),
            text("\u{9b}31m"),
            text("\x1bP"),
            text("\x1b[99999999999999C"),
        ],
        prop_oneof![
            text("step 1/2 loss 0.5 lr 1e-4 "),
            text("{'loss': 'nan', 'epoch': "),
            text("{\"a\": {\"b\": ["),
            text("Epoch 3/4"),
            text("  9%|#  | 3/5 [00:01<00:02, 3.2it/s, loss=1]"),
            text("[rank3]: "),
            text("2026-11-24T03:04:05Z "),
            text("Traceback (most recent call last):\n"),
            text("CUDA out of memory"),
            text("| train/ | |\n| loss | 1 |"),
            text("| Step | Training Loss |"),
            text("1e999"),
            text("-9999999999999999999999"),
            text("inf%"),
            text("(((((((("),
            text("================================\nx FAILED\n"),
            text("5:\tlearn: 0.5\ttotal: 1s"),
        ],
        (
            prop_oneof![
                Just(b'['),
                Just(b'1'),
                Just(b'/'),
                Just(b' '),
                Just(b'"'),
                Just(b'\\'),
                Just(0xe2)
            ],
            1usize..3_000
        )
            .prop_map(|(byte, times)| vec![byte; times]),
    ]
}

proptest! {
    /// Whatever comes: nothing panics, memory is bounded, nothing that commands a terminal is left.
    #[test]
    fn anything_goes_through_the_whole_pipeline(
        pieces in proptest::collection::vec(piece(), 0..40),
        cuts in proptest::collection::vec(1usize..5_000, 1..8),
        pattern in "\\(\\?<loss>[.a-z0-9]{1,3}[*+]?\\)|[(\\[a*?]{0,4}",
    ) {
        const LIMIT: usize = 16 * 1024;
        let bytes = pieces.concat();
        let own: Vec<_> = metrics::Pattern::new(&pattern).into_iter().collect();
        let mut buffer = LogBuffer::new(LIMIT);
        let stream = buffer.add_stream();
        let mut reader = run::StreamReader::with(own.clone().into());
        let mut reading = run::Reading::default();
        let (mut rest, mut n) = (&bytes[..], 0);
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            let lines: Vec<_> = piece
                .split(|b| *b == b'\n')
                .map(|bytes| {
                    n += 1;
                    line((n % 3 > 0).then(|| at(n)).flatten(), bytes)
                })
                .collect();
            buffer.push(stream, &lines);
            reading.push(0, &reader.read(&lines));
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(buffer.counts().bytes <= LIMIT);
        for line in buffer.shown() {
            prop_assert!(!line.text().chars().any(unwelcome), "{:?}", line.text());
            prop_assert!(line.runs().iter().all(|run| line.text().is_char_boundary(run.start as usize)));
        }
        reading.summary(n as f64, &|_| true);
        prop_assert!(reading.run().bytes() <= run::MOST_SERIES * 100 * 1024);
        // The file reader, and failures on what it makes of it.
        let (mut history, mut failures) = (History::default(), failures::Failures::default());
        let mut reader = metrics::Reader::with(own.into());
        let mut texts = Vec::new();
        history.feed(&bytes, &mut |n, text| texts.push((n, text.to_owned())));
        history.pause(&mut |n, text| texts.push((n, text.to_owned())));
        for (n, text) in &texts {
            prop_assert!(!text.chars().any(unwelcome), "{text:?}");
            let record = reader.read(text);
            prop_assert!(record.is_none_or(|record| !record.is_empty()));
            failures.line(*n, text);
        }
        failures.finish();
    }
}

/// All that a file's bytes say: lines, records, curves.
fn told(pieces: &[&[u8]]) -> (Vec<(u64, String)>, Vec<String>, Vec<String>) {
    let (mut history, mut lines) = (History::default(), Vec::new());
    for piece in pieces {
        history.feed(piece, &mut |n, text| lines.push((n, text.to_owned())));
    }
    history.pause(&mut |n, text| lines.push((n, text.to_owned())));
    let (mut reader, mut run) = (metrics::Reader::default(), run::Run::default());
    let mut records = Vec::new();
    for (_, text) in &lines {
        if let Some(record) = reader.read(text) {
            run.record(0, None, &record);
            records.push(format!("{record:?}"));
        }
    }
    let curves = run.all().iter().map(|series| format!("{series:?}"));
    (lines, records, curves.collect())
}

proptest! {
    #[test]
    fn cuts_make_no_difference_to_records_and_curves(
        pieces in proptest::collection::vec(piece(), 0..24),
        cuts in proptest::collection::vec(1usize..200, 1..8),
    ) {
        let bytes = pieces.concat();
        let (mut cut, mut rest) = (Vec::new(), &bytes[..]);
        for at in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*at).min(rest.len()));
            cut.push(piece);
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(told(&[&bytes]), told(&cut));
    }
}

/// Five megabytes that are made to hurt: memory stays in its bounds and what is shown is harmless.
#[rstest::rstest]
#[case::one_line(&b"x"[..])]
#[case::wide_characters("\u{6b65}\u{1f680}".as_bytes())]
#[case::numbers(b"1,")]
#[case::brackets(b"[(")]
#[case::nothing_but_zeros(b"\0")]
#[case::no_text_at_all(&[0xff, 0xfe, 0x80, 0xc3])]
#[case::returns(b"\r")]
#[case::frames(b"\r 50%|##  | 1/2 [00:01<00:01, 1.00it/s, loss=0.5]")]
#[case::colours(b"\x1b[31mx")]
#[case::cursor_up(b"x\n\x1b[16A")]
#[case::cursor_storm(b"\x1b[9A\x1b[999Cx\x1b[9Bx\x1b[K\x1b[1G")]
#[case::strings_without_end(b"\x1b]0;x")]
#[case::backspaces(b"x\x08\x08")]
#[case::tabs(b"\t")]
#[case::runtimes_pieces(b"2026-11-24T03:04:05Z stdout P loss 1 \n")]
fn megabytes_of_it_stay_in_bounds(#[case] of: &[u8]) {
    const LIMIT: usize = 256 * 1024;
    // six times what is kept; what jumps a thousand columns to the right writes them all, and its half is twenty times that
    let jumps = of.windows(4).any(|w| w == b"999C");
    let size = if jumps { LIMIT / 2 } else { 6 * LIMIT };
    let bytes = of.repeat(size / of.len());
    let mut buffer = LogBuffer::new(LIMIT);
    let stream = buffer.add_stream();
    let mut reader = run::StreamReader::default();
    let mut reading = run::Reading::default();
    let mut history = History::default();
    let mut kept = 0;
    // As the runtime cuts it; then as a file is read.
    for piece in bytes.chunks(16 * 1024) {
        let lines: Vec<_> = piece
            .split(|b| *b == b'\n')
            .enumerate()
            .map(|(n, bytes)| line(at(i64::from(n > 0)).filter(|_| n > 0), bytes))
            .collect();
        buffer.push(stream, &lines);
        reading.push(0, &reader.read(&lines));
        assert!(buffer.counts().bytes <= LIMIT);
        history.feed(piece, &mut |_, text| kept = kept.max(text.len()));
    }
    history.pause(&mut |_, text| kept = kept.max(text.len()));
    // A quarter of a million characters of at most four bytes, and the piece that went over.
    assert!(kept <= 4 * (256 + 16) * 1024, "{kept}");
    assert!(reading.run().bytes() <= run::MOST_SERIES * 100 * 1024);
    for line in buffer.shown() {
        assert!(!line.text().chars().any(unwelcome));
    }
}
