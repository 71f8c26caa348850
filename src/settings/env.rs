//! Settings from the environment: `JOBDECK_LOGS_TAIL=500` is `tail = 500` under `[logs]`, and wins over the file. Which
//! there are follows from the schema: whatever is one value or a list of words.

use serde::Deserialize;
use serde_json::Value;
use toml::{Table, Value as Toml};

use super::{Settings, SettingsError, schema};

const PREFIX: &str = "JOBDECK_";
/// Flags have these, which win over what the settings say of one context.
const FLAGS: [&str; 3] = ["JOBDECK_THEME", "JOBDECK_KEYMAP", "JOBDECK_READ_ONLY"];
/// What a context may have of its own, and the key of all that it stands for: a variable wins over both.
const OF_CONTEXTS: [(&[&str], &[&str]); 7] = [
    (&["namespaces"], &["namespaces"]),
    (&["transport"], &["transport"]),
    (&["gpu-use", "enabled"], &["gpu-use"]),
    (&["columns", "jobs"], &["columns", "jobs"]),
    (&["columns", "pods"], &["columns", "pods"]),
    (&["columns", "nodes"], &["columns", "nodes"]),
    (&["columns", "events"], &["columns", "events"]),
];

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Number,
    Switch,
    /// Words with commas between.
    Words,
}

/// A variable, and the key it sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub path: Vec<String>,
    pub form: Form,
    pub description: String,
}

