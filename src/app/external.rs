//! The user's own editor in the foreground: it gets the terminal and a file that nobody else may read, and gives both back.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ui::terminal::{Signal, Signals, Terminal};

/// Has `$VISUAL`, else `$EDITOR`, else `vi` change a text. Nobody else may read keys meanwhile.
///
/// # Errors
/// Only when the terminal is gone. `Ok` holds the text as it is now, or what is to be told the user.
pub async fn edit(
    text: &str,
    terminal: &mut Terminal,
    signals: &mut Signals,
) -> io::Result<Result<String, String>> {
    let said = |name| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
    let editor = said("VISUAL").or_else(|| said("EDITOR"));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let file = match file(text) {
        Ok(file) => file,
        Err(e) => return Ok(Err(format!("cannot hand the text to ‘{editor}’: {e}"))),
    };
    terminal.release()?;
    let ended = run(&editor, &file.0, signals).await;
    terminal.resume()?;
    Ok(match ended {
        Ok(0) => std::fs::read_to_string(&file.0)
            .map_err(|e| format!("cannot read back what ‘{editor}’ wrote: {e}")),
        Ok(code) => Err(format!(
            "‘{editor}’ ended with exit code {code}: the text is as it was; set $VISUAL or $EDITOR to one that runs"
        )),
        Err(e) => Err(format!(
            "cannot run ‘{editor}’: {e}; set $VISUAL or $EDITOR"
        )),
    })
}

/// A file that goes when this does.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // it may be gone already
        let _ = std::fs::remove_file(&self.0);
    }
}

fn file(text: &str) -> io::Result<Temporary> {
    let folder = std::env::temp_dir();
    for n in 0..100u32 {
        let path = folder.join(format!("jobdeck-{}-{n}.yaml", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        // never one that is there: somebody else may have put it there
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        match options.open(&path) {
            Ok(mut file) => {
                let file_of = Temporary(path);
                file.write_all(text.as_bytes())?;
                return Ok(file_of);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("no free name for a file"))
}

async fn run(editor: &str, file: &Path, signals: &mut Signals) -> io::Result<i32> {
    // As git does it: the variable may hold arguments.
    let mut command = if cfg!(unix) {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{editor} \"$@\""))
            .arg(editor);
        command
    } else {
        Command::new(editor)
    };
    let mut child = command.arg(file).spawn()?;
    let mut waiting = tokio::task::spawn_blocking(move || child.wait());
    loop {
        tokio::select! {
            status = &mut waiting => {
                let status = status.map_err(io::Error::other)??;
                return Ok(status.code().unwrap_or(1));
            }
            signal = signals.next() => match signal {
                // ctrl-z stops the editor and us, `fg` continues both.
                Signal::Stop => Terminal::stop()?,
                Signal::Quit | Signal::Continue => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_nobody_elses_and_goes() {
        let first = file("a: 1\n").unwrap();
        let second = file("b: 2\n").unwrap();
        assert_ne!(first.0, second.0);
        assert_eq!(std::fs::read_to_string(&first.0).unwrap(), "a: 1\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&first.0).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let path = first.0.clone();
        drop(first);
        assert!(!path.exists() && second.0.exists());
    }
}
