//! Known ways to fail, recognised in a log: what it was, in one sentence, and which lines tell it. Tracebacks are
//! kept together even where several ranks write theirs at once.

mod explain;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use regex::Regex;

use self::explain::explain;
use super::prefix::Prefix;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    CudaOom,
    CudaError,
    Ecc,
    Xid,
    NcclTimeout,
    NcclError,
    /// Of the host's memory, or something else that sent SIGKILL.
    Killed,
    DataLoader,
    Segfault,
    BusError,
    DiskFull,
    Quota,
    Import,
    AddressInUse,
    Permission,
    /// torchrun's summary of who failed first.
    Torchrun,
    /// A Python exception of no kind above.
    Traceback,
}

/// A failure found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub kind: Failure,
    /// One sentence; its wording may change.
    pub words: String,
    /// First and last line that tell it.
    pub first: u64,
    pub last: u64,
    /// The lines of it, in order; others may stand between.
    pub lines: Vec<u64>,
    /// The rank that says it, where the line does.
    pub rank: Option<u32>,
}

/// Lines that can begin or be a failure, in one pass.
static WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let all = [
        "Traceback \\(most recent",
        "out of memory",
        "Out of memory",
        "OutOfMemory",
        "OUT_OF_MEMORY",
        "OOM",
        "NCCL",
        "nccl[A-Z]",
        "CUDA",
        "cuda",
        "ECC",
        "Xid",
        "Killed",
        "killed",
        "SIGKILL",
        "SIGSEGV",
        "SIGBUS",
        "Segmentation fault",
        "Bus error",
        "No space left",
        "quota exceeded",
        "No module named",
        "ImportError",
        "cannot import name",
        "shared object file",
        "ddress already in use",
        "EADDRINUSE",
        "ermission denied",
        "collective operation timeout",
        "FAILED$",
    ];
    Regex::new(&all.join("|")).ok()
});

/// Lines by the same kind so close together are one story.
const NEAR: u64 = 6;
/// A traceback longer than this is not followed to its end.
const LONGEST: u64 = 2_000;

/// Reads the lines of one stream in order.
#[derive(Debug, Default)]
pub struct Failures {
    tracebacks: Vec<Traceback>,
    summary: Option<Summary>,
    /// Told by single lines; more of the same may follow.
    open: Vec<Found>,
    /// The line before was a ruler: `=====`.
    ruler: Option<u64>,
}

#[derive(Debug, Clone)]
struct Traceback {
    /// Who writes it: everything in front of the line that names somebody.
    who: (Option<u32>, Option<u32>, Option<String>),
    first: u64,
    last: u64,
    lines: Vec<u64>,
    /// File, line and function of the last frame.
    frame: Option<String>,
    exception: Option<String>,
}

/// torchrun's table in the making.
#[derive(Debug, Default, Clone)]
struct Summary {
    first: u64,
    root: bool,
    rank: Option<u32>,
    host: Option<String>,
    exit: Option<i64>,
}

impl Failures {
    /// The next line, without escapes; failures that are complete now.
    pub fn line(&mut self, number: u64, text: &str) -> Vec<Found> {
        let mut done = Vec::new();
        let idle = self.is_idle();
        let ruler = text.len() >= 20 && text.bytes().all(|b| b == b'=');
        let speaks = WORDS.as_ref().is_some_and(|words| words.is_match(text));
        if idle && !speaks {
            self.ruler = ruler.then_some(number);
            return done;
        }
        self.open.retain(|found| {
            let over = number > found.last + NEAR;
            if over {
                done.push(found.clone());
            }
            !over
        });
        let prefix = Prefix::read(text);
        let body = &text[prefix.body..];
        if self.summarise(number, text.trim(), ruler, &mut done) {
            return done;
        }
        let blanks = text[..prefix.body].len() - text[..prefix.body].trim_end_matches(' ').len();
        let indent = blanks.saturating_sub(usize::from(prefix.body > 0)) + body.len()
            - body.trim_start().len();
        if self.trace(number, &prefix, body.trim(), indent, &mut done) || !speaks {
            return done;
        }
        if let Some((kind, words)) = explain(body, prefix.rank) {
            let rank = prefix.rank;
            match self
                .open
                .iter_mut()
                .find(|found| found.kind == kind && found.rank == rank)
            {
                Some(found) => {
                    found.last = number;
                    found.lines.push(number);
                }
                None => self.open.push(Found {
                    kind,
                    words,
                    first: number,
                    last: number,
                    lines: vec![number],
                    rank,
                }),
            }
        }
        done
    }

