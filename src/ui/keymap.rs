//! Keys → actions, as data. The actions are the application's (`Bindable`); separate so that help, footer and
//! palette read the same bindings the keyboard uses.

use std::path::PathBuf;

use crossterm::event::KeyEvent;

use super::SourceError;

mod chord;
mod load;
#[cfg(test)]
mod tests;

pub use chord::{Chord, Sequence};

/// What keys can be bound to: an enum of named actions.
pub trait Bindable: Copy + Eq + 'static {
    /// Every action, in the order help shows them.
    fn all() -> &'static [Self];
    /// The name in keymap files, kebab-case.
    fn name(self) -> &'static str;
    /// What it does, in a few words.
    fn describe(self) -> &'static str;
    /// The scope it belongs to; a keymap file may bind it in other scopes as well.
    fn scope(self) -> &'static str;
    /// By its name.
    fn parse(name: &str) -> Option<Self> {
        Self::all()
            .iter()
            .copied()
            .find(|action| action.name() == name)
    }
    /// Scopes beyond those the actions belong to.
    fn more_scopes() -> &'static [&'static str] {
        &[]
    }
}

/// One key sequence and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding<A> {
    scope: String,
    keys: Sequence,
    action: A,
    file: String,
    line: usize,
}

impl<A: Bindable> Binding<A> {
    /// Where it holds.
    pub fn scope(&self) -> &str {
        &self.scope
    }
    /// The keys, one after the other.
    pub fn keys(&self) -> &Sequence {
        &self.keys
    }
    /// What they do.
    pub fn action(&self) -> A {
        self.action
    }
}

/// All bindings, ready for look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap<A> {
    name: String,
    bindings: Vec<Binding<A>>,
}

/// The keys pressed so far of a sequence like `g g`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending(Vec<Chord>);

impl Pending {
    /// Whether a sequence has begun.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Forgets what was pressed.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl std::fmt::Display for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, chord) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{chord}")?;
        }
        Ok(())
    }
}

/// What a key press came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press<A> {
    /// Do this.
    Action(A),
    /// The beginning of a sequence, or the end of an abandoned one: nothing to do, nothing to type.
    Pending,
    /// Not bound here.
    None,
}

/// Where keymaps come from: the ones built in, and a folder of the user's that may add to or override them.
#[derive(Debug, Clone, Default)]
pub struct Keymaps {
    folder: Option<PathBuf>,
}

/// The keymap used when nothing else is asked for.
pub const DEFAULT: &str = "default";

impl Keymaps {
    /// Built-in keymaps, with `*.toml` of a folder before them.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// All names, built in first.
    pub fn names(&self) -> Vec<String> {
        load::names(self.folder.as_deref())
    }

    /// Loads one keymap with what it inherits.
    ///
    /// # Errors
    /// An unknown name, an unreadable file, unknown scopes, actions or keys, and keys bound twice in a scope, each
    /// with file and line.
    pub fn load<A: Bindable>(&self, name: &str) -> Result<Keymap<A>, SourceError> {
        load::keymap(self.folder.as_deref(), name)
    }
}

/// Loads a keymap from a text, for tests and for settings files; it may inherit the built-in ones.
///
/// # Errors
/// As [`Keymaps::load`].
pub fn from_text<A: Bindable>(file: &str, text: &str) -> Result<Keymap<A>, SourceError> {
    load::from_text(file, text)
}

impl<A: Bindable> Keymap<A> {
    /// A keymap without any key, for when none can be read.
    pub fn empty() -> Self {
        Self {
            name: "empty".to_owned(),
            bindings: Vec::new(),
        }
    }

    /// Its name, as in `--keymap`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every binding, by scope and in file order.
    pub fn bindings(&self) -> &[Binding<A>] {
        &self.bindings
    }

