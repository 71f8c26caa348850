//! Recordings: what the watches of a cluster told, as a file; and the same told again from it.
//!
//! A file holds objects as the server sent them, without secrets, line by line with the time of each. They are read
//! again by the decoders that read a cluster: a recording stays readable when rows change, and a person can read it,
//! too (`zcat`). It is written in parts that are whole by themselves, so that a file that was cut tells all before the
//! cut, and reading may begin at any of them.

mod decode;
pub mod line;
pub mod player;
pub mod read;
pub mod record;
pub mod scan;
pub mod slim;
pub mod write;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("cannot {what} {}: {why}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        why: std::io::Error,
    },
    #[error("{} is no recording: {why}\n`jobdeck record FILE` makes one", path.display())]
    None { path: PathBuf, why: String },
    #[error(
        "{} was recorded by jobdeck {by} in a format of version {version}; this jobdeck reads version {}\nreplay it with jobdeck {by} or newer",
        path.display(),
        line::VERSION
    )]
    Newer {
        path: PathBuf,
        version: u32,
        by: String,
    },
}
