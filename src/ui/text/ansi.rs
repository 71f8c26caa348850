//! What a program printed for a terminal → styled spans: colours are kept, every other escape is dropped.
//! Separate because it is a parser for hostile input and is tested as one.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

use super::unwelcome;

const TAB: usize = 8;

/// What remains of a line rewritten with carriage returns (a progress bar): its last frame.
pub fn last_frame(line: &str) -> &str {
    let line = line.trim_end_matches(['\r', '\n']);
    line.rsplit('\r')
        .find(|frame| !frame.is_empty())
        .unwrap_or("")
}

/// The text without any escape or control character; tabs become spaces.
pub fn strip(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    walk(line, |piece| {
        if let Piece::Char(c) = piece {
            out.push(c);
        }
    });
    out
}

/// One line as spans: SGR colours over `base`, other escapes dropped, tabs expanded, controls removed.
pub fn spans(line: &str, base: Style) -> Vec<Span<'static>> {
    let mut out = Vec::new();
    let mut style = base;
    let mut text = String::new();
    walk(line, |piece| match piece {
        Piece::Char(c) => text.push(c),
        Piece::Sgr(codes) => {
            let next = sgr(style, base, codes);
            if next != style {
                if !text.is_empty() {
                    out.push(Span::styled(std::mem::take(&mut text), style));
                }
                style = next;
            }
        }
    });
    if !text.is_empty() {
        out.push(Span::styled(text, style));
    }
    out
}

enum Piece<'a> {
    Char(char),
    Sgr(&'a str),
}

fn walk<'a>(line: &'a str, mut emit: impl FnMut(Piece<'a>)) {
    let mut chars = line.char_indices().peekable();
    let mut column = 0;
    while let Some((_, c)) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some((_, '[')) => csi(line, &mut chars, &mut emit),
                // Strings for the terminal itself (title, links, clipboard): up to BEL or ST.
                Some((_, ']' | 'P' | 'X' | '^' | '_')) => {
                    while let Some((_, c)) = chars.next() {
                        if c == '\x07' || c == '\u{9c}' {
                            break;
                        }
                        if c == '\x1b' {
                            if matches!(chars.peek(), Some((_, '\\'))) {
                                chars.next();
                            }
                            break;
                        }
                    }
                }
                // Two-character sequences, some with one intermediate (`ESC ( B`).
                Some((_, ' '..='/')) => {
                    chars.next();
                }
                _ => {}
            },
            '\u{9b}' => csi(line, &mut chars, &mut emit),
            '\t' => {
                for _ in 0..TAB - column % TAB {
                    emit(Piece::Char(' '));
                }
                column += TAB - column % TAB;
            }
            c if unwelcome(c) => {}
            c => {
                emit(Piece::Char(c));
                column += 1;
            }
        }
    }
}

fn csi<'a>(
    line: &'a str,
    chars: &mut std::iter::Peekable<std::str::CharIndices<'a>>,
    emit: &mut impl FnMut(Piece<'a>),
) {
    let Some(&(start, _)) = chars.peek() else {
        return;
    };
    while let Some(&(at, c)) = chars.peek() {
        match c {
            '\x20'..='\x3f' => {
                chars.next();
            }
            '\x40'..='\x7e' => {
                chars.next();
                if c == 'm' {
                    emit(Piece::Sgr(&line[start..at]));
                }
                return;
            }
            // Not a sequence after all: what follows is text again.
            _ => return,
        }
    }
}

fn sgr(mut style: Style, base: Style, codes: &str) -> Style {
    // `:` separates sub-parameters in the newer form of the colour codes.
    let mut codes = codes.split([';', ':']).map(|code| {
        if code.is_empty() {
            Some(0)
        } else {
            code.parse::<u16>().ok()
        }
    });
    while let Some(code) = codes.next() {
        let Some(code) = code else { return style };
        style = match code {
            0 => base,
            1 => style.add_modifier(Modifier::BOLD),
            2 => style.add_modifier(Modifier::DIM),
            3 => style.add_modifier(Modifier::ITALIC),
            4 => style.add_modifier(Modifier::UNDERLINED),
            7 => style.add_modifier(Modifier::REVERSED),
            9 => style.add_modifier(Modifier::CROSSED_OUT),
            22 => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
            23 => style.remove_modifier(Modifier::ITALIC),
            24 => style.remove_modifier(Modifier::UNDERLINED),
            27 => style.remove_modifier(Modifier::REVERSED),
            29 => style.remove_modifier(Modifier::CROSSED_OUT),
            30..=37 => style.fg(basic(code - 30)),
            39 => Style {
                fg: base.fg,
                ..style
            },
            40..=47 => style.bg(basic(code - 40)),
            49 => Style {
                bg: base.bg,
                ..style
            },
            90..=97 => style.fg(basic(code - 82)),
            100..=107 => style.bg(basic(code - 92)),
            38 => match extended(&mut codes) {
                Some(colour) => style.fg(colour),
                None => style,
            },
            48 => match extended(&mut codes) {
                Some(colour) => style.bg(colour),
                None => style,
            },
            _ => style,
        };
    }
    style
}

fn extended(codes: &mut impl Iterator<Item = Option<u16>>) -> Option<Color> {
    let mut byte = || codes.next().flatten().and_then(|n| u8::try_from(n).ok());
    match byte()? {
        5 => Some(Color::Indexed(byte()?)),
        2 => Some(Color::Rgb(byte()?, byte()?, byte()?)),
        _ => None,
    }
}

fn basic(n: u16) -> Color {
    const ALL: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    ALL[usize::from(n) % ALL.len()]
}
