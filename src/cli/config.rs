//! `completions`, `man` and `config`: what the program says of itself.

use std::io::{IsTerminal, Write};
use std::path::Path;

use clap::{CommandFactory, ValueEnum};
use clap_complete::{generate, shells};
use clap_complete_nushell::Nushell;
use color_eyre::eyre::{Result, WrapErr, eyre};

use super::table::Table;
use super::{Cli, ConfigCommand};
use crate::settings;
use crate::ui::text::escaped;

/// Shells that completions can be printed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

/// Prints a completion script.
pub fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    let (mut grammar, out) = (Cli::command(), &mut script);
    match shell {
        Shell::Bash => generate(shells::Bash, &mut grammar, "jobdeck", out),
        Shell::Elvish => generate(shells::Elvish, &mut grammar, "jobdeck", out),
        Shell::Fish => generate(shells::Fish, &mut grammar, "jobdeck", out),
        Shell::Nushell => generate(Nushell, &mut grammar, "jobdeck", out),
        Shell::PowerShell => generate(shells::PowerShell, &mut grammar, "jobdeck", out),
        Shell::Zsh => generate(shells::Zsh, &mut grammar, "jobdeck", out),
    }
    print_all(&script)
}

/// Prints the manual page, or writes those of all commands into a folder.
pub fn man(folder: Option<&Path>) -> Result<()> {
    if let Some(folder) = folder {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
        return written.wrap_err_with(|| format!("cannot write to {}", folder.display()));
    }
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
        ConfigCommand::Schema => {
            let schema = serde_json::to_string_pretty(&settings::schema::schema())?;
            print_all((schema + "\n").as_bytes())
        }
        ConfigCommand::Env => {
            let mut table = Table::new(vec!["VARIABLE", "SETS", "WHAT IT DOES"]);
            for variable in settings::env::variables() {
                let key = variable.path.join(".");
                table.push(vec![variable.name, key, variable.description]);
            }
            print_all(table.text().as_bytes())
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
