//! Manifests that were written and not sent, one file each, so that a crash or a lost terminal loses nothing. Values that
//! look like secrets are masked on disk; in a text that does not parse they are looked for line by line.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::{Keep, private_folder, write_whole};
use crate::actions::document::parse;
use crate::actions::secrets;
use crate::actions::unsent::Unsent;

/// The folder in the state folder.
pub const FOLDER: &str = "unsent";
/// Texts kept.
const MOST: usize = 30;
const LARGEST: usize = 2 * 1024 * 1024;

impl Keep {
    fn unsent_folder(&self) -> Option<PathBuf> {
        Some(self.folder()?.join(FOLDER))
    }

    fn unsent_file(&self, id: &str) -> Option<PathBuf> {
        let safe = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let folder = self.unsent_folder()?;
        (safe && !id.is_empty()).then(|| folder.join(format!("{id}.json")))
    }

    /// Keeps a text; the one of the same id before it goes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep_unsent(&self, unsent: &Unsent) -> io::Result<()> {
        let (Some(folder), Some(file)) = (self.unsent_folder(), self.unsent_file(&unsent.id))
        else {
            return Ok(());
        };
        let mut kept = unsent.clone();
        if self.rules.mask {
            for text in [&mut kept.text, &mut kept.original] {
                *text = masked(text).unwrap_or_else(|| secrets::rough(text));
            }
        }
        let bytes = serde_json::to_vec(&kept)?;
        if bytes.len() > LARGEST {
            return Err(io::Error::other("it is too large"));
        }
        private_folder(&folder)?;
        write_whole(&file, &bytes)?;
        let mut files = self.unsent_files();
        let over = files.len().saturating_sub(MOST);
        files.sort_by_key(|path| fs::metadata(path).and_then(|m| m.modified()).ok());
        for path in files.into_iter().take(over) {
            // one that stays is one too many, no more
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    /// It was sent, or given up.
    pub fn drop_unsent(&self, id: &str) {
        if let Some(file) = self.unsent_file(id) {
            // it may never have been written
            let _ = fs::remove_file(file);
        }
    }

    /// What is there, the newest first. Files that cannot be read are left out.
    pub fn unsent(&self) -> Vec<Unsent> {
        let read = |path: PathBuf| serde_json::from_slice(&fs::read(path).ok()?).ok();
        let mut all: Vec<Unsent> = self.unsent_files().into_iter().filter_map(read).collect();
        all.sort_by_key(|unsent| std::cmp::Reverse(unsent.time));
        all
    }

    fn unsent_files(&self) -> Vec<PathBuf> {
        let folder = self.unsent_folder();
        let all = folder.and_then(|folder| fs::read_dir(folder).ok());
        let all = all
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        all.filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect()
    }
}

/// The text with what looks like a secret masked; none where that cannot be told.
fn masked(text: &str) -> Option<String> {
    let mut out = text.to_owned();
    for document in parse(text).ok()? {
        let mut value = document.value.clone();
        for place in secrets::mask(&mut value, false) {
            let whole = document.value.pointer(&place.pointer)?.as_str()?;
            let covered = value.pointer(&place.pointer)?.as_str()?;
            if whole == covered {
                continue;
            }
            if !out.contains(whole) {
                // written another way than it reads
                return None;
            }
            out = out.replace(whole, covered);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::keep::Rules;

    fn unsent(id: &str, n: i64, text: &str) -> Unsent {
        Unsent {
            id: id.into(),
            time: DateTime::UNIX_EPOCH + TimeDelta::seconds(n),
            title: "resubmit job/pi".into(),
            context: "prod".into(),
            text: text.into(),
            original: "kind: Job\n".into(),
        }
    }

    #[test]
    fn newest_first_replaced_dropped_and_masked_on_disk() {
        let home = tempfile::tempdir().unwrap();
        let keep = Keep::new(Some(home.path().into()), Rules::default());
        let secret = "kind: Job\nspec:\n  env:\n  - name: API_TOKEN # mine\n    value: s3cret\n";
        keep.keep_unsent(&unsent("1-1", 1, "kind: Job\n")).unwrap();
        keep.keep_unsent(&unsent("1-2", 2, secret)).unwrap();
        keep.keep_unsent(&unsent("1-1", 3, "kind: Job # later\n"))
            .unwrap();
        let all = keep.unsent();
        let ids: Vec<&str> = all.iter().map(|u| u.id.as_str()).collect();
        assert_eq!(ids, ["1-1", "1-2"]);
        assert_eq!(all[0].text, "kind: Job # later\n");
        assert!(!all[1].text.contains("s3cret") && all[1].text.contains("# mine"));
        assert!(all[1].text.contains(secrets::MASK));
        // what does not parse is kept too
        keep.keep_unsent(&unsent("1-3", 4, "token: s3cret\nkind: [\n"))
            .unwrap();
        keep.keep_unsent(&unsent("../x", 4, "kind: Job\n")).unwrap();
        let all = keep.unsent();
        let broken = format!("token: {}\nkind: [\n", secrets::MASK);
        assert_eq!((all.len(), &all[0].text), (3, &broken));
        keep.drop_unsent("1-3");
        keep.drop_unsent("1-1");
        assert_eq!(keep.unsent().len(), 1);
        let bare = Keep::new(None, Rules::default());
        assert!(bare.keep_unsent(&unsent("1-1", 1, "a: 1\n")).is_ok());
        assert_eq!(bare.unsent(), []);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let file = home.path().join(FOLDER).join("1-2.json");
            let mode = fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn many_make_room() {
        let home = tempfile::tempdir().unwrap();
        let keep = Keep::new(Some(home.path().into()), Rules::default());
        for n in 0..MOST + 3 {
            keep.keep_unsent(&unsent(&format!("1-{n}"), 1, "kind: Job\n"))
                .unwrap();
        }
        assert_eq!(keep.unsent().len(), MOST);
    }
}
