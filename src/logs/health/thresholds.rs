//! The thresholds as the settings write them: which values make sense, and what each is for. Apart from the judging.

use super::Thresholds;

impl Thresholds {
    /// # Errors
    /// The key of a value that makes no sense, as the settings write it, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, value, _) in self.table() {
            if !value.is_finite() || value < 0.0 {
                return Err((key, format!("{value} is no number from 0 on")));
            }
        }
        for (key, value) in [("slow", self.slow), ("recovered", self.recovered)] {
            if value > 1.0 {
                return Err((key, format!("{value} is more than the whole, 1")));
            }
        }
        if self.recovered < self.slow {
            let why = format!("{} is below slow, {}", self.recovered, self.slow);
            return Err(("recovered", why));
        }
        Ok(())
    }

    /// As a commented part of a settings file.
    pub fn show(&self) -> String {
        let mut text = "# When something about a run is worth a word.\n[logs.health]\n".to_owned();
        for (key, value, comment) in self.table() {
            text += &format!("# {comment}\n{key} = {value:?}\n").replace(".0\n", "\n");
        }
        text
    }

    fn table(&self) -> [(&'static str, f64, &'static str); 11] {
        let n = |count: usize| count as f64;
        [
            (
                "warm-up",
                n(self.warm_up),
                "Reports before trends are judged.",
            ),
            (
                "divergence",
                self.divergence,
                "The smoothed loss is above its best by so many times the best…",
            ),
            (
                "divergence-points",
                n(self.divergence_points),
                "…for so many reports in a row.",
            ),
            (
                "plateau-points",
                n(self.plateau_points),
                "Reports without a smoothed loss lower…",
            ),
            (
                "plateau-gain",
                self.plateau_gain,
                "…by this part of the best.",
            ),
            (
                "slow",
                self.slow,
                "Throughput below this part of its own median…",
            ),
            (
                "recovered",
                self.recovered,
                "…and above this part of it again.",
            ),
            (
                "frozen-s",
                self.frozen_s,
                "Seconds without a new step, at least…",
            ),
            (
                "frozen-times",
                self.frozen_times,
                "…and so many times the usual time between two.",
            ),
            (
                "silent-s",
                self.silent_s,
                "The same for one of several that says nothing while others do.",
            ),
            (
                "silent-times",
                self.silent_times,
                "And so many times its usual pause.",
            ),
        ]
    }
}
