//! Roles → styles. Panes ask for a meaning (`theme.dim()`, `theme.state(State::Failed)`) and never name a colour;
//! separate so that every look, depth and fallback is decided in one place.

use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::{Glyphs, SourceError, State};

pub mod color;
#[cfg(test)]
pub mod judge;
mod load;
mod role;
#[cfg(test)]
mod tests;

pub use color::Depth;
use role::Role;

/// How loud a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Went well.
    Ok,
    /// Needs an eye.
    Warn,
    /// Went wrong.
    Error,
}

/// A look: every role resolved to a style for one colour depth, and the signs that go with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    name: String,
    dark: bool,
    depth: Depth,
    glyphs: Glyphs,
    roles: [Style; Role::COUNT],
    states: [Style; State::ALL.len()],
    series: Vec<Style>,
}

/// Where themes come from: the ones built in, and a folder of the user's that may add to or override them.
#[derive(Debug, Clone, Default)]
pub struct Themes {
    folder: Option<PathBuf>,
}

/// The theme used when nothing else is asked for.
pub const DEFAULT: &str = "jobdeck-dark";

impl Themes {
    /// Built-in themes, with `*.toml` of a folder before them.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// All names, built in first in their own order, then the user's by name.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = load::BUILT_IN
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let mut more: Vec<String> = self
            .folder
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .flatten()
            .filter_map(|entry| {
                entry
                    .file_name()
                    .to_str()?
                    .strip_suffix(".toml")
                    .map(str::to_owned)
            })
            .filter(|name| !names.contains(name))
            .collect();
        more.sort();
        names.extend(more);
        names
    }

    /// Loads one theme for a colour depth. Below 256 colours a theme of true colours is replaced by the 16-colour or
    /// monochrome theme of its kind, which are tuned by hand.
    ///
    /// # Errors
    /// An unknown name, an unreadable file, or a mistake in it with file, line and key.
    pub fn load(&self, name: &str, depth: Depth, glyphs: Glyphs) -> Result<Theme, SourceError> {
        load::theme(self.folder.as_deref(), name, depth, glyphs)
    }
}

impl Default for Theme {
    fn default() -> Self {
        Themes::default()
            .load(DEFAULT, Depth::True, Glyphs::Unicode)
            .unwrap_or_else(|_| Theme::plain(Glyphs::Unicode))
    }
}

impl Theme {
    /// A look of terminal attributes only, built without any file; what is left when no theme can be read.
    pub fn plain(glyphs: Glyphs) -> Self {
        let mut roles = [Style::new(); Role::COUNT];
        for role in [
            Role::Title,
            Role::Header,
            Role::Key,
            Role::TabActive,
            Role::BannerError,
            Role::Mark,
        ] {
            roles[role as usize] = Style::new().add_modifier(Modifier::BOLD);
        }
        for role in [Role::Selection, Role::Match] {
            roles[role as usize] = Style::new().add_modifier(Modifier::REVERSED);
        }
        Self {
            name: "plain".to_owned(),
            dark: true,
            depth: Depth::None,
            glyphs,
            roles,
            states: [Style::new(); State::ALL.len()],
            series: vec![Style::new()],
        }
    }

    /// Its name, as in `--theme`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is made for a dark screen.
    pub fn is_dark(&self) -> bool {
        self.dark
    }

    /// The colours it was resolved for.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// The signs to draw with.
    pub fn glyphs(&self) -> Glyphs {
        self.glyphs
    }

    /// The same look with other signs.
    pub fn with_glyphs(mut self, glyphs: Glyphs) -> Self {
        self.glyphs = glyphs;
        self
    }

    fn role(&self, role: Role) -> Style {
        self.roles[role as usize]
    }

    /// Text and background of the whole screen: fill the frame with it before drawing.
    pub fn base(&self) -> Style {
        self.role(Role::Base)
    }

    /// Paints an area with the base style and blanks it.
    pub fn clear(&self, area: Rect, buf: &mut Buffer) {
        fill(area, buf, self.base());
    }

    /// Paints an area with the surface of dialogs and blanks it.
    pub fn clear_popup(&self, area: Rect, buf: &mut Buffer) {
        fill(area, buf, self.popup());
    }

