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
    match code {
        401 => not(Cause::Forbidden, text, "log in again, then try again"),
        403 if quota => not(Cause::Denied, text, "free some of the quota first"),
        403 if hook => not(Cause::Denied, text, ""),
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

fn place(namespace: &Name) -> &str {
    match namespace.as_ref() {
        "" => "for it",
        name => name,
    }
}
