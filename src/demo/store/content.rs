//! What an object is: its JSON bytes, the tree that it was written as, or both.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use serde_json::Value;

/// At least one of both is there at any time; the other is made of it where it is asked for.
#[derive(Debug, Default)]
pub(super) struct Content {
    text: OnceLock<Text>,
    tree: Mutex<Tree>,
}

/// The bytes of an object.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub json: Arc<[u8]>,
    /// Where the fields after `kind` and `apiVersion` begin.
    pub body: usize,
}

/// The parsed object.
#[derive(Debug)]
enum Tree {
    /// As long as somebody else holds it.
    Borrowed(Weak<Value>),
    Kept(Arc<Value>),
}

impl Default for Tree {
    fn default() -> Self {
        Self::Borrowed(Weak::new())
    }
}

impl Clone for Content {
    fn clone(&self) -> Self {
        Self {
            text: OnceLock::from(self.text().clone()),
            tree: Mutex::default(),
        }
    }
}

impl Content {
    pub fn of_text(json: Vec<u8>) -> Self {
        let text = Text {
            body: body(&json),
            json: json.into(),
        };
        Self {
            text: OnceLock::from(text),
            tree: Mutex::default(),
        }
    }

    pub fn of_tree(tree: Arc<Value>) -> Self {
        Self {
            text: OnceLock::new(),
            tree: Mutex::new(Tree::Kept(tree)),
        }
    }

    /// As bytes, and as the tree while somebody holds that.
    pub fn of_both(tree: &Arc<Value>) -> Self {
        Self {
            text: OnceLock::from(encode(tree)),
            tree: Mutex::new(Tree::Borrowed(Arc::downgrade(tree))),
        }
    }

    fn held(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn text(&self) -> &Text {
        self.text
            .get_or_init(|| encode(&self.tree_at_hand().unwrap_or_default()))
    }

    /// The tree, if it need not be parsed.
    pub fn tree_at_hand(&self) -> Option<Arc<Value>> {
        match &*self.held() {
            Tree::Borrowed(tree) => tree.upgrade(),
            Tree::Kept(tree) => Some(tree.clone()),
        }
    }

    pub fn tree(&self) -> Arc<Value> {
        self.tree_at_hand().unwrap_or_else(|| {
            let parsed = serde_json::from_slice(&self.text().json).unwrap_or(Value::Null);
            let parsed = Arc::new(parsed);
            *self.held() = Tree::Borrowed(Arc::downgrade(&parsed));
            parsed
        })
    }

    /// Keeps the bytes only.
    pub fn shrink(&self) {
        self.text();
        let mut held = self.held();
        if let Tree::Kept(tree) = &*held {
            *held = Tree::Borrowed(Arc::downgrade(tree));
        }
    }
}

/// Where in an object's bytes the fields after `kind` and `apiVersion` begin.
fn body(json: &[u8]) -> usize {
    let mut commas = json.iter().enumerate().filter(|(_, b)| **b == b',');
    commas.nth(1).map_or(0, |(at, _)| at + 1)
}

/// The bytes of an object with `kind` and `apiVersion` first, and where what follows them begins.
fn encode(value: &Value) -> Text {
    let mut out = format!(
        "{{\"kind\":{},\"apiVersion\":{},",
        value["kind"], value["apiVersion"]
    )
    .into_bytes();
    let body = out.len();
    for (i, (key, field)) in value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(k, _)| *k != "kind" && *k != "apiVersion")
        .enumerate()
    {
        if i > 0 {
            out.push(b',');
        }
        // Writing into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut out, key);
        out.push(b':');
        let _ = serde_json::to_writer(&mut out, field);
    }
    out.push(b'}');
    Text {
        json: out.into(),
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_kept_as_a_tree_has_the_same_bytes_and_the_tree_goes() {
        let tree = json!({
            "metadata": {"name": "x"}, "kind": "Pod", "apiVersion": "v1", "spec": {"a": null},
        });
        let held = Arc::new(tree.clone());
        let (kept, both) = (Content::of_tree(Arc::new(tree)), Content::of_both(&held));
        assert_eq!(kept.clone().text().json, both.text().json);
        let text = kept.text();
        let rest = br#""metadata":{"name":"x"},"spec":{"a":null}}"#;
        assert_eq!(&text.json[text.body..], rest);
        drop(held);
        assert!(both.tree_at_hand().is_none() && kept.tree_at_hand().is_some());
        kept.shrink();
        assert!(kept.tree_at_hand().is_none());
        assert_eq!(kept.tree(), both.tree());
    }
}
