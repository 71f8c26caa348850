//! The command line: every flag and subcommand, and which function each leads to. What a command does is in the
//! file of its name.

/// A line on standard error. Much of it is others' text: what a terminal would obey is written as escapes.
macro_rules! say {
    ($($words:tt)*) => {
        eprintln!("{}", $crate::ui::text::escaped(&$crate::cli::kubectl::as_called(&format!($($words)*))))
    };
}

pub mod columns;
pub mod config;
pub mod connect;
mod contexts;
#[cfg(feature = "demo")]
pub mod demo;
pub mod doctor;
pub mod fit;
pub mod get;
pub mod gpus;
pub mod hardware;
pub mod history;
pub mod kubectl;
pub mod metrics;
mod output;
mod pick;
pub mod plain;
pub mod record;
pub mod render;
#[cfg(feature = "demo")]
pub mod serve;
pub mod table;
pub mod tui;
mod view;
pub mod wait;
pub mod why;
pub mod write;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::cluster::kubeconfig::Surroundings;
use crate::cluster::wire::kinds::WORKLOADS;
use crate::model::extra::Saved;
pub use output::{Output, Prose};

/// A terminal cockpit for batch and ML work on Kubernetes.
#[derive(Debug, Parser)]
#[command(
    name = "jobdeck",
    version,
    about,
    propagate_version = true,
    disable_help_subcommand = true
)]
#[command(
    after_help = "Without a subcommand: the cockpit on the current kubeconfig context. With no cluster in reach it\noffers the demo cluster."
)]
pub struct Cli {
    #[command(flatten)]
    pub cluster: ClusterArgs,
    #[command(flatten)]
    pub look: LookArgs,
    /// Lines of text instead of a screen: for screen readers and dumb terminals
    #[arg(long)]
    pub plain: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Does what the command line asks for.
///
/// # Errors
/// What went wrong, in words for the user: the caller prints it and ends with exit code 1.
pub fn run(mut cli: Cli) -> color_eyre::Result<ExitCode> {
    contexts::expand(&mut cli)?;
    if cli.plain && !cli.command.as_ref().is_none_or(Command::is_cockpit) {
        let what = "--plain is for the cockpit: this command prints lines already";
        Cli::command()
            .error(ErrorKind::ArgumentConflict, what)
            .exit()
    }
    match cli.command {
        Some(Command::Completions { shell }) => config::completions(shell)?,
        Some(Command::Man { out }) => config::man(out.as_deref())?,
        Some(Command::Config { what }) => config::config(what)?,
        None if cli.plain => return plain::run(&cli.cluster, None),
        None => return tui::run(&cli.cluster, &cli.look, tui::On::Cluster),
        #[cfg(feature = "demo")]
        Some(Command::Demo(args)) => {
            return match args.serve {
                Some(address) => serve::serve(address, args.kubeconfig_out.as_deref(), &args.scene),
                None if args.plain || cli.plain => plain::run(&cli.cluster, Some(&args.scene)),
                None => tui::run(&cli.cluster, &cli.look, tui::On::Demo(&args.scene)),
            };
        }
        Some(Command::Get(args)) => return get::run(&cli.cluster, args, cli.look.view.as_deref()),
        Some(Command::Fit(args)) => return fit::run(&cli.cluster, &args),
        Some(Command::Hardware(args)) => return hardware::run(&args),
        Some(Command::History(args)) => {
            let cluster = &cli.cluster;
            let (namespace, context) = (cluster.namespace.as_deref(), cluster.context());
            return history::run(namespace, context, &args);
        }
        Some(Command::Why(args)) => return why::run(&cli.cluster, &args),
        Some(Command::Wait(args)) => return wait::run(&cli.cluster, &args),
        Some(Command::Render(args)) => return render::run(&cli.cluster, &cli.look, &args),
        Some(Command::Logs { file }) => {
            let source = crate::app::file::Source::named(&file);
            return tui::run(&cli.cluster, &cli.look, tui::On::File(source));
        }
        Some(Command::Record(args)) => return record::run(&cli.cluster, &args),
        Some(Command::Replay(args)) => return record::replay(&cli.cluster, &cli.look, &args),
        Some(Command::Metrics(args)) => return metrics::run(&args),
        Some(Command::Delete(args)) => return write::delete(&cli.cluster, &args),
        Some(Command::Hold(args)) => return write::hold(&cli.cluster, &args, true),
        Some(Command::Resume(args)) => return write::hold(&cli.cluster, &args, false),
        Some(Command::Scale(args)) => return write::scale(&cli.cluster, &args),
        Some(Command::Trigger(args)) => return write::trigger(&cli.cluster, &args),
        Some(Command::Submit(args)) => return write::submit(&cli.cluster, &args),
        Some(Command::Resubmit(args)) => return write::resubmit(&cli.cluster, &args),
        Some(Command::Undo(args)) => return write::undo(&cli.cluster, &args),
        Some(Command::Exec(args)) => return write::exec(&cli.cluster, &args),
        Some(Command::Forward(args)) => return write::forward(&cli.cluster, &args),
        Some(Command::Doctor(args)) => return doctor::run(&cli.cluster, &args),
    }
    Ok(ExitCode::SUCCESS)
}

/// Which cluster and which namespaces.
#[derive(Debug, Clone, Default, Args)]
pub struct ClusterArgs {
    /// Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the pod's service account]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Kubeconfig context; several (A,B or more than once), or @GROUP of the settings, are looked at together
    #[arg(long, global = true, value_name = "NAME", env = "JOBDECK_CONTEXT")]
    pub context: Vec<String>,
    /// Namespace to look at [default: the context's]
    #[arg(
        long,
        short,
        global = true,
        value_name = "NS",
        conflicts_with = "all_namespaces"
    )]
    pub namespace: Option<String>,
    /// All namespaces
    #[arg(long, short = 'A', global = true)]
    pub all_namespaces: bool,
    /// Never write to the cluster
    #[arg(long, global = true, env = "JOBDECK_READ_ONLY")]
    pub read_only: bool,
    #[command(flatten)]
    pub kubectl: kubectl::KubectlArgs,
}

