//! Drawing the visible window of a table. Separate from the description of tables to keep each readable.

use super::*;

/// The column at the left of every row for selection and marks.
const GUTTER: u16 = 1;

pub(super) fn draw<'r>(
    table: &Table<'_>,
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
    state: &mut TableState,
    mut row: impl FnMut(usize) -> Row<'r>,
) -> Rect {
    let area = area.intersection(buf.area);
    let head = u16::from(table.header && area.height > 1);
    let body = Rect {
        y: area.y + head,
        height: area.height - head,
        ..area
    };
    state.settle(table.rows, usize::from(body.height));
    if area.width <= GUTTER || area.height == 0 {
        state.shown.clear();
        return body;
    }

    let first = state.offset();
    let last = table.rows.min(first + usize::from(body.height));
    let rows: Vec<Row<'r>> = (first..last).map(&mut row).collect();
    let overflow = table.rows > usize::from(body.height) && body.height > 2 && area.width > 20;
    let inner = Rect {
        x: area.x + GUTTER,
        width: area.width - GUTTER - u16::from(overflow),
        ..area
    };

    remember(table, state, &rows);
    let widths = layout(table.columns, &state.seen, inner.width);
    let mut x = inner.x;
    state.shown.clear();
    for (n, width) in widths.iter().enumerate() {
        if let Some(width) = width {
            state.shown.push((n, x, *width));
            x += width + 1;
        }
    }

    if head > 0 {
        headings(table, Rect { height: 1, ..inner }, buf, theme, state);
    }
    for (n, row) in rows.iter().enumerate() {
        let y = body.y + u16::try_from(n).unwrap_or(u16::MAX);
        let selected = state.selected() == Some(first + n);
        let line = Rect {
            x: area.x,
            y,
            width: area.width,
            height: 1,
        };
        draw_row(table, row, selected, line, buf, theme, state);
    }
    if overflow {
        crate::ui::scroll::bar(
            Rect {
                x: area.right() - 1,
                width: 1,
                ..body
            },
            buf,
            theme,
            crate::ui::scroll::Window {
                offset: first,
                page: usize::from(body.height),
                total: table.rows,
            },
        );
    }
    body
}

/// Widens the memory of natural widths by what is on screen now.
fn remember(table: &Table<'_>, state: &mut TableState, rows: &[Row<'_>]) {
    let same = state.layout.len() == table.columns.len()
        && state
            .layout
            .iter()
            .zip(table.columns)
            .all(|(id, column)| *id == column.id);
    if !same {
        state.layout = table.columns.iter().map(|column| column.id).collect();
        let ideal = |column: &Column| {
            column
                .ideal
                .max(u16::try_from(text::width(&column.title)).unwrap_or(0))
        };
        state.seen = table.columns.iter().map(ideal).collect();
        state.labels = vec![0; table.columns.len()];
    }
    for row in rows {
        for (n, cell) in row.cells.iter().enumerate().take(state.seen.len()) {
            if let Cell::Bar(meter) = cell
                && meter.has_bar()
            {
                let label = u16::try_from(meter.label_width()).unwrap_or(u16::MAX);
                state.labels[n] = state.labels[n].max(label);
            }
            let wide = u16::try_from(natural(cell, state.labels[n])).unwrap_or(u16::MAX);
            state.seen[n] = state.seen[n].max(wide);
        }
    }
}

fn natural(cell: &Cell<'_>, label: u16) -> usize {
    match cell {
        Cell::Empty => 0,
        Cell::Text(words) | Cell::Styled(words, _) | Cell::Either(words, _, _) => {
            text::width(words)
        }
        Cell::Number(n) => text::count(*n).len(),
        Cell::Spans(spans) => text::spans_width(spans),
        Cell::State(_, word) => 2 + text::width(word),
        // A bar has no width of its own: ten columns say enough, and the column's greatest width bounds it.
        Cell::Bar(meter) if meter.has_bar() => 11 + usize::from(label),
        Cell::Bar(meter) => meter.label_width(),
    }
}

fn headings(table: &Table<'_>, area: Rect, buf: &mut Buffer, theme: &Theme, state: &TableState) {
    for (n, x, width) in &state.shown {
        let column = &table.columns[*n];
        let sorted = table.sort.filter(|(id, _)| *id == column.id);
        let style = if sorted.is_some() {
            theme.header().patch(theme.accent())
        } else {
            theme.header()
        };
        let arrow = sorted.map(|(_, descending)| theme.glyphs().sort(descending));
        let room = usize::from(*width).saturating_sub(usize::from(arrow.is_some()));
        let title = text::shorten(&column.title, room, Shorten::End);
        let used = text::width(&title) + usize::from(arrow.is_some());
        let start = match column.align {
            Align::Left => *x,
            Align::Right => x + width.saturating_sub(u16::try_from(used).unwrap_or(*width)),
        };
        let (next, _) = buf.set_stringn(start, area.y, &title, room, style);
        if let Some(arrow) = arrow.filter(|_| next < x + width) {
            buf.set_string(next, area.y, arrow, style);
        }
    }
}

