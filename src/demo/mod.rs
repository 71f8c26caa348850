//! The demo cluster: a small honest Kubernetes in this process, reached only through HTTP on loopback.
//!
//! Nothing of the product uses this module except `main` and the tests; it shares no type with
//! [`crate::cluster`], so that a wrong field name cannot be wrong on both sides and pass.
//!
//! ```text
//! http → api (verbs, admission) → store ← controllers (job, scheduler, kubelet, gc) ← clock
//! ```

pub mod api;
pub mod clock;
pub mod controllers;
pub mod store;
