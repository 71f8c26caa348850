//! Beside the map: what the cursor is on in words, then the ledger.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::ledger::word;
use super::map::gate;
use super::{Gpus, Side, Spot, alarms, usage};
use crate::model::capacity::answer::SIZES;
use crate::model::capacity::cards::{Card, Layout, Part, State as CardState, cards};
use crate::model::capacity::groups::Group;
use crate::model::capacity::unit::Unit;
use crate::model::gpu_use::Device;
use crate::model::human;
use crate::model::ids::Name;
use crate::model::node::NodeRow;
use crate::model::progress::job_of;
use crate::panes::Cx;
use crate::panes::nodes::columns::state;
use crate::panes::words::count;
use crate::ui::{State, text};

/// Lines kept for the words above the ledger.
const SAID: u16 = 9;

type Words = Vec<Line<'static>>;

impl Gpus {
    /// Words, a rule, the ledger.
    pub(super) fn draw_side(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let wanted = match cx.session.gpu_use.on {
            true => SAID + 5,
            false => SAID,
        };
        let said = wanted.min(area.height / 2);
        let place = Rect {
            height: said,
            ..area
        };
        self.put(&self.about(cx), cx, place, buf);
        let lower = Rect {
            y: area.y + said,
            height: area.height.saturating_sub(said),
            ..area
        };
        self.draw_lower(cx, lower, buf);
    }

    /// The ledger, or what stands in its place, under a rule that says what it is.
    pub(super) fn draw_lower(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let rule = Rect {
            height: 1.min(area.height),
            ..area
        };
        let border = cx.theme.border(self.inside);
        for x in rule.left()..rule.right() {
            buf.set_string(x, rule.y, "─", border);
        }
        let style = match self.inside {
            true => cx.theme.text(),
            false => cx.theme.dim(),
        };
        let words = match self.side {
            Side::Ledger => {
                let holders = self.ledger.rows.len();
                let (one, many) = (word(self.by), format!("{}s", word(self.by)));
                format!(" held by {} ", count(holders, one, &many))
            }
            Side::Alarms => {
                let (loud, _) = alarms::count(cx);
                let quiet = alarms::all(cx).len().saturating_sub(loud);
                let more = match quiet {
                    0 => String::new(),
                    n => format!(" · {}", count(n, "note", "notes")),
                };
                format!(" {}{more} ", count(loud, "alarm", "alarms"))
            }
            Side::Fit => " what fits ".into(),
        };
        let mut spans = vec![Span::styled(words, style)];
        if self.heat {
            spans.push(Span::styled("──", border));
            spans.push(Span::raw(" "));
            spans.extend(usage::legend(cx));
            spans.push(Span::raw(" "));
        }
        let room = rule.width.saturating_sub(2);
        let spans = text::shorten_spans(&spans, room.into());
        buf.set_line(rule.x + 1, rule.y, &Line::from(spans), room);
        let list = Rect {
            y: rule.y + 1,
            height: area.height.saturating_sub(1),
            ..area
        };
        let focused = cx.focused && self.inside;
        match self.side {
            Side::Ledger => self.ledger.draw(self.by, focused, cx, list, buf),
            Side::Alarms => self.alarms.draw(focused, cx, list, buf),
            Side::Fit => self.fit.draw(self.here(cx), cx, list, buf),
        }
    }