fn draw_row(
    table: &Table<'_>,
    row: &Row<'_>,
    selected: bool,
    line: Rect,
    buf: &mut Buffer,
    theme: &Theme,
    state: &TableState,
) {
    let chosen = theme.selection(table.focused);
    if selected {
        buf.set_style(line, chosen);
    }
    for (n, x, width) in &state.shown {
        let Some(cell) = row.cells.get(*n) else {
            continue;
        };
        let place = Rect {
            x: *x,
            y: line.y,
            width: *width,
            height: 1,
        };
        draw_cell(
            &table.columns[*n],
            cell,
            row.dim,
            place,
            buf,
            theme,
            state.labels[*n],
        );
        // A selection with its own foreground covers the hues of the row; only bars keep theirs.
        if let Some(fg) = chosen.fg.filter(|_| selected) {
            for x in place.left()..place.right() {
                let under = &mut buf[(x, line.y)];
                if !is_bar(under.symbol()) {
                    under.set_fg(fg);
                }
            }
        }
    }
    let gutter = match (row.marked, selected) {
        (true, _) => Some((theme.glyphs().mark(), theme.mark())),
        (false, true) => Some((
            theme.glyphs().selection(),
            theme.selection_bar(table.focused),
        )),
        _ => None,
    };
    if let Some((sign, style)) = gutter {
        buf.set_string(line.x, line.y, sign, style);
    }
}

/// Whether a sign is part of a bar rather than text.
fn is_bar(symbol: &str) -> bool {
    matches!(symbol.chars().next(), Some('▀'..='▟' | '│' | ' '))
}

fn draw_cell(
    column: &Column,
    cell: &Cell<'_>,
    dim: bool,
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
    label: u16,
) {
    let plain = if dim { theme.dim() } else { theme.text() };
    let room = usize::from(area.width);
    let put = |buf: &mut Buffer, words: &str, style: Style| {
        let words = text::shorten(words, room, column.shorten);
        let used = u16::try_from(text::width(&words))
            .unwrap_or(area.width)
            .min(area.width);
        let x = match column.align {
            Align::Left => area.x,
            Align::Right => area.right() - used,
        };
        buf.set_stringn(x, area.y, &words, room, style);
    };
    match cell {
        Cell::Empty => {}
        Cell::Text(words) => put(buf, words, plain),
        Cell::Styled(words, style) => put(buf, words, plain.patch(*style)),
        Cell::Either(word, short, style) => {
            let fits = text::width(word) <= room;
            put(buf, if fits { word } else { short }, plain.patch(*style));
        }
        Cell::Number(0) => put(buf, theme.glyphs().zero(), theme.faint()),
        Cell::Number(n) => put(buf, &text::count(*n), plain),
        Cell::State(state, word) => {
            let style = theme.state(*state);
            let (x, _) = buf.set_stringn(area.x, area.y, theme.glyphs().state(*state), room, style);
            let x = x + 1;
            let room = usize::from(area.right().saturating_sub(x));
            if room > 0 {
                buf.set_stringn(
                    x,
                    area.y,
                    text::shorten(word, room, column.shorten),
                    room,
                    style,
                );
            }
        }
        Cell::Spans(spans) => {
            let whole = text::spans_width(spans);
            let spans: Cow<'_, [Span<'_>]> = if whole > room {
                Cow::Owned(text::slice(spans, 0, room.saturating_sub(1)))
            } else {
                Cow::Borrowed(spans)
            };
            let mut x = match column.align {
                Align::Right if whole < room => area.right() - u16::try_from(whole).unwrap_or(0),
                _ => area.x,
            };
            for span in spans.iter() {
                let left = usize::from(area.right().saturating_sub(x));
                (x, _) = buf.set_stringn(x, area.y, &span.content, left, plain.patch(span.style));
            }
            if whole > room && x < area.right() {
                buf.set_string(x, area.y, theme.glyphs().ellipsis(), plain);
            }
        }
        Cell::Bar(meter) => meter.draw(area, buf, theme, usize::from(label)),
    }
}
