//! Putting together what was sent in parts.

pub mod fragment;
