//! Where the user is: splits that share the screen, each with tabs and a stack of screens for each tab. Most of the app
//! knows the split that has the keyboard only.

use ratatui::layout::Rect;

use crate::actions::Object;
use crate::app::action::Action;
use crate::model::ids::ClusterId;
use crate::panes::editor::{Editor, Id as EditorId};
use crate::panes::gpus::MapOf;
use crate::panes::{Cx, Pane, PodsOf, Target};
use crate::ui::layout::{Along, Id, Layout, Placed};
pub use follow::Follow;
use stacks::Stacks;

mod follow;
mod stacks;

/// A tab of the tab line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Jobs,
    Queues,
    Gpus,
    Pods,
    Nodes,
    Events,
    Inbox,
    Hardware,
}

impl Tab {
    pub const ALL: [Tab; 8] = [
        Tab::Jobs,
        Tab::Queues,
        Tab::Gpus,
        Tab::Pods,
        Tab::Nodes,
        Tab::Events,
        Tab::Inbox,
        Tab::Hardware,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Tab::Jobs => "Jobs",
            Tab::Queues => "Queues",
            Tab::Gpus => "GPUs",
            Tab::Pods => "Pods",
            Tab::Nodes => "Nodes",
            Tab::Events => "Events",
            Tab::Inbox => "Inbox",
            Tab::Hardware => "Hardware",
        }
    }

    /// The screen at its root.
    pub fn target(self) -> Target {
        match self {
            Tab::Jobs => Target::Jobs,
            Tab::Queues => Target::Queues,
            Tab::Gpus => Target::GpuMap(MapOf::All),
            Tab::Pods => Target::Pods(PodsOf::All),
            Tab::Nodes => Target::Nodes,
            Tab::Events => Target::Events(None),
            Tab::Inbox => Target::Inbox,
            Tab::Hardware => Target::Hardware,
        }
    }

    pub fn action(self) -> Action {
        match self {
            Tab::Jobs => Action::GoJobs,
            Tab::Queues => Action::GoQueues,
            Tab::Gpus => Action::GoGpus,
            Tab::Pods => Action::GoPods,
            Tab::Nodes => Action::GoNodes,
            Tab::Events => Action::GoEvents,
            Tab::Inbox => Action::GoInbox,
            Tab::Hardware => Action::GoHardware,
        }
    }
}

/// One of the panes that share the screen.
struct Split {
    id: Id,
    stacks: Stacks,
    /// It shows what is under the cursor of another.
    follows: Option<Follow>,
}

/// All screens there are. The split that has the keyboard is never missing.
pub struct Screens {
    open: fn(&Target) -> Box<dyn Pane>,
    splits: Vec<Split>,
    layout: Layout,
    /// Which of `splits` has the keyboard.
    focus: usize,
    /// It has the whole screen.
    zoomed: bool,
    next: Id,
}

impl Screens {
    /// `open` makes the pane for a target.
    pub fn new(open: fn(&Target) -> Box<dyn Pane>) -> Self {
        Self::of(open, Stacks::new(open))
    }

    /// Without tabs: this screen, and what is opened over it.
    pub fn alone(open: fn(&Target) -> Box<dyn Pane>, root: &Target) -> Self {
        Self::of(open, Stacks::alone(open, root))
    }

    fn of(open: fn(&Target) -> Box<dyn Pane>, stacks: Stacks) -> Self {
        let split = Split {
            id: 0,
            stacks,
            follows: None,
        };
        Self {
            open,
            splits: vec![split],
            layout: Layout::new(0),
            focus: 0,
            zoomed: false,
            next: 1,
        }
    }

    fn here(&self) -> &Stacks {
        &self.splits[self.focus].stacks
    }

    fn here_mut(&mut self) -> &mut Stacks {
        &mut self.splits[self.focus].stacks
    }

    pub fn tab(&self) -> Tab {
        self.here().tab()
    }

    /// The screen in front where the keyboard is.
    pub fn top(&self) -> &dyn Pane {
        self.here().top()
    }