    /// The same in the few lines there are below the map.
    pub(super) fn draw_said(&self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let words = self.about(cx);
        let style = cx.theme.border(false);
        for x in area.left()..area.right() {
            buf.set_string(x, area.y, "─", style);
        }
        let area = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(1),
            ..area
        };
        // the first lines say what the map shows as well
        let skip = words.len().saturating_sub(usize::from(area.height));
        self.put(&words[skip..], cx, area, buf);
    }

    fn put(&self, words: &[Line<'static>], _cx: &Cx, area: Rect, buf: &mut Buffer) {
        let room = area.width.saturating_sub(2);
        for (y, line) in (area.y..area.bottom()).zip(words) {
            let spans = text::shorten_spans(&line.spans, usize::from(room));
            buf.set_line(area.x + 1, y, &Line::from(spans), room);
        }
    }

    fn about(&self, cx: &Cx) -> Words {
        match &self.spot {
            Some(Spot::Head(head)) => self.group(head, cx).map_or_else(Vec::new, |group| {
                self.about_group(self.title_of(head, cx), group, cx)
            }),
            Some(Spot::Node(_)) => self
                .node(cx)
                .map_or_else(Vec::new, |node| self.about_node(node, cx)),
            None => Vec::new(),
        }
    }

    fn about_group(&self, title: String, group: &Group, cx: &Cx) -> Words {
        let theme = cx.theme;
        let nodes = usize::try_from(group.nodes).unwrap_or(usize::MAX);
        let mut facts = vec![count(nodes, "node", "nodes")];
        if group.cards > 0 {
            facts.push(format!("{} cards", group.cards));
        }
        let (all, used) = group.equivalents();
        let mut out = vec![Line::from(vec![
            Span::styled(title, theme.title()),
            Span::styled(format!("  {}", facts.join(" · ")), theme.dim()),
        ])];
        let whole = group.whole(self.tolerates(cx));
        let cut = group
            .kinds()
            .any(|kind| kind.unit.is_gpu() && !kind.unit.is_whole());
        if cut && all > 0.0 {
            let words = format!(
                "{used:.1} of {all:.1} GPU equivalents used, slices and shares as parts of a card"
            );
            out.push(Line::styled(words, theme.dim()));
        }
        if whole.sums.capacity == 0 {
            return out;
        }
        if whole.histogram.is_empty() {
            out.push(Line::styled("a pod can use no node of it now", theme.dim()));
            return out;
        }
        let mut spans = vec![Span::styled("free per node  ", theme.dim())];
        for (free, nodes) in &whole.histogram {
            spans.push(Span::styled(format!("{free}"), theme.text()));
            spans.push(Span::styled(format!("×{nodes}  "), theme.dim()));
        }
        spans.push(Span::styled(format!("{} empty", whole.empty), theme.dim()));
        out.push(Line::from(spans));
        let mut fit = vec![Span::styled("pods that fit  ", theme.dim())];
        let mut lost = vec![Span::styled("fragmentation  ", theme.dim())];
        for size in SIZES {
            let pods = whole.pods(size);
            fit.push(Span::styled(
                format!("{:>6}", format!("{pods}×{size}")),
                theme.text(),
            ));
            let part = format!("{:.0} %", whole.fragmentation(size) * 100.0);
            lost.push(Span::styled(format!("{part:>6}"), theme.text()));
        }
        out.extend([Line::from(fit), Line::from(lost)]);
        out
    }

    fn about_node(&self, node: &NodeRow, cx: &Cx) -> Words {
        let theme = cx.theme;
        let (sign, word) = state(node, cx);
        let mut head = vec![
            Span::styled(text::clean(&node.name).into_owned(), theme.title()),
            Span::styled(
                format!("  {} {word}", theme.state_glyph(sign)),
                theme.state(sign),
            ),
        ];
        let tolerates = self.tolerates(cx);
        if let Some(share) = cx.model.capacity.share(node) {
            let bucket = share.gate.bucket(&tolerates);
            if let Some((words, state)) = gate(node, &share.gate, bucket, &tolerates)
                && words != word
            {
                head.push(Span::styled(" · ", theme.dim()));
                head.push(Span::styled(
                    words,
                    state.map_or(theme.dim(), |state| theme.state(state)),
                ));
            }
        }
        let mut out = vec![Line::from(head)];
        let facts = facts(node);
        if !facts.is_empty() {
            out.push(Line::styled(facts, theme.dim()));
        }
        if let Some(used) = cx.model.capacity.of(node) {
            let words = format!(
                "{} of {} cpu · {} of {} memory · {} of {} pods asked for",
                human::cores(used.cpu_milli),
                human::cores(node.cpu_milli),
                human::bytes(used.memory),
                human::bytes(node.memory),
                used.pods,
                node.pods
            );
            out.push(Line::styled(words, theme.dim()));
        }
        if let Some((card, at, n)) = self.card(cx) {
            out.extend(self.about_card(&card, at, n, cx));
        }
        out.extend(self.about_use(node, cx));
        out
    }

    /// What the card under the cursor does, where that is read.
    fn about_use(&self, node: &NodeRow, cx: &Cx) -> Words {
        let all = cards(cx.model, node);
        let found = usage::devices(&all, node, cx);
        let at = self.card.min(all.len().saturating_sub(1));
        let parts = found.and_then(|found| found.into_iter().nth(at));
        let mut out = Words::new();
        let mut told: Vec<&Device> = Vec::new();
        for device in parts.into_iter().flatten().flatten() {
            if !told.iter().any(|known| known.id == device.id) {
                told.push(device);
            }
        }
        match told.as_slice() {
            [one] => out.extend(usage::words(one, cx)),
            // of a card in slices, a line for each
            several => out.extend(several.iter().map(|device| usage::brief(device, cx))),
        }
        match out.is_empty() {
            true => usage::unknown(node, cx).into_iter().collect(),
            false => out,
        }
    }

    fn about_card(&self, card: &Card, at: usize, of: usize, cx: &Cx) -> Words {
        let theme = cx.theme;
        let what = match card.layout {
            Layout::Unknown => {
                let shared = card.parts.first().map(|part| &part.unit);
                let what = match shared {
                    Some(Unit::Share { .. }) => "shares",
                    _ => "slices",
                };
                format!("{what} {} of {of}, on which cards is not told", at + 1)
            }
            Layout::Even if !card.is_whole() => {
                format!("card {} of {of}, as slices divide evenly", at + 1)
            }
            _ if card
                .parts
                .iter()
                .any(|part| part.pod.is_some() && !part.told) =>
            {
                format!("card {} of {of}, which one is not told", at + 1)
            }
            _ => format!("card {} of {of}", at + 1),
        };
        let resource = text::clean(&card.resource).into_owned();
        let mut out = vec![Line::from(vec![
            Span::styled(what, theme.text()),
            Span::styled(format!("  {resource}"), theme.dim()),
        ])];
        // parts of one holder that are alike are one line
        let mut lines: Vec<(Line<'static>, usize)> = Vec::new();
        for part in &card.parts {
            let line = self.about_part(part, card.is_whole(), cx);
            match lines.iter_mut().find(|(known, _)| *known == line) {
                Some((_, n)) => *n += 1,
                None => lines.push((line, 1)),
            }
        }
        for (mut line, n) in lines {
            if n > 1 {
                line.spans
                    .insert(0, Span::styled(format!("{n} × "), theme.text()));
            }
            out.push(line);
        }
        out
    }

    fn about_part(&self, part: &Part, whole: bool, cx: &Cx) -> Line<'static> {
        let theme = cx.theme;
        let mut spans = Vec::new();
        if !whole {
            spans.push(Span::styled(format!("{} ", one(part)), theme.dim()));
        }
        let (state, word) = match part.state {
            CardState::Free => (State::Succeeded, "free"),
            CardState::Held => (State::Running, "held"),
            CardState::Releasing => (State::Terminating, "being released"),
            CardState::Sick => (State::Failed, "sick: not offered any more"),
            CardState::Blocked => (State::Held, "blocked: a slice of its card is held"),
            CardState::Over => (State::Failed, "lost: held, but the node does not offer it"),
        };
        spans.push(Span::styled(word, theme.state(state)));
        if let Some(id) = &part.id {
            spans.push(Span::styled(format!(" {}", text::clean(id)), theme.dim()));
        }
        let Some(pod) = part.pod.and_then(|key| cx.model.pods.get(key)) else {
            return Line::from(spans);
        };
        spans.push(Span::styled(" by ", theme.dim()));
        spans.push(Span::styled("■ ", self.ledger.colours.of(pod, cx)));
        spans.push(Span::styled(
            text::clean(&pod.name).into_owned(),
            theme.text(),
        ));
        let mut more = vec![text::clean(&pod.namespace).into_owned()];
        let job = job_of(pod).and_then(|job| cx.model.jobs.get(cx.model.top(job)));
        if let Some(queue) = job.and_then(|job| cx.model.queue(job)) {
            more.push(format!("queue {}", text::clean(queue)));
        }
        if let Some(at) = pod.started.get() {
            more.push(human::duration(cx.now - at));
        }
        spans.push(Span::styled(format!("  {}", more.join(" · ")), theme.dim()));
        Line::from(spans)
    }
}

