//! What the screen of a workload says, as lines: the answer first, then what it asks for, who has to agree, and what
//! happened to it. Separate from the screen because they are plain lines that depend on the row and the width alone.

use chrono::{DateTime, Utc};
use ratatui::text::Line;

use super::{At, job_of};
use crate::model::human;
use crate::model::job::Condition;
use crate::model::kueue::workload::CheckState;
use crate::model::kueue::{FlavorResource, WorkloadRow};
use crate::model::waiting;
use crate::panes::Cx;
use crate::panes::page::Page;
use crate::panes::words::{amount, count, stamp, when};
use crate::ui::{State, text};

/// Events shown, newest first.
const EVENTS: usize = 8;

/// The lines, broken at `width`.
pub fn lines(row: &WorkloadRow, gone: bool, cx: &Cx, width: usize) -> Vec<Line<'static>> {
    let mut page = Page::new(gone, cx, width);
    answer(&mut page, row);
    facts(&mut page, row);
    pod_sets(&mut page, row);
    checks(&mut page, row);
    evictions(&mut page, row);
    topology(&mut page, row);
    clusters(&mut page, row);
    story(&mut page, row);
    events(&mut page, row);
    page.out
}

/// Why it waits, what would help, and what that is read from.
fn answer(page: &mut Page, row: &WorkloadRow) {
    let cx = page.cx;
    let Some(why) = waiting::workload(cx.model, cx.model.kueue.look(row.key.cluster), row, cx.now)
    else {
        return;
    };
    page.say(&why.sentence, cx.theme.title());
    if let Some(next) = &why.next {
        page.say(next, cx.theme.accent());
    }
    if !why.evidence.is_empty() {
        page.out.push(Line::default());
    }
    for fact in &why.evidence {
        page.sign(State::NotRun, fact.label.as_ref(), 18, &fact.text);
    }
    if !why.evidence.is_empty() {
        page.out.push(Line::default());
    }
}

fn facts(page: &mut Page, row: &WorkloadRow) {
    let cx = page.cx;
    let mut facts: Vec<String> = Vec::new();
    let wants: Vec<String> = row.requests().iter().map(|(r, n)| amount(r, *n)).collect();
    if !wants.is_empty() {
        facts.push(format!("asks for {}", wants.join(", ")));
    }
    let class = match &row.priority_class {
        Some(class) => format!("priority {class} ({})", row.priority),
        None => format!("priority {}", row.priority),
    };
    facts.push(class);
    let since = |what: &str, at: Option<DateTime<Utc>>| match at {
        Some(at) if cx.timestamps => Some(format!("{what} since {}", stamp(at, cx.now))),
        Some(_) => Some(format!("{what} {}", when(at, cx))),
        None => None,
    };
    let told = match row.state() {
        At::Pending => since("waits", row.queued_since()),
        At::Reserved => since("holds quota", row.is("QuotaReserved").and_then(|c| c.since)),
        At::Admitted => since("admitted", row.is("Admitted").and_then(|c| c.since)),
        At::Finished => since("over", row.is("Finished").and_then(|c| c.since)),
    };
    facts.extend(told);
    if let Some(seconds) = row.most_seconds {
        let most = i64::try_from(seconds.min(1 << 40)).unwrap_or_default();
        facts.push(format!(
            "may run {}",
            human::duration(chrono::TimeDelta::seconds(most))
        ));
    }
    if let Some((kind, name, _)) = row.owners.first() {
        let known = match job_of(row, cx) {
            Some(_) => "",
            None => " (not seen)",
        };
        facts.push(match row.owners.len() {
            1 => format!("for {kind} {name}{known}"),
            n => format!("for {}", count(n, kind, &format!("{kind}s"))),
        });
    }
    page.say(&facts.join(" · "), cx.theme.text());
}

/// One line for each pod set and resource: how much, from which flavor.
fn pod_sets(page: &mut Page, row: &WorkloadRow) {
    if row.pod_sets.is_empty() {
        return;
    }
    page.head("asked for, and given");
    let given = row.admission.as_ref();
    let widest = row.pod_sets.iter().map(|set| text::width(&set.name)).max();
    let column = widest.unwrap_or_default().clamp(4, 24);
    for set in &row.pod_sets {
        let assigned = given.and_then(|g| g.pod_sets.iter().find(|a| a.name == set.name));
        let mut words = count(set.count as usize, "pod", "pods");
        if let Some(least) = set.min_count.filter(|n| *n != set.count) {
            words.push_str(&format!(" (at least {least})"));
        }
        let of = |resource: &str, n: i64, flavor: Option<&FlavorResource>| match flavor {
            Some(of) => format!("{} from {}", amount(resource, n), of.flavor),
            None => amount(resource, n),
        };
        let parts: Vec<String> = match assigned {
            Some(a) => {
                if a.count != set.count {
                    words = format!("{} of {words}", a.count);
                }
                let usage = a.usage.iter();
                usage.map(|(f, n)| of(&f.resource, *n, Some(f))).collect()
            }
            None => set.requests.iter().map(|(r, n)| of(r, *n, None)).collect(),
        };
        if !parts.is_empty() {
            words.push_str(&format!(": {}", parts.join(", ")));
        }
        let state = match row.state() {
            At::Admitted => State::Running,
            At::Reserved => State::Pending,
            At::Pending => State::Waiting,
            At::Finished => State::NotRun,
        };
        page.sign(state, &set.name, column, &words);
    }
}