    pub fn top_mut(&mut self) -> &mut dyn Pane {
        self.here_mut().top_mut()
    }

    /// The way to the screen in front, root first.
    pub fn path(&self) -> impl Iterator<Item = &dyn Pane> {
        self.here().path()
    }

    pub fn go(&mut self, tab: Tab) {
        self.here_mut().go(tab);
    }

    /// Steps through the tabs.
    pub fn step(&mut self, by: isize) {
        self.here_mut().step(by);
    }

    /// Puts a screen in front; roots become their tab. `cluster`: where it is opened.
    pub fn open(&mut self, target: &Target, cluster: ClusterId) {
        self.here_mut().open(target, cluster);
    }

    /// The cluster that the screen in front was opened in; none of a root.
    pub fn cluster(&self) -> Option<ClusterId> {
        self.here().cluster()
    }

    /// The cluster that the screen in front of a split is about: where it was opened, or that of its cursor.
    pub fn cluster_of_split(&self, id: Id, cx: &Cx) -> Option<ClusterId> {
        let stacks = &self.splits[self.at(id)?].stacks;
        stacks.cluster().or_else(|| stacks.top().cluster(cx))
    }

    /// The cluster that an editor was opened in.
    pub fn cluster_of(&self, id: EditorId) -> Option<ClusterId> {
        let mut all = self.splits.iter();
        all.find_map(|split| split.stacks.cluster_of(id))
    }

    /// The splits there are.
    pub fn ids(&self) -> Vec<Id> {
        self.splits.iter().map(|split| split.id).collect()
    }

    /// One screen back; false at the root.
    pub fn back(&mut self) -> bool {
        self.here_mut().back()
    }

    /// Undoes one [`Screens::back`]; false if there is none.
    pub fn forward(&mut self) -> bool {
        self.here_mut().forward()
    }

    /// The list of a tab itself comes to the front.
    pub fn home(&mut self, tab: Tab) {
        self.here_mut().home(tab);
    }

    /// The list of jobs comes to the front, with the row of this object under the cursor as soon as it is there.
    pub fn seek(&mut self, object: &Object) {
        self.here_mut().seek(object);
    }

    /// The editor of this number, wherever it is.
    pub fn editor(&mut self, id: EditorId) -> Option<&mut Editor> {
        let mut all = self.splits.iter_mut();
        all.find_map(|split| split.stacks.editor(id))
    }

    /// All editors there are.
    pub fn editors(&self) -> impl Iterator<Item = &Editor> {
        self.splits.iter().flat_map(|split| split.stacks.editors())
    }

    /// Takes an editor away for good; no way leads forward to it. True if it was in front where the keyboard is.
    pub fn close(&mut self, id: EditorId) -> bool {
        let front = self.top().editor().is_some_and(|editor| editor.id() == id);
        for split in &mut self.splits {
            split.stacks.close(id);
        }
        front
    }

    /// Another cluster or namespace: what was opened belongs to the old one. The splits stay, each with its tab.
    pub fn reset(&mut self) {
        for split in &mut self.splits {
            split.stacks.reset();
            if let Some(follows) = &mut split.follows {
                follows.forget();
            }
        }
    }

    /// The screen in front of each split, also of those that are hidden for now, and how deep it is.
    pub fn fronts(&self) -> impl Iterator<Item = (&dyn Pane, usize)> {
        let all = self.splits.iter();
        all.map(|split| (split.stacks.top(), split.stacks.depth()))
    }

    pub fn fronts_mut(&mut self) -> impl Iterator<Item = &mut dyn Pane> {
        self.splits.iter_mut().map(|split| split.stacks.top_mut())
    }

    fn at(&self, id: Id) -> Option<usize> {
        self.splits.iter().position(|split| split.id == id)
    }

    /// The screen in front of one split.
    pub fn front_of(&self, id: Id) -> Option<&dyn Pane> {
        Some(self.splits[self.at(id)?].stacks.top())
    }

