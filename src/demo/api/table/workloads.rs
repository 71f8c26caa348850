//! Rows of pods and of what makes pods.

use serde_json::{Value, json};

use super::text::{Row, human_duration, selector};
use chrono::DateTime;

pub fn cells(kind: &str, row: &Row<'_>) -> Option<Vec<Value>> {
    let mut cells = match kind {
        "Pod" => return Some(pod(row)),
        "Job" => vec![
            row.name(),
            json!(job_status(row.object)),
            json!(job_completions(row)),
            json!(job_duration(row)),
            row.age(),
        ],
        "CronJob" => {
            let suspend = match row.at("spec.suspend").as_bool() {
                Some(true) => "True",
                Some(false) => "False",
                None => "<unset>",
            };
            let last = if row.at("status.lastScheduleTime").is_string() {
                row.since("status.lastScheduleTime")
            } else {
                "<none>".to_owned()
            };
            vec![
                row.name(),
                row.at("spec.schedule").clone(),
                json!(row.text_or("spec.timeZone", "<none>")),
                json!(suspend),
                json!(row.at("status.active").as_array().map_or(0, Vec::len)),
                json!(last),
                row.age(),
            ]
        }
        "Deployment" => vec![
            row.name(),
            json!(ready_of(row)),
            json!(row.number("status.updatedReplicas")),
            json!(row.number("status.availableReplicas")),
            row.age(),
        ],
        "StatefulSet" => vec![row.name(), json!(ready_of(row)), row.age()],
        "ReplicaSet" | "ReplicationController" => vec![
            row.name(),
            json!(row.number("spec.replicas")),
            json!(row.number("status.replicas")),
            json!(row.number("status.readyReplicas")),
            row.age(),
        ],
        "DaemonSet" => vec![
            row.name(),
            json!(row.number("status.desiredNumberScheduled")),
            json!(row.number("status.currentNumberScheduled")),
            json!(row.number("status.numberReady")),
            json!(row.number("status.updatedNumberScheduled")),
            json!(row.number("status.numberAvailable")),
            json!(super::text::labels(
                row.at("spec.template.spec.nodeSelector")
            )),
            row.age(),
        ],
        "ControllerRevision" => {
            return Some(vec![
                row.name(),
                json!("<none>"),
                json!(row.number("revision")),
                row.age(),
            ]);
        }
        _ => return None,
    };
    let (template, chosen) = match kind {
        "CronJob" => (
            "spec.jobTemplate.spec.template.spec.containers",
            "spec.jobTemplate.spec.selector",
        ),
        _ => ("spec.template.spec.containers", "spec.selector"),
    };
    cells.extend(row.containers(template));
    match kind {
        "StatefulSet" => {}
        "ReplicationController" => cells.push(json!(super::text::labels(row.at(chosen)))),
        _ => cells.push(json!(selector(row.at(chosen)))),
    }
    Some(cells)
}

fn ready_of(row: &Row<'_>) -> String {
    let ready = row.number("status.readyReplicas");
    format!("{ready}/{}", row.number("spec.replicas"))
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let all = object["status"]["conditions"].as_array()?;
    all.iter().find(|c| c["type"] == kind)
}

fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|c| c["status"] == "True")
}

/// kubectl's STATUS of a job.
fn job_status(job: &Value) -> &'static str {
    let deleting = job["metadata"]["deletionTimestamp"].is_string();
    for (kind, shown) in [("Complete", "Complete"), ("Failed", "Failed")] {
        if is_true(job, kind) {
            return shown;
        }
    }
    if deleting {
        return "Terminating";
    }
    ["Suspended", "FailureTarget", "SuccessCriteriaMet"]
        .into_iter()
        .find(|kind| is_true(job, kind))
        .unwrap_or("Running")
}

fn job_completions(row: &Row<'_>) -> String {
    let done = row.number("status.succeeded");
    match row.at("spec.completions").as_i64() {
        Some(n) => format!("{done}/{n}"),
        None => match row.number("spec.parallelism") {
            p if p > 1 => format!("{done}/1 of {p}"),
            _ => format!("{done}/1"),
        },
    }
}

fn job_duration(row: &Row<'_>) -> String {
    let time = |path: &str| DateTime::parse_from_rfc3339(&row.text(path)).ok();
    match (time("status.startTime"), time("status.completionTime")) {
        (None, _) => String::new(),
        (Some(start), Some(end)) => human_duration(end - start),
        (Some(start), None) => human_duration(row.now - start.to_utc()),
    }
}

fn statuses<'a>(pod: &'a Value, field: &str) -> &'a [Value] {
    pod["status"][field].as_array().map_or(&[], Vec::as_slice)
}

fn containers<'a>(pod: &'a Value, field: &str) -> &'a [Value] {
    pod["spec"][field].as_array().map_or(&[], Vec::as_slice)
}

fn filled(value: &Value) -> Option<&str> {
    value.as_str().filter(|s| !s.is_empty())
}

