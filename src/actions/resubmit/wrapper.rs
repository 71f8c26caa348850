//! How a program is told the index it had before.
//!
//! The Job controller gives a container `JOB_COMPLETION_INDEX` only if it does not define that itself. So one index is a
//! plain value; several are picked by a shell from a list, by the pod's own index, before the command runs in its place.
//! Everything a container can be told its index by is looked for: environment, `$(NAME)` in its words, files, mounts,
//! probes. What a wrapper cannot reach is refused.

use serde_json::{Value, json};

use crate::actions::Refusal;
use crate::actions::edit::{main_container, words};

/// What programs read.
const INDEX: &str = "JOB_COMPLETION_INDEX";
/// The pod's own, and the list it is an entry of.
const OWN: &str = "JOBDECK_INDEX";
const LIST: &str = "JOBDECK_INDEX_MAP";
/// Where the shell puts the index in.
const PLACE: &str = "@JOBDECK_INDEX@";
const KEY: &str = "batch.kubernetes.io/job-completion-index";
/// A number nobody reads by mistake: what is not wrapped and asks for its index stops.
const UNMAPPED: &str = "unmapped-see-JOBDECK_INDEX_MAP";

/// Arguments: `NAME=VALUE`…, `--`, the command. The kubelet leaves `$((…))` alone, as it names no variable.
const SCRIPT: &str = r#"# jobdeck: these are some indexes of an earlier Job; tell the command the one it had there
jobdeck_old= jobdeck_n=$JOBDECK_INDEX
for jobdeck_i in $JOBDECK_INDEX_MAP; do
  if [ "$jobdeck_n" = 0 ]; then jobdeck_old=$jobdeck_i; break; fi
  jobdeck_n=$((jobdeck_n - 1))
done
if [ -z "$jobdeck_old" ]; then
  echo "jobdeck: no index $JOBDECK_INDEX in: $JOBDECK_INDEX_MAP" >&2
  exit 97
fi
jobdeck_sets=y
for jobdeck_a do
  shift
  if [ "$jobdeck_sets$jobdeck_a" = y-- ]; then jobdeck_sets=; continue; fi
  jobdeck_b=
  while :; do
    case $jobdeck_a in
      *@JOBDECK_INDEX@*) jobdeck_b=$jobdeck_b${jobdeck_a%%@JOBDECK_INDEX@*}$jobdeck_old; jobdeck_a=${jobdeck_a#*@JOBDECK_INDEX@};;
      *) break;;
    esac
  done
  if [ "$jobdeck_sets" ]; then export "$jobdeck_b$jobdeck_a"; else set -- "$@" "$jobdeck_b$jobdeck_a"; fi
done
exec "$@"
"#;

/// Which index a pod stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Index {
    One(u32),
    /// One of these, by its own: `3 7 8`.
    Map(String),
}

/// Tells every container of a Job.
///
/// # Errors
/// One of them could not be told.
pub fn wrap(manifest: &mut Value, index: &Index) -> Result<Vec<String>, Refusal> {
    let name = words(manifest);
    let Some(template) = manifest.pointer_mut("/spec/template") else {
        return Err(Refusal::new(format!("{name} has no pod template")));
    };
    let alone = "one index alone is told it by a fixed value: name just that";
    files(&template["spec"], &name)?;
    let main = main_container(template);
    let mut notes = Vec::new();
    for list in ["initContainers", "containers"] {
        let spec = template.get_mut("spec").and_then(|spec| spec.get_mut(list));
        let all = spec.and_then(Value::as_array_mut);
        for (n, container) in all.into_iter().flatten().enumerate() {
            let is_main = list == "containers" && Some(n) == main;
            let called = container["name"].as_str().unwrap_or("?").to_owned();
            let told = told(container);
            host(container, &called)?;
            match index {
                Index::One(index) => fix(container, &told, &index.to_string()),
                Index::Map(map) => {
                    elsewhere(container, &told, &called).map_err(|r| r.next(alone))?;
                    match has_command(container) {
                        true => run_by_shell(container, &told, map),
                        false if is_main => {
                            return Err(Refusal::new(format!(
                                "container {called} has no command: what its image starts is not known, and so cannot \
                                 be told which index it had"
                            ))
                            .next(format!("write the image's entrypoint as its command; {alone}")));
                        }
                        false => {
                            stop(container, &told, &called).map_err(|r| r.next(alone))?;
                            notes.push(format!(
                                "container {called} has no command to wrap: {INDEX} is no number there, so that it cannot \
                                 take a wrong one"
                            ));
                        }
                    }
                }
            }
        }
    }
    let how = match index {
        Index::One(index) => format!("{INDEX} is {index}, as before"),
        Index::Map(map) => {
            let first = map.split(' ').next().unwrap_or_default();
            format!(
                "{INDEX} is as before: /bin/sh picks it from {LIST} and then runs the command (index 0 is told {first}); an \
                 image without a shell fails to start"
            )
        }
    };
    notes.insert(0, how);
    notes.push(
        "host name, pod name and the pod's label and annotation have the new index: a program that takes its index from \
         there is wrong"
            .into(),
    );
    Ok(notes)
}

