//! A split that shows what is under the cursor of another: the detail, the log, the manifest. It changes when the cursor
//! rests, and only while what it shows is in front: whoever goes on from there is left alone.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Screens, Tab};
use crate::app::action::Action;
use crate::model::ids::ClusterId;
use crate::panes::{Cx, Target};
use crate::ui::layout::Id;

/// How long a cursor rests: running down a list must not open and close a log for each row.
const REST: TimeDelta = TimeDelta::milliseconds(250);

/// Whom a split follows, and with what.
#[derive(Debug, Clone, PartialEq)]
pub struct Follow {
    pub leader: Id,
    /// What of the object under its cursor: to open it, its log, its YAML.
    pub show: Action,
    shown: Option<Shown>,
    /// The cursor went to it then.
    next: Option<(Target, DateTime<Utc>)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Shown {
    target: Target,
    /// An object of another cluster may be called the same.
    cluster: ClusterId,
    tab: Tab,
    /// How deep its screen is.
    depth: usize,
}

impl Follow {
    pub fn new(leader: Id, show: Action) -> Self {
        Self {
            leader,
            show,
            shown: None,
            next: None,
        }
    }

    /// What was shown is gone; the next is shown as soon as there is one.
    pub fn forget(&mut self) {
        self.shown = None;
        self.next = None;
    }
}

impl Screens {
    /// This split follows that one from now on.
    pub fn follow(&mut self, id: Id, follow: Follow) {
        if let Some(at) = self.at(id) {
            let split = &self.splits[at];
            let (tab, depth) = (split.stacks.tab(), split.stacks.depth());
            // it does so already, and that is in front: nothing is shown twice
            let is_same = split.follows.as_ref().is_some_and(|old| {
                let mut shown = old.shown.iter();
                let in_front = shown.any(|shown| shown.tab == tab && shown.depth == depth);
                in_front && old.leader == follow.leader && old.show == follow.show
            });
            if is_same {
                return;
            }
            self.splits[at].follows = Some(follow);
        }
    }

    /// Shows in each split that follows what its leader is at. Whether anything changed.
    pub fn keep_up(&mut self, cx: &Cx) -> bool {
        let mut changed = false;
        for at in 0..self.splits.len() {
            let Some(follow) = &self.splits[at].follows else {
                continue;
            };
            let (tab, depth) = (self.splits[at].stacks.tab(), self.splits[at].stacks.depth());
            if let Some(shown) = &follow.shown {
                if tab == shown.tab && depth < shown.depth {
                    // it was left by the way back
                    self.splits[at].follows = None;
                    changed = true;
                    continue;
                }
                if tab != shown.tab || depth > shown.depth {
                    continue;
                }
            }
            let leader = self.front_of(follow.leader);
            let target = leader.and_then(|pane| pane.leads_to(follow.show, cx));
            let cluster = self.cluster_of_split(follow.leader, cx);
            let cluster = cluster.unwrap_or(cx.session.cluster);
            let shown = follow.shown.as_ref();
            let is_shown = shown.is_some_and(|shown| {
                Some(&shown.target) == target.as_ref() && shown.cluster == cluster
            });
            let first = follow.shown.is_none();
            let split = &mut self.splits[at];
            let Some(follow) = &mut split.follows else {
                continue;
            };
            let Some(target) = target.filter(|_| !is_shown) else {
                follow.next = None;
                continue;
            };
            let since = match &follow.next {
                Some((next, since)) if *next == target => *since,
                _ => cx.now,
            };
            if !first && cx.now - since < REST {
                follow.next = Some((target, since));
                continue;
            }
            follow.next = None;
            let depth = follow.shown.as_ref().map_or(depth + 1, |shown| shown.depth);
            split.stacks.replace(depth - 1, &target, cluster);
            follow.shown = Some(Shown {
                target,
                cluster,
                tab,
                depth,
            });
            changed = true;
        }
        changed
    }

    /// When a cursor has rested.
    pub fn rested(&self) -> Option<DateTime<Utc>> {
        let all = self.splits.iter().filter_map(|s| s.follows.as_ref());
        let next = all.filter_map(|follow| follow.next.as_ref());
        next.map(|(_, since)| *since + REST).min()
    }
}
