//! How many pods work at a time: every kind has its own word for that, and some have none.

use std::str::FromStr;

use serde_json::Value;

use super::{Edit, kind, listed, put, replica_specs, words};
use crate::actions::Refusal;

/// `8`, or `workers=8` where several parts could be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub of: Option<String>,
    pub n: u32,
}

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (of, n) = match text.split_once('=') {
            Some((of, n)) => (Some(of.to_owned()), n),
            None => (None, text),
        };
        let wrong = || format!("{text:?} is no number of pods: write 8, or ROLE=8");
        let n = n.parse().map_err(|_| wrong())?;
        Ok(Self { of, n })
    }
}

/// Lets so many pods work at a time.
///
/// # Errors
/// The kind has no such number, or which is meant is not clear.
pub fn parallelism(manifest: &mut Value, count: &Count) -> Edit {
    let name = words(manifest);
    let n = count.n;
    let alone = |count: &Count| match &count.of {
        Some(of) => {
            Err(Refusal::new(format!("{name} has no part {of}")).next("write only the number"))
        }
        None => Ok(()),
    };
    match kind(manifest) {
        "Job" => {
            alone(count)?;
            Ok(job(manifest, &["spec"], n))
        }
        "CronJob" => {
            alone(count)?;
            Ok(job(manifest, &["spec", "jobTemplate", "spec"], n))
        }
        "TrainJob" => {
            alone(count)?;
            let was = manifest["spec"]["trainer"]["numNodes"].as_u64();
            put(manifest, &["spec", "trainer", "numNodes"], n);
            Ok(said("its trainer runs on", was, n, "nodes"))
        }
        "LeaderWorkerSet" => {
            alone(count)?;
            let was = manifest["spec"]["replicas"].as_u64();
            put(manifest, &["spec", "replicas"], n);
            Ok(said("it has", was, n, "groups"))
        }
        "JobSet" => job_set(manifest, count),
        "RayJob" | "RayCluster" => ray(manifest, count),
        "Pod" => Err(Refusal::new(format!("{name} is one pod"))
            .next("the template parallel-job runs several")),
        _ if replica_specs(manifest).is_some() => replicas(manifest, count),
        other => Err(
            Refusal::new(format!("how many pods a {other} runs is not known here"))
                .next("edit its manifest"),
        ),
    }
}

fn said(what: &str, was: Option<u64>, n: u32, units: &str) -> Vec<String> {
    match was {
        Some(was) if was == u64::from(n) => Vec::new(),
        Some(was) => vec![format!("{what} {n} {units} (was {was})")],
        None => vec![format!("{what} {n} {units}")],
    }
}

fn job(manifest: &mut Value, at: &[&str], n: u32) -> Vec<String> {
    let spec = at.iter().fold(&*manifest, |value, key| &value[*key]);
    let was = spec["parallelism"].as_u64();
    let all = spec["completions"].as_u64();
    // all run at once: they are one whole, and its size is both
    let gang = spec["completionMode"] == "Indexed" && all.is_some() && all == was;
    let mut set = |key: &str| {
        let path: Vec<&str> = at.iter().copied().chain([key]).collect();
        put(manifest, &path, n);
    };
    set("parallelism");
    let mut notes = said("it runs", Some(was.unwrap_or(1)), n, "pods at a time");
    match all {
        Some(all) if gang && all != u64::from(n) && n > 0 => {
            set("completions");
            let last = all.saturating_sub(1);
            notes.push(format!("its indexes are 0 to {} (were 0 to {last})", n - 1));
        }
        Some(all) if u64::from(n) > all => {
            notes.push(format!(
                "never more than {all} run: so many completions it has"
            ));
        }
        _ => {}
    }
    notes
}

fn replicas(manifest: &mut Value, count: &Count) -> Edit {
    let name = words(manifest);
    let kind = kind(manifest).to_owned();
    let Some((field, roles)) = replica_specs(manifest) else {
        return Ok(Vec::new());
    };
    let field = field.to_owned();
    let role = match &count.of {
        None => roles.keys().find(|role| *role == "Worker"),
        Some(of) => roles.keys().find(|role| role.eq_ignore_ascii_case(of)),
    };
    let Some(role) = role.cloned() else {
        let why = match &count.of {
            Some(of) => format!("{name} has no role {of}"),
            None => format!("{name} has no Worker"),
        };
        let has = listed(roles.keys().map(String::as_str));
        return Err(Refusal::new(why).next(format!("it has {has}; write ROLE=N")));
    };
    if matches!(role.as_str(), "Master" | "Chief" | "Launcher") && count.n != 1 {
        return Err(Refusal::new(format!("there is one {role} of {name}"))
            .next("the number of its Workers can be changed"));
    }
    // missing is one, but none of MPI's workers
    let was = manifest["spec"][field.as_str()][role.as_str()]["replicas"].as_u64();
    let was = was.unwrap_or(u64::from(kind != "MPIJob"));
    put(manifest, &["spec", &field, &role, "replicas"], count.n);
    let Some(spec) = manifest.get_mut("spec") else {
        return Ok(Vec::new());
    };
    let mut notes = said("it has", Some(was), count.n, &format!("{role} pods"));
    if let Some(elastic) = spec.get_mut("elasticPolicy").and_then(Value::as_object_mut) {
        let bound = |v: Option<&Value>| v.and_then(Value::as_u64);
        if bound(elastic.get("maxReplicas")).is_some_and(|most| most < count.n.into()) {
            elastic.insert("maxReplicas".into(), count.n.into());
            notes.push(format!("its elasticPolicy goes up to {}", count.n));
        }
        if bound(elastic.get("minReplicas")).is_some_and(|least| least > count.n.into()) {
            elastic.insert("minReplicas".into(), count.n.into());
            notes.push(format!("its elasticPolicy goes down to {}", count.n));
        }
    }
    if let Some(policy) = spec.pointer_mut("/runPolicy/schedulingPolicy")
        && let Some(least) = policy["minAvailable"].as_u64()
    {
        let all = least.saturating_sub(was).saturating_add(count.n.into());
        if least > was && all != least {
            put(policy, &["minAvailable"], all);
            notes.push(format!("its gang starts with {all} pods (was {least})"));
        }
    }
    if kind == "MPIJob" && !notes.is_empty() {
        notes.extend(ranks(spec));
    }
    Ok(notes)
}