    /// Nothing is begun that further lines could belong to.
    pub fn is_idle(&self) -> bool {
        self.tracebacks.is_empty() && self.summary.is_none() && self.open.is_empty()
    }

    /// What is known by now of those that further lines may belong to.
    pub fn begun(&self) -> impl Iterator<Item = Found> {
        let tracebacks = self.tracebacks.iter().cloned();
        let told = tracebacks.filter_map(Traceback::found);
        self.open.iter().cloned().chain(told)
    }

    /// The stream is over: what is known of unfinished ones.
    pub fn finish(&mut self) -> Vec<Found> {
        let mut done: Vec<Found> = std::mem::take(&mut self.open);
        done.extend(
            std::mem::take(&mut self.tracebacks)
                .into_iter()
                .filter_map(Traceback::found),
        );
        done.extend(
            self.summary
                .take()
                .and_then(|summary| summary.found(summary.first)),
        );
        done.sort_by_key(|found| found.first);
        done
    }

    /// Tracebacks; whether the line belongs to one.
    fn trace(
        &mut self,
        number: u64,
        prefix: &Prefix,
        body: &str,
        indent: usize,
        done: &mut Vec<Found>,
    ) -> bool {
        let who = (
            prefix.rank,
            prefix.local_rank,
            prefix.pod.map(str::to_owned),
        );
        let known = self.tracebacks.iter().position(|t| t.who == who);
        let begins = body.starts_with("Traceback (most recent call last)");
        let Some(at) = known else {
            if begins {
                self.tracebacks.push(Traceback::new(who, number));
            }
            return begins;
        };
        let traceback = &mut self.tracebacks[at];
        let chained = body.starts_with("During handling of the above exception")
            || body.starts_with("The above exception was the direct cause");
        let belongs = if number - traceback.first > LONGEST {
            false
        } else if begins {
            // A new one right behind another, with nothing between that ties them, is another.
            let tied = traceback.exception.is_none();
            traceback.exception = None;
            tied
        } else if chained {
            traceback.exception = None;
            true
        } else if body.is_empty() {
            // Between the parts of a chain.
            return true;
        } else if traceback.exception.is_some() {
            more_of_exception(body)
        } else if indent > 0 {
            if let Some(frame) = body.strip_prefix("File \"") {
                traceback.frame = Some(frame.replace('"', ""));
            }
            true
        } else if is_exception(body) {
            traceback.exception = Some(body.to_owned());
            true
        } else {
            // A word of somebody else in between.
            return false;
        };
        if belongs {
            traceback.last = number;
            traceback.lines.push(number);
            return true;
        }
        done.extend(self.tracebacks.remove(at).found());
        if begins {
            self.tracebacks.push(Traceback::new(who, number));
        }
        begins
    }

