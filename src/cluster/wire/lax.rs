//! Leaf decoders that accept any JSON value and never fail: what has the wrong type reads as absent.
//! One object that another version of the API, or a broken controller, wrote oddly must not hide its list. What was read
//! as absent although something was there is counted, and [`strictly`] makes an error of it, to say where it is.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

thread_local! {
    /// Values of another type, or beyond their bounds, that were read on this thread since it was asked.
    static ODD: Cell<u32> = const { Cell::new(0) };
    /// Such a value is an error.
    static STRICT: Cell<bool> = const { Cell::new(false) };
}

/// How many values were read as absent, or as the nearest that fits, since this was last asked on this thread.
pub fn take_odd() -> u32 {
    ODD.take()
}

/// Does something while such values are errors, so that the first of them can be found.
pub fn strictly<T>(what: impl FnOnce() -> T) -> T {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            STRICT.set(false);
        }
    }
    STRICT.set(true);
    let _guard = Guard;
    what()
}

/// A value other than is looked for, and what to make of it.
fn odd<T, E: Error>(otherwise: T, what: &'static str) -> Result<T, E> {
    ODD.set(ODD.get().saturating_add(1));
    match STRICT.get() {
        true => Err(E::custom(format_args!("{what} is not expected here"))),
        false => Ok(otherwise),
    }
}

/// Visitor methods for every JSON type the visitor has no use for.
macro_rules! otherwise {
    ($($method:ident)*) => { $(otherwise!(@ $method);)* };
    (@ bool) => { fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        odd(Self::Value::default(), "a boolean")
    } };
    (@ int) => { fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
                     odd(Self::Value::default(), "a number")
                 }
                 fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
                     odd(Self::Value::default(), "a number")
                 } };
    (@ float) => { fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        odd(Self::Value::default(), "a number")
    } };
    (@ text) => { fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        odd(Self::Value::default(), "a text")
    } };
    (@ unit) => { fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ seq) => { fn visit_seq<A: SeqAccess<'de>>(self, mut a: A) -> Result<Self::Value, A::Error> {
        while a.next_element::<IgnoredAny>()?.is_some() {}
        odd(Self::Value::default(), "a list")
    } };
    (@ map) => { fn visit_map<A: MapAccess<'de>>(self, mut a: A) -> Result<Self::Value, A::Error> {
        while a.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        odd(Self::Value::default(), "an object")
    } };
}

/// Any scalar; arrays, objects and null are `Absent`.
enum Scalar {
    Absent,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

/// What a value is read as; an error is what else was there, and what to make of it.
type Read<T> = Result<T, (T, &'static str)>;

/// Reads a scalar so that an error is told where it stands.
fn scalar<'de, D: Deserializer<'de>, T>(
    d: D,
    read: impl FnOnce(Scalar) -> Read<T>,
) -> Result<T, D::Error> {
    struct V<F>(F);
    impl<F> V<F> {
        fn of<T, E: Error>(self, scalar: Scalar) -> Result<T, E>
        where
            F: FnOnce(Scalar) -> Read<T>,
        {
            (self.0)(scalar).or_else(|(value, what)| odd(value, what))
        }
    }
    impl<'de, T, F: FnOnce(Scalar) -> Read<T>> Visitor<'de> for V<F> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_bool<E: Error>(self, v: bool) -> Result<T, E> {
            self.of(Scalar::Bool(v))
        }
        fn visit_i64<E: Error>(self, v: i64) -> Result<T, E> {
            self.of(Scalar::Int(v))
        }
        fn visit_u64<E: Error>(self, v: u64) -> Result<T, E> {
            self.of(Scalar::Int(i64::try_from(v).unwrap_or(i64::MAX)))
        }
        fn visit_f64<E: Error>(self, v: f64) -> Result<T, E> {
            self.of(Scalar::Float(v))
        }
        fn visit_str<E: Error>(self, v: &str) -> Result<T, E> {
            self.of(Scalar::Text(v.to_owned()))
        }
        fn visit_unit<E: Error>(self) -> Result<T, E> {
            self.of(Scalar::Absent)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut a: A) -> Result<T, A::Error> {
            while a.next_element::<IgnoredAny>()?.is_some() {}
            odd(self.of(Scalar::Absent)?, "a list")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut a: A) -> Result<T, A::Error> {
            while a.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            odd(self.of(Scalar::Absent)?, "an object")
        }
    }
    d.deserialize_any(V(read))
}

impl Scalar {
    fn int(self) -> Read<Option<i64>> {
        match self {
            Scalar::Int(v) => Ok(Some(v)),
            // `as` saturates, and NaN is 0
            Scalar::Float(v) => Ok(Some(v as i64)),
            Scalar::Text(v) if v.trim().is_empty() => Ok(None),
            Scalar::Text(v) => match v.trim().parse() {
                Ok(v) => Ok(Some(v)),
                Err(_) => Err((None, "a text that is no number")),
            },
            Scalar::Absent => Ok(None),
            Scalar::Bool(_) => Err((None, "a boolean")),
        }
    }

