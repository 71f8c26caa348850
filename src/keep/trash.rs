//! Manifests of what was deleted, one file each, oldest first out.

use std::fs;
use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Keep, private_folder, write_whole};
use crate::actions::secrets::{self, Masked};

/// The folder in the state folder.
pub const FOLDER: &str = "trash";
/// Larger manifests are not kept.
const LARGEST: usize = 2 * 1024 * 1024;

/// A deleted object that can be made again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Also the name of its file; in the order of time.
    #[serde(default)]
    pub id: String,
    pub time: DateTime<Utc>,
    pub context: String,
    pub server: String,
    /// `pytorchjob`: as kubectl names one.
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// Clean: it can be submitted as it is, unless values are masked.
    pub manifest: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<Masked>,
    /// What is not as it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What it was made again as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<String>,
}

impl Entry {
    /// `job/pi`
    pub fn words(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

fn file_name(entry: &Entry) -> String {
    let safe = |text: &str, most: usize| -> String {
        let chars = text.chars().map(|c| match c {
            c if c.is_ascii_alphanumeric() || c == '-' => c,
            _ => '-',
        });
        chars.take(most).collect()
    };
    format!(
        "{}-{}-{}-{}-{}",
        entry.time.format("%Y%m%dT%H%M%S%3fZ"),
        safe(&entry.kind, 40),
        safe(&entry.namespace, 63),
        safe(&entry.name, 63),
        safe(&entry.uid, 8),
    )
}

impl Keep {
    fn trash(&self) -> Option<PathBuf> {
        Some(self.folder()?.join(FOLDER))
    }

    /// Keeps a manifest: whole in memory, masked on disk. Answers its id.
    ///
    /// # Errors
    /// It cannot be written: then nothing must be deleted that is to be undone.
    pub fn put(&self, mut entry: Entry) -> io::Result<String> {
        let Some(folder) = self.trash() else {
            return Err(io::Error::other("there is no state folder (no home)"));
        };
        private_folder(&folder)?;
        entry.id = file_name(&entry);
        let whole = entry.manifest.clone();
        if self.rules.mask {
            entry.masked = secrets::mask(&mut entry.manifest, false);
        }
        let bytes = serde_json::to_vec_pretty(&entry)?;
        if bytes.len() > LARGEST {
            return Err(io::Error::other(format!(
                "its manifest is larger than {} MiB",
                LARGEST / 1024 / 1024
            )));
        }
        write_whole(&folder.join(format!("{}.json", entry.id)), &bytes)?;
        self.remember(&entry.id, whole);
        self.trim();
        Ok(entry.id)
    }

    /// What is there, newest first. Files that cannot be read are left out.
    pub fn entries(&self) -> Vec<Entry> {
        let mut files = self.files();
        files.sort_unstable_by(|a, b| b.cmp(a));
        let read = |path: PathBuf| {
            let text = fs::read(&path).ok()?;
            let mut entry: Entry = serde_json::from_slice(&text).ok()?;
            entry.id = path.file_stem()?.to_str()?.to_owned();
            Some(entry)
        };
        files.into_iter().filter_map(read).collect()
    }

    /// The manifest of an entry as it was, if this process knows it; else as it is on disk.
    pub fn whole(&self, entry: &Entry) -> Entry {
        match self.remembered(&entry.id) {
            Some(manifest) => Entry {
                manifest,
                masked: Vec::new(),
                ..entry.clone()
            },
            None => entry.clone(),
        }
    }

    /// It was made again, as this.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn undone(&self, id: &str, made: &str) -> io::Result<()> {
        let Some(folder) = self.trash() else {
            return Ok(());
        };
        let path = folder.join(format!("{id}.json"));
        let mut entry: Entry = serde_json::from_slice(&fs::read(&path)?)?;
        entry.undone = Some(made.to_owned());
        write_whole(&path, &serde_json::to_vec_pretty(&entry)?)
    }

    /// It was not deleted after all.
    pub fn forget(&self, id: &str) {
        if let Some(folder) = self.trash() {
            // one that stays is one too many, no more
            let _ = fs::remove_file(folder.join(format!("{id}.json")));
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let Some(folder) = self.trash() else {
            return Vec::new();
        };
        let all = fs::read_dir(folder).into_iter().flatten().flatten();
        all.map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect()
    }

    fn trim(&self) {
        let mut files = self.files();
        files.sort_unstable();
        let over = files.len().saturating_sub(self.rules.most);
        for path in files.into_iter().take(over) {
            // one that stays is one too many, no more
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::keep::Rules;

    fn entry(n: i64) -> Entry {
        Entry {
            id: String::new(),
            time: DateTime::UNIX_EPOCH + TimeDelta::seconds(n),
            context: "prod".into(),
            server: "https://x".into(),
            kind: "job".into(),
            namespace: "ml/../..".into(),
            name: format!("train-{n}"),
            uid: "0a1b2c3d-4e5f".into(),
            manifest: json!({"spec": {"env": [{"name": "API_TOKEN", "value": "s3cret"}]}}),
            masked: Vec::new(),
            notes: Vec::new(),
            undone: None,
        }
    }

    #[test]
    fn newest_first_bounded_private_and_masked_on_disk() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state");
        let rules = Rules {
            most: 3,
            mask: true,
        };
        let keep = Keep::new(Some(folder.clone()), rules);
        let ids: Vec<String> = (0..5).map(|n| keep.put(entry(n)).unwrap()).collect();
        assert!(
            !ids[0].contains('/') && !ids[0].contains(".."),
            "{}",
            ids[0]
        );
        let all = keep.entries();
        let names: Vec<&str> = all.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["train-4", "train-3", "train-2"]);
        assert_eq!(all[0].masked[0].name, "API_TOKEN");
        let path = folder.join(FOLDER).join(format!("{}.json", all[0].id));
        assert!(!fs::read_to_string(&path).unwrap().contains("s3cret"));
        assert!(keep.whole(&all[0]).manifest.to_string().contains("s3cret"));
        // another process does not know what was masked
        let other = Keep::new(Some(folder.clone()), Rules::default());
        assert!(!other.whole(&all[0]).manifest.to_string().contains("s3cret"));
        keep.undone(&all[0].id, "job/train-4-r2").unwrap();
        assert_eq!(keep.entries()[0].undone.as_deref(), Some("job/train-4-r2"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode =
                |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&folder.join(FOLDER))), (0o600, 0o700));
        }
        assert!(Keep::new(None, Rules::default()).put(entry(1)).is_err());
        fs::write(folder.join(FOLDER).join("zz.json"), "{").unwrap();
        assert_eq!(keep.entries().len(), 3, "one broken file hides no other");
    }
}
