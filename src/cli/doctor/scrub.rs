//! What is left of a text once names and secrets are out of it: for reports that strangers read. It forgets rather too
//! much than too little.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::actions::secrets;
use crate::ui::text::harmless;

/// Words in quotes or after `=` that tell nothing of anybody.
const PLAIN: [&str; 22] = [
    "get", "list", "watch", "create", "delete", "patch", "update", "true", "false", "none",
    "default", "stream", "pages", "auto", "always", "never", "off", "failed", "running", "no",
    "yes", "null",
];

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// In this order: what is found, and what stands in its place.
static SECRETS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let all = [
        // PEM, JSON web tokens, whatever follows a scheme of authorization, anything called a secret, and long words that
        // are none of any language
        (
            r"-----BEGIN [^-]*-----[\s\S]*?(-----END [^-]*-----|$)",
            "<secret>",
        ),
        (r"eyJ[A-Za-z0-9_=-]{8,}(\.[A-Za-z0-9_=-]*)*", "<secret>"),
        (r"(?i)\b(bearer|basic|negotiate)\s+[^\s,;]+", "$1 <secret>"),
        (
            r#"(?i)\b([\w.-]*(?:password|passwd|token|secret|apikey|api-key|access-key|credential)[\w.-]*)(\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;]+)"#,
            "$1$2<secret>",
        ),
        (
            r"(?i)\b(password|passwd|token|secret|key)\s+[^\s,;]*[0-9_-][^\s,;]*",
            "$1 <secret>",
        ),
        (r"//[^\s/@]+@", "//<secret>@"),
        (r"[A-Za-z0-9+/_=-]{40,}", "<secret>"),
    ];
    all.into_iter()
        .filter_map(|(text, with)| Some((pattern(text)?, with)))
        .collect()
});

static PLACES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let all = [
        // what a server says is its own, and may be of anybody
        (r"\b([45]\d\d): .*", "$1: <…>"),
        (r"[\w.+-]+@[\w-]+(\.[\w-]+)+", "<mail>"),
        (
            r"\b([a-z][a-z0-9+]*)://[^\s/:,;)\]<]+(:\d+)?[^\s,;)\]]*",
            "$1://<host>$2",
        ),
        (r"\b\d{1,3}(\.\d{1,3}){3}\b", "<ip>"),
        (r"\b[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){3,}\b", "<ip>"),
        (r"\bsystem:[\w:.-]+", "<user>"),
        (
            r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
            "<uid>",
        ),
        (r"(^|[\s\x22'=(])(~|\.{1,2})?(/[\w.@+-]+)+/?", "$1<path>"),
        (r"\b[A-Za-z]:\\[^\s]+", "<path>"),
    ];
    all.into_iter()
        .filter_map(|(text, with)| Some((pattern(text)?, with)))
        .collect()
});

static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#""([^"]*)"|'([^']*)'|‘([^’]*)’"#));
static DOTTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"\b[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b"));

/// Takes names and secrets out of texts.
#[derive(Debug, Default)]
pub struct Scrub {
    /// What is known to be somebody's, and what stands in its place; the longest first.
    known: Vec<(String, String)>,
    /// Never shown, whatever else is asked for.
    secrets: Vec<String>,
    /// Words that may stand where names could: kinds, groups.
    plain: Vec<String>,
    /// Names were asked for.
    names: bool,
}

impl Scrub {
    pub fn new(names: bool) -> Self {
        Self {
            names,
            ..Self::default()
        }
    }

    /// A name of somebody's, by what it is of: `context`, `user`, …
    pub fn know(&mut self, what: &str, name: &str) {
        let name = name.trim();
        // what all clusters have tells nothing
        if name.is_empty() || name == "default" || self.known.iter().any(|(known, _)| known == name)
        {
            return;
        }
        let n = 1 + self
            .known
            .iter()
            .filter(|(_, with)| with.starts_with(&format!("<{what}")))
            .count();
        self.known.push((name.to_owned(), format!("<{what} {n}>")));
        self.known
            .sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }

