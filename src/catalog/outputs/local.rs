//! Outputs on the machine itself: terminals, pipes, programs, sockets, the journal.

use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Output;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Template;
use crate::config::param::Spec;
use crate::config::wording::LEFT_OUT;

/// `module(load=… template=…)`.
static TEMPLATE: &[Spec] =
    &[Spec::new("template", Template, "", "The template of actions that name none.")];

pub(in crate::catalog) static MODULES: &[Module] = &[
    Module {
        module: &[TEMPLATE],
        instance: &[UXSOCK],
        ..later("omuxsock", Output, "Sends to a unix datagram socket ($OMUxSockSocket).", LEFT_OUT)
    },
    later("omjournal", Output, "Writes to the systemd journal.", LEFT_OUT),
    Module {
        instance: &[SHELL],
        ..later("omshell", Output, "Runs a program for each message (the ^ action).", LEFT_OUT)
    },
];

static UXSOCK: &[Spec] = &[Spec::new("socket", Str, "", "The socket's path ($OMUxSockSocket).")];

static SHELL: &[Spec] =
    &[Spec::new("binary", Str, "", "The program; it gets the message as its argument.")];