/// `Signal:n` or `ExitCode:n` where a terminated state has no reason.
fn ended(terminated: &Value) -> String {
    match terminated["signal"].as_i64() {
        Some(n) if n != 0 => format!("Signal:{n}"),
        _ => format!("ExitCode:{}", terminated["exitCode"].as_i64().unwrap_or(0)),
    }
}

/// Restarts, and when the last one was.
#[derive(Default)]
struct Restarts<'a> {
    count: i64,
    last: Option<&'a str>,
}

impl<'a> Restarts<'a> {
    fn add(&mut self, status: &'a Value) {
        self.count += status["restartCount"].as_i64().unwrap_or(0);
        // RFC 3339 in UTC orders as text.
        self.last = self
            .last
            .max(status["lastState"]["terminated"]["finishedAt"].as_str());
    }
}

fn pod(row: &Row<'_>) -> Vec<Value> {
    let pod = row.object;
    let phase = row.text("status.phase");
    let mut status = row.text_or("status.reason", &phase);
    if condition(pod, "PodScheduled").is_some_and(|c| c["reason"] == "SchedulingGated") {
        status = "SchedulingGated".to_owned();
    }
    let sidecar = |name: &Value| {
        containers(pod, "initContainers")
            .iter()
            .any(|c| c["name"] == *name && c["restartPolicy"] == "Always")
    };
    let sidecars = containers(pod, "initContainers")
        .iter()
        .filter(|c| c["restartPolicy"] == "Always")
        .count();
    let total = containers(pod, "containers").len() + sidecars;
    let mut ready = 0;
    let (mut restarts, mut sidecar_restarts) = (Restarts::default(), Restarts::default());
    let mut initializing = false;
    for (i, c) in statuses(pod, "initContainerStatuses").iter().enumerate() {
        restarts.add(c);
        let restartable = sidecar(&c["name"]);
        if restartable {
            sidecar_restarts.add(c);
        }
        let (terminated, waiting) = (&c["state"]["terminated"], &c["state"]["waiting"]);
        if terminated.is_object() && terminated["exitCode"].as_i64().unwrap_or(0) == 0 {
            continue;
        }
        if restartable && c["started"] == true {
            ready += usize::from(c["ready"] == true);
            continue;
        }
        initializing = true;
        status = if terminated.is_object() {
            let why =
                filled(&terminated["reason"]).map_or_else(|| ended(terminated), str::to_owned);
            format!("Init:{why}")
        } else {
            match filled(&waiting["reason"]) {
                Some(why) if why != "PodInitializing" => format!("Init:{why}"),
                _ => format!("Init:{i}/{}", containers(pod, "initContainers").len()),
            }
        };
        break;
    }
    if !initializing || is_true(pod, "Initialized") {
        restarts = sidecar_restarts;
        let (mut running, mut error) = (false, None);
        for c in statuses(pod, "containerStatuses").iter().rev() {
            restarts.add(c);
            let (terminated, waiting) = (&c["state"]["terminated"], &c["state"]["waiting"]);
            if let Some(why) = filled(&waiting["reason"]) {
                status = why.to_owned();
            } else if terminated.is_object() {
                status =
                    filled(&terminated["reason"]).map_or_else(|| ended(terminated), str::to_owned);
                if terminated["exitCode"].as_i64().unwrap_or(0) != 0 {
                    error = Some(status.clone());
                }
            } else if c["ready"] == true && c["state"]["running"].is_object() {
                running = true;
                ready += 1;
            }
        }
        if status == "Completed" {
            if running && is_true(pod, "Ready") {
                status = "Running".to_owned();
            } else if let Some(error) = error {
                status = error;
            } else if running {
                status = "NotReady".to_owned();
            }
        }
    }
    if row.at("metadata.deletionTimestamp").is_string() {
        if pod["status"]["reason"] == "NodeLost" {
            status = "Unknown".to_owned();
        } else if phase != "Succeeded" && phase != "Failed" {
            status = "Terminating".to_owned();
        }
    }
    let restarted = match restarts.last {
        Some(at) if restarts.count != 0 => {
            format!(
                "{} ({} ago)",
                restarts.count,
                super::text::since(at, row.now)
            )
        }
        _ => restarts.count.to_string(),
    };
    let gates = containers(pod, "readinessGates");
    let open = gates
        .iter()
        .filter(|g| is_true(pod, g["conditionType"].as_str().unwrap_or_default()))
        .count();
    let gates = if gates.is_empty() {
        "<none>".to_owned()
    } else {
        format!("{open}/{}", gates.len())
    };
    let ip = filled(&pod["status"]["podIPs"][0]["ip"]).unwrap_or("<none>");
    vec![
        row.name(),
        json!(format!("{ready}/{total}")),
        json!(status),
        json!(restarted),
        row.age(),
        json!(ip),
        json!(row.text_or("spec.nodeName", "<none>")),
        json!(row.text_or("status.nominatedNodeName", "<none>")),
        json!(gates),
    ]
}
