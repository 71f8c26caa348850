//! The audit: one JSON line for everything that was written to a cluster, or was to be and was not.

use std::fs;
use std::io::{self, Write};

use super::{Keep, private_file, private_folder};
use crate::actions::outcome::Record;

/// The file in the state folder.
pub const FILE: &str = "audit.jsonl";
/// The one before it: what is older goes.
pub const OLD: &str = "audit.1.jsonl";
/// From this size on a new file begins.
const MOST: u64 = 1024 * 1024;

impl Keep {
    /// Adds a line.
    ///
    /// # Errors
    /// The file cannot be written; what was done is done all the same.
    pub fn record(&self, record: &Record) -> io::Result<()> {
        let Some(folder) = self.folder() else {
            return Ok(());
        };
        private_folder(folder)?;
        let path = folder.join(FILE);
        if fs::metadata(&path).is_ok_and(|meta| meta.len() >= MOST) {
            fs::rename(&path, folder.join(OLD))?;
        }
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        // one write: lines of several jobdecks do not mix
        private_file(&path, true)?.write_all(&line)
    }
}
