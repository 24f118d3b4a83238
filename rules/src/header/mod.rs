//! What stands before the parenthesis of a rule: action, protocol, addresses, ports.
//!
//! Knows how these are written and, with the values of variables, which addresses and ports they mean. Must not know
//! any keyword.

pub mod action;
pub mod address;
pub mod group;
pub mod port;
pub mod protocol;
pub mod range_set;
pub mod variable;
