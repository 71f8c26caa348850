//! The part of x that is looked at, and the cursor in it: zooming, moving, following the end.

/// Columns of the axis a step of the cursor moves over, in parts of the window.
const STEPS: f64 = 80.0;
/// What zooming in leaves.
const ZOOM: f64 = 0.5;

/// All of x, or a part.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Window {
    /// Width of the part in parts of the whole, and where it ends; `None`: all.
    part: Option<(f64, f64)>,
    pub cursor: Option<f64>,
}

impl Window {
    /// What to show of a whole. A part that ended at the end goes on doing so.
    pub fn of(&self, whole: (f64, f64)) -> Option<(f64, f64)> {
        let (width, end) = self.part?;
        let high = end.min(whole.1);
        let low = (high - width).max(whole.0);
        let high = (low + width).min(whole.1);
        (low < high).then_some((low, high))
    }

    pub fn is_zoomed(&self) -> bool {
        self.part.is_some()
    }

    /// Nearer, around the cursor or at the end.
    pub fn zoom_in(&mut self, whole: (f64, f64)) {
        let (low, high) = self.of(whole).unwrap_or(whole);
        let width = (high - low) * ZOOM;
        if !(width.is_finite() && width > 0.0) || width < (whole.1 - whole.0) * 1e-6 {
            return;
        }
        let end = match self.cursor {
            Some(at) => at + width / 2.0,
            None if self.part.is_none() => f64::INFINITY,
            None => self.part.map_or(high, |part| part.1),
        };
        self.part = Some((width, end.max(whole.0 + width)));
    }

    /// Farther; all of it at last.
    pub fn zoom_out(&mut self, whole: (f64, f64)) {
        let Some((width, end)) = self.part else {
            return;
        };
        let wider = width / ZOOM;
        if wider >= whole.1 - whole.0 {
            self.part = None;
            return;
        }
        let end = if end.is_finite() {
            end + (wider - width) / 2.0
        } else {
            end
        };
        self.part = Some((wider, end));
    }

    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Moves the cursor (it begins at the end); the window moves with it.
    pub fn step(&mut self, by: f64, whole: (f64, f64)) {
        if whole
            .0
            .partial_cmp(&whole.1)
            .is_none_or(std::cmp::Ordering::is_gt)
        {
            return;
        }
        let (low, high) = self.of(whole).unwrap_or(whole);
        let from = self.cursor.map_or(high, |at| at.clamp(whole.0, whole.1));
        let to = from + by * (high - low) / STEPS;
        if !to.is_finite() {
            return;
        }
        let to = to.clamp(whole.0, whole.1);
        self.cursor = Some(to);
        if let Some((width, end)) = &mut self.part {
            if to < low {
                *end = to + *width;
            } else if to > high {
                *end = to;
            }
        }
    }
}
