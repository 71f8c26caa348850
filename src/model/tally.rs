//! How many rows of a table are of which class, kept up to date from what changed: a head line over a hundred thousand
//! pods looks at none but those that moved.

use super::Model;
use super::listed::{Listed, Scope};

/// Numbers of rows by class, for up to `N` classes.
#[derive(Debug, Clone)]
pub struct Tally<const N: usize> {
    counts: [usize; N],
    /// By slot: its class, or `N` for one that is not counted.
    classes: Vec<u8>,
    seen: Option<(u64, Scope)>,
    looked: u64,
}

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        Self {
            counts: [0; N],
            classes: Vec::new(),
            seen: None,
            looked: 0,
        }
    }
}

impl<const N: usize> Tally<N> {
    /// Brings the numbers up to date; `class` must depend on nothing but the row and be below `N`.
    pub fn refresh<R: Listed>(
        &mut self,
        model: &Model,
        scope: Scope,
        class: impl Fn(&R) -> usize,
    ) -> &[usize; N] {
        let table = R::table(model);
        let before = self.seen.as_ref().filter(|(_, of)| *of == scope);
        let before = before.map(|(version, _)| *version);
        if before == Some(table.version()) {
            return &self.counts;
        }
        let changed = before.and_then(|version| table.changed_since(version));
        match changed {
            Some(slots) => {
                for slot in slots {
                    self.look(model, &scope, slot, &class);
                }
            }
            None => {
                self.counts = [0; N];
                self.classes.clear();
                for (slot, _) in table.iter() {
                    self.look(model, &scope, slot, &class);
                }
            }
        }
        self.seen = Some((table.version(), scope));
        &self.counts
    }

    /// Rows looked at so far.
    pub fn looked(&self) -> u64 {
        self.looked
    }

    fn look<R: Listed>(
        &mut self,
        model: &Model,
        scope: &Scope,
        slot: u32,
        class: impl Fn(&R) -> usize,
    ) {
        self.looked += 1;
        let at = slot as usize;
        if self.classes.len() <= at {
            self.classes.resize(at + 1, N as u8);
        }
        if let Some(count) = self.counts.get_mut(usize::from(self.classes[at])) {
            *count -= 1;
        }
        let row = R::table(model).at(slot).filter(|row| scope.holds(*row));
        let class = row.map_or(N, class).min(N);
        if let Some(count) = self.counts.get_mut(class) {
            *count += 1;
        }
        self.classes[at] = class as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::*;
    use crate::model::pod::{PodPhase, PodRow};

    fn class(pod: &PodRow) -> usize {
        usize::from(pod.phase == PodPhase::Running)
    }

    #[test]
    fn only_rows_that_changed_are_looked_at() {
        let mut m = Model::default();
        let owner = job(1, "a");
        let all: Vec<_> = (0..1000).map(|n| pod(10 + n, &owner)).collect();
        m.apply(pods(&all));
        let mut tally = Tally::<2>::default();
        let scope = Scope::default;
        assert_eq!(tally.refresh(&m, scope(), class), &[1000, 0]);
        let before = tally.looked();
        for (n, pod) in all.iter().take(50).enumerate() {
            m.apply(pods(&[running(pod.clone(), "n", 0)]));
            assert_eq!(tally.refresh(&m, scope(), class), &[999 - n, n + 1]);
        }
        m.apply(pods_gone(&[10, 1009]));
        assert_eq!(tally.refresh(&m, scope(), class), &[949, 49]);
        assert_eq!(tally.looked() - before, 52);
        // another scope counts anew
        let other = Scope {
            namespaces: Some(vec!["elsewhere".into()]),
            ..Scope::default()
        };
        assert_eq!(tally.refresh(&m, other, class), &[0, 0]);
        assert_eq!(tally.refresh(&m, scope(), class), &[949, 49]);
    }
}
