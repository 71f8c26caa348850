//! Colours of log text as small plain data: what SGR escapes say, without a terminal library's types, so that a
//! million lines can keep them.

/// A colour as the program asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hue {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the sixteen named ones (8–15 bright).
    Ansi(u8),
    /// One of the 256.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// How a piece of text is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sgr {
    pub fg: Hue,
    pub bg: Hue,
    /// Bits: [`Sgr::BOLD`] and so on.
    pub marks: u8,
}

/// From this byte on, up to the next run, text is drawn so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub start: u32,
    pub sgr: Sgr,
}

impl Sgr {
    pub const BOLD: u8 = 1;
    pub const DIM: u8 = 2;
    pub const ITALIC: u8 = 4;
    pub const UNDERLINE: u8 = 8;
    pub const REVERSE: u8 = 16;
    pub const STRIKE: u8 = 32;

    /// Applies the parameters of one `ESC [ … m`; what is not understood is ignored.
    pub fn apply(&mut self, parameters: &[u8]) {
        // `:` separates sub-parameters in the newer form of the colour codes.
        let mut codes = parameters
            .split(|b| matches!(b, b';' | b':'))
            .map(|digits| digits.iter().try_fold(0u16, number));
        while let Some(code) = codes.next() {
            let Some(code) = code else { return };
            match code {
                0 => *self = Self::default(),
                1 => self.marks |= Self::BOLD,
                2 => self.marks |= Self::DIM,
                3 => self.marks |= Self::ITALIC,
                4 => self.marks |= Self::UNDERLINE,
                7 => self.marks |= Self::REVERSE,
                9 => self.marks |= Self::STRIKE,
                22 => self.marks &= !(Self::BOLD | Self::DIM),
                23 => self.marks &= !Self::ITALIC,
                24 => self.marks &= !Self::UNDERLINE,
                27 => self.marks &= !Self::REVERSE,
                29 => self.marks &= !Self::STRIKE,
                30..=37 => self.fg = Hue::Ansi(code as u8 - 30),
                39 => self.fg = Hue::Default,
                40..=47 => self.bg = Hue::Ansi(code as u8 - 40),
                49 => self.bg = Hue::Default,
                90..=97 => self.fg = Hue::Ansi(code as u8 - 82),
                100..=107 => self.bg = Hue::Ansi(code as u8 - 92),
                38 | 48 => {
                    let Some(hue) = extended(&mut codes) else {
                        return;
                    };
                    if code == 38 {
                        self.fg = hue;
                    } else {
                        self.bg = hue;
                    }
                }
                _ => {}
            }
        }
    }
}

fn number(n: u16, digit: &u8) -> Option<u16> {
    digit
        .is_ascii_digit()
        .then(|| {
            n.saturating_mul(10)
                .saturating_add(u16::from(digit.wrapping_sub(b'0')))
        })
        .filter(|n| *n < 1000)
}

fn extended(codes: &mut impl Iterator<Item = Option<u16>>) -> Option<Hue> {
    let mut byte = || codes.next().flatten().and_then(|n| u8::try_from(n).ok());
    match byte()? {
        5 => match byte()? {
            n @ 0..=15 => Some(Hue::Ansi(n)),
            n => Some(Hue::Indexed(n)),
        },
        2 => Some(Hue::Rgb(byte()?, byte()?, byte()?)),
        _ => None,
    }
}
