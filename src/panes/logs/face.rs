//! What a line looks like: as it was written with its level in colour, a JSON object as a message with its fields, a
//! fold as its sentence. Separate because rows are counted and drawn from the same text.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::logs::json::{self, Part};
use crate::logs::{Anchor, Folded, Line, LineKind, LogBuffer, Prefix, Severity, Sgr};
use crate::panes::rows;
use crate::ui::text::clean;

/// How lines that are JSON objects are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Json {
    /// Message first, the other fields behind it.
    #[default]
    Short,
    Pretty,
    /// As it was written.
    Raw,
}

/// What decides how lines look.
#[derive(Debug, Default)]
pub struct Faces {
    pub json: Json,
    /// Lines shown the other way: an object pretty-printed, or short again.
    pub turned: BTreeSet<Anchor>,
    /// What the streams are called.
    pub labels: Vec<String>,
}

/// From a byte on, up to the next, text is drawn so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tint {
    Text,
    Sgr(Sgr),
    Level(Severity),
    Dim,
    Faint,
    Failure,
    Accent,
    Note,
    Alarm,
}

/// A line as it is drawn; more than one row of its own where the text has line breaks.
#[derive(Debug, Default)]
pub struct Face<'a> {
    pub text: Cow<'a, str>,
    pub tints: Vec<(usize, Tint)>,
}

impl<'a> Face<'a> {
    fn add(&mut self, tint: Tint, text: &str) {
        if !text.is_empty() {
            self.tints.push((self.text.len(), tint));
            self.text.to_mut().push_str(text);
        }
    }

    /// Byte ranges of its rows.
    pub fn rows(&self, columns: usize, wrap: bool) -> Vec<(usize, usize)> {
        cut(&self.text, columns, wrap)
    }

    /// How it is drawn from this byte on.
    pub fn tint(&self, at: usize) -> Tint {
        let n = self.tints.partition_point(|(from, _)| *from <= at);
        n.checked_sub(1).map_or(Tint::Text, |n| self.tints[n].1)
    }
}

fn cut(text: &str, columns: usize, wrap: bool) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    for part in text.split('\n') {
        if wrap {
            out.extend(rows::rows(part, columns).map(|(a, b)| (at + a, at + b)));
        } else {
            out.push((at, at + part.len()));
        }
        at += part.len() + 1;
    }
    out
}

impl Faces {
    /// Rows a line takes.
    pub fn rows(&self, buffer: &LogBuffer, line: &Line, columns: usize, wrap: bool) -> usize {
        let plain = line.kind() == LineKind::Text && !line.is_folded() && !may_be_json(line.text());
        if plain {
            return rows::count(line.text(), columns, wrap);
        }
        let face = self.face(buffer, line);
        match face.text.contains('\n') {
            true => cut(&face.text, columns, wrap).len(),
            false => rows::count(&face.text, columns, wrap),
        }
    }

    /// What a line looks like.
    pub fn face<'a>(&self, buffer: &LogBuffer, line: &'a Line) -> Face<'a> {
        let tint = match line.kind() {
            LineKind::Note => Tint::Note,
            LineKind::Alarm => Tint::Alarm,
            LineKind::Text | LineKind::More => match buffer.told(line) {
                Some(folded) if !folded.open => return self.folded(line, &folded),
                _ => return self.written(line),
            },
        };
        Face {
            text: Cow::Owned(format!("── {} ──", line.text())),
            tints: vec![(0, tint)],
        }
    }

    fn folded<'a>(&self, line: &'a Line, folded: &Folded) -> Face<'a> {
        let mut face = Face::default();
        let Some((_, words)) = &folded.told else {
            face.add(Tint::Accent, &format!("×{} ", folded.lines));
            let at = face.text.len();
            let rest = self.written(line);
            face.text.to_mut().push_str(&rest.text);
            face.tints.push((at, Tint::Text));
            let rest = rest.tints.iter();
            face.tints
                .extend(rest.map(|(from, tint)| (at + from, *tint)));
            return face;
        };
        face.add(Tint::Failure, &format!("▸ {}", clean(words)));
        let who = self.who(&folded.who);
        if !who.is_empty() {
            face.add(Tint::Text, &format!(" · {who}"));
        }
        match folded.lines {
            // What it says is worth more than that it is one line.
            1 => face.add(Tint::Faint, &format!("  {}", line.text())),
            n if folded.who.len() > 1 => face.add(Tint::Dim, &format!(" · {n} lines each")),
            n => face.add(Tint::Dim, &format!(" · {n} lines")),
        }
        face
    }

    /// Who tells a failure, where its line does not say it anyway: `ranks 0-3, 5`.
    pub fn who(&self, who: &[(usize, Option<u32>)]) -> String {
        let mut ranks = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for (stream, rank) in who {
            let label = self.labels.get(*stream).map_or("", String::as_str);
            match rank.or_else(|| label.parse().ok()) {
                Some(rank) => ranks.push(rank),
                None if !names.contains(&label) => names.push(label),
                None => {}
            }
        }
        ranks.sort_unstable();
        ranks.dedup();
        match (&ranks[..], who.len()) {
            ([], 0 | 1) => String::new(),
            ([], _) => names.join(", "),
            ([one], 1) => format!("rank {one}"),
            ([one], n) => format!("rank {one} and {} more", n - 1),
            (many, _) => format!("ranks {}", ranges(many)),
        }
    }

    /// As it was written, or as a JSON object is shown.
    fn written<'a>(&self, line: &'a Line) -> Face<'a> {
        let text = line.text();
        if line.kind() == LineKind::Text
            && may_be_json(text)
            && let Some(face) = self.object(line)
        {
            return face;
        }
        let mut tints: Vec<(usize, Tint)> = line
            .runs()
            .iter()
            .map(|run| (run.start as usize, Tint::Sgr(run.sgr)))
            .collect();
        if tints.is_empty() && line.kind() == LineKind::Text {
            tints = in_front(text);
        }
        Face {
            text: Cow::Borrowed(text),
            tints,
        }
    }

    fn object<'a>(&self, line: &'a Line) -> Option<Face<'a>> {
        let turned = self.turned.contains(&line.anchor());
        let json = match (self.json, turned) {
            (Json::Pretty, true) | (Json::Short, false) => Json::Short,
            (Json::Raw, false) => return None,
            _ => Json::Pretty,
        };
        let text = line.text();
        let front = text.len() - body(text).len();
        let fields = json::object(&text[front..])?;
        let mut face = Face::default();
        face.add(Tint::Dim, &text[..front]);
        if json == Json::Pretty {
            let level = json::level(&fields);
            pretty(&mut face, &text[front..], level);
        } else {
            short(&mut face, &fields);
        }
        Some(face)
    }
}

