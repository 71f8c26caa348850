//! Copying through the terminal (OSC 52): works over ssh and needs no display server. Beside it the clipboard of the
//! machine, where we run on the user's own: not every terminal does as it is asked. Separate because the limits are
//! theirs, not ours.

use std::io::{self, Write};
use std::process::{Command, Stdio};

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

/// The program that takes a text for the clipboard of this machine, with its arguments. None over ssh, where that is
/// not the clipboard the user pastes from, and none where there is no display.
fn program(env: impl Fn(&str) -> bool) -> Option<&'static [&'static str]> {
    if env("SSH_CONNECTION") || env("SSH_TTY") {
        return None;
    }
    if cfg!(target_os = "macos") {
        Some(&["pbcopy"])
    } else if cfg!(windows) {
        Some(&["clip"])
    } else if env("WAYLAND_DISPLAY") {
        Some(&["wl-copy"])
    } else if env("DISPLAY") {
        Some(&["xclip", "-selection", "clipboard"])
    } else {
        None
    }
}

/// Puts a text on the clipboard of this machine, if it has one; whether that worked. It may block.
pub fn system(text: &str) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some([name, arguments @ ..]) = program(set) else {
        return false;
    };
    let run = || -> io::Result<bool> {
        let mut child = Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(text.as_bytes())?;
        }
        Ok(child.wait()?.success())
    };
    run().unwrap_or(false)
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

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn the_clipboard_of_this_machine_is_that_of_its_display() {
        let with = |set: &'static [&'static str]| program(move |name| set.contains(&name));
        assert_eq!(
            with(&["DISPLAY", "WAYLAND_DISPLAY"]),
            Some(&["wl-copy"][..])
        );
        assert_eq!(with(&["DISPLAY"]).map(|program| program[0]), Some("xclip"));
        assert_eq!(with(&[]), None);
        assert_eq!(with(&["DISPLAY", "SSH_CONNECTION"]), None);
    }
}
