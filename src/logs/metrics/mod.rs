//! Metrics from what training programs print: loss, step, learning rate, throughput and whatever else has a name,
//! by understanding how such lines are built rather than by a pattern per framework.
//!
//! A [`Reader`] reads the lines of one stream in order, as some can only be understood by those before them.

mod bars;
mod cut;
mod dict;
mod draft;
mod items;
mod known;
mod names;
mod number;
pub mod pattern;
mod rates;
mod record;
mod settle;
mod shapes;
mod steps;
mod tables;
#[cfg(test)]
mod tests;
mod whole;

use std::sync::Arc;

use self::bars::Bar;
use self::dict::Plain;
use self::draft::Draft;
use self::known::Known;
use self::names::Side;
pub use self::pattern::{BadPattern, Pattern, Trial};
pub use self::record::{Field, Name, Record};
use self::shapes::{Seen, Shapes};
use self::steps::{
    blanks_before, cut, drawn_for, fill, from_dict, may_matter, progress, rich, who, within_epoch,
};
use self::tables::{Boxed, Table};
use super::alarms;
use super::prefix::Prefix;

/// Of a longer line only so much is read.
const MOST: usize = 8 * 1024;

/// What is known of how a line is cut.
#[derive(Debug, Clone, Copy)]
enum Cuts {
    Seen(Seen),
    New,
    /// Not to be remembered.
    Alone,
}

/// Reads the lines of one stream.
#[derive(Debug, Default)]
pub struct Reader {
    table: Option<Table>,
    /// `Epoch 3/10`, `=== Step 3/10 ===` on a line of its own, for the lines below it.
    heading: Option<Record>,
    /// `Test Error:` on a line of its own.
    side: Side,
    /// The line before was a frame of a traceback: this one is source code.
    frame: bool,
    /// Of a box of metrics.
    section: Option<String>,
    /// The step a row of it told.
    box_step: Option<f64>,
    /// Place in the run of a bar whose values go on in the next lines.
    bar: Option<Record>,
    boosting: whole::Boosting,
    names: Known,
    purposes: bars::Purposes,
    shapes: Shapes,
    pieces: cut::Pieces,
    /// The user's own.
    patterns: Arc<[Pattern]>,
    /// Below `***** train metrics *****`: means of the whole run.
    summary: bool,
}

impl Reader {
    /// One that tries these patterns before it looks at a line itself.
    pub fn with(patterns: Arc<[Pattern]>) -> Self {
        Self {
            patterns,
            ..Self::default()
        }
    }

    /// The metrics of the next line, without escapes. `None` if it carries none.
    ///
    /// Lines of a node's own log files are taken out of what the runtime puts around them; the pieces of one that it
    /// cut are joined and read with the last of them.
    pub fn read(&mut self, line: &str) -> Option<Record> {
        match self.pieces.take(line) {
            cut::Taken::Whole => self.line(line),
            cut::Taken::Within(at) => self.line(line.get(at..)?),
            cut::Taken::Joined(line) => self.line(&line),
            cut::Taken::Part => None,
        }
    }

    fn line(&mut self, line: &str) -> Option<Record> {
        let line = cut(line);
        let prefix = Prefix::read(line);
        let body = &line[prefix.body..];
        if let Some(record) = self.patterns.iter().find_map(|own| own.record(line)) {
            return Some(who(record, &prefix));
        }
        self.see_summary(body);
        if !may_matter(body) {
            return self.wordy(body, &prefix);
        }
        let words = body.trim_start_matches(' ');
        if words.starts_with("File \"") {
            self.frame = true;
            return None;
        }
        if std::mem::take(&mut self.frame) && blanks_before(line, words) > 3 {
            return None;
        }
        let seen = self.shapes.find(body);
        let alarm = match seen {
            Some(_) => None,
            None => alarms::alarm(body),
        };
        let found = match alarm {
            Some("nan") => {
                let mut record = self.body(body, &prefix, Cuts::Alone).unwrap_or_default();
                record.add("alarm", "nan");
                Some(record)
            }
            Some(alarm) => {
                let mut record = Record::default();
                record.add("alarm", alarm);
                Some(record)
            }
            None => self.body(body, &prefix, seen.map_or(Cuts::New, Cuts::Seen)),
        };
        let mut record = found?;
        if self.summary {
            // No point of the curve.
            if let Some(mean) = record.remove("loss") {
                record.add("train_loss", mean);
            }
        }
        self.remember(&mut record, body);
        if let Some(number) = prefix.number {
            // srun's rank, unless the line has no place in the run but this.
            let place = ["step", "epoch", "epoch_step", "alarm", "kind"];
            let name = if place.iter().any(|name| record.has(name)) {
                "rank"
            } else {
                "step"
            };
            if !(name == "rank" && prefix.rank.is_some()) {
                record.lead(&[(name, f64::from(number))]);
            }
        }
        Some(who(record, &prefix))
    }

    /// `***** train metrics *****` and the `name = value` lines below it.
    fn see_summary(&mut self, body: &str) {
        if body.ends_with("*****") {
            self.summary = body.contains("* train metrics *");
        } else if self.summary {
            self.summary = body.split_once(" = ").is_some_and(|(name, _)| {
                let mut bytes = name.trim().bytes();
                bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
            });
        }
    }

