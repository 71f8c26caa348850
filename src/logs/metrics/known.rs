//! Names that were understood before: a log says the same few on every line. Apart, as it is the one thing a reader
//! keeps only to be quick.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::names::{self, Meaning};

/// So many different names, then it begins anew: a log may make them up.
const MOST: usize = 1024;
/// Longer ones are hardly said twice.
const LONGEST: usize = 96;

/// FNV-1a over eight bytes at a time. The names come from the log; whoever makes them collide slows its own reading.
#[derive(Debug, Default)]
pub struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        let mut mix = |word: u64| {
            self.0 = (self.0 ^ word)
                .wrapping_mul(0x0100_0000_01b3)
                .rotate_left(23)
        };
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            mix(u64::from_le_bytes(*word));
        }
        for byte in rest {
            mix(u64::from(*byte));
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

/// The meanings of the names of one stream.
#[derive(Debug, Default)]
pub struct Known {
    names: HashMap<Box<str>, Option<Arc<Meaning>>, BuildHasherDefault<Fnv>>,
}

impl Known {
    /// What [`names::meaning`] says of it.
    pub fn meaning(&mut self, name: &str) -> Option<Arc<Meaning>> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let meaning = names::meaning(name).map(Arc::new);
        if name.len() <= LONGEST {
            if self.names.len() >= MOST {
                self.names.clear();
            }
            self.names.insert(name.into(), meaning.clone());
        }
        meaning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_the_same_every_time_and_stays_small() {
        let mut known = Known::default();
        for _ in 0..2 {
            for name in ["loss", "val_loss", "", "lr", "no such name at all"] {
                assert_eq!(
                    known.meaning(name).as_deref(),
                    names::meaning(name).as_ref()
                );
            }
        }
        for n in 0..10 * MOST {
            known.meaning(&format!("made up {n}"));
            known.meaning(&"x".repeat(n % 300));
        }
        assert!(known.names.len() <= MOST);
        assert!(known.names.keys().all(|name| name.len() <= LONGEST));
    }
}
