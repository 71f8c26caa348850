//! A GPU's data-sheet as lines: figures with their status, formats, MIG profiles, what the slides say otherwise, sources.
//! Separate because it stands beside the matrix and on a screen of its own.

use ratatui::text::{Line, Span};

use super::Stock;
use super::matrix::sign_style;
use crate::hardware::{Cores, Gpu, Precision, Support, advice, sheet};
use crate::model::ids::ClusterId;
use crate::panes::words::count;
use crate::panes::{Cx, clusters};
use crate::ui::{State, text};

/// Columns of the names.
const WHAT: usize = 20;

/// `in this cluster: 16 GPUs, 4 free; 7 slices 1g.10gb, 3 free on 2 nodes`; of several clusters which has how many.
pub fn here(stock: &Stock, cx: &Cx) -> String {
    let mut parts = Vec::new();
    if stock.all > 0 || (stock.slices.is_empty() && stock.shares.0 == 0) {
        parts.push(format!("{} GPUs, {} free", stock.all, stock.free));
    }
    for (profile, (all, free)) in &stock.slices {
        parts.push(format!("{all} slices {profile}, {free} free"));
    }
    if stock.shares.0 > 0 {
        parts.push(format!(
            "{} shares, {} free",
            stock.shares.0, stock.shares.1
        ));
    }
    let nodes = count(stock.nodes, "node", "nodes");
    let words = format!("{} on {nodes}", parts.join("; "));
    if !clusters::stand_apart(cx) {
        return format!("in this cluster: {words}");
    }
    let name = |of: &ClusterId| {
        let name = cx.model.clusters.name(*of);
        name.map_or_else(String::new, |name| text::clean(name).into_owned())
    };
    let mut places = stock.places.iter();
    if let (Some((of, _)), 1) = (places.next(), stock.places.len()) {
        return format!("in {}: {words}", name(of));
    }
    let each = stock.places.iter().map(|(of, place)| match place.all {
        0 => format!("{} {}", name(of), count(place.nodes, "node", "nodes")),
        all => format!("{} {} of {all} free", name(of), place.free),
    });
    let each: Vec<String> = each.collect();
    let n = stock.places.len();
    format!("in {n} clusters: {words} ({})", each.join(", "))
}

/// The lines of a product the reference does not know.
pub fn unknown(stock: Option<&Stock>, cx: &Cx, width: usize) -> Vec<Line<'static>> {
    let Some(stock) = stock else {
        return Vec::new();
    };
    let name = text::clean(&stock.product).into_owned();
    let mut out = vec![Line::styled(name, cx.theme.title())];
    let mut say = |words: String| {
        for line in text::wrap(&words, width) {
            out.push(Line::styled(line, cx.theme.text()));
        }
    };
    say(here(stock, cx));
    match stock.maybe.is_empty() {
        true => say("not in the reference: nothing is known of what it computes".into()),
        false => say(format!("may be any of {}", stock.maybe.join(", "))),
    }
    if !stock.told.is_empty() {
        let told = stock.told.join(", ");
        say(format!("its nodes tell: {}", text::clean(&told)));
    }
    say("an entry of your own in hardware.toml, in the settings folder, makes it known".into());
    out
}

