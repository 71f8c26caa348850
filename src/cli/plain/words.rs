//! Jobs, queues and GPUs as sentences.

use chrono::{DateTime, Utc};

use super::diff::Line;
use crate::cli::gpus::{amounts, reasons};
use crate::model::Model;
use crate::model::capacity::groups::Dim;
use crate::model::ids::ClusterId;
use crate::model::job::{JobRow, Phase};
use crate::model::kueue::queue::Stop;
use crate::model::kueue::tree::{self, Level};
use crate::model::resources::Devices;
use crate::model::waiting::waiting;
use crate::model::why;

/// What is listed and watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Jobs,
    Queues,
    Gpus,
}

impl View {
    pub fn word(self) -> &'static str {
        match self {
            View::Jobs => "jobs",
            View::Queues => "queues",
            View::Gpus => "gpus",
        }
    }

    pub fn lines(self, model: &Model, now: DateTime<Utc>) -> Vec<Line> {
        let mut lines = match self {
            View::Jobs => jobs(model, now),
            View::Queues => queues(model),
            View::Gpus => gpus(model),
        };
        for line in &mut lines {
            line.text = one_line(&line.text);
        }
        lines
    }

    /// The line above a list.
    pub fn head(self, model: &Model, lines: usize, only: &str) -> String {
        let with = match only {
            "" => String::new(),
            only => format!(" with {only}"),
        };
        match self {
            View::Jobs if only.is_empty() => jobs_head(model),
            View::Jobs => format!("{}{with}:", some(lines, "job")),
            View::Queues if lines == 0 => {
                format!("No cluster queues{with}: Kueue is not installed, or they may not be read.")
            }
            View::Queues => format!("{}{with}:", some(lines, "cluster queue")),
            View::Gpus => format!("{} with GPUs{with}:", some(lines, "node")),
        }
    }
}

/// What a controller says may have lines of its own.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(": .", ".")
}

