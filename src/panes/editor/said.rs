//! What goes between the editor and the app: what it is opened with, what it asks for, what it is told. Separate because
//! both sides read it, and neither knows more of the other.

use std::sync::Arc;

use serde_json::Value;

use crate::actions::Object;
use crate::actions::outcome::Outcome;
use crate::actions::unsent::Unsent;
use crate::model::access::Question;
use crate::model::ids::Key;
use crate::model::want::ObjectWant;
use crate::ui::Level;

/// Which editor: answers find it wherever it is by then.
pub type Id = u64;

/// An editor to open.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    pub id: Id,
    pub from: From,
}

/// What the text is made from.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// A live object, fetched as it is now, with Kueue's object for it.
    Live {
        want: ObjectWant,
        workload: Option<ObjectWant>,
        key: Key,
    },
    /// A manifest that was kept, clean already.
    Kept {
        manifest: Arc<Value>,
        notes: Vec<String>,
        /// `job/pi`
        words: String,
        /// `3,7-9`: the indexes that failed, where they are known.
        failed: String,
    },
    /// A text as it is: of a template, a file, or none.
    Text { text: String, title: String },
    /// What was written before, and not sent.
    Unsent(Unsent),
}

/// Something wrong with the text, or worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 0; none where it is about all of it.
    pub line: Option<usize>,
    pub level: Level,
    pub text: String,
}

impl Problem {
    pub fn error(line: Option<usize>, text: impl Into<String>) -> Self {
        Self {
            line,
            level: Level::Error,
            text: text.into(),
        }
    }

    pub fn warning(line: Option<usize>, text: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            ..Self::error(line, text)
        }
    }
}

/// What a look at the text came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Which text was looked at.
    pub version: u64,
    pub problems: Vec<Problem>,
    /// Fields that the served schemas do not know.
    pub unknown: usize,
    /// Why it was not compared with a schema.
    pub unchecked: Option<String>,
    /// Objects in it.
    pub objects: usize,
    /// What one must be allowed to make them.
    pub needs: Vec<Question>,
}

/// What the editor asks the app for.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Look at the text: does it parse, are there fields that its schema does not know.
    Look { id: Id, version: u64, text: String },
    /// Have the server say what it would do with these; unless `only` that, then make them.
    Send {
        id: Id,
        text: String,
        /// What of it was made already.
        made: Vec<Object>,
        only: bool,
        /// The server cannot say what it would do: make them at once.
        unchecked: bool,
    },
    /// Give the text to the user's own editor.
    External { id: Id, text: String },
    /// Keep what was written, and say how it is to be closed.
    Close,
    /// Offer what can be changed in one step.
    Options,
    /// Leave it; what was written is kept, or is not.
    Leave { id: Id, keep: bool },
}

/// What the editor is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Found(Found),
    /// How it went: with a dry run, or in earnest.
    Answered {
        dry: bool,
        outcomes: Vec<Outcome>,
    },
    /// It was not sent, because of these.
    NotSent(Vec<Problem>),
    /// The text comes back from the user's own editor.
    Back(String),
}
