//! Query parameters: `ListOptions`, `CreateOptions`, … and the rules among them.

use serde_json::json;

use super::status::Cause;
use super::write::Refusal;

/// The parameters of a URL, in order; a name may come twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|p| !p.is_empty());
        Self(
            pairs
                .map(|p| {
                    let (key, value) = p.split_once('=').unwrap_or((p, ""));
                    (unescape(key), unescape(value))
                })
                .collect(),
        )
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(k, _)| k == key);
        found.map(|(_, v)| v.as_str())
    }

    pub fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    /// All values of one name.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }

    /// A flag as the API reads it: present and neither `0` nor `false`.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|v| !matches!(v, "0" | "false" | "False" | "FALSE"))
    }

    /// A number.
    ///
    /// # Errors
    /// 400 in Go's words if it is none.
    pub fn number(&self, key: &str) -> Result<Option<i64>, Refusal> {
        match self.text(key) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                let digits = text.trim_start_matches(['-', '+']);
                let numeric = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                let why = if numeric {
                    "value out of range"
                } else {
                    "invalid syntax"
                };
                Refusal::bad_request(format!("strconv.ParseInt: parsing \"{text}\": {why}"))
            }),
        }
    }
}

/// Percent-decoding, with `+` as blank.
pub fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = |b: u8| (b as char).to_digit(16);
        match (first, tail) {
            (b'%', [a, b, more @ ..]) => {
                if let (Some(a), Some(b)) = (hex(*a), hex(*b)) {
                    bytes.push((a * 16 + b) as u8);
                    rest = more;
                    continue;
                }
                bytes.push(first);
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(first),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Which version a read wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Nothing said: the newest.
    Newest,
    /// `0`: any.
    Any,
    NotOlderThan(u64),
    Exact(u64),
}

/// What a list or watch asks for, apart from selectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOptions {
    pub at: At,
    /// 0 is without limit.
    pub limit: usize,
    pub continues: String,
    pub watch: bool,
    pub bookmarks: bool,
    pub initial_events: bool,
    pub timeout_seconds: Option<u64>,
}

impl ListOptions {
    /// Reads and checks the options; `watch` may also come from the path.
    ///
    /// # Errors
    /// 400 and 422 as the server words them; a watch with an unreadable version is a 500 there.
    pub fn parse(query: &Query, watch_path: bool) -> Result<Self, Refusal> {
        let watch = watch_path || query.flag("watch");
        let limit = query.number("limit")?;
        let timeout = query.number("timeoutSeconds")?;
        let (version, matching) = (
            query.text("resourceVersion"),
            query.text("resourceVersionMatch"),
        );
        let initial = query.get("sendInitialEvents").filter(|v| !v.is_empty());
        let causes = conflicts(query, watch, version, matching, initial.is_some());
        if !causes.is_empty() {
            return Err(Refusal::invalid("meta.k8s.io", "ListOptions", "", &causes));
        }
        let at = match version {
            "" => At::Newest,
            "0" if matching != "Exact" => At::Any,
            text => {
                let rv = text
                    .parse::<u64>()
                    .map_err(|e| unreadable(text, watch, &e))?;
                match matching {
                    "Exact" => At::Exact(rv),
                    // An unset match with a limit is exact, as the server has it for old clients.
                    "" if limit.is_some_and(|l| l > 0) && !watch => At::Exact(rv),
                    _ => At::NotOlderThan(rv),
                }
            }
        };
        Ok(Self {
            at,
            limit: limit.and_then(|l| usize::try_from(l).ok()).unwrap_or(0),
            continues: query.text("continue").to_owned(),
            watch,
            bookmarks: query.flag("allowWatchBookmarks"),
            initial_events: initial.is_some() && query.flag("sendInitialEvents"),
            timeout_seconds: timeout.and_then(|t| u64::try_from(t).ok()),
        })
    }
}

fn unreadable(text: &str, watch: bool, error: &std::num::ParseIntError) -> Refusal {
    let why = match error.kind() {
        std::num::IntErrorKind::PosOverflow => "value out of range",
        _ => "invalid syntax",
    };
    let sentence = format!(
        "resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": {why}"
    );
    if watch {
        Refusal::internal(sentence)
    } else {
        Refusal::bad_request(format!("invalid resource version: {sentence}"))
    }
}

