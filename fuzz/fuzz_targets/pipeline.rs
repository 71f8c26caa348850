//! Arbitrary bytes through the log pipeline, whole and cut anywhere: the same lines, records and curves come out of it,
//! no control character among them, in bounded memory, without a panic.

#![no_main]

use jobdeck::logs::metrics::{Reader, Record};
use jobdeck::logs::run::{Run, StreamReader};
use jobdeck::logs::{History, LogBuffer, Prefix, failures};
use jobdeck::model::log::LogLine;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 64 * 1024;

/// Sizes of the pieces, from the first bytes of the input.
fn pieces<'a>(cuts: &'a [u8], mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let mut all = Vec::new();
    for cut in cuts.iter().cycle() {
        let (piece, rest) = bytes.split_at((usize::from(*cut) + 1).min(bytes.len()));
        all.push(piece);
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    all
}

fn read(pieces: &[&[u8]]) -> (Vec<(u64, String)>, Vec<Record>, Vec<String>) {
    let (mut history, mut lines) = (History::default(), Vec::new());
    for piece in pieces {
        history.feed(piece, &mut |n, text| lines.push((n, text.to_owned())));
    }
    history.pause(&mut |n, text| lines.push((n, text.to_owned())));
    let (mut reader, mut failures) = (Reader::default(), failures::Failures::default());
    let mut records = Vec::new();
    let mut run = Run::default();
    for (n, text) in &lines {
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(Prefix::read(text).body <= text.len());
        if let Some(record) = reader.read(text) {
            assert!(!record.is_empty());
            run.record(0, None, &record);
            records.push(record);
        }
        failures.line(*n, text);
    }
    failures.finish();
    let curves = run
        .all()
        .iter()
        .map(|series| format!("{series:?}"))
        .collect();
    (lines, records, curves)
}

/// What the log screen shows of lines that the runtime cut.
fn shown(pieces: &[&[u8]]) -> Vec<String> {
    let mut buffer = LogBuffer::new(LIMIT);
    let stream = buffer.add_stream();
    let mut reader = StreamReader::default();
    let mut goes_on = false;
    for piece in pieces {
        let ended = piece.ends_with(b"\n");
        let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
        let mut lines = Vec::new();
        for (n, bytes) in piece.split(|b| *b == b'\n').enumerate() {
            lines.push(LogLine {
                at: None,
                bytes: bytes.into(),
                goes_on: n == 0 && goes_on,
            });
        }
        goes_on = !ended;
        buffer.push(stream, &lines);
        reader.read(&lines);
        assert!(buffer.counts().bytes <= LIMIT);
    }
    let texts: Vec<_> = buffer.shown().map(|line| line.text().to_owned()).collect();
    for text in &texts {
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    texts
}

fuzz_target!(|data: &[u8]| {
    let Some((cuts, bytes)) = data.split_at_checked(4) else {
        return;
    };
    let cut = pieces(cuts, bytes);
    assert_eq!(format!("{:?}", read(&[bytes])), format!("{:?}", read(&cut)));
    shown(&[bytes]);
    shown(&cut);
});
