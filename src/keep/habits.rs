//! What somebody has found already: actions whose tip is shown no more. One small file, shared by all jobdecks of a user.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{private_folder, write_whole};
use crate::model::arranged::Arranged;

const FILE: &str = "habits.json";

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Habits {
    /// Names of actions that were used.
    pub used: BTreeSet<String>,
    /// How wide the right one of two panes is, by context and screen, in thousandths.
    pub widths: BTreeMap<String, BTreeMap<String, u16>>,
    /// Columns that were chosen, by context and list, as settings write them; null: no more.
    pub columns: BTreeMap<String, BTreeMap<String, Value>>,
    /// Layouts that were saved, by name.
    pub layouts: BTreeMap<String, Arranged>,
    /// How a context was left, where the settings want it found so.
    pub last_layouts: BTreeMap<String, Arranged>,
}

impl Habits {
    /// What is kept; nothing if there is no such file, or none that can be read: only tips depend on it.
    pub fn load(folder: Option<&Path>) -> Self {
        let text = folder.and_then(|folder| fs::read(folder.join(FILE)).ok());
        let read = text.and_then(|text| serde_json::from_slice(&text).ok());
        read.unwrap_or_default()
    }

    /// Keeps it together with what others have kept meanwhile.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        let mut all = Self::load(Some(folder));
        all.used.extend(self.used.iter().cloned());
        let own = self
            .widths
            .iter()
            .map(|(context, of)| (context.clone(), of.clone()));
        all.widths.extend(own);
        for (context, lists) in &self.columns {
            let kept = all.columns.entry(context.clone()).or_default();
            kept.extend(lists.clone());
            kept.retain(|_, chosen| !chosen.is_null());
        }
        let layouts = |of: &BTreeMap<String, Arranged>| of.clone().into_iter();
        all.layouts.extend(layouts(&self.layouts));
        all.last_layouts.extend(layouts(&self.last_layouts));
        private_folder(folder)?;
        let text = serde_json::to_vec_pretty(&all)?;
        write_whole(&folder.join(FILE), &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Habits {
        Habits {
            used: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Habits::default()
        }
    }

    #[test]
    fn two_jobdecks_keep_together_and_a_broken_file_is_none() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("jobdeck");
        assert_eq!(Habits::load(Some(&folder)), Habits::default());
        of(&["why"]).save(&folder).unwrap();
        of(&["logs"]).save(&folder).unwrap();
        assert_eq!(Habits::load(Some(&folder)), of(&["why", "logs"]));
        for context in ["dev", "prod"] {
            let mut one = Habits::default();
            one.widths
                .insert(context.into(), [("jobs".into(), 500)].into());
            one.save(&folder).unwrap();
        }
        let both = Habits::load(Some(&folder));
        assert_eq!((both.widths.len(), both.used.len()), (2, 2));
        fs::write(folder.join(FILE), "{\"used\": 3").unwrap();
        assert_eq!(Habits::load(Some(&folder)), Habits::default());
        fs::write(folder.join(FILE), "{\"used\": [\"a\"], \"later\": 1}").unwrap();
        assert_eq!(Habits::load(Some(&folder)), of(&["a"]));
        assert_eq!(Habits::load(None), Habits::default());
    }
}
