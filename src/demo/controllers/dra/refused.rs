//! Which nodes cannot serve which claim as things are: pods that wait are tried again with every pod that ends, mostly
//! without anything having changed for their claims.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::controllers::tasks::Key;

/// Claims that are all that their pods ask for, and the nodes that refused them since something became free.
#[derive(Debug, Default)]
pub struct Refused(RefCell<HashMap<Key, HashSet<String>>>);

impl Refused {
    pub fn is(&self, claim: &Key, node: &str) -> bool {
        let all = self.0.borrow();
        all.get(claim).is_some_and(|nodes| nodes.contains(node))
    }

    pub fn note(&self, claim: &Key, node: &str) {
        let mut all = self.0.borrow_mut();
        all.entry(claim.clone())
            .or_default()
            .insert(node.to_owned());
    }

    /// The claim is gone; another of its name may ask for something else.
    pub fn forget(&self, claim: &Key) {
        self.0.borrow_mut().remove(claim);
    }

    /// Devices came, or may have been given back.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}
