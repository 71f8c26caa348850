//! Metrics from what training programs print: loss, step, learning rate, throughput and whatever else has a name,
//! by understanding how such lines are built rather than by a pattern per framework.
//!
//! A [`Reader`] reads the lines of one stream in order, as some can only be understood by those before them.

mod bars;
mod dict;
mod draft;
mod items;
mod names;
mod number;
mod rates;
mod record;
mod settle;
mod tables;
#[cfg(test)]
mod tests;
mod whole;

use self::bars::Bar;
use self::dict::Plain;
use self::draft::Draft;
use self::items::{Item, Join};
use self::names::{Role, Side};
use self::number::{Form, Value};
pub use self::record::{Field, Name, Record};
use self::tables::{Boxed, Table};
use super::alarms;
use super::prefix::Prefix;

/// Of a longer line only so much is read.
const MOST: usize = 8 * 1024;

/// Reads the lines of one stream.
#[derive(Debug, Default)]
pub struct Reader {
    table: Option<Table>,
    /// `Epoch 3/10` on a line of its own, for the lines below it.
    epoch: Option<(f64, Option<f64>)>,
    /// `Test Error:` on a line of its own.
    side: Side,
    /// The line before was a frame of a traceback: this one is source code.
    frame: bool,
    /// Of a box of metrics.
    section: Option<String>,
    /// Place in the run of a bar whose values go on in the next lines.
    bar: Option<Record>,
}

impl Reader {
    /// The metrics of the next line, without escapes. `None` if it carries none.
    pub fn read(&mut self, line: &str) -> Option<Record> {
        let line = cut(line);
        if !may_matter(line) {
            return self.wordy(line);
        }
        if std::mem::take(&mut self.frame) && line.starts_with("    ") {
            return None;
        }
        let prefix = Prefix::read(line);
        let body = &line[prefix.body..];
        if body.starts_with("  File \"") || body.starts_with("File \"") {
            self.frame = true;
            return None;
        }
        let found = match alarms::alarm(body) {
            Some("nan") => {
                let mut record = self.body(body, &prefix).unwrap_or_default();
                record.add("alarm", "nan");
                Some(record)
            }
            Some(alarm) => {
                let mut record = Record::default();
                record.add("alarm", alarm);
                Some(record)
            }
            None => self.body(body, &prefix),
        };
        let mut record = found?;
        self.remember(&mut record, body);
        let mut whole = Record::default();
        if let Some(rank) = prefix.rank {
            whole.add("rank", f64::from(rank));
        }
        if let Some(rank) = prefix.local_rank {
            whole.add("local_rank", f64::from(rank));
        }
        if let Some(number) = prefix.number {
            // srun's rank, unless the line has no place in the run but this.
            let place = ["step", "epoch", "epoch_step", "alarm", "kind"];
            let name = if place.iter().any(|name| record.has(name)) {
                "rank"
            } else {
                "step"
            };
            whole.add(name, f64::from(number));
        }
        if let Some(pod) = prefix.pod {
            whole.add("prefix", pod.to_owned());
        }
        whole.merge(record);
        Some(whole)
    }