    /// Ordinary text.
    pub fn text(&self) -> Style {
        self.role(Role::Text)
    }
    /// Secondary text: ages, units, explanations.
    pub fn dim(&self) -> Style {
        self.role(Role::Dim)
    }
    /// Tracks, rules, tree lines, zeros: there, but not read.
    pub fn faint(&self) -> Style {
        self.role(Role::Faint)
    }
    /// The product's name, the title of a screen or pane.
    pub fn title(&self) -> Style {
        self.role(Role::Title)
    }
    /// The one colour of the house: what is active or can be acted upon.
    pub fn accent(&self) -> Style {
        self.role(Role::Accent)
    }
    /// Column headings.
    pub fn header(&self) -> Style {
        self.role(Role::Header)
    }
    /// The selected row, in the focused pane or another. When it carries a foreground, that replaces the row's hues.
    pub fn selection(&self, focused: bool) -> Style {
        self.role(if focused {
            Role::Selection
        } else {
            Role::SelectionUnfocused
        })
    }
    /// The bar at the left of the selected row.
    pub fn selection_bar(&self, focused: bool) -> Style {
        if focused { self.accent() } else { self.dim() }
    }
    /// The sign of a marked row.
    pub fn mark(&self) -> Style {
        self.role(Role::Mark)
    }
    /// Lines between panes.
    pub fn border(&self, focused: bool) -> Style {
        self.role(if focused {
            Role::BorderFocused
        } else {
            Role::Border
        })
    }
    /// A key in a hint.
    pub fn key(&self) -> Style {
        self.role(Role::Key)
    }
    /// What a key does.
    pub fn hint(&self) -> Style {
        self.role(Role::Hint)
    }
    /// Something that cannot be done now.
    pub fn disabled(&self) -> Style {
        self.role(Role::Disabled)
    }
    /// A search hit; the one under the cursor stands out.
    pub fn matched(&self, current: bool) -> Style {
        self.role(if current {
            Role::MatchCurrent
        } else {
            Role::Match
        })
    }
    /// A message line.
    pub fn banner(&self, level: Level) -> Style {
        self.role(match level {
            Level::Info => Role::BannerInfo,
            Level::Ok => Role::BannerOk,
            Level::Warn => Role::BannerWarn,
            Level::Error => Role::BannerError,
        })
    }
    /// Words that are a warning or an error inside ordinary text.
    pub fn level(&self, level: Level) -> Style {
        match level {
            Level::Info => self.accent(),
            Level::Ok => self.state(State::Succeeded),
            Level::Warn => self.state(State::Waiting),
            Level::Error => self.state(State::Failed),
        }
    }
    /// A tab that is not shown, or is.
    pub fn tab(&self, active: bool) -> Style {
        self.role(if active { Role::TabActive } else { Role::Tab })
    }
    /// The surface of dialogs and pop-up lists.
    pub fn popup(&self) -> Style {
        self.role(Role::Popup)
    }
    /// The filled part of a bar without a state of its own (quota, use).
    pub fn bar_fill(&self) -> Style {
        self.role(Role::BarFill)
    }
    /// The empty part of a bar; its background is the track.
    pub fn bar_track(&self) -> Style {
        self.role(Role::BarTrack)
    }
    /// Limits and goals on a bar.
    pub fn bar_tick(&self) -> Style {
        self.role(Role::BarTick)
    }
    /// The hue of a state, for its glyph, word or bar.
    pub fn state(&self, state: State) -> Style {
        self.states[state as usize]
    }
    /// The glyph of a state in the chosen signs.
    pub fn state_glyph(&self, state: State) -> &'static str {
        self.glyphs.state(state)
    }

    /// How many hues `series_at` has before it repeats.
    pub fn series_len(&self) -> usize {
        self.series.len()
    }
    /// A hue for the n-th of several (pods, holders, curves).
    pub fn series_at(&self, n: usize) -> Style {
        self.series
            .get(n % self.series.len().max(1))
            .copied()
            .unwrap_or_default()
    }
    /// A hue that belongs to a name: the same in every pane, every run and on every machine.
    pub fn series(&self, name: &str) -> Style {
        // FNV-1a: stable across versions of the standard library, unlike its hasher.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.series_at(usize::try_from(hash % self.series.len().max(1) as u64).unwrap_or_default())
    }

    /// The colour the screen is painted with; `Reset` when the terminal's own is kept.
    pub fn background(&self) -> Color {
        self.base().bg.unwrap_or(Color::Reset)
    }
}

fn fill(area: Rect, buf: &mut Buffer, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &mut buf[(x, y)];
            cell.reset();
            cell.set_style(style);
        }
    }
}
