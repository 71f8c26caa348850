//! `completions`, `man` and `config`: what the program says of itself.

use std::io::{IsTerminal, Write};

use clap::CommandFactory;
use clap_complete::Shell;
use color_eyre::eyre::{Result, eyre};

use super::{Cli, ConfigCommand};
use crate::settings;
use crate::ui::text::escaped;

/// Prints a completion script.
pub fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "jobdeck", &mut script);
    print_all(&script)
}

/// Prints the manual page.
pub fn man() -> Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    print_all(&page)
}

/// Prints the settings in force, or where their file is.
pub fn config(what: Option<ConfigCommand>) -> Result<()> {
    let file = settings::file();
    match what.unwrap_or(ConfigCommand::Show) {
        ConfigCommand::Path => {
            let file = file.ok_or_else(|| eyre!("no home folder: set HOME or XDG_CONFIG_HOME"))?;
            print_all(format!("{}\n", file.display()).as_bytes())
        }
        ConfigCommand::Show => {
            let (settings, problem) = settings::load(file.as_deref());
            if let Some(problem) = problem {
                say!("jobdeck: {problem}");
            }
            print_all(settings::show(&settings).as_bytes())
        }
    }
}

/// Writes to standard output; a reader that has seen enough (`| head`) is no error. A program behind a pipe gets the
/// bytes; on a terminal what it would obey is written as escapes.
pub fn print_all(bytes: &[u8]) -> Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(text) if std::io::stdout().is_terminal() => print_raw(escaped(text).as_bytes()),
        _ => print_raw(bytes),
    }
}

/// The same of prose, wherever it goes: nobody takes it apart.
pub fn print_text(text: &str) -> Result<()> {
    print_raw(escaped(text).as_bytes())
}

/// The same of what is meant for the terminal as it is.
pub fn print_raw(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