    /// The nearest number within these bounds.
    fn within(self, from: i64, to: i64) -> Read<Option<i64>> {
        match self.int()? {
            Some(v) if v < from => Err((Some(from), "a number so small")),
            Some(v) if v > to => Err((Some(to), "a number so large")),
            other => Ok(other),
        }
    }

    fn text(self) -> Read<Option<String>> {
        match self {
            Scalar::Text(v) => Ok(Some(v)),
            Scalar::Absent => Ok(None),
            Scalar::Bool(_) => Err((None, "a boolean")),
            Scalar::Int(_) | Scalar::Float(_) => Err((None, "a number")),
        }
    }

    fn flag(self) -> Read<Option<bool>> {
        match self {
            Scalar::Bool(v) => Ok(Some(v)),
            Scalar::Absent => Ok(None),
            Scalar::Text(_) => Err((None, "a text")),
            Scalar::Int(_) | Scalar::Float(_) => Err((None, "a number")),
        }
    }
}

/// A short text: most texts of an object are, and none of those is an allocation of its own.
pub type Text = compact_str::CompactString;

/// A string; a number as its digits (quantities may be written either way); else empty.
pub fn text<'de, D: Deserializer<'de>, T: Default + for<'a> From<&'a str>>(
    d: D,
) -> Result<T, D::Error> {
    struct V<T>(PhantomData<T>);
    impl<'de, T: Default + for<'a> From<&'a str>> Visitor<'de> for V<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_str<E>(self, v: &str) -> Result<T, E> {
            Ok(v.into())
        }
        fn visit_bool<E>(self, v: bool) -> Result<T, E> {
            Ok(if v { "true" } else { "false" }.into())
        }
        fn visit_i64<E>(self, v: i64) -> Result<T, E> {
            Ok(v.to_string().as_str().into())
        }
        fn visit_u64<E>(self, v: u64) -> Result<T, E> {
            Ok(v.to_string().as_str().into())
        }
        fn visit_f64<E>(self, v: f64) -> Result<T, E> {
            Ok(v.to_string().as_str().into())
        }
        otherwise!(unit seq map);
    }
    d.deserialize_any(V(PhantomData))
}

/// A string whose presence means something; anything but a non-empty string is absent.
pub fn maybe_text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(scalar(d, Scalar::text)?.filter(|v| !v.is_empty()))
}

/// `true` only for true.
pub fn flag<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    Ok(maybe_flag(d)?.unwrap_or_default())
}

/// A switch that is on unless it is off: absent where it is neither.
pub fn maybe_flag<'de, D: Deserializer<'de>>(d: D) -> Result<Option<bool>, D::Error> {
    scalar(d, Scalar::flag)
}

/// A count: negative is 0, too large is the maximum, not a number is 0.
pub fn count<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    Ok(maybe_count(d)?.unwrap_or(0))
}

/// As [`count`], but absent when it is not a number.
pub fn maybe_count<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    let number = scalar(d, |v| v.within(0, u32::MAX.into()))?;
    Ok(number.and_then(|v| u32::try_from(v).ok()))
}

/// A signed number, clamped to 32 bits.
pub fn maybe_int<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i32>, D::Error> {
    let number = scalar(d, |v| v.within(i32::MIN.into(), i32::MAX.into()))?;
    Ok(number.and_then(|v| i32::try_from(v).ok()))
}

/// A signed number of 64 bits.
pub fn maybe_whole<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    scalar(d, Scalar::int)
}

/// Whole seconds, never negative.
pub fn maybe_seconds<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    let number = scalar(d, |v| v.within(0, i64::MAX))?;
    Ok(number.and_then(|v| u64::try_from(v).ok()))
}

