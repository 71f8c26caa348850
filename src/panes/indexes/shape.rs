//! How many indexes go on a row and into a cell. Separate because it is arithmetic with laws: every index has
//! one place, and no place is outside the area.

/// The arrangement of a grid in an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    pub len: u32,
    /// Indexes per cell; 1: every index has its own.
    pub block: u32,
    /// Cells per row.
    pub per_row: u32,
    /// Columns kept for row labels, the blank after them included.
    pub label: u16,
}

/// Indexes that are still shown one by one, scrolled if need be.
const ONE_BY_ONE: u32 = 2_000;

impl Shape {
    /// Fits `len` indexes into so many columns and rows of cells (the ruler not counted).
    pub fn fit(len: u32, width: u16, rows: u16) -> Self {
        let label = digits(len.saturating_sub(1)) + 1;
        let room = u32::from(width.saturating_sub(label).max(1));
        // cells stand in tens with a blank after each ten
        let tens = (room + 1) / 11;
        let per_row = if tens == 0 { room } else { tens * 10 }.clamp(1, 100);
        let rows = u32::from(rows.max(1));
        let mut block = 1;
        if len > ONE_BY_ONE {
            let mut steps = [2, 5, 10].iter().cycle();
            let mut base = 1;
            while len.div_ceil(block) > per_row * rows && block < len {
                let step = steps.next().copied().unwrap_or(10);
                block = base * step;
                if step == 10 {
                    base = block;
                }
            }
        }
        Self {
            len,
            block,
            per_row,
            label,
        }
    }

    pub fn cells(&self) -> u32 {
        self.len.div_ceil(self.block.max(1))
    }

    pub fn rows(&self) -> u32 {
        self.cells().div_ceil(self.per_row.max(1))
    }

    /// The cell of an index.
    pub fn cell(&self, index: u32) -> u32 {
        index / self.block.max(1)
    }

    /// First and last index of a cell.
    pub fn range(&self, cell: u32) -> (u32, u32) {
        let from = cell * self.block;
        (
            from,
            (from + self.block - 1).min(self.len.saturating_sub(1)),
        )
    }

    /// Row and column (in screen columns from the left of the area) of a cell.
    pub fn place(&self, cell: u32) -> (u32, u16) {
        let at = cell % self.per_row;
        (cell / self.per_row, self.label + (at + at / 10) as u16)
    }

    /// The cell at a row and a screen column, if one is there.
    pub fn at(&self, row: u32, x: u16) -> Option<u32> {
        let x = u32::from(x.checked_sub(self.label)?);
        if x % 11 == 10 {
            return None;
        }
        let at = x - x / 11;
        let cell = row * self.per_row + at;
        (at < self.per_row && cell < self.cells()).then_some(cell)
    }
}

fn digits(n: u32) -> u16 {
    n.checked_ilog10().unwrap_or(0) as u16 + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_stand_in_one_row_and_a_hundred_thousand_fold() {
        let ten = Shape::fit(10, 48, 4);
        assert_eq!(
            (ten.block, ten.per_row, ten.rows(), ten.label),
            (1, 40, 1, 2)
        );
        let hundred = Shape::fit(98, 48, 4);
        assert_eq!((hundred.block, hundred.per_row, hundred.rows()), (1, 40, 3));
        let many = Shape::fit(20_000, 80, 12);
        assert_eq!((many.block, many.per_row, many.rows()), (50, 60, 7));
        let most = Shape::fit(100_000, 48, 6);
        assert_eq!((most.block, most.rows()), (1000, 4));
        assert_eq!(Shape::fit(0, 48, 6).rows(), 0);
    }

    proptest! {
        #[test]
        fn every_index_has_one_place_inside(
            len in 1u32..120_000, width in 10u16..220, rows in 1u16..40, pick in 0u32..120_000,
        ) {
            let shape = Shape::fit(len, width, rows);
            let index = pick % len;
            let cell = shape.cell(index);
            let (from, to) = shape.range(cell);
            prop_assert!(from <= index && index <= to && to < len);
            let (row, x) = shape.place(cell);
            prop_assert!(row < shape.rows());
            prop_assert!(x < width, "{shape:?}");
            prop_assert_eq!(shape.at(row, x), Some(cell));
            prop_assert!(shape.block == 1 || shape.rows() <= u32::from(rows));
        }
    }
}
