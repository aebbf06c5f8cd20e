//! `imfile`: the lines of files, as they are written. An input has a thread that reads
//! ([`work`]), and a task that hands what was read to the rules ([`reader`]).
//!
//! | file | what is in it |
//! |---|---|
//! | `params`, `spec` | what can be configured, and what it comes to |
//! | `pattern` | which paths `file=` may name |
//! | `split` | from bytes to messages |
//! | `container` | whose log a file is, by its path |
//! | `identity` | what makes a file the same file |
//! | `tail` | one file: opening, reading on, noticing that it was cut |
//! | `watch` | what the kernel tells of changes |
//! | `work` | the thread: whose turn it is; `work/scan`: which files there are; `work/rotated`:
//! | | lines on both sides of a rotation |
//! | `store` | how far files are read, on disk |
//! | `migrate` | what rsyslog knew of that |
//! | `reader` | the task |

mod container;
mod identity;
mod migrate;
mod params;
mod pattern;
mod reader;
mod spec;
mod split;
mod store;
mod tail;
mod watch;
mod work;

use std::sync::Arc;

use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::input::file::spec::FileSpec;
use crate::input::local::Local;
use crate::input::local::LocalModule;

const NAME: &str = "imfile";

static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Reads the lines of files as they are written.",
    availability: Availability::Ready,
    module: &[params::MODULE_PARAMS],
    instance: &[params::PARAMS],
};

/// What stands in [`LOCAL`](crate::input::LOCAL).
pub(super) const LOCAL: LocalModule = LocalModule {
    module: &MODULE,
    loaded: |_, _, _| Vec::new(),
    instance: |module, params, around, diags| {
        let spec = FileSpec::compile(module, params, around, diags)?;
        Some(Arc::new(spec) as Arc<dyn Local>)
    },
};