fn conflicts(
    query: &Query,
    watch: bool,
    version: &str,
    matching: &str,
    initial: bool,
) -> Vec<Cause> {
    const FIELD: &str = "resourceVersionMatch";
    let mut causes = Vec::new();
    let mut forbid = |field: &str, why: &str| causes.push(Cause::forbidden(field, why));
    let continued = !query.text("continue").is_empty();
    if watch {
        if initial && matching != "NotOlderThan" {
            forbid(
                FIELD,
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            );
        }
        if !matching.is_empty() && !initial {
            forbid(
                FIELD,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            );
        }
        if !matching.is_empty() && continued {
            forbid(
                FIELD,
                "resourceVersionMatch is forbidden when continue is provided",
            );
        }
        if !matching.is_empty() && matching != "NotOlderThan" {
            causes.push(Cause::unsupported(
                FIELD,
                &json!(matching),
                &["NotOlderThan"],
            ));
        }
        return causes;
    }
    if !matching.is_empty() {
        if version.is_empty() {
            forbid(
                FIELD,
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            );
        }
        if continued {
            forbid(
                FIELD,
                "resourceVersionMatch is forbidden when continue is provided",
            );
        }
        if matching == "Exact" && version == "0" {
            forbid(
                FIELD,
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            );
        }
        if !["Exact", "NotOlderThan"].contains(&matching) {
            let all = ["Exact", "NotOlderThan", ""];
            causes.push(Cause::unsupported(FIELD, &json!(matching), &all));
        }
    }
    if initial {
        causes.push(Cause::forbidden(
            "sendInitialEvents",
            "sendInitialEvents is forbidden for list",
        ));
    }
    causes
}

/// `?fieldValidation=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    Ignore,
    Warn,
    Strict,
}

/// What a write asks for beside its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    pub dry_run: bool,
    pub validation: Validation,
    pub field_manager: String,
    pub force: bool,
}

impl WriteOptions {
    /// Reads and checks them; `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`, `apply` tells
    /// a server-side apply.
    ///
    /// # Errors
    /// 422 with the causes.
    pub fn parse(query: &Query, kind: &str, apply: bool) -> Result<Self, Refusal> {
        let mut causes = Vec::new();
        let manager = query.text("fieldManager");
        if kind == "PatchOptions" {
            if apply && manager.is_empty() {
                causes.push(Cause::required(
                    "fieldManager",
                    "is required for apply patch",
                ));
            }
            if !apply && query.get("force").is_some() {
                causes.push(Cause::forbidden(
                    "force",
                    "may not be specified for non-apply patch",
                ));
            }
        }
        if manager.len() > 128 {
            causes.push(Cause::too_long("fieldManager", 128));
        }
        let (dry_run, dry_causes) = dry_run(query.all("dryRun"));
        causes.extend(dry_causes);
        let validation = match query.text("fieldValidation") {
            "" | "Warn" => Validation::Warn,
            "Ignore" => Validation::Ignore,
            "Strict" => Validation::Strict,
            other => {
                causes.push(Cause::unsupported(
                    "fieldValidation",
                    &json!(other),
                    &["", "Ignore", "Strict", "Warn"],
                ));
                Validation::Warn
            }
        };
        if !causes.is_empty() {
            return Err(Refusal::invalid("meta.k8s.io", kind, "", &causes));
        }
        Ok(Self {
            dry_run,
            validation,
            field_manager: manager.to_owned(),
            force: query.flag("force"),
        })
    }
}

/// Reads `dryRun`, from a query or from DeleteOptions.
pub fn dry_run<'a>(values: impl Iterator<Item = &'a str>) -> (bool, Vec<Cause>) {
    let all: Vec<&str> = values.filter(|v| !v.is_empty()).collect();
    let bad = all.iter().any(|v| *v != "All");
    let causes = if bad {
        vec![Cause::unsupported("dryRun", &json!(all), &["All"])]
    } else {
        Vec::new()
    };
    (!all.is_empty(), causes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<ListOptions, Refusal> {
        ListOptions::parse(&Query::parse(text), false)
    }

    #[test]
    fn a_query_is_decoded() {
        let q = Query::parse("labelSelector=a%20in%20(b)&x=1+2&flag&no=false");
        assert_eq!(q.text("labelSelector"), "a in (b)");
        assert_eq!(q.text("x"), "1 2");
        assert!(q.flag("flag") && !q.flag("no") && !q.flag("absent"));
    }

    #[test]
    fn versions_are_read_by_their_rules() {
        assert_eq!(list("").unwrap().at, At::Newest);
        assert_eq!(list("resourceVersion=0").unwrap().at, At::Any);
        assert_eq!(list("resourceVersion=7").unwrap().at, At::NotOlderThan(7));
        assert_eq!(list("resourceVersion=7&limit=2").unwrap().at, At::Exact(7));
        assert_eq!(list("limit=-1").unwrap().limit, 0);
        assert_eq!(
            list("resourceVersion=abc").unwrap_err().message,
            "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax"
        );
        assert_eq!(list("watch=1&resourceVersion=abc").unwrap_err().code, 500);
        assert_eq!(
            list("limit=x").unwrap_err().message,
            "strconv.ParseInt: parsing \"x\": invalid syntax"
        );
        assert_eq!(
            list("resourceVersionMatch=Exact").unwrap_err().message,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        );
    }

    #[test]
    fn write_options_are_checked() {
        let parse = |text: &str, kind, apply| WriteOptions::parse(&Query::parse(text), kind, apply);
        assert_eq!(
            parse("", "PatchOptions", true).unwrap_err().message,
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
        );
        assert!(parse("dryRun=All", "CreateOptions", false).unwrap().dry_run);
        assert_eq!(
            parse("fieldValidation=Nope", "CreateOptions", false)
                .unwrap_err()
                .message,
            "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"Nope\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
        );
    }
}
