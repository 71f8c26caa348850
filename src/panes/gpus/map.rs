//! The map: lines of groups, nodes and blocks. Only the lines on screen are made.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::cells::{self, Paint};
use super::fit::Mark;
use super::{Gpus, Head, Row, Spot, usage};
use crate::model::capacity::amounts::{Bucket, Gate};
use crate::model::capacity::cards::cards;
use crate::model::capacity::groups::{Dim, Group, Share};
use crate::model::ids::{ClusterId, Key};
use crate::model::node::NodeRow;
use crate::panes::Cx;
use crate::panes::nodes::columns::state;
use crate::panes::words::product;
use crate::ui::meter::Fill;
use crate::ui::text::{self, Shorten};
use crate::ui::{Meter, State};

/// Columns before the first cell of a line of blocks: the selection's bar and a blank.
pub const INDENT: usize = 2;
/// Columns of a group's bar.
const BAR: u16 = 16;

/// How many nodes a line of blocks holds.
pub fn blocks_per_row(width: u16) -> usize {
    usize::from(width).saturating_sub(INDENT + 1).max(1)
}

impl Gpus {
    /// Draws the lines in sight, the cursor's among them.
    pub(super) fn draw_map(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.map = area;
        let height = usize::from(area.height);
        let at = self.row_at();
        if let Some(at) = at {
            let margin = 2.min(height.saturating_sub(1) / 2);
            let least = (at + 1 + margin).saturating_sub(height);
            self.offset = self
                .offset
                .clamp(least, at.saturating_sub(margin).max(least));
        }
        self.offset = self.offset.min(self.rows.len().saturating_sub(height));
        let focused = cx.focused && !self.inside;
        let shown = self.rows.iter().skip(self.offset).take(height);
        let name = self.name_width(cx, height);
        for ((y, row), n) in (area.y..).zip(shown).zip(self.offset..) {
            let here = at == Some(n);
            let line = Rect {
                y,
                height: 1,
                ..area
            };
            if here && !matches!(row, Row::Blocks(..)) {
                buf.set_style(line, cx.theme.selection(focused));
                buf.set_string(
                    area.x,
                    y,
                    cx.glyphs.selection(),
                    cx.theme.selection_bar(focused),
                );
            }
            match *row {
                Row::Gap => {}
                Row::Cluster(cluster) => {
                    self.draw_head(
                        &Head::Cluster(cluster),
                        self.is_shut(cluster),
                        cx,
                        line,
                        buf,
                    );
                }
                Row::Group(at) => {
                    if let Some(branch) = self.tree.branches.get(at) {
                        let folded = self.is_folded(branch);
                        self.draw_head(&branch.head(), folded, cx, line, buf);
                    }
                }
                Row::Node(branch, node) => {
                    let key = self.tree.node(branch, node);
                    if let Some(node) = key.and_then(|key| cx.model.nodes.get(key)) {
                        let card = here.then_some(self.card).filter(|_| focused);
                        self.draw_node(node, card, name, cx, line, buf);
                    }
                }
                Row::Blocks(branch, from, to) => self.draw_blocks(branch, from..to, cx, line, buf),
            }
            // a selection with a colour of its own covers hues, which may not be seen on it
            if here
                && !matches!(row, Row::Blocks(..))
                && let Some(fg) = cx.theme.selection(focused).fg
            {
                for x in line.x + 1..line.right() {
                    buf[(x, y)].set_fg(fg);
                }
            }
        }
    }

    /// Names on screen stand in one column.
    fn name_width(&self, cx: &Cx, height: usize) -> usize {
        let shown = self.rows.iter().skip(self.offset).take(height);
        let names = shown.filter_map(|row| match row {
            Row::Node(branch, node) => cx.model.nodes.get(self.tree.node(*branch, *node)?),
            _ => None,
        });
        let longest = names.map(|node| text::width(&node.name)).max().unwrap_or(0);
        let most = usize::from(self.map.width / 3).clamp(10, 32);
        longest.clamp(8, most)
    }

