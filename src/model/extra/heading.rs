//! Columns of the user's own that a filter names and the list does not show: which, and what may be meant.

use std::fmt;

use super::{Extras, List};
use crate::model::filter::{Filter, distance};

/// A heading that no column shown has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    list: List,
    /// As the filter has it.
    pub heading: String,
    /// What is shown and called almost so, the nearest first.
    near: Vec<String>,
    /// The headings there are.
    known: Vec<String>,
    /// It is one of the list's own columns, which filters name by their fields.
    built_in: bool,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // short: it stands in one line with the filter
        write!(f, "{} show no column {}", self.list.name(), self.heading)?;
        match (&self.near[..], &self.known[..]) {
            (_, []) => write!(f, ", nor any other of one's own")?,
            ([], known) => write!(f, ": there are {}", known.join(", "))?,
            (near, _) => write!(f, ": did you mean {}?", near.join(" or "))?,
        }
        match self.built_in {
            true => write!(f, "; its own are named without col:"),
            false => Ok(()),
        }
    }
}

impl Unknown {
    /// It, and what to do.
    pub fn next(&self, step: &str) -> String {
        let said = self.to_string();
        let mark = if said.ends_with('?') { "" } else { ";" };
        format!("{said}{mark} {step}")
    }
}

impl Extras {
    /// The first column of one's own that a filter names and the list does not show: no row could answer.
    pub fn unknown(&self, list: List, filter: &Filter) -> Option<Unknown> {
        let shown = self.shown(list);
        let mut headings = filter.headings();
        let heading = headings.find(|name| !shown.iter().any(|extra| extra.is_called(name)))?;
        let fold = |text: &str| text.to_lowercase().replace([' ', '_'], "-");
        let (meant, known) = (fold(heading), shown.iter().map(|extra| &*extra.title));
        let mut near: Vec<(usize, &str)> = known
            .clone()
            .map(|title| (distance(&meant, &fold(title)), title))
            .filter(|(edits, title)| {
                let begins = fold(title).starts_with(&meant) || meant.starts_with(&fold(title));
                begins || *edits <= 2 && *edits < meant.chars().count()
            })
            .collect();
        near.sort();
        near.truncate(MOST);
        Some(Unknown {
            list,
            heading: heading.to_owned(),
            near: near.into_iter().map(|(_, title)| dashed(title)).collect(),
            known: known.map(dashed).collect(),
            built_in: list.columns().contains(&&*meant),
        })
    }
}

/// Most that are offered.
const MOST: usize = 3;

/// As a filter takes it without quotes.
fn dashed(title: &str) -> String {
    title.replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::extra::{Extra, Sets};
    use crate::model::job::JobRow;
    use crate::model::listed::Listed;

    #[rstest]
    #[case("col:team=ml col:Who-Pays col:\"who pays=x\"", None)]
    #[case("gpu>0 team", None)]
    // what a column is made of names it, too
    #[case("col:example.com/cost>5", None)]
    #[case(
        "col:team col:teem=ml",
        Some("jobs show no column teem: did you mean TEAM?")
    )]
    #[case("!col:cots>5", Some("did you mean COST?"))]
    #[case("col:who", Some("did you mean WHO-PAYS?"))]
    #[case("col:rack=7", Some("there are TEAM, COST, WHO-PAYS"))]
    #[case("col:state=failed", Some("its own are named without col:"))]
    fn a_heading_that_is_not_shown_is_named_with_the_nearest(
        #[case] filter: &str,
        #[case] says: Option<&str>,
    ) {
        let extra = |text| Extra::parse(text).unwrap();
        let mut sets = Sets::default();
        let all = [
            extra("label:team"),
            extra("annotation:example.com/cost"),
            extra("label:x").titled("WHO PAYS"),
        ];
        sets.put(List::Jobs, all.into());
        let mut extras = Extras::default();
        extras.show(&sets);
        let filter = Filter::parse(filter, &JobRow::VOCABULARY).unwrap();
        let said = extras
            .unknown(List::Jobs, &filter)
            .map(|unknown| unknown.to_string());
        match says {
            None => assert_eq!(said, None),
            Some(says) => assert!(said.clone().unwrap().contains(says), "{said:?}"),
        }
    }

    #[test]
    fn where_none_is_shown_it_says_so() {
        let filter = Filter::parse("col:team", &JobRow::VOCABULARY).unwrap();
        let unknown = Extras::default().unknown(List::Jobs, &filter).unwrap();
        assert_eq!(
            unknown.next("f5 chooses columns"),
            "jobs show no column team, nor any other of one's own; f5 chooses columns"
        );
    }
}
