//! One node, whole: what it is, what keeps pods away, what each resource of it is held by, what its GPUs do, what
//! happened to it; beside it the pods on it, each with the way to its job.

use chrono::{DateTime, Utc};
use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::nodes::columns::state;
use super::pods::Pods;
use super::words::{count, devices};
use super::{About, Arrival, Cx, Pane, PodsOf, Reply, Target, gpu_use, gpus, hardware};
use crate::app::action::{Action, Scope};
use crate::model::claimed::counted;
use crate::model::human;
use crate::model::ids::{Key, Name};
use crate::model::node::NodeRow;
use crate::model::resources::Devices;
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::ui::scroll::{self, Window};
use crate::ui::text;

mod page;
#[cfg(test)]
mod tests;

/// From this width on the pods stand beside the text.
const BESIDE: u16 = 120;

/// The screen of one node.
pub struct Node {
    key: Key,
    /// As it was seen last, for when it is gone.
    last: Option<NodeRow>,
    /// The object, once it was fetched, or why not: what no row keeps of thousands of nodes is read from it.
    object: Option<Result<Value, String>>,
    pods: Option<Pods>,
    /// Keys go to the pods.
    inside: bool,
    window: Window,
    text: Rect,
}

impl Node {
    pub fn new(key: Key) -> Self {
        Self {
            key,
            last: None,
            object: None,
            pods: None,
            inside: false,
            window: Window::default(),
            text: Rect::default(),
        }
    }

    fn row<'a>(&'a self, cx: &Cx<'a>) -> Option<&'a NodeRow> {
        cx.model.nodes.get(self.key).or(self.last.as_ref())
    }

    fn object_want(name: &Name) -> ObjectWant {
        ObjectWant {
            kind: Kind::Node,
            namespace: "".into(),
            name: name.clone(),
        }
    }

    fn refresh(&mut self, cx: &Cx) {
        let Some(row) = cx.model.nodes.get(self.key) else {
            return;
        };
        if self.pods.is_none() {
            self.pods = Some(Pods::new(PodsOf::Node(row.name.clone())));
        }
        self.last = Some(row.clone());
    }

    fn draw_text(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.text = area;
        let Some(row) = self.row(cx) else { return };
        let gone = !cx.model.nodes.contains(self.key);
        let width = area.width.saturating_sub(2);
        let object = self.object.as_ref();
        let lines = page::lines(row, object, gone, cx, width.into());
        self.window = Window {
            page: usize::from(area.height),
            total: lines.len(),
            ..self.window
        }
        .settled();
        let shown = lines.iter().skip(self.window.offset);
        for (y, line) in (area.y..area.bottom()).zip(shown) {
            let spans = text::shorten_spans(&line.spans, width.into());
            buf.set_line(area.x + 1, y, &Line::from(spans), width);
        }
        scroll::bar(area, buf, cx.theme, self.window);
    }

    fn draw_pods(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let focused = cx.focused && self.inside;
        if let Some(pods) = &mut self.pods {
            pods.draw(&Cx { focused, ..*cx }, area, buf);
        }
    }

    fn own(&mut self, action: Action, cx: &Cx) -> Reply {
        self.window = match action {
            Action::Up => self.window.step(-1),
            Action::Down => self.window.step(1),
            Action::PageUp => self.window.step_page(-1),
            Action::PageDown => self.window.step_page(1),
            Action::Top => self.window.step(isize::MIN),
            Action::Bottom => self.window.step(isize::MAX),
            Action::Open => {
                self.inside = true;
                return Reply::Done;
            }
            _ => return self.about(action, cx),
        };
        Reply::Done
    }

    /// Where the node itself leads.
    fn about(&self, action: Action, cx: &Cx) -> Reply {
        let Some(row) = self.row(cx) else {
            return Reply::Ignored;
        };
        match action {
            Action::ShowPods => Reply::Open(Target::Pods(PodsOf::Node(row.name.clone()))),
            Action::ShowGpus if cx.model.capacity.share(row).is_some() => {
                Reply::Open(Target::GpuMap(gpus::MapOf::Node(row.key)))
            }
            Action::ShowHardware => hardware::stock::open(std::iter::once(row), cx),
            Action::Yaml => Reply::Open(Target::Yaml(Self::object_want(&row.name))),
            Action::ShowEvents => Reply::Open(Target::Events(Some(About {
                key: row.key,
                namespace: "".into(),
                title: format!("node/{}", row.name),
            }))),
            Action::Copy => Reply::Copy {
                text: row.name.to_string(),
                what: format!("the name {}", row.name),
            },
            _ => Reply::Ignored,
        }
    }
}

/// `8 H100`: what plugins offer and what can be claimed, each card once.
fn offered(row: &NodeRow, cx: &Cx) -> String {
    let mut all = Devices::default();
    if let Some(share) = cx.model.capacity.share(row) {
        for line in &share.lines {
            all.add(counted(&line.kind), line.amounts.capacity);
        }
    }
    devices(&all, row.product.as_deref())
}

