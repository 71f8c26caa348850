//! `--view NAME`: a saved view for `get`, and whether there is one for the cockpit.

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::{Cli, ClusterArgs, GetArgs, What};
use crate::app::views::kept;
use crate::model::extra::{ALL, List, Saved};
use crate::settings::views::Views;
use crate::settings::{self, Settings};

/// All there are: those saved from the screen, and over them those of the settings.
pub fn all(settings: &Settings) -> Views {
    let (mut all, problems) = kept(settings::state_folder().as_deref());
    for problem in problems {
        say!("jobdeck: {problem}");
    }
    all.extend(settings.views.clone());
    all
}

/// The view of this name; that there is none ends the program.
pub fn named(name: &str, settings: &Settings) -> Saved {
    let all = all(settings);
    if let Some(view) = all.get(name) {
        return view.0.clone();
    }
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let why = match names.is_empty() {
        true => format!(
            "--view: there is no view {name:?}, and no other: `:save view NAME` in the cockpit makes one, or [views.NAME] in the settings"
        ),
        false => format!(
            "--view: there is no view {name:?}: there are {}",
            names.join(", ")
        ),
    };
    wrong(&why)
}

fn wrong(why: &str) -> ! {
    Cli::command().error(ErrorKind::ValueValidation, why).exit()
}

/// The arguments of `get` with those of a view where they say nothing themselves; filters hold together.
pub fn with(name: &str, cluster: &ClusterArgs, mut args: GetArgs) -> (ClusterArgs, GetArgs) {
    let (settings, problem) = settings::load(settings::file().as_deref());
    if let Some(problem) = problem {
        say!("jobdeck: {problem}");
    }
    let view = named(name, &settings);
    let list = match args.what {
        What::Jobs | What::Workloads | What::Kind(_) => List::Jobs,
        What::Pods => List::Pods,
        What::Nodes | What::Gpus => List::Nodes,
        What::Events => List::Events,
    };
    if view.screen != list {
        wrong(&format!(
            "--view: {name} is a view of {}",
            view.screen.name()
        ));
    }
    let mut cluster = cluster.clone();
    if cluster.namespace.is_none() && !cluster.all_namespaces {
        match view.namespace.as_deref() {
            None => {}
            Some(ALL) => cluster.all_namespaces = true,
            Some(name) => cluster.namespace = Some(name.to_owned()),
        }
    }
    if !view.filter.is_empty() {
        let own = args.filter.take().unwrap_or_default();
        args.filter = Some(format!("{} {own}", view.filter));
    }
    args.view = Some(view);
    (cluster, args)
}
