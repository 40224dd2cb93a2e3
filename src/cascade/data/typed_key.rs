//! Primary keys as the Rust types that entities declare.
//!
//! Pure.

use std::fmt;

use crate::cascade::data::key::{Key, KeyPart};

/// A Rust type for primary keys, which [`Outcome::keys`](crate::Outcome::keys) returns.
///
/// It is implemented for all integers, `bool`, `String` and `Vec<u8>`, and for tuples of two to
/// four of them. Implement it for a key type of your own.
pub trait FromKey: Sized {
    /// Converts the key. Returns `None` if this type cannot hold its columns or values.
    fn from_key(key: &Key) -> Option<Self>;
}

/// A Rust type for one column of a primary key.
pub trait FromKeyPart: Sized {
    /// Converts the value. Returns `None` if this type cannot hold it.
    fn from_key_part(part: &KeyPart) -> Option<Self>;
}

/// A key that its entity's key type cannot hold: for example a value that SQLite stored in a column
/// of a smaller type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyMismatch {
    /// The key.
    pub key: Key,
    /// The Rust type that cannot hold it.
    pub expected: &'static str,
}

impl fmt::Display for KeyMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the primary key {} is no {}; read it with `key_values`", self.key, self.expected)
    }
}

impl std::error::Error for KeyMismatch {}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl FromKeyPart for $ty {
            fn from_key_part(part: &KeyPart) -> Option<Self> {
                match part {
                    KeyPart::Integer(value) => Self::try_from(*value).ok(),
                    KeyPart::Unsigned(value) => Self::try_from(*value).ok(),
                    KeyPart::Text(_) | KeyPart::Bytes(_) => None,
                }
            }
        }

        impl FromKey for $ty {
            fn from_key(key: &Key) -> Option<Self> {
                one(key)
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl FromKeyPart for bool {
    fn from_key_part(part: &KeyPart) -> Option<Self> {
        match part {
            KeyPart::Integer(0) => Some(false),
            KeyPart::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl FromKeyPart for String {
    fn from_key_part(part: &KeyPart) -> Option<Self> {
        match part {
            KeyPart::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromKeyPart for Vec<u8> {
    fn from_key_part(part: &KeyPart) -> Option<Self> {
        match part {
            KeyPart::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

fn one<T: FromKeyPart>(key: &Key) -> Option<T> {
    let [part] = key.parts() else { return None };
    T::from_key_part(part)
}

macro_rules! single {
    ($($ty:ty),*) => {$(
        impl FromKey for $ty {
            fn from_key(key: &Key) -> Option<Self> {
                one(key)
            }
        }
    )*};
}

single!(bool, String, Vec<u8>);

macro_rules! composite {
    ($($ty:ident $part:ident),*) => {
        impl<$($ty: FromKeyPart),*> FromKey for ($($ty,)*) {
            fn from_key(key: &Key) -> Option<Self> {
                let [$($part),*] = key.parts() else { return None };
                Some(($($ty::from_key_part($part)?,)*))
            }
        }
    };
}

composite!(A a, B b);
composite!(A a, B b, C c);
composite!(A a, B b, C c, D d);
