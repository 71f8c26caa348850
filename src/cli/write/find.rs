//! From `KIND/NAME` to the object that is meant.

use color_eyre::eyre::Result;

use crate::actions::Refusal;
use crate::actions::outcome::Cause;
use crate::cli::connect::Connected;
use crate::cluster::kinds;
use crate::model::Model;
use crate::model::ids::Key;
use crate::model::job::JobKind;
use crate::model::kueue::QueueKind;
use crate::model::want::Kind;

/// What was named. `None`: a pod group, which is no object.
pub struct Wanted {
    pub kind: Option<Kind>,
    pub name: String,
}

/// Kinds that something can be done to.
fn acted_on(kind: Kind) -> bool {
    match kind {
        Kind::Event | Kind::Namespace | Kind::Dra(_) | Kind::Other(_) => false,
        Kind::Queue(queue) => matches!(
            queue,
            QueueKind::Workload | QueueKind::ClusterQueue | QueueKind::LocalQueue
        ),
        _ => true,
    }
}

/// The kind of this name, as kubectl takes names: plural, singular or short.
pub fn kind(word: &str) -> Option<Kind> {
    let word = word.to_lowercase();
    let short = match word.as_str() {
        "cj" => "cronjobs",
        "po" => "pods",
        "no" => "nodes",
        "cq" => "clusterqueues",
        "lq" | "queue" => "localqueues",
        "wl" => "workloads",
        other => other,
    };
    let mut all = kinds::all()
        .map(|entry| entry.kind)
        .filter(|k| acted_on(*k));
    all.find(|kind| kind.plural() == short || kind.singular() == short)
}

/// Takes names apart.
///
/// # Errors
/// What is no `KIND/NAME`.
pub fn parse(names: &[String]) -> Result<Vec<Wanted>, Refusal> {
    let one = |text: &String| {
        let (word, name) = text.split_once('/').ok_or_else(|| {
            Refusal::new(format!("{text} is not KIND/NAME")).next(format!("write job/{text}"))
        })?;
        if name.is_empty() || name.contains('/') {
            return Err(Refusal::new(format!("{text} is not KIND/NAME")));
        }
        let group = matches!(word, "podgroup" | "podgroups");
        let kind = kind(word);
        if kind.is_none() && !group {
            return Err(Refusal::new(format!("there is no kind {word} to act on"))
                .next("`jobdeck get workloads` shows the kinds there are"));
        }
        Ok(Wanted {
            kind: kind.filter(|_| !group),
            name: name.to_owned(),
        })
    };
    names.iter().map(one).collect()
}

/// Lists what is needed to find them and to know what they take with them.
///
/// # Errors
/// What cannot be listed.
pub async fn look(connected: &mut Connected, wanted: &[Wanted]) -> Result<()> {
    let mut kinds: Vec<Kind> = wanted.iter().filter_map(|w| w.kind).collect();
    // the watched lists of workloads and queues come with them
    kinds.retain(|kind| !matches!(kind, Kind::Workload(_) | Kind::Queue(_)));
    kinds.extend([Kind::Job, Kind::Pod]);
    let mut seen = Vec::new();
    kinds.retain(|kind| {
        let new = !seen.contains(kind);
        seen.push(*kind);
        new
    });
    connected.sync_workloads(&kinds).await
}

/// The one object that is meant.
///
/// # Errors
/// There is none, or there are several.
pub fn find(model: &Model, wanted: &Wanted) -> Result<Key, (Cause, Refusal)> {
    let kueue = &model.kueue;
    let name = wanted.name.as_str();
    let mut found: Vec<(Key, String)> = Vec::new();
    let mut add = |key: Key, has: &str, namespace: &str| {
        if has == name {
            found.push((key, namespace.to_owned()));
        }
    };
    match wanted.kind {
        Some(Kind::Pod) => {
            let all = model.pods.rows();
            all.for_each(|r| add(r.key, &r.name, &r.namespace));
        }
        Some(Kind::CronJob) => {
            let all = model.cronjobs.rows();
            all.for_each(|r| add(r.key, &r.name, &r.namespace));
        }
        Some(Kind::Node) => model.nodes.rows().for_each(|r| add(r.key, &r.name, "")),
        Some(Kind::Queue(QueueKind::Workload)) => {
            let all = kueue.workloads.rows();
            all.for_each(|r| add(r.key, &r.name, &r.namespace));
        }
        Some(Kind::Queue(QueueKind::LocalQueue)) => {
            let all = kueue.local_queues.rows();
            all.for_each(|r| add(r.key, &r.name, &r.namespace));
        }
        Some(Kind::Queue(_)) => {
            let all = kueue.cluster_queues.rows();
            all.for_each(|r| add(r.key, &r.name, ""));
        }
        kind => {
            let all = model.jobs.rows().filter(|job| match kind {
                Some(kind) => job.kind.object() == Some(kind),
                None => job.kind == JobKind::POD_GROUP,
            });
            all.for_each(|r| add(r.key, &r.name, &r.namespace));
        }
    }
    let called = match wanted.kind {
        Some(kind) => format!("{}/{name}", kind.singular()),
        None => format!("podgroup/{name}"),
    };
    match &found[..] {
        [(key, _)] => Ok(*key),
        [] => Err((
            Cause::NotFound,
            Refusal::new(format!("there is no {called} here")).next("-n or -A look elsewhere"),
        )),
        several => {
            let all: Vec<&str> = several.iter().map(|(_, ns)| ns.as_str()).collect();
            Err((
                Cause::Refused,
                Refusal::new(format!("{called} is in {}", all.join(", ")))
                    .next("say which with -n"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_the_names_people_type() {
        for (word, plural) in [
            ("job", "jobs"),
            ("Jobs", "jobs"),
            ("cj", "cronjobs"),
            ("pytorchjob", "pytorchjobs"),
            ("lq", "localqueues"),
            ("clusterqueue", "clusterqueues"),
            ("node", "nodes"),
            ("wl", "workloads"),
        ] {
            assert_eq!(kind(word).map(Kind::plural), Some(plural), "{word}");
        }
        for word in ["event", "secret", "namespaces", "topology", ""] {
            assert_eq!(kind(word), None, "{word}");
        }
        let parse = |text: &str| parse(&[text.to_owned()]).map(|all| all[0].name.clone());
        assert_eq!(parse("job/pi").unwrap(), "pi");
        assert!(
            parse("pi")
                .unwrap_err()
                .to_string()
                .contains("write job/pi")
        );
        assert!(parse("job/").is_err() && parse("job/a/b").is_err() && parse("x/y").is_err());
    }
}
