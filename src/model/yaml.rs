//! JSON → YAML as kubectl writes it, in coloured pieces: what the YAML view shows, what is copied, saved and edited.
//! It reads back as the same object, and that is tested without a screen.

use serde_json::{Map, Value};

use super::fields::Tree;

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Key,
    Text,
    /// Numbers, booleans, null.
    Literal,
    Punct,
    /// Not part of the YAML's meaning: what was folded away.
    Comment,
    /// A field its schema does not know, and the words that say so.
    Unknown,
}

/// One line of YAML: its text, and from which byte on it is what.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct YamlLine {
    pub text: String,
    pub marks: Vec<(usize, Mark)>,
    /// Its field is unknown.
    pub unknown: bool,
}

impl YamlLine {
    fn indented(depth: usize) -> Self {
        Self {
            text: "  ".repeat(depth),
            ..Self::default()
        }
    }

    /// A line that is no part of the object.
    pub fn note(text: &str) -> Self {
        let mut line = Self::default();
        line.put(Mark::Unknown, text);
        line
    }

    fn put(&mut self, mark: Mark, text: &str) {
        self.marks.push((self.text.len(), mark));
        self.text.push_str(text);
    }
}

/// The object as lines. `fold`: `metadata.managedFields` becomes one line that says how long it is and, with
/// `hint`, how to see it. The fields of `unknown` are marked.
pub fn lines(object: &Value, fold: bool, hint: &str, unknown: &Tree) -> Vec<YamlLine> {
    let mut out = Emitter {
        lines: Vec::new(),
        fold,
        hint,
    };
    let unknown = Some(unknown);
    match object {
        Value::Object(map) if !map.is_empty() => out.map(map, 0, None, "", unknown),
        Value::Array(items) if !items.is_empty() => out.list(items, 0, None, unknown),
        scalar => {
            let mut line = YamlLine::default();
            out.scalar(scalar, 0, &mut line);
            out.lines.insert(0, line);
        }
    }
    out.lines
}

/// An object as one text, whole.
pub fn print(object: &Value) -> String {
    text(&lines(object, false, "", &Tree::default()))
}

/// The lines as one text.
pub fn text(lines: &[YamlLine]) -> String {
    let mut out = String::new();
    for line in lines {
        out.push_str(&line.text);
        out.push('\n');
    }
    out
}

struct Emitter<'a> {
    lines: Vec<YamlLine>,
    fold: bool,
    hint: &'a str,
}

