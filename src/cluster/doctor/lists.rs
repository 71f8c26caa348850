//! What a list of each kind really answers, and whether the clocks agree: what no question about permissions tells.

use chrono::{DateTime, Utc};
use futures::StreamExt;
use serde::Deserialize;

use super::{Diagnosis, Mark};
use crate::cluster::discover::Served;
use crate::cluster::failure::Failure;
use crate::cluster::http::{Ask, Http};
use crate::cluster::kinds::{self, Entry};
use crate::cluster::wire::lax;

/// Lists asked for at once.
const AT_ONCE: usize = 8;
/// Clocks that are further apart than this make ages and waits look wrong.
const APART: i64 = 30;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Counted {
    #[serde(deserialize_with = "lax::object")]
    metadata: Remaining,
    #[serde(deserialize_with = "lax::length")]
    items: u32,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Remaining {
    #[serde(deserialize_with = "lax::count")]
    remaining_item_count: u32,
    #[serde(rename = "continue", deserialize_with = "lax::text")]
    next: String,
}

/// How many objects of a kind there are; `None`: more than one, and the server does not say how many.
async fn count(
    http: &Http,
    kind: &Entry,
    version: &str,
    namespace: Option<&str>,
) -> Result<Option<u64>, Failure> {
    let path = kind.path(version, namespace);
    let body = http.read(&Ask::get(format!("{path}?limit=1"))).await?;
    let list: Counted =
        serde_json::from_slice(&body).map_err(|e| Failure::Garbled(e.to_string()))?;
    let left = list.metadata.remaining_item_count;
    let unknown = left == 0 && !list.metadata.next.is_empty();
    Ok((!unknown).then(|| u64::from(list.items) + u64::from(left)))
}

/// Lists one object of everything that is served; what is forbidden was told before.
pub async fn lists(http: &Http, namespace: &str, served: Option<&Served>, found: &mut Diagnosis) {
    let all = kinds::all().filter_map(|kind| match served {
        Some(served) => Some((kind, served.version(kind)?)),
        None if kind.is_optional() => None,
        None => Some((kind, kind.versions.first().copied()?)),
    });
    let asked = all.map(|(kind, version)| async move {
        let everywhere = count(http, kind, version, None).await;
        let answer = match everywhere {
            Err(Failure::Status { code: 403, .. }) if kind.namespaced => {
                count(http, kind, version, Some(namespace)).await
            }
            answer => answer,
        };
        (kind.plural(), answer)
    });
    let asked: Vec<_> = asked.collect();
    let mut answers = futures::stream::iter(asked).buffered(AT_ONCE);
    let mut counts = Vec::new();
    while let Some((plural, answer)) = answers.next().await {
        match answer {
            Ok(Some(0)) => {}
            Ok(Some(n)) => counts.push(format!("{n} {plural}")),
            Ok(None) => counts.push(format!("several {plural}")),
            Err(Failure::Status {
                code: 403 | 404, ..
            }) => {}
            Err(failure) => {
                found.add(Mark::No, plural, format!("a list fails: {failure}"));
                found.hint("the other kinds work without it; jobdeck asks again by itself");
            }
        }
    }
    let text = match counts.is_empty() {
        true => "none that this user may list".to_owned(),
        false => counts.join(", "),
    };
    found.add(Mark::Ok, "objects", text);
}

/// Whether the server's clock and ours agree, by the date of an answer.
pub async fn clock(http: &Http, found: &mut Diagnosis) {
    let Ok(answer) = http.open(&Ask::get("/version")).await else {
        return;
    };
    let date = answer.headers().get(http::header::DATE);
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
    let Some(date) = date else { return };
    let apart = (date.with_timezone(&Utc) - Utc::now()).num_seconds();
    let text = match apart {
        _ if apart.abs() <= APART => {
            return found.add(Mark::Ok, "clock", "agrees with this machine's");
        }
        1.. => format!("{apart} s ahead of this machine's: ages are too short"),
        _ => format!("{} s behind this machine's: ages are too long", -apart),
    };
    found.add(Mark::Note, "clock", text);
    found.hint("let both machines take the time from a server (NTP)");
}
