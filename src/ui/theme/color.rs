//! Colours as themes write them, what a terminal can show of them, and how they are told apart.
//! Separate because it is arithmetic, and the contrast tests need it without a theme.

use ratatui::style::Color;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// None: bold, reverse, underline and dim only.
    None,
    /// The sixteen of the terminal's own palette.
    Ansi16,
    /// The fixed table of 256.
    Indexed,
    /// 24 bits.
    True,
}

impl Depth {
    /// Chooses by the setting (`truecolor`, `256`, `16`, `none`, else automatic) and the environment
    /// (`NO_COLOR`, `COLORTERM`, `TERM`, `TERM_PROGRAM`, `WT_SESSION`).
    pub fn detect(setting: Option<&str>, env: impl Fn(&str) -> Option<String>) -> Self {
        match setting {
            Some("truecolor") => return Depth::True,
            Some("256") => return Depth::Indexed,
            Some("16") => return Depth::Ansi16,
            Some("none") => return Depth::None,
            _ => {}
        }
        let get = |name: &str| env(name).filter(|value| !value.is_empty());
        if get("NO_COLOR").is_some() {
            return Depth::None;
        }
        let term = get("TERM").unwrap_or_default();
        if term == "dumb" {
            return Depth::None;
        }
        if matches!(get("COLORTERM").as_deref(), Some("truecolor" | "24bit"))
            || get("WT_SESSION").is_some()
            || matches!(
                get("TERM_PROGRAM").as_deref(),
                Some("iTerm.app" | "WezTerm" | "vscode" | "ghostty")
            )
            || term.ends_with("-direct")
            || [
                "xterm-kitty",
                "xterm-ghostty",
                "alacritty",
                "foot",
                "wezterm",
            ]
            .iter()
            .any(|name| term.starts_with(name))
        {
            return Depth::True;
        }
        if term.contains("256") || get("TERM_PROGRAM").as_deref() == Some("Apple_Terminal") {
            return Depth::Indexed;
        }
        match term.as_str() {
            "" if cfg!(windows) => Depth::True,
            "vt100" | "vt102" | "vt220" => Depth::None,
            _ => Depth::Ansi16,
        }
    }
}

const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// xterm's own sixteen, used to judge contrast and to draw pictures.
const ANSI: [u32; 16] = [
    0x00_0000, 0xcd_0000, 0x00_cd00, 0xcd_cd00, 0x00_00ee, 0xcd_00cd, 0x00_cdcd, 0xe5_e5e5,
    0x7f_7f7f, 0xff_0000, 0x00_ff00, 0xff_ff00, 0x5c_5cff, 0xff_00ff, 0x00_ffff, 0xff_ffff,
];

/// A colour as written in a theme: `#rrggbb`, one of the sixteen by name, or `default`.
pub fn parse(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        if hex.len() != 6 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        return u32::from_str_radix(hex, 16).ok().map(from_hex);
    }
    if text == "default" {
        return Some(Color::Reset);
    }
    NAMES
        .iter()
        .position(|name| *name == text)
        .and_then(|n| u8::try_from(n).ok())
        .map(ansi)
}

/// The names `parse` knows beside `#rrggbb`.
pub fn names() -> Vec<&'static str> {
    NAMES.into_iter().chain(["default"]).collect()
}

/// One of the sixteen, as ratatui names them.
pub fn ansi(n: u8) -> Color {
    match n {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        7 => Color::Gray,
        8 => Color::DarkGray,
        9 => Color::LightRed,
        10 => Color::LightGreen,
        11 => Color::LightYellow,
        12 => Color::LightBlue,
        13 => Color::LightMagenta,
        14 => Color::LightCyan,
        _ => Color::White,
    }
}

fn from_hex(n: u32) -> Color {
    let [_, r, g, b] = n.to_be_bytes();
    Color::Rgb(r, g, b)
}

/// The red, green and blue a colour stands for; `None` for the terminal's default.
pub fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    let n = match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some((r, g, b)),
        Color::Indexed(n) if n >= 16 => return Some(indexed(n)),
        Color::Indexed(n) => usize::from(n),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    let [_, r, g, b] = ANSI[n].to_be_bytes();
    Some((r, g, b))
}

/// The colour of an entry of the 256 table above the first sixteen.
fn indexed(n: u8) -> (u8, u8, u8) {
    if n >= 232 {
        let grey = 8 + 10 * (n - 232);
        return (grey, grey, grey);
    }
    let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    let n = n.saturating_sub(16);
    (level(n / 36), level(n / 6 % 6), level(n % 6))
}

