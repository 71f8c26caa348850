//! From text to the objects that are meant: several documents of YAML or JSON, and lists of objects. Every value knows
//! its line, so that an error of the server stands beside what it is about.

mod path;

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

pub use path::{Complaint, complaints, end_of_path, set};

/// What is wrong with a text, and where: lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {why}{}", .next.as_ref().map_or(String::new(), |n| format!(": {n}")))]
pub struct Fault {
    pub line: usize,
    pub column: usize,
    pub why: String,
    /// The next step, where there is one.
    pub next: Option<String>,
}

/// One object of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub value: Value,
    /// Where it begins in the text.
    pub line: usize,
    node: Node,
}

impl Document {
    /// The line of a field: `spec.template.spec.containers[0].image`, `metadata.labels["a.b/c"]`, or a JSON pointer. Of
    /// one that is not there, the line of what it would be in.
    pub fn line_of(&self, path: &str) -> usize {
        let steps = match path.starts_with('/') {
            true => path::pointer(path),
            false => path::steps(path),
        };
        let mut line = self.line;
        let mut at = &self.node;
        for step in steps {
            match at.step(&step) {
                Some((place, node)) => (line, at) = (place, node),
                None => break,
            }
        }
        line
    }

    /// The line of what the server complains of.
    pub fn line_at(&self, complaint: &Complaint) -> usize {
        let typed = complaint.got.as_deref().and_then(|got| {
            let steps = path::steps(&complaint.path);
            self.node.mistyped(&steps, got, self.line)
        });
        typed.unwrap_or_else(|| self.line_of(&complaint.path))
    }
}

/// The line of a field of the first document that has it; `None` where the text cannot be read.
pub fn line_of(text: &str, path: &str) -> Option<usize> {
    let all = parse(text).ok()?;
    let has = |document: &&Document| document.line_of(path) != document.line;
    let document = all.iter().find(has).or(all.first())?;
    Some(document.line_of(path))
}

/// All objects of a text, in order; at least one.
///
/// # Errors
/// Where it cannot be read, or what in it is no object.
pub fn parse(text: &str) -> Result<Vec<Document>, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut all = Vec::new();
    for (skipped, part) in parts(text) {
        let bare = |line: &str| line.trim_start().starts_with('#') || line.trim().is_empty();
        if part.lines().all(bare) {
            continue;
        }
        let node = read(&part, skipped)?;
        flatten(node, skipped, &mut all)?;
    }
    match all.is_empty() {
        false => Ok(all),
        true => Err(Fault {
            line: 1,
            column: 1,
            why: "there is no object in it".into(),
            next: Some("`jobdeck submit --list-templates` shows ones to begin with".into()),
        }),
    }
}

/// The documents of a text and how many lines are before each. A line that begins with `---` always begins a document,
/// whatever is around it.
fn parts(text: &str) -> Vec<(usize, String)> {
    let mut all = vec![(0, String::new())];
    for (n, line) in text.split_inclusive('\n').enumerate() {
        let end = line.trim_end();
        let begins = end == "---" || line.starts_with("--- ") || line.starts_with("---\t");
        if begins || end == "..." {
            // what follows the mark on its line belongs to it
            let rest = if begins { &line[3..] } else { "\n" };
            all.push((n, rest.to_owned()));
        } else if let Some((_, part)) = all.last_mut() {
            part.push_str(line);
        }
    }
    all
}

fn read(part: &str, skipped: usize) -> Result<Spanned<Node>, Fault> {
    let options = serde_saphyr::options! { with_snippet: false };
    // tabs may indent JSON, but not YAML; in JSON they are never part of a value
    let tabs = part.trim_start().starts_with(['{', '[']) && part.contains('\t');
    let untabbed = tabs.then(|| part.replace('\t', " "));
    let part = untabbed.as_deref().unwrap_or(part);
    serde_saphyr::from_str_with_options(part, options).map_err(|e| {
        let at = e.location();
        let line = at.map_or(1, |at| at.line() as usize) + skipped;
        let column = at.map_or(1, |at| at.column() as usize);
        let text = part.lines().nth((line - skipped).saturating_sub(1));
        let mut why = e.to_string();
        if let Some(cut) = why.rfind(" at line ") {
            why.truncate(cut);
        }
        let why: String = why.lines().next().unwrap_or_default().trim().into();
        Fault {
            line,
            column,
            next: hint(&why, text.unwrap_or_default()),
            why: plain(&why),
        }
    })
}

