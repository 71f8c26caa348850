//! Records on disk: one file each, private, written whole or not at all, bounded. Separate because it is the only place
//! that touches the disk, and it blocks.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Limits, Record, VERSION};

/// The folder of all records.
#[derive(Debug, Clone)]
pub struct Keep {
    folder: PathBuf,
    limits: Limits,
}

/// Why nothing is kept, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    #[error("no record of jobs is kept: cannot write {}: {why}; `enabled = false` under [history] in the settings stops trying", .path.display())]
    Write { path: PathBuf, why: io::Error },
    #[error("no record of jobs: cannot read {}: {why}", .path.display())]
    Read { path: PathBuf, why: io::Error },
}

/// What was read: records, the newest first, and what was wrong with others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shelf {
    pub records: Vec<Record>,
    pub problems: Vec<String>,
}

impl Keep {
    pub fn new(folder: PathBuf, limits: Limits) -> Self {
        Self { folder, limits }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a record, with what an earlier one of the same workload knew more; what is over the limits goes. Other
    /// jobdecks may do the same at the same time. Answers what is kept now.
    ///
    /// # Errors
    /// The folder cannot be made or written to.
    pub fn save(&self, record: Record) -> Result<Record, KeepError> {
        let failed = |why| KeepError::Write {
            path: self.folder.clone(),
            why,
        };
        make_folder(&self.folder).map_err(failed)?;
        // who cannot lock (some network disks) is still safe from halves, by the rename
        let lock = private(&self.folder.join(".lock"), false).ok();
        let locked = lock.as_ref().is_some_and(|lock| lock.lock().is_ok());
        let path = self.folder.join(name(&record));
        let record = match read(&path) {
            Ok(older) => older.merge(record),
            Err(_) => record,
        };
        let result = self.write(&path, &record).map_err(failed);
        self.bound(&path);
        if locked && let Some(lock) = lock {
            let _ = lock.unlock();
        }
        result.map(|()| record)
    }

    fn write(&self, path: &Path, record: &Record) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(record)?;
        bytes.push(b'\n');
        let most = self.limits.max_mib.saturating_mul(1 << 20) / 4;
        if bytes.len() as u64 > most {
            return Err(io::Error::other(format!(
                "a record of {} bytes is more than a quarter of max-mib",
                bytes.len()
            )));
        }
        let named = path.file_name().and_then(|name| name.to_str());
        let stem = named.unwrap_or("record");
        let thread = std::thread::current().id();
        let temporary = format!(".{stem}.{}.{thread:?}.tmp", std::process::id());
        let temporary = self.folder.join(temporary.replace(['(', ')'], ""));
        let written = private(&temporary, true)
            .and_then(|mut file| file.write_all(&bytes))
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// The oldest go until what is left is within the limits; never the one just written.
    fn bound(&self, newest: &Path) {
        let mut files = self.files();
        files.sort_by_key(|(path, at, _)| (path != newest, std::cmp::Reverse(*at)));
        let most = self.limits.max_mib.saturating_mul(1 << 20);
        let mut bytes = 0u64;
        for (n, (path, _, size)) in files.iter().enumerate() {
            bytes = bytes.saturating_add(*size);
            if n > 0 && (n >= self.limits.max_records || bytes > most) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Paths, times of the last change, sizes.
    fn files(&self) -> Vec<(PathBuf, SystemTime, u64)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let known = entries.filter_map(|entry| {
            let path = entry.path();
            let name = path.file_name()?.to_str()?;
            let record = name.ends_with(".json") && !name.starts_with('.');
            let about = entry.metadata().ok().filter(|_| record)?;
            let at = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            Some((path.clone(), at, about.len()))
        });
        known.collect()
    }

    /// All records, the newest first. A file that is none is told, put aside as `….broken` and not read again; no folder
    /// is no record.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn load(&self) -> Result<Shelf, KeepError> {
        match fs::read_dir(&self.folder) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Shelf::default()),
            Err(why) => {
                let path = self.folder.clone();
                return Err(KeepError::Read { path, why });
            }
            Ok(_) => {}
        }
        let mut shelf = Shelf::default();
        for (path, _, _) in self.files() {
            match read(&path) {
                Ok(record) => shelf.records.push(record),
                // another jobdeck removed it meanwhile
                Err(Unread::Gone) => {}
                Err(Unread::Newer(version)) => shelf.problems.push(format!(
                    "{} was written by a newer jobdeck (format {version}) and is left alone",
                    path.display()
                )),
                Err(Unread::Broken(why)) => {
                    let aside = path.with_extension("json.broken");
                    let kept = match fs::rename(&path, &aside) {
                        Ok(()) => format!("kept aside as {}", aside.display()),
                        Err(e) => format!("left as it is: {e}"),
                    };
                    let text = format!("{} is no record: {why}; {kept}", path.display());
                    shelf.problems.push(text);
                }
            }
        }
        shelf.records.sort_by(|a, b| {
            let when = |r: &Record| r.finished.or(r.deleted).unwrap_or(r.updated);
            when(b).cmp(&when(a)).then_with(|| a.name.cmp(&b.name))
        });
        Ok(shelf)
    }
}

enum Unread {
    Gone,
    Newer(u32),
    Broken(String),
}

fn read(path: &Path) -> Result<Record, Unread> {
    let bytes = fs::read(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Unread::Gone,
        _ => Unread::Broken(e.to_string()),
    })?;
    let mut record: Record =
        serde_json::from_slice(&bytes).map_err(|e| Unread::Broken(e.to_string()))?;
    match record.version {
        1..=VERSION if !record.uid.is_empty() => {
            record.mend();
            Ok(record)
        }
        newer if newer > VERSION => Err(Unread::Newer(newer)),
        _ => Err(Unread::Broken("it names no workload".into())),
    }
}

/// The file of a workload: its uid, and nothing that may lead elsewhere.
fn name(record: &Record) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let uid: String = record.uid.chars().filter(safe).take(64).collect();
    format!("{uid}.json")
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// A file only its owner may read.
fn private(path: &Path, anew: bool) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(anew);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
