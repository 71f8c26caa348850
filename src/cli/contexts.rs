//! Which contexts `--context` means: one, several with commas or said more than once, or a group of the settings.

use clap::CommandFactory;
use clap::error::ErrorKind;
use color_eyre::eyre::{Result, bail};

use super::{Cli, Command};
use crate::cluster::kubeconfig::load;
use crate::settings::{self, Settings};

/// Puts the contexts that are meant in the place of what was written.
///
/// # Errors
/// A group is not in the settings.
pub fn expand(cli: &mut Cli) -> Result<()> {
    let written = std::mem::take(&mut cli.cluster.context);
    if written.iter().all(|name| !name.contains([',', '@'])) {
        cli.cluster.context = written;
    } else {
        let (settings, _) = settings::load(settings::file().as_deref());
        // a context may be called so
        let known: Vec<String> = match load(&cli.cluster.surroundings()) {
            Ok(all) => all.contexts().into_iter().map(|c| c.name).collect(),
            // why not is said when it is opened
            Err(_) => Vec::new(),
        };
        cli.cluster.context = meant(&written, &known, &settings)?;
    }
    let several = cli.cluster.context.len() > 1;
    let takes = cli.command.as_ref().is_none_or(Command::takes_several);
    if several && (cli.plain || !takes) {
        let what = "this command works on one context at a time: name one with --context";
        Cli::command().error(ErrorKind::TooManyValues, what).exit()
    }
    Ok(())
}

fn meant(written: &[String], known: &[String], settings: &Settings) -> Result<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    for name in written {
        let parts: Vec<&str> = match known.contains(name) {
            true => vec![name],
            false => name.split(',').collect(),
        };
        for part in parts.into_iter().map(str::trim).filter(|p| !p.is_empty()) {
            let group = part.strip_prefix('@');
            let group = group.filter(|_| !known.iter().any(|k| k == part));
            let contexts = match group {
                None => vec![part.to_owned()],
                Some(group) => match settings.clusters.get(group) {
                    Some(contexts) => contexts.clone(),
                    None => bail!(
                        "there is no group {group} of contexts\nname them in the settings: [clusters] {group} = \
                         [\"CONTEXT\", \"CONTEXT\"]"
                    ),
                },
            };
            for context in contexts {
                if !all.contains(&context) {
                    all.push(context);
                }
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(written: &[&str]) -> Result<Vec<String>> {
        let mut settings = Settings::default();
        let prod = vec!["east".to_owned(), "west".to_owned()];
        settings.clusters.insert("prod".into(), prod);
        let written: Vec<String> = written.iter().map(|w| (*w).to_owned()).collect();
        let known = ["east", "west", "odd,name", "@odd"].map(str::to_owned);
        meant(&written, &known, &settings)
    }

    #[test]
    fn commas_repetition_and_groups_mean_several() {
        let cases: [(&[&str], &[&str]); 6] = [
            (&["east"], &["east"]),
            (&["east,west"], &["east", "west"]),
            (&["west", "east,west"], &["west", "east"]),
            (&["@prod,other"], &["east", "west", "other"]),
            // what is called so is meant so
            (&["odd,name"], &["odd,name"]),
            (&["@odd"], &["@odd"]),
        ];
        for (written, wanted) in cases {
            assert_eq!(of(written).unwrap(), wanted, "{written:?}");
        }
        let why = of(&["@nowhere"]).unwrap_err().to_string();
        assert!(why.contains("[clusters] nowhere ="), "{why}");
    }
}
