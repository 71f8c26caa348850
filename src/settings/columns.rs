//! `[columns]`: which columns lists show, in which order, and those of the user's own.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use schemars_derive::JsonSchema;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::model::extra::{Chosen, Columns, Extra, List, Pick, check};

/// Which columns lists show, by list: names of theirs, `*` for the usual ones, and `label:KEY`, `annotation:KEY` or
/// `jsonpath:PATH`, also as a table with a title and a width.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ColumnSettings {
    /// Columns of jobs of all kinds; in an environment variable with commas between.
    #[serde(deserialize_with = "chosen::<_, Jobs>")]
    #[schemars(with = "Option<Vec<Written<Jobs>>>")]
    pub jobs: Option<Chosen>,
    /// Columns of pods.
    #[serde(deserialize_with = "chosen::<_, Pods>")]
    #[schemars(with = "Option<Vec<Written<Pods>>>")]
    pub pods: Option<Chosen>,
    /// Columns of nodes.
    #[serde(deserialize_with = "chosen::<_, Nodes>")]
    #[schemars(with = "Option<Vec<Written<Nodes>>>")]
    pub nodes: Option<Chosen>,
    /// Columns of events.
    #[serde(deserialize_with = "chosen::<_, Events>")]
    #[schemars(with = "Option<Vec<Written<Events>>>")]
    pub events: Option<Chosen>,
}

impl ColumnSettings {
    fn of(&self, list: List) -> Option<&Chosen> {
        match list {
            List::Jobs => self.jobs.as_ref(),
            List::Pods => self.pods.as_ref(),
            List::Nodes => self.nodes.as_ref(),
            List::Events => self.events.as_ref(),
        }
    }

    /// These, and those of `other` where there are none.
    pub fn or(&self, other: &Self) -> Columns {
        let mut columns = Columns::default();
        for list in List::ALL {
            columns.put(list, self.of(list).or(other.of(list)).cloned());
        }
        columns
    }

    /// As TOML, one line for each list that says something.
    pub fn show(&self) -> String {
        let lists = List::ALL.into_iter();
        let said = lists.filter_map(|list| Some((list.name(), self.of(list)?)));
        said.map(|(name, chosen)| format!("{name} = {}\n", shown(chosen)))
            .collect()
    }
}

/// Columns as they are written in settings.
pub fn shown(chosen: &[Pick]) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let one = |pick: &Pick| match Parts::of(pick) {
        None => quoted(pick.text()),
        Some(Parts {
            title,
            key,
            value,
            width,
        }) => {
            let width = width.map_or(String::new(), |width| format!(", width = {width}"));
            format!(
                "{{ title = {}, {key} = {}{width} }}",
                quoted(title),
                quoted(value)
            )
        }
    };
    let all: Vec<String> = chosen.iter().map(one).collect();
    format!("[{}]", all.join(", "))
}

/// One as JSON: the same form.
pub fn written(pick: &Pick) -> Value {
    match Parts::of(pick) {
        None => json!(pick.text()),
        Some(Parts {
            title,
            key,
            value,
            width,
        }) => {
            let mut all = json!({"title": title, key: value});
            if let Some(width) = width {
                all["width"] = json!(width);
            }
            all
        }
    }
}

/// Columns of a list as they are kept.
///
/// # Errors
/// What is wrong with one of them.
pub fn kept(list: List, all: &Value) -> Result<Chosen, String> {
    let all = Vec::<toml::Value>::deserialize(all).map_err(|e| e.to_string())?;
    picks(list, all)
}

/// What of a column a text alone does not say.
struct Parts<'a> {
    title: &'a str,
    key: &'a str,
    value: &'a str,
    width: Option<u16>,
}

impl<'a> Parts<'a> {
    fn of(pick: &'a Pick) -> Option<Self> {
        let Pick::Own(extra) = pick else { return None };
        let plain = Extra::parse(&extra.text).is_ok_and(|plain| plain == *extra);
        let (key, value) = extra.text.split_once(':').filter(|_| !plain)?;
        Some(Self {
            title: &extra.title,
            key,
            value,
            width: extra.width,
        })
    }
}

