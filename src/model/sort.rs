//! Orders of a table: one typed column per table, natural order of texts, missing values last either way,
//! ties by namespace, name and uid so that equal rows never trade places.

use std::cmp::Ordering;

/// What a row shows in a column, for comparing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Unknown or not applicable: last in either direction.
    Missing,
    Int(i64),
    Text(&'a str),
}

impl Value<'_> {
    pub fn of<T: TryInto<i64>>(n: Option<T>) -> Self {
        n.map_or(Self::Missing, |n| {
            Self::Int(n.try_into().unwrap_or(i64::MAX))
        })
    }
}

/// A column one can sort by.
pub trait Column: Copy + PartialEq + 'static {
    /// All of a table, in the order `sort-next` goes.
    const ALL: &'static [Self];
    /// Its name in settings and on the header.
    fn name(self) -> &'static str;
    /// Largest first is what one wants to see.
    fn largest_first(self) -> bool;
    /// Its order changes with time alone.
    fn moves(self) -> bool {
        false
    }
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.name() == name)
    }
}

/// A column and a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort<C> {
    pub column: C,
    pub descending: bool,
}

impl<C: Column> Sort<C> {
    /// By this column in its natural direction.
    pub fn by(column: C) -> Self {
        Self {
            column,
            descending: column.largest_first(),
        }
    }

    /// By the next (or previous) column.
    pub fn step(self, forward: bool) -> Self {
        let n = C::ALL.len();
        let at = C::ALL.iter().position(|c| *c == self.column).unwrap_or(0);
        Self::by(C::ALL[(at + if forward { 1 } else { n - 1 }) % n])
    }

    pub fn reversed(self) -> Self {
        Self {
            descending: !self.descending,
            ..self
        }
    }
}

/// Compares two values in a direction; missing ones are last in both.
pub fn compare(a: &Value<'_>, b: &Value<'_>, descending: bool) -> Ordering {
    let order = match (a, b) {
        (Value::Missing, Value::Missing) => return Ordering::Equal,
        (Value::Missing, _) => return Ordering::Greater,
        (_, Value::Missing) => return Ordering::Less,
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => natural(a, b),
        (Value::Int(_), Value::Text(_)) => Ordering::Less,
        (Value::Text(_), Value::Int(_)) => Ordering::Greater,
    };
    if descending { order.reverse() } else { order }
}

/// `job-2` before `job-10`, upper and lower case together; a total order on bytes.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (x, y) = (a.as_bytes(), b.as_bytes());
    let (mut i, mut j) = (0, 0);
    while let (Some(&p), Some(&q)) = (x.get(i), y.get(j)) {
        if p.is_ascii_digit() && q.is_ascii_digit() {
            let (m, n) = (digits(&x[i..]), digits(&y[j..]));
            let order = number(&x[i..i + m], &y[j..j + n]);
            if order.is_ne() {
                return order;
            }
            (i, j) = (i + m, j + n);
        } else {
            let order = p.to_ascii_lowercase().cmp(&q.to_ascii_lowercase());
            if order.is_ne() {
                return order;
            }
            (i, j) = (i + 1, j + 1);
        }
    }
    (x.len() - i).cmp(&(y.len() - j)).then_with(|| x.cmp(y))
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|c| c.is_ascii_digit()).count()
}

/// Digit strings by value, whatever their length.
fn number(a: &[u8], b: &[u8]) -> Ordering {
    let strip = |text: &[u8]| text.iter().take_while(|c| **c == b'0').count();
    let (a, b) = (&a[strip(a)..], &b[strip(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn natural_order() {
        let mut names = ["b", "a10", "a2", "A1", "a02", "a", "a2b"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "A1", "a02", "a2", "a2b", "a10", "b"]);
    }

    #[test]
    fn missing_is_last_either_way() {
        let mut values = [Value::Missing, Value::Int(1), Value::Int(3)];
        values.sort_by(|a, b| compare(a, b, true));
        assert_eq!(values, [Value::Int(3), Value::Int(1), Value::Missing]);
        values.sort_by(|a, b| compare(a, b, false));
        assert_eq!(values, [Value::Int(1), Value::Int(3), Value::Missing]);
    }

    proptest! {
        #[test]
        fn natural_is_a_total_order(a in "[a-cA-C0-2-]{0,8}", b in "[a-cA-C0-2-]{0,8}", c in "[a-cA-C0-2-]{0,8}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }
    }
}
