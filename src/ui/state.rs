//! The states every pane speaks of. Separate so that a glyph, a word and a hue mean the same thing everywhere.

/// What a job, pod, index or queue entry is doing; the theme gives the hue, the glyph set the sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Doing its work.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// In a queue, or waiting for something that is not there yet.
    Waiting,
    /// Accepted, about to start.
    Pending,
    /// Failed before and trying again.
    Retrying,
    /// Suspended on purpose.
    Held,
    /// Work done, cleaning up.
    Finishing,
    /// Being deleted.
    Terminating,
    /// Known from before, no longer seen.
    Stale,
    /// Not started and not asked to (an index that was never run).
    NotRun,
}

impl State {
    /// All states, in the order counts are shown.
    pub const ALL: [State; 11] = [
        State::Running,
        State::Waiting,
        State::Pending,
        State::Retrying,
        State::Held,
        State::Finishing,
        State::Terminating,
        State::Failed,
        State::Succeeded,
        State::Stale,
        State::NotRun,
    ];

    /// The name used in theme files and as the default word.
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::Waiting => "waiting",
            State::Pending => "pending",
            State::Retrying => "retrying",
            State::Held => "held",
            State::Finishing => "finishing",
            State::Terminating => "terminating",
            State::Stale => "stale",
            State::NotRun => "not-run",
        }
    }

    /// The sign in a Unicode terminal; always one column wide.
    pub fn glyph(self) -> &'static str {
        match self {
            State::Running => "●",
            State::Succeeded => "✓",
            State::Failed => "✗",
            State::Waiting => "◌",
            State::Pending => "◔",
            State::Retrying => "↻",
            State::Held => "‖",
            State::Finishing => "◑",
            State::Terminating => "⌫",
            State::Stale => "░",
            State::NotRun => "·",
        }
    }

    /// The sign where only ASCII can be shown.
    pub fn ascii(self) -> &'static str {
        match self {
            State::Running => "*",
            State::Succeeded => "+",
            State::Failed => "x",
            State::Waiting => "o",
            State::Pending => ".",
            State::Retrying => "~",
            State::Held => "=",
            State::Finishing => "/",
            State::Terminating => "-",
            State::Stale => "?",
            State::NotRun => "_",
        }
    }

    /// By its name in theme files.
    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// How much a state wants to be seen when several share one cell: the worst wins.
    pub fn weight(self) -> u8 {
        match self {
            State::Failed => 10,
            State::Retrying => 9,
            State::Running => 8,
            State::Finishing => 7,
            State::Terminating => 6,
            State::Pending => 5,
            State::Waiting => 4,
            State::Held => 3,
            State::Stale => 2,
            State::Succeeded => 1,
            State::NotRun => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn every_sign_is_one_column_and_unlike_the_others() {
        let glyphs: HashSet<_> = State::ALL.iter().map(|state| state.glyph()).collect();
        let ascii: HashSet<_> = State::ALL.iter().map(|state| state.ascii()).collect();
        assert_eq!(glyphs.len(), State::ALL.len());
        assert_eq!(ascii.len(), State::ALL.len());
        for state in State::ALL {
            assert_eq!(state.glyph().width(), 1, "{}", state.name());
            assert!(state.ascii().is_ascii() && state.ascii().len() == 1);
            assert_eq!(State::parse(state.name()), Some(state));
        }
        assert_eq!(State::parse("walking"), None);
    }
}
