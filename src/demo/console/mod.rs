//! What somebody finds who comes into a running container: a small shell, with the commands that people try first. It
//! simulates what is seen, not a system: nothing typed here changes what the container's own program does.

mod cards;
mod commands;
mod line;
pub mod tty;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::controllers::program::Launch;
pub use cards::Card;
use line::{Joint, Link, Part, Redirect};

/// The container, as it is now.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub pod: String,
    pub namespace: String,
    pub image: String,
    pub node: String,
    pub ip: String,
    pub env: BTreeMap<String, String>,
    /// The command line of its first process.
    pub main: Vec<String>,
    pub since: DateTime<Utc>,
    pub now: DateTime<Utc>,
    /// The cards it was given.
    pub cards: Vec<Card>,
}

impl Place {
    /// A container of a pod; none if it does not run.
    pub fn of(pod: &Value, container: &str, now: DateTime<Utc>) -> Option<Self> {
        let named = |root: &str, lists: [&str; 2]| {
            let all = lists
                .iter()
                .flat_map(|list| pod[root][*list].as_array().into_iter().flatten());
            all.into_iter().find(|c| c["name"] == container).cloned()
        };
        let spec = named("spec", ["containers", "initContainers"])?;
        let status = named("status", ["containerStatuses", "initContainerStatuses"])?;
        let since = status["state"]["running"]["startedAt"].as_str()?;
        let attempt = status["restartCount"].as_u64().unwrap_or(0);
        let launch = Launch::of(pod, &spec, u32::try_from(attempt).unwrap_or(0));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(Self {
            pod: text(&pod["metadata"]["name"]),
            namespace: text(&pod["metadata"]["namespace"]),
            image: text(&spec["image"]),
            node: text(&pod["spec"]["nodeName"]),
            ip: text(&pod["status"]["podIP"]),
            env: launch.env().clone(),
            main: launch.words(),
            since: since.parse().ok()?,
            now,
            cards: Vec::new(),
        })
    }

    fn has_shell(&self) -> bool {
        !["distroless", "/pause:"]
            .iter()
            .any(|word| self.image.contains(word))
    }

    fn has_bash(&self) -> bool {
        self.has_shell()
            && !["busybox", "alpine"]
                .iter()
                .any(|word| self.image.contains(word))
    }

    /// Is there a program of this name?
    fn has(&self, name: &str) -> bool {
        match name {
            "bash" => self.has_bash(),
            "sh" => self.has_shell(),
            "nvidia-smi" => self.cards.iter().any(|card| !card.is_amd()),
            "rocm-smi" => self.cards.iter().any(Card::is_amd),
            "tput" | "python" | "python3" => self.has_bash(),
            other => self.has_shell() && commands::NAMES.contains(&other),
        }
    }
}

/// What comes out, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Out(String),
    Err(String),
    /// So many simulated seconds pass.
    Wait(f64),
}

/// How something went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Done(i32),
    /// A shell reads lines from here on.
    Shell,
    /// The container has no such program.
    Missing(String),
    /// It reads its input, and that has not been given.
    Input,
}

/// Somebody's stay in a container.
#[derive(Debug, Clone)]
pub struct Console {
    pub place: Place,
    env: BTreeMap<String, String>,
    folder: String,
    /// Files written here.
    files: BTreeMap<String, String>,
    status: i32,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What is to be read; none: it is not known yet.
    pub input: Option<String>,
    /// Something has read it.
    reads: bool,
    /// `exit` was said.
    pub leaving: Option<i32>,
    shell: bool,
    said: Vec<Said>,
}

impl Console {
    pub fn new(place: Place, tty: bool) -> Self {
        let mut env = place.env.clone();
        if tty {
            env.insert("TERM".into(), "xterm".into());
        }
        Self {
            env,
            place,
            folder: "/workspace".into(),
            files: BTreeMap::new(),
            status: 0,
            size: (80, 24),
            input: None,
            reads: false,
            leaving: None,
            shell: false,
            said: Vec::new(),
        }
    }

    /// Runs a command as it was asked for: `argv`, no shell in between.
    pub fn start(&mut self, argv: &[String]) -> (Vec<Said>, Next) {
        let name = argv.first().map(String::as_str).unwrap_or_default();
        let bare = name.rsplit('/').next().unwrap_or(name);
        if !self.place.has(bare) {
            return (Vec::new(), Next::Missing(name.to_owned()));
        }
        let before = self.clone();
        let code = self.command(argv, None);
        self.ended(before, code)
    }

    /// Runs a line of a shell.
    pub fn line(&mut self, text: &str) -> (Vec<Said>, Next) {
        let before = self.clone();
        let code = self.script(text);
        self.status = code;
        self.ended(before, code)
    }

    fn ended(&mut self, before: Self, code: i32) -> (Vec<Said>, Next) {
        if self.reads && self.input.is_none() {
            *self = before;
            return (Vec::new(), Next::Input);
        }
        let said = std::mem::take(&mut self.said);
        if std::mem::take(&mut self.shell) {
            // the shell has taken the place of what ran before
            return (Vec::new(), Next::Shell);
        }
        (said, Next::Done(self.leaving.unwrap_or(code)))
    }

