//! `jobdeck doctor`: what a kubeconfig can reach and do, line by line; and a report of it for others.

mod report;
mod scrub;

use std::process::ExitCode;

use clap::Args;
use color_eyre::eyre::{Result, WrapErr};

use super::config::print_text;
use super::{ClusterArgs, OneShotArgs};
#[cfg(feature = "demo")]
use crate::cluster::doctor::examine_target;
use crate::cluster::doctor::{Diagnosis, Mark, examine};
use crate::ui::Glyphs;

/// What it takes.
#[derive(Debug, Clone, Default, Args)]
pub struct DoctorArgs {
    /// Write a report that is safe to paste into a bug report, to a file or to standard output: no names of clusters, users,
    /// namespaces or hosts, and no secrets
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub report: Option<String>,
    /// Leave the names of clusters, users, namespaces and hosts in the report
    #[arg(long, requires = "report")]
    pub names: bool,
    #[command(flatten)]
    pub one_shot: OneShotArgs,
}

/// Runs the command: exit code 1 if jobdeck is of no use here.
///
/// # Errors
/// The report cannot be written.
pub fn run(cluster: &ClusterArgs, args: &DoctorArgs) -> Result<ExitCode> {
    let one_shot = &args.one_shot;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let diagnosis = runtime.block_on(look(cluster, one_shot))?;
    runtime.shutdown_background();
    if let Some(file) = &args.report {
        let around = (!one_shot.is_demo()).then(|| cluster.surroundings());
        let namespace = cluster.namespace.as_deref();
        let text = report::report(&diagnosis, around.as_ref(), namespace, args.names);
        match file.as_str() {
            "-" => print_text(&text)?,
            file => {
                std::fs::write(file, text).wrap_err_with(|| format!("cannot write {file}"))?;
                say!("jobdeck: {file} is written; look it through before you send it");
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let ascii = Glyphs::detect(None, |name| std::env::var(name).ok()) == Glyphs::Ascii;
    print_text(&text(&diagnosis, ascii))?;
    Ok(if diagnosis.is_usable() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn look(
    cluster: &ClusterArgs,
    #[cfg_attr(not(feature = "demo"), expect(unused_variables))] one_shot: &OneShotArgs,
) -> Result<Diagnosis> {
    #[cfg(feature = "demo")]
    if one_shot.demo {
        let (demo, _) = super::demo::frozen(one_shot)?;
        let target = super::demo::target(&demo)?;
        let namespace = cluster.namespace.as_deref();
        return Ok(examine_target(target, namespace, Diagnosis::default()).await);
    }
    let around = cluster.surroundings();
    Ok(examine(&around, cluster.context(), cluster.namespace.as_deref()).await)
}

/// One line each, what to do about it below.
fn text(diagnosis: &Diagnosis, ascii: bool) -> String {
    let lines = &diagnosis.lines;
    let width = lines.iter().map(|l| l.topic.len()).max().unwrap_or(0);
    let mut out = String::new();
    for line in lines {
        let mark = match (line.mark, ascii) {
            (Mark::Ok, false) => "✓",
            (Mark::Note, false) => "–",
            (Mark::No, false) => "✗",
            (Mark::Ok, true) => "+",
            (Mark::Note, true) => "-",
            (Mark::No, true) => "x",
        };
        let (topic, said) = (&line.topic, &line.text);
        let row = format!("{mark} {topic:width$}  {said}");
        out.push_str(row.trim_end());
        out.push('\n');
        if let Some(hint) = &line.hint {
            let arrow = if ascii { "->" } else { "→" };
            out.push_str(&format!("  {:width$}  {arrow} {hint}\n", ""));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::doctor::Line;

    #[test]
    fn every_no_has_its_reason_and_the_way_out() {
        let line = |mark, topic: &str, text: &str, hint: Option<&str>| Line {
            mark,
            topic: topic.into(),
            text: text.into(),
            hint: hint.map(Into::into),
        };
        let diagnosis = Diagnosis {
            lines: vec![
                line(Mark::Ok, "server", "https://1.2.3.4", None),
                line(Mark::No, "jobs", "list: forbidden", Some("ask for a Role")),
            ],
        };
        assert_eq!(
            text(&diagnosis, true),
            "+ server  https://1.2.3.4\nx jobs    list: forbidden\n          -> ask for a Role\n"
        );
        assert!(text(&diagnosis, false).contains("✗ jobs    list: forbidden\n"));
    }
}
