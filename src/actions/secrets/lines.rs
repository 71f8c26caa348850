//! A text that does not parse, line by line: what looks like a secret is masked, rather too much than too little. Its
//! lines stay, so that it can be written on.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::MASK;
use super::words::{is_harmless, is_secret_name, text as words};

/// `  - key: value`
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"^(?P<indent>[\s-]*)["']?(?P<key>[A-Za-z_][\w./-]*)["']?(?P<sep>\s*:\s*)(?P<value>.*)$"#,
    )
    .ok()
});

/// `name: A, value: b` and `"--token", "b"`, in one line.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?P<before>(?:["']?name["']?\s*:\s*|--?)["']?(?P<name>[\w.-]+)["']?\s*,\s*(?:["']?value["']?\s*:\s*)?)(?P<value>"[^"]*"?|'[^']*'?|[^,}\]\s]+)"#,
    )
    .ok()
});

/// Such a text without them.
pub fn rough(text: &str) -> String {
    let whole = text.lines().any(|line| {
        let line = line
            .trim()
            .trim_start_matches("- ")
            .replace(['"', '\''], "");
        line.starts_with("kind:") && line["kind:".len()..].trim() == "Secret"
    });
    let mut out = String::new();
    let mut state = State {
        whole,
        ..State::default()
    };
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        out.push_str(&state.line(line));
        out.push_str(end);
    }
    out
}

#[derive(Default)]
struct State {
    /// The text is, or has in it, a Secret.
    whole: bool,
    /// Everything that is indented deeper belongs to a value that is masked.
    block: Option<usize>,
    /// Within the values of a Secret.
    data: Option<usize>,
    /// Between the lines of a private key.
    key: bool,
    /// What the item is called whose value may follow.
    named: Option<String>,
    /// The last argument, if it is a flag.
    flag: Option<String>,
}

impl State {
    fn line(&mut self, line: &str) -> String {
        let indent = line.len() - line.trim_start().len();
        let rest = line.trim();
        if rest.is_empty() {
            return line.to_owned();
        }
        let cover = || format!("{}{MASK}", &line[..indent]);
        if self.key || rest.contains("PRIVATE KEY-----") {
            self.key = !rest.contains("-----END");
            return cover();
        }
        if self.block.is_some_and(|block| indent > block) {
            return cover();
        }
        self.block = None;
        if self.data.is_some_and(|data| indent <= data) {
            self.data = None;
        }
        let paired = pairs(line);
        let field = FIELD.as_ref().and_then(|field| field.captures(&paired));
        let Some(field) = field else {
            return self.argument(&paired);
        };
        let part = |name: &str| field.name(name).map_or("", |found| found.as_str());
        let (key, value) = (part("key"), part("value"));
        if part("indent").contains('-') {
            self.named = None;
        }
        self.flag = None;
        if key == "name" {
            self.named = Some(value.trim().trim_matches(['"', '\'']).to_owned());
        }
        let secret = is_secret_name(key)
            || self.data.is_some()
            || (key == "value" && self.named.as_deref().is_some_and(is_secret_name));
        if self.whole && matches!(key, "data" | "stringData") && self.data.is_none() {
            self.data = Some(indent);
            return paired.clone();
        }
        let head = format!("{}{key}{}", part("indent"), part("sep"));
        match value.trim().chars().next() {
            // its lines follow
            Some('|' | '>') if secret => {
                self.block = Some(indent);
                paired.clone()
            }
            // what is below it may be a map, or the value on a line of its own
            None => paired.clone(),
            Some('#') => paired.clone(),
            Some('{' | '[') => format!("{head}{}", words(value)),
            Some(_) if secret && !is_harmless(value.trim()) => format!("{head}{MASK}"),
            Some(_) => words(&paired),
        }
    }

    /// An item that is no field: an argument, or the rest of a value.
    fn argument(&mut self, line: &str) -> String {
        let rest = line.trim_start();
        let item = rest.strip_prefix("- ").unwrap_or(rest);
        let item = item.trim().trim_matches(['"', '\'']);
        let secret =
            self.flag.take().is_some_and(|flag| is_secret_name(&flag)) || self.data.is_some();
        self.flag = item.starts_with("--").then(|| item.to_owned());
        match secret && !item.starts_with("--") && !is_harmless(item) {
            true => line.replacen(item, MASK, 1),
            false => words(line),
        }
    }
}

fn pairs(line: &str) -> String {
    let Some(pair) = PAIR.as_ref() else {
        return line.to_owned();
    };
    let told = |found: &Captures| {
        let part = |name: &str| found.name(name).map_or("", |found| found.as_str());
        let value = part("value");
        match is_secret_name(part("name")) && !is_harmless(value) && !value.contains(MASK) {
            true => format!("{}{MASK}", part("before")),
            false => format!("{}{value}", part("before")),
        }
    };
    pair.replace_all(line, told).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_and_values_go() {
        let text = "\
kind: Job
spec:
  env:
  - name: API_TOKEN
    value: s3cr3t-1
  - {name: HF_TOKEN, value: s3cr3t-2}
  - name: EPOCHS
    value: \"30\"
  - name: DB_PASSWORD
    value: |
      s3cr3t-3
      s3cr3t-4
  password: s3cr3t-5
  args: [\"--token\", \"s3cr3t-6\", \"--lr=0.1\"]
  command:
  - --api-key
  - s3cr3t-7
  - --lr
  - 0.1
  - https://me:s3cr3t-8@host/x
  imagePullSecrets:
  - name: registry
  volumes:
  - secret: {secretName: tls}
  text: -----BEGIN PRIVATE KEY-----
   s3cr3t-9
   -----END PRIVATE KEY-----
  broken: [
";
        let out = rough(text);
        assert!(!out.contains("s3cr3t"), "{out}");
        assert_eq!(out.lines().count(), text.lines().count());
        for kept in [
            "value: \"30\"",
            "--lr=0.1",
            "- 0.1",
            "- name: registry",
            "secretName: tls",
            "broken: [",
            "- name: API_TOKEN",
        ] {
            assert!(out.contains(kept), "{kept}\n{out}");
        }
        let secret =
            "kind: Secret\ndata:\n  a: czNjcjN0\n  b: >\n    czNjcjN0\nmetadata: {name: x\n";
        let out = rough(secret);
        assert!(
            !out.contains("czNjcjN0") && out.contains("metadata: {name: x"),
            "{out}"
        );
        assert_eq!(rough(""), "");
        assert_eq!(rough("kind: [\n\n  a"), "kind: [\n\n  a");
    }
}
