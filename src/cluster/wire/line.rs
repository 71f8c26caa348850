//! A line of a watch: what it tells of its object, however odd that is.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lax::{self, Text};
use super::objects::Objects;
use super::{Status, Unread, part};
use crate::model::ids::Uid;

/// One line of a watch, with its object, or who that is.
#[derive(Debug)]
pub enum Event<T = Who> {
    /// ADDED or MODIFIED.
    Applied(T),
    Deleted(T),
    Bookmark {
        version: String,
        /// It ends the initial events of a streamed list.
        end: bool,
    },
    /// An ERROR event's Status.
    Error(Status),
    /// A type this version of jobdeck does not know, or an object nobody can be made of.
    Unknown,
}

/// The object that a line is about.
#[derive(Debug)]
pub struct Who {
    pub uid: Uid,
    pub version: Text,
}

/// What is wrong with a line of a watch of which not all could be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Odd {
    /// Nobody could be made of it, or only with parts; else values were read as absent or as the nearest that fits.
    pub is_lost: bool,
    /// In words, where that was asked for.
    pub unread: Option<Unread>,
}

/// Reads one line of a watch; its object is held. An error means the line is not whole JSON, or holds what no decoder can
/// read.
pub fn event(objects: &mut dyn Objects, line: &[u8]) -> serde_json::Result<Event> {
    whole(objects, &super::text(line))
}

fn whole(objects: &mut dyn Objects, line: &str) -> serde_json::Result<Event> {
    let kind = objects.line(line)?;
    told(objects, &kind, line)
}

/// What a line of this type tells of the object that is held.
fn told(objects: &dyn Objects, kind: &str, line: &str) -> serde_json::Result<Event> {
    let Some(meta) = objects.held() else {
        return Ok(Event::Unknown);
    };
    let who = || Who {
        uid: meta.uid(),
        version: meta.resource_version.clone(),
    };
    Ok(match kind {
        "ADDED" | "MODIFIED" if !meta.is_nobody() => Event::Applied(who()),
        "DELETED" if !meta.is_nobody() => Event::Deleted(who()),
        "BOOKMARK" => Event::Bookmark {
            version: meta.resource_version.as_str().into(),
            end: meta.annotations.initial_events_end == "true",
        },
        "ERROR" => Event::Error(serde_json::from_str::<RawStatus>(line)?.object),
        _ => Event::Unknown,
    })
}

/// As [`event`], but a line with what no decoder can read is read as far as that goes, and what is wrong with it is told;
/// in words if `describe`, which takes reading it once more. An error means that it is not whole JSON.
pub fn event_in_part(
    objects: &mut dyn Objects,
    line: &[u8],
    describe: bool,
) -> serde_json::Result<(Event, Option<Odd>)> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(rename = "type", default, deserialize_with = "lax::text")]
        kind: Text,
        #[serde(borrow)]
        object: &'a RawValue,
    }
    let line = &*super::text(line);
    lax::take_odd();
    let read = whole(objects, line);
    let is_sound = lax::take_odd() == 0;
    let (event, is_lost) = match read {
        Ok(event @ (Event::Bookmark { .. } | Event::Error(_))) => return Ok((event, None)),
        Ok(Event::Unknown) => (Event::Unknown, true),
        Ok(event) if is_sound => return Ok((event, None)),
        Ok(event) => (event, false),
        Err(e) => {
            let Ok(Line { kind, object }) = serde_json::from_str::<Line>(line) else {
                return Err(e);
            };
            let event = match part::read(objects, object.get()) {
                true => told(objects, &kind, line)?,
                false => Event::Unknown,
            };
            (event, true)
        }
    };
    let unread = describe.then(|| Unread::of_line(objects, line));
    Ok((event, Some(Odd { is_lost, unread })))
}

#[derive(Deserialize)]
struct RawStatus {
    #[serde(default, deserialize_with = "lax::object")]
    object: Status,
}
