//! What a kubeconfig can reach and do, line by line, with the reason for each "no": the content of `jobdeck doctor`.

mod lists;

use std::fmt;
use std::time::{Duration, Instant};

use futures::StreamExt;
use http::Method;
use serde::{Deserialize, Serialize};

use super::access::{Question, ask};
use super::connect::{ConnectError, resolve};
use super::discover::{BATCH_GROUPS, Served, discover};
use super::failure::Failure;
use super::http::{Ask, Http};
use super::kinds::{Entry, KINDS, entry};
use super::kubeconfig::Surroundings;
use super::target::Target;
use super::wire::lax;
use super::{Version, lines::Lines, wire};
use crate::model::kueue::QueueKind;
use crate::model::want::Kind;

/// How a line turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mark {
    /// As it should be.
    Ok,
    /// Works, but differently or in part.
    Note,
    /// Does not work.
    No,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub mark: Mark,
    /// `server`, `jobs`, …
    pub topic: String,
    pub text: String,
    /// What to do about it, where something can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// All lines, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    pub lines: Vec<Line>,
}

impl Diagnosis {
    fn add(&mut self, mark: Mark, topic: &str, text: impl Into<String>) {
        self.lines.push(Line {
            mark,
            topic: topic.to_owned(),
            text: text.into(),
            hint: None,
        });
    }

    fn hint(&mut self, hint: impl Into<String>) {
        if let Some(line) = self.lines.last_mut() {
            line.hint = Some(hint.into());
        }
    }

    /// jobdeck is of use here: the server answers and jobs can be listed somewhere.
    pub fn is_usable(&self) -> bool {
        self.lines
            .iter()
            .any(|l| l.topic == "jobs" && l.mark != Mark::No)
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let width = self.lines.iter().map(|l| l.topic.len()).max().unwrap_or(0);
        for line in &self.lines {
            let mark = match line.mark {
                Mark::Ok => "ok ",
                Mark::Note => "-- ",
                Mark::No => "NO ",
            };
            writeln!(f, "{mark} {:width$}  {}", line.topic, line.text)?;
            if let Some(hint) = &line.hint {
                writeln!(f, "    {:width$}  → {hint}", "")?;
            }
        }
        Ok(())
    }
}

/// Examines the context (`None`: the current one); `namespace` overrides the context's own.
pub async fn examine(
    around: &Surroundings,
    context: Option<&str>,
    namespace: Option<&str>,
) -> Diagnosis {
    let mut found = Diagnosis::default();
    let target = match resolve(around, context) {
        Ok(target) => target,
        Err(e) => {
            found.add(Mark::No, "kubeconfig", e.to_string());
            found.hint(e.next_step());
            return found;
        }
    };
    examine_target(target, namespace, found).await
}

/// As [`examine`], for a target found before.
pub async fn examine_target(
    target: Target,
    namespace: Option<&str>,
    mut found: Diagnosis,
) -> Diagnosis {
    let files: Vec<String> = target
        .files
        .iter()
        .map(|f| f.display().to_string())
        .collect();
    let from = match files.as_slice() {
        [] => "in-cluster service account".to_owned(),
        files => files.join(", "),
    };
    found.add(Mark::Ok, "kubeconfig", from);
    found.add(Mark::Ok, "context", target.context.clone());
    found.add(Mark::Ok, "server", target.server());
    if let Some(proxy) = target.proxy() {
        found.add(Mark::Ok, "proxy", proxy);
    }
    let tls = target.describe_tls();
    let mark = if tls.starts_with("verified") {
        Mark::Ok
    } else {
        Mark::Note
    };
    found.add(mark, "tls", tls);
    let mut login = target.auth().describe();
    if let Some(user) = &target.user {
        login = format!("{login} (user {user})");
    }
    if let Some(other) = target.impersonates() {
        login = format!("{login}, acting as {other}");
    }
    found.add(Mark::Ok, "login", login);
    let namespace = namespace
        .or(target.namespace.as_deref())
        .unwrap_or("default")
        .to_owned();
    found.add(Mark::Ok, "namespace", namespace.clone());

    let http = Http::new(target);
    if !reach(&http, &mut found).await {
        return found;
    }
    lists::clock(&http, &mut found).await;
    who(&http, &mut found).await;
    let served = served(&http, &mut found).await;
    streaming(&http, &namespace, &mut found).await;
    for kind in KINDS {
        watching(&http, kind, &namespace, served.as_ref(), &mut found).await;
    }
    let (job, pod) = (Kind::Job, Kind::Pod);
    let workload = Kind::Queue(QueueKind::Workload);
    let here = Some(namespace.as_str());
    for (topic, question) in [
        ("logs", Question::on("get", pod, here).subresource("log")),
        ("delete jobs", Question::on("delete", job, here)),
        ("hold jobs", Question::on("patch", job, here)),
        ("hold queued jobs", Question::on("patch", workload, here)),
        ("create jobs", Question::on("create", job, here)),
        ("delete pods", Question::on("delete", pod, here)),
        (
            "evict pods",
            Question::on("create", pod, here).subresource("eviction"),
        ),
    ] {
        let absent = |served: &Served| !served.has_group(question.group);
        if question.group == workload.group() && served.as_ref().is_some_and(absent) {
            continue;
        }
        may(&http, topic, &question, &mut found).await;
    }
    lists::lists(&http, &namespace, served.as_ref(), &mut found).await;
    if let Some(served) = &served {
        let present: Vec<String> = BATCH_GROUPS
            .iter()
            .filter(|(group, _)| served.has_group(group))
            .map(|(group, name)| format!("{name} ({})", served.versions(group).join(", ")))
            .collect();
        match present.is_empty() {
            true => found.add(
                Mark::Note,
                "extensions",
                "none of the batch systems jobdeck knows",
            ),
            false => found.add(Mark::Ok, "extensions", present.join("; ")),
        }
    }
    found
}

