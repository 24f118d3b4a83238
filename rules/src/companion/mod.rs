//! The files that belong to rules, beside [`crate::classification`]: where references lead, and how often rules may
//! alert.
//!
//! Knows lines and their words; must not know where the files are.

mod lines;
pub mod reference;
pub mod threshold;
