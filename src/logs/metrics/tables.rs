//! Tables printed line by line: a header names the columns, rows follow; and boxes with a name and a value per row.

use std::sync::LazyLock;

use regex::Regex;

use super::draft::Draft;
use super::items::Join;
use super::names::{self, Meaning, Role, Side, Weight};
use super::number::{self, Form, Found, Value};
use super::record::Record;

/// A header seen, and what rows under it look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    split: Split,
    /// Lines since that were no rows.
    other: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Split {
    Blanks,
    Pipes,
    Commas,
}

/// So many lines that are no rows end a table.
const PATIENCE: u32 = 500;

fn cells(line: &str, split: Split) -> Vec<&str> {
    match split {
        Split::Blanks => line.split_whitespace().collect(),
        Split::Pipes => line
            .trim()
            .trim_matches(['|', '│', '┃'])
            .split(['|', '│', '┃'])
            .map(str::trim)
            .collect(),
        Split::Commas => line.split(',').map(str::trim).collect(),
    }
}

/// Names of columns: what is between two blanks or more, else single words.
fn header_cells(line: &str) -> Vec<&str> {
    let wide: Vec<_> = line
        .trim()
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    if wide.len() >= 3 {
        wide
    } else {
        line.split_whitespace().collect()
    }
}

fn is_column(cell: &str) -> bool {
    !cell.is_empty()
        && cell.len() <= 32
        && cell.split(' ').count() <= 4
        && (cell == "#" || cell.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        && !cell.ends_with([':', ',', ';', '='])
}

/// What every header has and few other lines do: looked for before anything is taken apart.
fn may_be_header(line: &str) -> bool {
    static WORDS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new("poch|POCH|tep|STEP|ter|ITER|ound").ok());
    memchr::memchr2(b':', b'=', line.as_bytes()).is_none()
        && (line.starts_with("E ") || WORDS.as_ref().is_none_or(|words| words.is_match(line)))
}

impl Table {
    /// The header, if this line is one: a place in the run and a metric must be among its columns.
    pub fn header(line: &str) -> Option<Self> {
        let trimmed = line.trim();
        // As files of columns begin.
        let trimmed = trimmed.strip_prefix("# ").map_or(trimmed, str::trim);
        if trimmed.len() < 10 || trimmed.len() > 600 || !may_be_header(trimmed) {
            return None;
        }
        let split = if trimmed.starts_with(['|', '│', '┃']) || trimmed.contains(" | ") {
            Split::Pipes
        } else if !trimmed.contains("  ") && trimmed.matches(',').count() >= 2 {
            Split::Commas
        } else {
            Split::Blanks
        };
        let columns = match split {
            Split::Blanks => header_cells(trimmed),
            _ => cells(trimmed, split),
        };
        if columns.len() < 3 || !columns.iter().all(|cell| is_column(cell)) {
            return None;
        }
        let mut place = columns[0] == "E" && columns[1] == "#";
        let mut metric = false;
        let mut understood = 0;
        for cell in &columns {
            let role = names::meaning(cell).map(|m| m.role);
            understood += usize::from(role != Some(Role::Own(Weight::Unknown)));
            match role {
                Some(Role::Epoch | Role::Step) => place = true,
                Some(Role::Loss(_) | Role::Accuracy | Role::Own(Weight::Strong)) => metric = true,
                _ => {}
            }
        }
        // Words with single blanks between them are a sentence, unless most are names.
        if split == Split::Blanks && !trimmed.contains("  ") && understood * 2 < columns.len() {
            return None;
        }
        // LAMMPS, early YOLO: a place, then names nobody knows, in columns.
        let first = names::meaning(columns[0]).map(|m| m.role);
        let shaped = split == Split::Blanks
            && columns.len() >= 4
            && matches!(first, Some(Role::Epoch | Role::Step))
            && trimmed.matches("  ").count() + 1 >= columns.len() - 1
            && columns.iter().all(|cell| !cell.contains(' '));
        let columns = columns.into_iter().map(str::to_owned).collect();
        (place && (metric || shaped)).then_some(Self {
            columns,
            split,
            other: 0,
        })
    }

