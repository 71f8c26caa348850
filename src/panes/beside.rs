//! Two panes side by side: how wide the right one is.

use super::Cx;

/// Neither is less wide.
const LEAST: u16 = 30;

/// Columns of the right one: as somebody drew it, else as the screen would have it.
pub fn width(name: &str, whole: u16, ideal: u16, cx: &Cx) -> u16 {
    match cx.session.widths.get(name) {
        Some(share) => {
            let wide = u32::from(whole) * u32::from(*share) / 1000;
            let most = whole.saturating_sub(LEAST).max(LEAST);
            u16::try_from(wide).unwrap_or(most).clamp(LEAST, most)
        }
        None => ideal,
    }
}