    pub fn front_of_mut(&mut self, id: Id) -> Option<&mut dyn Pane> {
        let at = self.at(id)?;
        Some(self.splits[at].stacks.top_mut())
    }

    /// The way to it.
    pub fn path_of(&self, id: Id) -> impl Iterator<Item = &dyn Pane> {
        let found = self.at(id).and_then(|at| self.splits.get(at));
        found.into_iter().flat_map(|split| split.stacks.path())
    }

    /// The tab of one split.
    pub fn tab_of(&self, id: Id) -> Option<Tab> {
        Some(self.splits[self.at(id)?].stacks.tab())
    }

    /// Whom a split follows.
    pub fn follows(&self, id: Id) -> Option<&Follow> {
        self.splits[self.at(id)?].follows.as_ref()
    }

    /// The split that has the keyboard.
    pub fn focused(&self) -> Id {
        self.splits[self.focus].id
    }

    /// Gives a split the keyboard; whether it is there.
    pub fn focus(&mut self, id: Id) -> bool {
        let Some(at) = self.at(id) else { return false };
        self.focus = at;
        true
    }

    pub fn is_split(&self) -> bool {
        self.splits.len() > 1
    }

    /// Its number in reading order, from 1, and how many there are.
    pub fn number(&self) -> (usize, usize) {
        let all = self.layout.ids();
        let at = all.iter().position(|id| *id == self.focused());
        (at.map_or(1, |n| n + 1), all.len())
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub fn layout_mut(&mut self) -> &mut Layout {
        &mut self.layout
    }

    pub fn is_zoomed(&self) -> bool {
        self.zoomed
    }

    pub fn zoom(&mut self, on: bool) {
        self.zoomed = on && self.is_split();
    }

    /// Where the splits are. One alone where it is zoomed, or there is no room for all.
    pub fn place(&self, area: Rect) -> Placed {
        let all = (!self.zoomed).then(|| self.layout.place(area)).flatten();
        all.unwrap_or_else(|| Placed {
            panes: vec![(self.focused(), area)],
            lines: Vec::new(),
        })
    }

    /// A new split beside or below the one that has the keyboard, at the same tab; answers which it is.
    pub fn split(&mut self, along: Along) -> Id {
        self.split_off(self.focused(), along, 500)
    }

    /// Nothing but the split that has the keyboard, with nothing in it; answers which it is.
    pub fn only(&mut self) -> Id {
        let id = self.focused();
        self.splits.retain(|split| split.id == id);
        self.splits[0].follows = None;
        self.splits[0].stacks.reset();
        self.focus = 0;
        self.layout = Layout::new(id);
        self.zoomed = false;
        id
    }

    /// A new split beside or below another, which keeps this share of its room, in thousandths.
    pub fn split_off(&mut self, of: Id, along: Along, share: u16) -> Id {
        let id = self.next;
        self.next += 1;
        let mut stacks = Stacks::new(self.open);
        stacks.go(self.tab());
        self.layout.split_off(of, along, id, share);
        self.splits.push(Split {
            id,
            stacks,
            follows: None,
        });
        self.zoomed = false;
        id
    }

    /// Takes the split away that has the keyboard; the one before it has it then.
    pub fn close_split(&mut self) {
        if !self.is_split() {
            return;
        }
        let gone = self.splits.remove(self.focus).id;
        let all = self.layout.ids();
        let at = all.iter().position(|id| *id == gone).unwrap_or(0);
        let heir = all[if at == 0 { 1 } else { at - 1 }];
        self.layout.close(gone);
        for split in &mut self.splits {
            if split.follows.as_ref().is_some_and(|f| f.leader == gone) {
                split.follows = None;
            }
        }
        self.focus = self.at(heir).unwrap_or(0);
        self.zoomed &= self.is_split();
    }

    /// Whether a text is written in the split that has the keyboard.
    pub fn writes_here(&self) -> bool {
        self.here().editors().next().is_some()
    }
}