    /// The totals under a heading.
    pub(super) fn group<'a>(&self, head: &Head, cx: &Cx<'a>) -> Option<&'a Group> {
        match head {
            Head::Cluster(cluster) => cx.model.capacity.all(*cluster),
            Head::Group(cluster, name) => {
                let mut groups = cx.model.capacity.groups(*cluster, self.dim);
                groups
                    .find(|(of, _)| *of == name.as_ref())
                    .map(|(_, group)| group)
            }
        }
    }

    /// What a heading is called.
    pub(super) fn title_of(&self, head: &Head, cx: &Cx) -> String {
        let cluster = |of: ClusterId| {
            let name = cx.model.clusters.name(of);
            name.map_or_else(String::new, |name| format!("cluster {}", text::clean(name)))
        };
        match head {
            Head::Cluster(of) => cluster(*of),
            Head::Group(_, Some(name)) => text::clean(name).into_owned(),
            Head::Group(of, None) if self.dim == Dim::All && self.tree.clusters.len() > 1 => {
                cluster(*of)
            }
            Head::Group(_, None) if self.dim == Dim::All => "all nodes".into(),
            Head::Group(_, None) => format!("no {}", self.dim.word()),
        }
    }

    /// How many nodes are shown under it.
    fn nodes_under(&self, head: &Head) -> usize {
        let all = self.tree.branches.iter();
        let under = all.filter(|branch| match head {
            Head::Cluster(cluster) => branch.cluster == *cluster,
            group => branch.head() == *group,
        });
        under.map(|branch| branch.nodes.len()).sum()
    }

    fn draw_head(&self, head: &Head, folded: bool, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let theme = cx.theme;
        let group = self.group(head, cx);
        let fold = match folded {
            true => "▸ ",
            false => "▾ ",
        };
        let style = match head {
            Head::Cluster(_) => theme.accent().add_modifier(Modifier::BOLD),
            Head::Group(..) => theme.title(),
        };
        let spans = vec![
            Span::styled(fold, theme.dim()),
            Span::styled(self.title_of(head, cx), style),
        ];
        let mut words = Vec::new();
        if let Head::Cluster(cluster) = head {
            words.extend(trouble(*cluster, group.is_none(), cx));
        }
        let mut bar = None;
        if let Some(group) = group {
            let tolerates = self.tolerates(cx);
            let whole = group.whole(tolerates);
            if whole.sums.capacity > 0 {
                let label = format!("{}/{}", whole.sums.used, whole.sums.capacity);
                let mut meter = Meter::new(whole.sums.capacity as f64)
                    .segment(whole.sums.used as f64, Fill::Plain)
                    .label(label);
                if whole.sums.sick > 0 {
                    meter = meter.tick(whole.sums.allocatable as f64);
                }
                bar = Some(meter);
                words.push(format!("{} free", whole.open));
                for (n, word) in [
                    (whole.tainted, "behind taints"),
                    (whole.away, "out of use"),
                    (whole.stranded, "stranded"),
                    (whole.sums.sick, "sick"),
                ] {
                    if n > 0 {
                        words.push(format!("{n} {word}"));
                    }
                }
            }
            for kind in group.kinds().filter(|kind| !kind.unit.is_whole()) {
                let totals = group.totals(kind, tolerates);
                let (used, all) = (totals.sums.used, totals.sums.allocatable);
                // what partitioned cards could offer and do not is none
                if (used, all) != (0, 0) {
                    words.push(format!("{used}/{all} {}", kind.unit.words()));
                }
            }
        }
        if group.is_some() {
            words.push(crate::panes::words::count(
                self.nodes_under(head),
                "node",
                "nodes",
            ));
        }
        let room = usize::from(area.width).saturating_sub(INDENT);
        let name_room = room.saturating_sub(usize::from(BAR) + 12).max(12);
        let spans = text::shorten_spans(&spans, name_room);
        let wide = text::spans_width(&spans) as u16;
        buf.set_line(
            area.x + 1,
            area.y,
            &Line::from(spans),
            area.width.saturating_sub(2),
        );
        let mut x = area.x + 1 + wide + 2;
        if let Some(bar) = bar {
            let label = bar.label_width();
            let width = (BAR + label as u16 + 1).min(area.right().saturating_sub(x));
            bar.draw(Rect { x, width, ..area }, buf, theme, label);
            x += width + 2;
        }
        let words = words.join(" · ");
        let room = usize::from(area.right().saturating_sub(x + 1));
        let words = text::shorten(&words, room, Shorten::End);
        buf.set_stringn(x, area.y, words, room, theme.dim());
    }

    fn draw_node(
        &self,
        node: &NodeRow,
        card: Option<usize>,
        name: usize,
        cx: &Cx,
        area: Rect,
        buf: &mut Buffer,
    ) {
        let theme = cx.theme;
        let Some(share) = cx.model.capacity.share(node) else {
            return;
        };
        let tolerates = self.tolerates(cx);
        let bucket = share.gate.bucket(&tolerates);
        let (sign, _) = state(node, cx);
        let clean = text::clean(&node.name);
        let short = text::shorten(&clean, name, Shorten::Middle);
        let pad = " ".repeat(name.saturating_sub(text::width(&short)));
        let mut spans = vec![
            Span::styled(theme.state_glyph(sign), theme.state(sign)),
            Span::styled(format!(" {short}{pad}  "), theme.text()),
        ];
        // numbers stand before the cells: those are of any width
        let numbers = numbers(share);
        spans.push(Span::styled(format!("{numbers:>5}  "), theme.text()));
        let mark = self.fit.mark(node.key);
        if let Some(mark) = &mark {
            spans.push(takes(mark, cx));
        }
        let all = cards(cx.model, node);
        let heat = self
            .heat
            .then(|| usage::devices(&all, node, cx).unwrap_or_default());
        let paint = Paint {
            cx,
            colours: &self.ledger.colours,
            bucket,
            heat: heat.as_deref(),
        };
        let at = card.map(|at| at.min(all.len().saturating_sub(1)));
        for (n, card) in all.iter().enumerate() {
            if n > 0 {
                spans.push(Span::raw(" "));
            }
            paint.card(n, card, at == Some(n), &mut spans);
        }
        // nodes of eight cards, the most common ones, have their words in one column
        let pad = 15usize.saturating_sub(cells::width(&all));
        spans.push(Span::raw(" ".repeat(pad + 1)));
        let reasons = match mark {
            Some(Mark::Almost(almost)) => vec![(
                text::clean(&almost.words()).into_owned(),
                Some(State::Waiting),
            )],
            _ => reasons(node, share, bucket, &tolerates),
        };
        for (words, state) in reasons {
            spans.push(Span::raw(" "));
            spans.push(match state {
                Some(state) => Span::styled(words, theme.state(state)),
                None => Span::styled(words, theme.dim()),
            });
        }
        let room = usize::from(area.width).saturating_sub(INDENT + 1);
        let spans = text::shorten_spans(&spans, room);
        buf.set_line(
            area.x + 1,
            area.y,
            &Line::from(spans),
            area.width.saturating_sub(2),
        );
    }

    /// Nodes as blocks: how full each is, in the hue of who holds most of it.
    fn draw_blocks(
        &self,
        branch: usize,
        nodes: std::ops::Range<usize>,
        cx: &Cx,
        area: Rect,
        buf: &mut Buffer,
    ) {
        let tolerates = self.tolerates(cx);
        let x = area.x + INDENT as u16;
        for (x, at) in (x..area.right()).zip(nodes) {
            let Some(key) = self.tree.node(branch, at) else {
                continue;
            };
            let (sign, mut style) = match cx.model.nodes.get(key) {
                Some(node) if self.heat => usage::node_heat(node, cx),
                Some(node) => {
                    let (sign, style) = self.block(node, &tolerates, cx);
                    (sign.to_owned(), style)
                }
                None => (" ".into(), Style::new()),
            };
            match self.fit.mark(key) {
                Some(Mark::Takes(_)) => style = cx.theme.state(State::Succeeded),
                Some(_) => style = cx.theme.faint(),
                None => {}
            }
            if self.spot == Some(Spot::Node(key)) {
                style = style.add_modifier(Modifier::REVERSED);
            }
            buf.set_string(x, area.y, &sign, style);
        }
    }

    fn block(
        &self,
        node: &NodeRow,
        tolerates: &impl Fn(&crate::model::shape::Taint) -> bool,
        cx: &Cx,
    ) -> (&'static str, Style) {
        const EIGHTHS: [&str; 9] = ["·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
        let theme = cx.theme;
        let Some(share) = cx.model.capacity.share(node) else {
            return (" ", Style::new());
        };
        let (used, all, sick) = fill(share);
        if sick > 0 {
            return ("!", theme.state(State::Failed));
        }
        let bucket = share.gate.bucket(tolerates);
        let full = used >= all;
        match bucket {
            Bucket::Away => return ("/", theme.state(State::Held)),
            Bucket::Tainted if !full => return (":", theme.dim()),
            Bucket::Stranded if !full => return ("▒", theme.state(State::Waiting)),
            _ => {}
        }
        // never full or empty when it is not
        let eighth = match used {
            0 => 0,
            used if used >= all => 8,
            used => (used * 8 / all.max(1)).clamp(1, 7),
        };
        let style = match self.first_holder(node, cx) {
            Some(style) if used > 0 => style,
            _ => theme.state(State::Succeeded),
        };
        (EIGHTHS[eighth as usize], style)
    }

    /// The hue of the first that holds something there.
    fn first_holder(&self, node: &NodeRow, cx: &Cx) -> Option<Style> {
        let used = cx.model.capacity.of(node)?;
        let only = self.ledger.colours.only.as_ref();
        let pods = used.holders.iter().take(16);
        let mut pods = pods
            .filter_map(|key: &Key| cx.model.pods.get(*key))
            .peekable();
        let first = *pods.peek()?;
        // the one that is looked for shows wherever it holds anything
        let mine = only.and_then(|only| {
            pods.find(|pod| super::colours::of_pod(self.by, pod, cx.model) == *only)
        });
        Some(self.ledger.colours.of(mine.unwrap_or(first), cx))
    }
}