    /// The values of a row; `None` if this line is none. `Err` when the table is over.
    pub fn row(&mut self, line: &str) -> Result<Option<Record>, ()> {
        let found = self.read(line);
        if found.is_some() {
            self.other = 0;
        } else {
            self.other += 1;
            if self.other > PATIENCE {
                return Err(());
            }
        }
        Ok(found)
    }

    fn read(&self, line: &str) -> Option<Record> {
        let all = cells(line, self.split);
        // Ultralytics goes on with a bar behind the last column.
        let cells = match all.get(self.columns.len() - 1) {
            Some(last) if all.len() > self.columns.len() && last.ends_with(':') => {
                &all[..self.columns.len()]
            }
            _ => &all[..],
        };
        if cells.len() != self.columns.len() {
            return None;
        }
        let mut draft = Draft::default();
        draft.weak = true;
        for (index, (name, cell)) in self.columns.iter().zip(cells).enumerate() {
            let cell = cell.trim_end_matches(':');
            if matches!(cell, "" | "-" | "None" | "N/A" | "No log") && index > 0 {
                continue;
            }
            let value = whole(cell)?;
            if matches!(name.as_str(), "Instances" | "Size" | "labels" | "img_size") {
                continue;
            }
            let name = match (name.as_str(), index) {
                ("E", 0) => "epoch",
                ("#", 1) => "step",
                (name, _) => name,
            };
            let meaning = names::meaning(name)?;
            column(&mut draft, name, &meaning, &value);
        }
        draft.finish()
    }

    /// Text of the bar behind a row.
    pub fn behind<'a>(&self, line: &'a str) -> &'a str {
        let mut rest = line;
        for _ in 0..self.columns.len() {
            rest = rest.trim_start();
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest = &rest[end..];
        }
        rest
    }
}

fn column<'a>(draft: &mut Draft<'a>, name: &'a str, meaning: &Meaning, value: &Value) {
    // 6.73G of memory
    if meaning.role == Role::Memory && value.value >= 1e6 {
        let gib = value.value / 1e9;
        let value = Value {
            value: gib,
            unit: "GiB",
            ..*value
        };
        return draft.value(name, meaning, &value, Join::Colon);
    }
    draft.value(name, meaning, value, Join::Colon);
}

/// A cell that is a number and nothing else.
fn whole(cell: &str) -> Option<Value<'_>> {
    match number::read(cell, 0)? {
        Found::Value(value) if value.end == cell.len() => Some(value),
        _ => None,
    }
}

/// The rows of Ultralytics' validation: `all  images  instances  P  R  mAP50  mAP50-95`, twice with masks.
pub fn yolo_validation(line: &str) -> Option<Record> {
    let mut cells = line.split_whitespace();
    if cells.next() != Some("all") {
        return None;
    }
    let values: Vec<f64> = cells.map(|cell| cell.parse().ok()).collect::<Option<_>>()?;
    // Behind the counts of images and instances; with masks as many again.
    const NAMES: [&str; 8] = [
        "eval_precision",
        "eval_recall",
        "eval_map50",
        "eval_map",
        "eval_mask_precision",
        "eval_mask_recall",
        "eval_mask_map50",
        "eval_mask_map",
    ];
    let (names, skip): (&[&str], _) = match values.len() {
        2 => (&["eval_acc1", "eval_acc5"], 0),
        n @ (6 | 10) => (&NAMES[..n - 2], 2),
        _ => return None,
    };
    let mut record = Record::default();
    for (name, value) in names.iter().zip(values.into_iter().skip(skip)) {
        record.add(*name, value);
    }
    Some(record)
}

/// A row of Ultralytics' training without its header: `70/1000  6.73G  1.08  0.47  1.08  10  640:`.
pub fn yolo_training(line: &str) -> Option<Record> {
    let cells: Vec<_> = line.split_whitespace().take(8).collect();
    let size = cells.iter().position(|cell| cell.ends_with(':'))?;
    let is = |cell: &&str, what: fn(char) -> bool| cell.chars().all(what);
    let fits = size == 6
        && is(&cells[0], |c| c.is_ascii_digit() || c == '/')
        && cells[0].contains('/')
        && cells[1].ends_with('G')
        && is(&cells[5], |c| c.is_ascii_digit());
    if !fits {
        return None;
    }
    let header = "Epoch  GPU_mem  box_loss  cls_loss  dfl_loss  Instances  Size";
    Table::header(header)?.read(line)
}

