//! Which columns lists show, and what is read of objects for them: by the settings of the context.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::App;
use super::effect::Effect;
use crate::model::extra::{Chosen, Columns, List};
use crate::panes::Level;
use crate::settings::{Settings, columns};

impl App {
    /// The columns of the context that is open; what they show is read from now on.
    pub(super) fn choose_columns(&mut self) {
        let mut columns = self.settings.columns_of(&self.desk.session.context);
        for list in List::ALL {
            if let Some(chosen) = self.chosen.of(list) {
                columns.put(list, Some(chosen.clone()));
            }
        }
        let sets = columns.sets();
        // a new model knows of none
        self.desk.model.extras.show(&sets);
        if sets != self.desk.session.columns.sets() {
            self.effects.push(Effect::ReadExtra(sets));
        }
        if columns != self.desk.session.columns {
            self.desk.session.columns = columns;
            self.dirty = true;
        }
    }

    /// The columns that were chosen in this context before.
    pub(super) fn remembered_columns(&mut self) {
        self.chosen = Columns::default();
        let lists = self.habits.columns.get(&self.desk.session.context);
        for (name, all) in lists.into_iter().flatten() {
            // what a later version wrote, or nobody means any more, is left out
            if let Some(list) = List::named(name)
                && let Ok(chosen) = columns::kept(list, all)
            {
                self.chosen.put(list, Some(chosen));
            }
        }
    }

    /// These columns from now on, in this context; none: those of the settings.
    pub(super) fn use_columns(&mut self, list: List, chosen: Option<Chosen>, now: DateTime<Utc>) {
        let kept = match &chosen {
            Some(all) => all.iter().map(columns::written).collect(),
            None => Value::Null,
        };
        let context = self.desk.session.context.clone();
        let of = self.habits.columns.entry(context).or_default();
        of.insert(list.name().to_owned(), kept);
        self.effects
            .push(Effect::Remember(Box::new(self.habits.clone())));
        self.chosen.put(list, chosen.clone());
        self.choose_columns();
        let name = list.name();
        let text = match chosen {
            Some(all) => format!(
                "{name} show these columns in this context until `:columns settings`; to be put there: [columns] {name} = {}",
                columns::shown(&all)
            ),
            None => format!("{name} show the columns of the settings"),
        };
        self.say(Level::Info, text, now);
        self.filters_without_columns(now);
    }

    /// Says which lists in sight are filtered by a column that is not shown any more.
    fn filters_without_columns(&mut self, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        let fronts = self.screens.fronts_mut();
        let refused: Vec<String> = fronts
            .filter_map(|pane| {
                let filter = pane.filter().to_owned();
                pane.list()?;
                let why = pane.set_filter(&filter, &cx).err()?;
                Some(format!("filter {filter}: {why}"))
            })
            .collect();
        for why in refused {
            self.say(Level::Warning, why, now);
        }
    }