/// Version and latency; false if the server cannot be used at all.
async fn reach(http: &Http, found: &mut Diagnosis) -> bool {
    let version = http.json::<Version>(&Ask::get("/version")).await;
    if let Some(said) = http.plugin_said().await {
        found.add(
            Mark::Note,
            "login",
            format!("the credential plugin says: {said}"),
        );
    }
    match version {
        Ok(version) => found.add(Mark::Ok, "version", version.git_version.clone()),
        Err(Failure::Status { code, .. }) if code != 401 && code < 500 => {
            found.add(
                Mark::Note,
                "version",
                format!("not shown to this user ({code})"),
            );
        }
        Err(failure) => {
            let error = ConnectError::Server {
                context: http.target().context.clone(),
                server: http.target().server(),
                failure,
            };
            found.add(Mark::No, "reached", error.to_string());
            found.hint(error.next_step());
            return false;
        }
    }
    // the first request paid for connecting and logging in
    let mut times = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        if http.read(&Ask::get("/version")).await.is_ok() {
            times.push(start.elapsed());
        }
    }
    times.sort_unstable();
    if let Some(median) = times.get(times.len() / 2) {
        let slow = *median > Duration::from_millis(500);
        let mark = if slow { Mark::Note } else { Mark::Ok };
        found.add(mark, "latency", format!("{} ms", median.as_millis().max(1)));
    }
    true
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SelfReview {
    #[serde(deserialize_with = "lax::object")]
    status: SelfStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SelfStatus {
    #[serde(deserialize_with = "lax::object")]
    user_info: UserInfo,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UserInfo {
    #[serde(deserialize_with = "lax::text")]
    username: String,
    #[serde(deserialize_with = "lax::texts")]
    groups: Vec<String>,
}

/// Whom the server takes us for (1.28 and later).
async fn who(http: &Http, found: &mut Diagnosis) {
    let review = serde_json::json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "SelfSubjectReview",
    });
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let ask = Ask::send(Method::POST, path, "application/json", &review);
    let Ok(review) = http.json::<SelfReview>(&ask).await else {
        return;
    };
    let user = review.status.user_info;
    if user.username.is_empty() {
        return;
    }
    let groups: Vec<&str> = user
        .groups
        .iter()
        .map(String::as_str)
        .filter(|g| *g != "system:authenticated")
        .collect();
    let of = if groups.is_empty() {
        String::new()
    } else {
        format!(", of {}", groups.join(", "))
    };
    found.add(Mark::Ok, "you are", format!("{}{of}", user.username));
}

async fn served(http: &Http, found: &mut Diagnosis) -> Option<Served> {
    match discover(http).await {
        Ok(served) => {
            let how = match served.aggregated {
                true => "aggregated",
                false => "the old way, group by group",
            };
            found.add(Mark::Ok, "discovery", how);
            Some(served)
        }
        Err(failure) => {
            found.add(Mark::Note, "discovery", failure.to_string());
            None
        }
    }
}

