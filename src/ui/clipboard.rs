//! Copying through the terminal (OSC 52): works over ssh and needs no display server. Separate because its limits are
//! the terminals', not ours.

use std::io::{self, Write};

use crossterm::clipboard::CopyToClipboard;
use crossterm::execute;

/// Terminals drop longer sequences without a word; this is what xterm and tmux still take.
pub const LIMIT: usize = 74_000;

/// Asks the terminal to put a text on its clipboard.
///
/// # Errors
/// When the text is longer than [`LIMIT`] bytes, or the terminal is gone.
pub fn copy(out: &mut impl Write, text: &str) -> io::Result<()> {
    if text.len() > LIMIT {
        let what = format!(
            "{} KB is more than terminals take; save it to a file",
            text.len() / 1000
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    execute!(out, CopyToClipboard::to_clipboard_from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_out_encoded_and_long_text_not_at_all() {
        let mut out = Vec::new();
        copy(&mut out, "0,2,4,6,8").unwrap();
        assert_eq!(out, b"\x1b]52;c;MCwyLDQsNiw4\x1b\\");
        let mut out = Vec::new();
        assert!(copy(&mut out, &"x".repeat(LIMIT + 1)).is_err());
        assert!(out.is_empty());
    }
}