    /// A line without a number: a header, or words about what follows.
    fn wordy(&mut self, line: &str) -> Option<Record> {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return None;
        }
        self.frame = false;
        if let Some(table) = Table::header(trimmed) {
            self.table = Some(table);
            let mut record = Record::default();
            record.add("kind", "header");
            return Some(record);
        }
        match tables::boxed(trimmed) {
            Some(Boxed::Section(name)) => self.section = Some(name.to_owned()),
            _ if trimmed.starts_with(['|', '│']) => {}
            _ => self.section = None,
        }
        // `Test Error:`, `Validation`
        if trimmed.len() < 40 && trimmed.ends_with(':') && trimmed.split(' ').count() <= 3 {
            self.side = Side::of_text(trimmed);
        }
        let prefix = Prefix::read(line);
        let mut record = Record::default();
        record.add("alarm", alarms::alarm(&line[prefix.body..])?);
        if let Some(rank) = prefix.rank {
            record.add("rank", f64::from(rank));
        }
        Some(record)
    }

    fn body(&mut self, body: &str, prefix: &Prefix) -> Option<Record> {
        if prefix.logger == Some("LightGBM") {
            let mut record = Record::default();
            record.add("kind", "info");
            return Some(record);
        }
        if body.contains('{')
            && let Some(record) = self.dict(body)
        {
            return Some(record);
        }
        if let Some(record) = self.tabular(body) {
            return Some(record);
        }
        if let Some(bar) = bars::find(body) {
            return self.bar(&bar, body);
        }
        if let Some(record) = whole::epoch_alone(body) {
            return Some(record);
        }
        let all = items::items(body);
        let mut draft = Draft::on(Side::of_text(prefix.logger.unwrap_or_default()).or(self.side));
        let bar = all.iter().any(|item| item.bar);
        if bar && let Some(kind) = drawn_for(&all) {
            let mut record = Record::default();
            record.add("kind", kind);
            return (kind == "validation").then_some(record);
        }
        // ` * Acc@1 70.1`: how pytorch's examples sum up a validation.
        if body.starts_with(" * ") || body.starts_with("* ") {
            draft.side = Side::Eval;
        }
        if let Some(record) = whole::catboost(&all, body) {
            return Some(record);
        }
        draft.items(&all);
        if let Some(record) = draft.finish() {
            return (!whole::is_prose(body)).then_some(record);
        }
        if let [item] = all[..] {
            return whole::lone(&item, body);
        }
        None
    }

    /// Rows of tables and boxes.
    fn tabular(&mut self, body: &str) -> Option<Record> {
        if let Some(found) = tables::boxed(body) {
            return match found {
                Boxed::Section(name) => {
                    self.section = Some(name.to_owned());
                    None
                }
                Boxed::Row(name, value) => {
                    tables::boxed_record(name, &value, self.section.as_deref())
                }
            };
        }
        if !body.starts_with(['|', '│', '-']) {
            self.section = None;
        }
        if let Some(table) = &mut self.table {
            match table.row(body) {
                Ok(Some(mut record)) => {
                    let behind = table.behind(body);
                    if behind.contains('%') {
                        let mut bar = bars::find(behind)
                            .map(|bar| progress(&bar))
                            .unwrap_or_default();
                        if bar.is_empty() {
                            bar = rich(behind);
                        }
                        within_epoch(&mut bar);
                        record.merge(bar);
                    }
                    return Some(record);
                }
                Ok(None) => {}
                Err(()) => self.table = None,
            }
        }
        if body.contains("Average ")
            && let Some(record) = tables::coco(body)
        {
            return Some(record);
        }
        let first = body.trim_start();
        if first.starts_with("all ")
            && let Some(record) = tables::yolo_validation(first)
        {
            return Some(record);
        }
        if first.starts_with(|c: char| c.is_ascii_digit())
            && first.contains("G ")
            && let Some(mut record) = tables::yolo_training(first)
        {
            if let Some((_, behind)) = first.split_once(": ") {
                let mut bar = bars::find(behind).map_or_else(|| rich(behind), |bar| progress(&bar));
                within_epoch(&mut bar);
                record.merge(bar);
            }
            return Some(record);
        }
        if let Some(table) = Table::header(body) {
            self.table = Some(table);
            let mut record = Record::default();
            record.add("kind", "header");
            return Some(record);
        }
        None
    }

    fn bar(&self, bar: &Bar, body: &str) -> Option<Record> {
        let mut record = Record::default();
        if let Some(kind) = bars::purpose(bar.label, bar.unit) {
            record.add("kind", kind);
            if let Some(percent) = bar.percent {
                record.add("pct", percent);
            }
            if kind == "validation" {
                record.add("eval_step", bar.n);
                if let Some(total) = bar.total {
                    record.add("eval_total", total);
                }
                let mut draft = Draft::on(Side::Eval);
                draft.items(&items::items(bar.postfix));
                record.merge(draft.finish().unwrap_or_default());
            }
            return Some(record);
        }
        let mut draft = Draft::default();
        // torchtune: `1|1625|Loss: 1.58`
        let mut label = bar.label;
        let mut parts = label.split('|');
        if let (Some(Ok(epoch)), Some(Ok(step))) = (
            parts.next().map(|p| p.trim().parse::<u32>()),
            parts.next().map(|p| p.trim().parse::<u32>()),
        ) {
            draft.record.add("epoch", f64::from(epoch));
            draft.record.add("step", f64::from(step));
            label = label.splitn(3, '|').nth(2).unwrap_or("");
        }
        draft.items(&items::items(label));
        draft.side = Side::Unsaid;
        draft.items(&items::items(bar.postfix));
        let mut record = draft.finish_anyway().unwrap_or_default();
        let mut bar_record = progress(bar);
        if record.has("step") {
            bar_record.remove("step");
        } else if record.has("epoch") {
            if record.has("epochs") {
                let mut both = progress(bar);
                within_epoch(&mut both);
                bar_record.merge(both);
            } else {
                within_epoch(&mut bar_record);
            }
        } else if matches!(bar.label.to_ascii_lowercase().as_str(), "epochs" | "epoch") {
            for (from, to) in [("step", "epoch"), ("steps", "epochs")] {
                if let Some(field) = bar_record.remove(from) {
                    bar_record.add(to, field);
                }
            }
        }
        record.merge(bar_record);
        // Printed on right behind the bar.
        let rest = &body[bar.end..];
        if rest.starts_with('{')
            && let Some(more) = from_dict(rest)
        {
            record.merge(more);
        }
        Some(record)
    }

    /// JSON or a Python dict, and what stands before it.
    fn dict(&mut self, body: &str) -> Option<Record> {
        let at = body.match_indices('{').map(|found| found.0).find(|at| {
            let next = body[at + 1..].trim_start();
            next.starts_with(['"', '\''])
        })?;
        let (entries, end) = dict::entries(&body[at..])?;
        let head = &body[..at];
        let side = Side::of_text(head);
        let mut draft = Draft::on(side);
        fill(&mut draft, &entries);
        let done = entries.iter().any(|(name, _)| name == "train_runtime");
        if !head.trim().is_empty() && head.len() < 200 {
            if bars::find(head).is_some() {
                return None;
            }
            draft.items(&items::items(head));
        }
        if let Some(mut record) = draft.finish() {
            if done {
                record.add("done", Field::Flag(true));
                // The mean of the whole run is no point of the curve.
                if let Some(mean) = record.remove("loss") {
                    record.add("train_loss", mean);
                }
            }
            return Some(record);
        }
        let _ = end;
        // A structured logger around the program's own line.
        let text = entries.iter().find_map(|(name, value)| match value {
            Plain::Text(text)
                if matches!(name.as_str(), "message" | "msg" | "log" | "event" | "text") =>
            {
                Some(*text)
            }
            _ => None,
        })?;
        if text.contains('{') {
            return None;
        }
        let prefix = Prefix::read(text);
        self.body(&text[prefix.body..], &prefix)
    }

    /// What the lines before add, and what the lines after will need.
    fn remember(&mut self, record: &mut Record, body: &str) {
        if record.has("kind") {
            return;
        }
        if record.has("epoch") && record.fields().all(|f| matches!(f.0, "epoch" | "epochs")) {
            self.epoch = record
                .number("epoch")
                .map(|epoch| (epoch, record.number("epochs")));
            self.side = Side::Unsaid;
            return;
        }
        if record.has("epoch") || record.has("step") {
            self.epoch = None;
            self.side = Side::Unsaid;
        }
        let values = record
            .fields()
            .any(|f| f.0.ends_with("loss") || f.0.contains("acc"))
            || record.has("epoch_step");
        if let Some((epoch, epochs)) = self.epoch
            && values
        {
            record.add("epoch", epoch);
            if let Some(epochs) = epochs {
                record.add("epochs", epochs);
            }
        }
        // Rich wraps the values behind its bar.
        if body.starts_with("          ") && body.trim().len() < 60 {
            if let Some(bar) = &self.bar {
                record.merge(bar.clone());
            }
        } else {
            let drawn = record.has("epoch_step") && body.chars().any(items::is_bar);
            self.bar = drawn.then(|| {
                let mut place = Record::default();
                for (name, field) in record
                    .fields()
                    .filter(|f| matches!(f.0, "epoch" | "epochs" | "epoch_step" | "epoch_total"))
                {
                    place.add(name.to_owned(), field.clone());
                }
                place
            });
        }
    }
}