fn checks(page: &mut Page, row: &WorkloadRow) {
    if row.checks.is_empty() {
        return;
    }
    page.head("admission checks");
    for check in &row.checks {
        let (state, word) = match check.state {
            CheckState::Ready => (State::Succeeded, "ready"),
            CheckState::Pending => (State::Waiting, "pending"),
            CheckState::Retry => (State::Retrying, "retry"),
            CheckState::Rejected => (State::Failed, "rejected"),
        };
        let mut words = word.to_owned();
        if let Some(at) = check.since {
            words.push_str(&format!(" {}", when(Some(at), page.cx)));
        }
        if check.retries > 0 {
            let retries = count(check.retries as usize, "retry", "retries");
            words.push_str(&format!(", {retries}"));
        }
        if !check.message.is_empty() {
            words.push_str(&format!(": {}", check.message));
        }
        let known = page.cx.model.kueue.checks.rows();
        let controller = known
            .filter(|c| c.key.cluster == row.key.cluster)
            .find(|c| c.name == check.name)
            .map(|c| {
                c.controller
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            });
        if let Some(controller) = controller.filter(|c| *c != *check.name) {
            words.push_str(&format!(" ({controller})"));
        }
        page.sign(state, &check.name, 18, &words);
    }
}

fn evictions(page: &mut Page, row: &WorkloadRow) {
    let now = page.cx.now;
    let again = row.requeue_at.filter(|at| *at > now);
    if row.evictions.is_empty() && row.requeues == 0 && again.is_none() {
        return;
    }
    page.head("put back");
    for eviction in &row.evictions {
        let cause = match eviction.cause.is_empty() {
            true => String::new(),
            false => format!(", {}", eviction.cause),
        };
        let times = count(eviction.count as usize, "time", "times");
        let reason = &eviction.reason;
        page.sign(State::Retrying, reason, 22, &format!("{times}{cause}"));
    }
    if row.requeues > 0 || again.is_some() {
        let mut words = format!(
            "queued again {}",
            count(row.requeues as usize, "time", "times")
        );
        if let Some(at) = again {
            words.push_str(&format!("; tried again in {}", human::duration(at - now)));
        }
        page.sign(State::Waiting, "backoff", 22, &words);
    }
    for node in &row.unhealthy_nodes {
        page.sign(State::Failed, node, 22, "a node of it is unhealthy");
    }
}

fn topology(page: &mut Page, row: &WorkloadRow) {
    let sets = row.admission.iter().flat_map(|a| &a.pod_sets);
    let placed: Vec<_> = sets.filter(|set| !set.domains.is_empty()).collect();
    if placed.is_empty() {
        return;
    }
    page.head("placed by topology");
    for set in placed {
        for (values, pods) in &set.domains {
            let place: Vec<&str> = values.iter().map(|v| &**v).collect();
            let pods = count(*pods as usize, "pod", "pods");
            page.sign(
                State::Running,
                &place.join(" / "),
                36,
                &format!("{pods} of {}", set.name),
            );
        }
    }
}

fn clusters(page: &mut Page, row: &WorkloadRow) {
    if row.cluster.is_none() && row.nominated.is_empty() {
        return;
    }
    page.head("worker clusters");
    let known = |name: &str| {
        let mut all = page.cx.model.kueue.worker_clusters.rows();
        all.find(|c| c.key.cluster == row.key.cluster && &*c.name == name)
    };
    let mut items = Vec::new();
    if let Some(name) = &row.cluster {
        items.push((State::Running, name.clone(), "runs it".to_owned()));
    }
    for name in row
        .nominated
        .iter()
        .filter(|n| Some(*n) != row.cluster.as_ref())
    {
        items.push((State::Waiting, name.clone(), "offered".to_owned()));
    }
    for (state, name, words) in &mut items {
        if let Some((then, there)) = remote(row, name, page.cx) {
            *state = then;
            words.push_str(&format!(", {there}"));
        }
        let active = known(name).and_then(|c| c.conditions.iter().find(|c| &*c.kind == "Active"));
        if let Some(lost) = active.filter(|c| !c.on) {
            *state = State::Failed;
            words.push_str(&format!(", not connected: {}", lost.message));
        }
    }
    for (state, name, words) in items {
        page.sign(state, &name, 22, &words);
    }
}

