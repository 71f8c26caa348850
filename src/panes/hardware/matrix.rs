//! One line of the precision matrix: name, amounts, nine formats on CUDA cores, nine on tensor cores. Separate because
//! the line must fit 80 columns and grow with the screen, and its headings with it.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Item;
use crate::hardware::{Cores, Precision, Support, sheet};
use crate::panes::Cx;
use crate::ui::{State, text};

/// How wide what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    name: usize,
    /// `27/61`; 0: no cluster has any.
    amount: usize,
    /// Memory.
    memory: usize,
    cell: usize,
}

impl Shape {
    pub fn of(width: u16, stocked: bool) -> Self {
        let inner = usize::from(width).saturating_sub(2);
        let amount = match stocked {
            true if inner < 100 => 7,
            true => 8,
            false => 0,
        };
        let cell = if inner >= 18 * 5 + 40 { 5 } else { 3 };
        let memory = if inner >= 18 * cell + 36 { 8 } else { 0 };
        let name = inner.saturating_sub(18 * cell + amount + memory + 1);
        Self {
            name: name.min(40),
            amount,
            memory,
            cell,
        }
    }

    /// The two lines above the rows.
    pub fn heads(self, cx: &Cx) -> [Line<'static>; 2] {
        let style = cx.theme.header();
        let before = self.name + self.amount + self.memory;
        let half = 9 * self.cell;
        let mut over = format!("{:before$}", "");
        let mut under = format!("{:<1$}", "GPU", self.name);
        if self.amount > 0 {
            under.push_str(&format!("{:>1$}", "FREE", self.amount));
        }
        if self.memory > 0 {
            under.push_str(&format!("{:>1$}", "GB", self.memory));
        }
        // narrow columns have the kind of number above its width
        let wide = self.cell >= 5;
        for (n, cores) in ["CUDA CORES", "TENSOR CORES"].into_iter().enumerate() {
            if n > 0 {
                over.push('│');
                under.push('│');
            }
            if wide {
                over.push_str(&format!(" {cores:<0$}", half - 1));
            } else {
                over.push_str(&narrow(cores));
            }
            for precision in Precision::MATRIX {
                let label = precision.label();
                let label = match (wide, label) {
                    (true, label) => label,
                    (false, label) => label.trim_start_matches(|c: char| c.is_alphabetic()),
                };
                under.push_str(&format!("{label:>0$}", self.cell));
            }
        }
        [Line::styled(over, style), Line::styled(under, style)]
    }

    pub fn row<'a>(self, item: &Item, cx: &Cx<'a>) -> Vec<Span<'a>> {
        let gpu = item.gpu.as_deref().and_then(|id| cx.hardware.gpu(id));
        let here = item.stock.as_ref();
        let name = match (gpu, here) {
            (Some(gpu), _) => {
                let mark = if gpu.yours { "+" } else { "" };
                // the id is short and says more than a name cut in two
                let fits = text::width(&gpu.name) + mark.len() < self.name;
                let name = if fits { &gpu.name } else { &gpu.id };
                format!("{mark}{name}")
            }
            (None, Some(stock)) => text::clean(&stock.product).into_owned(),
            (None, None) => String::new(),
        };
        let room = self.name.saturating_sub(1);
        let name = text::shorten(&name, room, text::Shorten::Middle).into_owned();
        let pad = self.name.saturating_sub(text::width(&name));
        let style = match here {
            Some(_) => cx.theme.title(),
            None => cx.theme.text(),
        };
        let mut spans = vec![Span::styled(format!("{name}{:pad$}", ""), style)];
        if self.amount > 0 {
            spans.push(amount(here, self.amount, cx));
        }
        if self.memory > 0 {
            let memory = gpu.and_then(|gpu| gpu.memory.as_ref());
            let words = memory.map_or("?".to_owned(), |figure| {
                format!("{}{}", figure.status.mark(), sheet::number(figure.value))
            });
            spans.push(Span::styled(
                format!("{words:>0$}", self.memory),
                cx.theme.dim(),
            ));
        }
        for (n, cores) in [Cores::Cuda, Cores::Tensor].into_iter().enumerate() {
            if n > 0 {
                spans.push(Span::styled("│", cx.theme.faint()));
            }
            for precision in Precision::MATRIX {
                let (support, mark) = match gpu {
                    Some(gpu) => (
                        cx.hardware.support(gpu, cores, precision),
                        cx.hardware.mark(gpu, cores, precision),
                    ),
                    None => (Support::Unknown, ""),
                };
                let words = format!("{mark}{}", support.sign());
                spans.push(Span::styled(
                    format!("{words:>0$}", self.cell),
                    sign_style(support, cx),
                ));
            }
        }
        spans
    }
}

/// The heading over nine narrow columns: what FP, INT begin with.
fn narrow(cores: &str) -> String {
    let word = if cores.starts_with("CUDA") {
        "CUDA"
    } else {
        "TENS"
    };
    format!(" FP {word:<8}INT       TF BF")
}

/// The hue of a sign of the matrix.
pub fn sign_style(support: Support, cx: &Cx) -> Style {
    match support {
        Support::Yes => cx.theme.state(State::Succeeded),
        Support::No => cx.theme.faint(),
        Support::Unknown => cx.theme.state(State::Waiting),
    }
}

/// `27/61`, slices and shares where there are no whole ones.
fn amount(stock: Option<&super::Stock>, width: usize, cx: &Cx) -> Span<'static> {
    let Some(stock) = stock else {
        return Span::raw(format!("{:width$}", ""));
    };
    let slices = stock.slices.values();
    let cut = slices.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let words = if stock.all > 0 {
        format!("{}/{}", stock.free, stock.all)
    } else if cut.0 > 0 {
        format!("{}/{}s", cut.1, cut.0)
    } else {
        format!("{}/{}s", stock.shares.1, stock.shares.0)
    };
    Span::styled(format!("{words:>width$}"), cx.theme.text())
}
