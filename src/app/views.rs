//! Saved views: those of the settings, and those saved from the screen, which are kept in a file of the state folder.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::App;
use super::effect::Effect;
use super::screens::Tab;
use crate::keep;
use crate::model::extra::{ALL, List, Saved};
use crate::panes::Level;
use crate::panes::views::Line;
use crate::settings::views::View;

/// Longest name of one.
const LONGEST: usize = 40;

/// Those that were saved from the screen, and what cannot be read of them.
pub fn kept(folder: Option<&Path>) -> (BTreeMap<String, View>, Vec<String>) {
    let Some(folder) = folder else {
        return Default::default();
    };
    let file = keep::views::file(folder);
    let (mut views, mut problems) = (BTreeMap::new(), Vec::new());
    match keep::views::load(folder) {
        Err(why) => problems.push(format!("{}: {why}; no view of it is there", file.display())),
        Ok(all) => {
            for (name, value) in all {
                match View::read(&value) {
                    Ok(view) => drop(views.insert(name, view)),
                    Err(why) => problems.push(format!("{}: view {name}: {why}", file.display())),
                }
            }
        }
    }
    (views, problems)
}

impl App {
    /// Takes over those that were saved from the screen.
    pub fn take_views(&mut self, kept: BTreeMap<String, View>) {
        self.kept_views = kept;
        self.list_views();
    }

    /// For the command bar and the picker; of two of one name that of the settings counts.
    pub(super) fn list_views(&mut self) {
        let line = |name: &String, view: &View, kept| Line {
            name: name.clone(),
            words: view.0.words(),
            kept,
        };
        let settings = self
            .settings
            .views
            .iter()
            .map(|(name, view)| line(name, view, false));
        let own = self
            .kept_views
            .iter()
            .filter(|(name, _)| !self.settings.views.contains_key(*name));
        let mut all: Vec<Line> = settings
            .chain(own.map(|(name, view)| line(name, view, true)))
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        self.desk.session.views = all;
    }

    fn view(&self, name: &str) -> Option<&View> {
        self.settings
            .views
            .get(name)
            .or_else(|| self.kept_views.get(name))
    }

    /// Shows a list as it was saved.
    pub(super) fn show_view(&mut self, name: &str, now: DateTime<Utc>) {
        let Some(View(saved)) = self.view(name).cloned() else {
            let names: Vec<&str> = self
                .desk
                .session
                .views
                .iter()
                .map(|line| &*line.name)
                .collect();
            let text = match names.is_empty() {
                true => format!(
                    "there is no view {name}, and no other: `:save view {name}` makes one of a list"
                ),
                false => format!("there is no view {name}: there are {}", names.join(", ")),
            };
            return self.say(Level::Warning, text, now);
        };
        match saved.namespace.as_deref() {
            None => {}
            Some(ALL) => self.switch_namespace(None, now),
            Some(name) => self.switch_namespace(Some(name), now),
        }
        self.screens.home(match saved.screen {
            List::Jobs => Tab::Jobs,
            List::Pods => Tab::Pods,
            List::Nodes => Tab::Nodes,
            List::Events => Tab::Events,
        });
        self.chosen.put(saved.screen, saved.columns.clone());
        self.choose_columns();
        let cx = self.desk.cx(now, true);
        let pane = self.screens.top_mut();
        let refused = pane.set_filter(&saved.filter, &cx).err();
        if let Some(sort) = &saved.sort {
            pane.set_order(sort, &cx);
        }
        match refused {
            None => self.say(Level::Info, format!("view {name}: {}", saved.words()), now),
            Some(why) => self.say(Level::Error, format!("view {name}: filter: {why}"), now),
        }
    }

