//! What is kept on this machine of what was written to a cluster: the audit, and the trash that undo takes from.
//! Files of the user's state folder, readable by the user only, bounded. No cluster is known here.

pub mod audit;
pub mod habits;
pub mod trash;
pub mod unsent;
pub mod views;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// How it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Manifests kept; 0: none, and nothing can be undone.
    pub most: usize,
    /// Values that look like secrets are masked on disk.
    pub mask: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            most: 200,
            mask: true,
        }
    }
}

/// The folder, and what only this process remembers: manifests with nothing masked.
pub struct Keep {
    folder: Option<PathBuf>,
    rules: Rules,
    whole: Mutex<HashMap<String, Value>>,
}

/// Whole manifests remembered.
const WHOLE: usize = 64;

impl Keep {
    /// Without a folder nothing is kept.
    pub fn new(folder: Option<PathBuf>, rules: Rules) -> Self {
        Self {
            folder,
            rules,
            whole: Mutex::default(),
        }
    }

    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Something is kept of what is deleted.
    pub fn keeps(&self) -> bool {
        self.rules.most > 0 && self.folder.is_some()
    }

    fn remember(&self, id: &str, manifest: Value) {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if whole.len() >= WHOLE {
            // which one does not matter: ids begin with the time
            if let Some(oldest) = whole.keys().min().cloned() {
                whole.remove(&oldest);
            }
        }
        whole.insert(id.to_owned(), manifest);
    }

    fn remembered(&self, id: &str) -> Option<Value> {
        let whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        whole.get(id).cloned()
    }
}

/// Makes a folder that only the user may look into.
fn private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Opens a file that only the user may read, to append or anew.
fn private_file(path: &Path, append: bool) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.create(true).write(true);
    match append {
        true => options.append(true),
        false => options.truncate(true),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Writes a file whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = private_file(&draft, false)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}
