use super::*;
use crate::panes::fixture;

#[test]
fn looks() {
    fixture::at_all_sizes("nodes", || Box::new(Nodes::new()));
}

#[test]
fn states() {
    fixture::in_all_states("nodes", || Box::new(Nodes::new()));
}
