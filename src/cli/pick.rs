//! Columns of `jobdeck get` by choice: `--columns`, `-L`, `-o custom-columns=…`, and with `-o wide` those of the settings.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use clap::CommandFactory;
use clap::error::ErrorKind;

use super::columns::Shape;
use super::connect::Connected;
use super::table::Table;
use super::{Cli, GetArgs, Output};
use crate::model::Model;
use crate::model::extra::{Extra, List, Pick, Sets, parts};
use crate::model::filter::Filter;
use crate::model::ids::Key;
use crate::model::listed::Listed;
use crate::settings::{self, Settings};

/// How the rows of a kind are made a table.
pub type Make<R> = fn(&[&R], &Model, DateTime<Utc>, Shape) -> Table;

/// All a kind can show.
const WHOLE: Shape = Shape {
    namespace: true,
    wide: true,
};

/// What is to be shown, from the left to the right.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Picks {
    columns: Vec<Picked>,
}

#[derive(Debug, Clone, PartialEq)]
enum Picked {
    /// A column of the whole table, by its heading.
    Usual(String),
    /// All that are printed if none are chosen.
    All,
    Own(Extra),
}

/// The columns that the command line names; what cannot be ends the program before anything is asked.
pub fn told<R: Listed>(args: &GetArgs, make: Make<R>) -> Picks {
    match Picks::of(args, R::VOCABULARY.extra, &headers(make, WHOLE)) {
        Ok(picks) => picks,
        Err(why) => Cli::command().error(ErrorKind::ValueValidation, why).exit(),
    }
}

fn headers<R: Listed>(make: Make<R>, shape: Shape) -> Vec<String> {
    let none = make(&[], &Model::default(), DateTime::default(), shape);
    none.headers().map(str::to_owned).collect()
}

impl Picks {
    fn of(args: &GetArgs, list: Option<List>, known: &[String]) -> Result<Self, String> {
        let mut columns = Vec::new();
        if let Output::Custom(text) = &args.output {
            for part in commas(text) {
                columns.push(custom(part).map_err(|why| format!("-o custom-columns: {why}"))?);
            }
        }
        for part in args.columns.iter().flat_map(|text| commas(text)) {
            columns.push(picked(part, list, known).map_err(|why| format!("--columns: {why}"))?);
        }
        let of_view = args.view.as_ref().and_then(|view| view.columns.as_ref());
        if let (true, Some(all)) = (columns.is_empty(), of_view) {
            columns.extend(all.iter().filter_map(|pick| match pick {
                Pick::Usual => Some(Picked::All),
                Pick::Own(extra) => Some(Picked::Own(extra.clone())),
                // some are the cockpit's only
                Pick::Named(name) => picked(name, list, known).ok(),
            }));
        }
        if !args.label_columns.is_empty() && columns.is_empty() {
            columns.push(Picked::All);
        }
        for label in &args.label_columns {
            let extra = Extra::parse(&format!("label:{label}"));
            let extra = extra.map_err(|why| format!("-L: {}", why.unwrap_or_default()))?;
            columns.push(Picked::Own(extra));
        }
        Ok(Self { columns })
    }

    /// With `-o wide`, those of the user's own that the settings name for the context are shown after the usual ones; JSON
    /// and YAML have them, too.
    fn widen(mut self, args: &GetArgs, list: List, settings: &Settings, context: &str) -> Self {
        let chosen = settings.columns_of(context);
        let whole = matches!(args.output, Output::Wide | Output::Json | Output::Yaml);
        let chosen = chosen.of(list).filter(|_| whole);
        let own = chosen
            .iter()
            .flat_map(|all| all.iter())
            .filter_map(|pick| match pick {
                Pick::Own(extra) => Some(Picked::Own(extra.clone())),
                _ => None,
            });
        if args.columns.is_none() {
            let own: Vec<Picked> = own.filter(|own| !self.columns.contains(own)).collect();
            if !own.is_empty() && self.columns.is_empty() {
                self.columns.push(Picked::All);
            }
            self.columns.extend(own);
        }
        self
    }

