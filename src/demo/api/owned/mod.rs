//! Who owns which field: the sets behind `metadata.managedFields`, and server-side apply on top of them.

mod compare;
mod managers;
mod merge;
mod set;
mod typed;

pub use compare::Place;
pub use managers::{Conflict, Manager, Operation, apply, conflict, read, update};
pub use set::{Part, Set};
pub use typed::{joined, mistakes};