/// All of them, those of flags too, in the order of their names.
pub fn variables() -> Vec<Variable> {
    let mut all = Vec::new();
    walk(&schema::bare(), &mut Vec::new(), &mut all);
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// A text is one of them.
fn is_words(items: &Value) -> bool {
    let one_of = items["oneOf"].as_array().into_iter().flatten();
    std::iter::once(items)
        .chain(one_of)
        .any(|of| of["type"] == "string")
}

fn walk(schema: &Value, path: &mut Vec<String>, all: &mut Vec<Variable>) {
    for (key, of) in schema["properties"].as_object().into_iter().flatten() {
        path.push(key.clone());
        let form = match of["type"].as_str() {
            Some("boolean") => Some(Form::Switch),
            Some("integer" | "number") => Some(Form::Number),
            Some("array") if is_words(&of["items"]) => Some(Form::Words),
            Some("string") => Some(Form::Text),
            // words with a meaning each
            None if of["oneOf"].is_array() => Some(Form::Text),
            _ => None,
        };
        match form {
            Some(form) => all.push(Variable {
                name: format!(
                    "{PREFIX}{}",
                    path.join("_").replace('-', "_").to_uppercase()
                ),
                path: path.clone(),
                form,
                description: of["description"].as_str().unwrap_or_default().to_owned(),
            }),
            None => walk(of, path, all),
        }
        path.pop();
    }
}

/// Those of the process that may be meant.
pub fn of_process() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// The settings of a file's text with these in their place. One that cannot be is left out and told.
pub fn over(
    text: &str,
    mut settings: Settings,
    given: &[(String, String)],
) -> (Settings, Option<SettingsError>) {
    let mut problem = None;
    // a schema is not made for nothing
    if given.iter().all(|(name, _)| FLAGS.contains(&name.as_str())) {
        return (settings, None);
    }
    let mut table: Table = toml::from_str(text).unwrap_or_default();
    let all = variables().into_iter();
    for variable in all.filter(|v| !FLAGS.contains(&v.name.as_str())) {
        let Some((name, value)) = given.iter().find(|(name, _)| *name == variable.name) else {
            continue;
        };
        let mut tried = table.clone();
        match variable.put(value, &mut tried) {
            Ok(read) => (table, settings) = (tried, read),
            Err(why) => {
                problem.get_or_insert(SettingsError {
                    file: format!("${name}"),
                    line: None,
                    why: format!("{why}; it is left out"),
                });
            }
        }
    }
    (settings, problem)
}

impl Variable {
    fn put(&self, text: &str, table: &mut Table) -> Result<Settings, String> {
        let value = match self.form {
            Form::Text => Toml::from(text),
            Form::Words => {
                let words = text.split(',').map(str::trim).filter(|w| !w.is_empty());
                Toml::Array(words.map(Toml::from).collect())
            }
            Form::Switch => match text {
                "true" | "1" => Toml::from(true),
                "false" | "0" => Toml::from(false),
                _ => return Err(format!("{text:?} is neither true nor false")),
            },
            Form::Number => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(n), _) => Toml::from(n),
                (_, Ok(n)) => Toml::from(n),
                _ => return Err(format!("{text:?} is no number")),
            },
        };
        let Some((key, above)) = self.path.split_last() else {
            return Err("it names no setting".into());
        };
        let mut at = &mut *table;
        for key in above {
            let inner = at.entry(key).or_insert_with(|| Table::new().into());
            at = inner.as_table_mut().ok_or("the file has no table there")?;
        }
        at.insert(key.clone(), value);
        let own = OF_CONTEXTS.iter().find(|(path, _)| *path == self.path);
        if let (Some((_, own)), Some(contexts)) =
            (own, table.get_mut("contexts").and_then(Toml::as_table_mut))
        {
            let Some((key, above)) = own.split_last() else {
                return Err("it names no setting".into());
            };
            for (_, context) in contexts.iter_mut() {
                let table = (above.iter()).try_fold(context, |at, key| at.get_mut(*key));
                table
                    .and_then(Toml::as_table_mut)
                    .map(|table| table.remove(*key));
            }
        }
        let read = Settings::deserialize(Toml::Table(table.clone()))
            .map_err(|e| e.message().replace('\n', " "))?;
        read.check()
            .map_err(|(table, (key, why))| format!("{table}.{key}: {why}"))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(all: &[(&str, &str)]) -> Vec<(String, String)> {
        let all = all.iter();
        all.map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn read(text: &str, all: &[(&str, &str)]) -> (Settings, Option<SettingsError>) {
        over(text, super::super::parse(text).unwrap(), &given(all))
    }

    #[test]
    fn every_single_value_has_a_variable_and_they_win_over_the_file() {
        let names: Vec<String> = variables().into_iter().map(|v| v.name).collect();
        for name in [
            "JOBDECK_THEME",
            "JOBDECK_MOUSE",
            "JOBDECK_ASCII",
            "JOBDECK_TRANSPORT",
            "JOBDECK_NAMESPACES",
            "JOBDECK_LOGS_TAIL",
            "JOBDECK_LOGS_WATCH",
            "JOBDECK_LOGS_HEALTH_FROZEN_S",
            "JOBDECK_INBOX_DONE",
            "JOBDECK_HISTORY_MAX_MIB",
            "JOBDECK_ACTIONS_TYPE_ABOVE",
            "JOBDECK_GPU_USE_ENABLED",
            "JOBDECK_COLUMNS_JOBS",
        ] {
            assert!(names.iter().any(|n| n == name), "{name}: {names:?}");
        }
        let (settings, problem) = read(
            "mouse = true\n[logs]\ntail = 3\nstreams = 5\n",
            &[
                ("JOBDECK_MOUSE", "false"),
                ("JOBDECK_LOGS_TAIL", "500"),
                ("JOBDECK_LOGS_HEALTH_SLOW", "0.25"),
                ("JOBDECK_ASCII", "always"),
                ("JOBDECK_NAMESPACES", "a, b,"),
                ("JOBDECK_CONTEXT", "no setting"),
                ("JOBDECK_PORT_80_TCP_ADDR", "of a Service called jobdeck"),
            ],
        );
        assert_eq!(problem, None);
        assert!(!settings.mouse && settings.ascii == super::super::Ascii::Always);
        assert_eq!((settings.logs.tail, settings.logs.streams), (500, 5));
        assert_eq!(settings.logs.health.slow, 0.25);
        assert_eq!(settings.namespaces, ["a", "b"]);
    }

    #[test]
    fn a_value_that_cannot_be_is_told_and_the_rest_holds() {
        for (name, value, words) in [
            ("JOBDECK_LOGS_TAIL", "many", "\"many\" is no number"),
            ("JOBDECK_LOGS_TAIL", "-3", "u32"),
            ("JOBDECK_MOUSE", "maybe", "neither true nor false"),
            ("JOBDECK_TRANSPORT", "pigeon", "pigeon"),
            (
                "JOBDECK_GPU_USE_INTERVAL_S",
                "2",
                "gpu-use.interval-s: 2 is not from 15 to 600",
            ),
        ] {
            let (settings, problem) = read("", &[(name, value), ("JOBDECK_LOGS_STREAMS", "3")]);
            let said = problem.unwrap().to_string();
            assert!(
                said.starts_with(&format!("${name}: ")) && said.contains(words),
                "{said}"
            );
            let mut want = Settings::default();
            want.logs.streams = 3;
            assert_eq!(settings, want);
        }
    }

    #[test]
    fn columns_are_words_with_commas_between() {
        let text = "[columns]\njobs = [\"age\"]\n[contexts.\"x\".columns]\njobs = [\"why\"]\npods = [\"age\"]\n";
        let (settings, problem) = read(text, &[("JOBDECK_COLUMNS_JOBS", "name, label:team")]);
        assert_eq!(problem, None);
        let texts = |list| -> Vec<String> {
            let columns = settings.columns_of("x");
            let chosen = columns.of(list).unwrap();
            chosen.iter().map(|pick| pick.text().to_owned()).collect()
        };
        assert_eq!(
            texts(crate::model::extra::List::Jobs),
            ["name", "label:team"]
        );
        assert_eq!(texts(crate::model::extra::List::Pods), ["age"]);
        let (_, problem) = read("", &[("JOBDECK_COLUMNS_JOBS", "name,teem")]);
        let said = problem.unwrap().to_string();
        assert!(
            said.starts_with("$JOBDECK_COLUMNS_JOBS: ") && said.contains("teem"),
            "{said}"
        );
    }

    #[test]
    fn a_variable_wins_over_what_a_context_has_of_its_own() {
        let text = "[contexts.\"x\"]\nnamespaces = [\"c\"]\ngpu-use = true\ntheme = \"vivid\"\n";
        let (settings, _) = read(
            text,
            &[
                ("JOBDECK_NAMESPACES", "a"),
                ("JOBDECK_GPU_USE_ENABLED", "0"),
            ],
        );
        assert_eq!(settings.ways()["x"].namespaces, None);
        assert!(!settings.asks_gpus_of("x") && settings.theme_of("x") == "vivid");
    }
}
