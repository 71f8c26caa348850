//! Starts demo clusters: the one place, beside the tests, where the product names the demo.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use chrono::{DateTime, Utc};
use kube::config::Kubeconfig;

use super::{OneShotArgs, SceneArgs};
use crate::cluster::connect::resolve_loaded;
use crate::cluster::kubeconfig::{Loaded, Surroundings};
use crate::cluster::target::Target;
use crate::demo::Demo;
use crate::demo::api::write::Cluster;
use crate::demo::clock::Clock;
use crate::demo::world::World;

/// What one-shot commands look at when they are not told: the scene's jobs are in all states by then.
const MOMENT: Duration = Duration::from_secs(600);

/// How to reach a demo cluster.
pub fn target(demo: &Demo) -> io::Result<Target> {
    let loaded = Loaded {
        files: Vec::new(),
        config: Kubeconfig::from_yaml(&demo.kubeconfig_yaml()).map_err(io::Error::other)?,
    };
    // no proxy on the way to ourselves
    resolve_loaded(&loaded, None, &Surroundings::default()).map_err(io::Error::other)
}

/// A demo cluster that lives on from now.
pub fn live(address: SocketAddr, scene: &SceneArgs) -> io::Result<Demo> {
    let mut clock = Clock::stepped(Utc::now(), scene.speed);
    clock.follow_wall();
    let world = World::new(Cluster::new(clock, scene.seed));
    Demo::start(address, world)
}

/// A demo cluster advanced to a moment, where its clock stands still; and that moment.
pub fn frozen(args: &OneShotArgs) -> io::Result<(Demo, DateTime<Utc>)> {
    // a fixed beginning: the same seed and moment give the same bytes
    let begin = DateTime::from_timestamp(1_767_258_000, 0).unwrap_or_default();
    let now = begin + args.at.unwrap_or(MOMENT);
    let mut world = World::new(Cluster::new(Clock::stepped(begin, 1.0), args.seed));
    world.advance_to(now);
    let demo = Demo::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), world)?;
    Ok((demo, now))
}
