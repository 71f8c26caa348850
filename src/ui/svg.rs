//! A finished frame → SVG, ANSI text or plain text, without a terminal. Separate because pictures for documents must be
//! the same cells people see, and lines, blocks and braille drawn as shapes join in every viewer and font.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::Theme;
use super::theme::color;

mod shapes;
#[cfg(test)]
mod tests;

/// Pixels of one cell.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
/// Font size that fits the cell in the fonts named.
const FONT: f64 = 14.0;
const MARGIN: f64 = 12.0;
const FONTS: &str = "'JetBrains Mono','Cascadia Mono','SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";

/// The frame as an SVG picture with the theme's background, rounded corners and a margin.
pub fn svg(buf: &Buffer, theme: &Theme) -> String {
    let ink = Ink::new(theme);
    let (columns, rows) = (f64::from(buf.area.width), f64::from(buf.area.height));
    let (width, height) = (columns * WIDTH + 2.0 * MARGIN, rows * HEIGHT + 2.0 * MARGIN);
    let mut out = String::with_capacity(buf.content.len() * 24);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n\
         <style>text{{font:{FONT}px {FONTS};white-space:pre;dominant-baseline:alphabetic}}.b{{font-weight:700}}.i{{font-style:italic}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{2}\"/>\n<g transform=\"translate({MARGIN} {MARGIN})\">\n",
        trim(width),
        trim(height),
        hex(ink.background),
    );
    for (y, row) in buf
        .content
        .chunks(usize::from(buf.area.width.max(1)))
        .enumerate()
    {
        backgrounds(&mut out, row, y, &ink);
        foregrounds(&mut out, row, y, &ink);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// The frame as text with SGR sequences, one line a row.
pub fn ansi(buf: &Buffer) -> String {
    let mut out = String::new();
    for row in buf.content.chunks(usize::from(buf.area.width.max(1))) {
        let mut last = None;
        for cell in visible(row) {
            let look = (cell.fg, cell.bg, cell.modifier);
            if last != Some(look) {
                sgr(&mut out, look);
                last = Some(look);
            }
            out.push_str(cell.symbol());
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

/// The frame as plain text, one line a row, without blanks at the ends.
pub fn plain(buf: &Buffer) -> String {
    let mut out = String::new();
    for row in buf.content.chunks(usize::from(buf.area.width.max(1))) {
        let line: String = visible(row).map(Cell::symbol).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The cells of a row without those hidden behind a wide character.
fn visible(row: &[Cell]) -> impl Iterator<Item = &Cell> {
    let mut skip = 0;
    row.iter().filter(move |cell| {
        if skip > 0 {
            skip -= 1;
            return false;
        }
        skip = super::text::width(cell.symbol()).saturating_sub(1);
        true
    })
}

fn sgr(out: &mut String, (fg, bg, modifier): (Color, Color, Modifier)) {
    out.push_str("\x1b[0");
    for (flag, code) in [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
        (Modifier::CROSSED_OUT, 9),
    ] {
        if modifier.contains(flag) {
            let _ = write!(out, ";{code}");
        }
    }
    for (colour, base) in [(fg, 30), (bg, 40)] {
        let _ = match colour {
            Color::Reset => Ok(()),
            Color::Rgb(r, g, b) => write!(out, ";{};2;{r};{g};{b}", base + 8),
            Color::Indexed(n) => write!(out, ";{};5;{n}", base + 8),
            named => match (0..16).find(|n| color::ansi(*n) == named) {
                Some(n @ 0..8) => write!(out, ";{}", base + u32::from(n)),
                Some(n) => write!(out, ";{}", base + 52 + u32::from(n)),
                None => Ok(()),
            },
        };
    }
    out.push('m');
}

type Rgb = (u8, u8, u8);

/// What the terminal's own colours are in a picture.
struct Ink {
    background: Rgb,
    text: Rgb,
}

impl Ink {
    fn new(theme: &Theme) -> Self {
        let (background, text) = if theme.is_dark() {
            ((0x10, 0x12, 0x18), (0xd4, 0xd7, 0xde))
        } else {
            ((255, 255, 255), (0x20, 0x24, 0x2c))
        };
        Self {
            background: color::rgb(theme.background()).unwrap_or(background),
            text: theme.base().fg.and_then(color::rgb).unwrap_or(text),
        }
    }

    /// Foreground and background of a cell as they are seen; no background where it is the screen's.
    fn of(&self, cell: &Cell) -> (Rgb, Option<Rgb>) {
        let mut fg = color::rgb(cell.fg).unwrap_or(self.text);
        let mut bg = color::rgb(cell.bg).unwrap_or(self.background);
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut fg, &mut bg);
        }
        if cell.modifier.contains(Modifier::DIM) {
            let mix = |a: u8, b: u8| ((u16::from(a) * 2 + u16::from(b)) / 3) as u8;
            fg = (mix(fg.0, bg.0), mix(fg.1, bg.1), mix(fg.2, bg.2));
        }
        (fg, (bg != self.background).then_some(bg))
    }
}

fn backgrounds(out: &mut String, row: &[Cell], y: usize, ink: &Ink) {
    let mut x = 0;
    while x < row.len() {
        let (_, bg) = ink.of(&row[x]);
        let end = (x..row.len())
            .find(|n| ink.of(&row[*n]).1 != bg)
            .unwrap_or(row.len());
        if let Some(bg) = bg {
            rect(
                out,
                x as f64 * WIDTH,
                y as f64 * HEIGHT,
                (end - x) as f64 * WIDTH,
                HEIGHT,
                bg,
            );
        }
        x = end;
    }
}

fn foregrounds(out: &mut String, row: &[Cell], y: usize, ink: &Ink) {
    let mut x = 0;
    while x < row.len() {
        let cell = &row[x];
        let (fg, _) = ink.of(cell);
        let style = cell.modifier
            & (Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED | Modifier::CROSSED_OUT);
        let symbol = cell.symbol();
        if shapes::draw(out, symbol, x as f64 * WIDTH, y as f64 * HEIGHT, fg) {
            x += 1;
            continue;
        }
        // Plain characters of one look go out together; anything else stands alone so that it keeps its column.
        let alone = |cell: &Cell| !cell.symbol().is_ascii();
        let same = |cell: &Cell| {
            let looks = cell.modifier
                & (Modifier::BOLD
                    | Modifier::ITALIC
                    | Modifier::UNDERLINED
                    | Modifier::CROSSED_OUT);
            !alone(cell) && ink.of(cell).0 == fg && looks == style
        };
        let wide = super::text::width(symbol).max(1);
        let end = if alone(cell) {
            x + wide
        } else {
            (x + 1..row.len())
                .find(|n| !same(&row[*n]))
                .unwrap_or(row.len())
        };
        let words: String = if alone(cell) {
            symbol.to_owned()
        } else {
            row[x..end].iter().map(Cell::symbol).collect()
        };
        write_text(out, &words, x, y, end - x, fg, style);
        x = end;
    }
}

fn write_text(
    out: &mut String,
    words: &str,
    x: usize,
    y: usize,
    cells: usize,
    fg: Rgb,
    style: Modifier,
) {
    let from = x as f64 * WIDTH;
    let long = cells as f64 * WIDTH;
    let base = y as f64 * HEIGHT;
    let line = |out: &mut String, at: f64| rect(out, from, base + at, long, 1.0, fg);
    if style.contains(Modifier::UNDERLINED) {
        line(out, HEIGHT - 2.5);
    }
    if style.contains(Modifier::CROSSED_OUT) {
        line(out, HEIGHT * 0.55);
    }
    let body = words.trim_end();
    let lead = body.len() - body.trim_start().len();
    let body = body.trim_start();
    if body.is_empty() {
        return;
    }
    let class = match (
        style.contains(Modifier::BOLD),
        style.contains(Modifier::ITALIC),
    ) {
        (true, true) => " class=\"b i\"",
        (true, false) => " class=\"b\"",
        (false, true) => " class=\"i\"",
        _ => "",
    };
    let count = if words.is_ascii() { body.len() } else { cells };
    let _ = write!(
        out,
        "<text x=\"{}\" y=\"{}\" fill=\"{}\"{class} textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">",
        trim(from + lead as f64 * WIDTH),
        trim(base + HEIGHT * 0.74),
        hex(fg),
        trim(count as f64 * WIDTH),
    );
    for c in body.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // XML has no room for the rest of the control characters, not even escaped.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out.push_str("</text>\n");
}

fn rect(out: &mut String, x: f64, y: f64, width: f64, height: f64, fill: Rgb) {
    let _ = writeln!(
        out,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" shape-rendering=\"crispEdges\"/>",
        trim(x),
        trim(y),
        trim(width),
        trim(height),
        hex(fill)
    );
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A number with at most two decimals and no idle zeros: pictures stay small and equal on every machine.
fn trim(n: f64) -> String {
    let text = format!("{n:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