/// Whether a line can be pretty-printed.
pub fn is_json(line: &Line) -> bool {
    line.kind() == LineKind::Text
        && may_be_json(line.text())
        && json::object(body(line.text())).is_some()
}

fn may_be_json(text: &str) -> bool {
    text.ends_with('}') && text.len() <= json::LONGEST
}

fn body(text: &str) -> &str {
    if text.starts_with('{') {
        return text;
    }
    &text[Prefix::read(text).body..]
}

/// What stands before the words steps back, but for the level.
fn in_front(text: &str) -> Vec<(usize, Tint)> {
    let prefix = Prefix::read(text);
    if prefix.body == 0 {
        return Vec::new();
    }
    let mut tints = vec![(0, Tint::Dim)];
    if let Some(level) = prefix.level {
        let front = &text[..prefix.body];
        let mut at = 0;
        for word in front.split(|c: char| !c.is_ascii_alphabetic()) {
            if json::severity(word) == Some(level) {
                tints.push((at, Tint::Level(level)));
                tints.push((at + word.len(), Tint::Dim));
                break;
            }
            at += word.len() + 1;
        }
    }
    tints.push((prefix.body, Tint::Text));
    tints
}

/// Time, level and message, then the other fields.
fn short(face: &mut Face, fields: &[json::Field]) {
    let parts = json::parts(fields);
    let of = |part: Part| parts.iter().position(|p| *p == part).map(|at| fields[at].1);
    let value = |part: Part| of(part).map(json::plain);
    if let Some(time) = value(Part::Time)
        && let Some((_, clock)) = time.split_once(['T', ' '])
        && clock.len() >= 8
        && clock.is_ascii()
    {
        face.add(Tint::Dim, &format!("{} ", &clean(&clock[..8])));
    }
    let level = value(Part::Level);
    if let Some(level) = &level {
        let known = json::severity(level);
        let word = known.map_or_else(|| clean(level), |known| Cow::Borrowed(name(known)));
        let tint = known.map_or(Tint::Dim, Tint::Level);
        face.add(tint, &format!("{word:<5} "));
    }
    let message = value(Part::Message);
    if let Some(message) = &message {
        face.add(Tint::Text, clean(&message.replace('\n', " ")).trim_end());
    }
    let mut first = message.is_none();
    for ((key, value), part) in fields.iter().zip(&parts) {
        if *part != Part::Other {
            continue;
        }
        let blank = if first { "" } else { " " };
        first = false;
        face.add(Tint::Faint, &format!("{blank}{}=", clean(key)));
        let raw = value.get();
        let plain = json::plain(value);
        let simple = !plain.is_empty()
            && plain
                .chars()
                .all(|c| !c.is_whitespace() && !c.is_control() && c != '"');
        let value = if simple { &plain } else { raw };
        let tint = if message.is_some() {
            Tint::Dim
        } else {
            Tint::Text
        };
        face.add(tint, &clean(value));
    }
}

fn pretty(face: &mut Face, text: &str, level: Option<Severity>) {
    for (n, row) in json::pretty(text).split('\n').enumerate() {
        if n > 0 {
            face.add(Tint::Text, "\n");
        }
        // `  "name": value`
        let name = row
            .trim_start()
            .starts_with('"')
            .then(|| row.find("\": "))
            .flatten();
        let (key, value) = row.split_at(name.map_or(0, |at| at + 3));
        face.add(Tint::Dim, &clean(key));
        let quoted = value.trim_end_matches(',').trim_matches('"');
        let is_level = level.is_some() && json::severity(quoted) == level && value.starts_with('"');
        let tint = match level {
            Some(level) if is_level => Tint::Level(level),
            _ => Tint::Text,
        };
        face.add(tint, &clean(value));
    }
}

/// `0-3, 5` of sorted numbers.
fn ranges(numbers: &[u32]) -> String {
    let mut out = String::new();
    let mut rest = numbers;
    while let [first, ..] = rest {
        let run = rest.windows(2).take_while(|w| w[0] + 1 == w[1]).count();
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&first.to_string());
        if run > 0 {
            out.push_str(if run > 1 { "-" } else { ", " });
            out.push_str(&rest[run].to_string());
        }
        rest = &rest[run + 1..];
    }
    out
}

fn name(level: Severity) -> &'static str {
    match level {
        Severity::Trace => "trace",
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warning => "warn",
        Severity::Error => "error",
        Severity::Fatal => "fatal",
    }
}
