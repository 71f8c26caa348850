//! What stands on one line instead of many: failures with their sentence, alike ones of several ranks as one, and the
//! same line over and over. Separate because what is folded depends on all streams, and each line knows only its fold.

use std::collections::{BTreeMap, HashMap};

use super::failures::{Failure, Found};
use super::line::{Anchor, Line, Marks};
use super::view::View;

/// Memory of a fold, near enough.
pub const COST: usize = 320;
/// Alike failures of several ranks so close together are one, nanoseconds.
const NEAR: i64 = 120_000_000_000;
/// Of the first line so much is kept, for the filter.
const HEAD: usize = 256;

/// Lines that stand on one.
#[derive(Debug)]
pub struct Fold {
    /// None: the same line again and again.
    pub story: Option<Box<Story>>,
    pub stream: u16,
    /// The line that stands for them.
    pub head: Anchor,
    pub last: Anchor,
    /// Lines still kept.
    pub left: u32,
    /// The fold it is told with, itself if alone.
    pub group: u32,
    pub open: bool,
    /// The filter lets it through as a whole.
    passes: bool,
}

/// A failure as it is told.
#[derive(Debug, Clone)]
pub struct Story {
    pub kind: Failure,
    pub words: String,
    /// The rank that said it, where the line does.
    pub rank: Option<u32>,
    /// Of its first line.
    pub(super) text: Box<str>,
    like: String,
}

/// The first failure of all, kept when its lines are not.
#[derive(Debug, Clone)]
pub struct First {
    pub anchor: Anchor,
    pub stream: usize,
    pub rank: Option<u32>,
    pub words: String,
    /// Its fold; may be gone.
    pub fold: u32,
}

#[derive(Debug, Default)]
struct Group {
    members: Vec<u32>,
    /// The first of them that passes the filter: the others are told with it.
    lead: Option<u32>,
}

/// All folds of a buffer.
#[derive(Debug, Default)]
pub struct Folds {
    folds: HashMap<u32, Fold>,
    groups: HashMap<u32, Group>,
    /// Failures that lead their group, by their first line.
    heads: BTreeMap<Anchor, u32>,
    /// The newest group of failures that read alike.
    alike: HashMap<String, u32>,
    last_id: u32,
    pub first: Option<First>,
    /// New ones are open.
    pub open: bool,
    /// Each stream stands for itself: alike ones are not told as one.
    pub apart: bool,
}

/// What a line on the screen stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    pub open: bool,
    /// Lines of it (of one, if it is of several ranks).
    pub lines: u32,
    /// The failure, else it is one line again and again.
    pub told: Option<(Failure, String)>,
    /// Who tells it: streams, and ranks where the lines name them.
    pub who: Vec<(usize, Option<u32>)>,
}

impl Folds {
    pub fn get(&self, id: u32) -> Option<&Fold> {
        (id != 0).then(|| self.folds.get(&id)).flatten()
    }

    pub fn get_mut(&mut self, id: u32) -> Option<&mut Fold> {
        self.folds.get_mut(&id)
    }

    /// A failure is told of this line's fold.
    pub fn is_failure(&self, id: u32) -> bool {
        self.get(id).is_some_and(|fold| fold.story.is_some())
    }

    /// The marks of a line that by itself passes, or does not.
    pub fn marks(&self, line: &Line, passed: bool) -> u8 {
        let (passed, visible) = match self.get(line.fold) {
            None => (passed, passed),
            Some(fold) if fold.story.is_none() => {
                (passed, passed && (fold.open || fold.head == line.anchor))
            }
            Some(fold) if !fold.passes => (passed, passed),
            Some(fold) if fold.open => (true, true),
            Some(fold) => {
                let group = self.groups.get(&fold.group);
                let leads = self.apart || group.is_none_or(|group| group.lead == Some(line.fold));
                (true, leads && fold.head == line.anchor)
            }
        };
        Marks::PASSED.when(passed) | Marks::VISIBLE.when(visible)
    }

    fn insert(&mut self, mut fold: Fold) -> u32 {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        let id = self.last_id;
        fold.group = id;
        self.folds.insert(id, fold);
        id
    }

    /// The same line twice: a fold that begins with the first.
    pub fn repeat(&mut self, first: &Line) -> u32 {
        self.insert(Fold {
            story: None,
            stream: first.stream,
            head: first.anchor,
            last: first.anchor,
            left: 0,
            group: 0,
            open: self.open,
            passes: true,
        })
    }

