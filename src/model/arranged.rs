//! A layout of panes by name, as settings and state files hold it: what each shows, and where it was split off.

use schemars_derive::JsonSchema;
use serde::{Deserialize, Serialize};

use super::extra::List;

/// More panes are not worth their frames.
pub const MOST: usize = 8;

/// What a pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Show {
    /// The list of jobs.
    Jobs,
    /// Kueue's queues.
    Queues,
    /// The map of GPUs.
    Gpus,
    /// All pods.
    Pods,
    /// All nodes.
    Nodes,
    /// All events.
    Events,
    /// What was found.
    Inbox,
    /// The hardware reference.
    Hardware,
    /// The detail of what is under the cursor of another pane.
    Detail,
    /// Its log.
    Logs,
    /// Its YAML.
    Yaml,
}

impl Show {
    /// It shows what is under the cursor of another.
    pub fn follows(self) -> bool {
        matches!(self, Show::Detail | Show::Logs | Show::Yaml)
    }

    /// The list it is, if its rows can be sorted.
    pub fn list(self) -> Option<List> {
        Some(match self {
            Show::Jobs => List::Jobs,
            Show::Pods => List::Pods,
            Show::Nodes => List::Nodes,
            Show::Events => List::Events,
            _ => return None,
        })
    }

    /// As settings name it.
    pub fn name(self) -> &'static str {
        match self {
            Show::Jobs => "jobs",
            Show::Queues => "queues",
            Show::Gpus => "gpus",
            Show::Pods => "pods",
            Show::Nodes => "nodes",
            Show::Events => "events",
            Show::Inbox => "inbox",
            Show::Hardware => "hardware",
            Show::Detail => "detail",
            Show::Logs => "logs",
            Show::Yaml => "yaml",
        }
    }
}

/// Where a pane stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// To the right of the one it was split off.
    Right,
    /// Below it.
    Below,
}

/// One pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Part {
    /// What it shows.
    pub show: Show,
    /// Its filter.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// What its rows are sorted by, of jobs, pods, nodes and events: a column, or label:KEY and the like; - turns it round.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sort: String,
    /// Where it stands; the first has the whole screen to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
    /// The pane it was split off, by its number from 1; the one before, if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
    /// How much of that pane's room it takes, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<u16>,
    /// The pane whose cursor detail, logs and yaml follow, by its number; the first, if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<usize>,
}

impl Part {
    pub fn new(show: Show) -> Self {
        Self {
            show,
            filter: String::new(),
            sort: String::new(),
            at: None,
            of: None,
            share: None,
            follows: None,
        }
    }
}

/// A layout: its panes, in the order they are split off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Written {
    /// The panes.
    pub panes: Vec<Part>,
}

/// One that can be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Arranged(Vec<Part>);

impl Arranged {
    /// Checks it.
    ///
    /// # Errors
    /// No pane, too many, or one that refers to a pane that cannot be meant.
    pub fn new(panes: Vec<Part>) -> Result<Self, String> {
        if panes.is_empty() || panes.len() > MOST {
            return Err(format!(
                "a layout has 1 to {MOST} panes, not {}",
                panes.len()
            ));
        }
        for (n, part) in panes.iter().enumerate() {
            let this = format!("pane {} ({})", n + 1, part.show.name());
            if n == 0 && (part.at.is_some() || part.of.is_some() || part.share.is_some()) {
                return Err(format!(
                    "{this} is the first: nothing is there yet to stand beside"
                ));
            }
            if part.of.is_some_and(|of| of == 0 || of > n) {
                return Err(format!("{this}: of names a pane before it, 1 to {n}"));
            }
            if part.share.is_some_and(|share| !(10..=90).contains(&share)) {
                return Err(format!("{this}: share is a percentage from 10 to 90"));
            }
            if part.follows.is_some() && !part.show.follows() {
                return Err(format!("{this}: only detail, logs and yaml follow another"));
            }
            match part.show.list() {
                _ if part.sort.is_empty() => {}
                Some(list) => list
                    .check_order(&part.sort)
                    .map_err(|why| format!("{this}: {why}"))?,
                None => {
                    return Err(format!(
                        "{this}: only jobs, pods, nodes and events have a sort"
                    ));
                }
            }
            if part.show.follows() {
                let leader = part.follows.unwrap_or(1);
                let is = leader.checked_sub(1).and_then(|at| panes.get(at));
                if is.is_none_or(|pane| pane.show.follows()) {
                    return Err(format!(
                        "{this}: follows names a pane with a list, and pane {leader} is none"
                    ));
                }
            }
        }
        Ok(Self(panes))
    }

