//! The forms that commands print in.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command, Error, ValueEnum};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Table,
    Wide,
    Json,
    Yaml,
    /// A table of columns that the command line names, as kubectl has it: `NAME:.metadata.name,…`.
    Custom(String),
}

/// The forms of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Prose {
    Text,
    Json,
}

const NAMES: [&str; 4] = ["table", "wide", "json", "yaml"];
const CUSTOM: &str = "custom-columns=";

/// Reads one of them.
pub fn parser() -> impl TypedValueParser<Value = Output> {
    Reads
}

#[derive(Clone)]
struct Reads;

impl TypedValueParser for Reads {
    type Value = Output;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Output, Error> {
        if let Some(spec) = value.to_str().and_then(|text| text.strip_prefix(CUSTOM)) {
            return Ok(Output::Custom(spec.to_owned()));
        }
        let name = PossibleValuesParser::new(NAMES).parse_ref(command, arg, value)?;
        Ok(match name.as_str() {
            "wide" => Output::Wide,
            "json" => Output::Json,
            "yaml" => Output::Yaml,
            _ => Output::Table,
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(NAMES.into_iter().map(PossibleValue::new)))
    }
}