    /// A failure of a stream, its first line here; its lines are to be put into the fold. Answers its number, and the
    /// lines whose marks may have changed by it.
    pub fn tell(
        &mut self,
        stream: u16,
        head: &Line,
        found: &Found,
        view: &View,
    ) -> (u32, Vec<Anchor>) {
        let like = like(found);
        let story = Story {
            kind: found.kind,
            words: found.words.clone(),
            rank: found.rank,
            text: cut(&head.text).into(),
            like: like.clone(),
        };
        let anchor = head.anchor;
        let near = self.alike.get(&like).copied().filter(|group| {
            let Some(group) = self.groups.get(group) else {
                return false;
            };
            let members = || group.members.iter().filter_map(|id| self.folds.get(id));
            let who = |fold: &Fold| (fold.stream, fold.story.as_ref().and_then(|s| s.rank));
            members().all(|fold| who(fold) != (stream, found.rank))
                && members().any(|fold| (fold.head.key - anchor.key).abs() <= NEAR)
        });
        let open = near
            .and_then(|group| self.groups.get(&group)?.members.first().copied())
            .and_then(|id| self.folds.get(&id))
            .map_or(self.open, |fold| fold.open);
        let id = self.insert(Fold {
            story: Some(Box::new(story)),
            stream,
            head: anchor,
            last: anchor,
            left: 0,
            group: 0,
            open,
            passes: true,
        });
        if self
            .first
            .as_ref()
            .is_none_or(|first| anchor < first.anchor)
        {
            self.first = Some(First {
                anchor,
                stream: usize::from(stream),
                rank: found.rank,
                words: found.words.clone(),
                fold: id,
            });
        }
        let group = near.unwrap_or(id);
        if let Some(fold) = self.folds.get_mut(&id) {
            fold.group = group;
        }
        self.groups.entry(group).or_default().members.push(id);
        self.alike.insert(like, group);
        (id, self.settle(group, view))
    }

    /// More is known of a failure. Answers false if it is another one by that, which is to be told anew.
    pub fn retell(&mut self, id: u32, found: &Found) -> bool {
        let Some(fold) = self.folds.get_mut(&id) else {
            return false;
        };
        let Some(story) = &mut fold.story else {
            return false;
        };
        if story.like == like(found) {
            story.words.clone_from(&found.words);
            if let Some(first) = self.first.as_mut().filter(|first| first.fold == id) {
                first.words.clone_from(&found.words);
            }
            return true;
        }
        false
    }

    /// Judges a group by the filter, chooses who leads it; the lines whose marks may have changed.
    pub fn settle(&mut self, group: u32, view: &View) -> Vec<Anchor> {
        let Some(all) = self.groups.get_mut(&group) else {
            return Vec::new();
        };
        let mut members = std::mem::take(&mut all.members);
        members.retain(|id| self.folds.contains_key(id));
        members.sort_by_key(|id| self.folds.get(id).map(|fold| fold.head));
        let mut heads = Vec::new();
        let mut lead = None;
        for id in &members {
            let Some(fold) = self.folds.get_mut(id) else {
                continue;
            };
            fold.passes = view.passes_fold(fold);
            if fold.passes {
                lead = lead.or(Some(*id));
            }
            self.heads.remove(&fold.head);
            heads.push(fold.head);
        }
        // Of those the filter hides, the first can still be gone to.
        if let Some(fold) = lead
            .or(members.first().copied())
            .and_then(|id| self.folds.get(&id))
        {
            self.heads.insert(fold.head, lead.unwrap_or(members[0]));
        }
        if members.is_empty() {
            self.groups.remove(&group);
        } else if let Some(all) = self.groups.get_mut(&group) {
            (all.members, all.lead) = (members, lead);
        }
        heads
    }

    /// The same for all, after a new filter.
    pub fn settle_all(&mut self, view: &View) {
        let groups: Vec<u32> = self.groups.keys().copied().collect();
        for group in groups {
            self.settle(group, view);
        }
    }

    /// A line leaves its fold. Answers whether the fold is gone by that.
    pub fn leave(&mut self, id: u32, view: &View) -> bool {
        let Some(fold) = self.folds.get_mut(&id) else {
            return false;
        };
        fold.left = fold.left.saturating_sub(1);
        if fold.left > 0 {
            return false;
        }
        let group = fold.group;
        if let Some(fold) = self.folds.remove(&id) {
            if self.heads.get(&fold.head) == Some(&id) {
                self.heads.remove(&fold.head);
            }
            if let Some(story) = fold.story
                && self
                    .groups
                    .get(&group)
                    .is_none_or(|group| group.members.len() < 2)
            {
                self.alike.remove(&story.like);
            }
        }
        self.settle(group, view);
        true
    }