/// Columns of a list that is known only now.
///
/// # Errors
/// What is wrong with one of them.
pub fn picks(list: List, all: Vec<toml::Value>) -> Result<Chosen, String> {
    let read = all
        .into_iter()
        .map(|value| value.deserialize_any(Reads(list)));
    let all: Vec<Pick> = read
        .collect::<Result<_, _>>()
        .map_err(|e| e.message().to_owned())?;
    check(&all)?;
    Ok(all.into())
}

/// A list, as a type: what is read is told apart while it is read, so that an error stands at its place.
pub trait Of {
    const LIST: List;
}

macro_rules! lists {
    ($($name:ident)*) => { $(
        pub struct $name;
        impl Of for $name {
            const LIST: List = List::$name;
        }
    )* };
}
lists!(Jobs Pods Nodes Events);

fn chosen<'de, D: Deserializer<'de>, L: Of>(de: D) -> Result<Option<Chosen>, D::Error> {
    let all = Vec::<Written<L>>::deserialize(de)?;
    let all: Chosen = all.into_iter().map(|written| written.0).collect();
    check(&all).map_err(D::Error::custom)?;
    Ok(Some(all))
}

/// One column as it is written: a text, or a table.
pub struct Written<L>(Pick, PhantomData<L>);

impl<'de, L: Of> Deserialize<'de> for Written<L> {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let visitor = Reads(L::LIST);
        de.deserialize_any(visitor)
            .map(|pick| Self(pick, PhantomData))
    }
}

struct Reads(List);

impl<'de> Visitor<'de> for Reads {
    type Value = Pick;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a column: a name, label:KEY, annotation:KEY, jsonpath:PATH, or a table with one of these and title, width")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Pick, E> {
        Pick::parse(self.0, text).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pick, A::Error> {
        let (mut title, mut what, mut width) = (None::<String>, None::<String>, None::<u16>);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "title" => title = Some(map.next_value()?),
                "width" => width = Some(map.next_value()?),
                "label" | "annotation" | "jsonpath" if what.is_none() => {
                    what = Some(format!("{key}:{}", map.next_value::<String>()?));
                }
                "label" | "annotation" | "jsonpath" => {
                    return Err(A::Error::custom(
                        "one of label, annotation and jsonpath, not two",
                    ));
                }
                other => {
                    let what = format!(
                        "no key {other:?} here: there are title, width, label, annotation, jsonpath"
                    );
                    return Err(A::Error::custom(what));
                }
            }
        }
        let what = what.ok_or_else(|| {
            A::Error::custom("what does it show? one of label, annotation and jsonpath")
        })?;
        if width.is_some_and(|width| !(WIDTHS.0..=WIDTHS.1).contains(&width)) {
            let what = format!("a width from {} to {} is wanted", WIDTHS.0, WIDTHS.1);
            return Err(A::Error::custom(what));
        }
        let extra = Extra::parse(&what).map_err(|why| A::Error::custom(why.unwrap_or_default()))?;
        Ok(Pick::Own(
            extra.titled(&title.unwrap_or_default()).wide(width),
        ))
    }
}

const WIDTHS: (u16, u16) = (2, 200);

impl<L: Of> JsonSchema for Written<L> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("columns of {}", L::LIST.name()).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(&L::LIST.columns().join(", "))
    }
}

/// A column of any list, for the schema.
pub struct AnyColumn;

impl JsonSchema for AnyColumn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "column".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema("a name, as under [columns]")
    }
}

fn schema(names: &str) -> Schema {
    json_schema!({"oneOf": [
        {"type": "string", "description": format!("{names}; * for the usual ones; label:KEY, annotation:KEY, jsonpath:PATH.")},
        {"type": "object", "additionalProperties": false, "properties": {
            "title": {"type": "string", "description": "Its heading."},
            "label": {"type": "string", "description": "The label whose value it shows."},
            "annotation": {"type": "string", "description": "The annotation whose value it shows."},
            "jsonpath": {"type": "string", "description": "The place of the object that it shows."},
            "width": {"type": "integer", "minimum": WIDTHS.0, "maximum": WIDTHS.1, "description": "How wide it may be."},
        }},
    ]})
}
