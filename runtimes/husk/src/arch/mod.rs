//! Everything that depends on the processor. One architecture so far.

pub mod x86_64;

pub use x86_64::*;