/// At most so much of a line, whole characters.
fn cut(line: &str) -> &str {
    if line.len() <= MOST {
        return line;
    }
    &line[..line.floor_char_boundary(MOST)]
}

/// Whether a line can carry a value at all: a digit, or a word for what is no number.
fn may_matter(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.iter().any(u8::is_ascii_digit)
        || memchr::memmem::find(bytes, b"nan").is_some()
        || memchr::memmem::find(bytes, b"NaN").is_some()
        || memchr::memmem::find(bytes, b"inf").is_some()
}

/// Place, percentage, times and rate of a bar.
fn progress(bar: &Bar) -> Record {
    let mut record = Record::default();
    record.add("step", bar.n);
    if let Some(total) = bar.total {
        record.add("steps", total);
    }
    if let Some(percent) = bar.percent {
        record.add("pct", percent);
    }
    record.add("elapsed_s", bar.elapsed);
    if let Some(remaining) = bar.remaining {
        record.add("eta_s", remaining);
    }
    if let Some((value, unit)) = bar.rate {
        match rates::of_unit(unit) {
            Some(Role::Rate(unit, _)) => {
                record.add("throughput", value);
                record.add("throughput_unit", unit.into_owned());
            }
            _ if unit.starts_with("s/") => record.add("s_per_it", value),
            _ => record.add("it_per_s", value),
        }
    }
    record
}

