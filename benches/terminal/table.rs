//! What was measured, in lines.

use std::fmt;

/// Milliseconds, sorted.
#[derive(Debug, Clone, Default)]
pub struct Latency(Vec<f64>);

impl Latency {
    pub fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        Self(all)
    }

    fn at(&self, part: f64) -> f64 {
        let last = self.0.len().saturating_sub(1) as f64;
        self.0
            .get((last * part) as usize)
            .copied()
            .unwrap_or(f64::NAN)
    }
}

/// Lines of a name and what was found.
#[derive(Debug, Clone, Default)]
pub struct Table(Vec<(String, String)>);

impl Table {
    pub fn line(&mut self, what: &str, value: f64) {
        let text = match value {
            v if v.fract() == 0.0 || v >= 1000.0 => format!("{v:.0}"),
            v if v >= 10.0 => format!("{v:.1}"),
            v => format!("{v:.2}"),
        };
        self.add(what, text);
    }

    pub fn latency(&mut self, what: &str, all: &Latency) {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|part| all.at(part));
        self.add(what, format!("p50 {p50:.1}  p99 {p99:.1}  max {max:.1}"));
    }

    fn add(&mut self, what: &str, text: String) {
        // as it is known, for whoever waits
        eprintln!("{what:<52}{text}");
        self.0.push((what.to_owned(), text));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.0.iter();
        lines.try_for_each(|(what, text)| writeln!(f, "| {what} | {text} |"))
    }
}

/// Several tables of the same lines as columns of one.
pub fn beside(tables: &[(String, Table)]) -> String {
    let mut out = "| |".to_owned();
    for (name, _) in tables {
        out.push_str(&format!(" {name} |"));
    }
    out.push_str(&format!("\n|---|{}\n", "---|".repeat(tables.len())));
    let first = tables
        .first()
        .map(|(_, t)| t.0.as_slice())
        .unwrap_or_default();
    for (nth, (what, _)) in first.iter().enumerate() {
        out.push_str(&format!("| {what} |"));
        for (_, table) in tables {
            let text = table.0.get(nth).map(|(_, text)| text.as_str());
            out.push_str(&format!(" {} |", text.unwrap_or_default()));
        }
        out.push('\n');
    }
    out
}