    /// Has the cluster read what they show and what is filtered by, before anything is listed. A filter by a column that
    /// is neither chosen nor one of the settings ends the program.
    pub fn ready<R: Listed>(
        self,
        args: &GetArgs,
        filter: &Filter,
        connected: &mut Connected,
    ) -> Self {
        let Some(list) = R::VOCABULARY.extra else {
            return self;
        };
        let (settings, _) = settings::load(settings::file().as_deref());
        let context = connected.cluster.target().context.clone();
        let picks = self.widen(args, list, &settings, &context);
        let mut own: Vec<Extra> = picks.own().cloned().collect();
        let of_settings = settings.columns_of(&context);
        for heading in filter.headings() {
            let mut known = of_settings.of(list).into_iter().flat_map(|all| all.iter());
            let meant = known.find_map(|pick| match pick {
                Pick::Own(extra) if extra.is_called(heading) => Some(extra),
                _ => None,
            });
            // behind those that are shown, whose places count
            if let Some(extra) = meant.filter(|_| !own.iter().any(|own| own.is_called(heading))) {
                own.push(extra.clone());
            }
        }
        let mut sets = Sets::default();
        sets.put(list, own.into());
        connected.cluster.read_extra(&sets);
        connected.model.extras.show(&sets);
        if let Some(unknown) = connected.model.extras.unknown(list, filter) {
            let next = format!(
                "--columns '*,label:{}' and the settings show some",
                unknown.heading
            );
            let why = format!("--filter: {}", unknown.next(&next));
            Cli::command().error(ErrorKind::ValueValidation, why).exit()
        }
        picks
    }

    /// What a row has in those of the user's own, by heading, for JSON and YAML; none if there are no such columns.
    pub fn texts<'a, R: Listed>(
        &self,
        row: Key,
        model: &'a Model,
    ) -> Option<BTreeMap<String, &'a str>> {
        let list = R::VOCABULARY.extra?;
        let all: Vec<&Extra> = self.own().collect();
        let heading = |extra: &Extra| {
            // of several that are headed alike, each by what it is made of
            let alike = all.iter().filter(|other| other.title == extra.title);
            match alike.count() {
                1 => extra.title.to_string(),
                _ => extra.text.to_string(),
            }
        };
        let texts = (0u8..)
            .zip(&all)
            .filter_map(|(at, extra)| Some((heading(extra), model.extras.text(list, row, at)?)));
        (!all.is_empty()).then(|| texts.collect())
    }

    /// Those of the user's own, in their order.
    fn own(&self) -> impl Iterator<Item = &Extra> {
        self.columns.iter().filter_map(|picked| match picked {
            Picked::Own(extra) => Some(extra),
            _ => None,
        })
    }

    /// The rows as a table of these columns.
    pub fn table<R: Listed>(
        &self,
        rows: &[&R],
        model: &Model,
        now: DateTime<Utc>,
        shape: Shape,
        make: Make<R>,
    ) -> Table {
        if self.columns.is_empty() {
            return make(rows, model, now, shape);
        }
        let whole = make(rows, model, now, WHOLE);
        let known: Vec<&str> = whole.headers().collect();
        let usual = headers(make, shape);
        let mut heads: Vec<String> = Vec::new();
        let mut places = Vec::new();
        let mut own = 0u8;
        for picked in &self.columns {
            match picked {
                Picked::Usual(name) => {
                    heads.push(name.clone());
                    places.push(
                        known
                            .iter()
                            .position(|head| head == name)
                            .map_or(Place::None, Place::At),
                    );
                }
                Picked::All => {
                    for name in &usual {
                        heads.push(name.clone());
                        places.push(
                            known
                                .iter()
                                .position(|head| head == name)
                                .map_or(Place::None, Place::At),
                        );
                    }
                }
                Picked::Own(extra) => {
                    heads.push(extra.title.to_string());
                    places.push(Place::Own(own));
                    own = own.saturating_add(1);
                }
            }
        }
        let mut table = Table::new(heads);
        for (row, cells) in rows.iter().zip(whole.rows()) {
            let cell = |place: &Place| match place {
                Place::At(at) => cells.get(*at).cloned().unwrap_or_default(),
                Place::Own(at) => {
                    let text = R::VOCABULARY
                        .extra
                        .and_then(|list| model.extras.text(list, row.key(), *at));
                    text.unwrap_or_default().to_owned()
                }
                Place::None => String::new(),
            };
            table.push(places.iter().map(cell).collect());
        }
        table
    }
}

