//! A fault in words: `WHAT[=VALUE][@WHERE][*TIMES][%CHANCE]`, as `--fault` and the switchboard's endpoint take it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// An error status, and the seconds of its `Retry-After`.
    Status(u16, Option<u32>),
    /// A 500 as it is answered when a definition's conversion webhook is not there.
    Webhook,
    /// Watches: an ERROR event with this code. Other requests: the same as a status.
    Error(u16),
    /// Accepted, and then nothing.
    Stall,
    /// The head of an answer, and then nothing.
    Mute,
    /// The answer begins so much later.
    Delay(Duration),
    /// So many bytes a second.
    Slow(usize),
    /// The connection is closed in the place of an answer.
    Close,
    /// The connection is reset in the place of an answer.
    Reset,
    /// So many lines of a watch or log (bytes of another answer), half of what is next, and the connection is reset.
    Cut(usize),
    /// So many lines of a watch, and in the place of the next one something that is no JSON; other answers are cut short
    /// and end in order, as proxies do.
    Garbage(usize),
    /// Every event comes twice.
    Duplicate,
    /// Every two events change places.
    Reorder,
    /// After so many events, the same ones again.
    Replay(usize),
    /// The texts of all objects, logs and refusals attack the terminal that shows them.
    Hostile,
    /// All times in answers are so much later (or earlier): the cluster's clock is wrong.
    Skew(i64),
    /// Nobody listens, and open connections are gone; for so long, or until that is switched off.
    Refuse(Option<Duration>),
}

/// Which requests a fault is for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Where {
    /// Empty: any.
    pub verb: String,
    /// Plural of the kind; empty: any.
    pub kind: String,
    /// What the path begins with; empty: any.
    pub path: String,
}

/// A fault, where, how often and how likely.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub what: Fault,
    pub at: Where,
    /// So many more times; `None`: always.
    pub times: Option<u32>,
    /// 0 to 1.
    pub chance: f64,
}

/// What can stand before the `/` of a place. `watch` is any watch, `stream` one that begins with all objects, `resume`
/// one that goes on from a version; `list` any page of a list, `continue` not the first.
pub const VERBS: [&str; 13] = [
    "list", "continue", "watch", "stream", "resume", "get", "log", "create", "update", "patch",
    "delete", "other", "any",
];

/// The words for [`Fault`], for messages.
const WHAT: &str = "refuse, close, reset, stall, mute, cut=N, delay=TIME, slow=BYTES, garbage=N, error=CODE, duplicate, \
                    reorder, replay=N, webhook, hostile, skew=TIME, or a status from 400 to 599";

impl Rule {
    /// Always, everywhere.
    pub fn new(what: Fault) -> Self {
        Self {
            what,
            at: Where::default(),
            times: None,
            chance: 1.0,
        }
    }
}

/// Rules with `;` between.
///
/// # Errors
/// The first that is none, and what would be one.
pub fn rules(text: &str) -> Result<Vec<Rule>, String> {
    let parts = text.split(';').map(str::trim).filter(|t| !t.is_empty());
    parts.map(str::parse).collect()
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: String| format!("fault {text:?}: {why}");
        let (rest, chance) = match text.split_once('%') {
            None => (text, 1.0),
            Some((rest, percent)) => match percent.parse::<f64>() {
                Ok(n) if (0.0..=100.0).contains(&n) => (rest, n / 100.0),
                _ => return Err(bad(format!("{percent:?} is no percentage"))),
            },
        };
        let (rest, times) = match rest.split_once('*') {
            None => (rest, None),
            Some((rest, n)) => match n.parse() {
                Ok(n) => (rest, Some(n)),
                Err(_) => return Err(bad(format!("{n:?} is no number of times"))),
            },
        };
        let (what, at) = match rest.split_once('@') {
            None => (rest, Where::default()),
            Some((what, place)) => (what, place.parse().map_err(bad)?),
        };
        Ok(Self {
            what: what.parse().map_err(bad)?,
            at,
            times,
            chance,
        })
    }
}

