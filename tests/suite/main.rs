//! The one integration binary (linking is the cost): a module per topic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod actions;
mod badinput;
mod between;
mod claims;
mod cli;
mod client;
#[cfg(unix)]
mod clusters;
mod columns;
mod completions;
mod compound;
mod custom;
#[cfg(unix)]
mod dispatched;
mod docs;
mod envtest;
mod exporters;
#[cfg(unix)]
mod faults;
mod fields;
mod gpu_model;
mod gpu_use;
mod gpu_use_demo;
mod hardware;
mod harness;
#[cfg(unix)]
mod hostile;
#[cfg(unix)]
mod inbox;
mod keymaps;
mod kinds;
mod kubectl;
mod layers;
#[cfg(unix)]
mod logs;
mod metrics;
mod mouse;
mod multikueue;
mod mutated;
mod operators;
mod packaging;
#[cfg(unix)]
mod plain;
mod plugin;
mod proxies;
#[cfg(unix)]
mod pty;
mod queues_client;
mod queues_demo;
mod readme;
mod recorded;
#[cfg(unix)]
mod recording;
mod remote;
mod report;
mod roles;
mod scripted;
mod served;
mod streams;
#[cfg(unix)]
mod submitting;
mod terminal;
#[cfg(unix)]
mod tour;
mod waiting;
mod why;
mod wire;