impl ClusterArgs {
    /// The context that was named, the first of several.
    pub fn context(&self) -> Option<&str> {
        self.context.first().map(String::as_str)
    }

    /// Where a cluster is looked for.
    pub fn surroundings(&self) -> Surroundings {
        let (settings, _) = crate::settings::load(crate::settings::file().as_deref());
        Surroundings {
            ways: settings.ways(),
            ..Surroundings::of_process(self.kubeconfig.clone(), self.kubectl.overrides())
        }
    }
}

/// Looks and keys.
#[derive(Debug, Clone, Default, Args)]
pub struct LookArgs {
    /// Theme: a shipped one or a file of yours in the config folder
    #[arg(long, global = true, value_name = "NAME", env = "JOBDECK_THEME")]
    pub theme: Option<String>,
    /// Keymap: default, vim, emacs, or a file of yours
    #[arg(long, global = true, value_name = "NAME", env = "JOBDECK_KEYMAP")]
    pub keymap: Option<String>,
    /// Begin with a saved view; with get: its filter, order and columns
    #[arg(long, global = true, value_name = "NAME")]
    pub view: Option<String>,
    /// Layout of panes to begin with: operator, training, triage, gpus, one, or one of yours
    #[arg(long, global = true, value_name = "NAME")]
    pub layout: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The cockpit on an embedded demo cluster, or only that cluster
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// Print rows once: workloads of all kinds or of one, jobs, pods, nodes, GPUs or events
    Get(GetArgs),
    /// Say why a job waits, in one sentence and with the evidence
    Why(why::WhyArgs),
    /// Wait until jobs are complete, over, running, admitted or gone
    Wait(wait::WaitArgs),
    /// Jobs that were seen, also those that are deleted by now; needs no cluster
    History(history::HistoryArgs),
    /// Say where pods of one shape would start now, the largest gang, and what is in the way elsewhere
    Fit(fit::FitArgs),
    /// What GPUs do in hardware and how fast; needs no cluster
    Hardware(HardwareArgs),
    /// Draw one frame of a pane without a terminal
    Render(RenderArgs),
    /// Read a log from a file or a pipe in the log screen, without a cluster
    Logs {
        /// A log as the program wrote it, followed as it grows, or - for standard input
        #[arg(value_name = "FILE|-")]
        file: String,
    },
    /// Record what the cluster tells, as a file to replay
    Record(record::RecordArgs),
    /// The cockpit over a recording, with a time slider and without a cluster
    Replay(record::ReplayArgs),
    /// Print the metrics of a training log, one record per line that carries some
    Metrics(metrics::MetricsArgs),
    /// Submit objects from files, standard input or a template; all are checked before the first is made
    Submit(write::SubmitArgs),
    /// Run a job again under a new name: all of it, or only the indexes that failed
    Resubmit(write::ResubmitArgs),
    /// Delete jobs of any kind, pods or CronJobs; what they were is kept for undo
    Delete(write::DeleteArgs),
    /// Hold jobs, CronJobs or queues: their pods end, they stay
    Hold(write::HoldArgs),
    /// Let what is held go on
    Resume(write::HoldArgs),
    /// Run more or fewer pods of a job at a time
    Scale(write::ScaleArgs),
    /// Make a Job of a CronJob now
    Trigger(write::TriggerArgs),
    /// Make again what was deleted
    Undo(write::UndoArgs),
    /// Run a command in a pod of a job, or a shell
    Exec(write::ExecArgs),
    /// Lead a port of this machine to a port of a pod
    Forward(write::ForwardArgs),
    /// Say, line by line, what this kubeconfig can reach and do
    Doctor(doctor::DoctorArgs),
    /// Print a shell completion script
    Completions { shell: config::Shell },
    /// Print the manual page (roff)
    Man {
        /// Write this page and one of each command into this folder
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Show the settings in force, where their file is, or what can be set
    Config {
        #[command(subcommand)]
        what: Option<ConfigCommand>,
    },
}

impl Command {
    /// It can look at several contexts together.
    fn takes_several(&self) -> bool {
        match self {
            Command::Completions { .. } | Command::Man { .. } | Command::Config { .. } => true,
            Command::Get(args) => args.what != What::Gpus && !args.one_shot.is_demo(),
            _ => false,
        }
    }

