//! The log, on the real file system and on one that breaks.

mod basics;
mod crash;
mod damage;
mod kill;
