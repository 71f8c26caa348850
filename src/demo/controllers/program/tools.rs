//! The machine a program runs on: time, output and the usual commands.

use std::collections::BTreeMap;

use super::{Line, Ran, pi, python, shell};
use crate::controllers::kubelet::{hash, mix};

/// Commands one launch may run before it counts as endless.
const STEPS: u32 = 20_000;
/// What runs longer than this (simulated seconds) runs for ever.
const HORIZON: f64 = 30.0 * 86_400.0;

/// Why the current program stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Exit(i32),
    Break,
    Continue,
    /// The whole container is over: killed, or nobody looks further.
    Killed,
}

#[derive(Debug)]
pub struct Machine {
    pub env: BTreeMap<String, String>,
    pub time: f64,
    pub stop: Option<Stop>,
    pub term: Option<(f64, i32)>,
    /// What the command before the pipe printed.
    pub input: Vec<String>,
    lines: Vec<Line>,
    partial: String,
    memory: i64,
    steps: u32,
    seed: u64,
    depth: u32,
    code: i32,
    oom: bool,
    forever: bool,
    /// What `ray job submit` was given, and how that ended.
    pub entrypoint: Vec<String>,
    pub driver: Option<i32>,
}

/// Output put aside while it is captured.
pub struct Kept(Vec<Line>, String);

impl Machine {
    pub fn new(env: BTreeMap<String, String>, memory: i64, seed: u64) -> Self {
        Self {
            env,
            time: 0.02,
            stop: None,
            term: None,
            input: Vec::new(),
            lines: Vec::new(),
            partial: String::new(),
            memory,
            steps: 0,
            seed,
            depth: 0,
            code: 0,
            oom: false,
            forever: false,
            entrypoint: Vec::new(),
            driver: None,
        }
    }

    /// One more step; false if there have been too many.
    pub fn tick(&mut self) -> bool {
        self.steps += 1;
        if self.steps > STEPS {
            self.run_on();
        }
        self.stop.is_none()
    }

    /// From here on it runs for ever.
    pub fn run_on(&mut self) {
        self.forever = true;
        self.stop = Some(Stop::Killed);
    }

    pub fn random(&mut self, below: u64) -> u64 {
        self.seed = mix(self.seed);
        self.seed % below.max(1)
    }

    /// A number in 0..1.
    pub fn unit(&mut self) -> f64 {
        self.random(1 << 32) as f64 / (1u64 << 32) as f64
    }

    pub fn pass(&mut self, seconds: f64) {
        self.time += seconds.max(0.0);
        if self.time > HORIZON {
            self.run_on();
        }
    }

    /// Prints text and a newline.
    pub fn print(&mut self, text: &str) {
        self.write(text);
        self.write("\n");
    }

    pub fn write(&mut self, text: &str) {
        let mut parts = text.split('\n');
        self.partial.push_str(parts.next().unwrap_or_default());
        for part in parts {
            self.time += 0.000_2;
            let line = std::mem::replace(&mut self.partial, part.to_owned());
            self.lines.push((self.time, line));
        }
    }

    pub fn capture(&mut self) -> Kept {
        Kept(
            std::mem::take(&mut self.lines),
            std::mem::take(&mut self.partial),
        )
    }

    pub fn release(&mut self, kept: Kept) -> Vec<String> {
        let mut got: Vec<String> = std::mem::replace(&mut self.lines, kept.0)
            .into_iter()
            .map(|l| l.1)
            .collect();
        let rest = std::mem::replace(&mut self.partial, kept.1);
        if !rest.is_empty() {
            got.push(rest);
        }
        got
    }

    pub fn kill_for_memory(&mut self) {
        self.oom = true;
        self.code = 137;
        self.stop = Some(Stop::Killed);
    }

    pub fn finish(mut self, code: i32) -> Ran {
        if !self.partial.is_empty() {
            let rest = std::mem::take(&mut self.partial);
            self.lines.push((self.time, rest));
        }
        Ran {
            code: if self.stop == Some(Stop::Killed) {
                self.code
            } else {
                code
            },
            lines: self.lines,
            time: self.time,
            oom: self.oom,
            forever: self.forever,
            term: self.term,
            driver: self.driver,
        }
    }