/// mpirun is told the number of ranks in its command, where nobody counts for it.
fn ranks(spec: &Value) -> Option<String> {
    let launcher = &spec["mpiReplicaSpecs"]["Launcher"]["template"]["spec"]["containers"][0];
    let words = ["command", "args"].into_iter();
    let words = words.flat_map(|key| launcher[key].as_array().into_iter().flatten());
    let text: Vec<&str> = words.filter_map(Value::as_str).collect();
    let text = text.join(" ");
    let mut words = text.split_whitespace();
    let flag = words.find(|word| matches!(*word, "-n" | "-np" | "--np" | "-c"))?;
    let n = words.next()?;
    Some(format!(
        "its launcher still says {flag} {n}: change that in its command"
    ))
}

fn job_set(manifest: &mut Value, count: &Count) -> Edit {
    let name = words(manifest);
    let jobs = manifest.pointer_mut("/spec/replicatedJobs");
    let jobs = jobs.and_then(Value::as_array_mut);
    let jobs = jobs.map(Vec::as_mut_slice).unwrap_or_default();
    let names: Vec<String> = (jobs.iter())
        .map(|job| job["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    let has = listed(names.iter().map(String::as_str));
    let at = match (&count.of, jobs.len()) {
        (Some(of), _) => names.iter().position(|name| name == of).ok_or_else(|| {
            Refusal::new(format!("{name} has no replicated job {of}")).next(format!("it has {has}"))
        })?,
        (None, 1) => 0,
        (None, _) => {
            return Err(
                Refusal::new(format!("{name} has several replicated jobs ({has})")).next(format!(
                    "say which: {}=N",
                    names.first().map_or("NAME", String::as_str)
                )),
            );
        }
    };
    let job = &mut jobs[at];
    let replicas = job["replicas"].as_u64().unwrap_or(1);
    let which = names[at].clone();
    // several Jobs of one pod each are counted by Jobs
    let pods = job["template"]["spec"]["parallelism"].as_u64().unwrap_or(1);
    if replicas > 1 && pods == 1 {
        put(job, &["replicas"], count.n);
        return Ok(said(
            &format!("{which} is"),
            Some(replicas),
            count.n,
            "Jobs",
        ));
    }
    let all = job["template"]["spec"]["completions"].as_u64();
    put(job, &["template", "spec", "parallelism"], count.n);
    if all.is_none_or(|all| all == pods) {
        put(job, &["template", "spec", "completions"], count.n);
    }
    let mut notes = said(
        &format!("each Job of {which} runs"),
        Some(pods),
        count.n,
        "pods at a time",
    );
    if replicas > 1 && !notes.is_empty() {
        notes.push(format!("there are {replicas} such Jobs"));
    }
    Ok(notes)
}

fn ray(manifest: &mut Value, count: &Count) -> Edit {
    let name = words(manifest);
    let spec = &manifest["spec"];
    if spec["clusterSelector"].is_object() {
        return Err(
            Refusal::new(format!("{name} runs on a cluster that is there already"))
                .next("scale that RayCluster"),
        );
    }
    let at = match spec["rayClusterSpec"].is_object() {
        true => "/spec/rayClusterSpec",
        false => "/spec",
    };
    let ray = manifest.pointer(at).unwrap_or(&Value::Null);
    let scales = ray["enableInTreeAutoscaling"] == true;
    let groups = manifest.pointer_mut(&format!("{at}/workerGroupSpecs"));
    let groups = groups.and_then(Value::as_array_mut);
    let groups = groups.map(Vec::as_mut_slice).unwrap_or_default();
    let names: Vec<String> = (groups.iter())
        .map(|group| group["groupName"].as_str().unwrap_or_default().to_owned())
        .collect();
    let has = listed(names.iter().map(String::as_str));
    let at = match (&count.of, groups.len()) {
        (Some(of), _) => names.iter().position(|name| name == of).ok_or_else(|| {
            Refusal::new(format!("{name} has no worker group {of}")).next(format!("it has {has}"))
        })?,
        (None, 1) => 0,
        (None, 0) => {
            return Err(Refusal::new(format!("{name} has no workers, only a head"))
                .next("add a worker group to its manifest"));
        }
        (None, _) => {
            return Err(
                Refusal::new(format!("{name} has several worker groups ({has})"))
                    .next(format!("say which: {}=N", names[0])),
            );
        }
    };
    let group = &mut groups[at];
    let which = &names[at];
    let was = group["replicas"].as_u64().unwrap_or(1);
    put(group, &["replicas"], count.n);
    let mut notes = said(&format!("{which} has"), Some(was), count.n, "workers");
    if group["maxReplicas"]
        .as_u64()
        .is_some_and(|most| most < count.n.into())
    {
        put(group, &["maxReplicas"], count.n);
    }
    if group["minReplicas"]
        .as_u64()
        .is_some_and(|least| least > count.n.into())
    {
        put(group, &["minReplicas"], count.n);
    }
    if scales && !notes.is_empty() {
        notes.push("its autoscaler changes that as it sees fit".into());
    }
    Ok(notes)
}
