//! Keys, paste, resize: what the terminal sends, turned into actions and text.

use chrono::{DateTime, Utc};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::App;
use super::action::{Action, Scope};
use super::update::front;

impl App {
    /// One event of the terminal.
    pub fn input(&mut self, event: &Event, now: DateTime<Utc>) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(*key, now),
            Event::Paste(text) => {
                if let Some(prompt) = &mut self.prompt {
                    prompt.line.insert(text);
                    self.prompt_changed(now);
                } else {
                    self.paste(text, now);
                }
            }
            Event::Mouse(mouse) => self.mouse(*mouse, now),
            Event::Resize(..) => self.dirty = true,
            Event::FocusGained => {
                self.watched = true;
                self.dirty = true;
            }
            Event::FocusLost => self.watched = false,
            Event::Key(_) => {}
        }
    }

    fn key(&mut self, key: KeyEvent, now: DateTime<Utc>) {
        self.dirty = true;
        self.desk.notices.dismiss();
        if key.code == KeyCode::Char('c') && key.modifiers == KeyModifiers::CONTROL {
            return self.interrupt(now);
        }
        if self.prompt.is_some() {
            return self.prompt_key(key, now);
        }
        if self.edits() {
            return self.edit_key(key, now);
        }
        if let Some(action) = self.lookup(key) {
            self.act(action, now);
        }
    }

    fn lookup(&mut self, key: KeyEvent) -> Option<Action> {
        // the slider's keys come first: there is nothing to mark or change then
        let slider = self.in_the_past() && self.overlay.is_none();
        let slider = slider.then_some(&Scope::Past);
        let pane = front(
            &mut self.overlay,
            &self.link,
            &mut self.start,
            &mut self.screens,
        );
        let scopes: Vec<&str> = slider
            .into_iter()
            .chain(pane.scopes())
            .chain(&[Scope::Global])
            .map(|s| s.name())
            .collect();
        self.desk.look.press(key, &scopes)
    }

    /// Keys while a line is typed: text goes to the line, movement to the list behind it.
    fn prompt_key(&mut self, key: KeyEvent, now: DateTime<Utc>) {
        let through = match (key.code, key.modifiers) {
            (KeyCode::Esc, _) => return self.prompt_cancel(now),
            (KeyCode::Enter, _) => return self.prompt_done(now),
            (KeyCode::Up, _) => Some(Action::Up),
            (KeyCode::Down, _) => Some(Action::Down),
            (KeyCode::PageUp, _) => Some(Action::PageUp),
            (KeyCode::PageDown, _) => Some(Action::PageDown),
            (KeyCode::Char('p'), KeyModifiers::CONTROL) => Some(Action::Up),
            (KeyCode::Char('n'), KeyModifiers::CONTROL) => Some(Action::Down),
            (KeyCode::Tab, _) if self.overlay.is_some() => {
                return self.complete(now);
            }
            _ => None,
        };
        if let Some(action) = through {
            return self.act(action, now);
        }
        if let Some(prompt) = &mut self.prompt
            && prompt.line.key(key)
        {
            self.prompt_changed(now);
        }
    }

    fn prompt_changed(&mut self, now: DateTime<Utc>) {
        if let Some(prompt) = &self.prompt {
            let text = prompt.line.text().to_owned();
            self.filter(&text, now);
        }
    }

    /// `tab` in the command bar: the text becomes that of the selected candidate.
    fn complete(&mut self, now: DateTime<Utc>) {
        let completed = self.overlay.as_ref().map(|o| o.filter().to_owned());
        self.act(Action::Focus, now);
        let after = self.overlay.as_ref().map(|o| o.filter().to_owned());
        if after != completed
            && let (Some(prompt), Some(text)) = (&mut self.prompt, after)
        {
            prompt.line.set(&text);
        }
    }

    fn prompt_cancel(&mut self, now: DateTime<Utc>) {
        let Some(prompt) = self.prompt.take() else {
            return;
        };
        if self.overlay.is_some() {
            self.close_overlay();
        } else {
            self.filter(&prompt.before, now);
        }
    }

    fn prompt_done(&mut self, now: DateTime<Utc>) {
        if self.overlay.is_some() {
            return self.act(Action::Open, now);
        }
        let refused = self.prompt.take_if(|p| p.error.is_none()).is_none();
        if refused && let Some(prompt) = &mut self.prompt {
            prompt.error.get_or_insert_with(String::new);
        }
    }
}