impl Emitter<'_> {
    /// `first`: the line that already holds a list's `- `.
    fn map(
        &mut self,
        map: &Map<String, Value>,
        depth: usize,
        first: Option<YamlLine>,
        path: &str,
        unknown: Option<&Tree>,
    ) {
        let mut line = first;
        for key in ordered(map, depth == 0) {
            let Some(value) = map.get(key) else { continue };
            let unknown = unknown.and_then(|tree| tree.field(key));
            let mut line = line.take().unwrap_or_else(|| YamlLine::indented(depth));
            line.unknown = unknown.is_some_and(Tree::is_marked);
            let mark = if line.unknown {
                Mark::Unknown
            } else {
                Mark::Key
            };
            line.put(mark, &quoted(key));
            line.put(Mark::Punct, ":");
            if self.fold && path == "metadata" && key == "managedFields" {
                line.put(Mark::Punct, " ");
                let n = count(value);
                line.put(Mark::Comment, &format!("# {n} lines folded{}", self.hint));
                self.lines.push(line);
                continue;
            }
            let at = self.lines.len();
            self.value(
                value,
                depth,
                line,
                if depth == 0 { key } else { "." },
                unknown,
            );
            if unknown.is_some_and(Tree::is_marked)
                && let Some(line) = self.lines.get_mut(at)
            {
                line.put(Mark::Unknown, "  # unknown field");
            }
        }
    }

    fn value(
        &mut self,
        value: &Value,
        depth: usize,
        mut line: YamlLine,
        path: &str,
        unknown: Option<&Tree>,
    ) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                self.lines.push(line);
                self.map(map, depth + 1, None, path, unknown);
            }
            // kubectl does not indent lists below their key.
            Value::Array(items) if !items.is_empty() => {
                self.lines.push(line);
                self.list(items, depth, None, unknown);
            }
            scalar => {
                line.put(Mark::Punct, " ");
                let at = self.lines.len();
                self.scalar(scalar, depth + 1, &mut line);
                self.lines.insert(at, line);
            }
        }
    }

    fn list(
        &mut self,
        items: &[Value],
        depth: usize,
        first: Option<YamlLine>,
        unknown: Option<&Tree>,
    ) {
        let mut line = first;
        for (at, item) in items.iter().enumerate() {
            let unknown = unknown.and_then(|tree| tree.item(at));
            let mut line = line.take().unwrap_or_else(|| YamlLine::indented(depth));
            line.put(Mark::Punct, "- ");
            match item {
                Value::Object(map) if !map.is_empty() => {
                    self.map(map, depth + 1, Some(line), ".", unknown);
                }
                Value::Array(items) if !items.is_empty() => {
                    self.list(items, depth + 1, Some(line), unknown);
                }
                scalar => {
                    let at = self.lines.len();
                    self.scalar(scalar, depth + 1, &mut line);
                    self.lines.insert(at, line);
                }
            }
        }
    }

    /// The value on its line; a text of several lines goes on in lines of its own.
    fn scalar(&mut self, value: &Value, depth: usize, line: &mut YamlLine) {
        match value {
            Value::String(text) if as_block(text) => {
                let body = text.strip_suffix('\n');
                let sign = if body.is_some() { "|" } else { "|-" };
                line.put(Mark::Punct, sign);
                for row in body.unwrap_or(text).split('\n') {
                    let mut line = YamlLine::default();
                    if !row.is_empty() {
                        line = YamlLine::indented(depth.max(1));
                        line.put(Mark::Text, row);
                    }
                    self.lines.push(line);
                }
            }
            Value::String(text) => line.put(Mark::Text, &quoted(text)),
            Value::Object(_) => line.put(Mark::Punct, "{}"),
            Value::Array(_) => line.put(Mark::Punct, "[]"),
            other => line.put(Mark::Literal, &other.to_string()),
        }
    }
}

/// The keys of an object as kubectl orders them: the well-known ones of the top first, then by name.
fn ordered(map: &Map<String, Value>, top: bool) -> Vec<&String> {
    const FIRST: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
    let rank = |key: &str| {
        let at = FIRST.iter().position(|first| *first == key);
        if top { at.unwrap_or(FIRST.len()) } else { 0 }
    };
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_by(|a, b| rank(a).cmp(&rank(b)).then(a.cmp(b)));
    keys
}

/// Lines a value takes below its key.
fn count(value: &Value) -> usize {
    lines(value, false, "", &Tree::default()).len()
}

/// A text of several lines that can stand as it is.
fn as_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n'])
        && !text.chars().any(|c| c != '\n' && hides(c))
}