    /// What a key does, looked up scope by scope: the first scope that knows the key, or a sequence beginning with
    /// it, decides. `scopes` runs from the narrowest to `global`.
    pub fn press(&self, pending: &mut Pending, scopes: &[&str], key: KeyEvent) -> Press<A> {
        let Some(chord) = Chord::from_event(key) else {
            return Press::None;
        };
        let begun = !pending.is_empty();
        if begun && chord == Chord::ESC {
            pending.clear();
            return Press::Pending;
        }
        pending.0.push(chord);
        match self.find(scopes, &pending.0) {
            Press::Pending => return Press::Pending,
            Press::Action(action) => {
                pending.clear();
                return Press::Action(action);
            }
            Press::None => pending.clear(),
        }
        if !begun {
            return Press::None;
        }
        // `g` then `j`: the sequence is given up and the last key counts by itself.
        match self.find(scopes, &[chord]) {
            Press::Pending => {
                pending.0.push(chord);
                Press::Pending
            }
            Press::None => Press::Pending,
            action => action,
        }
    }

    fn find(&self, scopes: &[&str], keys: &[Chord]) -> Press<A> {
        for scope in scopes {
            let mut begun = false;
            for binding in self
                .bindings
                .iter()
                .filter(|binding| binding.scope == *scope)
            {
                let bound = binding.keys.chords();
                if bound == keys {
                    return Press::Action(binding.action);
                }
                begun |= bound.starts_with(keys);
            }
            if begun {
                return Press::Pending;
            }
        }
        Press::None
    }

    /// The key sequences of an action in these scopes, leaving out those a narrower scope takes away.
    pub fn keys_for(&self, action: A, scopes: &[&str]) -> Vec<&Sequence> {
        let mut found = Vec::new();
        for scope in scopes {
            for binding in self
                .bindings
                .iter()
                .filter(|binding| binding.action == action && binding.scope == *scope)
            {
                if self.find(scopes, binding.keys.chords()) == Press::Action(action)
                    && !found.contains(&&binding.keys)
                {
                    found.push(&binding.keys);
                }
            }
        }
        found
    }

    /// The key to show for an action: the first one written for it, if it works in these scopes.
    pub fn key_for(&self, action: A, scopes: &[&str]) -> Option<&Sequence> {
        self.keys_for(action, scopes).into_iter().next()
    }

    /// Every key sequence of an action, wherever it holds: for the palette.
    pub fn all_keys_for(&self, action: A) -> Vec<&Sequence> {
        let mut found: Vec<&Sequence> = Vec::new();
        for binding in self
            .bindings
            .iter()
            .filter(|binding| binding.action == action)
        {
            if !found.contains(&&binding.keys) {
                found.push(&binding.keys);
            }
        }
        found
    }

    /// The actions bound in a scope with their keys, in the actions' own order: for help and footer.
    pub fn hints(&self, scope: &str) -> Vec<(A, Vec<&Sequence>)> {
        A::all()
            .iter()
            .map(|action| (*action, self.keys_for(*action, &[scope])))
            .filter(|(_, keys)| !keys.is_empty())
            .collect()
    }

    /// How a begun sequence may go on in these scopes.
    pub fn continuations(&self, pending: &Pending, scopes: &[&str]) -> Vec<(String, A)> {
        if pending.is_empty() {
            return Vec::new();
        }
        let Some(scope) = scopes
            .iter()
            .find(|scope| self.find(&[scope], &pending.0) == Press::Pending)
        else {
            return Vec::new();
        };
        self.bindings
            .iter()
            .filter(|binding| {
                binding.scope == *scope && binding.keys.chords().starts_with(&pending.0)
            })
            .map(|binding| {
                (
                    Pending(binding.keys.chords()[pending.0.len()..].to_vec()).to_string(),
                    binding.action,
                )
            })
            .collect()
    }

    /// Actions without any key: they are reached through the palette.
    pub fn unbound(&self) -> Vec<A> {
        A::all()
            .iter()
            .copied()
            .filter(|action| self.bindings.iter().all(|b| b.action != *action))
            .collect()
    }
}
