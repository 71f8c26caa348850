//! Lines of a text that a key steps through, round and round: matches of a search, unknown fields.

/// The lines, and which of them the reader is at.
#[derive(Debug, Default)]
pub struct Stops {
    lines: Vec<usize>,
    at: Option<usize>,
}

impl Stops {
    /// In ascending order; the reader is at none of them yet.
    pub fn new(lines: Vec<usize>) -> Self {
        Self { lines, at: None }
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line the reader is at.
    pub fn line(&self) -> Option<usize> {
        self.at.map(|at| self.lines[at])
    }

    /// Which of all it is, from 1.
    pub fn number(&self) -> Option<usize> {
        self.at.map(|at| at + 1)
    }

    /// Steps on; the first step is to the one nearest to the line at the top of the window.
    pub fn step(&mut self, backward: bool, top: usize) -> Option<usize> {
        let n = self.lines.len();
        let next = match (self.at, backward) {
            (_, _) if n == 0 => return None,
            (Some(at), false) => at + 1,
            (Some(at), true) => at + n - 1,
            (None, _) => {
                let at = self.lines.partition_point(|line| *line < top);
                if backward { at + n - 1 } else { at }
            }
        };
        self.at = Some(next % n);
        self.line()
    }
}
