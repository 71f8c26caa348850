//! The owner of all state, and the loop that feeds it.

pub mod action;
