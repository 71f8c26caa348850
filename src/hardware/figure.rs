//! One figure with where it comes from and how far it can be trusted. Separate because nothing in the reference stands
//! without that.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// How a figure was come by.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Read at its maker's.
    Official,
    /// From a copy or quotation of that.
    Copy,
    /// Restated by others.
    Secondary,
    /// From the CSC 2024 slides.
    Seed,
    /// Nobody was found to vouch for it.
    Unverified,
    /// The user's own file says so.
    Yours,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Official => "official",
            Status::Copy => "copy of official",
            Status::Secondary => "secondary",
            Status::Seed => "CSC 2024 slides",
            Status::Unverified => "unverified",
            Status::Yours => "yours",
        }
    }

    /// What stands before a figure that must not be shown without it.
    pub fn mark(self) -> &'static str {
        match self {
            Status::Unverified => "~",
            Status::Yours => "+",
            _ => "",
        }
    }
}

/// The source named where the user's file names none.
pub const YOURS: &str = "yours";

/// A value with its source, by the id it has among the sources, and its status.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure<T> {
    pub value: T,
    pub source: Box<str>,
    pub status: Status,
}

/// What a figure may be written as when it stands alone.
pub trait Plain: Sized {
    const WANTED: &'static str;

    fn text(_text: &str) -> Option<Self> {
        None
    }

    fn number(_n: f64) -> Option<Self> {
        None
    }
}

impl Plain for f64 {
    const WANTED: &'static str = "a number";

    fn number(n: f64) -> Option<Self> {
        (n.is_finite() && n >= 0.0).then_some(n)
    }
}

impl Plain for String {
    const WANTED: &'static str = "a text";

    fn text(text: &str) -> Option<Self> {
        (!text.chars().any(char::is_control)).then(|| text.to_owned())
    }
}

struct Value<T>(T);

impl<'de, T: Plain> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<T: Plain> Visitor<'_> for V<T> {
            type Value = Value<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(T::WANTED)
            }

            fn visit_i64<E: Error>(self, n: i64) -> Result<Value<T>, E> {
                self.visit_f64(n as f64)
            }

            fn visit_f64<E: Error>(self, n: f64) -> Result<Value<T>, E> {
                T::number(n)
                    .map(Value)
                    .ok_or_else(|| E::custom(format!("{n}: {} is wanted", T::WANTED)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Value<T>, E> {
                T::text(text)
                    .map(Value)
                    .ok_or_else(|| E::custom(format!("{text:?}: {} is wanted", T::WANTED)))
            }
        }
        from.deserialize_any(V(PhantomData))
    }
}

impl<'de, T: Plain> Deserialize<'de> for Figure<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Plain> Visitor<'de> for V<T> {
            type Value = Figure<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "{}, or {{ value, source, status }}", T::WANTED)
            }

            fn visit_i64<E: Error>(self, n: i64) -> Result<Figure<T>, E> {
                self.visit_f64(n as f64)
            }

            fn visit_f64<E: Error>(self, n: f64) -> Result<Figure<T>, E> {
                let value = T::number(n);
                value
                    .map(own)
                    .ok_or_else(|| E::custom(format!("{n}: {} is wanted", T::WANTED)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Figure<T>, E> {
                let value = T::text(text);
                value
                    .map(own)
                    .ok_or_else(|| E::custom(format!("{text:?}: {} is wanted", T::WANTED)))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Figure<T>, M::Error> {
                let (mut value, mut source, mut status) = (None, None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "value" => value = Some(map.next_value::<Value<T>>()?.0),
                        "source" => source = Some(map.next_value::<String>()?),
                        "status" => status = Some(map.next_value()?),
                        other => {
                            return Err(M::Error::unknown_field(
                                other,
                                &["value", "source", "status"],
                            ));
                        }
                    }
                }
                Ok(Figure {
                    value: value.ok_or_else(|| M::Error::missing_field("value"))?,
                    source: source.unwrap_or_else(|| YOURS.to_owned()).into(),
                    status: status.unwrap_or(Status::Yours),
                })
            }
        }
        from.deserialize_any(V(PhantomData))
    }
}

fn own<T>(value: T) -> Figure<T> {
    Figure {
        value,
        source: YOURS.into(),
        status: Status::Yours,
    }
}
