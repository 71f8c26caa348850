//! The conditions of Kubeflow's operators: the newest stands last, Running and Restarting replace each other, and
//! an end takes Running back, a success also an earlier failure.

use serde_json::{Value, json};

/// The condition of a type, if the status has it.
pub fn get<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    let all = status["conditions"].as_array()?;
    all.iter().find(|c| c["type"] == kind)
}

/// Is a condition there and true?
pub fn is(status: &Value, kind: &str) -> bool {
    get(status, kind).is_some_and(|c| c["status"] == "True")
}

/// Succeeded or Failed.
pub fn finished(status: &Value) -> bool {
    is(status, "Succeeded") || is(status, "Failed")
}

/// One thing to say of a job.
#[derive(Debug, Clone, Copy)]
pub struct Condition<'a> {
    pub kind: &'a str,
    pub holds: bool,
    pub reason: &'a str,
    pub message: &'a str,
}

/// Sets a condition; false if it was there with this status and reason.
pub fn set(status: &mut Value, now: &str, condition: Condition<'_>) -> bool {
    let Condition { kind, reason, .. } = condition;
    let holds = if condition.holds { "True" } else { "False" };
    let old = get(status, kind).filter(|c| c["status"] == holds);
    if old.is_some_and(|c| c["reason"] == reason) {
        return false;
    }
    let since = old.map_or_else(|| json!(now), |c| c["lastTransitionTime"].clone());
    let new = json!({
        "type": kind, "status": holds, "reason": reason, "message": condition.message,
        "lastUpdateTime": now, "lastTransitionTime": since,
    });
    let mut all = status["conditions"].as_array().cloned().unwrap_or_default();
    let rival = match kind {
        "Restarting" => "Running",
        "Running" => "Restarting",
        _ => "",
    };
    all.retain(|c| c["type"] != kind && c["type"] != rival);
    if kind == "Failed" || kind == "Succeeded" {
        let over = |c: &&mut Value| c["type"] == "Running" || c["type"] == "Failed";
        for condition in all.iter_mut().filter(over) {
            condition["status"] = json!("False");
        }
    }
    all.push(new);
    status["conditions"] = json!(all);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(status: &mut Value, now: &str, kind: &str, holds: bool, reason: &str) -> bool {
        let message = "";
        let condition = Condition {
            kind,
            holds,
            reason,
            message,
        };
        set(status, now, condition)
    }

    #[test]
    fn running_and_restarting_replace_each_other_and_the_end_takes_running_back() {
        let mut s = json!({});
        assert!(say(&mut s, "1", "Created", true, "JobCreated"));
        assert!(say(&mut s, "2", "Running", true, "JobRunning"));
        assert!(!say(&mut s, "3", "Running", true, "JobRunning"));
        assert_eq!(get(&s, "Running").unwrap()["lastUpdateTime"], "2");
        say(&mut s, "4", "Restarting", true, "JobRestarting");
        assert!(!is(&s, "Running") && is(&s, "Restarting"));
        say(&mut s, "5", "Running", true, "JobRunning");
        say(&mut s, "6", "Succeeded", true, "JobSucceeded");
        let types: Vec<&Value> = s["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| &c["type"])
            .collect();
        assert_eq!(types, ["Created", "Running", "Succeeded"]);
        assert_eq!((is(&s, "Running"), finished(&s)), (false, true));
    }
}
