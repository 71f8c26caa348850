//! `podFailurePolicy` and `successPolicy`: what a failed pod means, and when enough has succeeded.

use super::indexes::Indexes;
use crate::controllers::wire::{ContainerStatus, ExitCodes, FailureRule, Pod, Policy, SuccessRule};

/// What the policy makes of one failed pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Counts against the limits: rule `Count`, or no rule at all.
    Count,
    /// Does not count; a new pod comes.
    Ignore,
    /// The index is lost, whatever is left of its retries.
    FailIndex,
    /// The whole Job is lost, for this reason.
    FailJob(String),
}

/// The first rule that matches decides.
pub fn judge(policy: Option<&Policy<FailureRule>>, pod: &Pod) -> Verdict {
    let rules = policy.map(|p| p.rules.as_slice()).unwrap_or_default();
    for (at, rule) in rules.iter().enumerate() {
        let place = format!("{}/{}", pod.namespace(), pod.name());
        let why = if let Some(codes) = &rule.on_exit_codes {
            exited(pod, codes).map(|(name, code)| {
                format!("Container {name} for pod {place} failed with exit code {code} matching {} rule at index {at}", rule.action)
            })
        } else {
            disrupted(pod, rule).map(|condition| {
                format!(
                    "Pod {place} has condition {condition} matching {} rule at index {at}",
                    rule.action
                )
            })
        };
        match (why, rule.action.as_str()) {
            (None, _) => {}
            (Some(_), "Ignore") => return Verdict::Ignore,
            (Some(_), "FailIndex") => return Verdict::FailIndex,
            (Some(why), "FailJob") => return Verdict::FailJob(why),
            (Some(_), _) => return Verdict::Count,
        }
    }
    Verdict::Count
}

fn exited(pod: &Pod, wanted: &ExitCodes) -> Option<(String, i64)> {
    let of = |all: &[ContainerStatus]| {
        all.iter().find_map(|status| {
            let code = status.state.terminated.as_ref()?.exit_code;
            let named = wanted.container_name.as_ref();
            let listed = wanted.values.contains(&code) == (wanted.operator == "In");
            let hit = code != 0 && listed && named.is_none_or(|n| *n == status.name);
            hit.then(|| (status.name.clone(), code))
        })
    };
    of(&pod.status.container_statuses).or_else(|| of(&pod.status.init_container_statuses))
}

fn disrupted<'a>(pod: &'a Pod, rule: &FailureRule) -> Option<&'a str> {
    let hit = |kind: &str, status: &str| {
        rule.on_pod_conditions.iter().any(|p| {
            let wanted = if p.status.is_empty() {
                "True"
            } else {
                &p.status
            };
            p.kind == kind && wanted == status
        })
    };
    let mut all = pod.status.conditions.iter();
    all.find(|c| hit(&c.kind, &c.status))
        .map(|c| c.kind.as_str())
}

/// The message of the first success rule that the succeeded indexes meet.
pub fn success(
    policy: Option<&Policy<SuccessRule>>,
    completions: u32,
    succeeded: &Indexes,
) -> Option<String> {
    if succeeded.is_empty() {
        return None;
    }
    let at = policy?.rules.iter().position(|rule| {
        let enough = |have: usize| rule.succeeded_count.is_some_and(|n| have >= n as usize);
        match &rule.succeeded_indexes {
            Some(text) => {
                let required = Indexes::parse(text, completions);
                let have = required.overlap(succeeded);
                !required.is_empty() && (have == required.total() || enough(have))
            }
            None => enough(succeeded.total()),
        }
    })?;
    Some(format!("Matched rules at index {at}"))
}
