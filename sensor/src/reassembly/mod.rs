//! Putting together what was sent in parts.

pub mod fragment;
mod policy;
pub mod stream;

pub use policy::{HostPolicies, OverlapPolicy};