    pub fn keep_secret(&mut self, secret: &str) {
        for part in std::iter::once(secret).chain(secret.lines()).map(str::trim) {
            if part.len() >= 4 && !self.secrets.iter().any(|s| s == part) {
                self.secrets.push(part.to_owned());
            }
        }
        self.secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
    }

    pub fn allow(&mut self, word: &str) {
        self.plain.push(word.to_owned());
    }

    fn is_plain(&self, word: &str) -> bool {
        word.is_empty()
            || word
                .chars()
                .all(|c| c.is_ascii_digit() || ".:+-smh% ".contains(c))
            || PLAIN.contains(&word)
            || self.plain.iter().any(|plain| plain == word)
    }

    /// A text of which nothing is known.
    pub fn text(&self, text: &str) -> String {
        let mut out = harmless(text).0.into_owned();
        for secret in &self.secrets {
            out = out.replace(secret.as_str(), "<secret>");
        }
        for (regex, with) in SECRETS.iter() {
            out = regex.replace_all(&out, *with).into_owned();
        }
        // what trash and history know to be one, too
        out = secrets::text(&out).replace(secrets::MASK, "<secret>");
        if self.names {
            return out;
        }
        for (name, with) in &self.known {
            out = whole_words(&out, name, with);
        }
        for (regex, with) in PLACES.iter() {
            out = regex.replace_all(&out, *with).into_owned();
        }
        if let Some(quoted) = &*QUOTED {
            let word = |c: &Captures| {
                let word = c.iter().skip(1).flatten().next().map_or("", |m| m.as_str());
                match self.is_plain(word) || word.starts_with('<') {
                    true => c[0].to_owned(),
                    false => "<name>".to_owned(),
                }
            };
            out = quoted.replace_all(&out, word).into_owned();
        }
        if let Some(dotted) = &*DOTTED {
            const OURS: [&str; 6] = ["k8s.io", ".rs", ".toml", ".yaml", ".json", ".log"];
            let host = |c: &Captures| match self.is_plain(&c[0])
                || OURS.iter().any(|end| c[0].ends_with(end))
            {
                true => c[0].to_owned(),
                false => "<host>".to_owned(),
            };
            out = dotted.replace_all(&out, host).into_owned();
        }
        out
    }

    /// A line of the debug log: when, how bad, where in the program, what; of the values beside it only those that name
    /// nobody. What others' code logged is left out but for where.
    pub fn log(&self, line: &str) -> Option<String> {
        let line = line.trim_start();
        let mut words = line.splitn(3, ' ').filter(|w| !w.is_empty());
        let at = words
            .next()
            .filter(|w| w.starts_with(|c: char| c.is_ascii_digit()))?;
        let rest = line[at.len()..].trim_start();
        let (level, rest) = rest.split_once(' ')?;
        let (target, message) = rest.trim_start().split_once(": ")?;
        let head = format!("{at} {level} {target}");
        if !target.starts_with("jobdeck") {
            return Some(self.text(&format!("{head}: (left out)")));
        }
        // what a panic says may be of anybody's; where it was is ours
        let message = match message.find("panicked at ") {
            None => message,
            Some(at) => {
                let rest = message[at..].splitn(4, ':').take(3);
                let length: usize = rest.map(|part| part.len() + 1).sum();
                message
                    .get(at..at + length)
                    .unwrap_or(message)
                    .trim_end_matches(':')
            }
        };
        let mut parts: Vec<&str> = Vec::new();
        let mut from = 0;
        for (space, _) in message.match_indices(' ') {
            let word = message[space + 1..].split('=').next().unwrap_or_default();
            let names = !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_' || c == '.');
            if names && message[space + 1 + word.len()..].starts_with('=') {
                parts.push(&message[from..space]);
                from = space + 1;
            }
        }
        parts.push(&message[from..]);
        let mut out = format!(
            "{head}: {}",
            parts.first().map(|p| self.text(p)).unwrap_or_default()
        );
        for (key, value) in parts.iter().skip(1).filter_map(|part| part.split_once('=')) {
            let bare = value.trim_matches('"');
            let code = bare
                .get(..3)
                .filter(|c| c.chars().all(|c| c.is_ascii_digit()));
            let value = match (self.names || self.is_plain(bare), code) {
                (true, _) => self.text(bare),
                (false, Some(code)) => format!("{code} <…>"),
                (false, None) => "<…>".to_owned(),
            };
            out.push_str(&format!(" {key}={value}"));
        }
        Some(out)
    }
}

