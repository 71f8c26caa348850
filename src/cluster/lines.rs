//! Cuts a byte stream into lines, whatever the chunks; used for watches and for logs.

/// Collects bytes and gives whole lines out.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Start of what has not been given out.
    start: usize,
    /// Bytes before this hold no line end.
    searched: usize,
}

impl Lines {
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line without its `\n`.
    pub fn next_line(&mut self) -> Option<&[u8]> {
        let Some(at) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + at;
        let line = self.start..end;
        self.start = end + 1;
        self.searched = self.start;
        Some(&self.buffer[line])
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buffer.clear();
        (self.start, self.searched) = (0, 0);
    }

    /// What is left after the last line end.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            text in "[ab\n]{0,60}",
            cuts in proptest::collection::vec(0usize..60, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            for pair in cuts.windows(2) {
                lines.push(&text.as_bytes()[pair[0]..pair[1]]);
                while let Some(line) = lines.next_line() {
                    got.push(String::from_utf8_lossy(line).into_owned());
                }
            }
            got.push(String::from_utf8_lossy(lines.rest()).into_owned());
            let expected: Vec<&str> = text.split('\n').collect();
            prop_assert_eq!(got, expected);
        }
    }
}