/// A bar that rich draws: `100% ━━━━ 8/8 3.1it/s 2.6s`.
fn rich(text: &str) -> Record {
    let mut draft = Draft::default();
    draft.items(&items::items(text));
    draft.finish().unwrap_or_default()
}

/// What a bar counts is within the epoch.
fn within_epoch(record: &mut Record) {
    for (from, to) in [("step", "epoch_step"), ("steps", "epoch_total")] {
        if let Some(field) = record.remove(from) {
            record.add(to, field);
        }
    }
}

/// What a bar without a bracket is for, if not training.
fn drawn_for(items: &[Item]) -> Option<&'static str> {
    let first = items.first()?;
    let label = if first.lead.trim().is_empty() {
        first.name
    } else {
        first.lead
    };
    bars::purpose(
        label
            .trim()
            .trim_end_matches(|c: char| items::is_bar(c) || c == ' '),
        "",
    )
}

fn fill(draft: &mut Draft, entries: &[(String, Plain)]) {
    for (name, value) in entries {
        let Plain::Number(value) = value else {
            continue;
        };
        let Some(meaning) = names::meaning(name) else {
            continue;
        };
        let value = Value {
            value: *value,
            form: Form::Number,
            unit: "",
            percent: None,
            end: 0,
        };
        draft.value(name, &meaning, &value, Join::Colon);
    }
}

fn from_dict(text: &str) -> Option<Record> {
    let (entries, _) = dict::entries(text)?;
    let mut draft = Draft::default();
    fill(&mut draft, &entries);
    draft.finish()
}
