//! Which names a definition may have: none that another definition of its group has already.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The names that were accepted, and the first word on those that were not.
pub struct Accepted {
    /// `status.acceptedNames`
    pub names: Value,
    /// Reason and message of a refusal.
    pub conflict: Option<(&'static str, String)>,
}

/// The names that other definitions of a group hold.
#[derive(Debug, Default)]
pub struct Taken {
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

fn texts(value: &Value) -> Vec<&str> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

impl Taken {
    /// Adds the accepted names of another definition.
    pub fn add(&mut self, names: &Value) {
        let one = |field: &str| names[field].as_str().filter(|n| !n.is_empty());
        let resources = one("plural").into_iter().chain(one("singular"));
        let all = resources.chain(texts(&names["shortNames"]));
        self.resources.extend(all.map(str::to_owned));
        let kinds = one("kind").into_iter().chain(one("listKind"));
        self.kinds.extend(kinds.map(str::to_owned));
    }

    /// Accepts what of the wanted names is free; `before` are the names accepted up to now.
    pub fn accept(&self, wanted: &Value, before: &Value) -> Accepted {
        let mut names = Map::new();
        for field in ["kind", "plural", "singular", "listKind", "shortNames"] {
            if let Some(name) = before.get(field) {
                names.insert(field.to_owned(), name.clone());
            }
        }
        let mut conflict = None;
        for (field, pool, reason) in [
            ("plural", &self.resources, "PluralConflict"),
            ("singular", &self.resources, "SingularConflict"),
            ("shortNames", &self.resources, "ShortNamesConflict"),
            ("kind", &self.kinds, "KindConflict"),
            ("listKind", &self.kinds, "ListKindConflict"),
        ] {
            let value = &wanted[field];
            let all = value.as_str().map_or_else(|| texts(value), |one| vec![one]);
            let used: Vec<String> = all
                .iter()
                .filter(|name| pool.contains(**name))
                .map(|name| format!("\"{name}\" is already in use"))
                .collect();
            match used.as_slice() {
                [] if value.is_null() => {
                    names.remove(field);
                }
                [] => {
                    names.insert(field.to_owned(), value.clone());
                }
                [one] => conflict = Some((reason, one.clone())),
                all => conflict = Some((reason, format!("[{}]", all.join(", ")))),
            }
        }
        for field in ["kind", "plural"] {
            names.entry(field).or_insert_with(|| json!(""));
        }
        if wanted["categories"].is_array() {
            names.insert("categories".to_owned(), wanted["categories"].clone());
        }
        Accepted {
            names: Value::Object(names),
            conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_refused_one_by_one() {
        let mut taken = Taken::default();
        taken.add(&json!({"plural": "gizmos", "singular": "gizmo", "shortNames": ["gz"], "kind": "Gizmo", "listKind": "GizmoList"}));
        let wanted = json!({"plural": "gazmos", "singular": "gizmo", "shortNames": ["gz"], "kind": "Gizmo", "listKind": "GizmoList"});
        let accepted = taken.accept(&wanted, &Value::Null);
        assert_eq!(accepted.names, json!({"kind": "", "plural": "gazmos"}));
        let conflict = accepted.conflict.unwrap();
        assert_eq!(conflict.0, "ListKindConflict");
        assert_eq!(conflict.1, "\"GizmoList\" is already in use");
        let free = json!({"plural": "a", "kind": "A", "listKind": "AList", "singular": "a", "categories": ["all"]});
        let accepted = taken.accept(&free, &accepted.names);
        assert_eq!(accepted.names, free);
        assert!(accepted.conflict.is_none());
    }
}
