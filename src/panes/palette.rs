//! The command bar: what may be typed after `:`, what it completes to, and the command it ends in.
//! The app shows it and runs the command; nothing here changes anything.

use super::Target;
use crate::app::action::Action;
use crate::model::ids::Name;

/// What a line of the command bar, a switcher or the start screen asks the app to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Act(Action),
    Go(Target),
    /// Switch the namespace; `None`: all.
    Namespace(Option<Name>),
    /// Switch to this context of the kubeconfig.
    Context(String),
    /// Use the theme of this name.
    Theme(String),
    /// Set the filter of the pane below.
    Filter(String),
}

/// One line offered by the command bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What is completed to.
    pub text: String,
    /// What it is, dim beside the text.
    pub detail: String,
    /// Keys that do the same without the bar; empty if none.
    pub keys: String,
    pub command: Command,
}