/// COCO's summary: ` Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.409`.
pub fn coco(line: &str) -> Option<Record> {
    let line = line.trim();
    let recall = line.starts_with("Average Recall");
    if !recall && !line.starts_with("Average Precision") || !line.contains("IoU=") {
        return None;
    }
    let value: f64 = line.rsplit('=').next()?.trim().parse().ok()?;
    let dense: String = line.split_whitespace().collect();
    let all = dense.contains("area=all|maxDets=100");
    let name = match (recall, all) {
        (false, true) if dense.contains("IoU=0.50:0.95") => "eval_map",
        (false, true) if dense.contains("IoU=0.50|") => "eval_map50",
        (false, true) if dense.contains("IoU=0.75|") => "eval_map75",
        (true, true) => "eval_ar",
        (false, false) if dense.contains("area=small") => "eval_map_small",
        (false, false) if dense.contains("area=medium") => "eval_map_medium",
        (false, false) if dense.contains("area=large") => "eval_map_large",
        _ => return None,
    };
    let mut record = Record::default();
    record.add(name, value);
    Some(record)
}

/// One row of a box with names and values: `|    ep_rew_mean     | 22.1  |`, `│ loss    0.34 │`.
#[derive(Debug, PartialEq)]
pub enum Boxed<'a> {
    /// `| rollout/ |  |`
    Section(&'a str),
    Row(&'a str, Value<'a>),
}

pub fn boxed(line: &str) -> Option<Boxed<'_>> {
    let line = line.trim();
    let inside = line
        .strip_prefix(['|', '│', '┃'])
        .and_then(|line| line.strip_suffix(['|', '│', '┃']))?;
    let mut cells = inside.split(['|', '│', '┃']).map(str::trim);
    let (first, second) = (cells.next()?, cells.next());
    if cells.next().is_some() {
        return None;
    }
    let (name, value) = match second {
        Some(value) => (first, value),
        None => {
            let (name, value) = first.rsplit_once("  ")?;
            (name.trim(), value.trim())
        }
    };
    if value.is_empty() && name.ends_with('/') {
        return Some(Boxed::Section(name.trim_end_matches('/')));
    }
    if !is_column(name) || name.contains(' ') {
        return None;
    }
    Some(Boxed::Row(name, whole(value)?))
}

/// The record of a box's row. In a box of metrics every row is one.
pub fn boxed_record(name: &str, value: &Value, section: Option<&str>) -> Option<Record> {
    let mut meaning = names::meaning(name)?;
    let side = section.map(Side::of_word).unwrap_or_default();
    let mut draft = Draft::on(side);
    if section.is_some() {
        if let Role::Own(weight) = &mut meaning.role {
            *weight = Weight::Strong;
        }
        if value.form != Form::Number || meaning.role == Role::Never {
            return None;
        }
    }
    draft.value(name, &meaning, value, Join::Colon);
    if section.is_some() {
        draft.finish_anyway()
    } else {
        draft.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        assert!(Table::header("epoch     train_loss  valid_loss  accuracy  time").is_some());
        assert!(Table::header("E    #       LOSS TOK2VEC  LOSS NER  ENTS_F  SCORE").is_some());
        assert!(Table::header("| Step | Training Loss | Validation Loss |").is_some());
        assert!(Table::header("epoch,step,train_loss,val_loss").is_some());
        for no in [
            "Saving the best model of the epoch by loss",
            "| Name | Type | Params |",
            "epoch, step and loss are printed every minute,",
            "      Iter  Remaining Time  Memory",
        ] {
            assert_eq!(Table::header(no), None, "{no}");
        }
    }

    #[test]
    fn boxes() {
        assert_eq!(
            boxed("| rollout/           |          |"),
            Some(Boxed::Section("rollout"))
        );
        let Some(Boxed::Row("ep_rew_mean", value)) = boxed("|    ep_rew_mean     | 22.1     |")
        else {
            panic!("a row")
        };
        assert_eq!(value.value, 22.1);
        assert!(matches!(
            boxed("│ loss       0.5 │"),
            Some(Boxed::Row("loss", _))
        ));
        assert_eq!(boxed("| a | b | c |"), None);
        assert_eq!(boxed("| epoch 1 | loss 3"), None);
    }
}
