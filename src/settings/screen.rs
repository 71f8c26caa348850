//! How the screen behaves: what moves by itself.

use schemars_derive::JsonSchema;
use serde::{Deserialize, Serialize};

/// What moves on the screen by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Motion {
    /// Spinners turn, and changes are shown as they come.
    #[default]
    Full,
    /// Nothing spins, and what changes is gathered and shown at most twice a second.
    Reduced,
}

/// When the screen is drawn compactly: one line at the top, fewer frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compact {
    /// Below 100 columns or 30 rows.
    #[default]
    Auto,
    /// At every size.
    Always,
    /// At none.
    Never,
}

impl Motion {
    /// The setting, unless the environment asks for less (`NO_MOTION`) or says which (`JOBDECK_MOTION`).
    pub fn detect(setting: Self, env: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| env(name).filter(|value| !value.is_empty());
        match get("JOBDECK_MOTION").as_deref() {
            Some("full") => return Motion::Full,
            Some("reduced") => return Motion::Reduced,
            _ => {}
        }
        match get("NO_MOTION") {
            Some(_) => Motion::Reduced,
            None => setting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_asks_for_less() {
        for (setting, env, motion) in [
            (Motion::Full, None, Motion::Full),
            (Motion::Reduced, None, Motion::Reduced),
            (Motion::Full, Some(("NO_MOTION", "1")), Motion::Reduced),
            (Motion::Full, Some(("NO_MOTION", "")), Motion::Full),
            (
                Motion::Reduced,
                Some(("JOBDECK_MOTION", "full")),
                Motion::Full,
            ),
            (
                Motion::Full,
                Some(("JOBDECK_MOTION", "reduced")),
                Motion::Reduced,
            ),
            (
                Motion::Reduced,
                Some(("JOBDECK_MOTION", "odd")),
                Motion::Reduced,
            ),
        ] {
            let get = |name: &str| {
                let (key, value) = env?;
                (key == name).then(|| value.to_owned())
            };
            assert_eq!(Motion::detect(setting, get), motion, "{setting:?} {env:?}");
        }
    }
}
