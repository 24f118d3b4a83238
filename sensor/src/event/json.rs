//! JSON without spaces (RFC 8259), put together member by member: names and numbers need no escapes, so that nothing
//! is looked through but the texts of packets and rules. An event through serde_json takes twice as long
//! (benches/event.rs).

use super::escape::push_escaped;
use crate::time::{Rfc3339, Timestamp};

/// Something that can be written.
pub(super) trait Value {
    /// Whether the member is left out.
    fn is_absent(&self) -> bool {
        false
    }

    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
}

impl<V: Value> Value for Option<V> {
    #[inline]
    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(V::is_absent)
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Value for $number {
            #[inline]
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
            }
        }
    )+};
}

numbers!(u16, u32, u64);

/// A string of printable ASCII without quotes and backslashes: a name, an address, a time.
#[derive(Clone, Copy)]
pub(super) struct Plain<'a>(pub(super) &'a str);

impl Value for Plain<'_> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        debug_assert!(self.0.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte)));
        out.push(b'"');
        out.extend_from_slice(self.0.as_bytes());
        out.push(b'"');
    }
}

impl Value for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        Plain(Rfc3339::new(*self).as_str()).write(out);
    }
}

/// A string of bytes of any encoding; what is no UTF-8 is replaced.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a [u8]);

impl Text<'_> {
    /// The text, where there is one.
    pub(super) fn unless_empty(self) -> Option<Self> {
        (!self.0.is_empty()).then_some(self)
    }
}

impl Value for Text<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        push_escaped(self.0, out);
        out.push(b'"');
    }
}

/// JSON already.
#[derive(Clone, Copy)]
pub(super) struct Written<'a>(pub(super) &'a [u8]);

impl Value for Written<'_> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0);
    }
}

/// Texts in order.
pub(super) struct Array<'a>(pub(super) &'a [Vec<u8>]);

impl Value for Array<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for text in self.0 {
            Text(text).write(out);
            out.push(b',');
        }
        close(out, b']');
    }
}

/// Ends an object or an array in place of the comma after its last member.
#[inline]
pub(super) fn close(out: &mut Vec<u8>, end: u8) {
    match out.last_mut() {
        Some(comma @ b',') => *comma = end,
        _ => out.push(end),
    }
}

/// Appends a member whose name is not known before; it must need no escapes.
pub(super) fn push_member(out: &mut Vec<u8>, name: &str, value: &impl Value) {
    Plain(name).write(out);
    out.push(b':');
    value.write(out);
    out.push(b',');
}

/// Appends members, each with a comma behind it; what is absent is left out.
macro_rules! push_members {
    ($out:expr, $($name:literal: $value:expr),+ $(,)?) => {$(
        let value = $value;
        if !$crate::event::json::Value::is_absent(&value) {
            $out.extend_from_slice(concat!('"', $name, "\":").as_bytes());
            $crate::event::json::Value::write(&value, $out);
            $out.push(b',');
        }
    )+};
}

/// Appends an object of the members.
macro_rules! push_object {
    ($out:expr, $($members:tt)+) => {{
        $out.push(b'{');
        $crate::event::json::push_members!($out, $($members)+);
        $crate::event::json::close($out, b'}');
    }};
}

pub(super) use {push_members, push_object};

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &impl Value) -> String {
        let mut out = Vec::new();
        value.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn objects_and_arrays_end_without_a_comma() {
        let mut out = Vec::new();
        let out = &mut out;
        push_object!(out, "a": 1_u16, "none": None::<u16>, "b": Plain("x"), "c": Text(b",\""));
        assert_eq!(str::from_utf8(out).unwrap(), r#"{"a":1,"b":"x","c":",\""}"#);
        out.clear();
        push_object!(out, "none": None::<u16>);
        assert_eq!(out, b"{}");
        assert_eq!(written(&Array(&[b"a".to_vec(), b",".to_vec()])), r#"["a",","]"#);
        assert_eq!(written(&Array(&[])), "[]");
    }

    #[test]
    fn numbers_are_written_as_serde_json_does() {
        for number in [0, 9, 10, u64::from(u32::MAX), (1 << 53) - 1, u64::MAX] {
            assert_eq!(written(&number), serde_json::to_string(&number).unwrap());
        }
    }
}