enum Place {
    At(usize),
    Own(u8),
    None,
}

/// One of `--columns`: a heading of the table, or what the columns of the cockpit are called, or one of the user's own.
fn picked(text: &str, list: Option<List>, known: &[String]) -> Result<Picked, String> {
    let fold = |text: &str| text.to_lowercase().replace([' ', '_'], "-");
    let find = |name: &str| known.iter().find(|head| fold(head) == fold(name));
    if text == "*" {
        return Ok(Picked::All);
    }
    let other = match (list, &*fold(text)) {
        (_, "ns") => "namespace",
        (Some(List::Jobs), "status" | "phase") => "state",
        (Some(List::Jobs), "progress") => "done",
        (Some(List::Jobs), "why") => "reason",
        (Some(List::Nodes), "node") if find("node").is_none() => "name",
        (Some(List::Nodes), "name") if find("name").is_none() => "node",
        (Some(List::Pods | List::Nodes), "state") if find("state").is_none() => "status",
        (Some(List::Events), "last") => "last-seen",
        (Some(List::Events), "about") => "object",
        (Some(List::Events), "by") => "source",
        _ => text,
    };
    if let Some(head) = find(other) {
        return Ok(Picked::Usual(head.clone()));
    }
    Extra::parse(text).map(Picked::Own).map_err(|why| {
        why.unwrap_or_else(|| {
            let all: Vec<String> = known.iter().map(|head| fold(head)).collect();
            format!(
                "there is no column {text:?}: there are {}, * for the usual ones, and label:KEY, annotation:KEY, jsonpath:PATH",
                all.join(", ")
            )
        })
    })
}

/// `HEADING:PATH`, as kubectl has it.
fn custom(text: &str) -> Result<Picked, String> {
    let Some((title, path)) = text.split_once(':') else {
        return Err(format!(
            "{text:?} is no HEADING:PATH, e.g. NAME:.metadata.name"
        ));
    };
    let extra = Extra::parse(&format!("jsonpath:{path}")).map_err(Option::unwrap_or_default)?;
    Ok(Picked::Own(extra.titled(title)))
}

fn commas(text: &str) -> Vec<&str> {
    parts(text, |c| c == ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        [
            "NAMESPACE",
            "NAME",
            "STATE",
            "DONE",
            "FAILED-INDEXES",
            "LAST SEEN",
        ]
        .map(str::to_owned)
        .into()
    }

    #[test]
    fn commas_part_columns_but_not_paths() {
        assert_eq!(
            commas("name, label:a,,jsonpath:.a[?(@.b==\"x,y\")].c,{.d['e,f']}"),
            [
                "name",
                "label:a",
                "jsonpath:.a[?(@.b==\"x,y\")].c",
                "{.d['e,f']}"
            ]
        );
    }

    #[test]
    fn columns_are_headings_in_any_case_or_ones_own() {
        let pick = |text: &str| picked(text, Some(List::Jobs), &known());
        for (text, head) in [
            ("name", "NAME"),
            ("failed_indexes", "FAILED-INDEXES"),
            ("progress", "DONE"),
            ("ns", "NAMESPACE"),
            ("Last-Seen", "LAST SEEN"),
            ("status", "STATE"),
        ] {
            assert_eq!(pick(text), Ok(Picked::Usual(head.into())), "{text}");
        }
        assert!(matches!(pick("label:team"), Ok(Picked::Own(_))));
        let why = pick("nam").unwrap_err();
        assert!(
            why.contains("failed-indexes") && why.contains("label:KEY"),
            "{why}"
        );
        let why = pick("jsonpath:.a[").unwrap_err();
        assert!(why.contains("character 3"), "{why}");
    }

    #[test]
    fn custom_columns_are_kubectls() {
        let Ok(Picked::Own(extra)) = custom("RSRC:.metadata.resourceVersion") else {
            panic!("no column");
        };
        assert_eq!(
            (&*extra.title, &*extra.text),
            ("RSRC", "jsonpath:.metadata.resourceVersion")
        );
        assert!(custom("NAME").unwrap_err().contains("HEADING:PATH"));
        assert!(custom("A:.b[").unwrap_err().contains("character"));
    }
}