    /// The first of its lines is gone, another stands for it.
    pub fn behead(&mut self, id: u32, head: Anchor) {
        if let Some(fold) = self.folds.get_mut(&id) {
            if let Some(lead) = self.heads.remove(&fold.head) {
                self.heads.insert(head, lead);
            }
            fold.head = head;
        }
    }

    /// Opens or closes a fold and those told with it; where their lines stand.
    pub fn set_open(&mut self, id: u32, open: bool) -> Vec<(Anchor, Anchor)> {
        let members = match self.folds.get(&id) {
            Some(fold) if fold.story.is_some() => self
                .groups
                .get(&fold.group)
                .map_or_else(Vec::new, |group| group.members.clone()),
            Some(_) => vec![id],
            None => Vec::new(),
        };
        let mut places = Vec::new();
        for id in members {
            if let Some(fold) = self.folds.get_mut(&id) {
                fold.open = open;
                places.push((fold.head, fold.last));
            }
        }
        places
    }

    /// The same for all there are and all to come.
    pub fn open_all(&mut self, open: bool) -> Vec<(Anchor, Anchor)> {
        self.open = open;
        let all = self.folds.values_mut();
        all.filter(|fold| fold.open != open)
            .map(|fold| {
                fold.open = open;
                (fold.head, fold.last)
            })
            .collect()
    }

    /// What a line stands for, if it is the head of a fold.
    pub fn told(&self, line: &Line) -> Option<Folded> {
        let fold = self.get(line.fold)?;
        if fold.head != line.anchor {
            return None;
        }
        let Some(story) = &fold.story else {
            return Some(Folded {
                open: fold.open,
                lines: fold.left,
                told: None,
                who: Vec::new(),
            });
        };
        if !fold.passes {
            return None;
        }
        let group = self.groups.get(&fold.group);
        let who = |fold: &Fold| {
            let rank = fold.story.as_ref().and_then(|story| story.rank);
            (usize::from(fold.stream), rank)
        };
        let alone = self.apart || group.is_none_or(|group| group.lead != Some(line.fold));
        let who = match group.filter(|_| !alone) {
            Some(group) => {
                let members = group.members.iter().filter_map(|id| self.folds.get(id));
                members.filter(|fold| fold.passes).map(who).collect()
            }
            None => vec![who(fold)],
        };
        Some(Folded {
            open: fold.open,
            lines: fold.left,
            told: Some((story.kind, story.words.clone())),
            who,
        })
    }

    /// The line that stands for a fold and those told with it.
    pub fn lead_of(&self, id: u32) -> Option<Anchor> {
        let group = self.groups.get(&self.folds.get(&id)?.group)?;
        Some(self.folds.get(&group.lead?)?.head)
    }

    /// The first lines of all failures.
    pub fn failure_heads(&self) -> Vec<Anchor> {
        let failures = self.folds.values().filter(|fold| fold.story.is_some());
        failures.map(|fold| fold.head).collect()
    }

    /// Failures that can be gone to.
    pub fn failures(&self) -> usize {
        self.heads.len()
    }

    /// Of a failure, its number among them by time, from 1.
    pub fn number(&self, anchor: Anchor) -> usize {
        self.heads.range(..=anchor).count()
    }

    /// The next failure after an anchor, or the last before it; not round the ends.
    pub fn beside(&self, anchor: Anchor, backward: bool) -> Option<Anchor> {
        if backward {
            self.heads.range(..anchor).next_back()
        } else {
            self.heads.range(anchor.after()..).next()
        }
        .map(|(anchor, _)| *anchor)
    }

    pub fn clear(&mut self) {
        let (open, apart, last_id) = (self.open, self.apart, self.last_id);
        *self = Self {
            open,
            apart,
            last_id,
            ..Self::default()
        };
    }
}

/// How a failure reads but for who tells it; of those whose figures differ from GPU to GPU, without figures.
fn like(found: &Found) -> String {
    let figures = matches!(
        found.kind,
        Failure::CudaOom | Failure::NcclTimeout | Failure::Ecc | Failure::Xid
    );
    let mut out = format!("{:?} ", found.kind);
    let mut rest = found.words.as_str();
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (head, tail) = rest.split_at(at);
        let end = tail
            .find(|c: char| !(c.is_ascii_digit() || figures && c == '.'))
            .unwrap_or(tail.len());
        out.push_str(head);
        let lower = head.to_ascii_lowercase();
        let of_a_rank = lower.ends_with("rank ") || lower.ends_with("gpu ");
        out.push_str(if figures || of_a_rank {
            "#"
        } else {
            &tail[..end]
        });
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(HEAD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
