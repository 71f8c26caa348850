//! Starts demo clusters: the one place, beside the tests, where the product names the demo.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use chrono::{DateTime, Utc};
use kube::config::Kubeconfig;

use super::{OneShotArgs, SceneArgs};
use crate::cluster::connect::resolve_loaded;
use crate::cluster::kubeconfig::{Loaded, Surroundings};
use crate::cluster::target::Target;
use crate::demo::Demo;
use crate::demo::http::faults::{Switchboard, spec};
use crate::demo::scenario::{Options, epoch};
use crate::demo::world::World;

/// How to reach a demo cluster.
pub fn target(demo: &Demo) -> io::Result<Target> {
    context(demo, None)
}

/// How to reach its worker clusters, by what Kueue calls them.
pub fn workers(demo: &Demo) -> io::Result<BTreeMap<String, Target>> {
    let all = crate::demo::worker_contexts().into_iter();
    all.map(|(name, of)| Ok((name, context(demo, Some(&of))?)))
        .collect()
}

fn context(demo: &Demo, name: Option<&str>) -> io::Result<Target> {
    let loaded = Loaded {
        files: Vec::new(),
        config: Kubeconfig::from_yaml(&demo.kubeconfig_yaml()).map_err(io::Error::other)?,
    };
    // no proxy on the way to ourselves
    resolve_loaded(&loaded, name, &Surroundings::default()).map_err(io::Error::other)
}

/// A demo cluster that lives on from now.
pub fn live(address: SocketAddr, scene: &SceneArgs) -> io::Result<Demo> {
    let sized = Options::sized(scene.pods.unwrap_or_default());
    let options = Options {
        seed: scene.seed,
        speed: scene.speed,
        nodes: scene.nodes.unwrap_or(sized.nodes),
        jobs: scene.jobs,
        workloads: scene.workloads,
        queues: scene.queues,
        churn: scene.churn,
        ..sized
    };
    let world = World::live(&options);
    if scene.fault.is_empty() {
        return Demo::start(address, world);
    }
    let board = Switchboard::default();
    for rules in &scene.fault {
        board.say(rules).map_err(io::Error::other)?;
    }
    Demo::start_faulty(address, world, board)
}

/// Whether these are rules of the fault switchboard.
///
/// # Errors
/// Why they are none.
pub fn faults(text: &str) -> Result<String, String> {
    spec::rules(text).map(|_| text.to_owned())
}

/// A demo cluster advanced to a moment (the scene's beginning if none is given), where its clock stands still;
/// and what time it is there.
pub fn frozen(args: &OneShotArgs) -> io::Result<(Demo, DateTime<Utc>)> {
    let options = Options {
        seed: args.seed,
        ..Options::default()
    };
    let after = args.at.unwrap_or_default();
    let world = World::stepped(&options, after);
    let demo = Demo::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), world)?;
    Ok((demo, epoch() + after))
}
