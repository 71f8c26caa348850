//! Single lines that join: each line is drawn into what is already there, and where lines meet the right corner or
//! crossing appears. A line reaches into the lines at its own ends, so draw the long ones first. Separate because it
//! is the one trick that makes split panes look like one piece.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

const UP: u8 = 1;
const RIGHT: u8 = 2;
const DOWN: u8 = 4;
const LEFT: u8 = 8;

/// The sign for each set of arms; bit 1 up, 2 right, 4 down, 8 left.
const SIGNS: [&str; 16] = [
    " ", "╵", "╶", "└", "╷", "│", "┌", "├", "╴", "┘", "─", "┴", "┐", "┤", "┬", "┼",
];

fn arms(symbol: &str) -> u8 {
    SIGNS
        .iter()
        .position(|sign| *sign == symbol)
        .and_then(|n| u8::try_from(n).ok())
        .unwrap_or(0)
}

fn add(buf: &mut Buffer, x: u16, y: u16, more: u8, style: Style) {
    if let Some(cell) = buf.cell_mut((x, y)) {
        let arms = arms(cell.symbol()) | more;
        cell.set_symbol(SIGNS[usize::from(arms)]).set_style(style);
    }
}

/// A line over the whole width of a one-row area; its ends reach into lines they touch.
pub fn horizontal(area: Rect, buf: &mut Buffer, style: Style) {
    for x in area.left()..area.right() {
        let ends = if area.width == 1 {
            LEFT | RIGHT
        } else if x == area.left() {
            RIGHT | touching(buf, x, area.y, LEFT)
        } else if x == area.right() - 1 {
            LEFT | touching(buf, x, area.y, RIGHT)
        } else {
            LEFT | RIGHT
        };
        add(buf, x, area.y, ends, style);
    }
    // A line that begins beside another joins it: `│` becomes `├`.
    if area.width > 0 {
        if area.x > 0 {
            join(buf, area.x - 1, area.y, RIGHT);
        }
        join(buf, area.right(), area.y, LEFT);
    }
}

/// A line over the whole height of a one-column area.
pub fn vertical(area: Rect, buf: &mut Buffer, style: Style) {
    for y in area.top()..area.bottom() {
        let ends = if area.height == 1 {
            UP | DOWN
        } else if y == area.top() {
            DOWN | touching(buf, area.x, y, UP)
        } else if y == area.bottom() - 1 {
            UP | touching(buf, area.x, y, DOWN)
        } else {
            UP | DOWN
        };
        add(buf, area.x, y, ends, style);
    }
    if area.height > 0 {
        if area.y > 0 {
            join(buf, area.x, area.y - 1, DOWN);
        }
        join(buf, area.x, area.bottom(), UP);
    }
}

/// The end of a line is drawn whole unless it ends on another line, where it becomes a corner or a T.
fn touching(buf: &Buffer, x: u16, y: u16, outward: u8) -> u8 {
    if buf
        .cell((x, y))
        .is_some_and(|cell| arms(cell.symbol()) != 0)
    {
        0
    } else {
        outward
    }
}

/// Adds an arm to a line that runs across; text and the ends of parallel lines are left alone.
fn join(buf: &mut Buffer, x: u16, y: u16, arm: u8) {
    let Some(cell) = buf.cell_mut((x, y)) else {
        return;
    };
    let now = arms(cell.symbol());
    let across = if arm & (LEFT | RIGHT) != 0 {
        UP | DOWN
    } else {
        LEFT | RIGHT
    };
    if now & across != 0 {
        cell.set_symbol(SIGNS[usize::from(now | arm)]);
    }
}

/// A frame around an area, for dialogs: over whatever is there, not joined to it.
pub fn outline(area: Rect, buf: &mut Buffer, style: Style) {
    let area = area.intersection(buf.area);
    if area.width < 2 || area.height < 2 {
        return;
    }
    let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
    let mut set = |x: u16, y: u16, arms: u8| {
        buf[(x, y)]
            .set_symbol(SIGNS[usize::from(arms)])
            .set_style(style);
    };
    for x in left + 1..right {
        set(x, top, LEFT | RIGHT);
        set(x, bottom, LEFT | RIGHT);
    }
    for y in top + 1..bottom {
        set(left, y, UP | DOWN);
        set(right, y, UP | DOWN);
    }
    set(left, top, RIGHT | DOWN);
    set(right, top, LEFT | DOWN);
    set(left, bottom, UP | RIGHT);
    set(right, bottom, UP | LEFT);
}
