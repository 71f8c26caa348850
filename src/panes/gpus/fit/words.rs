//! The answer in full, for what stands beside the map: hardware, quota, the largest gangs, what is free, what is in the way.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::capacity::answer::{Answer, Question, SIZES, times};
use crate::model::capacity::groups::Dim;
use crate::panes::Cx;
use crate::panes::words::{count, product};
use crate::ui::{State, text};

/// Domains told of each kind.
const DOMAINS: usize = 4;
/// Cluster queues told, where none is meant.
const QUEUES: usize = 6;

/// As wide as `width`.
pub fn lines(answer: &Answer, question: &Question, cx: &Cx, width: usize) -> Vec<Line<'static>> {
    let mut page = Page {
        cx,
        width,
        out: Vec::new(),
    };
    page.sentence(answer, question);
    page.gangs(answer, question);
    page.queues(answer, question);
    page.free(answer, question);
    page.almost(answer, question);
    page.out
}

/// `2 × 8 GPUs, 96 cpu`.
pub fn asked(question: &Question) -> String {
    let words = question.ask.words();
    match (question.pods, question.apart) {
        (1, false) => words,
        (n, false) => format!("{n} × {words}"),
        (n, true) => format!("{n} nodes × {words}"),
    }
}

struct Page<'a> {
    cx: &'a Cx<'a>,
    width: usize,
    out: Vec<Line<'static>>,
}

