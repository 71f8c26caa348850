//! `jobdeck submit`: objects from files, standard input or a template. All are checked, by us and by the server, before
//! the first is made.

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use color_eyre::eyre::Result;
use serde_json::Value;

use super::changes::{ChangeArgs, EndArgs, Shown, field, print};
use super::{Desk, OutcomeJson, exit, refused, runtime};
use crate::actions::clean::clean;
use crate::actions::document::{self, Document, complaints, parse};
use crate::actions::edit::{self, roles};
use crate::actions::outcome::{Cause, Ended, Outcome};
use crate::actions::resubmit::{Options, apply};
use crate::actions::templates::{self, Template};
use crate::actions::{Object, Refusal, Step, validate};
use crate::cli::ClusterArgs;
use crate::cli::config::{print_all, print_text};
use crate::cli::connect::{Connected, connect};
use crate::cluster::kinds::served;
use crate::cluster::writes::{Rules, salt};
use crate::model::want::Kind;
use crate::settings;

#[derive(Debug, Clone, Args)]
pub struct SubmitArgs {
    /// YAML or JSON with one or more objects, or - for standard input
    #[arg(long, short, value_name = "F|-", required_unless_present_any = ["template", "list_templates"])]
    pub file: Vec<String>,
    /// A template instead: shipped, or a file in templates/ of the config folder
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    pub template: Option<String>,
    /// List the templates there are
    #[arg(long, conflicts_with_all = ["file", "template"])]
    pub list_templates: bool,
    /// Its name, where there is one object
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub changes: ChangeArgs,
    /// Another value of a field, e.g. spec.backoffLimit=0; null takes it out
    #[arg(long, value_name = "PATH=VALUE", value_parser = field)]
    pub set: Vec<(String, Value)>,
    #[command(flatten)]
    pub end: EndArgs,
}

/// An object, and where it was written.
struct Sheet {
    /// `train.yaml`
    source: String,
    document: Document,
    manifest: Value,
    notes: Vec<String>,
}

impl Sheet {
    /// `train.yaml:12`
    fn place(&self, path: &str) -> String {
        self.at(self.document.line_of(path))
    }

    fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.source)
    }
}

/// Runs the command.
///
/// # Errors
/// No cluster in reach; what concerns the objects is in the exit code.
pub fn run(cluster: &ClusterArgs, args: &SubmitArgs) -> Result<ExitCode> {
    let write = args.end.write();
    if args.list_templates {
        print_all(list(&known()).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let sheets = match read(args) {
        Ok(sheets) => sheets,
        Err((cause, refusal)) => return Ok(refused(cause, &refusal, &write)),
    };
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let connected = connect(cluster, &args.end.one_shot).await?;
        submit(cluster, args, &connected, sheets).await
    });
    runtime.shutdown_background();
    ended
}

/// Shipped templates and the user's.
fn known() -> Vec<Template> {
    let (own, problems) = settings::templates();
    for problem in problems {
        say!("jobdeck: {problem}");
    }
    templates::all(own)
}

