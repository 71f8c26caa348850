//! What we know, as plain data: no I/O, no terminal, no clock of its own.
//!
//! Watch tasks feed [`Model::apply`] with [`delta::Delta`]s and nothing else changes it; every function that
//! needs a time is given `now`. Rows of several clusters live in one table, keyed by [`ids::Key`].

pub mod delta;
pub mod event;
pub mod health;
pub mod ids;
pub mod indexset;
pub mod job;
pub mod log;
pub mod namespace;
pub mod node;
pub mod pod;
pub mod resources;
pub mod want;