    /// A line without a number: a header, or words about what follows.
    fn wordy(&mut self, body: &str, prefix: &Prefix) -> Option<Record> {
        let trimmed = body.trim();
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
            _ => (self.section, self.box_step) = (None, None),
        }
        // `Test Error:`, `Validation`
        if trimmed.len() < 40 && trimmed.ends_with(':') && trimmed.split(' ').count() <= 3 {
            self.side = Side::of_text(trimmed);
        }
        let mut record = Record::default();
        record.add("alarm", alarms::alarm(body)?);
        if let Some(rank) = prefix.rank {
            record.add("rank", f64::from(rank));
        }
        Some(record)
    }

    fn body(&mut self, body: &str, prefix: &Prefix, cuts: Cuts) -> Option<Record> {
        if prefix.logger == Some("NCCL") {
            return None;
        }
        if prefix.logger == Some("LightGBM") {
            let mut record = Record::default();
            record.add("kind", "info");
            return Some(record);
        }
        if memchr::memchr(b'{', body.as_bytes()).is_some()
            && let Some(record) = self.dict(body)
        {
            return Some(record);
        }
        if let Some(record) = self.tabular(body) {
            return Some(record);
        }
        let (all, seen) = if let Cuts::Seen(seen) = cuts {
            (self.shapes.items(seen, body), Some(seen))
        } else {
            if let Some(bar) = bars::find(body) {
                return self.bar(&bar, body);
            }
            if let Some(record) = whole::place_alone(body) {
                return Some(record);
            }
            let all = items::items(body);
            let seen = match cuts {
                Cuts::New => self.shapes.learn(body, &all),
                _ => None,
            };
            (all, seen)
        };
        let mut draft = Draft::on(
            self.side
                .or(Side::of_word(prefix.logger.unwrap_or_default())),
        );
        let bar = all.iter().any(|item| item.bar);
        if bar && let Some(kind) = drawn_for(&all) {
            let mut record = Record::default();
            record.add("kind", kind);
            return (kind == "validation").then_some(record);
        }
        // ` * Acc@1 70.1`: how pytorch's examples sum up a validation.
        if body.starts_with(" * ") || body.starts_with("* ") || whole::is_evaluation(body) {
            draft.side = Side::Eval;
        }
        if let Some(record) = self.boosting.read(&all, body, prefix.number.map(f64::from)) {
            return Some(record);
        }
        draft.items(&all, &mut self.names);
        if let Some(record) = draft.finish() {
            let talk = self.shapes.talk(seen, || whole::is_talk(body));
            return (!talk).then_some(record);
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
                    let mut record = tables::boxed_record(name, &value, self.section.as_deref())?;
                    if self.section.is_some() {
                        match (record.number("step"), self.box_step) {
                            (Some(step), _) => self.box_step = Some(step),
                            (None, Some(step)) => record.add("step", step),
                            (None, None) => {}
                        }
                    }
                    Some(record)
                }
            };
        }
        if !body.starts_with(['|', '│', '-']) {
            (self.section, self.box_step) = (None, None);
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
                            bar = rich(behind, &mut self.names);
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
        let first = body.trim_start();
        if first.starts_with("Average ")
            && let Some(record) = tables::coco(body)
        {
            return Some(record);
        }
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
                let mut bar = bars::find(behind)
                    .map_or_else(|| rich(behind, &mut self.names), |bar| progress(&bar));
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

    fn bar(&mut self, bar: &Bar, body: &str) -> Option<Record> {
        let mut record = Record::default();
        if let Some(kind) = self.purposes.of(bar.label, bar.unit) {
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
                draft.items(&items::items(bar.postfix), &mut self.names);
                record.merge(draft.finish().unwrap_or_default());
            }
            return Some(record);
        }
        let mut draft = Draft::on(Side::Unsaid);
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
        draft.items(&items::items(label), &mut self.names);
        draft.side = Side::Unsaid;
        draft.items(&items::items(bar.postfix), &mut self.names);
        let mut record = draft.finish_anyway().unwrap_or_default();
        let mut bar_record = progress(bar);
        if let Some(step) = record.number("step") {
            // What a bar of an epoch counts is not what the program calls its step.
            if record.has("epoch") && step != bar.n {
                within_epoch(&mut bar_record);
            }
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
            && let Some(more) = from_dict(rest, &mut self.names)
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
        fill(&mut draft, &entries, &mut self.names);
        let done = entries.iter().any(|(name, _)| name == "train_runtime");
        if !head.trim().is_empty() && head.len() < 200 {
            if bars::find(head).is_some() {
                return None;
            }
            draft.items(&items::items(head), &mut self.names);
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
                if matches!(&**name, "message" | "msg" | "log" | "event" | "text") =>
            {
                Some(*text)
            }
            _ => None,
        })?;
        if text.contains('{') {
            return None;
        }
        let prefix = Prefix::read(text);
        self.body(&text[prefix.body..], &prefix, Cuts::Alone)
    }

    /// What the lines before add, and what the lines after will need.
    fn remember(&mut self, record: &mut Record, body: &str) {
        if record.has("kind") {
            return;
        }
        let places = record.has("epoch") || record.has("step");
        if places
            && record.fields().all(|f| {
                matches!(
                    f.0,
                    "epoch" | "epochs" | "step" | "steps" | "epoch_step" | "epoch_total"
                )
            })
        {
            self.heading = Some(record.clone());
            self.side = Side::Unsaid;
            return;
        }
        if places {
            self.heading = None;
            self.side = Side::Unsaid;
        }
        if let Some(heading) = &self.heading
            && (record.has("epoch_step")
                || record.fields().any(|f| {
                    f.0.ends_with("loss") || f.0.contains("acc") || f.0.contains("reward")
                }))
        {
            record.merge(heading.clone());
        }
        // Rich wraps the values behind its bar.
        if body.starts_with("          ") && body.trim().len() < 60 {
            if let Some(bar) = &self.bar {
                record.merge(bar.clone());
            }
        } else {
            let drawn =
                !body.is_ascii() && record.has("epoch_step") && body.chars().any(items::is_bar);
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