/// RFC 3339.
pub fn time<'de, D: Deserializer<'de>>(d: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    struct V;
    impl<'de> Visitor<'de> for V {
        type Value = Option<DateTime<Utc>>;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_str<E: Error>(self, v: &str) -> Result<Self::Value, E> {
            match moment(v) {
                None if !v.is_empty() => odd(None, "a text that is no time"),
                time => Ok(time),
            }
        }
        otherwise!(bool int float unit seq map);
    }
    d.deserialize_any(V)
}

/// A moment in RFC 3339; the form that all of Kubernetes writes, `2026-08-14T09:15:26Z`, is read without more ado.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    plain_moment(text.as_bytes()).or_else(|| {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Some(time.with_timezone(&Utc))
    })
}

fn plain_moment(text: &[u8]) -> Option<DateTime<Utc>> {
    const FORM: &[u8; 20] = b"0000-00-00T00:00:00Z";
    let text: &[u8; 20] = text.try_into().ok()?;
    let fits = |(have, want): (&u8, &u8)| match want {
        b'0' => have.is_ascii_digit(),
        want => have == want,
    };
    if !text.iter().zip(FORM).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = text[from..to].iter();
        digits.fold(0, |n, d| n * 10 + u32::from(d - b'0'))
    };
    let day = NaiveDate::from_ymd_opt(number(0, 4) as i32, number(5, 7), number(8, 10))?;
    let time = day.and_hms_opt(number(11, 13), number(14, 16), number(17, 19))?;
    Some(time.and_utc())
}

/// A JSON object read as `T`; anything else is `None`.
struct Object<T>(Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_map<A: MapAccess<'de>>(self, a: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(a)).map(|v| Object(Some(v)))
            }
            otherwise!(bool int float text unit seq);
        }
        d.deserialize_any(V(PhantomData))
    }
}

/// A nested object; anything else reads as its default.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    d: D,
) -> Result<T, D::Error> {
    Ok(Object::deserialize(d)?.0.unwrap_or_default())
}

/// A nested object whose presence means something.
pub fn maybe_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    d: D,
) -> Result<Option<T>, D::Error> {
    Ok(Object::deserialize(d)?.0)
}

/// Collects the elements of an array; anything else is empty.
struct Seq<T, Item>(Vec<T>, PhantomData<Item>);

impl<T, Item> Default for Seq<T, Item> {
    fn default() -> Self {
        Self(Vec::new(), PhantomData)
    }
}

impl<'de, T, Item: Deserialize<'de> + Into<Option<T>>> Deserialize<'de> for Seq<T, Item> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<T, Item>(PhantomData<(T, Item)>);
        impl<'de, T, Item: Deserialize<'de> + Into<Option<T>>> Visitor<'de> for V<T, Item> {
            type Value = Seq<T, Item>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut a: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::with_capacity(a.size_hint().unwrap_or(0).min(4096));
                while let Some(element) = a.next_element::<Item>()? {
                    all.extend(element.into());
                }
                Ok(Seq(all, PhantomData))
            }
            otherwise!(bool int float text unit map);
        }
        d.deserialize_any(V(PhantomData))
    }
}

impl<T> From<Object<T>> for Option<T> {
    fn from(o: Object<T>) -> Self {
        o.0
    }
}

/// An element that is read as a scalar.
struct One<T>(Option<T>);

impl<T> From<One<T>> for Option<T> {
    fn from(one: One<T>) -> Self {
        one.0
    }
}

impl<'de> Deserialize<'de> for One<String> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        scalar(d, Scalar::text).map(One)
    }
}

impl<'de> Deserialize<'de> for One<i64> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        scalar(d, Scalar::int).map(One)
    }
}

/// An array of objects; elements that are not objects are left out.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    d: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Seq::<T, Object<T>>::deserialize(d)?.0)
}

/// An array of strings.
pub fn texts<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    Ok(Seq::<String, One<String>>::deserialize(d)?.0)
}

/// An array of whole numbers.
pub fn numbers<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<i64>, D::Error> {
    Ok(Seq::<i64, One<i64>>::deserialize(d)?.0)
}