impl FromStr for Where {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("/api") {
            return Ok(Self {
                path: text.to_owned(),
                ..Self::default()
            });
        }
        let (verb, kind) = text.split_once('/').unwrap_or((text, ""));
        if !verb.is_empty() && !VERBS.contains(&verb) {
            let all = VERBS.join(", ");
            return Err(format!(
                "{verb:?} is nothing that can be asked ({all}); a kind has a / before it"
            ));
        }
        Ok(Self {
            verb: verb.to_owned(),
            kind: kind.to_owned(),
            path: String::new(),
        })
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let given = (!value.is_empty()).then_some(value);
        let number = |otherwise: Option<usize>| match given {
            None => otherwise.ok_or_else(|| format!("{name} wants a number: {name}=10")),
            Some(n) => n.parse().map_err(|_| format!("{n:?} is no number")),
        };
        let code = |text: &str| {
            let code = text.parse::<u16>().ok();
            code.filter(|c| (400..600).contains(c))
        };
        Ok(match name {
            "refuse" => Self::Refuse(given.map(time).transpose()?),
            "close" => Self::Close,
            "reset" => Self::Reset,
            "stall" => Self::Stall,
            "mute" => Self::Mute,
            "cut" => Self::Cut(number(Some(0))?),
            "delay" => Self::Delay(time(value)?),
            "slow" => Self::Slow(number(None)?.max(1)),
            "garbage" => Self::Garbage(number(Some(0))?),
            "error" => Self::Error(code(value).ok_or("error wants a status: error=410")?),
            "duplicate" => Self::Duplicate,
            "reorder" => Self::Reorder,
            "replay" => Self::Replay(number(Some(1))?.max(1)),
            "webhook" => Self::Webhook,
            "hostile" => Self::Hostile,
            "skew" => {
                let (back, ahead) = (value.starts_with('-'), value.trim_start_matches('-'));
                let by = i64::try_from(time(ahead)?.as_secs()).map_err(|_| "too long")?;
                Self::Skew(if back { -by } else { by })
            }
            status => {
                let code = code(status).ok_or_else(|| format!("{name:?} is none of {WHAT}"))?;
                let retry = given.map(time).transpose()?;
                let seconds = |d: Duration| u32::try_from(d.as_secs()).unwrap_or(u32::MAX);
                Self::Status(code, retry.map(seconds))
            }
        })
    }
}

/// `250ms`, `30s`, `10m`, `3h`; a bare number is seconds.
fn time(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &text[..text.len() - unit.len()];
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("{text:?} is no time: write 250ms, 30s, 10m or 3h")),
    };
    let seconds = number.parse::<f64>().ok().map(|n| n * factor);
    let time = seconds.and_then(|n| Duration::try_from_secs_f64(n).ok());
    time.filter(|t| *t <= Duration::from_secs(30 * 86_400))
        .ok_or_else(|| format!("{text:?} is no time: write 250ms, 30s, 10m or 3h"))
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}{}", self.what, self.at)?;
        if let Some(times) = self.times {
            write!(f, "*{times}")?;
        }
        if self.chance < 1.0 {
            write!(f, "%{}", self.chance * 100.0)?;
        }
        Ok(())
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self { path, .. } if !path.is_empty() => write!(f, "@{path}"),
            Self { verb, kind, .. } if !kind.is_empty() => write!(f, "@{verb}/{kind}"),
            Self { verb, .. } if !verb.is_empty() => write!(f, "@{verb}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Status(code, None) => write!(f, "{code}"),
            Self::Status(code, Some(retry)) => write!(f, "{code}={retry}"),
            Self::Webhook => f.write_str("webhook"),
            Self::Hostile => f.write_str("hostile"),
            Self::Error(code) => write!(f, "error={code}"),
            Self::Stall => f.write_str("stall"),
            Self::Mute => f.write_str("mute"),
            Self::Delay(time) => write!(f, "delay={}ms", time.as_millis()),
            Self::Slow(bytes) => write!(f, "slow={bytes}"),
            Self::Close => f.write_str("close"),
            Self::Reset => f.write_str("reset"),
            Self::Cut(n) => write!(f, "cut={n}"),
            Self::Garbage(n) => write!(f, "garbage={n}"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::Reorder => f.write_str("reorder"),
            Self::Replay(n) => write!(f, "replay={n}"),
            Self::Skew(seconds) => write!(f, "skew={seconds}s"),
            Self::Refuse(None) => f.write_str("refuse"),
            Self::Refuse(Some(time)) => write!(f, "refuse={}ms", time.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_the_same() {
        for text in [
            "503@list/pods*3",
            "429=2@any%10",
            "cut=4@watch/jobs",
            "refuse",
            "refuse=1500ms",
            "slow=2000@stream",
            "error=410@resume*1",
            "garbage=3@/api/v1/pods",
            "skew=-7200s",
            "replay=5",
            "webhook@/workloads",
            "hostile@list/pods",
            "stall",
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        let both = rules("500@list; delay=0.5s@watch ;").unwrap();
        assert_eq!(both[1].what, Fault::Delay(Duration::from_millis(500)));
    }

    #[test]
    fn what_is_none_says_what_would_be() {
        for (text, says) in [
            ("explode", "refuse, close"),
            ("200", "400 to 599"),
            ("stall@pods", "a kind has a / before it"),
            ("cut=x", "no number"),
            ("delay=soon", "no time"),
            ("500%many", "no percentage"),
        ] {
            let said = rules(text).unwrap_err();
            assert!(said.contains(says) && said.contains(text), "{said}");
        }
    }
}
