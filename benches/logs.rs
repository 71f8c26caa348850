//! Lines per second through the log pipeline and its parts, and the memory a buffered line takes.
//!
//! `cargo bench --bench logs`. One core; figures are of the machine.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use chrono::DateTime;
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use jobdeck::app::action::Action;
use jobdeck::hardware::Catalog;
use jobdeck::logs::failures::Failures;
use jobdeck::logs::metrics::Reader;
use jobdeck::logs::run::{Reading, Said, StreamReader};
use jobdeck::logs::{History, LogBuffer, Prefix};
use jobdeck::model::Model;
use jobdeck::model::log::LogLine;
use jobdeck::panes::logs::Logs;
use jobdeck::panes::{Arrival, Cx, Heard, LogsOf, Pane, Session};
use jobdeck::ui::glyphs::Glyphs;
use jobdeck::ui::keymap::{Keymap, Keymaps};
use jobdeck::ui::theme::Theme;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

/// Counts what is allocated, so that the memory per line is measured and not computed.
#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const LINES: usize = 20_000;

/// Lines without any number but their time, as most of a log is.
fn plain(n: usize) -> String {
    let words = [
        "shard",
        "cache",
        "worker",
        "connected",
        "waiting",
        "barrier",
        "module",
        "loaded",
    ];
    let word = |i: usize| words[(n * 31 + i * 7) % words.len()];
    format!(
        "{} {} {} for the {} of the {}, nothing else to say here about {}",
        word(0),
        word(1),
        word(2),
        word(3),
        word(4),
        word(5)
    )
}

fn prefixed(n: usize) -> String {
    format!(
        "[rank{}]: 2026-11-24 03:04:{:02},{:03} - trainer.loop - INFO - {}",
        n % 8,
        n % 60,
        n % 1000,
        plain(n)
    )
}

/// One line in four says something.
fn training(n: usize) -> String {
    match n % 4 {
        0 => format!(
            "2026-11-24 03:04:05,678 - trainer - INFO - step: {n}  loss: {:.4}  grad_norm: 0.8{}  lr: 3.00e-04  tps: 12,345",
            2.0 - n as f64 * 1e-5,
            n % 10
        ),
        _ => prefixed(n),
    }
}

/// Every line does.
fn dense(n: usize) -> String {
    format!(
        "epoch 3 | step {n}/90000 | loss {:.4} | lr 3.00e-04 | grad norm 0.81 | 12,345 tok/s | eta 1:02:03",
        2.0 - n as f64 * 1e-5
    )
}

/// Numbers without a metric: what runtimes, installers and servers print.
fn numbers(n: usize) -> String {
    match n % 4 {
        0 => format!(
            "node-{}:412:{n} [{}] NCCL INFO Channel 0{}/16 : 3[3] -> 4[0] [send] via NET/IB/2/GDRDMA",
            n % 9,
            n % 8,
            n % 9
        ),
        1 => format!(
            "10.4.0.{} - - [24/Nov/2026:03:04:05 +0000] \"GET /healthz HTTP/1.1\" 200 {n}",
            n % 250
        ),
        2 => format!(
            "Requirement already satisfied: filelock>=3.{n} in /usr/lib/python3/dist-packages (3.16.1)"
        ),
        _ => format!(
            "2026-11-24 03:04:05,123 - loader - INFO - read 128 files of shard {n} in 0.31 s (1.2 GB/s), 12 left"
        ),
    }
}

/// What Hugging Face's trainer prints.
fn dict(n: usize) -> String {
    format!(
        "{{'loss': {:.4}, 'grad_norm': 0.24026057124137878, 'learning_rate': 4.0625e-05, 'epoch': {:.2}}}",
        2.0 - n as f64 * 1e-5,
        n as f64 / 1e3
    )
}

fn bar(n: usize) -> String {
    let done = n % 100;
    format!(
        "\rEpoch 1:  {done}%|{}{}| {done}/100 [00:12<00:34,  3.21it/s, loss=0.42]",
        "█".repeat(done / 10),
        " ".repeat(10 - done / 10)
    )
}