impl Page<'_> {
    fn say(&mut self, words: &str, style: Style) {
        let lines = text::wrap(&text::clean(words), self.width.max(16));
        self.out
            .extend(lines.into_iter().map(|line| Line::styled(line, style)));
    }

    fn head(&mut self, what: String) {
        if !self.out.is_empty() {
            self.out.push(Line::default());
        }
        self.out.push(Line::styled(what, self.cx.theme.header()));
    }

    fn sentence(&mut self, answer: &Answer, question: &Question) {
        let theme = self.cx.theme;
        self.say(&asked(question), theme.title());
        let good = answer.fits(question);
        let style = match good {
            true => theme.state(State::Succeeded),
            false => theme.state(State::Waiting),
        };
        self.say(&format!("hardware: {}", answer.sentence(question)), style);
        for limit in &answer.limits {
            let enough = limit.pods >= u64::from(question.pods);
            let style = match enough {
                true => theme.dim(),
                false => theme.state(State::Waiting),
            };
            let words = format!(
                "{}: lets in {} by {}",
                limit.what,
                times(limit.pods),
                limit.by
            );
            self.say(&words, style);
        }
        if good && let Some(limit) = answer.short(question) {
            let words = format!("there is room, but {} does not allow it", limit.what);
            self.say(&words, theme.state(State::Waiting));
        }
        let ask = &question.ask;
        if !ask.selector.is_empty() || !ask.affinity.is_empty() {
            self.say("its node selector and affinity hold", theme.dim());
        }
    }

    /// The largest gang in total and per domain.
    fn gangs(&mut self, answer: &Answer, question: &Question) {
        let theme = self.cx.theme;
        let fit = &answer.fit;
        if fit.nodes.is_empty() {
            return;
        }
        self.head("LARGEST GANG NOW".into());
        // sign, kind, pods and nodes take 40 columns at the most
        let room = self.width.saturating_sub(40).clamp(8, 30);
        let line = |kind: &str, name: &str, pods: u64, nodes: u32, met: bool| {
            let state = if met { State::Succeeded } else { State::NotRun };
            let name = text::clean(name).into_owned();
            let name = text::shorten(&name, room, text::Shorten::Middle).into_owned();
            let pad = " ".repeat(room.saturating_sub(text::width(&name)));
            let one = if pods == 1 { "pod " } else { "pods" };
            Line::from(vec![
                Span::styled(format!("{} ", theme.state_glyph(state)), theme.state(state)),
                Span::styled(format!("{kind:<14}"), theme.dim()),
                Span::styled(format!("{name}{pad}"), theme.text()),
                Span::styled(format!("{pods:>5} {one}"), theme.text()),
                Span::styled(
                    format!(" on {}", count(nodes as usize, "node", "nodes")),
                    theme.dim(),
                ),
            ])
        };
        let nodes = u32::try_from(fit.nodes.len()).unwrap_or(u32::MAX);
        let met = answer.fits(question);
        self.out.push(line("total", "", fit.pods, nodes, met));
        for dim in [Dim::Product, Dim::Pool, Dim::Zone, Dim::Block, Dim::Clique] {
            for domain in fit.domains.iter().filter(|d| d.dim == dim).take(DOMAINS) {
                let met = question.is_met(domain.pods, domain.nodes);
                let name = match dim {
                    Dim::Product => product(&domain.name).into_owned(),
                    _ => domain.name.to_string(),
                };
                let (pods, nodes) = (domain.pods, domain.nodes);
                self.out.push(line(dim.word(), &name, pods, nodes, met));
            }
        }
    }

    /// Which queues would let them in, where none is meant.
    fn queues(&mut self, answer: &Answer, question: &Question) {
        let theme = self.cx.theme;
        if answer.queues.is_empty() {
            return;
        }
        self.head("QUOTA LETS IN NOW".into());
        let names = answer.queues.iter().take(QUEUES);
        let name = names.map(|limit| text::width(&limit.what)).max();
        let name = name.unwrap_or(0).clamp(8, self.width / 2 + 1);
        for limit in answer.queues.iter().take(QUEUES) {
            let met = limit.pods >= u64::from(question.pods);
            let state = if met { State::Succeeded } else { State::NotRun };
            let clean = text::clean(&limit.what).into_owned();
            let short = text::shorten(&clean, name, text::Shorten::Middle).into_owned();
            let pad = " ".repeat(name.saturating_sub(text::width(&short)));
            let one = if limit.pods == 1 { "pod " } else { "pods" };
            self.out.push(Line::from(vec![
                Span::styled(format!("{} ", theme.state_glyph(state)), theme.state(state)),
                Span::styled(format!("{short}{pad}"), theme.text()),
                Span::styled(format!("{:>5} {one}", limit.pods), theme.text()),
                Span::styled(format!("  by {}", text::clean(&limit.by)), theme.dim()),
            ]));
        }
        let more = answer.queues.len().saturating_sub(QUEUES);
        if more > 0 {
            let words = format!("and {more} that let in no more; queue:NAME asks one");
            self.say(&words, theme.faint());
        }
    }

    /// How many are free on a node, and what that is worth to pods of other sizes.
    fn free(&mut self, answer: &Answer, question: &Question) {
        let theme = self.cx.theme;
        let free = &answer.free;
        if question.ask.total() == 0 || free.histogram.is_empty() {
            return;
        }
        let device = question.ask.device();
        let many = if device == "GPU" { "GPUS" } else { device };
        self.head(format!("FREE {many} PER NODE"));
        let most = free.histogram.values().copied().max().unwrap_or(1).max(1);
        let room = self.width.saturating_sub(20).clamp(4, 40) as u32;
        for (n, nodes) in free.histogram.iter().rev() {
            let long = (nodes * room).div_ceil(most);
            self.out.push(Line::from(vec![
                Span::styled(format!("{n:>4} free  "), theme.text()),
                Span::styled("█".repeat(long as usize), theme.bar_fill()),
                Span::styled(
                    format!(" {}", count(*nodes as usize, "node", "nodes")),
                    theme.dim(),
                ),
            ]));
        }
        self.head("PODS OF OTHER SIZES".into());
        for size in SIZES {
            let lost = free.fragmentation(size) * 100.0;
            self.out.push(Line::from(vec![
                Span::styled(format!("{size:>4} {device}  "), theme.text()),
                Span::styled(format!("{:>5} fit", free.pods(size)), theme.text()),
                Span::styled(
                    format!("   {lost:>3.0}% of the free ones unusable"),
                    theme.dim(),
                ),
            ]));
        }
    }

    /// What is in the way on each node that has such devices.
    fn almost(&mut self, answer: &Answer, question: &Question) {
        let theme = self.cx.theme;
        let fit = &answer.fit;
        if fit.almost.is_empty() {
            return;
        }
        let device = question.ask.device();
        let stranded = match (fit.stranded(), device) {
            (0, _) => String::new(),
            (n, "GPU") if n > 1 => format!(", {n} GPUs stranded"),
            (n, device) => format!(", {n} {device} stranded"),
        };
        self.head(format!(
            "NOT ON {}{stranded}",
            count(fit.almost.len(), "NODE", "NODES")
        ));
        let names = fit.almost.iter().map(|a| text::width(&a.name)).max();
        let name = names.unwrap_or(0).clamp(8, self.width / 3 + 1);
        for almost in &fit.almost {
            let clean = text::clean(&almost.name);
            let short = text::shorten(&clean, name, text::Shorten::Middle);
            let pad = " ".repeat(name.saturating_sub(text::width(&short)));
            self.out.push(Line::from(vec![
                Span::styled(format!("{short}{pad}"), theme.text()),
                Span::styled(format!("{:>4} free  ", almost.free), theme.dim()),
                Span::styled(
                    text::clean(&almost.words()).into_owned(),
                    theme.state(State::Waiting),
                ),
            ]));
        }
    }
}
