//! Box drawing, blocks, braille and the signs of states as shapes. Separate because fonts draw them too short, too
//! wide or not at all, and a line with gaps is the first thing seen in a picture.

use std::fmt::Write;

use super::{HEIGHT, Rgb, WIDTH, hex, rect, trim};

/// Draws a symbol as shapes at the corner of its cell; whether it knew it.
pub(super) fn draw(out: &mut String, symbol: &str, x: f64, y: f64, fg: Rgb) -> bool {
    let mut chars = symbol.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return false;
    };
    match c {
        ' ' => {}
        '█' => rect(out, x, y, WIDTH, HEIGHT, fg),
        '▁'..='▇' => {
            let part = f64::from(c as u32 - 0x2580) / 8.0;
            rect(out, x, y + HEIGHT * (1.0 - part), WIDTH, HEIGHT * part, fg);
        }
        '▉'..='▏' => rect(
            out,
            x,
            y,
            WIDTH * f64::from(0x2590 - c as u32) / 8.0,
            HEIGHT,
            fg,
        ),
        '▀' => rect(out, x, y, WIDTH, HEIGHT / 2.0, fg),
        '▐' => rect(out, x + WIDTH / 2.0, y, WIDTH / 2.0, HEIGHT, fg),
        '▕' => rect(out, x + WIDTH * 0.875, y, WIDTH * 0.125, HEIGHT, fg),
        '▖' | '▗' | '▘' | '▝' => {
            let right = if matches!(c, '▗' | '▝') {
                WIDTH / 2.0
            } else {
                0.0
            };
            let down = if matches!(c, '▖' | '▗') {
                HEIGHT / 2.0
            } else {
                0.0
            };
            rect(out, x + right, y + down, WIDTH / 2.0, HEIGHT / 2.0, fg);
        }
        '░' => shade(out, x, y, fg, 0.28),
        '▒' => shade(out, x, y, fg, 0.5),
        '▓' => shade(out, x, y, fg, 0.72),
        '■' => rect(
            out,
            x + 0.7,
            y + HEIGHT * 0.25,
            WIDTH - 1.4,
            HEIGHT * 0.52,
            fg,
        ),
        '\u{2800}'..='\u{28ff}' => braille(out, c as u32 - 0x2800, x, y, fg),
        '●' => circle(out, x, y, fg),
        '─' | '│' | '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╴' | '╵' | '╶' | '╷' =>
        {
            lines(out, c, x, y, fg);
        }
        _ => return false,
    }
    true
}

fn shade(out: &mut String, x: f64, y: f64, fg: Rgb, part: f64) {
    let _ = writeln!(
        out,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" fill-opacity=\"{part}\" shape-rendering=\"crispEdges\"/>",
        trim(x),
        trim(y),
        trim(WIDTH),
        trim(HEIGHT),
        hex(fg)
    );
}

fn circle(out: &mut String, x: f64, y: f64, fg: Rgb) {
    let (cx, cy) = (trim(x + WIDTH / 2.0), trim(y + HEIGHT * 0.52));
    let _ = writeln!(
        out,
        "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"3.4\" fill=\"{}\"/>",
        hex(fg)
    );
}

/// Each arm from the middle of the cell to its edge.
fn lines(out: &mut String, c: char, x: f64, y: f64, fg: Rgb) {
    let (up, right, down, left) = match c {
        '─' => (false, true, false, true),
        '│' => (true, false, true, false),
        '┌' => (false, true, true, false),
        '┐' => (false, false, true, true),
        '└' => (true, true, false, false),
        '┘' => (true, false, false, true),
        '├' => (true, true, true, false),
        '┤' => (true, false, true, true),
        '┬' => (false, true, true, true),
        '┴' => (true, true, false, true),
        '┼' => (true, true, true, true),
        '╴' => (false, false, false, true),
        '╵' => (true, false, false, false),
        '╶' => (false, true, false, false),
        _ => (false, false, true, false),
    };
    let (cx, cy) = (x + WIDTH / 2.0, y + HEIGHT / 2.0);
    if left || right {
        let from = if left { x } else { cx - 0.5 };
        let to = if right { x + WIDTH } else { cx + 0.5 };
        rect(out, from, cy - 0.5, to - from, 1.0, fg);
    }
    if up || down {
        let from = if up { y } else { cy - 0.5 };
        let to = if down { y + HEIGHT } else { cy + 0.5 };
        rect(out, cx - 0.5, from, 1.0, to - from, fg);
    }
}

fn braille(out: &mut String, bits: u32, x: f64, y: f64, fg: Rgb) {
    const PLACES: [(f64, f64); 8] = [
        (0.0, 0.0),
        (0.0, 1.0),
        (0.0, 2.0),
        (1.0, 0.0),
        (1.0, 1.0),
        (1.0, 2.0),
        (0.0, 3.0),
        (1.0, 3.0),
    ];
    for (bit, (column, row)) in PLACES.iter().enumerate() {
        if bits >> bit & 1 == 1 {
            let cx = x + WIDTH * (1.0 + 2.0 * column) / 4.0;
            let cy = y + HEIGHT * (1.0 + 2.0 * row) / 8.0;
            let _ = writeln!(
                out,
                "<circle cx=\"{}\" cy=\"{}\" r=\"1.25\" fill=\"{}\"/>",
                trim(cx),
                trim(cy),
                hex(fg)
            );
        }
    }
}
