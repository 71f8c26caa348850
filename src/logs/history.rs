//! A raw stream as numbered lines of history: what bars and cursor moves leave on each, told once it can change no
//! more, or when the input pauses.

use std::collections::VecDeque;

use super::frames::Frame;
use super::rows::WINDOW;

/// Of one line only so many characters are kept; the rest is stepped over.
const MOST: usize = 256 * 1024;

/// Bytes in, lines out.
#[derive(Debug, Default)]
pub struct History {
    frame: Frame,
    rows: VecDeque<Row>,
    /// In a line that is too long.
    skips: bool,
}

#[derive(Debug)]
struct Row {
    id: u64,
    text: String,
    /// As it is now it has been told.
    told: bool,
}

impl History {
    /// More bytes, cut anywhere. `tell` gets number (from 1) and text of every line that can change no more.
    pub fn feed(&mut self, mut bytes: &[u8], tell: &mut dyn FnMut(u64, &str)) {
        while !bytes.is_empty() {
            let end = memchr::memchr(b'\n', bytes);
            let line = &bytes[..end.unwrap_or(bytes.len())];
            self.feed_line(line);
            let Some(end) = end else { return };
            self.frame.settle();
            self.take();
            self.frame.newline();
            self.skips = false;
            while self.rows.len() >= WINDOW {
                if let Some(row) = self.rows.pop_front()
                    && !row.told
                {
                    tell(row.id + 1, &row.text);
                }
            }
            bytes = &bytes[end + 1..];
        }
    }

    fn feed_line(&mut self, line: &[u8]) {
        // Pieces, so that a giant line is noticed before it is held.
        for piece in line.chunks(16 * 1024) {
            let piece = if self.skips {
                // A carriage return or a move may begin it anew.
                let Some(at) = memchr::memchr2(b'\r', 0x1b, piece) else {
                    continue;
                };
                &piece[at..]
            } else {
                piece
            };
            self.frame.feed(piece);
            self.skips = self.frame.column() >= MOST;
        }
    }

    /// Lines written to since they were last taken over.
    fn take(&mut self) {
        for row in self.frame.take_changed() {
            match self
                .rows
                .iter_mut()
                .rev()
                .find(|known| known.id == row.id())
            {
                Some(known) if known.text == row.text() => {}
                Some(known) => {
                    row.text().clone_into(&mut known.text);
                    known.told = false;
                }
                None => self.rows.push_back(Row {
                    id: row.id(),
                    text: row.text().to_owned(),
                    told: false,
                }),
            }
        }
    }

    /// The input pauses or is over: every line not told yet is told as it is. One that is rewritten later is told again.
    pub fn pause(&mut self, tell: &mut dyn FnMut(u64, &str)) {
        self.frame.show();
        self.take();
        let open = self.frame.row().id();
        // Behind the last line end nothing has been written yet.
        let written = |row: &&mut Row| !row.told && (row.id != open || !row.text.is_empty());
        for row in self.rows.iter_mut().filter(written) {
            row.told = true;
            tell(row.id + 1, &row.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(input: &[u8], cuts: &[usize]) -> Vec<(u64, String)> {
        let mut history = History::default();
        let mut told = Vec::new();
        let mut tell = |n, text: &str| told.push((n, text.to_owned()));
        let (mut rest, mut cuts) = (input, cuts.iter().cycle());
        while !rest.is_empty() {
            let (first, second) =
                rest.split_at(cuts.next().map_or(rest.len(), |n| (*n).min(rest.len())));
            history.feed(first, &mut tell);
            rest = second;
        }
        history.pause(&mut tell);
        told
    }

    #[test]
    fn bars_leave_their_last_frames_and_lines_keep_their_numbers() {
        let input = b"one\n\r 10%\r 50%\r100%\ntwo\nouter 0\n\rinner 1\x1b[A\n\rinner 2\x1b[A\n\r       \x1b[A\router 1\n\nlast";
        let want = ["one", "100%", "two", "outer 1", "inner 2", "last"];
        let got = lines(input, &[]);
        assert_eq!(got.iter().map(|l| &*l.1).collect::<Vec<_>>(), want);
        assert_eq!(
            got.iter().map(|l| l.0).collect::<Vec<_>>(),
            [1, 2, 3, 4, 5, 6]
        );
    }

    #[test]
    fn a_pause_tells_what_there_is_and_what_changes_after_it_again() {
        let mut history = History::default();
        let mut told = Vec::new();
        history.feed(b"a\n\r10%", &mut |n, text| told.push((n, text.to_owned())));
        history.pause(&mut |n, text| told.push((n, text.to_owned())));
        history.pause(&mut |n, text| told.push((n, text.to_owned())));
        history.feed(b"\r20%\nb\n", &mut |n, text| {
            told.push((n, text.to_owned()))
        });
        history.pause(&mut |n, text| told.push((n, text.to_owned())));
        let want = [(1, "a"), (2, "10%"), (2, "20%"), (3, "b")];
        assert_eq!(told, want.map(|(n, text)| (n, text.to_owned())));
    }

    #[test]
    fn a_line_of_megabytes_and_binary_stay_one_line_each() {
        let mut input = vec![b'x'; 5_000_000];
        input.extend(b"\nnext\n");
        input.extend(
            (0..200_000u32)
                .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
                .filter(|b| *b != b'\n' && *b != 0x1b),
        );
        input.extend(b"\nend\n");
        let got = lines(&input, &[]);
        assert_eq!(got.len(), 4);
        assert!(got[0].1.len() <= MOST + 16 * 1024);
        assert_eq!(
            (got[1].0, &*got[1].1, got[3].0, &*got[3].1),
            (2, "next", 4, "end")
        );
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(
            parts in proptest::collection::vec(prop_oneof![
                Just(b"loss=0.5".to_vec()), Just(b"\n".to_vec()), Just(b"\r".to_vec()), Just(b"\x1b[A".to_vec()),
                Just(b"\x1b[2K".to_vec()), Just("━é".as_bytes().to_vec()), Just(b"\x08\x08".to_vec()), Just(b"\x1b]0;t\x07".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..5)], 0..60),
            cuts in proptest::collection::vec(1usize..9, 1..9),
        ) {
            let input = parts.concat();
            prop_assert_eq!(lines(&input, &[]), lines(&input, &cuts));
        }
    }
}
