//! Exponential smoothing that starts unbiased and forgets at every gap.

/// The moving average of a curve; `weight` of the past from 0 (the curve itself) to below 1.
pub fn ema(points: &[(f64, f64)], weight: f64) -> Vec<(f64, f64)> {
    if weight <= 0.0 {
        return points.to_vec();
    }
    let (mut sum, mut norm) = (0.0, 0.0);
    points
        .iter()
        .map(|(x, y)| {
            if !y.is_finite() {
                (sum, norm) = (0.0, 0.0);
                return (*x, *y);
            }
            sum = sum * weight + y * (1.0 - weight);
            norm = norm * weight + (1.0 - weight);
            (*x, sum / norm)
        })
        .collect()
}