/// A variable that says the index: its name, and its value with [`PLACE`] in it.
struct Told {
    name: String,
    value: String,
    /// It is in the container's own list.
    own: bool,
}

/// The variables of a container that depend on the index.
fn told(container: &Value) -> Vec<Told> {
    let mut all: Vec<Told> = Vec::new();
    let list = container["env"].as_array().into_iter().flatten();
    let mut defined = false;
    for entry in list {
        let Some(name) = entry["name"].as_str() else {
            continue;
        };
        defined |= name == INDEX;
        all.retain(|told| told.name != name);
        let from = entry["valueFrom"]["fieldRef"]["fieldPath"].as_str();
        let value = match (from, entry["value"].as_str()) {
            (Some(path), _) if is_index(path) && name != OWN => PLACE.to_owned(),
            (_, Some(value)) => {
                let expanded = expand(value, &all);
                if expanded == value {
                    continue;
                }
                expanded
            }
            _ => continue,
        };
        all.push(Told {
            name: name.to_owned(),
            value,
            own: true,
        });
    }
    // the controller's own comes last, and only where there is none
    if !defined {
        all.push(Told {
            name: INDEX.into(),
            value: PLACE.into(),
            own: false,
        });
    }
    all
}

fn is_index(path: &str) -> bool {
    path.contains(KEY)
}

/// `$(NAME)` of these, as the kubelet expands it; `$$(NAME)` is none.
fn expand(text: &str, told: &[Told]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at..];
        let name = after.strip_prefix("$(").and_then(|t| t.split_once(')'));
        if let Some(tail) = after.strip_prefix("$$") {
            out.push_str("$$");
            rest = tail;
        } else if let Some((name, tail)) = name {
            match told.iter().find(|told| told.name == name) {
                Some(told) => out.push_str(&told.value),
                None => out.push_str(&after[..after.len() - tail.len()]),
            }
            rest = tail;
        } else {
            out.push('$');
            rest = &after[1..];
        }
    }
    out.push_str(rest);
    out
}

/// One index: plain values, known to everything the kubelet starts.
fn fix(container: &mut Value, told: &[Told], index: &str) {
    let mut env = container["env"].as_array().cloned().unwrap_or_default();
    for told in told {
        let value = told.value.replace(PLACE, index);
        let entry = json!({"name": told.name, "value": value});
        let at = env.iter().rposition(|e| e["name"] == told.name.as_str());
        match at.filter(|_| told.own) {
            // what is made of others is expanded by the kubelet, from these
            Some(at) if env[at]["value"].is_string() => {}
            Some(at) => env[at] = entry,
            None => env.push(entry),
        }
    }
    set(container, "env", env.into());
}

fn set(container: &mut Value, key: &str, value: Value) {
    if let Some(container) = container.as_object_mut() {
        container.insert(key.to_owned(), value);
    }
}

fn strings(container: &Value, key: &str) -> Vec<String> {
    let all = container[key].as_array().into_iter().flatten();
    all.filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}

fn has_command(container: &Value) -> bool {
    container["command"]
        .as_array()
        .is_some_and(|c| !c.is_empty())
}

/// What the wrapper reads.
fn variables(map: &str) -> [Value; 2] {
    let path = format!("metadata.annotations['{KEY}']");
    [
        json!({"name": OWN, "valueFrom": {"fieldRef": {"fieldPath": path}}}),
        json!({"name": LIST, "value": map}),
    ]
}

fn with_variables(container: &mut Value, map: &str) {
    let mut env = container["env"].as_array().cloned().unwrap_or_default();
    env.retain(|entry| entry["name"] != OWN && entry["name"] != LIST);
    env.extend(variables(map));
    set(container, "env", env.into());
}

fn run_by_shell(container: &mut Value, told: &[Told], map: &str) {
    let sets = told.iter().map(|t| format!("{}={}", t.name, t.value));
    let mut args: Vec<String> = sets.collect();
    args.push("--".into());
    let words = ["command", "args"].into_iter();
    let words = words.flat_map(|key| strings(container, key));
    args.extend(words.map(|word| expand(&word, told)));
    with_variables(container, map);
    set(
        container,
        "command",
        json!(["/bin/sh", "-c", SCRIPT, "jobdeck"]),
    );
    set(container, "args", args.into());
}

