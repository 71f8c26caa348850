//! The screens of one split: tabs, each with its stack, and the way back and forward.

use std::ops::{Deref, DerefMut};

use super::Tab;
use crate::actions::Object;
use crate::model::ids::ClusterId;
use crate::panes::clusters::of_target;
use crate::panes::editor::{Editor, Id};
use crate::panes::{Pane, Target};

/// A pane in its place.
struct Screen {
    pane: Box<dyn Pane>,
    /// The cluster it was opened in; none of a root, which is of all that are looked at.
    cluster: Option<ClusterId>,
}

impl Screen {
    fn root(pane: Box<dyn Pane>) -> Self {
        Self {
            pane,
            cluster: None,
        }
    }
}

impl Deref for Screen {
    type Target = dyn Pane;

    fn deref(&self) -> &(dyn Pane + 'static) {
        &*self.pane
    }
}

impl DerefMut for Screen {
    fn deref_mut(&mut self) -> &mut (dyn Pane + 'static) {
        &mut *self.pane
    }
}

#[derive(Default)]
struct Stack {
    screens: Vec<Screen>,
    forward: Vec<Screen>,
}

/// All screens of one split. The screen in front is never missing: every stack holds at least its root.
pub struct Stacks {
    tab: Tab,
    stacks: [Stack; Tab::ALL.len()],
    open: fn(&Target) -> Box<dyn Pane>,
    /// There are no tabs: everything stands in one stack.
    alone: bool,
}

impl Stacks {
    /// `open` makes the pane for a target.
    pub fn new(open: fn(&Target) -> Box<dyn Pane>) -> Self {
        let root = |tab: Tab| Stack {
            screens: vec![Screen::root(open(&tab.target()))],
            forward: Vec::new(),
        };
        Self {
            tab: Tab::Jobs,
            stacks: Tab::ALL.map(root),
            open,
            alone: false,
        }
    }

    /// Without tabs: this screen, and what is opened over it.
    pub fn alone(open: fn(&Target) -> Box<dyn Pane>, root: &Target) -> Self {
        let mut stacks = Self {
            alone: true,
            ..Self::new(open)
        };
        stacks.stack().screens = vec![Screen::root(open(root))];
        stacks
    }

    fn stack(&mut self) -> &mut Stack {
        &mut self.stacks[self.tab as usize]
    }

    pub fn tab(&self) -> Tab {
        self.tab
    }

    /// The screen in front.
    pub fn top(&self) -> &dyn Pane {
        let screens = &self.stacks[self.tab as usize].screens;
        &*screens[screens.len() - 1]
    }

    pub fn top_mut(&mut self) -> &mut dyn Pane {
        let screens = &mut self.stack().screens;
        let last = screens.len() - 1;
        &mut *screens[last]
    }

    /// The way to the screen in front, root first.
    pub fn path(&self) -> impl Iterator<Item = &dyn Pane> + use<'_> {
        self.stacks[self.tab as usize].screens.iter().map(|s| &**s)
    }

    pub fn go(&mut self, tab: Tab) {
        self.tab = tab;
    }

    /// Steps through the tabs.
    pub fn step(&mut self, by: isize) {
        let n = Tab::ALL.len() as isize;
        self.tab = Tab::ALL[(self.tab as isize + by).rem_euclid(n) as usize];
    }

    /// The cluster that the screen in front was opened in; none of a root.
    pub fn cluster(&self) -> Option<ClusterId> {
        self.stacks[self.tab as usize].screens.last()?.cluster
    }

    /// The cluster that an editor was opened in.
    pub fn cluster_of(&self, id: Id) -> Option<ClusterId> {
        let mut all = self.stacks.iter().flat_map(|stack| &stack.screens);
        all.find(|screen| screen.editor().is_some_and(|editor| editor.id() == id))?
            .cluster
    }

    /// Puts a screen in front; roots become their tab. `cluster`: where it is opened.
    pub fn open(&mut self, target: &Target, cluster: ClusterId) {
        match target {
            other if self.alone => self.push(other, cluster),
            Target::Jobs => self.go(Tab::Jobs),
            Target::Queues => self.go(Tab::Queues),
            Target::GpuMap(crate::panes::gpus::MapOf::All) => self.go(Tab::Gpus),
            Target::Pods(crate::panes::PodsOf::All) => self.go(Tab::Pods),
            Target::Nodes => self.go(Tab::Nodes),
            Target::Events(None) => self.go(Tab::Events),
            Target::Inbox => self.go(Tab::Inbox),
            Target::Hardware => self.go(Tab::Hardware),
            other => self.push(other, cluster),
        }
    }

    fn push(&mut self, target: &Target, cluster: ClusterId) {
        let screen = Screen {
            pane: (self.open)(target),
            cluster: Some(of_target(target).unwrap_or(cluster)),
        };
        let stack = self.stack();
        stack.forward.clear();
        stack.screens.push(screen);
    }

    /// One screen back; false at the root.
    pub fn back(&mut self) -> bool {
        let stack = self.stack();
        if stack.screens.len() < 2 {
            return false;
        }
        stack.forward.extend(stack.screens.pop());
        true
    }

    /// The editor of this number, wherever it is.
    pub fn editor(&mut self, id: Id) -> Option<&mut Editor> {
        let all = self.stacks.iter_mut().flat_map(|stack| &mut stack.screens);
        all.filter_map(|screen| screen.editor_mut())
            .find(|editor| editor.id() == id)
    }

    /// How deep the screen in front is; the root is 1.
    pub fn depth(&self) -> usize {
        self.stacks[self.tab as usize].screens.len()
    }

    /// Another screen in place of those from this depth on.
    pub fn replace(&mut self, depth: usize, target: &Target, cluster: ClusterId) {
        self.stack().screens.truncate(depth.max(1));
        self.push(target, cluster);
    }

    /// All editors there are.
    pub fn editors(&self) -> impl Iterator<Item = &Editor> {
        let all = self.stacks.iter().flat_map(|stack| &stack.screens);
        all.filter_map(|screen| screen.editor())
    }

    /// Takes an editor away for good; no way leads forward to it. True if it was in front.
    pub fn close(&mut self, id: Id) -> bool {
        let front = self.top().editor().is_some_and(|editor| editor.id() == id);
        for stack in &mut self.stacks {
            let is = |screen: &dyn Pane| screen.editor().is_some_and(|editor| editor.id() == id);
            stack.screens.retain(|screen| !is(&**screen));
        }
        front
    }

    /// The list of a tab itself comes to the front.
    pub fn home(&mut self, tab: Tab) {
        self.go(tab);
        let stack = self.stack();
        stack.screens.truncate(1);
        stack.forward.clear();
    }

    /// The list of jobs comes to the front, with the row of this object under the cursor as soon as it is there.
    pub fn seek(&mut self, object: &Object) {
        self.home(Tab::Jobs);
        self.top_mut().seek(object);
    }

    /// Undoes one [`Stacks::back`]; false if there is none.
    pub fn forward(&mut self) -> bool {
        let stack = self.stack();
        let Some(screen) = stack.forward.pop() else {
            return false;
        };
        stack.screens.push(screen);
        true
    }

    /// Another cluster or namespace: what was opened belongs to the old one.
    pub fn reset(&mut self) {
        *self = Self {
            tab: self.tab,
            ..Self::new(self.open)
        };
    }
}