/// What is to be said of a cluster beside its totals: that it does not answer, or has none.
fn trouble(cluster: ClusterId, none: bool, cx: &Cx) -> Option<String> {
    match cx.session.open(cluster) {
        Some(open) if open.state().0 != State::Running => Some(open.state().1),
        _ => none.then(|| "no node offers GPUs".to_owned()),
    }
}

/// How many pods of the shape that is asked about a node takes.
fn takes(mark: &Mark, cx: &Cx) -> Span<'static> {
    let theme = cx.theme;
    match mark {
        Mark::Takes(n) => {
            let sign = theme.state_glyph(State::Succeeded);
            let style = theme.state(State::Succeeded).add_modifier(Modifier::BOLD);
            Span::styled(format!("{:<5}", format!("{sign}{n}")), style)
        }
        Mark::Almost(_) => Span::styled(
            format!("{:<5}", theme.state_glyph(State::Failed)),
            theme.state(State::Waiting),
        ),
        Mark::Other => Span::raw("     "),
    }
}

/// Used, allocatable and sick devices of a node: of whole ones, where it has none of all.
fn fill(share: &Share) -> (u64, u64, u64) {
    let whole = share.whole();
    if whole.capacity > 0 {
        return (whole.used, whole.allocatable, whole.sick);
    }
    let sum = |of: fn(&crate::model::capacity::amounts::Amounts) -> u32| {
        share
            .lines
            .iter()
            .map(|line| u64::from(of(&line.amounts)))
            .sum::<u64>()
    };
    (sum(|a| a.used), sum(|a| a.allocatable), sum(|a| a.sick))
}

