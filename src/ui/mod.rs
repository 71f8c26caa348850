//! The drawing kit: themes, keys, tables, meters, text. It knows nothing of Kubernetes and uses nothing else of ours.

pub mod chart;
pub mod clipboard;
pub mod dialog;
pub mod frame;
pub mod glyphs;
pub mod grid;
pub mod input;
pub mod keymap;
pub mod layout;
pub mod meter;
pub mod scroll;
pub mod slider;
pub mod source;
pub mod spark;
pub mod state;
pub mod svg;
pub mod table;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod toast;

pub use glyphs::Glyphs;
pub use input::Input;
pub use keymap::{Bindable, Keymap};
pub use meter::Meter;
pub use source::SourceError;
pub use state::State;
pub use table::{Cell, Column, Row, Table, TableState};
pub use theme::{Depth, Level, Theme};
