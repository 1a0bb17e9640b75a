//! Everything that touches the world: the clock, the disk, the network, keys, the command line.
//!
//! Within this wing a module imports only modules above it in this list, and anything of [`engine`](crate::engine).

pub mod config;

pub mod clock;

pub mod callers;

pub mod index;

pub mod sources;

pub mod trust;

pub mod keys;

pub mod authority;

pub mod demo;

pub mod store;

pub mod flow;

pub mod http;

pub mod web;

pub mod cli;
