//! What columns of the user's own show of an object. Read beside its row, in one more pass over its text that steps over
//! all that no column is about; only where there are such columns.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::extra::{Set, Step, Texts, find, text_of};
use crate::model::ids::{Names, Uid};

/// Reads objects for one set of columns.
pub struct Reader {
    set: Set,
    tree: Node,
    columns: usize,
}

/// Who an object is: its uid, else its namespace and name.
const WHO: [&str; 3] = ["uid", "namespace", "name"];

/// Fields that lead to columns.
#[derive(Default)]
struct Node {
    below: Vec<(Box<str>, Node)>,
    /// What begins here: the column, and the steps that are not plain fields.
    ends: Vec<(usize, Box<[Step]>)>,
}

impl Node {
    fn put(&mut self, steps: &[Step], column: usize) {
        let Some((Step::Field(name), rest)) = steps.split_first() else {
            self.ends.push((column, steps.into()));
            return;
        };
        let at = self.below.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            self.below.push((name.clone(), Node::default()));
            self.below.len() - 1
        });
        self.below[at].1.put(rest, column);
    }

    fn field(&self, name: &str) -> Option<&Node> {
        let mut below = self.below.iter();
        below
            .find(|(known, _)| &**known == name)
            .map(|(_, node)| node)
    }

    /// Takes what is wanted from a value that is there whole.
    fn take(&self, value: &Value, found: &mut Found) {
        for (column, steps) in &self.ends {
            found.0[*column] = text_of(&find(steps, value));
        }
        for (name, node) in &self.below {
            if let Some(value) = value.get(&**name) {
                node.take(value, found);
            }
        }
    }
}

/// What was found of one object, by column.
struct Found(Vec<Option<String>>);

impl Reader {
    /// None, if there are no columns: nothing is read then.
    pub fn new(set: &Set) -> Option<Self> {
        if set.is_empty() {
            return None;
        }
        let mut tree = Node::default();
        for (at, extra) in set.iter().enumerate() {
            tree.put(extra.path().steps(), at);
        }
        for (at, name) in WHO.into_iter().enumerate() {
            let steps = ["metadata", name].map(|name| Step::Field(name.into()));
            tree.put(&steps, set.len() + at);
        }
        Some(Self {
            set: set.clone(),
            tree,
            columns: set.len(),
        })
    }

    pub fn set(&self) -> &Set {
        &self.set
    }

    /// All objects of a list answer; those that cannot be read whole are read one by one, and have nothing if they
    /// cannot be read at all.
    pub fn page(&self, json: &[u8], names: &mut Names) -> Vec<(Uid, Texts)> {
        let json = super::text(json);
        let mut all = Vec::new();
        let mut each = |found: Found| all.extend(self.row(found, names));
        let mut de = serde_json::Deserializer::from_str(&json);
        let whole = Items {
            reader: self,
            each: &mut each,
        };
        if whole.deserialize(&mut de).is_err() {
            all.clear();
            all.extend(
                self.one_by_one(&json)
                    .into_iter()
                    .filter_map(|found| self.row(found, names)),
            );
        }
        all
    }

    fn one_by_one(&self, json: &str) -> Vec<Found> {
        #[derive(serde::Deserialize)]
        struct Page<'a> {
            #[serde(borrow, default)]
            items: Vec<&'a RawValue>,
        }
        let page = serde_json::from_str::<Page>(json);
        let items = page.map(|page| page.items).unwrap_or_default();
        items
            .into_iter()
            .filter_map(|item| self.object(item.get()))
            .collect()
    }

    fn object(&self, json: &str) -> Option<Found> {
        let mut found = self.nothing();
        let walk = Walk {
            node: &self.tree,
            found: &mut found,
        };
        let mut de = serde_json::Deserializer::from_str(json);
        walk.deserialize(&mut de).ok()?;
        Some(found)
    }

    /// The object of one line of a watch.
    pub fn line(&self, line: &[u8], names: &mut Names) -> Option<(Uid, Texts)> {
        #[derive(serde::Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            object: &'a RawValue,
        }
        let line = super::text(line);
        let object = serde_json::from_str::<Line>(&line).ok()?.object;
        self.row(self.object(object.get())?, names)
    }

    fn nothing(&self) -> Found {
        Found(vec![None; self.columns + WHO.len()])
    }

    fn row(&self, mut found: Found, names: &mut Names) -> Option<(Uid, Texts)> {
        let who = found.0.split_off(self.columns);
        let uid = match who.as_slice() {
            [Some(uid), ..] => Uid::parse(uid),
            // as a row's own is made
            [None, namespace, Some(name)] => {
                let namespace = namespace.as_deref().unwrap_or_default();
                Uid::parse(&format!("{namespace}/{name}"))
            }
            _ => return None,
        };
        let texts = found
            .0
            .into_iter()
            .map(|text| text.map(|text| names.get(&text)));
        Some((uid, texts.collect()))
    }
}

/// Visitor methods for what has no fields.
macro_rules! no_fields {
    () => { no_fields! { visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_str &str } };
    ($($method:ident $type:ty),+) => {
        $(fn $method<E: Error>(self, _: $type) -> Result<(), E> { Ok(()) })+
        fn visit_unit<E: Error>(self) -> Result<(), E> { Ok(()) }
    };
}

/// The items of a list answer.
struct Items<'a, F> {
    reader: &'a Reader,
    each: &'a mut F,
}

