//! One key with its modifiers, read from files, taken from the terminal, and printed. Separate because terminals
//! report the same key in several ways and all of them must come out equal.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key press in its one normal form: shifted letters are capitals, control letters are small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// One or more chords pressed in turn, e.g. `g g`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sequence(Vec<Chord>);

const NAMED: [(&str, KeyCode); 17] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("page-up", KeyCode::PageUp),
    ("page-down", KeyCode::PageDown),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("minus", KeyCode::Char('-')),
    ("plus", KeyCode::Char('+')),
];

/// Other spellings people are used to.
const ALSO: [(&str, &str); 8] = [
    ("return", "enter"),
    ("escape", "esc"),
    ("del", "delete"),
    ("ins", "insert"),
    ("pageup", "page-up"),
    ("pgup", "page-up"),
    ("pagedown", "page-down"),
    ("pgdn", "page-down"),
];

impl Chord {
    pub(super) const ESC: Chord = Chord {
        code: KeyCode::Esc,
        modifiers: KeyModifiers::NONE,
    };

    /// The chord of a terminal event; none for releases and bare modifier keys.
    pub fn from_event(key: KeyEvent) -> Option<Self> {
        if key.kind == KeyEventKind::Release
            || matches!(key.code, KeyCode::Modifier(_) | KeyCode::Null)
        {
            return None;
        }
        let held =
            KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT | KeyModifiers::SUPER;
        Some(Self::normal(key.code, key.modifiers & held))
    }

    fn normal(code: KeyCode, mut modifiers: KeyModifiers) -> Self {
        let code = match code {
            KeyCode::BackTab => {
                modifiers |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            KeyCode::Char(c) => {
                let shifted = modifiers.contains(KeyModifiers::SHIFT);
                if c != ' ' {
                    modifiers -= KeyModifiers::SHIFT;
                }
                KeyCode::Char(if modifiers.contains(KeyModifiers::CONTROL) {
                    // Without the kitty protocol these four arrive as control-digit.
                    match c {
                        '4' => '\\',
                        '5' => ']',
                        '6' => '^',
                        '7' => '/',
                        '_' => '/',
                        c => c.to_ascii_lowercase(),
                    }
                } else if shifted && c.is_lowercase() {
                    let mut upper = c.to_uppercase();
                    match (upper.next(), upper.next()) {
                        (Some(one), None) => one,
                        _ => c,
                    }
                } else {
                    c
                })
            }
            code => code,
        };
        Self { code, modifiers }
    }

    /// The character this would type, if it is one without control or alt.
    pub fn typed(&self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if (self.modifiers - KeyModifiers::SHIFT).is_empty() => Some(c),
            _ => None,
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        while let Some((head, tail)) = rest.split_once('-') {
            if tail.is_empty() {
                break;
            }
            modifiers |= match head.to_ascii_lowercase().as_str() {
                "ctrl" | "control" => KeyModifiers::CONTROL,
                "alt" | "meta" => KeyModifiers::ALT,
                "shift" => KeyModifiers::SHIFT,
                "super" => KeyModifiers::SUPER,
                _ => break,
            };
            rest = tail;
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (None, _) => return Err("is empty".to_owned()),
            (Some(c), None) if !c.is_control() => KeyCode::Char(c),
            _ => {
                let name = rest.to_ascii_lowercase();
                let name = ALSO
                    .iter()
                    .find(|(also, _)| *also == name)
                    .map_or(name.as_str(), |(_, name)| name);
                let function = name
                    .strip_prefix('f')
                    .and_then(|n| n.parse::<u8>().ok())
                    .filter(|n| (1..=24).contains(n));
                match (NAMED.iter().find(|(named, _)| *named == name), function) {
                    (Some((_, code)), _) => *code,
                    (_, Some(n)) => KeyCode::F(n),
                    _ => {
                        let names = NAMED.iter().map(|(named, _)| *named);
                        return Err(match crate::ui::source::nearest(name, names) {
                            Some(near) => format!("`{text}` is not a key (did you mean `{near}`?)"),
                            None => format!("`{text}` is not a key"),
                        });
                    }
                }
            }
        };
        let chord = Self::normal(code, modifiers);
        let same = match (chord.code, chord.modifiers) {
            (KeyCode::Char('i'), KeyModifiers::CONTROL) => Some("tab"),
            (KeyCode::Char('m'), KeyModifiers::CONTROL) => Some("enter"),
            (KeyCode::Char('['), KeyModifiers::CONTROL) => Some("esc"),
            _ => None,
        };
        match same {
            Some(key) => Err(format!(
                "`{text}` cannot be told from `{key}` in most terminals; bind that"
            )),
            None => Ok(chord),
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "ctrl-"),
            (KeyModifiers::ALT, "alt-"),
            (KeyModifiers::SHIFT, "shift-"),
            (KeyModifiers::SUPER, "super-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        // `-` and `+` are shown as themselves; the names exist for those who like to write them.
        let named = NAMED
            .iter()
            .find(|(_, code)| *code == self.code)
            .map(|(name, _)| *name);
        match (self.code, named) {
            (KeyCode::Char(c), _) if c != ' ' => write!(f, "{c}"),
            (_, Some(name)) => f.write_str(name),
            (KeyCode::F(n), _) => write!(f, "f{n}"),
            (code, _) => write!(f, "{code}"),
        }
    }
}

impl Sequence {
    /// The chords in the order they are pressed; never empty.
    pub fn chords(&self) -> &[Chord] {
        &self.0
    }

    /// Whether pressing one would fire while the other is still being typed (or they are the same).
    pub(super) fn collides(&self, other: &Sequence) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }
}

impl FromStr for Sequence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let chords: Vec<Chord> = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if chords.is_empty() {
            Err("is empty; write \"space\" for the space bar".to_owned())
        } else {
            Ok(Self(chords))
        }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `gg` reads better than `g g` when both are plain characters.
        let plain = self
            .0
            .iter()
            .all(|chord| chord.typed().is_some_and(|c| c != ' '));
        for (n, chord) in self.0.iter().enumerate() {
            if n > 0 && !plain {
                f.write_str(" ")?;
            }
            write!(f, "{chord}")?;
        }
        Ok(())
    }
}