/// Tries a streamed list, on the smallest kind that may be watched.
async fn streaming(http: &Http, namespace: &str, found: &mut Diagnosis) {
    const QUERY: &str = "watch=1&allowWatchBookmarks=true&sendInitialEvents=true\
        &resourceVersionMatch=NotOlderThan&timeoutSeconds=5";
    let mut last = None;
    for path in [
        entry(Kind::Namespace).path("v1", None),
        entry(Kind::Job).path("v1", Some(namespace)),
    ] {
        match http
            .open(&Ask::get(format!("{path}?{QUERY}")).plain())
            .await
        {
            Ok(answer) => {
                let ended = tokio::time::timeout(
                    Duration::from_secs(5),
                    ends_its_list(http.chunks(answer)),
                );
                let (mark, text) = match ended.await {
                    Ok(true) => (Mark::Ok, "yes"),
                    _ => (Mark::Note, "no: the server ignores it; lists come in pages"),
                };
                return found.add(mark, "streamed lists", text);
            }
            Err(failure) => last = Some(failure),
        }
    }
    let text = match last {
        Some(Failure::Status {
            code: 422 | 400, ..
        }) => "no: not enabled on this server; lists come in pages".to_owned(),
        Some(failure) => format!("cannot tell: {failure}"),
        None => return,
    };
    found.add(Mark::Note, "streamed lists", text);
}

async fn ends_its_list(mut chunks: super::http::Chunks) -> bool {
    let mut lines = Lines::default();
    while let Some(Ok(bytes)) = chunks.next().await {
        lines.push(&bytes);
        while let Some(line) = lines.next_line() {
            let event = wire::event::<wire::namespace::Namespace>(line);
            if let Ok(wire::Event::Bookmark { end, .. }) = event {
                return end;
            }
        }
    }
    false
}

/// Can a kind be listed and watched: everywhere, or at least here?
async fn watching(
    http: &Http,
    kind: &Entry,
    namespace: &str,
    served: Option<&Served>,
    found: &mut Diagnosis,
) {
    let topic = kind.plural();
    if served.is_some_and(|s| s.version(kind).is_none()) {
        return found.add(Mark::No, topic, "not served by this cluster");
    }
    let everywhere = both(http, kind, None).await;
    match (&everywhere, kind.namespaced) {
        (Ok(None), true) => found.add(Mark::Ok, topic, "list and watch in all namespaces"),
        (Ok(None), false) => found.add(Mark::Ok, topic, "list and watch"),
        (Err(failure), _) => found.add(Mark::No, topic, format!("cannot tell: {failure}")),
        (Ok(Some(no)), false) => found.add(Mark::No, topic, no.clone()),
        (Ok(Some(no)), true) => match both(http, kind, Some(namespace)).await {
            Ok(None) => {
                let text = format!("list and watch in {namespace} only; all namespaces: {no}");
                found.add(Mark::Note, topic, text);
            }
            Ok(Some(_)) => {
                let text = format!("neither in all namespaces nor in {namespace}: {no}");
                found.add(Mark::No, topic, text);
                found.hint("choose another namespace with -n, or ask for a role");
            }
            Err(failure) => found.add(Mark::No, topic, format!("cannot tell: {failure}")),
        },
    }
}

/// List and watch allowed? The reason if not.
async fn both(
    http: &Http,
    kind: &Entry,
    namespace: Option<&str>,
) -> Result<Option<String>, Failure> {
    let mut missing = Vec::new();
    let mut reason = String::new();
    for verb in ["list", "watch"] {
        let question = Question::on(verb, kind.kind, namespace);
        let verdict = ask(http, &question).await?;
        if !verdict.allowed {
            missing.push(question.words());
            reason = verdict.reason;
        }
    }
    if missing.is_empty() {
        return Ok(None);
    }
    let because = if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    };
    Ok(Some(format!("needs {}{because}", missing.join(" and "))))
}

async fn may(http: &Http, topic: &str, question: &Question, found: &mut Diagnosis) {
    let place = match &question.namespace {
        Some(namespace) => format!("in {namespace}"),
        None => "everywhere".into(),
    };
    match ask(http, question).await {
        Ok(verdict) if verdict.allowed => found.add(Mark::Ok, topic, format!("yes, {place}")),
        Ok(verdict) => {
            let because = match verdict.reason.as_str() {
                "" => String::new(),
                reason => format!(" ({reason})"),
            };
            let text = format!("no: needs {} {place}{because}", question.words());
            found.add(Mark::No, topic, text);
        }
        Err(failure) => found.add(Mark::Note, topic, format!("cannot tell: {failure}")),
    }
}