/// Control characters and signs that reorder or hide text: written as escapes, so that they show.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A string as a YAML scalar: plain where nobody can take it for anything else, else in quotes.
fn quoted(text: &str) -> String {
    if plain(text) {
        return text.to_owned();
    }
    if !text.chars().any(|c| hides(c) || c == '\'' || c == '\\') && !like_a_literal(text) {
        return format!("'{text}'");
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if hides(c) && u32::from(c) < 0x100 => {
                out.push_str(&format!("\\x{:02x}", u32::from(c)))
            }
            c if hides(c) && u32::from(c) < 0x1_0000 => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c if hides(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    (first.is_alphanumeric() || matches!(first, '_' | '/' | '.' | '$' | '('))
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_-./:=+@~$()^,;<>?\"'!&*%|[]{}\\ ".contains(c))
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
        && !like_a_literal(text)
}

/// Could be taken for a number, a boolean, null or a time, by this YAML or an older one.
fn like_a_literal(text: &str) -> bool {
    const WORDS: [&str; 11] = [
        "true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", "",
    ];
    if WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return true;
    }
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let lower = rest.to_ascii_lowercase();
    if [".inf", ".nan", "inf", "nan", "infinity"].contains(&lower.as_str()) {
        return true;
    }
    let body = rest.strip_prefix('.').unwrap_or(rest);
    body.starts_with(|c: char| c.is_ascii_digit())
        && body
            .chars()
            .all(|c| c.is_ascii_hexdigit() || "xobXOB._-+:TZtz ".contains(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::fields::{FieldPath, Step};

    fn yaml(object: &Value) -> String {
        print(object)
    }

    #[test]
    fn written_as_kubectl_writes_it() {
        let object = json!({
            "spec": {"template": {"spec": {"containers": [
                {"name": "main", "args": ["-c", "for i in 1 2\ndo echo $i\ndone\n", ""], "env": []},
                {"name": "side", "resources": {}}
            ]}}, "suspend": false, "completions": 10},
            "kind": "Job",
            "apiVersion": "batch/v1",
            "metadata": {
                "name": "pi", "creationTimestamp": "2026-11-23T12:00:00Z",
                "labels": {"batch.kubernetes.io/job-name": "pi", "on": "yes", "n": "1e5", "x": "0x1f"},
                "annotations": {"a": "# not a comment", "b": "k: v", "c": " lead", "d": "\u{202e}evil\u{0}", "e": "it's"},
            },
        });
        insta::assert_snapshot!(yaml(&object));
    }

    #[test]
    fn managed_fields_fold_to_one_line() {
        let object = json!({"metadata": {"name": "a", "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}]},
            "spec": {"managedFields": 1}});
        let folded = text(&lines(&object, true, ", m shows them", &Tree::default()));
        assert_eq!(
            folded,
            "metadata:\n  managedFields: # 3 lines folded, m shows them\n  name: a\nspec:\n  managedFields: 1\n"
        );
        assert!(yaml(&object).contains("manager: kubectl"));
    }

    #[test]
    fn unknown_fields_are_said_to_be_on_their_line_and_it_stays_the_same_object() {
        let field = |name: &str| Step::Field(name.into());
        let object = json!({"spec": {
            "a": 1, "b": {"c": [{"x": 1, "y": 2}, {"x": "two\nlines\n"}]}, "d": [], "e": {"f": {}}, "x": 1}});
        let unknown = [
            vec![field("spec"), field("a")],
            vec![
                field("spec"),
                field("b"),
                field("c"),
                Step::Item(0),
                field("x"),
            ],
            vec![
                field("spec"),
                field("b"),
                field("c"),
                Step::Item(1),
                field("x"),
            ],
            vec![field("spec"), field("e")],
            vec![field("spec"), field("gone"), field("a")],
        ];
        let tree = Tree::new(&unknown.map(FieldPath));
        let lines = lines(&object, false, "", &tree);
        let said: Vec<&str> = lines
            .iter()
            .filter(|l| l.unknown)
            .map(|l| l.text.trim())
            .collect();
        assert_eq!(
            said,
            [
                "a: 1  # unknown field",
                "- x: 1  # unknown field",
                "- x: |  # unknown field",
                "e:  # unknown field"
            ]
        );
        assert_eq!(text(&lines).matches("# unknown field").count(), 4);
        assert_eq!(
            serde_saphyr::from_str::<Value>(&text(&lines)).unwrap(),
            object
        );
    }

    #[test]
    fn every_byte_is_marked_in_order() {
        let object = json!({"a": [[1, "x"], {"b": "two\nlines"}], "c": {}});
        for line in lines(&object, false, "", &Tree::default()) {
            assert!(line.marks.windows(2).all(|m| m[0].0 < m[1].0), "{line:?}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[ -~]{0,12}",
            "\\PC{0,8}",
            "[a-z \n\t#:'\"-]{0,16}",
            any::<String>(),
            Just("null".to_owned()),
            Just("0o17".to_owned()),
            Just("1_000".to_owned()),
            Just("2026-11-23".to_owned()),
            Just("12:30:45".to_owned()),
            Just(".5e3".to_owned()),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[ -~]{0,9}|\\PC{1,5}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_back_as_the_same_object(object in value()) {
            let text = yaml(&object);
            let back: Value = serde_saphyr::from_str(&text)
                .map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(back, object, "{}", text);
            prop_assert!(!text.chars().any(|c| c != '\n' && hides(c)));
        }
    }
}