    /// It opens the cockpit on a cluster.
    fn is_cockpit(&self) -> bool {
        match self {
            #[cfg(feature = "demo")]
            Command::Demo(args) => args.serve.is_none(),
            _ => false,
        }
    }
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Print the settings in force, with comments
    Show,
    /// Print the path of the settings file
    Path,
    /// Print the JSON schema of the settings file, for editors
    Schema,
    /// Print the environment variables that set something, with what they set
    Env,
}

/// The demo cluster's knobs.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    #[command(flatten)]
    pub scene: SceneArgs,
    /// Serve the cluster here for any client, without the cockpit
    #[arg(long, value_name = "ADDR")]
    pub serve: Option<SocketAddr>,
    /// Write a kubeconfig for the served cluster to this file
    #[arg(long, value_name = "FILE", requires = "serve")]
    pub kubeconfig_out: Option<PathBuf>,
    /// Lines of text instead of a screen, as `jobdeck --plain`
    #[arg(long, conflicts_with = "serve")]
    pub plain: bool,
}

/// What the demo cluster holds.
#[derive(Debug, Clone, Args)]
pub struct SceneArgs {
    /// The same seed gives the same cluster
    #[arg(long, default_value_t = SceneArgs::default().seed)]
    pub seed: u64,
    /// How much faster than real its jobs run
    #[arg(long, default_value_t = SceneArgs::default().speed, value_name = "X", value_parser = speed)]
    pub speed: f64,
    /// Number of nodes [default: the scene's 41, more if the pods need them]
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// Number of pods to fill it with
    #[arg(long, value_name = "M")]
    pub pods: Option<usize>,
    /// What its API server does wrong, e.g. 503@list/pods*3, cut=20@watch%10 or refuse=10s; several with ; between
    #[cfg(feature = "demo")]
    #[arg(long, value_name = "SPEC", value_parser = demo::faults)]
    pub fault: Vec<String>,
    /// Number of jobs that those pods are of [default: one to 20 pods]
    #[arg(long, value_name = "N", requires = "pods")]
    pub jobs: Option<usize>,
    /// Number of those jobs that go through Kueue [default: one to 50 pods]
    #[arg(long, value_name = "N", requires = "pods")]
    pub workloads: Option<usize>,
    /// Number of queues for them [default: one to 500 pods]
    #[arg(long, value_name = "N", requires = "pods")]
    pub queues: Option<usize>,
    /// Changes a second to pods, nodes, jobs and Workloads that run beside the scene
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub churn: u32,
}

