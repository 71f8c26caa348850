//! The fields a filter can name, and what a row must answer; apart from the parser so that tables see only this.

use std::borrow::Cow;

use crate::model::extra::List;

/// What a row answers to a filter.
pub trait Fields {
    /// Shows each text visible on the row until `see` says yes; whether it did.
    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool;
    fn word(&self, word: Word) -> Option<Cow<'_, str>>;
    /// Shows each value of a field that can have several (a job's nodes) until `see` says yes.
    fn any_word(&self, word: Word, see: &mut dyn FnMut(&str) -> bool) -> bool {
        self.word(word).is_some_and(|value| see(&value))
    }
    /// A number in the measure's unit (seconds, bytes, percent, or a count); none if unknown.
    fn number(&self, num: Num) -> Option<f64>;
    fn label(&self, _key: &str) -> Option<&str> {
        None
    }
    /// What stands in a column of the user's own, by its heading.
    fn extra(&self, _name: &str) -> Option<&str> {
        None
    }
}

/// The fields one table has.
#[derive(Debug)]
pub struct Vocabulary {
    pub words: &'static [Word],
    pub numbers: &'static [Num],
    pub labels: bool,
    /// The list whose columns of the user's own these rows have.
    pub extra: Option<List>,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Count,
    Percent,
    Seconds,
    Bytes,
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $first:literal $($alias:literal)*,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// Its name, then the other spellings.
            pub fn names(self) -> &'static [&'static str] {
                match self { $($name::$variant => &[$first, $($alias,)*],)* }
            }

            pub fn name(self) -> &'static str {
                self.names()[0]
            }
        }
    };
}

names! {
    /// Fields with a text.
    Word {
        Name "name",
        Namespace "ns" "namespace",
        Cluster "cluster" "context",
        Kind "kind",
        State "state" "status" "phase",
        Reason "reason",
        Node "node",
        Job "job",
        Owner "owner",
        Queue "queue",
        Priority "class" "priority-class",
        Image "image",
        Product "product" "gputype",
        Zone "zone",
        Taint "taint",
        Schedule "schedule",
        About "about" "object",
        By "by" "from",
        Type "type",
        Message "message",
    }
}

names! {
    /// Fields with a number.
    Num {
        Age "age",
        Elapsed "elapsed",
        Eta "eta",
        Last "last",
        Gpu "gpu" "gpus",
        Active "active",
        Ready "ready",
        Failed "failed",
        Lost "lost",
        Retries "retries",
        Restarts "restarts",
        Done "done",
        Percent "percent",
        Total "total",
        Parallelism "parallelism",
        Priority "priority",
        Index "index",
        Exit "exit",
        Used "used",
        Free "free",
        Pods "pods",
        Cpu "cpu",
        Memory "memory" "mem",
        Count "count",
    }
}

impl Num {
    pub fn measure(self) -> Measure {
        match self {
            Num::Age | Num::Elapsed | Num::Eta | Num::Last => Measure::Seconds,
            Num::Percent => Measure::Percent,
            Num::Memory => Measure::Bytes,
            _ => Measure::Count,
        }
    }
}
