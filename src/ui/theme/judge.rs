//! How well a look can be read: contrast of what was drawn, and colours as colour-blind eyes see them. Test code only.

use std::collections::{BTreeMap, HashSet};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};

use super::color::{Depth, contrast, rgb};
use super::{Glyphs, Theme, Themes};
use crate::ui::State;

pub type Rgb = (u8, u8, u8);

/// Least contrast of words and of signs that mean something: WCAG 2.2, success criteria 1.4.3 (text, 4.5), 1.4.11
/// (graphics, 3) and 1.4.6 (enhanced, 7). <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>
const WORDS: f64 = 4.5;
const SECONDARY: f64 = 3.0;
const ENHANCED: f64 = 7.0;

pub fn load(name: &str, depth: Depth) -> Theme {
    Themes::default()
        .load(name, depth, Glyphs::Unicode)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Every shipped theme at every depth it has colours of its own for. The sixteen are the user's own palette.
pub fn coloured() -> Vec<(String, Depth)> {
    let own = |name: &&String| !name.starts_with("ansi16") && *name != "mono";
    let names = Themes::default().names();
    let own: Vec<&String> = names.iter().filter(own).collect();
    [Depth::True, Depth::Indexed]
        .into_iter()
        .flat_map(|depth| own.iter().map(move |name| ((*name).clone(), depth)))
        .collect()
}

pub fn all() -> Vec<(String, Depth)> {
    let mut all = coloured();
    all.extend(["ansi16", "ansi16-light"].map(|name| (name.to_owned(), Depth::Ansi16)));
    all
}

/// What the terminal's own colours are taken to be.
pub fn shown(theme: &Theme, colour: Option<Color>, back: bool) -> Rgb {
    let own = match (theme.is_dark(), back) {
        (true, true) | (false, false) => (0, 0, 0),
        (true, false) => (0xe5, 0xe5, 0xe5),
        (false, true) => (255, 255, 255),
    };
    colour.and_then(rgb).unwrap_or(own)
}

/// The contrast of a style over a surface, as it would be seen.
pub fn seen(theme: &Theme, style: Style, surface: Style) -> f64 {
    let style = surface.patch(style);
    let (mut fg, mut bg) = (shown(theme, style.fg, false), shown(theme, style.bg, true));
    if style.add_modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    if style.add_modifier.contains(Modifier::DIM) {
        let mix = |a: u8, b: u8| u8::try_from((u16::from(a) * 2 + u16::from(b)) / 3).unwrap();
        fg = (mix(fg.0, bg.0), mix(fg.1, bg.1), mix(fg.2, bg.2));
    }
    contrast(fg, bg)
}

/// What decides how well a cell of a theme can be read: its colours, and what kind of sign it bears.
type Look = (String, Depth, Color, Color, Modifier, Sign);

/// Pairs of colours that were drawn and cannot be read well enough, with where each was met first.
#[derive(Default)]
pub struct Unread {
    all: BTreeMap<String, String>,
    /// Another cell that looks the same says nothing new.
    judged: HashSet<Look>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sign {
    Word,
    Bar,
    Other,
}

impl Sign {
    fn of(cell: &Cell) -> Option<Self> {
        let sign = cell.symbol().chars().next();
        let sign = sign.filter(|c| !c.is_whitespace())?;
        let bar =
            ('\u{2580}'..='\u{259f}').contains(&sign) || ('\u{2800}'..='\u{28ff}').contains(&sign);
        Some(match (sign.is_alphanumeric(), bar) {
            (true, _) => Self::Word,
            (_, true) => Self::Bar,
            _ => Self::Other,
        })
    }
}

impl Unread {
    /// Looks at every cell of a frame.
    pub fn look(&mut self, theme: &Theme, buf: &Buffer, place: &str) {
        let mut last = None;
        for (n, cell) in buf.content.iter().enumerate() {
            let Some(sign) = Sign::of(cell) else {
                continue;
            };
            let look = (cell.fg, cell.bg, cell.modifier, sign);
            if last.replace(look) == Some(look) {
                continue;
            }
            let (fg, bg, modifier, sign) = look;
            let look = (
                theme.name().to_owned(),
                theme.depth(),
                fg,
                bg,
                modifier,
                sign,
            );
            if !self.judged.insert(look) {
                continue;
            }
            let Some((kind, least)) = needs(theme, cell.fg, sign) else {
                continue;
            };
            let style = Style::new()
                .fg(cell.fg)
                .bg(cell.bg)
                .add_modifier(cell.modifier);
            let got = seen(theme, style, Style::new());
            if got + 0.005 < least {
                let depth = theme.depth();
                let pair = format!(
                    "{} {depth:?}: {kind} {} on {}{}",
                    theme.name(),
                    cell.fg,
                    cell.bg,
                    if cell.modifier.contains(Modifier::REVERSED) {
                        " reversed"
                    } else {
                        ""
                    },
                );
                let row = n / usize::from(buf.area.width);
                self.all.entry(pair).or_insert_with(|| {
                    let at = row * usize::from(buf.area.width);
                    let row = &buf.content[at..at + usize::from(buf.area.width)];
                    let text: String = row.iter().map(Cell::symbol).collect();
                    let (from, text) = (n - at, text.trim().to_owned());
                    format!(
                        "{got:.2}, needs {least}; {:?} at {from} of {place}: {text}",
                        cell.symbol()
                    )
                });
            }
        }
    }

    #[track_caller]
    pub fn none(self) {
        let all: Vec<String> = self
            .all
            .iter()
            .map(|(pair, why)| format!("{pair}: {why}"))
            .collect();
        assert!(all.is_empty(), "{}\n{} in all", all.join("\n"), all.len());
    }
}

/// What a cell is, and the contrast it needs; none for decoration: lines, tracks, zeros, blanks.
fn needs(theme: &Theme, fg: Color, sign: Sign) -> Option<(&'static str, f64)> {
    let enhanced = theme.name() == "high-contrast";
    let is = |style: Style| style.fg == Some(fg);
    if sign == Sign::Word {
        let secondary = [
            theme.dim(),
            theme.faint(),
            theme.hint(),
            theme.disabled(),
            theme.header(),
        ];
        let mut hues = State::ALL.into_iter().map(|state| theme.state(state));
        let mut series = (0..theme.series_len()).map(|n| theme.series_at(n));
        let secondary = secondary.into_iter().any(is) || hues.any(is) || series.any(is);
        return Some(match (enhanced, secondary) {
            (true, _) => ("words", ENHANCED),
            (_, true) => ("secondary words", SECONDARY),
            _ => ("words", WORDS),
        });
    }
    let decoration = [
        theme.faint(),
        theme.border(false),
        theme.bar_track(),
        theme.disabled(),
    ];
    // the body of a bar is as long as its number says, which stands beside it
    if decoration.into_iter().any(is) || sign == Sign::Bar {
        return None;
    }
    Some(match enhanced {
        true => ("signs", WORDS),
        false => ("signs", SECONDARY),
    })
}

/// Who sees which colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eyes {
    All,
    /// Without red receptors.
    Protan,
    /// Without green ones.
    Deutan,
    /// Without blue ones.
    Tritan,
}

impl Eyes {
    pub const EVERY: [Eyes; 4] = [Eyes::All, Eyes::Protan, Eyes::Deutan, Eyes::Tritan];

    /// Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE
    /// TVCG 15 (2009), table of matrices for severity 1.0, applied to linear RGB.
    /// <https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/CVD_Simulation.html>
    fn matrix(self) -> [[f64; 3]; 3] {
        match self {
            Eyes::All => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Eyes::Protan => [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            Eyes::Deutan => [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            Eyes::Tritan => [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        }
    }

    /// What a colour looks like to them.
    pub fn see(self, (r, g, b): Rgb) -> Rgb {
        let from = [r, g, b].map(super::color::linear);
        let [r, g, b] = self.matrix().map(|row| {
            let mixed: f64 = row.iter().zip(from).map(|(m, c)| m * c).sum();
            super::color::encoded(mixed)
        });
        (r, g, b)
    }
}

#[test]
fn eyes_see_what_the_model_says() {
    let grey = (128, 128, 128);
    for eyes in Eyes::EVERY {
        let (r, g, b) = eyes.see(grey);
        let off = [r, g, b].map(|c| c.abs_diff(128));
        assert!(
            off.iter().all(|off| *off <= 1),
            "{eyes:?} sees grey as grey"
        );
    }
    // what normal eyes tell apart at a glance is one brownish yellow without green receptors
    let (red, green) = ((0xc0, 0x60, 0x30), (0x70, 0x88, 0x2c));
    let apart = |eyes: Eyes| super::color::difference(eyes.see(red), eyes.see(green));
    assert!(apart(Eyes::Deutan) < apart(Eyes::All) / 2.0);
}

#[test]
fn what_cannot_be_read_is_found() {
    let theme = Theme::default();
    let mut buf = Buffer::empty(ratatui::layout::Rect::new(0, 0, 20, 1));
    theme.clear(buf.area, &mut buf);
    buf.set_string(0, 0, "a word", theme.text());
    let mut unread = Unread::default();
    unread.look(&theme, &buf, "here");
    assert!(unread.all.is_empty());
    buf.set_string(0, 0, "a word", Style::new().fg(Color::Rgb(50, 60, 70)));
    unread.look(&theme, &buf, "here");
    assert_eq!(unread.all.len(), 1);
}