    /// The settings were read again.
    pub(super) fn reload_columns(&mut self, read: &Settings, now: DateTime<Utc>) {
        let before = self.desk.session.columns.clone();
        self.settings.columns = read.columns.clone();
        for (name, context) in &read.contexts {
            let own = self.settings.contexts.entry(name.clone()).or_default();
            own.columns = context.columns.clone();
        }
        for (name, own) in &mut self.settings.contexts {
            if !read.contexts.contains_key(name) {
                own.columns = Default::default();
            }
        }
        if self.settings.views != read.views {
            self.settings.views = read.views.clone();
            self.list_views();
            self.say(Level::Info, "views of the settings hold from now on", now);
        }
        self.choose_columns();
        if self.desk.session.columns != before {
            self.say(Level::Info, "columns of the settings hold from now on", now);
            self.filters_without_columns(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::app::action::Action;
    use crate::app::effect::Effect;
    use crate::app::fixture;
    use crate::app::message::Message;
    use crate::model::extra::List;
    use crate::model::fixture::at;
    use crate::panes::Command;
    use crate::settings::Settings;

    #[test]
    fn changed_columns_hold_at_once_and_only_what_they_need_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        let mut app = fixture::app(Settings::default(), false);
        app.settings_file = Some(file.clone());
        let mut set = |now, text: &str| {
            std::fs::write(&file, text).expect("written");
            app.receive(Message::FilesChanged, at(now));
            let read = app
                .take_effects(at(now))
                .into_iter()
                .find_map(|effect| match effect {
                    Effect::ReadExtra(sets) => Some(sets.of(List::Jobs).len()),
                    _ => None,
                });
            let said = app.desk.notices.all().last().map(|n| n.text.clone());
            (read, fixture::draw(&mut app), said.unwrap_or_default())
        };
        let (read, frame, said) = set(
            10,
            "[contexts.\"prod\".columns]\njobs = [\"name\", \"label:team\", \"age\"]\n",
        );
        assert_eq!(read, Some(1));
        assert!(
            frame.contains("TEAM") && !frame.contains("PROGRESS"),
            "{frame}"
        );
        assert!(said.contains("columns"), "{said}");
        // another order is nothing to read anew
        let (read, frame, _) = set(
            11,
            "[contexts.\"prod\".columns]\njobs = [\"label:team\", \"name\"]\n",
        );
        assert_eq!(read, None);
        assert!(frame.contains("TEAM"), "{frame}");
        let (read, frame, said) = set(12, "[columns]\njobs = [\"nam\"]\n");
        assert_eq!(read, None);
        assert!(
            frame.contains("TEAM") && said.contains("config.toml:2"),
            "{said}"
        );
        let (read, frame, _) = set(13, "");
        assert_eq!(read, Some(0));
        assert!(
            frame.contains("PROGRESS") && !frame.contains("TEAM"),
            "{frame}"
        );
    }

    #[test]
    fn columns_are_chosen_in_the_command_bar_and_remembered_for_the_context() {
        let mut app = fixture::app(Settings::default(), false);
        app.act(Action::Columns, at(2));
        app.act(Action::Columns, at(2));
        for c in "label:te".chars() {
            let key = crossterm::event::KeyCode::Char(c).into();
            app.input(&crossterm::event::Event::Key(key), at(3));
        }
        let frame = fixture::draw(&mut app);
        assert!(frame.contains("label:te"), "{frame}");
        let enter = crossterm::event::KeyCode::Enter.into();
        app.input(&crossterm::event::Event::Key(enter), at(4));
        let kept = app
            .take_effects(at(4))
            .into_iter()
            .find_map(|effect| match effect {
                Effect::Remember(habits) => habits
                    .columns
                    .get("prod")
                    .map(|lists| lists["jobs"].clone()),
                _ => None,
            });
        assert_eq!(kept, Some(serde_json::json!(["*", "label:te"])));
        let frame = fixture::draw(&mut app);
        assert!(
            frame.contains(" TE ") && frame.contains("PROGRESS"),
            "{frame}"
        );
        // as the next start has it
        let habits = app.habits.clone();
        let mut app = fixture::app(Settings::default(), false);
        app.habits = habits;
        app.remembered_columns();
        app.choose_columns();
        assert!(fixture::draw(&mut app).contains(" TE "));
        app.run(Command::Columns(List::Jobs, None), at(5));
        assert!(!fixture::draw(&mut app).contains(" TE "));
    }

    #[test]
    fn columns_are_chosen_with_marks_by_the_keyboard() {
        let mut app = fixture::app(Settings::default(), false);
        let press = |app: &mut crate::app::App, code| {
            let key = crossterm::event::KeyEvent::from(code);
            app.input(&crossterm::event::Event::Key(key), at(3));
        };
        use crossterm::event::KeyCode::{Char, Down, Enter, Esc, F};
        press(&mut app, F(5));
        let frame = fixture::draw(&mut app);
        assert!(
            frame.contains("columns of jobs") && frame.contains("[x] progress"),
            "{frame}"
        );
        for code in [Down, Down, Down, Char(' ')] {
            press(&mut app, code);
        }
        assert!(fixture::draw(&mut app).contains("[ ] progress"));
        press(&mut app, Esc);
        let frame = fixture::draw(&mut app);
        assert!(
            frame.contains("PROGRESS") && !frame.contains("columns of jobs"),
            "{frame}"
        );
        // the name goes behind the state's place, the progress goes
        press(&mut app, F(5));
        for code in [Char('J'), Down, Down, Char(' '), Enter] {
            press(&mut app, code);
        }
        let frame = fixture::draw(&mut app);
        assert!(!frame.contains("PROGRESS"), "{frame}");
        let place = |what| frame.find(what).expect(what);
        assert!(place("NAME") < place("STATE"), "{frame}");
        let effects = app.take_effects(at(4)).into_iter();
        let kept = effects.filter_map(|effect| match effect {
            Effect::Remember(habits) => habits.columns.get("prod").cloned(),
            _ => None,
        });
        let kept = kept.last().expect("remembered")["jobs"].to_string();
        assert!(
            kept.starts_with(r#"["name","state""#) && !kept.contains("progress"),
            "{kept}"
        );
        for code in [F(5), Char('r'), Enter] {
            press(&mut app, code);
        }
        assert!(fixture::draw(&mut app).contains("PROGRESS"));
    }

    #[test]
    fn a_filter_by_a_column_that_is_not_shown_is_told() {
        let said = |app: &crate::app::App| {
            let last = app.desk.notices.all().last();
            last.map(|n| n.text.clone()).unwrap_or_default()
        };
        let mut app = fixture::app(Settings::default(), false);
        app.run(
            Command::Columns(List::Jobs, Some(picks(&["*", "label:team"]))),
            at(2),
        );
        app.run(Command::Filter("col:teem=ml".into()), at(3));
        let text = said(&app);
        assert!(text.contains("did you mean TEAM?"), "{text}");
        assert_eq!(app.filter_in_force(), "");
        // in the line where it is typed, and `enter` leaves it there
        app.act(Action::Filter, at(4));
        for c in "col:teem=ml".chars() {
            let key = crossterm::event::KeyCode::Char(c).into();
            app.input(&crossterm::event::Event::Key(key), at(5));
        }
        let enter = crossterm::event::KeyCode::Enter.into();
        app.input(&crossterm::event::Event::Key(enter), at(6));
        let frame = fixture::draw(&mut app);
        assert!(frame.contains("did you mean TEAM?"), "{frame}");
        let esc = crossterm::event::KeyCode::Esc.into();
        app.input(&crossterm::event::Event::Key(esc), at(7));
        // one that goes while it is filtered by
        app.run(Command::Filter("col:team=ml".into()), at(8));
        app.run(Command::Columns(List::Jobs, None), at(9));
        let text = said(&app);
        assert!(
            text.contains("col:team") && text.contains("no column"),
            "{text}"
        );
    }

    fn picks(all: &[&str]) -> crate::model::extra::Chosen {
        let all = all.iter();
        all.map(|text| crate::model::extra::Pick::parse(List::Jobs, text).expect("a column"))
            .collect()
    }
}