fn list(all: &[Template]) -> String {
    let width = all
        .iter()
        .map(|t| t.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for template in all {
        let whose = if template.own { " (yours)" } else { "" };
        let line = format!("{:<width$}  {}{whose}", template.name, template.about());
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Everything that is wrong with the texts is said at once, each at its line.
fn read(args: &SubmitArgs) -> Result<Vec<Sheet>, (Cause, Refusal)> {
    let wrong = |why: String| (Cause::Refused, Refusal::new(why));
    let mut texts: Vec<(String, String)> = Vec::new();
    for file in &args.file {
        let mut text = String::new();
        let read = match file.as_str() {
            "-" => std::io::stdin().lock().read_to_string(&mut text).map(drop),
            path => std::fs::read_to_string(path).map(|all| text = all),
        };
        read.map_err(|e| wrong(format!("{file}: {e}")))?;
        let name = if file == "-" { "stdin" } else { file };
        texts.push((name.to_owned(), text));
    }
    if let Some(name) = &args.template {
        let all = known();
        let Some(template) = all.iter().find(|t| t.name == name.as_str()) else {
            let names: Vec<&str> = all.iter().map(|t| &*t.name).collect();
            let refusal = Refusal::new(format!("there is no template {name}"));
            return Err((
                Cause::NotFound,
                refusal.next(format!("there are {}", names.join(", "))),
            ));
        };
        texts.push((format!("template {name}"), template.text.to_string()));
    }
    let mut sheets = Vec::new();
    let mut problems = Vec::new();
    for (source, text) in texts {
        let documents = match parse(&text) {
            Ok(documents) => documents,
            Err(fault) => {
                problems.push(format!("{source}: {fault}"));
                continue;
            }
        };
        for document in documents {
            let found = validate::check(&document);
            let named = args.name.is_some();
            let found = found
                .iter()
                .filter(|p| !(named && p.path == "metadata.name"));
            let said = found.map(|p| format!("{source}:{}: {}", p.line, p.refusal));
            problems.extend(said);
            sheets.push(Sheet {
                source: source.clone(),
                manifest: document.value.clone(),
                document,
                notes: Vec::new(),
            });
        }
    }
    if !problems.is_empty() {
        let why = format!("{}\nnothing was submitted", problems.join("\n"));
        return Err(wrong(why));
    }
    if args.name.is_some() && sheets.len() > 1 {
        let why = format!("--name names one object, and there are {}", sheets.len());
        return Err((
            Cause::Refused,
            Refusal::new(why).next("name them in the file"),
        ));
    }
    for sheet in &mut sheets {
        adapt(sheet, args).map_err(|refusal| (Cause::Refused, refusal))?;
    }
    Ok(sheets)
}

/// The manifest as it is wanted, without what needs the cluster.
fn adapt(sheet: &mut Sheet, args: &SubmitArgs) -> Result<(), Refusal> {
    if sheet.manifest["metadata"]["uid"].is_string() {
        let cleaned = clean(&sheet.manifest, None);
        sheet.manifest = cleaned.manifest;
        sheet
            .notes
            .push("it is a copy of a live object: what the server wrote is left out".into());
        sheet.notes.extend(cleaned.notes);
    }
    for (path, value) in &args.set {
        document::set(&mut sheet.manifest, path, value.clone())?;
    }
    let name = sheet.manifest["metadata"]["name"].as_str();
    let prefix = sheet.manifest["metadata"]["generateName"].as_str();
    let name = match (&args.name, name, prefix) {
        (Some(name), _, _) => {
            validate::name(name)?;
            name.clone()
        }
        (None, Some(name), _) => name.to_owned(),
        // a name of ours: of one that the server makes nobody would know whether it was made twice
        (None, None, prefix) => format!("{}{}", prefix.unwrap_or_default(), salt()),
    };
    document::set(&mut sheet.manifest, "metadata.name", name.into())?;
    document::set(&mut sheet.manifest, "metadata.generateName", Value::Null)
}

async fn submit(
    cluster: &ClusterArgs,
    args: &SubmitArgs,
    connected: &Connected,
    mut sheets: Vec<Sheet>,
) -> Result<ExitCode> {
    let write = args.end.write();
    let options = match args.changes.options(connected).await {
        Ok(options) => options,
        Err((cause, refusal)) => return Ok(refused(cause, &refusal, &write)),
    };
    if args.changes.any()
        && let Err(refusal) = change(&mut sheets, &options)
    {
        return Ok(refused(Cause::Refused, &refusal, &write));
    }
    let mut steps = Vec::new();
    for sheet in &mut sheets {
        match step(cluster, connected, sheet).await {
            Ok(step) => steps.push(step),
            Err((cause, refusal)) => {
                let place = sheet.place("kind");
                let why = format!("{place}: {}", refusal.why);
                let refusal = Refusal { why, ..refusal };
                return Ok(refused(cause, &refusal, &write));
            }
        }
    }
    for sheet in &sheets {
        for note in &sheet.notes {
            say!("jobdeck: {}: {note}", edit::words(&sheet.manifest));
        }
    }
    if args.end.output == Shown::Yaml && !args.end.dry_run {
        let all: Vec<&Value> = sheets.iter().map(|sheet| &sheet.manifest).collect();
        print(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    let desk = Desk::new(connected, cluster, &write);
    let dry = connected.cluster.gate(
        Rules {
            dry_run: true,
            ..desk.rules
        },
        desk.keep.clone(),
    );
    let checked = dry.check(&steps).await;
    let bad: Vec<usize> = (0..checked.len())
        .filter(|n| !checked[*n].is_good())
        .collect();
    if args.end.dry_run || !bad.is_empty() {
        let shown: Vec<&Outcome> = match bad.is_empty() {
            true => checked.iter().collect(),
            false => bad.iter().map(|n| &checked[*n]).collect(),
        };
        tell(args, &sheets, &checked, &shown)?;
        if args.end.output == Shown::Yaml && bad.is_empty() {
            let all: Vec<&Value> = sheets.iter().map(|sheet| &sheet.manifest).collect();
            print(&all)?;
        }
        if !bad.is_empty() && checked.len() > 1 {
            say!("jobdeck: nothing was submitted");
        }
        return Ok(exit(&checked));
    }
    let gate = desk.gate(connected);
    let mut done: Vec<Outcome> = Vec::new();
    let mut left = steps.into_iter();
    for step in left.by_ref() {
        let outcome = gate.step(step).await;
        let good = outcome.is_good();
        done.push(outcome);
        if !good {
            break;
        }
    }
    let shown: Vec<&Outcome> = done.iter().collect();
    tell(args, &sheets, &done, &shown)?;
    let rest: Vec<String> = left.map(|step| step.object.to_string()).collect();
    if !rest.is_empty() {
        say!("jobdeck: not tried any more: {}", rest.join(", "));
    }
    Ok(exit(&done))
}

/// Settings concern what runs pods; of other objects nothing is said.
fn change(sheets: &mut [Sheet], options: &Options) -> Result<(), Refusal> {
    let mut any = false;
    for sheet in sheets {
        let works = !roles(&sheet.manifest).is_empty() || edit::kind(&sheet.manifest) == "TrainJob";
        if works {
            any = true;
            let notes = apply(&mut sheet.manifest, options)?;
            sheet.notes.extend(notes);
        }
    }
    match any {
        true => Ok(()),
        false => Err(Refusal::new("there is no workload in it to change")),
    }
}

/// Where it goes, and as what.
async fn step(
    cluster: &ClusterArgs,
    connected: &Connected,
    sheet: &mut Sheet,
) -> Result<Step, (Cause, Refusal)> {
    let text = |key: &str| sheet.manifest[key].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let kind = served(connected.cluster.http(), &api_version, &kind).await?;
    let object = object(cluster, connected, kind, &mut sheet.manifest)?;
    Ok(Step::create(object, Arc::new(sheet.manifest.clone())))
}

/// The object that a manifest will be. Its namespace is written into it.
///
/// # Errors
/// Its namespace is not the one that was asked for.
pub fn object(
    cluster: &ClusterArgs,
    connected: &Connected,
    kind: Kind,
    manifest: &mut Value,
) -> Result<Object, (Cause, Refusal)> {
    let refuse = |refusal| (Cause::Refused, refusal);
    let said = manifest["metadata"]["namespace"].as_str();
    let namespace = match (kind.namespaced(), said, &cluster.namespace) {
        (false, _, _) => String::new(),
        (true, Some(said), Some(asked)) if said != asked => {
            let why = format!(
                "{} is for namespace {said}, not {asked}",
                edit::words(manifest)
            );
            return Err(refuse(
                Refusal::new(why).next("leave -n out, or the namespace in the manifest"),
            ));
        }
        (true, Some(said), _) => said.to_owned(),
        (true, None, Some(asked)) => asked.clone(),
        (true, None, None) => connected.cluster.namespace().to_owned(),
    };
    let path = "metadata.namespace";
    let value = match namespace.as_str() {
        "" => Value::Null,
        name => name.into(),
    };
    document::set(manifest, path, value).map_err(refuse)?;
    let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
    Ok(Object {
        kind,
        namespace: namespace.into(),
        name: name.into(),
        key: None,
    })
}

/// Says how it ended. What the server has against a field is said at its line.
fn tell(args: &SubmitArgs, sheets: &[Sheet], all: &[Outcome], shown: &[&Outcome]) -> Result<()> {
    if args.end.output == Shown::Json {
        let all: Vec<OutcomeJson> = all.iter().map(OutcomeJson::of).collect();
        return print_all((serde_json::to_string_pretty(&all)? + "\n").as_bytes());
    }
    for outcome in shown {
        let at = all.iter().position(|o| std::ptr::eq(o, *outcome));
        let sheet = at.and_then(|at| sheets.get(at));
        match (&outcome.ended, sheet) {
            (Ended::Not(_, refusal), Some(sheet)) => {
                let fields = complaints(&refusal.why);
                for field in &fields {
                    say!(
                        "{}: {}: {}",
                        sheet.at(sheet.document.line_at(field)),
                        field.path,
                        field.why
                    );
                }
                say!("jobdeck: {}: {}", sheet.place("kind"), outcome.sentence());
            }
            (Ended::Unknown { .. }, _) => say!("jobdeck: {}", outcome.sentence()),
            _ if args.end.output == Shown::Yaml => say!("{}", outcome.sentence()),
            _ => print_text(&format!("{}\n", outcome.sentence()))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_by_path() {
        let (path, value) = field("spec.backoffLimit=0").expect("a field");
        assert_eq!((path.as_str(), value), ("spec.backoffLimit", 0.into()));
        let (path, value) = field("metadata.labels[\"a=b\"]=x=y").expect("a field");
        assert_eq!(
            (path.as_str(), value),
            ("metadata.labels[\"a=b\"]", "x=y".into())
        );
        assert!(field("spec").is_err());
    }

    #[test]
    fn the_list_says_whose_a_template_is() {
        let all = templates::all(vec![("sweep".into(), "# Mine.\n".into())]);
        let text = list(&all);
        assert!(text.contains("sweep         Mine. (yours)\n"), "{text}");
        assert_eq!(text.lines().count(), all.len());
    }
}
