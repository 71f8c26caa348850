//! Which columns fit and how wide they are. Separate because it is pure arithmetic with laws of its own: never wider
//! than the space, never narrower than a column's minimum, low ranks go first.

use super::Column;

/// The width given to each column; none for those that do not fit. `natural` is what each column's content would
/// like. Columns are parted by one blank.
pub fn layout(columns: &[Column], natural: &[u16], total: u16) -> Vec<Option<u16>> {
    let mut widths: Vec<Option<u16>> = vec![None; columns.len()];
    // The most important first; of equals, the leftmost.
    let mut order: Vec<usize> = (0..columns.len())
        .filter(|&n| total >= columns[n].from)
        .collect();
    order.sort_by_key(|&n| (columns[n].rank, n));

    let mut left = total;
    for (nth, &n) in order.iter().enumerate() {
        let need = columns[n].min + u16::from(nth > 0);
        if need > left {
            // The first column is shown however little room there is.
            if nth == 0 && total > 0 {
                widths[n] = Some(total);
                return widths;
            }
            // What is less important than a column that does not fit is left out too, lest the choice of columns
            // look random.
            break;
        }
        widths[n] = Some(columns[n].min);
        left -= need;
    }

    // Then each column, again by rank, grows to what its content needs.
    for goal in [Goal::Natural, Goal::Max] {
        for &n in &order {
            let Some(width) = widths[n] else { continue };
            let column = &columns[n];
            let want = match goal {
                Goal::Natural => natural
                    .get(n)
                    .copied()
                    .unwrap_or(0)
                    .clamp(column.min, column.max.max(column.min)),
                Goal::Max if column.grow => column.max,
                Goal::Max => width,
            };
            let more = want.saturating_sub(width).min(left);
            widths[n] = Some(width + more);
            left -= more;
        }
    }
    widths
}

enum Goal {
    Natural,
    Max,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Align;
    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::new("state", "STATE").rank(0).width(9, 9, 12),
            Column::new("name", "NAME").rank(0).width(10, 20, 50).grow(),
            Column::new("progress", "PROGRESS")
                .rank(1)
                .width(10, 18, 24),
            Column::new("node", "NODE").rank(3).width(6, 12, 30),
            Column::new("age", "AGE")
                .rank(2)
                .width(4, 6, 6)
                .align(Align::Right),
            Column::new("uid", "UID")
                .rank(4)
                .width(8, 8, 36)
                .from_width(150),
        ]
    }

    #[test]
    fn narrow_screens_drop_the_low_ranks() {
        let natural = [9, 16, 18, 12, 5, 36];
        let shown = |total| {
            layout(&columns(), &natural, total)
                .iter()
                .map(|w| w.unwrap_or(0))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(120), [9, 50, 18, 12, 5, 0]);
        assert_eq!(shown(60), [9, 16, 18, 8, 5, 0]);
        assert_eq!(shown(40), [9, 14, 10, 0, 4, 0]);
        assert_eq!(shown(30), [9, 20, 0, 0, 0, 0]);
        assert_eq!(shown(5), [5, 0, 0, 0, 0, 0]);
        assert_eq!(shown(200), [9, 50, 18, 12, 5, 36]);
    }

    proptest! {
        #[test]
        fn columns_never_overflow(
            total in 0u16..400,
            specs in proptest::collection::vec((0u8..5, 1u16..20, 0u16..40, 0u16..60, any::<bool>()), 0..12),
        ) {
            let columns: Vec<Column> = specs.iter().map(|(rank, min, _, more, grow)| {
                let column = Column::new("c", "C").rank(*rank).width(*min, *min, min + more);
                if *grow { column.grow() } else { column }
            }).collect();
            let natural: Vec<u16> = specs.iter().map(|spec| spec.2).collect();
            let widths = layout(&columns, &natural, total);
            let shown: Vec<(usize, u16)> = widths.iter().enumerate().filter_map(|(n, w)| w.map(|w| (n, w))).collect();
            let sum: u32 = shown.iter().map(|(_, w)| u32::from(*w)).sum::<u32>() + shown.len().saturating_sub(1) as u32;
            prop_assert!(sum <= u32::from(total));
            for (n, width) in &shown {
                prop_assert!(*width >= columns[*n].min || shown.len() == 1);
                prop_assert!(*width <= columns[*n].max.max(columns[*n].min));
                // Nothing more important is missing.
                for (m, hidden) in widths.iter().enumerate() {
                    prop_assert!(hidden.is_some() || columns[m].rank >= columns[*n].rank);
                }
            }
        }
    }
}
