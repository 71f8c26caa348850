//! The hardware reference: what each GPU computes in hardware, how fast, and where each figure comes from. Knows
//! nothing of clusters or screens, so that the command line, the panes and the tests read the same tables.

pub mod advice;
pub mod ask;
pub mod data;
pub mod figure;
pub mod load;
pub mod precision;
pub mod resolve;
pub mod sheet;
#[cfg(test)]
mod tests;

pub use ask::Ask;
pub use data::{Arch, Catalog, Gpu};
pub use figure::{Figure, Status};
pub use precision::{Cores, Precision, Support};
