use super::*;
use crate::panes::fixture;

#[test]
fn looks() {
    fixture::at_all_sizes("events", || Box::new(Events::new(None)));
}

#[test]
fn states() {
    fixture::in_all_states("events", || Box::new(Events::new(None)));
}
