//! `jobdeck get`: rows once, for people and for scripts.

use std::collections::BTreeMap;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::CommandFactory;
use clap::error::ErrorKind;
use color_eyre::eyre::{Result, bail};
use serde::Serialize;

use super::columns::{self, Shape};
use super::config::print_all;
use super::connect::{Connected, each};
use super::pick::{self, Make, Picks};
use super::{Cli, ClusterArgs, GetArgs, Output, What, view};
use crate::model::Model;
use crate::model::cron::CronState;
use crate::model::dra::DraKind;
use crate::model::event::EventRow;
use crate::model::filter::Filter;
use crate::model::job::{CronJobRow, JobRow};
use crate::model::json::{EventJson, NodeJson, PodJson, RowJson};
use crate::model::listed::Listed;
use crate::model::node::NodeRow;
use crate::model::pod::PodRow;
use crate::model::sort::{Column as _, compare};
use crate::model::want::Kind;

/// Runs the command.
pub fn run(cluster: &ClusterArgs, args: GetArgs, view: Option<&str>) -> Result<ExitCode> {
    match view {
        Some(name) => {
            let (cluster, args) = view::with(name, cluster, args);
            run_as(&cluster, &args)
        }
        None => run_as(cluster, &args),
    }
}

fn run_as(cluster: &ClusterArgs, args: &GetArgs) -> Result<ExitCode> {
    match args.what {
        // a job's retries and time left are in its pods, a node's use too
        What::Jobs => get(
            cluster,
            args,
            &JOBS,
            columns::jobs,
            |row: &JobRow, model, now| RowJson::of(model, row, now),
            // pods tell of pod groups, too
            |row| row.kind.is_job(),
        ),
        What::Workloads => workloads(cluster, args, None),
        What::Kind(plural) => workloads(cluster, args, Some(plural)),
        What::Pods => get(
            cluster,
            args,
            &[Kind::Pod],
            columns::pods,
            |row: &PodRow, _, _| PodJson::of(row),
            |_| true,
        ),
        What::Nodes => get(
            cluster,
            args,
            &[Kind::Node, Kind::Pod],
            columns::nodes,
            |row: &NodeRow, model, _| NodeJson::of(model, row),
            |_| true,
        ),
        What::Gpus => super::gpus::run(cluster, args),
        What::Events => get(
            cluster,
            args,
            &[Kind::Event],
            columns::events,
            |row: &EventRow, _, _| EventJson::of(row),
            |_| true,
        ),
    }
}

/// What rows of jobs are made from: a job's retries and time left are in its pods, and what they claimed in claims.
const JOBS: [Kind; 4] = [
    Kind::Job,
    Kind::Pod,
    Kind::Dra(DraKind::ResourceSlice),
    Kind::Dra(DraKind::ResourceClaim),
];

/// The filter of the command line; one that is none ends the program before anything is asked.
pub fn filter<R: Listed>(args: &GetArgs) -> Filter {
    match Filter::parse(args.filter.as_deref().unwrap_or_default(), &R::VOCABULARY) {
        Ok(filter) => filter,
        Err(e) => Cli::command()
            .error(ErrorKind::ValueValidation, format!("--filter: {e}"))
            .exit(),
    }
}

/// Two threads are enough for one look.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

fn get<R: Listed, J: Serialize>(
    cluster: &ClusterArgs,
    args: &GetArgs,
    kinds: &[Kind],
    table: Make<R>,
    json: fn(&R, &Model, DateTime<Utc>) -> J,
    keep: fn(&R) -> bool,
) -> Result<ExitCode> {
    let filter = filter::<R>(args);
    let picks = pick::told(args, table);
    let runtime = runtime()?;
    let mut shown = Picks::default();
    let ask = async |connected: &mut Connected| {
        shown = picks.clone().ready::<R>(args, &filter, connected);
        if args.what == What::Nodes {
            // they belong to all namespaces, and so does what runs on them
            connected.namespace = None;
        }
        connected.sync(kinds).await
    };
    let connected = runtime.block_on(each(cluster, &args.one_shot, &args.recorded, ask))?;
    let mut rows: Vec<&R> = R::table(&connected.model).rows().collect();
    rows.retain(|row| keep(row));
    print(&connected, args, &filter, &shown, rows, table, json)
}

