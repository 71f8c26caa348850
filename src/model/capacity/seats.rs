//! Which card a pod stands on in a picture. Kubernetes does not tell which devices a pod has, so each keeps the places it
//! was drawn at first while it lives: a map that jumps cannot be read.

use crate::model::few::Few;
use crate::model::ids::{Key, Name};

/// Per resource, places in order; `None`: free.
#[derive(Debug, Clone, Default)]
pub struct Seats(Few<Name, Vec<Option<Key>>>);

impl Seats {
    /// Gives a pod the first free places.
    pub fn take(&mut self, resource: &Name, pod: Key, amount: u32) {
        let seats = self.0.or_insert_with(resource.clone(), Vec::new);
        // no node has more: what a pod says beyond that is not believed
        let mut left = amount.min(4096);
        for seat in seats.iter_mut().filter(|seat| seat.is_none()) {
            if left == 0 {
                return;
            }
            *seat = Some(pod);
            left -= 1;
        }
        seats.extend((0..left).map(|_| Some(pod)));
    }

    /// Frees all places of a pod.
    pub fn leave(&mut self, resource: &Name, pod: Key) {
        let Some(seats) = self.0.get_mut(resource) else {
            return;
        };
        for seat in seats.iter_mut().filter(|seat| **seat == Some(pod)) {
            *seat = None;
        }
        while seats.last() == Some(&None) {
            seats.pop();
        }
        if seats.is_empty() {
            self.0.remove(resource);
        }
    }

    /// The places of a resource; those after the last are free.
    pub fn of(&self, resource: &Name) -> &[Option<Key>] {
        self.0.get(resource).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::key;

    #[test]
    fn a_pod_keeps_its_places() {
        let (gpu, mut seats) = (Name::from("nvidia.com/gpu"), Seats::default());
        seats.take(&gpu, key(1), 2);
        seats.take(&gpu, key(2), 3);
        seats.leave(&gpu, key(1));
        seats.take(&gpu, key(3), 3);
        let who: Vec<u128> = seats
            .of(&gpu)
            .iter()
            .map(|s| s.map_or(0, |k| k.uid.0))
            .collect();
        assert_eq!(who, [3, 3, 2, 2, 2, 3]);
        seats.leave(&gpu, key(3));
        assert_eq!(seats.of(&gpu).len(), 5);
        seats.leave(&gpu, key(2));
        assert!(seats.of(&gpu).is_empty());
    }
}
