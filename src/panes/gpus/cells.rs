//! The cards of a node as cells: one sign each, in the hue of who holds it. Slices stand in `[ ]`, shares of one card in
//! `( )`, slices whose card is not known in `{ }`.

use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::colours::Colours;
use super::usage;
use crate::model::capacity::amounts::Bucket;
use crate::model::capacity::cards::{Card, Layout, Part, State as Card_};
use crate::model::capacity::unit::Unit;
use crate::model::gpu_use::Device;
use crate::model::ids::Key;
use crate::panes::Cx;
use crate::ui::State;

/// How cells are painted.
pub struct Paint<'a, 'b> {
    pub cx: &'a Cx<'b>,
    pub colours: &'a Colours,
    /// Where free devices of the node count for the pod that is thought of.
    pub bucket: Bucket,
    /// What each part of each card does, where colours tell that.
    pub heat: Option<&'a [Vec<Option<&'a Device>>]>,
}

/// The sign of a part.
fn sign(state: Card_, bucket: Bucket) -> &'static str {
    match (state, bucket) {
        (Card_::Held, _) => "■",
        (Card_::Releasing, _) => "□",
        (Card_::Sick | Card_::Over, _) => "!",
        (Card_::Blocked, _) => "-",
        (Card_::Free, Bucket::Free) => "·",
        (Card_::Free, Bucket::Tainted) => ":",
        (Card_::Free, Bucket::Away) => "/",
        (Card_::Free, Bucket::Stranded) => "▒",
    }
}

impl Paint<'_, '_> {
    fn style(&self, part: &Part) -> Style {
        let theme = self.cx.theme;
        match part.state {
            Card_::Held | Card_::Releasing => {
                let pod = part.pod.and_then(|key| self.cx.model.pods.get(key));
                match pod {
                    Some(pod) => self.colours.of(pod, self.cx),
                    None => theme.dim(),
                }
            }
            Card_::Sick | Card_::Over => theme.state(State::Failed).add_modifier(Modifier::BOLD),
            Card_::Blocked => theme.faint(),
            Card_::Free => match self.bucket {
                Bucket::Free => theme.state(State::Succeeded),
                Bucket::Tainted => theme.dim(),
                Bucket::Away => theme.state(State::Held),
                Bucket::Stranded => theme.state(State::Waiting),
            },
        }
    }

    /// One card, by its place; `under` the cursor it is reversed.
    pub fn card(&self, at: usize, card: &Card, under: bool, out: &mut Vec<Span<'static>>) {
        let theme = self.cx.theme;
        let edge = match under {
            true => theme.accent().add_modifier(Modifier::BOLD),
            false => theme.faint(),
        };
        let (open, close) = match (card.is_whole(), card.layout, card.parts.first()) {
            (true, ..) => ("", ""),
            (_, Layout::Unknown, _) => ("{", "}"),
            (
                _,
                _,
                Some(Part {
                    unit: Unit::Share { .. },
                    ..
                }),
            ) => ("(", ")"),
            _ => ("[", "]"),
        };
        if !open.is_empty() {
            out.push(Span::styled(open, edge));
        }
        for (n, part) in card.parts.iter().enumerate() {
            let (sign, mut style) = match self.heat {
                // who is free, and what is broken, is told as ever
                Some(heat) if matches!(part.state, Card_::Held | Card_::Releasing) => {
                    let found = heat.get(at).and_then(|parts| parts.get(n));
                    usage::heat(found.copied().flatten(), self.cx)
                }
                Some(_) if part.state == Card_::Free => ("·".into(), theme.faint()),
                _ => (sign(part.state, self.bucket).to_owned(), self.style(part)),
            };
            if under {
                // where the selected row is reversed, what is under the cursor is not
                let reversed = theme.selection(true).add_modifier;
                style = match reversed.contains(Modifier::REVERSED) {
                    true => style.remove_modifier(Modifier::REVERSED),
                    false => style.add_modifier(Modifier::REVERSED),
                };
            }
            let wide = wide(part);
            // two neighbours of one holder are told apart
            let joined = n > 0 && wide > 1;
            if joined {
                out.push(Span::styled("│", theme.faint()));
            }
            out.push(Span::styled(sign.repeat(wide), style));
        }
        if !close.is_empty() {
            out.push(Span::styled(close, edge));
        }
    }
}

/// Columns of a part: a slice is as wide as its compute slices.
fn wide(part: &Part) -> usize {
    match &part.unit {
        Unit::Mig { slices, .. } => usize::from(*slices).max(1),
        _ => 1,
    }
}

/// Columns all cards take, with a blank between two.
pub fn width(cards: &[Card]) -> usize {
    let one = |card: &Card| {
        let parts = card.parts.iter().enumerate().map(|(n, part)| {
            let wide = wide(part);
            wide + usize::from(n > 0 && wide > 1)
        });
        parts.sum::<usize>() + if card.is_whole() { 0 } else { 2 }
    };
    cards
        .iter()
        .map(|card| one(card) + 1)
        .sum::<usize>()
        .saturating_sub(1)
}

/// The pods on a card, each once.
pub fn pods(card: &Card) -> Vec<Key> {
    let mut pods: Vec<Key> = card.parts.iter().filter_map(|part| part.pod).collect();
    pods.sort_unstable();
    pods.dedup();
    pods
}