/// A container that cannot be wrapped does not get a number it could take for the old one.
fn stop(container: &mut Value, told: &[Told], called: &str) -> Result<(), Refusal> {
    let mut words = strings(container, "args").into_iter();
    if words.any(|word| expand(&word, told) != word) {
        return Err(Refusal::new(format!(
            "container {called} takes the index in its args, and has no command that could be wrapped"
        )));
    }
    let mut env = container["env"].as_array().cloned().unwrap_or_default();
    for told in told {
        env.retain(|entry| entry["name"] != told.name.as_str());
        env.push(json!({"name": told.name, "value": UNMAPPED}));
    }
    set(container, "env", env.into());
    Ok(())
}

/// What the kubelet does itself for a container, with the new index.
fn elsewhere(container: &Value, told: &[Told], called: &str) -> Result<(), Refusal> {
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    for mount in mounts {
        let path = mount["subPathExpr"].as_str().unwrap_or_default();
        if expand(path, told) != path {
            return Err(Refusal::new(format!(
                "container {called} mounts {path}: that would be the directory of another index"
            )));
        }
    }
    for key in [
        "lifecycle",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
    ] {
        let text = container[key].to_string();
        if let Some(told) = told.iter().find(|told| text.contains(&told.name)) {
            return Err(Refusal::new(format!(
                "the {key} of container {called} reads {}: it would see another index",
                told.name
            )));
        }
    }
    Ok(())
}

/// Files that say the index.
fn files(pod: &Value, name: &str) -> Result<(), Refusal> {
    let volumes = pod["volumes"].as_array().into_iter().flatten();
    for volume in volumes {
        let own = std::iter::once(&volume["downwardAPI"]);
        let sources = volume["projected"]["sources"]
            .as_array()
            .into_iter()
            .flatten();
        let items = own.chain(sources.map(|source| &source["downwardAPI"]));
        let mut items = items.flat_map(|api| api["items"].as_array().into_iter().flatten());
        let tells =
            |item: &Value| is_index(item["fieldRef"]["fieldPath"].as_str().unwrap_or_default());
        if items.any(tells) {
            let volume = volume["name"].as_str().unwrap_or("?");
            return Err(Refusal::new(format!(
                "volume {volume} of {name} is a file with the index in it: it would be another one"
            ))
            .next("resubmit all of it, or let the program read JOB_COMPLETION_INDEX"));
        }
    }
    Ok(())
}

/// A script that takes its index from the host's name.
fn host(container: &Value, called: &str) -> Result<(), Refusal> {
    let words = ["command", "args"].into_iter();
    let mut words = words.flat_map(|key| strings(container, key));
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let asks = |text: &String| {
        let mut parts = text.split(|c| !part(c));
        parts.any(|word| matches!(word, "HOSTNAME" | "hostname" | "gethostname"))
    };
    if words.any(|text| asks(&text)) {
        return Err(Refusal::new(format!(
            "the command of container {called} reads the host's name, which has the new index in it"
        ))
        .next("resubmit all of it, or let it read JOB_COMPLETION_INDEX"));
    }
    Ok(())
}

/// Takes the wrapper off: the commands as they were, apart from being whole in `command`.
pub fn unwrap(manifest: &mut Value) {
    for list in ["initContainers", "containers"] {
        let all = manifest.pointer_mut(&format!("/spec/template/spec/{list}"));
        for container in all.and_then(Value::as_array_mut).into_iter().flatten() {
            let command = strings(container, "command");
            let ours = command.get(2).is_some_and(|script| script == SCRIPT);
            let args = strings(container, "args");
            let end = args.iter().position(|arg| arg == "--");
            if let Some(end) = end.filter(|_| ours) {
                let name = args[..end].iter().find_map(|set| {
                    let (name, value) = set.split_once('=')?;
                    (value == PLACE).then(|| format!("$({name})"))
                });
                let name = name.unwrap_or_else(|| format!("$({OWN})"));
                let words: Vec<Value> = (args[end + 1..].iter())
                    .map(|word| word.replace(PLACE, &name).into())
                    .collect();
                set(container, "command", words.into());
                if let Some(container) = container.as_object_mut() {
                    container.remove("args");
                }
            }
            let Some(container) = container.as_object_mut() else {
                continue;
            };
            if let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) {
                env.retain(|entry| {
                    let stopped = entry["name"] == INDEX && entry["value"] == UNMAPPED;
                    entry["name"] != OWN && entry["name"] != LIST && !stopped
                });
                if env.is_empty() {
                    container.remove("env");
                }
            }
        }
    }
}
