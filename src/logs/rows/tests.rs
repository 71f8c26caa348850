//! One row against a naive model of a terminal's, and against a terminal.

use std::num::NonZeroU16;

use proptest::prelude::*;

use super::super::frames::Frame;

#[derive(Debug, Clone)]
enum Op {
    Text(String),
    Return,
    Back,
    /// To this column, from 1.
    Go(usize),
    Left(usize),
    Right(usize),
    Erase(usize),
}

impl Op {
    fn bytes(&self) -> String {
        match self {
            Op::Text(text) => text.clone(),
            Op::Return => "\r".into(),
            Op::Back => "\x08".into(),
            Op::Go(n) => format!("\x1b[{n}G"),
            Op::Left(n) => format!("\x1b[{n}D"),
            Op::Right(n) => format!("\x1b[{n}C"),
            Op::Erase(n) => format!("\x1b[{n}K"),
        }
    }
}

/// One cell per character, every operation by the letter. What is not as in a terminal: while all is blank, the last
/// frame stands: what was there when the cursor returned to the left end, or when an erasure took the last of it.
#[derive(Default)]
struct Model {
    cells: Vec<char>,
    at: usize,
    frame: String,
}

impl Model {
    fn content(&self) -> String {
        self.cells.iter().collect()
    }

    fn blank(&self) -> bool {
        self.cells.iter().all(|c| *c == ' ')
    }

    fn keep(&mut self) {
        if !self.blank() {
            self.frame = self.content();
        }
    }

    fn go(&mut self, to: usize) {
        self.at = to;
        if to == 0 {
            self.keep();
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Text(text) => {
                for c in text.chars() {
                    while self.cells.len() <= self.at {
                        self.cells.push(' ');
                    }
                    self.cells[self.at] = c;
                    self.at += 1;
                }
            }
            Op::Return => self.go(0),
            Op::Back => self.at = self.at.saturating_sub(1),
            Op::Go(n) => self.go(n - 1),
            Op::Left(n) => self.go(self.at.saturating_sub(*n)),
            Op::Right(n) => self.go(self.at + n),
            Op::Erase(mode) => {
                let before = self.content();
                match mode {
                    0 => self.cells.truncate(self.at),
                    1 => {
                        let end = (self.at + 1).min(self.cells.len());
                        self.cells[..end].fill(' ');
                    }
                    _ => self.cells.clear(),
                }
                if self.blank() && before.contains(|c| c != ' ') {
                    self.frame = before;
                }
            }
        }
    }

    /// Without the blanks at its end.
    fn shown(&self) -> String {
        let content = if self.blank() {
            self.frame.clone()
        } else {
            self.content()
        };
        content.trim_end().to_owned()
    }
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => "[a-c ]{1,6}|[█é日x]{1,3}| {1,8}".prop_map(Op::Text),
        3 => Just(Op::Return),
        1 => Just(Op::Back),
        1 => (1usize..12).prop_map(Op::Go),
        1 => (1usize..6).prop_map(Op::Left),
        1 => (1usize..6).prop_map(Op::Right),
        1 => (0usize..3).prop_map(Op::Erase),
    ]
}

proptest! {
    #[test]
    fn a_row_is_as_a_terminal_would_leave_it(ops in proptest::collection::vec(op(), 0..24), look in any::<u32>()) {
        let (mut frame, mut model) = (Frame::default(), Model::default());
        for (n, op) in ops.iter().enumerate() {
            frame.feed(op.bytes().as_bytes());
            model.apply(op);
            // Looking at it in between changes nothing.
            if look >> n & 1 == 1 {
                frame.take_changed().for_each(drop);
                prop_assert_eq!(frame.text().trim_end().to_owned(), model.shown());
            }
        }
        frame.take_changed().for_each(drop);
        prop_assert_eq!(frame.text().trim_end().to_owned(), model.shown());
    }

    #[test]
    fn a_terminal_agrees(ops in proptest::collection::vec(op(), 0..24)) {
        let mut frame = Frame::default();
        let rows = NonZeroU16::MIN.saturating_add(1);
        let columns = NonZeroU16::MIN.saturating_add(400);
        let mut terminal = vt100::Parser::new(rows, columns, 0);
        for op in &ops {
            // Wide characters take two columns there and one here.
            let bytes = op.bytes().replace('日', "x");
            frame.feed(bytes.as_bytes());
            terminal.process(bytes.as_bytes());
        }
        frame.take_changed().for_each(drop);
        let there = terminal.screen().contents();
        if !there.trim().is_empty() {
            prop_assert_eq!(frame.text().trim_end(), there.trim_end());
        }
    }
}

#[test]
fn colours_stay_where_they_were_written() {
    let mut frame = Frame::default();
    frame.feed(b"\x1b[31mabc\x1b[32mdef\x1b[0mghi\r\x1b[34mXY");
    frame.take_changed().for_each(drop);
    assert_eq!(frame.text(), "XYcdefghi");
    let row = frame.row();
    let places: Vec<u32> = row.runs().iter().map(|run| run.start).collect();
    assert_eq!(places, [0, 2, 3, 6]);
}
