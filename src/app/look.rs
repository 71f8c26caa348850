//! Theme, glyphs and keymap in force, and how they change while running: by name, or because a file did.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::action::{Action, Scope};
use crate::hardware::{self, Catalog};
use crate::ui::keymap::{Keymaps, Pending, Press};
use crate::ui::theme::Themes;
use crate::ui::{Depth, Glyphs, Keymap, Theme};

/// What the screen looks like and what the keys do.
pub struct Look {
    pub theme: Theme,
    pub glyphs: Glyphs,
    pub keymap: Keymap<Action>,
    /// The hardware reference, with the user's entries.
    pub hardware: Arc<Catalog>,
    folder: Option<PathBuf>,
    /// The first keys of a sequence typed so far.
    pending: Pending,
    themes: Themes,
    keymaps: Keymaps,
    depth: Depth,
}

impl Look {
    /// Loads a theme and a keymap by name; what cannot be loaded falls back to the shipped default, and is
    /// said in the answered sentences.
    pub fn load(
        folder: Option<PathBuf>,
        theme: &str,
        keymap: &str,
        depth: Depth,
        glyphs: Glyphs,
    ) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let (hardware, problem) = hardware::load::load(folder.as_deref());
        problems.extend(problem.map(|p| p.to_string()));
        let home = folder.clone();
        let themes = Themes::new(folder.as_ref().map(|f| f.join("themes")));
        let keymaps = Keymaps::new(folder.map(|f| f.join("keymaps")));
        let theme = themes.load(theme, depth, glyphs).unwrap_or_else(|e| {
            problems.push(format!("{e}; using {}", crate::ui::theme::DEFAULT));
            let shipped = Themes::default().load(crate::ui::theme::DEFAULT, depth, glyphs);
            shipped.unwrap_or_else(|_| Theme::plain(glyphs))
        });
        let keymap = keymaps.load(keymap).unwrap_or_else(|e| {
            problems.push(format!("{e}; using {}", crate::ui::keymap::DEFAULT));
            Keymaps::default()
                .load(crate::ui::keymap::DEFAULT)
                .unwrap_or_else(|_| Keymap::empty())
        });
        (
            Self {
                theme,
                glyphs,
                keymap,
                hardware,
                folder: home,
                pending: Pending::default(),
                themes,
                keymaps,
                depth,
            },
            problems,
        )
    }

    /// One key in these scopes, narrowest first.
    pub fn press(&mut self, key: KeyEvent, scopes: &[&str]) -> Option<Action> {
        match self.keymap.press(&mut self.pending, scopes, key) {
            Press::Action(action) => Some(action),
            _ => None,
        }
    }

    /// The same where a key that is bound to nothing is text: none if it is that.
    pub fn press_or(&mut self, key: KeyEvent, scopes: &[&str]) -> Press<Action> {
        self.keymap.press(&mut self.pending, scopes, key)
    }

    /// The keys of an unfinished sequence, for the footer.
    pub fn pending(&self) -> &Pending {
        &self.pending
    }

    /// How the sequence typed so far may go on: one key for each action.
    pub fn continuations(&self, scopes: &[Scope]) -> Vec<(String, Action)> {
        let scopes: Vec<&str> = scopes.iter().map(|s| s.name()).collect();
        let mut next = self.keymap.continuations(&self.pending, &scopes);
        let mut seen = std::collections::BTreeSet::new();
        next.retain(|(_, action)| seen.insert(*action));
        next
    }

    /// The first key bound to an action in these scopes, as it is printed.
    pub fn key_for(&self, action: Action, scopes: &[Scope]) -> Option<String> {
        let scopes: Vec<&str> = scopes.iter().map(|s| s.name()).collect();
        self.keymap
            .key_for(action, &scopes)
            .map(ToString::to_string)
    }

    /// Whether a key, as it is printed, is the slider's.
    pub fn is_slider_key(&self, key: &str) -> bool {
        let mut all = Action::ALL
            .iter()
            .filter(|action| action.scope() == Scope::Past);
        all.any(|action| self.key_for(*action, &[Scope::Past]).as_deref() == Some(key))
    }

    /// Names of all themes there are.
    pub fn theme_names(&self) -> Vec<String> {
        self.themes.names()
    }

    /// The theme after the one in force.
    pub fn next_theme(&self) -> String {
        let names = self.themes.names();
        let at = names
            .iter()
            .position(|n| n == self.theme.name())
            .map_or(0, |i| i + 1);
        names.get(at).or(names.first()).cloned().unwrap_or_default()
    }

    /// Switches the theme; a bad one changes nothing.
    pub fn use_theme(&mut self, name: &str) -> Result<(), String> {
        self.theme = self
            .themes
            .load(name, self.depth, self.glyphs)
            .map_err(|e| e.to_string())?;
        Ok(())
    }

    /// Loads theme and keymap anew from their files. What is broken stays as it runs; the sentences say what.
    pub fn reload(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        let name = self.theme.name().to_owned();
        if let Err(why) = self.use_theme(&name) {
            problems.push(format!("theme kept as it was: {why}"));
        }
        match self.keymaps.load(self.keymap.name()) {
            Ok(keymap) => self.keymap = keymap,
            Err(e) => problems.push(format!("keys kept as they were: {e}")),
        }
        match hardware::load::load(self.folder.as_deref()) {
            (hardware, None) => self.hardware = hardware,
            (_, Some(e)) => problems.push(format!("hardware reference kept as it was: {e}")),
        }
        problems
    }
}