    /// torchrun's table; whether the line belongs to it.
    fn summarise(&mut self, number: u64, body: &str, ruler: bool, done: &mut Vec<Found>) -> bool {
        let before = self.ruler.take();
        if ruler {
            if self.summary.as_ref().is_some_and(|summary| summary.root) {
                done.extend(
                    self.summary
                        .take()
                        .and_then(|summary| summary.found(number)),
                );
                return true;
            }
            self.ruler = Some(number);
            return false;
        }
        if let Some(first) = before
            && body.ends_with(" FAILED")
        {
            self.summary = Some(Summary {
                first,
                ..Summary::default()
            });
            return true;
        }
        let Some(summary) = &mut self.summary else {
            return false;
        };
        if number - summary.first > LONGEST {
            self.summary = None;
            return false;
        }
        if body.starts_with("Root Cause") {
            summary.root = true;
        } else if summary.root
            && let Some((name, value)) = body.split_once(':')
        {
            let value = value.trim();
            let number = || value.split(' ').next().and_then(|n| n.parse::<i64>().ok());
            match name.trim() {
                "rank" => summary.rank = number().and_then(|n| u32::try_from(n).ok()),
                "host" => summary.host = Some(value.to_owned()),
                "exitcode" => summary.exit = number(),
                _ => {}
            }
        }
        true
    }
}

impl Traceback {
    fn new(who: (Option<u32>, Option<u32>, Option<String>), line: u64) -> Self {
        Self {
            who,
            first: line,
            last: line,
            lines: vec![line],
            frame: None,
            exception: None,
        }
    }

    fn found(self) -> Option<Found> {
        let exception = self.exception?;
        let rank = self.who.0;
        let (kind, mut words) = explain(&exception, rank).unwrap_or_else(|| {
            let short: String = exception.chars().take(160).collect();
            (Failure::Traceback, short)
        });
        // `train.py, line 12, in main`
        if let Some(frame) = self.frame.as_deref().and_then(place) {
            words = format!("{words} ({frame})");
        }
        Some(Found {
            kind,
            words,
            first: self.first,
            last: self.last,
            lines: self.lines,
            rank,
        })
    }
}

/// `/app/train.py, line 12, in main` → `train.py:12`.
fn place(frame: &str) -> Option<String> {
    let (path, rest) = frame.split_once(", line ")?;
    let line: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("{}:{line}", path.rsplit('/').next()?))
}

/// `RuntimeError: words`, `KeyboardInterrupt`, `torch.cuda.OutOfMemoryError: …`
fn is_exception(body: &str) -> bool {
    let name = body.split([':', ' ']).next().unwrap_or("");
    let last = name.rsplit('.').next().unwrap_or("");
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
        && last.starts_with(|c: char| c.is_ascii_uppercase())
        && (body.len() == name.len() || body[name.len()..].starts_with(": ") || body.ends_with(':'))
}

/// The further lines of messages that have some.
fn more_of_exception(body: &str) -> bool {
    [
        "CUDA kernel errors might be",
        "For debugging consider",
        "Compile with `TORCH_USE_CUDA_DSA`",
        "Last error:",
        "ncclSystemError:",
        "ncclInternalError:",
    ]
    .iter()
    .any(|head| body.starts_with(head))
}

impl Summary {
    fn found(&self, last: u64) -> Option<Found> {
        if !self.root {
            return None;
        }
        let who = match (self.rank, self.host.as_deref()) {
            (Some(rank), Some(host)) => format!("rank {rank} on {host}"),
            (Some(rank), None) => format!("rank {rank}"),
            _ => "a worker".to_owned(),
        };
        let how = match self.exit {
            Some(-9 | 137) => "was killed (SIGKILL), most likely for want of memory".to_owned(),
            Some(-11 | 139) => "crashed with a segmentation fault".to_owned(),
            Some(-6 | 134) => "aborted (SIGABRT)".to_owned(),
            Some(-15 | 143) => "was asked to end (SIGTERM)".to_owned(),
            Some(code) => format!("ended with exit code {code}"),
            None => "failed".to_owned(),
        };
        Some(Found {
            kind: Failure::Torchrun,
            words: format!("torchrun: {who} failed first: it {how}"),
            first: self.first,
            last,
            lines: (self.first..=last).collect(),
            rank: self.rank,
        })
    }
}