/// Its conditions by the time they last changed.
fn story(page: &mut Page, row: &WorkloadRow) {
    let mut told: Vec<(DateTime<Utc>, State, String, String)> = row
        .conditions
        .iter()
        .filter_map(|c| {
            let (state, word) = moment(c);
            let words = match (
                word == *c.reason || c.reason.is_empty(),
                c.message.is_empty(),
            ) {
                (_, false) => c.message.to_string(),
                (true, true) => String::new(),
                (false, true) => c.reason.to_string(),
            };
            Some((c.since?, state, word, words))
        })
        .collect();
    if let Some(at) = row.created {
        told.push((at, State::Waiting, "created".into(), String::new()));
    }
    if told.is_empty() {
        return;
    }
    told.sort_by_key(|(at, ..)| *at);
    page.head("what happened");
    for (at, state, word, words) in told {
        let at = match page.cx.timestamps {
            true => stamp(at, page.cx.now),
            false => human::duration(page.cx.now - at),
        };
        page.sign(state, &format!("{at:>6} {word}"), 30, &words);
    }
}

fn events(page: &mut Page, row: &WorkloadRow) {
    let cx = page.cx;
    let about = |uid| uid == row.key.uid;
    let events = cx.model.events.rows();
    let mut all: Vec<_> = events
        .filter(|e| e.key.cluster == row.key.cluster && about(e.about.2))
        .collect();
    if all.is_empty() {
        return;
    }
    all.sort_by_key(|e| std::cmp::Reverse(e.when()));
    page.head("events");
    for event in all.into_iter().take(EVENTS) {
        let state = match event.warning {
            true => State::Retrying,
            false => State::NotRun,
        };
        let times = match event.count {
            0 | 1 => String::new(),
            n => format!(" ×{n}"),
        };
        let name = format!("{:>6} {}{times}", when(event.when(), cx), event.reason);
        page.sign(state, &name, 30, &event.message);
    }
}

/// How its copy in a worker cluster is, as far as that cluster can be seen.
fn remote(row: &WorkloadRow, cluster: &str, cx: &Cx) -> Option<(State, String)> {
    let id = cx.model.workers.id(cluster)?;
    let mut rows = cx.model.kueue.workloads.rows();
    let copy = rows.find(|copy| {
        copy.key.cluster == id && copy.namespace == row.namespace && copy.name == row.name
    })?;
    let ago = |at| when(at, cx);
    Some(match copy.state() {
        At::Finished => (State::Succeeded, "over there".into()),
        At::Admitted => {
            let since = copy.is("Admitted").and_then(|c| c.since);
            (State::Running, format!("admitted there {}", ago(since)))
        }
        At::Pending | At::Reserved => {
            let look = cx.model.kueue.look(id);
            let why = waiting::workload(cx.model, look, copy, cx.now);
            let why = why.map_or("waits there".into(), |why| {
                format!("waits there: {}", why.sentence)
            });
            (State::Waiting, why)
        }
    })
}

/// What a condition says happened.
fn moment(c: &Condition) -> (State, String) {
    match (&*c.kind, c.on) {
        ("QuotaReserved", true) => (State::Pending, "quota reserved".into()),
        ("QuotaReserved", false) => (State::Waiting, "tried".into()),
        ("Admitted", true) => (State::Running, "admitted".into()),
        ("Admitted", false) => (State::Waiting, "not admitted".into()),
        ("Finished", true) if &*c.reason == "Failed" => (State::Failed, "finished".into()),
        ("Finished", true) => (State::Succeeded, "finished".into()),
        ("Evicted", true) => (State::Retrying, format!("evicted {}", c.reason)),
        ("Preempted", true) => (State::Retrying, format!("preempted {}", c.reason)),
        ("Requeued", true) => (State::Waiting, "queued again".into()),
        ("Requeued", false) => (State::Held, "not queued again".into()),
        ("PodsReady", true) => (State::Running, "pods ready".into()),
        ("PodsReady", false) => (State::Pending, "pods not ready".into()),
        (kind, true) => (State::Pending, kind.to_owned()),
        (kind, false) => (State::NotRun, format!("not {kind}")),
    }
}