    pub fn panes(&self) -> &[Part] {
        &self.0
    }

    /// `jobs, logs, gpus`
    pub fn words(&self) -> String {
        let all: Vec<&str> = self.0.iter().map(|part| part.show.name()).collect();
        all.join(", ")
    }
}

impl TryFrom<Written> for Arranged {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Self::new(written.panes)
    }
}

impl From<Arranged> for Written {
    fn from(arranged: Arranged) -> Self {
        Self { panes: arranged.0 }
    }
}

/// Those that come with jobdeck.
pub fn shipped() -> Vec<(&'static str, Arranged)> {
    let beside = |show, at, of, share| Part {
        at: Some(at),
        of: Some(of),
        share: Some(share),
        ..Part::new(show)
    };
    let jobs = || Part::new(Show::Jobs);
    let all = [
        ("one", vec![jobs()]),
        (
            "operator",
            vec![
                jobs(),
                beside(Show::Queues, At::Right, 1, 45),
                beside(Show::Gpus, At::Below, 2, 60),
            ],
        ),
        (
            "training",
            vec![jobs(), beside(Show::Logs, At::Right, 1, 60)],
        ),
        (
            "triage",
            vec![
                Part {
                    filter: "state:failed".into(),
                    ..jobs()
                },
                beside(Show::Logs, At::Right, 1, 60),
                beside(Show::Inbox, At::Below, 1, 40),
            ],
        ),
        (
            "gpus",
            vec![
                Part::new(Show::Gpus),
                beside(Show::Nodes, At::Below, 1, 35),
                beside(Show::Jobs, At::Right, 1, 45),
            ],
        ),
    ];
    let checked = all.into_iter();
    checked
        .filter_map(|(name, panes)| Some((name, Arranged::new(panes).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_shipped_are_all_there_and_come_back_from_text() {
        let names: Vec<&str> = shipped().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["one", "operator", "training", "triage", "gpus"]);
        for (_, arranged) in shipped() {
            let text = serde_json::to_string(&arranged).unwrap();
            assert_eq!(serde_json::from_str::<Arranged>(&text).unwrap(), arranged);
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_with_its_pane() {
        for (panes, why) in [
            ("[]", "1 to 8 panes"),
            (
                r#"[{"show": "jobs", "at": "right"}]"#,
                "pane 1 (jobs) is the first",
            ),
            (r#"[{"show": "logs"}]"#, "pane 1 is none"),
            (
                r#"[{"show": "jobs"}, {"show": "gpus", "of": 2}]"#,
                "pane 2 (gpus): of names",
            ),
            (
                r#"[{"show": "jobs"}, {"show": "gpus", "share": 95}]"#,
                "10 to 90",
            ),
            (
                r#"[{"show": "jobs"}, {"show": "gpus", "follows": 1}]"#,
                "only detail",
            ),
            (
                r#"[{"show": "jobs"}, {"show": "logs"}, {"show": "yaml", "follows": 2}]"#,
                "pane 2 is none",
            ),
            (r#"[{"show": "pictures"}]"#, "unknown variant"),
            (
                r#"[{"show": "jobs", "sort": "-agee"}]"#,
                "pane 1 (jobs): jobs are not sorted by \"agee\"",
            ),
            (r#"[{"show": "gpus", "sort": "age"}]"#, "only jobs, pods"),
        ] {
            let text = format!("{{\"panes\": {panes}}}");
            let error = serde_json::from_str::<Arranged>(&text).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
