//! Places for pods that are found running: the scheduler's own idea of who fits where, without its queue.

use std::sync::Arc;

use super::Scheduler;
use super::fit::Wish;
use crate::controllers::wire::Pod;
use crate::store::Object;

/// The nodes that pods of one shape may go to, asked in turn.
#[derive(Debug)]
pub struct Berths {
    wish: Wish,
    amounts: Arc<super::Amounts>,
    nodes: Vec<usize>,
    next: usize,
}

impl Scheduler {
    /// Where pods that ask for the same as this one may go. It holds until nodes come or go.
    pub fn berths(&mut self, pod: &Pod) -> Berths {
        let wish = Wish::new(pod);
        let barred = self.barred(&wish);
        let free = barred.iter().enumerate().filter(|(_, b)| b.is_none());
        let nodes = free.map(|(at, _)| at).filter(|at| self.nodes[*at].ready);
        Berths {
            nodes: nodes.collect(),
            amounts: Arc::new(wish.amounts.clone()),
            wish,
            next: 0,
        }
    }

    /// Books the next node with room for a pod, by its UID.
    pub fn berth(&mut self, berths: &mut Berths, uid: &str) -> Option<Arc<Object>> {
        let count = berths.nodes.len();
        for step in 0..count {
            let nth = (berths.next + step) % count;
            let node = &mut self.nodes[*berths.nodes.get(nth)?];
            if !node.has_room(&berths.wish) || node.room(&berths.wish).is_err() {
                continue;
            }
            berths.next = nth + 1;
            node.book(&berths.amounts);
            let booked = (node.name.clone(), berths.amounts.clone());
            self.booked.insert(uid.to_owned(), booked);
            return Some(node.object.clone());
        }
        berths.nodes.clear();
        None
    }

    /// A node that such a pod may have been on.
    pub fn any_berth(&self, berths: &mut Berths) -> Option<Arc<Object>> {
        berths.next += 1;
        let nth = berths.next.checked_rem(berths.nodes.len())?;
        let node = self.nodes.get(*berths.nodes.get(nth)?)?;
        Some(node.object.clone())
    }
}
