//! What `submit` and `resubmit` take alike: settings that differ from the manifest, and how the end is told.

use clap::{Args, ValueEnum};
use color_eyre::eyre::Result;
use serde_json::Value;

use crate::actions::edit::{Count, Flavor};
use crate::actions::outcome::Cause;
use crate::actions::resubmit::Options;
use crate::actions::{Refusal, document};
use crate::cli::OneShotArgs;
use crate::cli::Prose;
use crate::cli::config::print_all;
use crate::cli::connect::Connected;
use crate::cluster::kinds::entry;
use crate::model::kueue::QueueKind;
use crate::model::want::{Kind, ObjectWant};
use crate::model::yaml;

use super::WriteArgs;

/// Settings of any kind of workload.
#[derive(Debug, Clone, Default, Args)]
pub struct ChangeArgs {
    /// The local queue it waits in; '' for none
    #[arg(long, value_name = "Q")]
    pub queue: Option<String>,
    /// Its priority class: Kueue's where it is queued, else its pods'
    #[arg(long, value_name = "P")]
    pub priority: Option<String>,
    /// The image of its main containers, or of one container or role
    #[arg(long, value_name = "[NAME=]IMAGE")]
    pub image: Option<String>,
    /// Pods (workers, nodes) at a time; of one role or part where there are several
    #[arg(long, value_name = "[ROLE=]N")]
    pub parallelism: Option<Count>,
    /// Run on the nodes of this ResourceFlavor
    #[arg(long, value_name = "F")]
    pub flavor: Option<String>,
}

impl ChangeArgs {
    pub fn any(&self) -> bool {
        self.queue.is_some()
            || self.priority.is_some()
            || self.image.is_some()
            || self.parallelism.is_some()
            || self.flavor.is_some()
    }

    /// As options, with the flavor looked up.
    ///
    /// # Errors
    /// There is none such, or it may not be read.
    pub async fn options(&self, connected: &Connected) -> Result<Options, (Cause, Refusal)> {
        let flavor = match &self.flavor {
            Some(name) => Some(flavor(connected, name).await?),
            None => None,
        };
        Ok(Options {
            name: None,
            queue: self.queue.clone(),
            priority: self.priority.clone(),
            image: self.image.clone(),
            parallelism: self.parallelism.clone(),
            flavor,
            failed_indexes: false,
        })
    }
}

async fn flavor(connected: &Connected, name: &str) -> Result<Flavor, (Cause, Refusal)> {
    let want = ObjectWant {
        kind: Kind::Queue(QueueKind::ResourceFlavor),
        namespace: "".into(),
        name: name.into(),
    };
    match fetch(connected, &want).await {
        Ok(Some(object)) => Ok(Flavor::of(&object)),
        Ok(None) => Err((
            Cause::NotFound,
            Refusal::new(format!("there is no ResourceFlavor {name}"))
                .next("`jobdeck get nodes` shows what nodes there are"),
        )),
        Err((cause, refusal)) => Err((
            cause,
            refusal.next("set a nodeSelector in the manifest instead"),
        )),
    }
}

/// An object as the server has it; none: there is none.
///
/// # Errors
/// It cannot be read.
pub async fn fetch(
    connected: &Connected,
    want: &ObjectWant,
) -> Result<Option<Value>, (Cause, Refusal)> {
    let version = connected.cluster.served_version(want.kind);
    let http = connected.cluster.http();
    match crate::cluster::fetch::object(http, version, want).await {
        Ok(object) => Ok(Some(object)),
        Err(failure) => match failure.code() {
            Some(404) => Ok(None),
            Some(403) => {
                let kind = entry(want.kind).plural();
                let why = format!("forbidden: needs get {kind}");
                Err((Cause::Forbidden, Refusal::new(why)))
            }
            _ => {
                let why = format!("{} cannot be read: {failure}", want.name);
                Err((Cause::Unreachable, Refusal::new(why)))
            }
        },
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shown {
    /// What was done, in sentences
    Text,
    /// What was done, as JSON
    Json,
    /// What would be submitted; nothing is
    Yaml,
}

/// How both end.
#[derive(Debug, Clone, Args)]
pub struct EndArgs {
    /// Have the server check it, without making it
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long, short, default_value = "text")]
    pub output: Shown,
    #[command(flatten)]
    pub one_shot: OneShotArgs,
}

impl EndArgs {
    /// As the other commands have them.
    pub fn write(&self) -> WriteArgs {
        WriteArgs {
            yes: true,
            dry_run: self.dry_run,
            output: match self.output {
                Shown::Json => Prose::Json,
                Shown::Text | Shown::Yaml => Prose::Text,
            },
            one_shot: self.one_shot.clone(),
        }
    }
}

/// Prints manifests, several as documents of one text.
pub fn print(manifests: &[&Value]) -> Result<()> {
    let all: Vec<String> = manifests.iter().map(|value| yaml::print(value)).collect();
    print_all(all.join("---\n").as_bytes())
}

/// `PATH=VALUE`, the value as YAML has it.
pub fn field(text: &str) -> Result<(String, Value), String> {
    // an index or a key may have the sign in it, a path has none outside
    let at = document::end_of_path(text).ok_or("expected PATH=VALUE, e.g. spec.parallelism=8")?;
    let (path, value) = (&text[..at], &text[at + 1..]);
    let value = match serde_saphyr::from_str::<Value>(value) {
        Ok(value) => value,
        Err(_) => value.into(),
    };
    Ok((path.to_owned(), value))
}
