//! A part of a row that many rows have alike: one allocation, read and changed as if it were the row's own.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    pub fn strong_count(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl<T> From<T> for Shared<T> {
    fn from(of: T) -> Self {
        Self(Arc::new(of))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What is given something of its own shares no more.
impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_of_one_alone() {
        let one: Shared<Vec<u8>> = vec![1].into();
        let mut other = one.clone();
        assert_eq!(one.strong_count(), 2);
        other.push(2);
        assert_eq!((one.as_slice(), other.as_slice()), (&[1][..], &[1, 2][..]));
        assert_eq!(one.strong_count(), 1);
    }
}
