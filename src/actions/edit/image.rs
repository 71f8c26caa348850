//! The image of what does the work: not of its sidecars.

use serde_json::Value;

use super::{Edit, Role, kind, listed, of, put, roles, words};
use crate::actions::Refusal;

/// Says which container is meant by `kubectl logs`, and here.
const DEFAULT: &str = "kubectl.kubernetes.io/default-container";
/// The training operator looks for these.
const KNOWN: [&str; 6] = ["pytorch", "tensorflow", "mpi", "xgboost", "paddle", "jax"];

/// Sets the image of the main container of every role: `IMAGE`, or `NAME=IMAGE` where NAME is a container or a role.
///
/// # Errors
/// Nothing is called NAME, or there is no container.
pub fn image(manifest: &mut Value, text: &str) -> Edit {
    let (only, image) = match text.split_once('=') {
        Some((name, image)) => (Some(name), image),
        None => (None, text),
    };
    if image.is_empty() || image.contains(char::is_whitespace) {
        let why = format!("{image:?} is no image");
        return Err(Refusal::new(why).next("write e.g. registry.example.com/team/train:2"));
    }
    if kind(manifest) == "TrainJob" {
        return train_job(manifest, only, image);
    }
    let all = roles(manifest);
    let mut notes = Vec::new();
    let mut met = Vec::new();
    let mut found = false;
    for role in &all {
        let Some(template) = manifest.pointer_mut(&role.at) else {
            continue;
        };
        let by_role = only == Some(&role.name) && !role.name.is_empty();
        let main = main(template);
        let mut others = Vec::new();
        for list in ["containers", "initContainers"] {
            let spec = template.get_mut("spec");
            let containers = spec.and_then(|spec| spec.get_mut(list));
            let containers = containers.and_then(Value::as_array_mut);
            for (n, container) in containers.into_iter().flatten().enumerate() {
                let name = container["name"].as_str().unwrap_or_default().to_owned();
                let is_main = list == "containers" && Some(n) == main;
                let meant = match only {
                    None => is_main,
                    Some(only) => only == name || by_role && is_main,
                };
                if meant {
                    found = true;
                    notes.extend(set(container, role, &name, image));
                } else {
                    others.push(name.clone());
                }
                met.push(name);
            }
        }
        if only.is_none() && !others.is_empty() {
            let others = listed(others.iter().map(String::as_str));
            notes.push(format!("{}the image of {others} stays", of(role)));
        }
    }
    if found {
        return Ok(notes);
    }
    met.extend(all.iter().map(|r| r.name.clone()).filter(|n| !n.is_empty()));
    met.sort();
    met.dedup();
    let words = words(manifest);
    Err(match only {
        Some(only) => Refusal::new(format!("{words} has no container and no role {only}"))
            .next(format!("it has {}", listed(met.iter().map(String::as_str)))),
        None => Refusal::new(format!("{words} has no container to give an image to"))
            .next("edit its manifest"),
    })
}

fn set(container: &mut Value, role: &Role, name: &str, image: &str) -> Option<String> {
    let was = container["image"].as_str().unwrap_or("none").to_owned();
    put(container, &["image"], image);
    let of = of(role);
    (was != image).then(|| format!("{of}the image of {name} is {image} (was {was})"))
}

/// The container that does the work, by its place.
pub fn main(template: &Value) -> Option<usize> {
    let all = template["spec"]["containers"].as_array()?;
    let named = |name: &str| all.iter().position(|c| c["name"] == name);
    let said = template["metadata"]["annotations"][DEFAULT].as_str();
    let known = || KNOWN.iter().find_map(|name| named(name));
    said.and_then(named)
        .or_else(known)
        .or((!all.is_empty()).then_some(0))
}

fn train_job(manifest: &mut Value, only: Option<&str>, image: &str) -> Edit {
    if let Some(only) = only.filter(|only| !matches!(*only, "trainer" | "node")) {
        let why = format!("{} sets no image of {only}", words(manifest));
        return Err(Refusal::new(why).next(
            "it is its runtime's to set; an image without a name before it is the trainer's",
        ));
    }
    let was = manifest["spec"]["trainer"]["image"].as_str();
    let was = was.unwrap_or("its runtime's").to_owned();
    put(manifest, &["spec", "trainer", "image"], image);
    Ok(match was == image {
        true => Vec::new(),
        false => vec![format!("the image of its trainer is {image} (was {was})")],
    })
}