fn some(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// `pytorchjob llama in nlp`.
pub fn title(job: &JobRow) -> String {
    format!("{} {} in {}", job.kind.singular(), job.name, job.namespace)
}

/// What one cannot do, without the second line's indent.
pub fn refusal(why: &str) -> String {
    format!("{}.", why.replace('\n', ". ").trim_end_matches('.'))
}

/// What nobody else made, the order that of the state: what needs an eye first.
fn top(model: &Model) -> Vec<(&JobRow, Phase)> {
    let jobs = model.jobs.rows().filter(|job| model.parent(job).is_none());
    let mut jobs: Vec<_> = jobs.map(|job| (job, model.status(job).phase)).collect();
    let rank = |phase| match phase {
        Phase::Failed => 0,
        Phase::Retrying => 1,
        Phase::Queued | Phase::Pending => 2,
        Phase::Running | Phase::Finishing => 3,
        Phase::Suspended | Phase::Terminating => 4,
        Phase::Succeeded => 5,
    };
    jobs.sort_by_key(|(job, phase)| (rank(*phase), job.namespace.clone(), job.name.clone()));
    jobs
}

fn jobs_head(model: &Model) -> String {
    let jobs = top(model);
    let parts: Vec<String> = Phase::ALL
        .iter()
        .filter_map(|phase| {
            let n = jobs.iter().filter(|(_, p)| p == phase).count();
            (n > 0).then(|| format!("{n} {}", phase.word()))
        })
        .collect();
    match jobs.len() {
        0 => "No jobs.".to_owned(),
        n => format!("{}: {}.", some(n, "job"), parts.join(", ")),
    }
}

fn jobs(model: &Model, now: DateTime<Utc>) -> Vec<Line> {
    let line = |(job, phase): (&JobRow, Phase)| {
        let status = model.status(job);
        let title = title(job);
        let mut parts = vec![phase.word().to_owned()];
        match status.total {
            Some(total) if total > 1 => {
                parts.push(format!(
                    "{} of {total} {} done",
                    status.done,
                    status.unit.word()
                ));
            }
            None if status.done > 0 => parts.push(format!("{} done", status.done)),
            _ => {}
        }
        if status.failed > 0 {
            parts.push(format!("{} failed", status.failed));
        }
        let gpus = devices(&model.gpus(job));
        if !gpus.is_empty() && !phase.is_over() {
            parts.push(gpus);
        }
        let mut text = format!("{title}: {}.", parts.join(", "));
        let told = match phase {
            Phase::Running | Phase::Succeeded => String::new(),
            _ => why::why(model, job, now),
        };
        if !told.is_empty() {
            text = format!("{text} {}.", told.trim_end_matches('.'));
        }
        Line {
            id: format!("{:?}", job.key),
            title,
            counts: format!("{} {}", phase.word(), status.failed),
            text,
        }
    };
    top(model).into_iter().map(line).collect()
}

/// `8 nvidia.com/gpu`.
fn devices(all: &Devices) -> String {
    let all: Vec<String> = all
        .0
        .iter()
        .map(|(name, n)| format!("{n} {name}"))
        .collect();
    all.join(" and ")
}

fn queues(model: &Model) -> Vec<Line> {
    let cluster = ClusterId(0);
    let look = model.kueue.look(cluster);
    let mut cohort = String::new();
    let mut lines = Vec::new();
    for node in tree::tree(&model.kueue, &look.capacity, cluster, None) {
        match node.level {
            Level::Cohort => cohort = node.name.to_string(),
            Level::Cluster | Level::LocalQueue => {}
            Level::ClusterQueue => {
                let mut title = format!("queue {}", node.name);
                if node.depth > 0 {
                    title += &format!(" in cohort {cohort}");
                }
                let mut parts = vec![
                    format!("{} pending", node.pending),
                    format!("{} admitted", node.admitted),
                ];
                match node.stop {
                    Stop::None => {}
                    _ => parts.push("held".into()),
                }
                if let Some(inactive) = &node.inactive {
                    parts.push(format!("admits nothing, {}", inactive.reason));
                }
                // cpu and memory have units of their own, and are seldom what is short
                let devices = node
                    .cells
                    .iter()
                    .filter(|(of, _)| of.resource.contains('/'));
                for (of, cell) in devices {
                    let mut quota = format!(
                        "{} of {} {} of flavor {} used",
                        cell.used, cell.nominal, of.resource, of.flavor
                    );
                    if cell.borrowed > 0 {
                        quota += &format!(", {} of them borrowed", cell.borrowed);
                    }
                    if cell.lent > 0 {
                        quota += &format!(", {} lent", cell.lent);
                    }
                    parts.push(quota);
                }
                let says = parts.join(", ");
                lines.push(Line {
                    id: node.name.to_string(),
                    text: format!("{title}: {says}."),
                    title,
                    counts: says,
                });
            }
        }
    }
    lines
}

fn gpus(model: &Model) -> Vec<Line> {
    let mut nodes: Vec<_> = model.nodes.rows().collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let line = |node| {
        let share = model.capacity.share(node)?;
        let product = share.group(Dim::Product);
        let title = match product {
            Some(product) => format!("node {} with {product}", node.name),
            None => format!("node {}", node.name),
        };
        let mut parts = vec![
            format!(
                "{} GPUs",
                amounts(&share.lines, |line| line.amounts.capacity)
            ),
            format!("{} used", amounts(&share.lines, |line| line.amounts.used)),
            format!("{} free", amounts(&share.lines, |line| line.amounts.free)),
        ];
        if share.lines.iter().any(|line| line.amounts.sick > 0) {
            parts.push(format!(
                "{} sick",
                amounts(&share.lines, |line| line.amounts.sick)
            ));
        }
        parts.extend(reasons(node, share));
        let says = parts.join(", ");
        Some(Line {
            id: node.name.to_string(),
            text: format!("{title}: {says}."),
            title,
            counts: says,
        })
    };
    nodes.into_iter().filter_map(line).collect()
}

/// Why a job waits, or how it is, with what shows it.
pub fn why(model: &Model, job: &JobRow, now: DateTime<Utc>) -> String {
    let phase = model.status(job).phase.word();
    let Some(waits) = waiting(model, job, now) else {
        return one_line(&format!(
            "{}: {phase}. {}.",
            title(job),
            why::why(model, job, now)
        ));
    };
    let mut out = format!(
        "{}: {phase}. {}.",
        title(job),
        waits.sentence.trim_end_matches('.')
    );
    for evidence in &waits.evidence {
        out += &format!(
            "\n{}: {}.",
            evidence.label,
            evidence.text.trim_end_matches('.')
        );
    }
    if let Some(next) = &waits.next {
        out += &format!("\nWhat would help: {}.", next.trim_end_matches('.'));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delta::{Change, Delta, Rows, SourceId};
    use crate::model::fixture::{at, condition, failed_example, job, pod};

    fn model() -> Model {
        let mut model = Model::default();
        let mut runs = job(2, "train");
        (runs.active, runs.ready) = (1, 1);
        let mut queued = job(3, "later");
        (queued.suspend, queued.started) = (true, None);
        let mut done = job(4, "pi");
        done.succeeded = 1;
        done.conditions = vec![condition("Complete", "CompletionsReached", 5)];
        let waits = pod(9, &job(5, "image"));
        let jobs = vec![failed_example(1), runs, queued, done, job(5, "image")];
        for (source, rows) in [
            (1, Rows::Jobs(Change::Rows(jobs))),
            (2, Rows::Pods(Change::Rows(vec![waits]))),
        ] {
            model.apply(Delta {
                cluster: ClusterId(0),
                source: SourceId(source),
                rows,
            });
        }
        model
    }

    #[test]
    fn every_line_is_a_sentence_without_drawing() {
        let model = model();
        let mut out = View::Jobs.head(&model, 0, "") + "\n";
        for line in View::Jobs.lines(&model, at(600)) {
            out += &format!("{}\n", line.text);
        }
        let failed = model
            .jobs
            .rows()
            .find(|job| &*job.name == "indexed-sweep")
            .unwrap();
        out += &format!("why: {}\n", why(&model, failed, at(600)));
        out += &format!(
            "{}\n",
            refusal("no x here\n`jobdeck get workloads` lists them")
        );
        out += &format!("{}\n", View::Queues.head(&model, 0, ""));
        out += &format!("{}\n", View::Gpus.head(&model, 1, "a100"));
        for line in out.lines() {
            let drawn = |c: char| ('\u{2500}'..='\u{28ff}').contains(&c) || c.is_control();
            assert!(!line.contains(drawn), "{line}");
            assert!(line.ends_with(['.', ':']), "{line}");
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn lines_of_a_message_are_one() {
        let said = "failed: AppFailed: code 2, last logs:\n.";
        assert_eq!(one_line(said), "failed: AppFailed: code 2, last logs.");
    }

    #[test]
    fn what_runs_on_by_itself_is_no_change() {
        let model = model();
        let counts = |now| {
            let lines = View::Jobs.lines(&model, now).into_iter();
            lines.map(|line| line.counts).collect::<Vec<_>>()
        };
        assert_eq!(counts(at(60)), counts(at(6000)));
    }
}
