//! What one line said: named values in the order they are told, and how they are written.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A field's name: one of the known ones, or the program's own.
pub type Name = Cow<'static, str>;

#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    Number(f64),
    Text(Cow<'static, str>),
    Flag(bool),
}

impl Field {
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<f64> for Field {
    fn from(n: f64) -> Self {
        Self::Number(n)
    }
}

impl From<&'static str> for Field {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Cow<'static, str>> for Field {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

/// Not a number has no JSON: it and the infinities are the strings `NaN`, `Infinity`, `-Infinity`.
impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(n) if n.is_nan() => serializer.serialize_str("NaN"),
            Self::Number(n) if n.is_infinite() => {
                serializer.serialize_str(if *n > 0.0 { "Infinity" } else { "-Infinity" })
            }
            // Counts are written as counts.
            Self::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => {
                serializer.serialize_i64(*n as i64)
            }
            Self::Number(n) => serializer.serialize_f64(*n),
        }
    }
}

/// The fields of one recognised line. Each name once; which there are is in docs/scripts.md.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    fields: Vec<(Name, Field)>,
}

impl Record {
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.0 == name).map(|f| &f.1)
    }

    /// A number's value.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.number()
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.text()
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds a field; what was said first stays.
    pub(super) fn add(&mut self, name: impl Into<Name>, field: impl Into<Field>) {
        let name = name.into();
        if !self.has(&name) {
            self.fields.push((name, field.into()));
        }
    }

    /// An empty one with room for the fields of most lines.
    pub(super) fn roomy() -> Self {
        Self {
            fields: Vec::with_capacity(10),
        }
    }

    /// Puts fields in front of all others.
    pub(super) fn lead(&mut self, front: &[(&'static str, f64)]) {
        self.fields
            .retain(|field| front.iter().all(|new| new.0 != field.0));
        let new = front
            .iter()
            .map(|(name, value)| (Name::Borrowed(name), Field::Number(*value)));
        self.fields.splice(0..0, new);
    }

    /// Another value for a field that is there; the one before.
    pub(super) fn replace(&mut self, name: &str, value: f64) -> Option<f64> {
        let field = &mut self.fields.iter_mut().find(|f| f.0 == name)?.1;
        let before = field.number();
        *field = Field::Number(value);
        before
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Field> {
        let at = self.fields.iter().position(|f| f.0 == name)?;
        Some(self.fields.remove(at).1)
    }

    /// What is no number is an alarm.
    pub(super) fn ring(&mut self) {
        let mut found = None;
        for (name, field) in self.fields() {
            let Some(n) = field.number() else { continue };
            if n.is_nan() {
                found = Some("nan");
                break;
            }
            if n.is_infinite() && !matches!(name, "eta_s" | "mfu" | "best") {
                found = Some("inf");
            }
        }
        if let Some(alarm) = found {
            self.add("alarm", alarm);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Names and values, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.fields.iter().map(|f| (&*f.0, &f.1))
    }

    /// Takes over what the other says and this one does not.
    pub(super) fn merge(&mut self, other: Record) {
        for (name, field) in other.fields {
            self.add(name, field);
        }
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (name, field) in &self.fields {
            map.serialize_entry(name, field)?;
        }
        map.end()
    }
}
