//! From values to cells: the plot's scales, and curves as braille dots (or ASCII signs).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::sign;
use crate::ui::Theme;

/// Where a value stands on the axis; `None`: nowhere.
pub fn height(value: f64, log: bool) -> Option<f64> {
    let value = match (log, value > 0.0) {
        (true, true) => value.log10(),
        (true, false) => return None,
        (false, _) => value,
    };
    value.is_finite().then_some(value)
}

/// A rectangle with scales: x as it is, y as [`height`] says.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    pub area: Rect,
    pub x: (f64, f64),
    pub y: (f64, f64),
    pub log: bool,
}

/// The part of a range, of `most` dots; halves, so that no difference is infinite.
fn scaled(value: f64, (low, high): (f64, f64), most: f64) -> f64 {
    let span = high / 2.0 - low / 2.0;
    if span > 0.0 {
        (value / 2.0 - low / 2.0) / span * most
    } else {
        most / 2.0
    }
}

impl Plot {
    fn wide(&self) -> f64 {
        f64::from(u32::from(self.area.width) * 2).max(1.0) - 1.0
    }

    fn tall(&self) -> f64 {
        f64::from(u32::from(self.area.height) * 4).max(1.0) - 1.0
    }

    /// Dot of a point, which may lie outside; from the left and from the top.
    fn dot(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let y = height(y, self.log)?;
        if !x.is_finite() {
            return None;
        }
        let (x, y) = (
            scaled(x, self.x, self.wide()),
            self.tall() - scaled(y, self.y, self.tall()),
        );
        (x.is_finite() && y.is_finite()).then_some((x.round(), y.round()))
    }

    /// Column of the screen of an x, if it is inside.
    pub fn column(&self, x: f64) -> Option<u16> {
        let at = scaled(x, self.x, self.wide()).round();
        if self.area.is_empty() || !(0.0..=self.wide()).contains(&at) {
            return None;
        }
        Some(self.area.x + (at / 2.0) as u16)
    }

    /// Row of the screen of a value, if it is inside.
    pub fn row(&self, y: f64) -> Option<u16> {
        let at = self.tall() - scaled(height(y, self.log)?, self.y, self.tall());
        let at = at.round();
        if self.area.is_empty() || !(0.0..=self.tall()).contains(&at) {
            return None;
        }
        Some(self.area.y + (at / 4.0) as u16)
    }

    pub fn cell(&self, x: f64, y: f64) -> Option<(u16, u16)> {
        Some((self.column(x)?, self.row(y)?))
    }

    /// The room between two curves, filled.
    pub fn band(
        &self,
        band: &[(f64, f64, f64)],
        n: usize,
        style: Style,
        buf: &mut Buffer,
        theme: &Theme,
    ) {
        // Up and down in turn: the lines between are the filling.
        let edge = |(at, (x, low, high)): (usize, &(f64, f64, f64))| {
            let (first, second) = if at % 2 == 0 {
                (*low, *high)
            } else {
                (*high, *low)
            };
            [(*x, first), (*x, second)]
        };
        let points: Vec<(f64, f64)> = band.iter().enumerate().flat_map(edge).collect();
        self.curve(&points, n, style, buf, theme);
    }

    /// One curve, the n-th: neighbours are joined by straight lines of dots.
    pub fn curve(
        &self,
        points: &[(f64, f64)],
        n: usize,
        style: Style,
        buf: &mut Buffer,
        theme: &Theme,
    ) {
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        if self.area.is_empty() {
            return;
        }
        let columns = usize::from(self.area.width);
        let mut cells = vec![0_u8; columns * usize::from(self.area.height)];
        let (wide, tall) = (self.wide(), self.tall());
        let mut set = |x: f64, y: f64| {
            if (0.0..=wide).contains(&x) && (0.0..=tall).contains(&y) {
                let (x, y) = (x as usize, y as usize);
                cells[y / 4 * columns + x / 2] |= BITS[x % 2][y % 4];
            }
        };
        let mut last: Option<(f64, f64)> = None;
        for (x, y) in points {
            let Some(at) = self.dot(*x, *y) else {
                last = None;
                continue;
            };
            set(at.0, at.1);
            if let Some(from) = last
                && let Some((a, b)) = clipped(from, at, wide)
            {
                let steps = (b.0 - a.0).abs().max((b.1 - a.1).abs()).min(65_536.0);
                let mut step = 0.0;
                while step < steps {
                    let part = step / steps;
                    set(
                        (a.0 + (b.0 - a.0) * part).round(),
                        (a.1 + (b.1 - a.1) * part).round(),
                    );
                    step += 1.0;
                }
            }
            last = Some(at);
        }
        let ascii = theme.glyphs().is_ascii();
        for (at, bits) in cells.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            let x = self.area.x + u16::try_from(at % columns).unwrap_or(0);
            let y = self.area.y + u16::try_from(at / columns).unwrap_or(0);
            let cell = &mut buf[(x, y)];
            // A cell has one hue: where curves run over each other, they have every other one, so that none is hidden.
            let mut shared = false;
            if ascii {
                cell.set_symbol(sign(n, true));
            } else {
                let before = match cell.symbol().chars().next() {
                    Some(c @ '\u{2800}'..='\u{28ff}') => c as u32 - 0x2800,
                    _ => 0,
                };
                let background = Some(cell.fg) == theme.faint().fg || Some(cell.fg) == style.fg;
                shared = before != 0 && !background && at % columns % 2 == 1;
                let dots = char::from_u32(0x2800 + (before | u32::from(*bits)));
                cell.set_char(dots.unwrap_or(' '));
            }
            if !shared {
                cell.set_style(style);
            }
        }
    }
}

/// The part of a line that lies between the left and the right edge.
fn clipped(a: (f64, f64), b: (f64, f64), wide: f64) -> Option<((f64, f64), (f64, f64))> {
    if a.0.max(b.0) < 0.0 || a.0.min(b.0) > wide {
        return None;
    }
    let at = |x: f64| {
        let part = if b.0 == a.0 {
            0.0
        } else {
            (x - a.0) / (b.0 - a.0)
        };
        (x, a.1 + (b.1 - a.1) * part)
    };
    let inside = |p: (f64, f64)| {
        if p.0 < 0.0 {
            at(0.0)
        } else if p.0 > wide {
            at(wide)
        } else {
            p
        }
    };
    Some((inside(a), inside(b)))
}
