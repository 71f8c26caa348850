//! The simulated control loops: each follows the rules of the real one it stands for.
//!
//! A loop watches ([`Cache`]), is woken by key ([`tasks::Tasks`]), compares what is with what should be and
//! writes through the API server's own path. Deciding is kept apart from writing wherever that is possible.

pub mod cache;
pub mod cronjob;
pub mod daemonset;
pub mod dra;
pub mod gc;
pub mod hub;
pub mod job;
pub mod kinds;
pub mod kubelet;
pub mod kueue;
pub mod namespace;
pub mod node;
pub mod operators;
pub mod program;
pub mod quantity;
pub mod recorder;
pub mod schedule;
pub mod scheduler;
pub mod tasks;
pub mod wire;

pub use cache::Cache;
pub use hub::Hub;
pub use kinds::Kinds;
