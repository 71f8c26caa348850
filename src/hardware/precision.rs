//! Number formats, the two sorts of cores, and whether one does the other. Separate because every table has them.

use serde::{Deserialize, Serialize};

use super::figure::{Figure, Plain};

macro_rules! precisions {
    ($($variant:ident $word:literal $label:literal),* $(,)?) => {
        /// A number format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Precision { $($variant,)* }

        impl Precision {
            /// Every format the reference knows.
            pub const KNOWN: &'static [Precision] = &[$(Precision::$variant,)*];

            /// The word of filters and JSON: `fp8`.
            pub fn word(self) -> &'static str {
                match self { $(Precision::$variant => $word,)* }
            }

            /// As it is printed: `FP8`.
            pub fn label(self) -> &'static str {
                match self { $(Precision::$variant => $label,)* }
            }

            /// By its word.
            pub fn parse(word: &str) -> Option<Self> {
                match word.to_ascii_lowercase().as_str() { $($word => Some(Precision::$variant),)* _ => None }
            }
        }

        /// What one sort of cores does, per format.
        #[derive(Debug, Clone, PartialEq, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        // fields are called as the variants, so that one list makes both
        #[allow(non_snake_case)]
        pub struct Abilities { $(#[serde(rename = $word)] $variant: Option<Ability>,)* }

        impl Abilities {
            /// The entry of a format, with where it is from; none where nothing is said.
            #[must_use]
            pub fn entry(&self, precision: Precision) -> Option<&Ability> {
                match precision { $(Precision::$variant => self.$variant.as_ref(),)* }
            }

            /// Takes over what another says.
            pub fn correct(&mut self, other: Abilities) {
                $(if other.$variant.is_some() { self.$variant = other.$variant; })*
            }
        }
    };
}

precisions! {
    Fp8 "fp8" "FP8", Fp16 "fp16" "FP16", Fp32 "fp32" "FP32", Fp64 "fp64" "FP64", Int1 "int1" "INT1",
    Int4 "int4" "INT4", Int8 "int8" "INT8", Tf32 "tf32" "TF32", Bf16 "bf16" "BF16", Fp6 "fp6" "FP6", Fp4 "fp4" "FP4",
}

impl Precision {
    /// The nine columns of the matrix, in their order.
    pub const MATRIX: [Precision; 9] = [
        Precision::Fp8,
        Precision::Fp16,
        Precision::Fp32,
        Precision::Fp64,
        Precision::Int1,
        Precision::Int4,
        Precision::Int8,
        Precision::Tf32,
        Precision::Bf16,
    ];
}

/// A support with source and status.
pub type Ability = Figure<Support>;

impl Abilities {
    /// Whether it does a format.
    pub fn of(&self, precision: Precision) -> Support {
        self.entry(precision)
            .map_or(Support::Unknown, |ability| ability.value)
    }
}

/// General cores, or those for matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cores {
    Cuda,
    Tensor,
}

/// Unknown is not no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Support {
    Yes,
    No,
    #[default]
    Unknown,
}

impl Support {
    /// The word of JSON and of files.
    pub fn word(self) -> &'static str {
        match self {
            Support::Yes => "yes",
            Support::No => "no",
            Support::Unknown => "unknown",
        }
    }

    /// The sign in the matrix.
    pub fn sign(self) -> &'static str {
        match self {
            Support::Yes => "●",
            Support::No => "·",
            Support::Unknown => "?",
        }
    }
}

impl Plain for Support {
    const WANTED: &'static str = "yes, no or unknown";

    fn text(text: &str) -> Option<Self> {
        match text {
            "yes" => Some(Support::Yes),
            "no" => Some(Support::No),
            "unknown" => Some(Support::Unknown),
            _ => None,
        }
    }
}