fn lines(of: Make) -> Vec<LogLine> {
    (0..LINES)
        .map(|n| LogLine {
            at: DateTime::from_timestamp(
                1_800_000_000 + n as i64 / 1000,
                (n % 1000) as u32 * 1_000_000,
            ),
            bytes: of(n).into_bytes().into(),
            goes_on: false,
        })
        .collect()
}

/// The n-th line of a kind.
type Make = fn(usize) -> String;

const KINDS: [(&str, Make); 7] = [
    ("plain", plain),
    ("prefixed", prefixed),
    ("training", training),
    ("dense", dense),
    ("numbers", numbers),
    ("dict", dict),
    ("bar", bar),
];

fn of(name: &str) -> Make {
    KINDS.iter().find(|kind| kind.0 == name).expect("a kind").1
}

/// Bytes to the ring: what the log pane does for every line.
#[divan::bench(args = ["plain", "prefixed", "training", "bar"], sample_count = 40)]
fn decode_and_ring(bencher: Bencher, kind: &str) {
    let lines = lines(of(kind));
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut buffer = LogBuffer::new(LogBuffer::LIMIT);
        let stream = buffer.add_stream();
        for batch in lines.chunks(256) {
            buffer.push(stream, batch);
        }
        buffer
    });
}

/// The same, with prefix and metrics of every line.
#[divan::bench(args = ["plain", "prefixed", "training", "dense", "numbers", "dict", "bar"], sample_count = 40)]
fn decode_ring_and_metrics(bencher: Bencher, kind: &str) {
    let lines = lines(of(kind));
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut buffer = LogBuffer::new(LogBuffer::LIMIT);
        let stream = buffer.add_stream();
        let mut reader = Reader::default();
        for batch in lines.chunks(256) {
            buffer.push(stream, batch);
            for line in batch {
                let text = std::str::from_utf8(&line.bytes).expect("text");
                black_box(reader.read(text));
            }
        }
        buffer
    });
}

/// What the thread that draws does for every batch: the ring, and the records that came with the lines.
#[divan::bench(args = ["plain", "training", "dense"], sample_count = 40)]
fn owner_takes_lines_and_records(bencher: Bencher, kind: &str) {
    let lines = lines(of(kind));
    let mut reader = StreamReader::default();
    let batches: Vec<(&[LogLine], Vec<Said>)> = lines
        .chunks(256)
        .map(|batch| (batch, reader.read(batch)))
        .collect();
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut buffer = LogBuffer::new(LogBuffer::LIMIT);
        let stream = buffer.add_stream();
        let mut reading = Reading::default();
        for (batch, said) in &batches {
            buffer.push(stream, batch);
            reading.push(stream, said);
            black_box(reading.summary(1.9e9, &|_| true));
        }
        (buffer, reading)
    });
}

/// The same with the lines read for metrics by that thread, too.
#[divan::bench(args = ["plain", "training", "dense"], sample_count = 40)]
fn owner_reads_them_as_well(bencher: Bencher, kind: &str) {
    let lines = lines(of(kind));
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut buffer = LogBuffer::new(LogBuffer::LIMIT);
        let stream = buffer.add_stream();
        let (mut reading, mut reader) = (Reading::default(), StreamReader::default());
        for batch in lines.chunks(256) {
            buffer.push(stream, batch);
            reading.push(stream, &reader.read(batch));
            black_box(reading.summary(1.9e9, &|_| true));
        }
        (buffer, reading)
    });
}

#[divan::bench(args = ["plain", "prefixed", "training"], sample_count = 40)]
fn prefix_alone(bencher: Bencher, kind: &str) {
    let lines: Vec<String> = (0..LINES).map(of(kind)).collect();
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        for line in &lines {
            black_box(Prefix::read(line));
        }
    });
}

#[divan::bench(args = ["plain", "prefixed", "training", "dense", "numbers", "dict", "bar"], sample_count = 40)]
fn metrics_alone(bencher: Bencher, kind: &str) {
    let lines: Vec<String> = (0..LINES).map(of(kind)).collect();
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut reader = Reader::default();
        for line in &lines {
            black_box(reader.read(line));
        }
    });
}

