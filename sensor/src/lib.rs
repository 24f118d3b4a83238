//! A packet-to-event sensor: frames in, CloudEvents out.
//!
//! Data goes one way through floors; a module names only those before it in this list:
//! [`time`], [`memory`], [`limits`], [`counter`], [`event`], then [`capture`], then [`decode`], then [`flow`] and [`reassembly`],
//! then [`app_layer`], then [`detect`], then [`worker`], [`collect`] and [`sink`], then [`runtime`], [`config`], [`cli`]
//! and [`dev`].

pub mod app_layer;
pub mod capture;
pub mod cli;
pub mod collect;
pub mod config;
pub mod counter;
pub mod decode;
pub mod detect;
pub mod dev;
pub mod event;
pub mod flow;
pub mod limits;
pub mod memory;
pub mod reassembly;
pub mod runtime;
pub mod sink;
pub mod time;
pub mod worker;
