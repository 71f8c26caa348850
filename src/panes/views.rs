//! A saved view to choose.

use super::pick::{Found, Pick, Typed, matching};
use super::{Command, Cx, Reply};

/// One that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub name: String,
    /// `jobs · state:failed · by -age`.
    pub words: String,
    /// Saved from the screen; else it is of the settings.
    pub kept: bool,
}

/// The list of all, narrowed by what is typed.
#[derive(Debug, Default)]
pub struct Views {
    typed: Typed,
}

impl Pick for Views {
    fn typed(&self) -> &Typed {
        &self.typed
    }

    fn typed_mut(&mut self) -> &mut Typed {
        &mut self.typed
    }

    fn name(&self, _cx: &Cx) -> String {
        "view".into()
    }

    fn found(&self, cx: &Cx) -> Vec<Found> {
        let about = |line: &Line| match line.kept {
            true => line.words.clone(),
            false => format!("{} · of the settings", line.words),
        };
        let all = cx
            .session
            .views
            .iter()
            .map(|line| (line.name.clone(), about(line)));
        matching(&self.typed.text, all.collect())
    }

    fn none(&self, cx: &Cx) -> String {
        match cx.session.views.is_empty() {
            true => {
                "no view yet: `:save view NAME` keeps filter, order and columns of a list".into()
            }
            false => "nothing matches".into(),
        }
    }

    fn choose(&mut self, at: Option<usize>, cx: &Cx) -> Reply {
        let chosen = at.and_then(|at| cx.session.views.get(at));
        chosen.map_or(Reply::Done, |line| {
            Reply::Run(Command::View(line.name.clone()))
        })
    }
}