/// An object of objects, in its own order; what is no object reads as its default.
pub fn entries<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    d: D,
) -> Result<Vec<(String, T)>, D::Error> {
    struct V<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for V<T> {
        type Value = Vec<(String, T)>;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut a: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some((key, Object(value))) = a.next_entry::<String, Object<T>>()? {
                all.push((key, value.unwrap_or_default()));
            }
            Ok(all)
        }
        otherwise!(bool int float text unit seq);
    }
    d.deserialize_any(V(PhantomData))
}

/// How many elements an array has, without keeping them.
pub fn length<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    struct V;
    impl<'de> Visitor<'de> for V {
        type Value = u32;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut a: A) -> Result<u32, A::Error> {
            let mut n = 0u32;
            while a.next_element::<IgnoredAny>()?.is_some() {
                n = n.saturating_add(1);
            }
            Ok(n)
        }
        otherwise!(bool int float text unit map);
    }
    d.deserialize_any(V)
}

/// An object of scalars as pairs in its own order; nested values read as empty.
pub fn pairs<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(Text, Text)>, D::Error> {
    struct One(Text);
    impl<'de> Deserialize<'de> for One {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            text(d).map(One)
        }
    }
    struct V;
    impl<'de> Visitor<'de> for V {
        type Value = Vec<(Text, Text)>;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut a: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some((One(key), One(value))) = a.next_entry()? {
                all.push((key, value));
            }
            Ok(all)
        }
        otherwise!(bool int float text unit seq);
    }
    d.deserialize_any(V)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Probe {
        #[serde(deserialize_with = "text")]
        t: String,
        #[serde(deserialize_with = "count")]
        c: u32,
        #[serde(deserialize_with = "maybe_int")]
        i: Option<i32>,
        #[serde(deserialize_with = "time")]
        at: Option<DateTime<Utc>>,
        #[serde(deserialize_with = "list")]
        l: Vec<Probe>,
        #[serde(deserialize_with = "length")]
        n: u32,
        #[serde(deserialize_with = "pairs")]
        p: Vec<(Text, Text)>,
        #[serde(deserialize_with = "maybe_object")]
        o: Option<Box<Probe>>,
    }

    /// The quick way reads what the thorough one reads, and leaves it the rest.
    #[test]
    fn moments_are_read_as_chrono_reads_them() {
        for text in [
            "2026-08-14T09:15:26Z",
            "1969-12-31T23:59:59Z",
            "2024-02-29T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-08-14T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "2026-08-14T09:15:26.123456Z",
            "2026-08-14T09:15:26+02:00",
            "2026-08-14t09:15:26z",
            "2026-08-14 09:15:26Z",
            "2026-08-14T09:15:2éZ",
            "+026-08-14T09:15:26Z",
            "0000-01-01T00:00:00Z",
            "",
        ] {
            let thorough = DateTime::parse_from_rfc3339(text).ok();
            assert_eq!(moment(text), thorough.map(|t| t.to_utc()), "{text}");
        }
    }

    fn probe(json: &str) -> Probe {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn wrong_types_read_as_absent() {
        for odd in [
            "null",
            "true",
            "-1",
            "1.5",
            r#""x""#,
            "[1,{}]",
            r#"{"a":[]}"#,
        ] {
            let all = format!(
                r#"{{"t":{odd},"c":{odd},"i":{odd},"at":{odd},"l":{odd},"n":{odd},"p":{odd},"o":{odd}}}"#
            );
            probe(&all);
        }
        assert_eq!(probe(r#"{"c":-5}"#).c, 0);
        assert_eq!(probe(r#"{"c":99999999999999999999}"#).c, u32::MAX);
        assert_eq!(probe(r#"{"i":-99999999999}"#).i, Some(i32::MIN));
        assert_eq!(probe(r#"{"l":[1,{"t":"a"},null,{"t":2}]}"#).l.len(), 2);
    }

    #[test]
    fn right_types_read_as_they_are() {
        let p = probe(
            r#"{"t":"a","c":7,"at":"2026-01-02T03:04:05.6Z","n":[1,"x"],"p":{"k":"v","n":1},"o":{}}"#,
        );
        assert_eq!((p.t.as_str(), p.c, p.n, p.o.is_some()), ("a", 7, 2, true));
        assert_eq!(p.p, [("k".into(), "v".into()), ("n".into(), "1".into())]);
        assert_eq!(p.at.unwrap().timestamp_subsec_millis(), 600);
    }
}