/// Without what is for programmers.
fn plain(why: &str) -> String {
    let why = why.strip_prefix("error: ").unwrap_or(why);
    why.split(", set DuplicateKeyPolicy")
        .next()
        .unwrap_or(why)
        .to_owned()
}

/// What is usually meant by that.
fn hint(why: &str, line: &str) -> Option<String> {
    let indent = line.len() - line.trim_start().len();
    if line[..indent].contains('\t') {
        return Some("indent with spaces, YAML takes no tabs".into());
    }
    if why.contains("duplicate") {
        return Some("leave one of them out".into());
    }
    let value = line.split_once(": ").map(|(_, value)| value.trim());
    if value.is_some_and(|v| v.contains(": ") || v.starts_with(['@', '`', '%', '*', '&', '!'])) {
        return Some("put the value in quotes".into());
    }
    None
}

/// Takes lists of objects apart.
fn flatten(node: Spanned<Node>, skipped: usize, all: &mut Vec<Document>) -> Result<(), Fault> {
    let line = node.referenced.line() as usize;
    let column = node.referenced.column().max(1) as usize;
    let mut node = node.value;
    node.shift(skipped);
    push(node, line.max(1) + skipped, column, all)
}

fn push(node: Node, line: usize, column: usize, all: &mut Vec<Document>) -> Result<(), Fault> {
    let Node::Map(fields) = &node else {
        return Err(Fault {
            line,
            column,
            why: "this is no object".into(),
            next: Some("one begins with apiVersion, kind and metadata".into()),
        });
    };
    let kind = fields.iter().find(|f| f.key == "kind").map(|f| &f.node);
    let list = matches!(kind, Some(Node::Leaf(Value::String(kind))) if kind.ends_with("List"));
    let items = fields.iter().position(|f| f.key == "items");
    if let (true, Some(at)) = (list, items)
        && let Node::Map(mut fields) = node
    {
        match fields.swap_remove(at).node {
            Node::List(items) => {
                for (line, item) in items {
                    push(item, line, 1, all)?;
                }
            }
            Node::Leaf(Value::Null) => {}
            _ => {
                return Err(Fault {
                    line,
                    column,
                    why: "items of a list are objects".into(),
                    next: None,
                });
            }
        }
        return Ok(());
    }
    all.push(Document {
        value: node.value(),
        line,
        node,
    });
    Ok(())
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    key: String,
    line: usize,
    node: Node,
}

/// A value whose parts know their lines.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Leaf(Value),
    List(Vec<(usize, Node)>),
    Map(Vec<Field>),
}

impl Node {
    fn value(&self) -> Value {
        match self {
            Node::Leaf(value) => value.clone(),
            Node::List(all) => all.iter().map(|(_, node)| node.value()).collect(),
            Node::Map(all) => {
                let all = all.iter().map(|f| (f.key.clone(), f.node.value()));
                Value::Object(all.collect::<Map<_, _>>())
            }
        }
    }

    fn step(&self, step: &str) -> Option<(usize, &Node)> {
        match self {
            Node::Leaf(_) => None,
            Node::List(all) => {
                let (line, node) = all.get(step.parse::<usize>().ok()?)?;
                Some((*line, node))
            }
            Node::Map(all) => {
                let field = all.iter().find(|f| f.key == step)?;
                Some((field.line, &field.node))
            }
        }
    }

    /// The first place below a path where something of this type stands; items of lists are not counted in the path.
    fn mistyped(&self, steps: &[String], got: &str, line: usize) -> Option<usize> {
        match (self, steps.split_first()) {
            (node, None) if node.is(got) => Some(line),
            (Node::List(all), _) => all
                .iter()
                .find_map(|(line, node)| node.mistyped(steps, got, *line)),
            (Node::Map(all), Some((step, rest))) => {
                let field = all.iter().find(|field| field.key == *step)?;
                field.node.mistyped(rest, got, field.line)
            }
            // a value of a map of texts, say
            (Node::Map(all), None) => all
                .iter()
                .find_map(|field| field.node.mistyped(steps, got, field.line)),
            (Node::Leaf(_), _) => None,
        }
    }

