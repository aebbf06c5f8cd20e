//! Outputs on the machine itself: a program for each message.

use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Output;
use crate::config::param::Kind::Str;
use crate::config::param::Spec;
use crate::config::wording::LEFT_OUT;

pub(in crate::catalog) static MODULES: &[Module] = &[Module {
    instance: &[SHELL],
    ..later("omshell", Output, "Runs a program for each message (the ^ action).", LEFT_OUT)
}];

static SHELL: &[Spec] =
    &[Spec::new("binary", Str, "", "The program; it gets the message as its argument.")];
