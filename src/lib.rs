//! jobdeck: a terminal cockpit for batch and ML work on Kubernetes.
//!
//! ```text
//! main → cli → app → panes → model, actions, logs, history, hardware, ui
//!              app → cluster → keep → actions → model
//!        logs → model            history → logs, model
//!        ui, model, hardware → nothing of ours
//!        demo (a crate of its own) → nothing of ours; nothing → demo, except the command line and the tests
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod actions;
pub mod app;
pub mod cli;
pub mod cluster;
pub mod hardware;
pub mod history;
pub mod keep;
pub mod logging;
pub mod logs;
pub mod model;
pub mod panes;
pub mod recording;
pub mod settings;
pub mod ui;

#[cfg(feature = "demo")]
pub use jobdeck_demo as demo;