/// A colour as a terminal of this depth shows it best. Themes of true colours are not shown in sixteen: they have a
/// hand-tuned stand-in.
pub fn at_depth(colour: Color, depth: Depth) -> Color {
    match (depth, colour) {
        (Depth::None, _) => Color::Reset,
        (Depth::Indexed, Color::Rgb(r, g, b)) => {
            let wanted = oklab((r, g, b));
            let near = |n: &u8| {
                let there = oklab(indexed(*n));
                // Hue first: a dark blue must not become a dark grey, nor a soft red a soft grey.
                let d = [
                    wanted[0] - there[0],
                    1.6 * (wanted[1] - there[1]),
                    1.6 * (wanted[2] - there[2]),
                ];
                d.iter().map(|x| x * x).sum::<f64>()
            };
            (16..=255u8)
                .min_by(|a, b| near(a).total_cmp(&near(b)))
                .map_or(Color::Reset, Color::Indexed)
        }
        _ => colour,
    }
}

/// The light of a byte of sRGB, 0 to 1.
pub fn linear(byte: u8) -> f64 {
    let c = f64::from(byte) / 255.0;
    if c <= 0.04045 {
        c / 12.92
    } else {
        ((c + 0.055) / 1.055).powf(2.4)
    }
}

/// The byte of sRGB for so much light.
#[cfg(test)]
pub fn encoded(light: f64) -> u8 {
    let c = light.clamp(0.0, 1.0);
    let c = match c <= 0.003_130_8 {
        true => 12.92 * c,
        false => 1.055 * c.powf(1.0 / 2.4) - 0.055,
    };
    (c * 255.0).round() as u8
}

/// A colour in OKLab: lightness 0–1 and two axes, in which distance is how different colours look.
pub fn oklab((r, g, b): (u8, u8, u8)) -> [f64; 3] {
    let (r, g, b) = (linear(r), linear(g), linear(b));
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

/// How different two colours look; 0.02 is just noticeable.
pub fn difference(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (a, b) = (oklab(a), oklab(b));
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y) * (x - y))
        .sum::<f64>()
        .sqrt()
}

/// WCAG contrast of two colours, 1 to 21.
pub fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let luminance =
        |(r, g, b): (u8, u8, u8)| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(pairs: &[(&str, &str)]) -> Depth {
        Depth::detect(None, |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_decides() {
        assert_eq!(
            detect(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]),
            Depth::True
        );
        assert_eq!(detect(&[("TERM", "xterm-256color")]), Depth::Indexed);
        assert_eq!(detect(&[("TERM", "linux")]), Depth::Ansi16);
        assert_eq!(
            detect(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]),
            Depth::None
        );
        assert_eq!(
            detect(&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")]),
            Depth::None
        );
        assert_eq!(
            detect(&[("TERM", "xterm-kitty"), ("NO_COLOR", "")]),
            Depth::True
        );
        assert_eq!(Depth::detect(Some("16"), |_| None), Depth::Ansi16);
    }

    #[test]
    fn colours_parse_or_are_refused() {
        assert_eq!(parse("#0a1B2c"), Some(Color::Rgb(10, 27, 44)));
        assert_eq!(parse("bright-blue"), Some(Color::LightBlue));
        assert_eq!(parse("default"), Some(Color::Reset));
        for wrong in ["#12345", "#12345g", "#+12345", "ink", ""] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 0.01);
        assert!((contrast((119, 119, 119), (255, 255, 255)) - 4.48).abs() < 0.01);
    }

    #[test]
    fn mapping_to_256_keeps_exact_entries_and_hues() {
        assert_eq!(
            at_depth(Color::Rgb(95, 135, 255), Depth::Indexed),
            Color::Indexed(69)
        );
        assert_eq!(
            at_depth(Color::Rgb(8, 8, 8), Depth::Indexed),
            Color::Indexed(232)
        );
        assert_eq!(at_depth(Color::LightRed, Depth::Indexed), Color::LightRed);
        assert_eq!(at_depth(Color::Rgb(1, 2, 3), Depth::None), Color::Reset);
        let Some((r, _, b)) = rgb(at_depth(Color::Rgb(224, 108, 117), Depth::Indexed)) else {
            panic!("no colour")
        };
        assert!(r > b, "a soft red stays red");
    }
}
