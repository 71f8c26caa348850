//! What a failed request means for a step: whether anything may have been done, whose word it is, and what next.

use crate::actions::outcome::{Cause, Ended};
use crate::actions::{Intent, Refusal, Step};
use crate::cluster::failure::Failure;
use crate::model::ids::Name;

/// The server may have done it all the same.
pub fn uncertain(failure: &Failure) -> bool {
    match failure {
        Failure::Network(_) | Failure::Silent(_) | Failure::Garbled(_) => true,
        Failure::Status { code, .. } => *code >= 500,
        Failure::Credentials(_) => false,
    }
}

/// Why a step was not done.
pub fn because(failure: &Failure, step: &Step) -> Ended {
    let target = step.target();
    let text = failure.to_string();
    let not = |cause, why: String, next: &str| {
        let refusal = Refusal::new(why);
        Ended::Not(
            cause,
            match next {
                "" => refusal,
                next => refusal.next(next),
            },
        )
    };
    let Failure::Status { code, message, .. } = failure else {
        let next = match failure {
            Failure::Credentials(_) => "log in again, then try again",
            _ => "check the connection, then try again",
        };
        return not(Cause::Unreachable, text, next);
    };
    let hook = message.contains("admission webhook") || message.contains("denied the request");
    let quota = message.contains("exceeded quota");
    // of a quota that nobody has counted yet
    let uncounted = message.contains("status unknown for quota");
    match code {
        401 => not(Cause::Forbidden, text, "log in again, then try again"),
        403 if quota => not(Cause::Denied, text, "free some of the quota first"),
        403 if uncounted => not(Cause::Denied, text, "try again in a moment"),
        403 if hook || !of_a_role(message) => not(Cause::Denied, text, ""),
        403 => {
            let needs = step.needs();
            let needs: Vec<String> = needs.iter().map(|q| q.words()).collect();
            let why = format!("forbidden: needs {}", needs.join(", "));
            not(Cause::Forbidden, why, "ask for the role")
        }
        404 if step.intent == Intent::Create => {
            let why = format!("{text}; is there a namespace {}?", place(&target.namespace));
            not(Cause::NotFound, why, "")
        }
        404 if matches!(step.intent, Intent::Delete { .. }) => {
            Ended::Already(format!("{target} is gone already"))
        }
        // the pod was seen a moment ago: on the way into it there is only its node
        404 if matches!(step.intent, Intent::Exec(_) | Intent::Forward(_))
            && of_another(message, &target.name) =>
        {
            let why = format!("the node of {} is not there ({text})", target.words());
            not(Cause::Unreachable, why, "")
        }
        404 => not(Cause::NotFound, format!("{target} is gone"), ""),
        409 if message.contains("UID in precondition") || message.contains("the UID in") => {
            let why = format!("another {} has this name now", target.words());
            not(Cause::Conflict, why, "look at it first")
        }
        409 => not(Cause::Conflict, text, "look at it, then try again"),
        429 if step.intent == Intent::Evict => {
            let why = format!("a disruption budget does not allow it: {message}");
            not(
                Cause::Budget,
                why,
                "wait until more pods are ready, or delete it",
            )
        }
        429 => not(Cause::Unreachable, text, "try again in a moment"),
        400 | 422 => not(Cause::Denied, text, ""),
        _ => not(Cause::Unreachable, text, "try again"),
    }
}

/// Whether it is roles that forbid it. What looks at objects after them (limits, policies, standards, a namespace that
/// ends) forbids with the same code: `pods "x" is forbidden: violates PodSecurity "restricted:latest": …`.
fn of_a_role(message: &str) -> bool {
    match message.split_once(" is forbidden: ") {
        Some((_, why)) => why.starts_with("User \""),
        None => true,
    }
}

/// `nodes "n1" not found`, of something that is asked for on the way to what is named so.
fn of_another(message: &str, name: &str) -> bool {
    let named = message
        .strip_suffix(" not found")
        .filter(|m| m.contains('"'));
    named.is_some_and(|m| !m.contains(&format!("\"{name}\"")))
}

/// What keeps an object that is deleted: finalizers of others than the controllers that a deletion itself involves.
pub fn held(answer: &serde_json::Value) -> Option<String> {
    let meta = &answer["metadata"];
    if !meta["deletionTimestamp"].is_string() {
        return None;
    }
    let own = [
        "foregroundDeletion",
        "orphan",
        "batch.kubernetes.io/job-tracking",
    ];
    let all = meta["finalizers"].as_array()?.iter();
    let all: Vec<&str> = all
        .filter_map(|f| f.as_str())
        .filter(|f| !own.contains(f))
        .collect();
    (!all.is_empty()).then(|| format!("it stays until {} lets it go", all.join(", ")))
}

fn place(namespace: &Name) -> &str {
    match namespace.as_ref() {
        "" => "for it",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whose_word_a_403_is() {
        for (message, role) in [
            (
                "jobs.batch \"a\" is forbidden: User \"dev\" cannot delete resource \"jobs\" in API group \"batch\"",
                true,
            ),
            ("no", true),
            (
                "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
                false,
            ),
            (
                "jobs.batch \"a\" is forbidden: unable to create new content in namespace ml because it is being terminated",
                false,
            ),
            (
                "jobs.batch \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ask Ann",
                false,
            ),
        ] {
            assert_eq!(of_a_role(message), role, "{message}");
        }
        assert!(of_another("nodes \"n1\" not found", "train-0"));
        assert!(!of_another("pods \"train-0\" not found", "train-0"));
        assert!(!of_another("404 page not found", "train-0"));
    }

    #[test]
    fn what_holds_a_deleted_object_is_named() {
        let object = |finalizers: serde_json::Value, at: Option<&str>| {
            held(&json!({"metadata": {"deletionTimestamp": at, "finalizers": finalizers}}))
        };
        let now = Some("2026-01-01T00:00:00Z");
        assert_eq!(
            object(json!(["orphan", "a/b", "c/d"]), now).as_deref(),
            Some("it stays until a/b, c/d lets it go")
        );
        assert_eq!(object(json!(["foregroundDeletion"]), now), None);
        assert_eq!(object(json!(["a/b"]), None), None);
        assert_eq!(held(&json!({"kind": "Status"})), None);
    }
}