    /// Keeps the list in front, as it is looked at, under a name.
    pub(super) fn save_view(&mut self, name: &str, now: DateTime<Utc>) {
        let name = name.trim();
        let odd =
            name.is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control);
        if odd {
            let text =
                format!("a view needs a name of at most {LONGEST} characters: `:save view NAME`");
            return self.say(Level::Warning, text, now);
        }
        if self.settings.views.contains_key(name) {
            let text = format!(
                "view {name} is one of the settings: change it there, or take another name"
            );
            return self.say(Level::Warning, text, now);
        }
        let cx = self.desk.cx(now, true);
        let pane = self.screens.top();
        let Some(screen) = pane.list() else {
            let text = "views are of lists: jobs, all pods, nodes or all events";
            return self.say(Level::Warning, text, now);
        };
        let session = &self.desk.session;
        let view = View(Saved {
            screen,
            filter: pane.filter().to_owned(),
            sort: pane.order(&cx),
            columns: session.columns.of(screen).cloned(),
            namespace: Some(session.namespace.clone().unwrap_or_else(|| ALL.into())),
        });
        let words = view.0.words();
        self.effects.push(Effect::KeepView {
            name: name.to_owned(),
            view: Some(view.value()),
        });
        self.kept_views.insert(name.to_owned(), view);
        self.list_views();
        self.say(Level::Info, format!("view {name} saved: {words}"), now);
    }

    /// One that was saved from the screen is not kept any more.
    pub(super) fn forget_view(&mut self, name: &str, now: DateTime<Utc>) {
        if self.kept_views.remove(name).is_none() {
            let text = match self.settings.views.contains_key(name) {
                true => format!("view {name} is one of the settings: take it out there"),
                false => format!("there is no view {name}"),
            };
            return self.say(Level::Warning, text, now);
        }
        self.effects.push(Effect::KeepView {
            name: name.to_owned(),
            view: None,
        });
        self.list_views();
        self.say(Level::Info, format!("view {name} is forgotten"), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture;
    use crate::model::fixture::at;
    use crate::panes::Command;
    use crate::settings::Settings;

    fn settings() -> Settings {
        let view = serde_json::json!({"screen": "jobs", "filter": "train", "sort": "-age", "columns": ["name", "label:team"],
                                      "namespace": "ml"});
        Settings {
            views: [("mine".to_owned(), View::read(&view).unwrap())].into(),
            ..Settings::default()
        }
    }

    fn said(app: &App) -> String {
        app.desk
            .notices
            .all()
            .last()
            .map(|n| n.text.clone())
            .unwrap_or_default()
    }

    fn kept_by(app: &mut App, now: i64) -> Vec<(String, Option<serde_json::Value>)> {
        let effects = app.take_effects(at(now)).into_iter();
        effects
            .filter_map(|effect| match effect {
                Effect::KeepView { name, view } => Some((name, view)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_view_of_the_settings_brings_its_list_as_it_is_written() {
        let mut app = fixture::app(settings(), false);
        app.run(Command::View("mine".into()), at(2));
        assert_eq!(app.desk.session.namespace.as_deref(), Some("ml"));
        assert_eq!(app.screens.top().filter(), "train");
        let cx = app.desk.cx(at(2), true);
        assert_eq!(app.screens.top().order(&cx).as_deref(), Some("-age"));
        let columns = app.desk.session.columns.of(List::Jobs).unwrap();
        let columns: Vec<&str> = columns.iter().map(|pick| pick.text()).collect();
        assert_eq!(columns, ["name", "label:team"]);
        app.run(Command::View("none".into()), at(3));
        assert!(said(&app).contains("there are mine"), "{}", said(&app));
        app.run(Command::SaveView("mine".into()), at(4));
        assert!(said(&app).contains("one of the settings"), "{}", said(&app));
        assert_eq!(kept_by(&mut app, 5), []);
    }

    #[test]
    fn what_is_looked_at_is_saved_found_again_and_forgotten() {
        let mut app = fixture::app(Settings::default(), false);
        let cx = app.desk.cx(at(1), true);
        app.screens.top_mut().set_filter("other", &cx).unwrap();
        app.screens.top_mut().set_order("gpus", &cx);
        app.run(Command::SaveView("big ones".into()), at(2));
        let kept = kept_by(&mut app, 3);
        let want = serde_json::json!({"screen": "jobs", "filter": "other", "sort": "gpus", "namespace": "*"});
        assert_eq!(kept, [("big ones".to_owned(), Some(want.clone()))]);
        // as the next start finds it
        let home = tempfile::tempdir().unwrap();
        keep::views::keep(home.path(), "big ones", Some(want)).unwrap();
        keep::views::keep(
            home.path(),
            "odd",
            Some(serde_json::json!({"screen": "attic"})),
        )
        .unwrap();
        let (views, problems) = super::kept(Some(home.path()));
        assert!(
            problems.len() == 1 && problems[0].contains("view odd"),
            "{problems:?}"
        );
        let mut app = fixture::app(settings(), false);
        app.take_views(views);
        let names: Vec<&str> = app
            .desk
            .session
            .views
            .iter()
            .map(|line| &*line.name)
            .collect();
        assert_eq!(names, ["big ones", "mine"]);
        app.run(Command::View("big ones".into()), at(4));
        assert_eq!(app.screens.top().filter(), "other");
        app.run(Command::ForgetView("big ones".into()), at(5));
        assert_eq!(kept_by(&mut app, 6), [("big ones".to_owned(), None)]);
        app.run(Command::ForgetView("mine".into()), at(7));
        assert!(said(&app).contains("take it out there"), "{}", said(&app));
    }
}
