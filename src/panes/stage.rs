//! A stage for pane tests: a context to draw and act in, and the picture as text. Test code only.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fixture;
use super::{Cx, Notice, Pane, Reply, Session};
use crate::app::action::Action;
use crate::model::Model;
use crate::model::health::Health;
use crate::model::want::Kind;
use crate::ui::glyphs::Glyphs;
use crate::ui::keymap::{Keymap, Keymaps};
use crate::ui::theme::Theme;

pub struct Stage {
    pub model: Model,
    pub theme: Theme,
    pub glyphs: Glyphs,
    pub keymap: Keymap<Action>,
    pub session: Session,
    pub messages: Vec<Notice>,
    pub hardware: std::sync::Arc<crate::hardware::Catalog>,
}

impl Stage {
    pub fn new(model: Model) -> Self {
        let kinds = [Kind::Job, Kind::Pod, Kind::Node, Kind::Namespace];
        Self {
            model,
            theme: Theme::default(),
            glyphs: Glyphs::Unicode,
            keymap: Keymaps::default().load("default").unwrap(),
            session: Session {
                context: "csc-demo".into(),
                contexts: vec!["csc-demo".into(), "hep-prod".into(), "kind-local".into()],
                sources: kinds.map(|kind| (kind, Health::Live)).to_vec(),
                ..Session::default()
            },
            messages: Vec::new(),
            hardware: crate::hardware::load::shipped(),
        }
    }

    /// With both clusters of the fixture.
    pub fn two() -> Self {
        Self {
            session: fixture::session_of_two(),
            ..Self::new(fixture::two())
        }
    }

    pub fn cx(&self) -> Cx<'_> {
        Cx {
            model: &self.model,
            hardware: &self.hardware,
            theme: &self.theme,
            glyphs: &self.glyphs,
            keymap: &self.keymap,
            now: fixture::now(),
            session: &self.session,
            messages: &self.messages,
            timestamps: false,
            focused: true,
        }
    }

    /// The cells a pane draws.
    pub fn buffer(&self, pane: &mut dyn Pane, width: u16, height: u16) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        self.theme.clear(area, &mut buf);
        pane.draw(&self.cx(), area, &mut buf);
        self.glyphs.finish(&mut buf);
        buf
    }

    /// The answer line, then the pane as text, then its position.
    pub fn draw(&self, pane: &mut dyn Pane, width: u16, height: u16) -> String {
        let buf = self.buffer(pane, width, height);
        let mut out = format!("{}\n", pane.answer(&self.cx()));
        out.push_str(&text(&buf));
        out.push_str(&pane.position(&self.cx()));
        out
    }

    pub fn act(&self, pane: &mut dyn Pane, action: Action) -> Reply {
        pane.act(action, &self.cx())
    }

    /// What a prompt does while a text is typed.
    pub fn type_in(&self, pane: &mut dyn Pane, text: &str) {
        for end in 1..=text.len() {
            pane.set_filter(&text[..end], &self.cx()).unwrap();
        }
    }
}

/// The symbols of a buffer, row by row, without trailing blanks.
pub fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut row = String::new();
        let mut hidden = 0;
        for x in buf.area.left()..buf.area.right() {
            let symbol = buf[(x, y)].symbol();
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            hidden = crate::ui::text::width(symbol).saturating_sub(1);
            row.push_str(symbol);
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}