/// Replaces a name where it stands for itself, not within a longer word.
fn whole_words(text: &str, name: &str, with: &str) -> String {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let alone = !before.ends_with(inside) && !after.starts_with(inside);
        // a long name is somebody's wherever it stands
        out.push_str(before);
        out.push_str(if alone || name.len() > 5 { with } else { name });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrub() -> Scrub {
        let mut scrub = Scrub::new(false);
        scrub.know("context", "prod-eu");
        scrub.know("namespace", "ml");
        scrub.keep_secret("hunter2");
        scrub.allow("pods");
        scrub.allow("kubeflow.org");
        scrub
    }

    #[test]
    fn names_and_secrets_go_and_facts_stay() {
        let scrub = scrub();
        for (text, left) in [
            (
                "list and watch in all namespaces",
                "list and watch in all namespaces",
            ),
            (
                "list and watch in ml only",
                "list and watch in <namespace 1> only",
            ),
            ("html stays", "html stays"),
            ("https://10.1.2.3:6443/api", "https://<host>:6443"),
            (
                "403: User \"alice\" cannot list resource \"pods\"",
                "403: <…>",
            ),
            (
                "kubeflow.org (v1), batch.x-k8s.io",
                "kubeflow.org (v1), batch.x-k8s.io",
            ),
            (
                "of lab.example.com by bob@lab.example.com",
                "of <host> by <mail>",
            ),
            (
                "token: abc hunter2 password=x",
                "token: <secret> <secret> password=<secret>",
            ),
            ("Bearer abc.def", "Bearer <secret>"),
            // shorter than what is taken for one by its length alone
            (
                "logged in with hf_aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
                "logged in with <secret>",
            ),
            ("token abc-1 is no good", "token <secret> is no good"),
            (
                "kubectl says \"alice\" of 'research'",
                "kubectl says <name> of <name>",
            ),
            ("file /home/bob/.kube/config", "file <path>"),
            ("v1.36.0, linux/amd64", "v1.36.0, linux/amd64"),
        ] {
            assert_eq!(scrub.text(text), left);
        }
        let named = Scrub {
            names: true,
            ..scrub
        };
        assert_eq!(
            named.text("prod-eu token=x hunter2"),
            "prod-eu token=<secret> <secret>"
        );
    }

    #[test]
    fn of_the_log_what_names_nobody() {
        let scrub = scrub();
        for (line, left) in [
            (
                "2026-11-23T12:00:00.1Z  INFO jobdeck::cluster::source: a watch went back kind=\"pods\"",
                Some(
                    "2026-11-23T12:00:00.1Z INFO jobdeck::cluster::source: a watch went back kind=pods",
                ),
            ),
            (
                "2026-11-23T12:00:00.1Z  INFO jobdeck::cluster::workloads: discovery of kinds failure=403: no, alice of research",
                Some(
                    "2026-11-23T12:00:00.1Z INFO jobdeck::cluster::workloads: discovery of kinds failure=403 <…>",
                ),
            ),
            (
                "2026-11-23T12:00:00.1Z DEBUG hyper::client: connected to lab.example.com",
                Some("2026-11-23T12:00:00.1Z DEBUG hyper::client: (left out)"),
            ),
            ("   3: alice at work", None),
            (" 1é: alice at work", None),
        ] {
            assert_eq!(scrub.log(line).as_deref(), left, "{line}");
        }
    }
}
