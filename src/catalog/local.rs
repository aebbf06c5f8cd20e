//! Inputs of other systems' devices.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Input;

pub(super) static MODULES: &[Module] = &[
    absent("imsolaris", Input, "Reads Solaris' log device.", "imuxsock; Bongsu runs on Linux"),
    absent("imdoor", Input, "Reads from a Solaris door.", "imuxsock; Bongsu runs on Linux"),
];