impl Pane for Node {
    fn title(&self, cx: &Cx) -> String {
        match self.row(cx) {
            Some(row) => format!("node/{}", row.name),
            None => "node".into(),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let Some(row) = self.row(cx) else {
            let text = super::health::unknown(Kind::Node, cx);
            let text = text.unwrap_or_else(|| "node: not known (any more)".into());
            return Line::styled(text, cx.theme.dim());
        };
        let (sign, word) = state(row, cx);
        let mut spans = vec![
            Span::styled(
                format!("{} {word}", cx.theme.state_glyph(sign)),
                cx.theme.state(sign),
            ),
            Span::styled(format!("  {}", text::clean(&row.name)), cx.theme.title()),
        ];
        let mut facts = Vec::new();
        if gpu_use::has_gpus(row, cx) {
            facts.push(offered(row, cx));
        }
        let used = cx.model.capacity.of(row).map_or(0, |used| used.pods);
        facts.push(count(used as usize, "pod", "pods"));
        facts.extend(row.machine.iter().map(|m| text::clean(m).into_owned()));
        let facts = format!("  {}", facts.join(" · "));
        spans.push(Span::styled(facts, cx.theme.dim()));
        Line::from(spans)
    }

    fn scopes(&self) -> &'static [Scope] {
        match self.inside {
            true => &[Scope::Pods, Scope::List],
            false => &[Scope::Nodes, Scope::List],
        }
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        if let (true, Some(pods)) = (self.inside, &self.pods) {
            let mut out = vec![Action::Focus];
            out.extend(pods.hints(cx));
            out.truncate(8);
            return out;
        }
        let mut out = vec![Action::Focus, Action::Hold];
        if (self.row(cx)).is_some_and(|row| gpu_use::has_gpus(row, cx)) {
            out.extend([Action::ShowGpus, Action::ShowHardware]);
        }
        out.extend([Action::ShowEvents, Action::Yaml, Action::Copy, Action::Back]);
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        let border = cx.theme.border(false);
        if area.width >= BESIDE {
            let wide = (area.width / 2).min(96);
            let left = Rect {
                width: wide,
                ..area
            };
            for y in area.y..area.bottom() {
                buf.set_string(left.right(), y, "│", border);
            }
            let right = Rect {
                x: left.right() + 1,
                width: area.width - wide - 1,
                ..area
            };
            self.draw_text(cx, left, buf);
            self.draw_pods(cx, right, buf);
            return;
        }
        // the one that has the keys has the most of the room
        let below = match self.inside {
            true => area.height.saturating_mul(2) / 3,
            false => (area.height / 3).max(4),
        };
        let below = below.min(area.height);
        let above = Rect {
            height: (area.height - below).saturating_sub(1),
            ..area
        };
        self.draw_text(cx, above, buf);
        for x in area.left()..area.right() {
            buf.set_string(x, above.bottom(), "─", border);
        }
        let pods = Rect {
            y: area.bottom() - below,
            height: below,
            ..area
        };
        self.draw_pods(cx, pods, buf);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        match action {
            Action::Focus => {
                self.inside = !self.inside;
                Reply::Done
            }
            Action::Back if self.inside && self.filter().is_empty() => {
                self.inside = false;
                Reply::Done
            }
            _ if self.inside => match &mut self.pods {
                Some(pods) => pods.act(action, cx),
                None => Reply::Ignored,
            },
            _ => self.own(action, cx),
        }
    }

    fn subjects(&self, cx: &Cx) -> Vec<Key> {
        match (self.inside, &self.pods) {
            (true, Some(pods)) => pods.subjects(cx),
            _ => vec![self.key],
        }
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        let mut wants: Vec<Want> = [Kind::Node, Kind::Pod, Kind::Job]
            .map(|kind| Want::Watch(kind, Selector::All))
            .into();
        wants.push(Want::Workloads);
        if let Some(row) = self.row(cx) {
            wants.push(Want::Object(Self::object_want(&row.name)));
            let about = Selector::OfNode(row.name.clone());
            wants.push(Want::Watch(Kind::Event, about));
            if gpu_use::has_gpus(row, cx) {
                wants.push(Want::GpuUse(row.name.clone()));
            }
        }
        wants
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let pods = self.pods.as_ref().and_then(|pods| pods.wake(cx));
        let row = self.row(cx).filter(|_| !cx.timestamps);
        let span = row.and_then(|row| row.created).map(|at| cx.now - at);
        let own = span.map(|span| cx.now + human::next_change(span));
        pods.into_iter().chain(own).min()
    }

    fn filter(&self) -> &str {
        self.pods.as_ref().map_or("", |pods| pods.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) -> Result<(), String> {
        self.inside |= !text.is_empty();
        match &mut self.pods {
            Some(pods) => pods.set_filter(text, cx),
            None => Ok(()),
        }
    }

    fn receive(&mut self, arrival: &Arrival, cx: &Cx) {
        if let Arrival::Object { want, object } = arrival
            && let Some(row) = self.row(cx)
            && **want == Self::object_want(&row.name)
        {
            self.object = Some((*object).clone());
        }
    }

    fn position(&self, cx: &Cx) -> String {
        match (self.inside, &self.pods) {
            (true, Some(pods)) => pods.position(cx),
            _ if self.window.total <= self.window.page => String::new(),
            _ => {
                let end = self.window.offset + self.window.page;
                format!("{}/{}", end.min(self.window.total), self.window.total)
            }
        }
    }

    fn mouse(&mut self, event: MouseEvent, area: Rect, cx: &Cx) -> Reply {
        let at = Position::new(event.column, event.row);
        if self.text.contains(at) {
            return match event.kind {
                MouseEventKind::ScrollUp => self.own(Action::Up, cx),
                MouseEventKind::ScrollDown => self.own(Action::Down, cx),
                MouseEventKind::Down(_) => {
                    self.inside = false;
                    Reply::Done
                }
                _ => Reply::Ignored,
            };
        }
        if matches!(event.kind, MouseEventKind::Down(_)) {
            self.inside = true;
        }
        match &mut self.pods {
            Some(pods) => pods.mouse(event, area, cx),
            None => Reply::Ignored,
        }
    }
}
