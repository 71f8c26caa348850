//! The fault matrix: a demo cluster that misbehaves in every way an API server, a network or a proxy can, and a client
//! that must say so, go on with the rest, come back by itself, and then hold exactly what a fresh list would give.

pub mod bench;
mod cures;
mod login;
mod matrix;
mod restored;
mod soak;
mod start;
