//! Sets of field paths, and their `FieldsV1` form.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Field(String),
    /// The key fields of a list item, as compact JSON with sorted names.
    Key(String),
    /// The value of a set item, as JSON.
    Value(String),
    Index(usize),
}

impl Part {
    fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(key) => format!("k:{key}"),
            Self::Value(value) => format!("v:{value}"),
            Self::Index(i) => format!("i:{i}"),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => Some(Self::Key(rest.to_owned())),
            "v" => Some(Self::Value(rest.to_owned())),
            "i" => rest.parse().ok().map(Self::Index),
            _ => None,
        }
    }

    /// As conflicts spell it: `.spec`, `[name="a"]`.
    pub fn show(&self) -> String {
        match self {
            Self::Field(name) => format!(".{name}"),
            Self::Key(key) => {
                let parsed: Value = serde_json::from_str(key).unwrap_or_default();
                let pairs: Vec<String> = parsed
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(k, v)| format!("{k}={v}"))
                    .collect();
                format!("[{}]", pairs.join(","))
            }
            Self::Value(value) => format!("[={value}]"),
            Self::Index(i) => format!("[{i}]"),
        }
    }
}

/// A set of paths, as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    /// The path that leads here is in the set.
    pub member: bool,
    pub children: BTreeMap<Part, Set>,
}

impl Set {
    pub fn is_empty(&self) -> bool {
        !self.member && self.children.values().all(Self::is_empty)
    }

    pub fn insert(&mut self, path: &[Part]) {
        let mut at = self;
        for part in path {
            at = at.children.entry(part.clone()).or_default();
        }
        at.member = true;
    }

    pub fn has(&self, path: &[Part]) -> bool {
        let found = path.iter().try_fold(self, |s, part| s.children.get(part));
        found.is_some_and(|s| s.member)
    }

    pub fn child(&self, part: &Part) -> Option<&Self> {
        self.children.get(part)
    }

    pub fn union(&mut self, other: &Self) {
        self.member |= other.member;
        for (part, set) in &other.children {
            self.children.entry(part.clone()).or_default().union(set);
        }
    }

    /// Takes away the members of `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.member &= !other.member;
        for (part, set) in &other.children {
            if let Some(mine) = self.children.get_mut(part) {
                mine.subtract(set);
            }
        }
        self.tidy();
    }

    /// Takes away the members of `other` and all that lies below them.
    pub fn subtract_below(&mut self, other: &Self) {
        if other.member {
            *self = Self::default();
            return;
        }
        for (part, set) in &other.children {
            if let Some(mine) = self.children.get_mut(part) {
                mine.subtract_below(set);
            }
        }
        self.tidy();
    }

    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Self {
            member: self.member && other.member,
            children: BTreeMap::new(),
        };
        for (part, mine) in &self.children {
            if let Some(theirs) = other.children.get(part) {
                let both = mine.intersection(theirs);
                if !both.is_empty() {
                    out.children.insert(part.clone(), both);
                }
            }
        }
        out
    }

    fn tidy(&mut self) {
        self.children.retain(|_, set| !set.is_empty());
    }

    /// The members as conflicts spell them.
    pub fn paths(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect("", &mut out);
        out
    }

    fn collect(&self, prefix: &str, out: &mut Vec<String>) {
        if self.member {
            out.push(prefix.to_owned());
        }
        for (part, set) in &self.children {
            set.collect(&format!("{prefix}{}", part.show()), out);
        }
    }

    /// The `FieldsV1` form.
    pub fn encode(&self) -> Value {
        let mut out = Map::new();
        for (part, set) in &self.children {
            if set.is_empty() {
                continue;
            }
            let mut value = set.encode();
            if set.member && !set.children.is_empty() {
                value["."] = json!({});
            }
            out.insert(part.encode(), value);
        }
        Value::Object(out)
    }

    pub fn decode(fields: &Value) -> Self {
        let mut out = Self::default();
        for (key, value) in fields.as_object().into_iter().flatten() {
            if key == "." {
                out.member = true;
                continue;
            }
            if let Some(part) = Part::decode(key) {
                let mut child = Self::decode(value);
                if value.as_object().is_none_or(Map::is_empty) {
                    child.member = true;
                }
                out.children.insert(part, child);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_went() {
        let fields = json!({"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}}, "f:suspend": {}},
                            "f:metadata": {"f:finalizers": {".": {}, "v:\"x\"": {}}}});
        let set = Set::decode(&fields);
        assert_eq!(set.encode(), fields);
        assert_eq!(
            set.paths(),
            [
                ".metadata.finalizers",
                ".metadata.finalizers[=\"x\"]",
                ".spec.containers[name=\"a\"]",
                ".spec.containers[name=\"a\"].image",
                ".spec.suspend"
            ]
        );
    }

    #[test]
    fn sets_add_and_take_away() {
        let f = |s: &str| Part::Field(s.to_owned());
        let mut a = Set::default();
        a.insert(&[f("x"), f("y")]);
        a.insert(&[f("x")]);
        let mut b = Set::default();
        b.insert(&[f("x")]);
        assert_eq!(a.intersection(&b), b);
        let mut below = a.clone();
        below.subtract_below(&b);
        assert!(below.is_empty());
        a.subtract(&b);
        assert_eq!(a.paths(), [".x.y"]);
        a.union(&b);
        assert!(a.has(&[f("x")]) && a.has(&[f("x"), f("y")]));
    }
}