    /// What stands before a line.
    pub fn prompt(&self) -> String {
        let folder = match self.folder.as_str() {
            "/root" => "~",
            other => other,
        };
        match self.place.has_bash() {
            true => format!("root@{}:{folder}# ", self.place.pod),
            false => format!("{folder} # "),
        }
    }

    /// The last exit code.
    pub fn status(&self) -> i32 {
        self.status
    }

    fn script(&mut self, text: &str) -> i32 {
        let parts = match line::parse(text) {
            Ok(parts) => parts,
            Err(why) => {
                self.said
                    .push(Said::Err(format!("sh: syntax error: {why}\n")));
                return 2;
            }
        };
        let mut code = self.status;
        for Part { joint, pipe } in parts {
            let wanted = match joint {
                Joint::Then => true,
                Joint::And => code == 0,
                Joint::Or => code != 0,
            };
            if !wanted {
                continue;
            }
            code = self.pipe(&pipe);
            self.status = code;
            if self.leaving.is_some() || self.shell || (self.reads && self.input.is_none()) {
                break;
            }
        }
        code
    }

    fn pipe(&mut self, pipe: &[Link]) -> i32 {
        let mut input: Option<String> = None;
        let mut code = 0;
        for (nth, link) in pipe.iter().enumerate() {
            let last = nth + 1 == pipe.len();
            let before = std::mem::take(&mut self.said);
            code = self.link(link, input.take());
            let said = std::mem::replace(&mut self.said, before);
            let mut through = String::new();
            for one in self.redirected(link, said) {
                match one {
                    Said::Out(text) if !last => through.push_str(&text),
                    other => self.said.push(other),
                }
            }
            input = Some(through);
        }
        code
    }

    /// What of it is left after redirections.
    fn redirected(&mut self, link: &Link, said: Vec<Said>) -> Vec<Said> {
        let (mut out, mut err): (Option<String>, Option<String>) = (None, None);
        let (mut joined, mut aside) = (false, false);
        for redirect in &link.redirects {
            match redirect {
                Redirect::Out { file, append } => out = Some(self.target(file, *append)),
                Redirect::Err { file, append } => err = Some(self.target(file, *append)),
                Redirect::ErrToOut => joined = true,
                Redirect::OutToErr => aside = true,
                Redirect::In(_) => {}
            }
        }
        let mut left = Vec::new();
        for one in said {
            let one = match one {
                Said::Err(text) if joined => Said::Out(text),
                Said::Out(text) if aside => Said::Err(text),
                other => other,
            };
            let file = match &one {
                Said::Out(_) => &out,
                Said::Err(_) => &err,
                Said::Wait(_) => &None,
            };
            match (one, file) {
                (Said::Out(text) | Said::Err(text), Some(file)) => {
                    if file != "/dev/null" {
                        self.files.entry(file.clone()).or_default().push_str(&text);
                    }
                }
                (one, _) => left.push(one),
            }
        }
        left
    }

    fn target(&mut self, file: &line::Word, append: bool) -> String {
        let name = self.expand(file).join(" ");
        let path = self.path(&name);
        if path != "/dev/null" {
            let there = self.files.entry(path.clone()).or_default();
            if !append {
                there.clear();
            }
        }
        path
    }

    fn link(&mut self, link: &Link, mut input: Option<String>) -> i32 {
        for redirect in &link.redirects {
            if let Redirect::In(file) = redirect {
                let name = self.expand(file).join(" ");
                match self.read(&name) {
                    Some(text) => input = Some(text),
                    None => {
                        self.fail(&format!("sh: can't open {name}: no such file"));
                        return 1;
                    }
                }
            }
        }
        let mut words: Vec<String> = Vec::new();
        let mut sets = Vec::new();
        for word in &link.words {
            match word.assignment().filter(|_| words.is_empty()) {
                Some((name, value)) => sets.push((name.to_owned(), self.expand(&value).join(" "))),
                None => words.extend(self.expand(word)),
            }
        }
        if words.is_empty() {
            self.env.extend(sets);
            return 0;
        }
        let kept = (!sets.is_empty()).then(|| self.env.clone());
        self.env.extend(sets);
        let code = self.command(&words, input);
        if let Some(kept) = kept {
            self.env = kept;
        }
        code
    }

    fn expand(&self, word: &line::Word) -> Vec<String> {
        word.expand(|name| match name {
            "?" => self.status.to_string(),
            "$" => "7".to_owned(),
            "COLUMNS" => self.size.0.to_string(),
            "LINES" => self.size.1.to_string(),
            "PWD" => self.folder.clone(),
            other => self.env.get(other).cloned().unwrap_or_default(),
        })
    }

    /// An absolute path.
    fn path(&self, name: &str) -> String {
        let from = match name.strip_prefix('/') {
            Some(_) => String::new(),
            None => self.folder.clone(),
        };
        let mut parts: Vec<&str> = from.split('/').filter(|p| !p.is_empty()).collect();
        for part in name.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                other => parts.push(other),
            }
        }
        format!("/{}", parts.join("/"))
    }

    fn out(&mut self, text: impl Into<String>) {
        self.said.push(Said::Out(text.into()));
    }

    fn print(&mut self, text: &str) {
        self.out(format!("{text}\n"));
    }

    fn fail(&mut self, text: &str) {
        self.said.push(Said::Err(format!("{text}\n")));
    }
}

#[cfg(test)]
mod tests;
