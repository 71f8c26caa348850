//! The signs the kit draws with, in Unicode and in ASCII. Separate so that a terminal without Unicode needs no
//! second set of drawing code, only another set of signs and one pass over the finished frame.

use ratatui::buffer::Buffer;

use super::{State, text};

/// Which signs may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// Everything: blocks, braille, box drawing.
    #[default]
    Unicode,
    /// Seven-bit only.
    Ascii,
}

impl Glyphs {
    /// Chooses by the setting (`unicode`, `ascii`, else automatic) and the locale (`LC_ALL`, `LC_CTYPE`, `LANG`).
    /// Windows terminals have no locale variables and are taken as Unicode.
    pub fn detect(setting: Option<&str>, env: impl Fn(&str) -> Option<String>) -> Self {
        match setting {
            Some("ascii") => return Glyphs::Ascii,
            Some("unicode") => return Glyphs::Unicode,
            _ => {}
        }
        if matches!(
            env("TERM").as_deref(),
            Some("dumb" | "vt100" | "vt102" | "vt220")
        ) {
            return Glyphs::Ascii;
        }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| env(name).filter(|value| !value.is_empty()));
        match locale {
            None if cfg!(windows) => Glyphs::Unicode,
            None => Glyphs::Ascii,
            Some(value) => {
                let value = value.to_lowercase();
                if value.contains("utf-8") || value.contains("utf8") {
                    Glyphs::Unicode
                } else {
                    Glyphs::Ascii
                }
            }
        }
    }

    /// Whether only ASCII may be drawn.
    pub fn is_ascii(self) -> bool {
        self == Glyphs::Ascii
    }

    fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// The sign of a state.
    pub fn state(self, state: State) -> &'static str {
        self.pick(state.glyph(), state.ascii())
    }

    /// Left edge of the selected row.
    pub fn selection(self) -> &'static str {
        self.pick("▌", ">")
    }

    /// A marked row.
    pub fn mark(self) -> &'static str {
        self.pick("◆", "+")
    }

    /// Sort arrow: descending or ascending.
    pub fn sort(self, descending: bool) -> &'static str {
        if descending {
            self.pick("▾", "v")
        } else {
            self.pick("▴", "^")
        }
    }

    /// A zero in a counting column.
    pub fn zero(self) -> &'static str {
        self.pick("·", ".")
    }

    /// What stands for text left out.
    pub fn ellipsis(self) -> &'static str {
        self.pick("…", "~")
    }

    /// Between the parts of a path of screens.
    pub fn crumb(self) -> &'static str {
        self.pick("▸", ">")
    }

    /// Tree branch, not the last child.
    pub fn branch(self) -> &'static str {
        self.pick("├", "|")
    }

    /// Tree branch, the last child.
    pub fn last_branch(self) -> &'static str {
        self.pick("└", "`")
    }

    /// Borrowed quota.
    pub fn borrowed(self) -> &'static str {
        self.pick("↗", "/")
    }

    /// Lent quota.
    pub fn lent(self) -> &'static str {
        self.pick("↘", "\\")
    }

    /// One frame of the spinner. Only for something being waited for; a still screen shows none.
    pub fn spinner(self, step: usize) -> &'static str {
        const BRAILLE: [&str; 8] = ["⠋", "⠙", "⠸", "⢰", "⣠", "⣄", "⡆", "⠇"];
        const BARS: [&str; 4] = ["|", "/", "-", "\\"];
        match self {
            Glyphs::Unicode => BRAILLE[step % BRAILLE.len()],
            Glyphs::Ascii => BARS[step % BARS.len()],
        }
    }

    /// Last pass over a finished frame: nothing in it that a terminal would obey. In ASCII it also replaces whatever
    /// signs are left; text in other scripts becomes `?`, since a terminal that cannot show `│` cannot show it either.
    pub fn finish(self, buf: &mut Buffer) {
        for cell in &mut buf.content {
            if let Some(harmless) = text::cell(cell.symbol()) {
                cell.set_symbol(&harmless);
            }
            if self.is_ascii() && !cell.symbol().is_ascii() {
                let plain = plain(cell.symbol());
                cell.set_symbol(plain);
            }
        }
    }
}

/// The nearest ASCII sign, padded to the same width.
fn plain(symbol: &str) -> &'static str {
    let Some(first) = symbol.chars().next() else {
        return " ";
    };
    match first {
        '━' => "=",
        '─' | '╌' | '┄' | '╴' | '╶' | '–' | '—' | '‐' | '‑' => "-",
        '│' | '╎' | '┆' | '┃' | '╵' | '╷' | '▏' | '▕' => "|",
        '┌'..='╋' | '╭'..='╰' => "+",
        '█' | '▓' | '▉' | '▊' | '▋' | '■' => "#",
        '▒' | '▌' | '▐' | '▍' | '▄' | '▀' | '▅'..='▇' => "=",
        '▎' | '░' | '▁'..='▃' => "-",
        '·' | '•' | '∙' => ".",
        '…' => "~",
        '●' => "*",
        '✓' => "+",
        '✗' | '×' => "x",
        '◌' | '○' | '□' => "o",
        '◔' => ".",
        '↻' => "~",
        '‖' => "=",
        '◑' => "/",
        '⌫' | '←' | '‹' => "<",
        '◆' => "+",
        '▸' | '→' | '›' | '»' | '▶' => ">",
        '▴' | '↑' | '▲' => "^",
        '▾' | '↓' | '▼' => "v",
        '↗' => "/",
        '↘' => "\\",
        '≈' => "~",
        '≤' => "<",
        '≥' => ">",
        '‘' | '’' => "'",
        '“' | '”' => "\"",
        '\u{2800}' => " ",
        '\u{2801}'..='\u{28ff}' => ":",
        _ if unicode_width::UnicodeWidthStr::width(symbol) == 2 => "??",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn the_locale_decides_and_the_setting_overrules() {
        assert_eq!(
            Glyphs::detect(None, env(&[("LANG", "en_GB.UTF-8")])),
            Glyphs::Unicode
        );
        assert_eq!(
            Glyphs::detect(None, env(&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "C")])),
            Glyphs::Ascii
        );
        assert_eq!(
            Glyphs::detect(None, env(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")])),
            Glyphs::Unicode
        );
        assert_eq!(
            Glyphs::detect(Some("unicode"), env(&[("LANG", "C")])),
            Glyphs::Unicode
        );
        assert_eq!(
            Glyphs::detect(Some("ascii"), env(&[("LANG", "de_DE.UTF-8")])),
            Glyphs::Ascii
        );
        assert_eq!(
            Glyphs::detect(Some("auto"), env(&[("LANG", "C.UTF-8"), ("TERM", "vt100")])),
            Glyphs::Ascii
        );
    }

    #[test]
    fn finish_leaves_nothing_but_ascii_and_keeps_the_width() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 30, 1));
        buf.set_string(0, 0, "├─ ●✓✗ ▌◆ 日本 ⣿ ½ ▸ Ωé", Style::new());
        Glyphs::Ascii.finish(&mut buf);
        let text: String = buf
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert!(text.is_ascii(), "{text}");
        assert!(text.starts_with("+- *+x =+ ??"), "{text}");
    }

    #[test]
    fn every_ascii_sign_is_ascii() {
        let g = Glyphs::Ascii;
        for sign in [
            g.selection(),
            g.mark(),
            g.sort(true),
            g.sort(false),
            g.zero(),
            g.ellipsis(),
            g.crumb(),
            g.branch(),
        ] {
            assert!(sign.is_ascii());
        }
        assert!((0..9).all(|step| g.spinner(step).is_ascii()));
    }
}
