//! How the parts of a detail share its height. Separate because it is arithmetic with a law: never more than
//! there is, the focused part always gets its share.

/// One part's wishes, in rows, its heading included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Below this it is not worth showing.
    pub min: u16,
    /// More than this it cannot use.
    pub most: u16,
}

/// Rows for each part; 0 for what does not fit. The focused part is served first, then the others in order;
/// what is left goes round evenly.
pub fn share(height: u16, wishes: &[Wish], focused: usize) -> Vec<u16> {
    let mut out = vec![0; wishes.len()];
    let mut left = height;
    let order = std::iter::once(focused).chain((0..wishes.len()).filter(|&n| n != focused));
    for n in order {
        let Some(wish) = wishes.get(n) else { continue };
        let min = wish.min.min(wish.most);
        if n == focused {
            out[n] = min.min(left);
        } else if min <= left {
            out[n] = min;
        }
        left -= out[n];
    }
    while left > 0 {
        let mut given = false;
        for (n, wish) in wishes.iter().enumerate() {
            if left > 0 && out[n] > 0 && out[n] < wish.most {
                out[n] += 1;
                left -= 1;
                given = true;
            }
        }
        if !given {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn w(min: u16, most: u16) -> Wish {
        Wish { min, most }
    }

    #[test]
    fn tall_screens_show_all_and_short_ones_the_focused_part() {
        let wishes = [w(4, 8), w(3, 12), w(3, 20)];
        assert_eq!(share(40, &wishes, 0), [8, 12, 20]);
        assert_eq!(share(20, &wishes, 0), [8, 6, 6]);
        assert_eq!(share(8, &wishes, 2), [5, 0, 3]);
        assert_eq!(share(2, &wishes, 1), [0, 2, 0]);
        assert_eq!(share(0, &wishes, 1), [0, 0, 0]);
    }

    proptest! {
        #[test]
        fn never_more_than_there_is(
            height in 0u16..100, parts in proptest::collection::vec((0u16..9, 0u16..30), 0..5), focused in 0usize..5,
        ) {
            let wishes: Vec<Wish> = parts.iter().map(|&(min, most)| w(min, most)).collect();
            let got = share(height, &wishes, focused);
            prop_assert!(got.iter().sum::<u16>() <= height);
            for (n, rows) in got.iter().enumerate() {
                prop_assert!(*rows <= wishes[n].most);
                prop_assert!(*rows == 0 || n == focused || *rows >= wishes[n].min.min(wishes[n].most));
            }
        }
    }
}