/// The data-sheet.
pub fn lines(gpu: &Gpu, stock: Option<&Stock>, cx: &Cx, width: usize) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let (dim, plain) = (cx.theme.dim(), cx.theme.text());
    let yours = if gpu.yours { "  yours" } else { "" };
    out.push(Line::from(vec![
        Span::styled(gpu.name.clone(), cx.theme.title()),
        Span::styled(format!("  {}{yours}", gpu.vendor), dim),
    ]));
    let wrapped = |out: &mut Vec<Line<'static>>, words: &str, style| {
        for line in text::wrap(words, width) {
            out.push(Line::styled(line, style));
        }
    };
    if let Some(stock) = stock {
        wrapped(&mut out, &here(stock, cx), plain);
    }
    out.push(Line::default());
    for (cores, word) in [(Cores::Cuda, "CUDA cores"), (Cores::Tensor, "tensor cores")] {
        let mut row = vec![Span::styled(format!("{word:<WHAT$}"), dim)];
        let mut used = WHAT;
        for precision in Precision::KNOWN {
            let support = cx.hardware.support(gpu, cores, *precision);
            let mark = cx.hardware.mark(gpu, cores, *precision);
            let words = format!("{mark}{}{} ", support.sign(), precision.word());
            if used + text::width(&words) > width {
                out.push(Line::from(std::mem::take(&mut row)));
                row.push(Span::raw(format!("{:WHAT$}", "")));
                used = WHAT;
            }
            used += text::width(&words);
            let style = match support {
                Support::Yes => plain,
                _ => sign_style(support, cx),
            };
            row.push(Span::styled(words, style));
        }
        out.push(Line::from(row));
    }
    out.push(Line::default());
    let mut sources: Vec<String> = Vec::new();
    for line in sheet::lines(gpu, cx.hardware) {
        if !line.source.is_empty() && !sources.contains(&line.source) {
            sources.push(line.source.clone());
        }
        let at = sources.iter().position(|s| *s == line.source);
        let origin = match at {
            Some(n) => format!("{} [{}]", line.status.word(), n + 1),
            None => String::new(),
        };
        let room = width.saturating_sub(WHAT + text::width(&origin) + 1).max(8);
        let value = text::shorten(&line.text, room, text::Shorten::End).into_owned();
        let pad = room.saturating_sub(text::width(&value)) + 1;
        out.push(Line::from(vec![
            Span::styled(format!("{:<WHAT$}", line.what), dim),
            Span::styled(value, plain),
            Span::styled(format!("{:pad$}{origin}", ""), cx.theme.faint()),
        ]));
    }
    wrapped(&mut out, &cx.hardware.slides.footnote, cx.theme.faint());
    mig(&mut out, gpu, stock, cx, width);
    differences(&mut out, gpu, cx, width);
    let arch_note = cx.hardware.arch(gpu).and_then(|arch| arch.note.clone());
    for note in [gpu.note.clone(), arch_note].into_iter().flatten() {
        out.push(Line::default());
        wrapped(&mut out, &format!("note: {note}"), dim);
    }
    out.push(Line::default());
    wrapped(
        &mut out,
        "~ unverified   + yours   ? unknown, which is not no",
        cx.theme.faint(),
    );
    for (n, id) in sources.iter().enumerate() {
        let words = match cx.hardware.source(id) {
            Some(source) => {
                let url = source
                    .url
                    .as_deref()
                    .map_or(String::new(), |url| format!(" {url}"));
                format!("[{}] {}{url}", n + 1, source.title)
            }
            None => format!("[{}] {id}: your hardware.toml", n + 1),
        };
        wrapped(&mut out, &words, cx.theme.faint());
    }
    out.push(Line::default());
    let head = "WHAT IS READ AS NAMING A FORMAT, FOR THE ADVICE ON JOBS";
    out.push(Line::styled(head, cx.theme.header()));
    for rule in advice::RULES {
        wrapped(&mut out, &format!("{}: {}", rule.id, rule.says), dim);
        wrapped(&mut out, &format!("  {}", rule.source), cx.theme.faint());
    }
    out
}

fn mig(out: &mut Vec<Line<'static>>, gpu: &Gpu, stock: Option<&Stock>, cx: &Cx, width: usize) {
    let Some(mig) = cx.hardware.profiles(gpu) else {
        return;
    };
    let (dim, plain) = (cx.theme.dim(), cx.theme.text());
    out.push(Line::default());
    let head = "MIG PROFILE         SLICES  GB   MAX  HERE";
    out.push(Line::styled(head, cx.theme.header()));
    for p in &mig.profiles {
        let here = stock.and_then(|stock| stock.slices.get(&p.name));
        let words = format!(
            "{:<20}{:>6}{:>5}{:>5}",
            p.name,
            p.slices(),
            p.memory(),
            p.max
        );
        let configured = match here {
            Some((all, free)) => format!("  {all} configured, {free} free"),
            None => String::new(),
        };
        out.push(Line::from(vec![
            Span::styled(words, if here.is_some() { plain } else { dim }),
            Span::styled(configured, cx.theme.state(State::Running)),
        ]));
    }
    let source = cx.hardware.source(&mig.source);
    let from = source.map_or(mig.source.as_str(), |s| s.title.as_str());
    let words = format!("{}: {from}", mig.status.word());
    let words = text::shorten(&words, width, text::Shorten::End).into_owned();
    out.push(Line::styled(words, cx.theme.faint()));
}

fn differences(out: &mut Vec<Line<'static>>, gpu: &Gpu, cx: &Cx, width: usize) {
    let all = sheet::differences(gpu, cx.hardware);
    if all.is_empty() {
        return;
    }
    out.push(Line::default());
    let head = "THE CSC 2024 SLIDES SAY OTHERWISE";
    out.push(Line::styled(head, cx.theme.header()));
    let tidy = |s: &str| {
        s.replace("   ", " | ")
            .replace(" teraflops", "")
            .replace(" TOPS", "")
    };
    for (row, theirs, today) in all {
        let row = row.trim_start_matches("Peak ");
        let words = format!("{row:<22}{} -> {}", tidy(theirs), tidy(&today.value));
        let words = text::shorten(&words, width, text::Shorten::End).into_owned();
        out.push(Line::styled(words, cx.theme.text()));
    }
}