#[divan::bench(args = ["plain", "training"], sample_count = 40)]
fn failures_alone(bencher: Bencher, kind: &str) {
    let lines: Vec<String> = (0..LINES).map(of(kind)).collect();
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut failures = Failures::default();
        for (n, line) in lines.iter().enumerate() {
            black_box(failures.line(n as u64, line));
        }
    });
}

/// `jobdeck metrics FILE` without its output.
#[divan::bench(args = ["plain", "training", "bar"], sample_count = 40)]
fn file_to_records(bencher: Bencher, kind: &str) {
    let lines: Vec<String> = (0..LINES).map(of(kind)).collect();
    let bytes = lines.join("\n").into_bytes();
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let (mut history, mut reader) = (History::default(), Reader::default());
        let mut records = 0;
        for chunk in bytes.chunks(64 * 1024) {
            history.feed(chunk, &mut |_, text| {
                records += usize::from(reader.read(text).is_some())
            });
        }
        history.pause(&mut |_, text| records += usize::from(reader.read(text).is_some()));
        records
    });
}

/// What a frame of the log screen needs beside its lines.
struct Screen {
    model: Model,
    hardware: Arc<Catalog>,
    theme: Theme,
    keymap: Keymap<Action>,
    session: Session,
}

impl Screen {
    fn new() -> Self {
        Self {
            model: Model::default(),
            hardware: jobdeck::hardware::load::shipped(),
            theme: Theme::default(),
            keymap: Keymaps::default().load("default").expect("a keymap"),
            session: Session::default(),
        }
    }

    fn cx(&self) -> Cx<'_> {
        Cx {
            model: &self.model,
            hardware: &self.hardware,
            theme: &self.theme,
            glyphs: &Glyphs::Unicode,
            keymap: &self.keymap,
            now: DateTime::from_timestamp(1_800_000_100, 0).expect("a time"),
            session: &self.session,
            messages: &[],
            timestamps: false,
            focused: true,
        }
    }
}

/// One frame of the log screen, 200x60, at the end of a full ring of 64 MiB. `still`: drawn alone; `busy`: with its
/// share of 50,000 lines/s at 60 frames a second taken in before, as the thread that draws does it.
#[divan::bench(args = ["still", "busy"], sample_count = 200, sample_size = 1)]
fn frame_of_a_full_ring(bencher: Bencher, how: &str) {
    let screen = Screen::new();
    let mut pane = Logs::new(LogsOf::File {
        name: "train.log".into(),
    });
    let lines = lines(training);
    let mut reader = StreamReader::default();
    let said = reader.read(&lines[..833]);
    let batch = |lines: &[LogLine], said: &[Said]| Heard::Lines {
        lines: lines.to_vec(),
        said: said.to_vec(),
    };
    let full = LogBuffer::LIMIT / (lines[0].bytes.len() + 88) / LINES + 2;
    for _ in 0..full {
        pane.receive(&Arrival::File(&batch(&lines, &[])), &screen.cx());
    }
    let share = batch(&lines[..833], &said);
    let area = Rect::new(0, 0, 200, 60);
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a terminal");
    bencher.bench_local(|| {
        if how == "busy" {
            pane.receive(&Arrival::File(&share), &screen.cx());
        }
        let drawn = terminal.draw(|frame| pane.draw(&screen.cx(), area, frame.buffer_mut()));
        drawn.expect("a frame");
    });
}

fn main() {
    for (name, of) in KINDS {
        let mut buffer = LogBuffer::new(LogBuffer::LIMIT);
        let stream = buffer.add_stream();
        let lines = lines(of);
        let text: usize = lines.iter().map(|line| line.bytes.len()).sum();
        buffer.push(stream, &lines);
        let counts = buffer.counts();
        println!(
            "memory: {name}: {} bytes per line of {} bytes",
            counts.bytes / counts.lines,
            text / LINES
        );
    }
    divan::main();
}