    /// Whether it is what Go calls so.
    fn is(&self, got: &str) -> bool {
        let (kind, literal) = match got.split_once(' ') {
            Some((kind, literal)) => (kind, Some(literal)),
            None => (got, None),
        };
        match (self, kind) {
            (Node::List(_), "array") | (Node::Map(_), "object") => true,
            (Node::Leaf(Value::String(_)), "string") | (Node::Leaf(Value::Bool(_)), "bool") => true,
            (Node::Leaf(Value::Number(n)), "number") => literal.is_none_or(|l| l == n.to_string()),
            _ => false,
        }
    }

    fn shift(&mut self, by: usize) {
        match self {
            Node::Leaf(_) => {}
            Node::List(all) => all.iter_mut().for_each(|(line, node)| {
                *line += by;
                node.shift(by);
            }),
            Node::Map(all) => all.iter_mut().for_each(|field| {
                field.line += by;
                field.node.shift(by);
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Node, E> {
        Ok(Node::Leaf(v.into()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Node, E> {
        Ok(Node::Leaf(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Node, E> {
        Ok(Node::Leaf(v.into()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Node, E> {
        Ok(Node::Leaf(v.into()))
    }

    fn visit_str<E>(self, v: &str) -> Result<Node, E> {
        Ok(Node::Leaf(v.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Node, D::Error> {
        Node::deserialize(d)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = seq.next_element::<Spanned<Node>>()? {
            all.push((item.referenced.line() as usize, item.value));
        }
        Ok(Node::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            all.push(Field {
                line: key.referenced.line() as usize,
                key: key.value,
                node: map.next_value()?,
            });
        }
        Ok(Node::Map(all))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const TWO: &str = "\
# first
apiVersion: batch/v1
kind: Job
metadata:
  name: a
  labels:
    x.y/z: \"1\"
spec:
  template:
    spec:
      containers:
      - name: one
        args: [-c, \"a: b\"]
      - name: two
        image: busybox
        command:
        - |
          text
          ---no mark
--- # second
kind: List
apiVersion: v1
items:
- kind: Pod
  metadata: {name: p}
- kind: Pod
  metadata:
    name: q
---
# nothing
";

    #[test]
    fn documents_lists_and_where_things_are() {
        let all = parse(TWO).unwrap();
        let names: Vec<&str> = all
            .iter()
            .map(|d| d.value["metadata"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["a", "p", "q"]);
        let lines: Vec<usize> = all.iter().map(|d| d.line).collect();
        assert_eq!(lines, [2, 24, 26]);
        for (path, line) in [
            ("metadata.name", 5),
            ("metadata.labels[\"x.y/z\"]", 7),
            ("metadata.labels[x.y/z]", 7),
            ("spec.template.spec.containers[0].args", 13),
            ("spec.template.spec.containers[1].image", 15),
            ("/spec/template/spec/containers/1/command", 16),
            ("/metadata/labels/x.y~1z", 7),
            // not there: what it would be in
            ("spec.template.spec.restartPolicy", 10),
            ("spec.template.spec.containers[7]", 11),
            ("status.active", 2),
            ("", 2),
        ] {
            assert_eq!(all[0].line_of(path), line, "{path}");
        }
        assert_eq!(all[2].line_of("metadata.name"), 28);
        assert_eq!(line_of(TWO, "spec.template"), Some(9));
        let script = &all[0].value["spec"]["template"]["spec"]["containers"][1]["command"][0];
        assert_eq!(script, "text\n---no mark\n");
    }

    #[test]
    fn what_is_of_another_type_is_found_among_items() {
        let text = "kind: Job\nspec:\n  completions: 3.5\n  containers:\n  - name: a\n    env:\n    - name: X\n      value: x\n    - name: Y\n      value: 1\n  - name: b\n    command: sh\n    args:\n    - 7\n  selector:\n    a: b\n    c: 2\n";
        let document = parse(text).unwrap().remove(0);
        for (got, path, line) in [
            ("number 3.5", "spec.completions", 3),
            ("number", "spec.containers.env.value", 10),
            ("string", "spec.containers.command", 12),
            ("number", "spec.containers.args", 14),
            ("number", "spec.selector", 17),
            // not found: what is there of the path
            ("bool", "spec.containers.env.value", 4),
        ] {
            let message =
                format!("cannot unmarshal {got} into Go struct field X.{path} of type []string");
            let complaint = complaints(&message).remove(0);
            assert_eq!(document.line_at(&complaint), line, "{message}");
        }
    }

    #[test]
    fn json_is_read_too() {
        let text = "{\n\t\"kind\": \"Job\",\n\t\"metadata\": {\"name\": \"a\\tb\"},\n\t\"spec\": {\"n\": 1.5, \"t\": null}\n}\n";
        let all = parse(text).unwrap();
        assert_eq!(
            all[0].value,
            json!({"kind": "Job", "metadata": {"name": "a\tb"}, "spec": {"n": 1.5, "t": null}})
        );
        assert_eq!(all[0].line_of("spec.n"), 4);
    }

    #[test]
    fn anchors_are_followed() {
        let text = "kind: A\na: &x\n  b: 1\nc: *x\n";
        assert_eq!(parse(text).unwrap()[0].value["c"], json!({"b": 1}));
    }

    #[rstest]
    #[case("", 1, "no object in it")]
    #[case("# only words\n---\n", 1, "no object in it")]
    #[case("kind: Job\n---\njust words\n", 3, "no object")]
    #[case("kind: Job\nspec:\n\ta: 1\n", 3, "tabs")]
    #[case("kind: Job\nspec:\n  a: 1\n  a: 2\n", 4, "leave one of them out")]
    #[case("kind: Job\n---\nkind: Job\nspec: {a: [1, 2\n", 4, "")]
    #[case("kind: Job\nspec:\n  a: b: c\n", 3, "in quotes")]
    fn what_cannot_be_read_says_where_and_what_next(
        #[case] text: &str,
        #[case] line: usize,
        #[case] words: &str,
    ) {
        let fault = parse(text).unwrap_err();
        let said = fault.to_string();
        assert!(
            fault.line.abs_diff(line) <= 1 && said.contains(words),
            "{text}\n{said}"
        );
        assert!(!said.contains('\n') && !said.contains(" at line"), "{said}");
        assert!(!said.contains("Policy"), "{said}");
    }

    proptest! {
        /// What somebody types is anything, at every moment.
        #[test]
        fn any_text_is_read_or_refused_at_a_line_of_it(
            text in prop_oneof![any::<String>(), "[-a-c:{}\\[\\]#|>&* \n\t.'\"]{0,40}"], path in "[a-z.\\[\\]0-9\"/]{0,12}",
        ) {
            let lines = text.lines().count().max(1) + 1;
            match parse(&text) {
                Ok(all) => for document in all {
                    prop_assert!(document.line <= lines && document.line_of(&path) <= lines);
                    let _ = set(&mut document.value.clone(), &path, 1.into());
                },
                Err(fault) => prop_assert!((1..=lines).contains(&fault.line), "{fault}"),
            }
            let _ = (complaints(&text), end_of_path(&text), line_of(&text, &path));
        }

        /// What is printed is read as the same, wherever it stands among others.
        #[test]
        fn what_is_printed_is_read_again(words in proptest::collection::vec("[ -~\n]{0,20}", 1..5)) {
            let object = json!({"kind": "Job", "spec": {"args": words, "deep": [{"a": words[0]}]}});
            let text = format!("---\n{0}---\n{0}", crate::model::yaml::print(&object));
            let all = parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            let values: Vec<&Value> = all.iter().map(|d| &d.value).collect();
            prop_assert_eq!(values, [&object, &object]);
            let at = all[1].line_of("spec.deep");
            prop_assert_eq!(text.lines().nth(at - 1), Some("  deep:"));
        }
    }
}
