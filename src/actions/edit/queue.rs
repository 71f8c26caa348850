//! Where a job waits, and how urgent it is: by Kueue's labels where it is queued by Kueue, by Volcano's fields where by
//! Volcano, by the pods' own priority class where nobody queues it.

use serde_json::Value;

use super::{CLASS, Edit, QUEUE, is_queued, kind, label, put, roles, take, unlabel, words};
use crate::actions::Refusal;

/// Lets it wait in another queue; an empty name: in none.
///
/// # Errors
/// Its kind does not queue.
pub fn queue(manifest: &mut Value, name: &str) -> Edit {
    if kind(manifest) == "CronJob" {
        // what is queued are its Jobs
        let template = &manifest["spec"]["jobTemplate"];
        let was = template["metadata"]["labels"][QUEUE].as_str();
        let was = was.map(str::to_owned);
        match (name, manifest.pointer_mut("/spec/jobTemplate")) {
            ("", Some(template)) => drop(unlabel(template, QUEUE)),
            ("", None) => {}
            _ => put(
                manifest,
                &["spec", "jobTemplate", "metadata", "labels", QUEUE],
                name,
            ),
        }
        return Ok(changed("the queue of its Jobs", was.as_deref(), name));
    }
    let was = label(manifest, QUEUE).map(str::to_owned);
    let volcano = &manifest["spec"]["runPolicy"]["schedulingPolicy"]["queue"];
    if was.is_none()
        && let Some(old) = volcano.as_str().map(str::to_owned)
        && !name.is_empty()
    {
        put(
            manifest,
            &["spec", "runPolicy", "schedulingPolicy", "queue"],
            name,
        );
        return Ok(changed(
            "its queue of the Volcano scheduler",
            Some(&old),
            name,
        ));
    }
    let at: Vec<String> = roles(manifest).into_iter().map(|role| role.at).collect();
    if name.is_empty() {
        unlabel(manifest, QUEUE);
        unlabel(manifest, CLASS);
    } else {
        put(manifest, &["metadata", "labels", QUEUE], name);
    }
    // pods that carry the queue themselves go with it
    for at in at.iter().filter(|at| !at.is_empty()) {
        if let Some(template) = manifest.pointer_mut(at)
            && template["metadata"]["labels"][QUEUE].is_string()
        {
            match name {
                "" => drop(unlabel(template, QUEUE)),
                name => put(template, &["metadata", "labels", QUEUE], name),
            }
        }
    }
    suspend(manifest, !name.is_empty());
    let mut notes = changed("its queue", was.as_deref(), name);
    if !notes.is_empty() && name.is_empty() {
        notes.push("no queue holds it back: it starts at once".into());
    }
    Ok(notes)
}

fn changed(what: &str, was: Option<&str>, name: &str) -> Vec<String> {
    match (was, name) {
        (Some(old), new) if old == new => Vec::new(),
        (None, "") => Vec::new(),
        (Some(old), "") => vec![format!("{what} was {old}, it waits in none now")],
        (Some(old), new) => vec![format!("{what} is {new} (was {old})")],
        (None, new) => vec![format!("{what} is {new}")],
    }
}

/// Kueue lets go what it admits; what is not queued must not wait for it. Where the field is not there, Kueue's webhook
/// sets it.
fn suspend(manifest: &mut Value, on: bool) {
    for at in ["/spec/runPolicy/suspend", "/spec/suspend"] {
        if let Some(suspend) = manifest.pointer_mut(at) {
            *suspend = on.into();
        }
    }
}

/// Gives it a priority class: Kueue's where it is queued, else that of its pods. Empty: none.
///
/// # Errors
/// It has no pods of its own to give one to.
pub fn priority(manifest: &mut Value, class: &str) -> Edit {
    if is_queued(manifest) {
        let was = label(manifest, CLASS).map(str::to_owned);
        if class.is_empty() {
            unlabel(manifest, CLASS);
        } else {
            put(manifest, &["metadata", "labels", CLASS], class);
        }
        let mut notes = changed("its WorkloadPriorityClass", was.as_deref(), class);
        let own = roles(manifest).iter().any(|role| {
            let pod = manifest.pointer(&role.at).unwrap_or(&Value::Null);
            pod["spec"]["priorityClassName"].is_string()
        });
        if own && !notes.is_empty() && !class.is_empty() {
            notes.push(
                "its pods keep their own priorityClassName: that one counts on the nodes".into(),
            );
        }
        return Ok(notes);
    }
    let policy = &manifest["spec"]["runPolicy"]["schedulingPolicy"];
    if let Some(was) = policy["priorityClass"].as_str().map(str::to_owned) {
        let at = "/spec/runPolicy/schedulingPolicy";
        match class {
            "" => drop(take(manifest, at, "priorityClass")),
            class => put(
                manifest,
                &["spec", "runPolicy", "schedulingPolicy", "priorityClass"],
                class,
            ),
        }
        return Ok(changed("the priority class of its gang", Some(&was), class));
    }
    let all = roles(manifest);
    if all.is_empty() {
        let why = format!(
            "{} has no pod template: its pods are its runtime's",
            words(manifest)
        );
        return Err(Refusal::new(why).next("give it a queue: then the class is Kueue's"));
    }
    let mut notes = Vec::new();
    for role in all {
        let Some(template) = manifest.pointer_mut(&role.at) else {
            continue;
        };
        let Some(spec) = template.get_mut("spec").and_then(Value::as_object_mut) else {
            continue;
        };
        // the number the old class stood for
        spec.remove("priority");
        spec.remove("preemptionPolicy");
        let was = match class {
            "" => spec.remove("priorityClassName"),
            class => spec.insert("priorityClassName".into(), class.into()),
        };
        let was = was.as_ref().and_then(Value::as_str);
        let what = match role.name.as_str() {
            "" => "the priorityClassName of its pods".to_owned(),
            name => format!("the priorityClassName of {name}"),
        };
        notes.extend(changed(&what, was, class));
    }
    Ok(notes)
}