impl<'de, F: FnMut(Found)> DeserializeSeed<'de> for Items<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<(), D::Error> {
        de.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Found)> Visitor<'de> for Items<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_items) = map.next_key_seed(IsItems)? {
            match is_items {
                true => map.next_value_seed(List {
                    reader: self.reader,
                    each: &mut *self.each,
                })?,
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct IsItems;

impl<'de> DeserializeSeed<'de> for IsItems {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<bool, D::Error> {
        de.deserialize_str(self)
    }
}

impl Visitor<'_> for IsItems {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == "items")
    }
}

struct List<'a, F> {
    reader: &'a Reader,
    each: &'a mut F,
}

impl<'de, F: FnMut(Found)> DeserializeSeed<'de> for List<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<(), D::Error> {
        de.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Found)> Visitor<'de> for List<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        loop {
            let mut found = self.reader.nothing();
            let walk = Walk {
                node: &self.reader.tree,
                found: &mut found,
            };
            match all.next_element_seed(walk)? {
                Some(()) => (self.each)(found),
                None => return Ok(()),
            }
        }
    }

    no_fields!();
}

/// One value on the way to columns.
struct Walk<'a> {
    node: &'a Node,
    found: &'a mut Found,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<(), D::Error> {
        if self.node.ends.is_empty() {
            return de.deserialize_any(self);
        }
        let value = <Value as serde::Deserialize>::deserialize(de)?;
        self.node.take(&value, self.found);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(node) = map.next_key_seed(Next(self.node))? {
            match node {
                Some(node) => map.next_value_seed(Walk {
                    node,
                    found: &mut *self.found,
                })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    no_fields!();
}

/// A key: where it leads, if columns are there.
struct Next<'a>(&'a Node);

impl<'de, 'a> DeserializeSeed<'de> for Next<'a> {
    type Value = Option<&'a Node>;

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<Self::Value, D::Error> {
        de.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Next<'a> {
    type Value = Option<&'a Node>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.field(key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::extra::Extra;

    fn reader(columns: &[&str]) -> Reader {
        let set: Set = columns.iter().map(|c| Extra::parse(c).unwrap()).collect();
        Reader::new(&set).unwrap()
    }

    fn texts(row: &(Uid, Texts)) -> Vec<&str> {
        row.1
            .iter()
            .map(|text| text.as_deref().unwrap_or("-"))
            .collect()
    }

    const COLUMNS: [&str; 5] = [
        "label:team",
        "annotation:example.com/cost",
        "jsonpath:.spec.containers[*].image",
        "jsonpath:.spec.containers",
        "jsonpath:.spec",
    ];

    #[test]
    fn pages_and_lines_tell_the_same() {
        let reader = reader(&COLUMNS[..3]);
        let one = json!({"metadata": {"uid": "u1", "name": "a", "labels": {"team": "ml"}},
                         "spec": {"containers": [{"image": "x"}, {"image": "y"}], "n": 1e3}});
        let other = json!({"metadata": {"namespace": "ns", "name": "b", "annotations": {"example.com/cost": "3"}, "labels": null},
                           "spec": 7});
        let page =
            json!({"kind": "PodList", "metadata": {"continue": "x"}, "items": [one, other, "odd"]});
        let rows = reader.page(page.to_string().as_bytes(), &mut Names::default());
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[0].0, texts(&rows[0])),
            (Uid::parse("u1"), vec!["ml", "-", "x,y"])
        );
        assert_eq!(
            (rows[1].0, texts(&rows[1])),
            (Uid::parse("ns/b"), vec!["-", "3", "-"])
        );
        let line = json!({"type": "ADDED", "object": one}).to_string();
        assert_eq!(
            reader.line(line.as_bytes(), &mut Names::default()).as_ref(),
            Some(&rows[0])
        );
        assert_eq!(
            reader.line(b"{\"type\":\"ADDED\"", &mut Names::default()),
            None
        );
        assert_eq!(reader.page(b"{\"items\":null}", &mut Names::default()), []);
        assert_eq!(reader.page(b"[]", &mut Names::default()), []);
    }

    #[test]
    fn an_object_that_cannot_be_read_costs_only_itself() {
        let reader = reader(&COLUMNS[..3]);
        let good = r#"{"metadata":{"uid":"u1","labels":{"team":"ml"}}}"#;
        let bad = r#"{"metadata":{"uid":"u2","labels":{"team":1e999}}}"#;
        let page = format!("{{\"items\":[{bad},{good}]}}");
        let rows = reader.page(page.as_bytes(), &mut Names::default());
        assert_eq!(rows.len(), 1);
        assert_eq!(texts(&rows[0])[0], "ml");
    }

    proptest! {
        #[test]
        fn it_finds_what_a_look_at_the_whole_object_finds(
            image in "[a-c]{0,3}", team in proptest::option::of("[a-c]{1,3}"), cost in proptest::option::of(-9i32..9),
            spec in 0..3,
        ) {
            let spec = match spec {
                0 => json!({"containers": [{"image": image, "x": [1, {"y": null}]}]}),
                1 => json!([image]),
                _ => json!({"containers": {"image": image}}),
            };
            let object = json!({"spec": spec, "metadata": {
                "uid": "u", "labels": {"other": 1, "team": team}, "annotations": {"example.com/cost": cost},
            }});
            let reader = reader(&COLUMNS);
            let row = reader.page(json!({"items": [object]}).to_string().as_bytes(), &mut Names::default());
            for (at, extra) in reader.set().iter().enumerate() {
                let whole = text_of(&extra.path().find(&object));
                prop_assert_eq!(row[0].1[at].as_deref(), whole.as_deref(), "{}", extra.text);
            }
        }
    }
}
