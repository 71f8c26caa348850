//! `jobdeck fit`: where pods of one shape would start now, the largest gang, and what keeps the other nodes from taking one.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use color_eyre::eyre::{Result, bail};
use serde::Serialize;

use super::config::print_all;
use super::connect::{Connected, connect};
use super::table::Table;
use super::{ClusterArgs, OneShotArgs, Shape, get, gpus, why};
use crate::model::capacity::answer::{self, Answer, Question, SIZES, times};
use crate::model::capacity::ask::Ask;
use crate::model::capacity::groups::Dim;
use crate::model::capacity::quota::Limit;
use crate::model::ids::Name;
use crate::model::quantity::Quantity;
use crate::model::shape::Toleration;

/// Nodes printed of each sort; `-o json` has all.
const SHOWN: usize = 20;

#[derive(Debug, Clone, Args)]
pub struct FitArgs {
    /// A workload whose pods are meant, KIND/NAME; else say what one pod asks for
    #[arg(value_name = "KIND/NAME", conflicts_with_all = ["gpu", "resource", "cpu", "memory", "disk"])]
    pub job: Option<String>,
    /// Whole GPUs of one pod
    #[arg(long, short, value_name = "N", required_unless_present_any = ["job", "resource", "cpu", "memory"])]
    pub gpu: Option<u32>,
    /// Devices of one pod by resource name, e.g. nvidia.com/mig-1g.10gb=2
    #[arg(long, value_name = "NAME[=N]", value_parser = resource)]
    pub resource: Vec<(String, u32)>,
    /// cpu of one pod, e.g. 96 or 500m
    #[arg(long, value_name = "QUANTITY", value_parser = quantity)]
    pub cpu: Option<Quantity>,
    /// Memory of one pod, e.g. 1Ti
    #[arg(long, value_name = "QUANTITY", value_parser = quantity)]
    pub memory: Option<Quantity>,
    /// Local disk of one pod, e.g. 200Gi
    #[arg(long, value_name = "QUANTITY", value_parser = quantity)]
    pub disk: Option<Quantity>,
    /// So many pods, wherever they fit [default: the workload's, else 1]
    #[arg(long, value_name = "N")]
    pub pods: Option<u32>,
    /// So many pods, each on a node of its own
    #[arg(long, value_name = "N", conflicts_with = "pods")]
    pub nodes: Option<u32>,
    /// Only GPUs with this in their name, e.g. H100
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
    /// A taint the pod tolerates, by key or key=value; those named like a GPU always are
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub tolerate: Vec<String>,
    /// Only nodes with this label
    #[arg(long, short = 'l', value_name = "KEY=VALUE", value_parser = label)]
    pub selector: Vec<(String, String)>,
    /// The cluster queue whose quota is to be told beside the hardware
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    #[arg(long, short, default_value = "table")]
    pub output: Shape,
    #[command(flatten)]
    pub one_shot: OneShotArgs,
}

fn quantity(text: &str) -> Result<Quantity, String> {
    Quantity::parse(text).ok_or_else(|| "a quantity is wanted: 96, 500m, 64Gi, 1Ti".into())
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE is wanted")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn resource(text: &str) -> Result<(String, u32), String> {
    let (name, n) = text.split_once('=').unwrap_or((text, "1"));
    if !name.contains('/') {
        return Err("a name like nvidia.com/gpu is wanted".into());
    }
    Ok((
        name.to_owned(),
        n.parse().map_err(|_| format!("'{n}' is no number"))?,
    ))
}

