//! Views that were saved from the screen: one small file, shared by all jobdecks of a user. What is in one is for who reads
//! settings to say.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{private_folder, write_whole};

/// By name.
pub type Views = BTreeMap<String, Value>;

/// Where they are.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("views.json")
}

/// What is kept; nothing, if there is no such file.
///
/// # Errors
/// The file cannot be read, or is none of ours: it is left as it is.
pub fn load(folder: &Path) -> io::Result<Views> {
    match fs::read(file(folder)) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Views::new()),
        Err(e) => Err(e),
    }
}

/// Keeps one among those that are kept by now, in place of one of its name; `None` takes it away.
///
/// # Errors
/// The file cannot be read or written: nothing changed.
pub fn keep(folder: &Path, name: &str, view: Option<Value>) -> io::Result<()> {
    let mut all = load(folder)?;
    match view {
        Some(view) => all.insert(name.to_owned(), view),
        None => all.remove(name),
    };
    private_folder(folder)?;
    write_whole(&file(folder), &serde_json::to_vec_pretty(&all)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_jobdecks_keep_together_and_a_broken_file_stays_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("jobdeck");
        assert_eq!(load(&folder).unwrap(), Views::new());
        keep(&folder, "a", Some(json!({"screen": "jobs"}))).unwrap();
        keep(&folder, "b", Some(json!({"screen": "pods"}))).unwrap();
        keep(&folder, "a", Some(json!({"screen": "nodes"}))).unwrap();
        assert_eq!(load(&folder).unwrap()["a"], json!({"screen": "nodes"}));
        keep(&folder, "a", None).unwrap();
        assert_eq!(load(&folder).unwrap().len(), 1);
        fs::write(file(&folder), "{").unwrap();
        assert!(load(&folder).is_err() && keep(&folder, "c", None).is_err());
        assert_eq!(fs::read_to_string(file(&folder)).unwrap(), "{");
    }
}