/// `6/8`; where there is nothing whole, the first kind: `9/14`.
fn numbers(share: &Share) -> String {
    let (used, all, _) = fill(share);
    format!("{used}/{all}")
}

/// What stands before its free devices, and what it is.
fn reasons(
    node: &NodeRow,
    share: &Share,
    bucket: Bucket,
    tolerates: &impl Fn(&crate::model::shape::Taint) -> bool,
) -> Vec<(String, Option<State>)> {
    let mut out = Vec::new();
    if let Some(name) = node.product.as_deref() {
        out.push((product(&text::clean(name)).into_owned(), None));
    }
    for line in &share.lines {
        let a = line.amounts;
        if a.sick > 0 {
            out.push((format!("{} sick", a.sick), Some(State::Failed)));
        }
        if a.over > 0 {
            out.push((format!("{} lost under a pod", a.over), Some(State::Failed)));
        }
    }
    out.extend(gate(node, &share.gate, bucket, tolerates));
    out
}

/// Why a pod cannot have what is free there.
pub fn gate(
    node: &NodeRow,
    gate: &Gate,
    bucket: Bucket,
    tolerates: &impl Fn(&crate::model::shape::Taint) -> bool,
) -> Option<(String, Option<State>)> {
    match bucket {
        Bucket::Free => None,
        Bucket::Away if !node.ready => {
            let why = node.not_ready_reason.as_deref().unwrap_or_default();
            let why = text::clean(why);
            Some((
                format!("not ready {why}").trim_end().to_owned(),
                Some(State::Failed),
            ))
        }
        Bucket::Away => Some(("cordoned".into(), Some(State::Held))),
        Bucket::Tainted => {
            let taint = gate.taints.iter().find(|taint| !tolerates(taint))?;
            Some((
                format!("taint {}", text::clean(&taint.key)),
                Some(State::Pending),
            ))
        }
        Bucket::Stranded => Some(("no cpu, memory or pod left".into(), Some(State::Waiting))),
    }
}