impl Default for SceneArgs {
    fn default() -> Self {
        Self {
            seed: 1,
            speed: 1.0,
            nodes: None,
            pods: None,
            #[cfg(feature = "demo")]
            fault: Vec::new(),
            jobs: None,
            workloads: None,
            queues: None,
            churn: 0,
        }
    }
}

/// From a hundredth to a thousand times real time: what its clock can follow.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(x) if (0.01..=1000.0).contains(&x) => Ok(x),
        _ => Err("a number from 0.01 to 1000 is wanted".into()),
    }
}

/// One-shot commands work on a real cluster or on a demo cluster of their own.
#[derive(Debug, Clone, Default, Args)]
pub struct OneShotArgs {
    /// Use a demo cluster started in this process
    #[cfg(feature = "demo")]
    #[arg(long)]
    pub demo: bool,
    /// The same seed gives the same demo cluster
    #[cfg(feature = "demo")]
    #[arg(long, requires = "demo", default_value_t = 1)]
    pub seed: u64,
    /// Advance the demo cluster to this moment and stop its clock, e.g. 10m, 1h30m
    #[cfg(feature = "demo")]
    #[arg(long, requires = "demo", value_name = "TIME", value_parser = duration)]
    pub at: Option<std::time::Duration>,
}

impl OneShotArgs {
    /// A demo cluster of our own is meant.
    pub fn is_demo(&self) -> bool {
        #[cfg(feature = "demo")]
        return self.demo;
        #[cfg(not(feature = "demo"))]
        false
    }
}

/// What `get` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Jobs,
    Pods,
    Nodes,
    /// Nodes with accelerators, by what they have and who holds it.
    Gpus,
    Events,
    /// All kinds in one table, each thing once: what was made by another is counted there.
    Workloads,
    /// Those of one kind, by its plural.
    Kind(&'static str),
}

impl What {
    fn parser() -> impl clap::builder::TypedValueParser<Value = Self> {
        use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
        let mut all = vec![
            PossibleValue::new("jobs").alias("job"),
            PossibleValue::new("pods").aliases(["pod", "po"]),
            PossibleValue::new("nodes").aliases(["node", "no"]),
            PossibleValue::new("gpus").alias("gpu"),
            PossibleValue::new("events").aliases(["event", "ev"]),
            PossibleValue::new("workloads").aliases(["workload", "all"]),
            PossibleValue::new("cronjobs").aliases(["cronjob", "cj"]),
            PossibleValue::new("podgroups").alias("podgroup"),
        ];
        let kinds = WORKLOADS.iter().map(|entry| entry.plural());
        all.extend(
            kinds.map(|plural| PossibleValue::new(plural).alias(plural.trim_end_matches('s'))),
        );
        PossibleValuesParser::new(all).map(|word| Self::named(&word))
    }

