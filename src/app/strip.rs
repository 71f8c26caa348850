//! The line over a screen that shows one of several clusters: which it is, and how the others stand beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::App;
use super::action::{Action, Scope};
use crate::model::ids::ClusterId;
use crate::model::listed::Scope as Scoped;
use crate::ui::text;

impl App {
    /// Rows it takes: none where lists show all clusters, or there is one.
    pub(super) fn strip_rows(&self) -> u16 {
        let of_one = self.screens.cluster().is_none() && !self.screens.is_of_all();
        u16::from(of_one && self.desk.session.several())
    }

    /// ` ● demo 148/173 GPUs, 22 wait   ● east 12/16 GPUs, 1 waits   K the next`
    pub(super) fn draw_strip(&mut self, area: Rect, buf: &mut Buffer) {
        if area.height == 0 {
            return;
        }
        let namespaces = self.desk.session.namespace.clone().map(|ns| vec![ns]);
        let open = self.desk.session.clusters();
        let ids: Vec<ClusterId> = open.iter().map(|open| open.id).collect();
        self.beside.retain(|id, _| ids.contains(id));
        let theme = &self.desk.look.theme;
        let mut spans = vec![Span::raw(" ")];
        for of in &open {
            let scope = Scoped {
                clusters: Some(vec![of.id]),
                namespaces: namespaces.clone(),
                ..Scoped::default()
            };
            let header = self.beside.entry(of.id).or_default();
            let totals = header.refresh(&self.desk.model, &scope);
            let (state, words) = of.state();
            let name = self.desk.model.clusters.name(of.id);
            let name = text::clean(name.map_or(of.context, |name| name)).into_owned();
            let sign = format!("{} ", theme.state_glyph(state));
            spans.push(Span::styled(sign, theme.state(state)));
            let style = match of.id == self.desk.session.cluster {
                true => theme.title().add_modifier(Modifier::UNDERLINED),
                false => theme.text(),
            };
            spans.push(Span::styled(name, style));
            let gpus = totals.gpus;
            let gpus = gpus.map(|gpus| format!("{}/{} GPUs", gpus.used, gpus.allocatable));
            let waits = match totals.waiting() {
                0 => None,
                1 => Some("1 waits".to_owned()),
                n => Some(format!("{n} wait")),
            };
            let lost = of.lost().map(|_| text::clean(&words).into_owned());
            let parts: Vec<String> = [lost, gpus, waits].into_iter().flatten().collect();
            spans.push(Span::styled(
                format!(" {}   ", parts.join(", ")),
                theme.dim(),
            ));
        }
        if let Some(key) = self
            .desk
            .look
            .key_for(Action::NextCluster, &[Scope::Global])
        {
            spans.push(Span::styled(format!("{key} shows the next"), theme.faint()));
        }
        let spans = text::shorten_spans(&spans, usize::from(area.width));
        buf.set_line(area.x, area.y, &Line::from(spans), area.width);
    }
}