/// Every kind in one table, or those of one kind whoever made them.
fn workloads(
    cluster: &ClusterArgs,
    args: &GetArgs,
    only: Option<&'static str>,
) -> Result<ExitCode> {
    let filter = filter::<JobRow>(args);
    let picks = pick::told(args, columns::workloads);
    let runtime = runtime()?;
    let mut shown = Picks::default();
    // pods tell retries and time left, children the counts of their parents
    let all: Vec<Kind> = JOBS.into_iter().chain([Kind::CronJob]).collect();
    let ask = async |connected: &mut Connected| {
        shown = picks.clone().ready::<JobRow>(args, &filter, connected);
        connected.sync_workloads(&all).await
    };
    let connected = runtime.block_on(each(cluster, &args.one_shot, &args.recorded, ask))?;
    let model = &connected.model;
    // always there: the one is built in, the other no object
    let built_in = ["cronjobs", "podgroups"];
    if let Some(plural) = only.filter(|plural| !built_in.contains(plural)) {
        let served = connected.workloads.iter().flatten();
        if !{ served }.any(|kind| kind.plural() == plural) {
            match &connected.blind {
                None => bail!("{plural}: this cluster does not serve them"),
                Some(why) => bail!(
                    "{plural}: none can be listed, and whether they are served is not known\n{why}"
                ),
            }
        }
    }
    let crons: Vec<JobRow> = model.cronjobs.rows().map(CronJobRow::as_workload).collect();
    let mut rows: Vec<&JobRow> = model.jobs.rows().chain(&crons).collect();
    rows.retain(|row| match only {
        Some(plural) => row.kind.plural == plural,
        None => model.parent(row).is_none(),
    });
    print(
        &connected,
        args,
        &filter,
        &shown,
        rows,
        columns::workloads,
        |row: &JobRow, model, now| {
            let mut json = RowJson::of(model, row, now);
            if let Some(cron) = model.cronjobs.get(row.key) {
                json.message = CronState::of(cron, now).words(now);
            }
            json
        },
    )
}

/// Sorted, filtered and written.
pub fn print<R: Listed, J: Serialize>(
    connected: &Connected,
    args: &GetArgs,
    filter: &Filter,
    picks: &Picks,
    mut rows: Vec<&R>,
    table: Make<R>,
    json: fn(&R, &Model, DateTime<Utc>) -> J,
) -> Result<ExitCode> {
    let (model, now) = (&connected.model, connected.now());
    rows.sort_by_key(|row| (row.tie(), row.key().cluster));
    let order = args.view.as_ref().and_then(|view| view.sort.as_deref());
    if let (Some(order), Some(list)) = (order, R::VOCABULARY.extra) {
        let (id, turned) = model.extras.order(list, order);
        if let Some(column) = R::Column::named(id) {
            let descending = column.largest_first() != turned;
            rows.sort_by(|a, b| {
                let (a, b) = (a.value(column, model, now), b.value(column, model, now));
                compare(&a, &b, descending)
            });
        }
    }
    let all = rows.len();
    rows.retain(|row| row.passes(filter, model, now));
    let shape = Shape {
        namespace: connected.namespace.is_none(),
        wide: args.output == Output::Wide,
    };
    match &args.output {
        Output::Table | Output::Wide | Output::Custom(_) if rows.is_empty() => {
            say_nothing_found(
                connected,
                !matches!(args.what, What::Nodes | What::Gpus),
                all,
            );
        }
        Output::Table | Output::Wide | Output::Custom(_) => {
            let mut table = picks.table(&rows, model, now, shape, table);
            if model.clusters.several() {
                let name = |row: &&R| {
                    model
                        .clusters
                        .name(row.key().cluster)
                        .map(ToString::to_string)
                };
                table = table.with_first(
                    "CLUSTER",
                    rows.iter().map(|row| name(row).unwrap_or_default()),
                );
            }
            let table = table.bare(args.no_headers);
            print_all(table.text().as_bytes())?;
        }
        Output::Json | Output::Yaml => {
            let placed = rows.iter().map(|row| Placed {
                cluster: connected.contexts.get(usize::from(row.key().cluster.0)),
                row: json(row, model, now),
                columns: picks.texts::<R>(row.key(), model),
            });
            let rows: Vec<Placed<J>> = placed.collect();
            let text = match &args.output {
                Output::Json => serde_json::to_string_pretty(&rows)? + "\n",
                _ => serde_saphyr::to_string(&rows)?,
            };
            print_all(text.as_bytes())?;
        }
    }
    Ok(match connected.incomplete {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// A row, and of several clusters the context it is of.
#[derive(Serialize)]
struct Placed<'a, J> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a String>,
    #[serde(flatten)]
    row: J,
    /// What it has in the columns of the user's own that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<BTreeMap<String, &'a str>>,
}

/// As kubectl: on standard error, so that standard output stays empty.
fn say_nothing_found(connected: &Connected, namespaced: bool, before_filter: usize) {
    let place = match &connected.namespace {
        Some(name) if namespaced => format!(" in {name} namespace"),
        _ => String::new(),
    };
    match before_filter {
        0 => say!("No resources found{place}."),
        n => say!("None of {n} resources{place} passes the filter."),
    }
}