/// `1g.10gb`, `share`.
fn one(part: &Part) -> String {
    match &part.unit {
        Unit::Share { mps: true, .. } => "MPS share".into(),
        Unit::Share { .. } => "share".into(),
        Unit::Partition { mode, .. } => mode.to_string(),
        unit => unit.words(),
    }
}

/// What labels say of a node's GPUs: `NVIDIA-A100-SXM4-80GB · driver 570.124.06 · CUDA 12.8 · MIG mixed`.
fn facts(node: &NodeRow) -> String {
    let mut out: Vec<String> = Vec::new();
    out.extend(node.product.as_deref().map(|p| text::clean(p).into_owned()));
    if let Some(gpu) = node.gpu.as_deref() {
        let mut say = |label: &str, value: &Option<Name>| {
            if let Some(value) = value {
                out.push(format!("{label}{}", text::clean(value)));
            }
        };
        say("driver ", &gpu.driver);
        say("CUDA ", &gpu.cuda);
        say("MIG ", &gpu.mig_strategy);
        if let (Some(sharing), Some(n)) = (&gpu.sharing, gpu.replicas)
            && n > 1
        {
            out.push(format!("{} × {n}", text::clean(sharing)));
        }
        if let (Some(config), Some(state)) = (&gpu.mig_config, &gpu.mig_state)
            && &**state != "success"
        {
            out.push(format!(
                "MIG layout {} {}",
                text::clean(config),
                text::clean(state)
            ));
        }
    }
    out.join(" · ")
}