/// Runs the command.
///
/// # Errors
/// No cluster, its nodes may not be listed, or no such workload or queue.
pub fn run(cluster: &ClusterArgs, args: &FitArgs) -> Result<ExitCode> {
    let runtime = get::runtime()?;
    let connected = runtime.block_on(async {
        let mut connected = connect(cluster, &args.one_shot).await?;
        // whoever has the GPUs, they are gone
        let namespace = connected.namespace.take();
        connected.sync_workloads(&gpus::KINDS).await?;
        connected.namespace = namespace;
        Ok::<_, color_eyre::Report>(connected)
    })?;
    let (question, answer) = answer(&connected, args)?;
    let text = match args.output {
        Shape::Table => text(&answer, &question),
        Shape::Json => serde_json::to_string_pretty(&json(&answer, &question))? + "\n",
    };
    print_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The question that the arguments ask, and its answer.
fn answer(connected: &Connected, args: &FitArgs) -> Result<(Question, Answer)> {
    let model = &connected.model;
    let cluster = connected.cluster.id();
    let (mut ask, mut pods, mut job) = (Ask::default(), 1, None);
    if let Some(wanted) = &args.job {
        let row = why::find(model, wanted, connected.namespace.as_deref())?;
        let Some((of_job, count)) = Ask::of_job(model, row) else {
            bail!(
                "{wanted} tells nothing of its pods\nsay what one asks for, e.g. --gpu 8 --cpu 96 --memory 1Ti"
            );
        };
        (ask, pods, job) = (of_job, count, Some(row));
    } else {
        ask.gpus = args.gpu.unwrap_or_default();
        for (name, n) in &args.resource {
            ask.devices.add(name.as_str().into(), *n);
        }
        let units = |q: Option<Quantity>| q.map_or(0, Quantity::units);
        ask.cpu_milli = args.cpu.map_or(0, Quantity::milli);
        (ask.memory, ask.ephemeral) = (units(args.memory), units(args.disk));
        ask.gpu_taints = true;
    }
    ask.product.clone_from(&args.product);
    for text in &args.tolerate {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        ask.tolerations.push(Toleration {
            key: key.into(),
            exists: !text.contains('='),
            value: value.into(),
            effect: None,
        });
    }
    let labels = args.selector.iter();
    ask.selector
        .extend(labels.map(|(k, v)| (Name::from(k.as_str()), Name::from(v.as_str()))));
    let (namespace, queue) = (connected.namespace.as_deref(), args.queue.as_deref());
    let Some(limits) = answer::limits(model, cluster, job, namespace, queue, &ask) else {
        bail!(
            "no cluster queue {} here\n`jobdeck render queues` shows those there are",
            queue.unwrap_or_default()
        );
    };
    let question = Question {
        pods: args.pods.or(args.nodes).unwrap_or(pods).max(1),
        apart: args.nodes.is_some(),
        ask,
    };
    let answer = Answer::of(model, cluster, &question.ask, limits);
    Ok((question, answer))
}

fn text(answer: &Answer, question: &Question) -> String {
    let (fit, ask) = (&answer.fit, &question.ask);
    let mut out = format!("{}: {}\n", ask.words(), answer.sentence(question));
    for limit in &answer.limits {
        out.push_str(&format!(
            "{}: {} by {}\n",
            limit.what,
            times(limit.pods),
            limit.by
        ));
    }
    if !fit.nodes.is_empty() {
        let mut table = Table::new(vec!["LARGEST GANG", "IN", "NODES", "PODS", "WANTED"]);
        for dim in [Dim::Product, Dim::Pool, Dim::Zone, Dim::Block, Dim::Clique] {
            for domain in fit.domains.iter().filter(|d| d.dim == dim).take(3) {
                let met = question.is_met(domain.pods, domain.nodes);
                table.push(vec![
                    dim.word().to_owned(),
                    domain.name.to_string(),
                    domain.nodes.to_string(),
                    domain.pods.to_string(),
                    if met { "fits" } else { "no" }.to_owned(),
                ]);
            }
        }
        section(&mut out, &table, 0);
        let mut table = Table::new(vec!["FITS ON", "PODS"]);
        for node in fit.nodes.iter().take(SHOWN) {
            table.push(vec![node.name.to_string(), node.pods.to_string()]);
        }
        section(&mut out, &table, fit.nodes.len().saturating_sub(SHOWN));
    }
    if !answer.queues.is_empty() {
        let mut table = Table::new(vec!["QUOTA OF", "LETS IN", "BY"]);
        for limit in answer.queues.iter().take(SHOWN) {
            table.push(vec![
                limit.what.clone(),
                limit.pods.to_string(),
                limit.by.clone(),
            ]);
        }
        section(&mut out, &table, answer.queues.len().saturating_sub(SHOWN));
    }
    if !fit.almost.is_empty() {
        let mut table = Table::new(vec!["NOT ON", "FREE", "IN THE WAY"]);
        for node in fit.almost.iter().take(SHOWN) {
            table.push(vec![
                node.name.to_string(),
                node.free.to_string(),
                node.words(),
            ]);
        }
        section(&mut out, &table, fit.almost.len().saturating_sub(SHOWN));
    }
    if ask.total() > 0 && !answer.free.histogram.is_empty() {
        let device = match ask.device() {
            "GPU" => "GPUS",
            other => other,
        };
        let free = format!("FREE {device} ON A NODE");
        let mut table = Table::new(vec![free, "NODES".to_owned()]);
        for (free, nodes) in answer.free.histogram.iter().rev() {
            table.push(vec![free.to_string(), nodes.to_string()]);
        }
        section(&mut out, &table, 0);
        let lost = format!("FREE {device} THEY CANNOT USE");
        let mut table = Table::new(vec!["PODS OF".to_owned(), "FIT".to_owned(), lost]);
        for size in SIZES {
            table.push(vec![
                size.to_string(),
                answer.free.pods(size).to_string(),
                format!("{:.0}%", answer.free.fragmentation(size) * 100.0),
            ]);
        }
        section(&mut out, &table, 0);
    }
    out
}

fn json<'a>(answer: &'a Answer, question: &'a Question) -> FitJson<'a> {
    let fit = &answer.fit;
    FitJson {
        ask: question.ask.words(),
        wanted: question.pods,
        on_nodes_of_their_own: question.apart,
        fits: answer.fits(question),
        pods: fit.pods,
        devices: fit.devices(&question.ask),
        nodes: fit
            .nodes
            .iter()
            .map(|n| NodeJson {
                node: &n.name,
                pods: n.pods,
            })
            .collect(),
        almost: (fit.almost.iter())
            .map(|n| AlmostJson {
                node: &n.name,
                free: n.free,
                blocks: n.blocks.iter().map(|b| b.words()).collect(),
            })
            .collect(),
        domains: (fit.domains.iter())
            .map(|d| DomainJson {
                kind: d.dim.word(),
                name: &d.name,
                nodes: d.nodes,
                pods: d.pods,
                fits: question.is_met(d.pods, d.nodes),
            })
            .collect(),
        stranded: fit.stranded(),
        free_gpus_by_node: &answer.free.histogram,
        empty_nodes: answer.free.empty,
        fragmentation: SIZES
            .iter()
            .map(|size| (*size, answer.free.fragmentation(*size)))
            .collect(),
        quota: answer.limits.iter().map(LimitJson::of).collect(),
        queues: answer.queues.iter().map(LimitJson::of).collect(),
    }
}

fn section(out: &mut String, table: &Table, more: usize) {
    if table.is_empty() {
        return;
    }
    out.push('\n');
    out.push_str(&table.text());
    if more > 0 {
        out.push_str(&format!("… and {more} more (-o json has all)\n"));
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FitJson<'a> {
    ask: String,
    /// Pods wanted.
    wanted: u32,
    on_nodes_of_their_own: bool,
    fits: bool,
    /// The largest gang now, and its devices.
    pods: u64,
    devices: u64,
    nodes: Vec<NodeJson<'a>>,
    /// Nodes that have such devices and take no pod, with what is in the way.
    almost: Vec<AlmostJson<'a>>,
    domains: Vec<DomainJson<'a>>,
    /// Wanted devices free beside exhausted cpu, memory, disk or places.
    stranded: u64,
    /// Of the devices asked for: nodes by how many are free on them.
    #[serde(rename = "freeGPUsByNode")]
    free_gpus_by_node: &'a BTreeMap<u32, u32>,
    empty_nodes: u32,
    /// By size of pod: the part of the free GPUs that such pods cannot use.
    fragmentation: BTreeMap<u32, f64>,
    quota: Vec<LimitJson<'a>>,
    /// What each cluster queue lets in, where neither a queue, a namespace nor a workload is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queues: Vec<LimitJson<'a>>,
}

#[derive(Debug, Serialize)]
struct NodeJson<'a> {
    node: &'a str,
    pods: u32,
}

#[derive(Debug, Serialize)]
struct AlmostJson<'a> {
    node: &'a str,
    free: u32,
    blocks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DomainJson<'a> {
    kind: &'static str,
    name: &'a str,
    nodes: u32,
    pods: u64,
    fits: bool,
}

#[derive(Debug, Serialize)]
struct LimitJson<'a> {
    what: &'a str,
    pods: u64,
    by: &'a str,
}

impl<'a> LimitJson<'a> {
    fn of(limit: &'a Limit) -> Self {
        Self {
            what: &limit.what,
            pods: limit.pods,
            by: &limit.by,
        }
    }
}
