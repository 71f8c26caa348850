//! The columns a list shows: its usual ones, or those that were chosen, in their order, with the user's own among them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Cx;
use super::palette::{Candidate, Command};
use super::words::{count, when};
use crate::model::extra::{self, Chosen, Extra, IDS, List, Pick};
use crate::model::human;
use crate::model::ids::Key;
use crate::ui::{Cell, Column, text};

/// How wide one of the user's own may be if nobody says.
const WIDEST: u16 = 32;
/// What it is given at least, where that is not more than was asked for.
const LEAST: u16 = 9;

/// The columns to show: the usual ones, if none are chosen. `more`: those it can have besides.
///
/// What is chosen stays the longer the further in front it stands where space is short; state and name are always there.
pub fn arrange(list: List, usual: Vec<Column>, more: Vec<Column>, cx: &Cx) -> Vec<Column> {
    let Some(chosen) = cx.session.columns.of(list) else {
        return usual;
    };
    let whole = chosen.contains(&Pick::Usual);
    let is_chosen = |column: &&Column| chosen.iter().any(|pick| pick.text() == column.id());
    let mut shown: Vec<Column> = Vec::new();
    let mut ids = IDS.into_iter();
    for pick in chosen.iter() {
        // among the usual ones the user's own are what is wanted most
        let rank = match whole {
            true => 1,
            false => u8::try_from(shown.len()).unwrap_or(u8::MAX),
        };
        match pick {
            Pick::Usual => shown.extend(usual.iter().filter(|c| !is_chosen(c)).cloned()),
            Pick::Named(name) => {
                let mut all = usual.iter().chain(&more);
                let column = all.find(|c| c.id() == *name).cloned();
                shown.extend(column.map(|column| match *name {
                    "name" | "state" | "status" => column,
                    _ if whole => column.from_width(0),
                    _ => column.rank(rank).from_width(0),
                }));
            }
            Pick::Own(extra) => shown.extend(ids.next().map(|id| own(id, extra).rank(rank))),
        }
    }
    shown
}

fn own(id: &'static str, extra: &Extra) -> Column {
    let heading = u16::try_from(text::width(&extra.title)).unwrap_or(WIDEST);
    let column = Column::new(id, extra.title.to_string());
    match extra.width {
        Some(width) => column.width(width.min(LEAST), width, width),
        None => column.width(heading.clamp(LEAST, WIDEST), heading.min(WIDEST), WIDEST),
    }
}

/// What a row has in a column of the user's own; none, if the column is another.
pub fn cell<'a>(list: List, key: Key, id: &str, cx: &Cx<'a>) -> Option<Cell<'a>> {
    let at = extra::numbered(id)?;
    Some(match cx.model.extras.text(list, key, at) {
        None => Cell::styled("-", cx.theme.faint()),
        Some(text) => match extra::moment(text) {
            Some(at) => Cell::styled(when(Some(at), cx), cx.theme.dim()),
            None => Cell::Text(text::clean(text)),
        },
    })
}

/// What `columns …` in the command bar may mean: those that are typed, and what the last word may become.
pub fn offers(list: List, typed: &str, cx: &Cx) -> Vec<Candidate> {
    // commas as well: that is how the command line has them
    let is_end = |c: char| c.is_whitespace() || c == ',';
    let words = extra::parts(typed, is_end);
    let candidate = |text: &str, detail: String, command| Candidate {
        text: format!("columns {text}"),
        detail,
        keys: String::new(),
        command,
    };
    let back = || {
        let text = "those of the settings, or the usual ones";
        candidate(SETTINGS, text.into(), Command::Columns(list, None))
    };
    if words == [SETTINGS] {
        return vec![back()];
    }
    if words.is_empty() {
        let mut all = vec![back()];
        all.extend(names(list, "", cx).into_iter().map(|(name, what)| {
            let chosen = read(list, &["*", &name]).unwrap_or_else(|_| [Pick::Usual].into());
            candidate(
                &format!("* {name}"),
                what,
                Command::Columns(list, Some(chosen)),
            )
        }));
        return all;
    }
    let whole = words.join(" ");
    let mut all = Vec::new();
    let wrong = match read(list, &words) {
        Ok(chosen) => {
            let detail = format!("columns of {}, in this order", list.name());
            all.push(candidate(
                &whole,
                detail,
                Command::Columns(list, Some(chosen)),
            ));
            None
        }
        Err(why) => Some(why),
    };
    if !typed.ends_with(is_end)
        && let Some((last, before)) = words.split_last()
    {
        for (name, what) in names(list, last, cx) {
            let mut words = before.to_vec();
            words.push(&name);
            if let Ok(chosen) = read(list, &words) {
                let command = Command::Columns(list, Some(chosen));
                all.push(candidate(&words.join(" "), what, command));
            }
        }
    }
    if let (true, Some(why)) = (all.is_empty(), wrong) {
        all.push(candidate(&whole, why, Command::Close));
    }
    all
}

/// In place of columns: those of the settings again.
const SETTINGS: &str = "settings";

fn read(list: List, words: &[&str]) -> Result<Chosen, String> {
    let picks: Vec<Pick> = (words.iter())
        .map(|word| Pick::parse(list, word))
        .collect::<Result<_, _>>()?;
    extra::check(&picks)?;
    Ok(picks.into())
}

/// Most names offered for one word.
const MOST: usize = 40;

/// Columns whose names begin so, and what they are: those of the list, and labels that its rows have.
pub fn names(list: List, begin: &str, cx: &Cx) -> Vec<(String, String)> {
    let own = list
        .columns()
        .iter()
        .map(|name| ((*name).to_owned(), String::new()));
    let mut all: Vec<(String, String)> = own.collect();
    if list == List::Jobs {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (label, _) in cx.model.jobs.rows().flat_map(|job| &job.labels) {
            *seen.entry(label).or_default() += 1;
        }
        let mut seen: Vec<(&str, usize)> = seen.into_iter().collect();
        seen.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        all.extend(
            seen.into_iter()
                .map(|(label, n)| (format!("label:{label}"), count(n, "job", "jobs"))),
        );
    }
    all.retain(|(name, _)| name.starts_with(begin) && name != begin);
    all.truncate(MOST);
    all
}

/// When what a row has in columns of the user's own next changes by itself: ages do.
pub fn wake(list: List, key: Key, cx: &Cx) -> Option<DateTime<Utc>> {
    let columns = 0..u8::try_from(cx.model.extras.shown(list).len()).ok()?;
    let texts = columns.filter_map(|at| cx.model.extras.text(list, key, at));
    let moments = texts.filter_map(extra::moment);
    moments
        .map(|at| cx.now + human::next_change(cx.now - at))
        .min()
}