    fn named(word: &str) -> Self {
        let is = |plural: &str| plural.trim_end_matches('s') == word.trim_end_matches('s');
        match word {
            "pods" | "pod" | "po" => Self::Pods,
            "nodes" | "node" | "no" => Self::Nodes,
            "gpus" | "gpu" => Self::Gpus,
            "events" | "event" | "ev" => Self::Events,
            "workloads" | "workload" | "all" => Self::Workloads,
            "cronjobs" | "cronjob" | "cj" => Self::Kind("cronjobs"),
            "podgroups" | "podgroup" => Self::Kind("podgroups"),
            _ => {
                let mut kinds = WORKLOADS.iter().map(|entry| entry.plural());
                kinds
                    .find(|plural| is(plural))
                    .map_or(Self::Jobs, Self::Kind)
            }
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct GetArgs {
    /// Rows of what: workloads of all kinds in one table, those of one kind, or pods, nodes, gpus, events
    #[arg(value_parser = What::parser())]
    pub what: What,
    /// Also custom-columns=HEADING:PATH,…
    #[arg(long, short, default_value = "table", value_parser = output::parser())]
    pub output: Output,
    /// Only rows that match (the filter language of the cockpit)
    #[arg(long, short, value_name = "EXPR")]
    pub filter: Option<String>,
    /// These columns of the table: headings, label:KEY, annotation:KEY, jsonpath:PATH, * for the usual ones
    #[arg(long, value_name = "LIST")]
    pub columns: Option<String>,
    /// Labels as columns after the others
    #[arg(long, short = 'L', value_name = "LABELS", value_delimiter = ',')]
    pub label_columns: Vec<String>,
    /// Tables without their headers
    #[arg(long)]
    pub no_headers: bool,
    /// The view that is meant, once it was found.
    #[arg(skip)]
    pub view: Option<Saved>,
    #[command(flatten)]
    pub one_shot: OneShotArgs,
    #[command(flatten)]
    pub recorded: record::RecordedArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    Table,
    Json,
}

#[derive(Debug, Clone, Args)]
pub struct HardwareArgs {
    /// GPUs by name, codename, compute capability or architecture, and filter words: fp8 tensor 'mem>=80' arch:hopper mig
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Only those that compute in this format, e.g. fp8, bf16, tf32
    #[arg(long, value_name = "FORMAT")]
    pub precision: Option<String>,
    /// Two to four GPUs side by side
    #[arg(long, value_name = "NAME", num_args = 2..=4, conflicts_with_all = ["names", "precision"])]
    pub compare: Vec<String>,
    #[arg(long, short, default_value = "table")]
    pub output: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Ansi,
    Svg,
}

#[derive(Debug, Clone, Args)]
pub struct RenderArgs {
    /// jobs, job/NAME, queues, workload/JOB, pods, nodes, gpus, events, logs/JOB, yaml/JOB, messages, hardware, hardware/ID,ID, self, help, start
    pub pane: String,
    /// Columns x rows
    #[arg(long, default_value = "160x48", value_name = "WxH", value_parser = size)]
    pub size: (u16, u16),
    #[arg(long, default_value = "text")]
    pub format: Format,
    /// Filter to apply first
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// Write here instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub one_shot: OneShotArgs,
}

/// `160x48`, between 20x5 and 1000x1000.
fn size(text: &str) -> Result<(u16, u16), String> {
    let (w, h) = text
        .split_once('x')
        .ok_or("expected WIDTHxHEIGHT, e.g. 160x48")?;
    let parse = |s: &str| {
        s.parse::<u16>()
            .map_err(|_| format!("'{s}' is not a number"))
    };
    let (w, h) = (parse(w)?, parse(h)?);
    if (20..=1000).contains(&w) && (5..=1000).contains(&h) {
        Ok((w, h))
    } else {
        Err("between 20x5 and 1000x1000".into())
    }
}

/// `90s`, `10m`, `1h30m`, `2d`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let (mut total, mut number) = (0u64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(format!("'{c}' is no unit: write e.g. 90s, 10m, 1h30m")),
        };
        let n: u64 = number
            .parse()
            .map_err(|_| format!("a number is missing before '{c}'"))?;
        total = n
            .checked_mul(unit)
            .and_then(|n| total.checked_add(n))
            .ok_or("too long")?;
        number.clear();
    }
    if !number.is_empty() || text.is_empty() {
        return Err("a unit is missing: write e.g. 90s, 10m, 1h30m".into());
    }
    if total > 30 * 86_400 {
        return Err("at most 30d".into());
    }
    Ok(std::time::Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_and_sizes() {
        assert_eq!(duration("1h30m").unwrap().as_secs(), 5400);
        assert!(
            duration("10").is_err()
                && duration("m").is_err()
                && duration("").is_err()
                && duration("3w").is_err()
        );
        assert_eq!(size("200x60"), Ok((200, 60)));
        assert!(size("10x60").is_err() && size("axb").is_err());
    }
}
