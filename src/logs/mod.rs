//! Log text from bytes to screen order: repair, progress bars, colours, merging of streams by time, a ring bounded
//! in bytes, search and filter over all of it. Pure (no I/O, no terminal, no clock), so all of it is tested as data.

pub mod alarms;
mod buffer;
pub mod failures;
pub mod filter;
mod find;
mod folds;
mod frames;
pub mod health;
mod history;
pub mod json;
mod line;
pub mod metrics;
pub mod pieces;
mod prefix;
mod ring;
mod rows;
pub mod run;
mod sgr;
#[cfg(test)]
mod tests;
mod view;
pub mod wrapped;

pub use buffer::{Counts, LogBuffer, Stream};
pub use filter::{About, LogFilter};
pub use find::Pattern;
pub use folds::{First, Folded};
pub use history::History;
pub use line::{Anchor, Line, LineKind};
pub use prefix::{Prefix, Severity};
pub use ring::{Cursor, Lens};
pub use sgr::{Hue, Run, Sgr};
