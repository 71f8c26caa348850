//! Manifests to begin with: shipped ones of every kind, and the user's own.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// A manifest to begin with. Its first line is a comment that says what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub name: Cow<'static, str>,
    pub text: Cow<'static, str>,
    /// It is a file of the user's.
    pub own: bool,
}

macro_rules! shipped {
    ($($name:literal)*) => {
        const SHIPPED: &[(&str, &str)] = &[$(($name, include_str!(concat!($name, ".yaml"))),)*];
    };
}

shipped! {
    "job" "parallel-job" "indexed-job" "pytorchjob" "tfjob" "mpijob" "xgboostjob" "paddlejob" "jaxjob" "trainjob"
    "jobset" "rayjob"
}

impl Template {
    /// What it is, in a sentence.
    pub fn about(&self) -> &str {
        let first = self.text.lines().next().unwrap_or_default();
        first.strip_prefix('#').map_or("", str::trim)
    }
}

/// All of them; `own`: name and text of the user's, which stand in the place of shipped ones of the same name.
pub fn all(own: Vec<(String, String)>) -> Vec<Template> {
    let shipped = SHIPPED.iter().map(|(name, text)| Template {
        name: (*name).into(),
        text: (*text).into(),
        own: false,
    });
    let mut all: Vec<Template> = shipped
        .filter(|t| !own.iter().any(|(name, _)| *name == t.name))
        .collect();
    all.extend(own.into_iter().map(|(name, text)| Template {
        name: name.into(),
        text: text.into(),
        own: true,
    }));
    all
}