    /// Runs a command line; its exit code.
    pub fn exec(&mut self, argv: &[String]) -> i32 {
        let Some(path) = argv.first() else { return 0 };
        self.depth += 1;
        if self.depth > 20 || !self.tick() {
            self.depth -= 1;
            return self.code;
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let code = self.named(name, &argv[1..]);
        self.depth -= 1;
        code
    }

    fn named(&mut self, name: &str, args: &[String]) -> i32 {
        let arg = |at: usize| args.get(at).map(String::as_str).unwrap_or_default();
        match name {
            "true" | ":" | "mkdir" | "touch" | "rm" | "cp" | "mv" | "cd" | "chmod" | "wait"
            | "ulimit" | "sync" => 0,
            "false" => 1,
            "sh" | "bash" | "ash" | "dash" | "zsh" => self.shell(args),
            "ray" => super::ray::run(self, args),
            "echo" => self.echo(args),
            "printf" => {
                let text = printf(args);
                self.write(&text);
                0
            }
            "sleep" => match sleep(args) {
                Some(seconds) => {
                    self.pass(seconds);
                    0
                }
                None => {
                    self.print(&format!("sleep: invalid number '{}'", arg(0)));
                    1
                }
            },
            "test" => i32::from(!test(args)),
            "[" | "[[" => i32::from(!test(&args[..args.len().saturating_sub(1)])),
            "seq" => {
                let n: Vec<i64> = args.iter().filter_map(|a| a.parse().ok()).collect();
                let (from, step, to) = match n.as_slice() {
                    [to] => (1, 1, *to),
                    [from, to] => (*from, 1, *to),
                    [from, step, to] => (*from, (*step).max(1), *to),
                    _ => return 1,
                };
                let mut i = from;
                while i <= to && self.tick() {
                    self.print(&i.to_string());
                    i += step;
                }
                0
            }
            "env" | "printenv" if args.is_empty() => {
                let all: Vec<String> = self.env.iter().map(|(k, v)| format!("{k}={v}")).collect();
                for line in all {
                    self.print(&line);
                }
                0
            }
            "env" => {
                let skip = args.iter().take_while(|a| a.contains('=')).count();
                self.exec(&args[skip..])
            }
            "printenv" => {
                let value = self.env.get(arg(0)).cloned();
                value.map_or(1, |v| {
                    self.print(&v);
                    0
                })
            }
            "hostname" => {
                let host = self.env.get("HOSTNAME").cloned().unwrap_or_default();
                self.print(&host);
                0
            }
            "kill" => {
                let signal = arg(0).trim_start_matches('-').trim_start_matches("SIG");
                let number = match signal {
                    "KILL" => 9,
                    "ABRT" => 6,
                    "SEGV" => 11,
                    other => other.parse().unwrap_or(15),
                };
                self.code = 128 + number;
                self.stop = Some(Stop::Killed);
                self.code
            }
            "timeout" => self.timeout(args),
            "nice" | "nohup" | "time" | "exec" | "stdbuf" | "setsid" | "tini" | "dumb-init" => {
                let at = args
                    .iter()
                    .position(|a| !a.starts_with('-'))
                    .unwrap_or(args.len());
                self.exec(&args[at..])
            }
            "nslookup" => {
                self.pass(0.1);
                // A headless service is known only when the pod behind it is ready.
                let known = self.time > 2.0 + (self.seed % 7) as f64;
                let host = arg(0);
                self.print(&if known {
                    format!(
                        "Name:      {host}\nAddress 1: 10.244.0.{}",
                        2 + self.seed % 250
                    )
                } else {
                    format!("nslookup: can't resolve '{host}': Name does not resolve")
                });
                i32::from(!known)
            }
            "perl" => self.perl(args),
            _ if name.starts_with("python") => python::command(self, args),
            "cat" | "tee" | "sort" | "uniq" | "sed" | "awk" | "tr" | "cut" | "rev" => {
                for line in std::mem::take(&mut self.input) {
                    self.print(&line);
                }
                0
            }
            "head" | "tail" | "wc" | "grep" => self.filter(name, args),
            "date" => {
                self.print(super::DATE);
                0
            }
            "stress" | "stress-ng" => self.stress(args),
            "tail-forever"
            | "pause"
            | "nginx"
            | "httpd"
            | "redis-server"
            | "postgres"
            | "mysqld"
            | "jupyter"
            | "jupyter-lab"
            | "tensorboard"
            | "vllm"
            | "tritonserver"
            | "sshd"
            | "node_exporter"
            | "dcgm-exporter"
            | "device-metrics-exporter" => {
                if name != "pause" {
                    self.print(&format!("{name}: started"));
                }
                self.term.get_or_insert((0.7, 0));
                self.run_on();
                0
            }
            _ => self.other(name, args),
        }
    }

    /// A program we know nothing of: it says that it starts, takes a plausible time and succeeds.
    fn other(&mut self, name: &str, args: &[String]) -> i32 {
        let line = [&[name.to_owned()], args].concat().join(" ");
        let shown: String = line.chars().take(160).collect();
        self.print(&format!("+ {shown}"));
        let inner = self.depth > 1;
        let (least, spread) = if inner { (0.2, 1.5) } else { (4.0, 12.0) };
        let took = least + spread * (hash(&line) % 1000) as f64 / 1000.0;
        self.pass(took);
        self.term.get_or_insert((0.5, 143));
        0
    }

    fn shell(&mut self, args: &[String]) -> i32 {
        let Some(at) = args
            .iter()
            .position(|a| a.starts_with('-') && a.contains('c'))
        else {
            // Without a script (and without a terminal) a shell reads nothing and ends.
            return if args.is_empty() {
                0
            } else {
                self.other("sh", args)
            };
        };
        let strict = args[..=at]
            .iter()
            .any(|a| a.starts_with('-') && a.contains('e'));
        // `--` ends the options; the script comes behind it.
        let at = at + usize::from(args.get(at + 1).is_some_and(|a| a == "--"));
        let text = args.get(at + 1).cloned().unwrap_or_default();
        let text = if strict {
            format!("set -e\n{text}")
        } else {
            text
        };
        shell::script(self, &text, args.get(at + 2..).unwrap_or_default())
    }

    fn echo(&mut self, args: &[String]) -> i32 {
        let flags = args
            .iter()
            .take_while(|a| ["-n", "-e", "-ne", "-en"].contains(&a.as_str()))
            .count();
        let text = args[flags..].join(" ");
        let plain = args[..flags].iter().any(|f| f.contains('n'));
        let text = if args[..flags].iter().any(|f| f.contains('e')) {
            unescape(&text)
        } else {
            text
        };
        self.write(&text);
        if !plain {
            self.write("\n");
        }
        0
    }

    fn timeout(&mut self, args: &[String]) -> i32 {
        let at = args.iter().position(|a| !a.starts_with('-')).unwrap_or(0);
        let limit = args.get(at).and_then(|a| seconds(a)).unwrap_or(f64::MAX);
        let (start, before) = (self.time, self.lines.len());
        let code = self.exec(args.get(at + 1..).unwrap_or_default());
        if self.time - start <= limit && !self.forever {
            return code;
        }
        let cut = start + limit;
        self.time = cut;
        self.forever = false;
        self.stop = None;
        let kept = self.lines[before..]
            .iter()
            .take_while(|l| l.0 <= cut)
            .count();
        self.lines.truncate(before + kept);
        124
    }

    fn perl(&mut self, args: &[String]) -> i32 {
        let text = args.join(" ");
        let count = text
            .split("bpi(")
            .nth(1)
            .and_then(|t| t.split(')').next()?.trim().parse::<usize>().ok());
        match count {
            Some(count) => {
                let luck = self.unit();
                self.pass(1.2 + (count as f64 / 1000.0).powi(2) * 0.9 + luck);
                self.print(&pi::digits(count));
                0
            }
            None => self.other("perl", args),
        }
    }

    fn filter(&mut self, name: &str, args: &[String]) -> i32 {
        let mut lines = std::mem::take(&mut self.input);
        if name == "tail" && args.iter().any(|a| a.starts_with("-f") || a == "-F") {
            self.run_on();
            return 0;
        }
        let number = args.iter().rev().find_map(|a| {
            a.trim_start_matches("-n")
                .trim_start_matches('-')
                .parse::<usize>()
                .ok()
        });
        match name {
            "head" => lines.truncate(number.unwrap_or(10)),
            "tail" => drop(lines.drain(..lines.len().saturating_sub(number.unwrap_or(10)))),
            "wc" => lines = vec![lines.len().to_string()],
            _ => {
                let (pattern, inverse) = (
                    args.last().cloned().unwrap_or_default(),
                    args.iter().any(|a| a == "-v"),
                );
                lines.retain(|l| l.contains(&pattern) != inverse);
                let none = lines.is_empty();
                if !args.iter().any(|a| a == "-q") {
                    lines.iter().for_each(|l| self.print(l));
                }
                return i32::from(none);
            }
        }
        lines.iter().for_each(|l| self.print(l));
        0
    }

    /// The memory example of the Kubernetes documentation.
    fn stress(&mut self, args: &[String]) -> i32 {
        let value = |flag: &str| {
            args.iter()
                .position(|a| a == flag)
                .and_then(|at| args.get(at + 1))
        };
        let bytes = value("--vm-bytes").map_or(0, |v| bytes(v));
        let workers = value("--vm")
            .and_then(|v| v.parse::<i64>().ok())
            .unwrap_or(1);
        self.print(&format!(
            "stress: info: [1] dispatching hogs: 0 cpu, 0 io, {workers} vm, 0 hdd"
        ));
        self.pass(1.5);
        if self.memory > 0 && bytes * workers > self.memory {
            self.kill_for_memory();
            return 137;
        }
        match value("--timeout").or(value("-t")).and_then(|t| seconds(t)) {
            Some(limit) => self.pass(limit),
            None => self.run_on(),
        }
        0
    }
}

fn bytes(text: &str) -> i64 {
    let (number, unit) =
        text.split_at(text.len() - usize::from(text.ends_with(char::is_alphabetic)));
    let scale = match unit {
        "K" | "k" => 1 << 10,
        "M" | "m" => 1 << 20,
        "G" | "g" => 1 << 30,
        _ => 1,
    };
    number.parse::<i64>().unwrap_or(0).saturating_mul(scale)
}

/// `90`, `1.5`, `2m`, `1h`, `infinity`.
fn seconds(text: &str) -> Option<f64> {
    if text.starts_with("inf") {
        return Some(f64::MAX);
    }
    let (number, unit) =
        text.split_at(text.len() - usize::from(text.ends_with(['s', 'm', 'h', 'd'])));
    let scale = match unit {
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => 1.0,
    };
    number.parse::<f64>().ok().map(|n| n * scale)
}

fn sleep(args: &[String]) -> Option<f64> {
    if args.is_empty() {
        return None;
    }
    args.iter().map(|a| seconds(a)).sum()
}

/// `test` and `[`.
fn test(args: &[String]) -> bool {
    let text: Vec<&str> = args.iter().map(String::as_str).collect();
    if let Some(at) = text.iter().position(|a| *a == "-o" || *a == "||") {
        return test(&args[..at]) || test(&args[at + 1..]);
    }
    if let Some(at) = text.iter().position(|a| *a == "-a" || *a == "&&") {
        return test(&args[..at]) && test(&args[at + 1..]);
    }
    let number = |t: &str| t.trim().parse::<f64>().unwrap_or(0.0);
    match text.as_slice() {
        ["!", ..] => !test(&args[1..]),
        ["-z", a] => a.is_empty(),
        ["-n", a] | [a] => !a.is_empty(),
        // There are no files here.
        ["-f" | "-e" | "-d" | "-r" | "-s" | "-x", _] | [] => false,
        [a, "=" | "==", b] => a == b,
        [a, "!=", b] => a != b,
        [a, "-eq", b] => number(a) == number(b),
        [a, "-ne", b] => number(a) != number(b),
        [a, "-lt" | "<", b] => number(a) < number(b),
        [a, "-le", b] => number(a) <= number(b),
        [a, "-gt" | ">", b] => number(a) > number(b),
        [a, "-ge", b] => number(a) >= number(b),
        _ => false,
    }
}

fn unescape(text: &str) -> String {
    text.replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("\\r", "\r")
        .replace("\\033", "\u{1b}")
        .replace("\\e", "\u{1b}")
}

fn printf(args: &[String]) -> String {
    let format = unescape(args.first().map(String::as_str).unwrap_or_default());
    let mut values = args.iter().skip(1);
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = String::new();
        for next in chars.by_ref() {
            spec.push(next);
            if next.is_alphabetic() || next == '%' {
                break;
            }
        }
        let width = spec
            .trim_start_matches('0')
            .trim_end_matches(char::is_alphabetic)
            .parse()
            .unwrap_or(0);
        match spec.chars().last() {
            Some('%') => out.push('%'),
            Some(_) => {
                let value = values.next().cloned().unwrap_or_default();
                let fill = if spec.starts_with('0') { "0" } else { " " };
                out.push_str(&fill.repeat(usize::saturating_sub(width, value.chars().count())));
                out.push_str(&value);
            }
            None => out.push('%'),
        }
    }
    out
}

/// What an image runs if the container names no command.
pub fn entrypoint(image: &str) -> Vec<String> {
    let name = image.rsplit('/').next().unwrap_or(image);
    let name = name.split([':', '@']).next().unwrap_or(name);
    let argv: &[&str] = match name {
        "busybox" | "alpine" | "bash" | "ubuntu" | "debian" | "python" | "perl" => &["sh"],
        "hello-world" => &["echo", "Hello from Docker!"],
        "pause" => &["pause"],
        "nginx" | "httpd" => &["nginx"],
        "redis" => &["redis-server"],
        "postgres" => &["postgres"],
        "mysql" | "mariadb" => &["mysqld"],
        other => return vec![other.to_owned()],
    };
    argv.iter().map(|a| (*a).to_owned()).collect()
}
