//! Outputs on the machine itself: terminals, pipes, programs, sockets, the journal.

use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Output;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Mode;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Template;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;
use crate::config::wording::LEFT_OUT;

/// `module(load=… template=…)`.
static TEMPLATE: &[Spec] =
    &[Spec::new("template", Template, "", "The template of actions that name none.")];

pub(in crate::catalog) static MODULES: &[Module] = &[
    Module {
        module: &[TEMPLATE],
        instance: &[PROG],
        ..later("omprog", Output, "Writes to a program's standard input.", LEFT_OUT)
    },
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

static PROG: &[Spec] = &[
    Spec::new("binary", Str, "", "The program's full path, with its arguments behind it.")
        .required(),
    Spec::new("confirmMessages", Bool, "off", "Waits until the program says OK to each message."),
    Spec::new(
        "confirmTimeout",
        Duration("milliseconds"),
        "10000",
        "How long the program may take to confirm before it is started anew.",
    ),
    Spec::new("reportFailures", Bool, "off", "Logs what the program answers other than OK."),
    Spec::new("useTransactions", Bool, "off", "Marks where batches begin and end."),
    Spec::new("beginTransactionMark", Str, "BEGIN TRANSACTION", "The line before a batch."),
    Spec::new("commitTransactionMark", Str, "COMMIT TRANSACTION", "The line after a batch."),
    Spec::new("output", Str, "", "File to which the program's output is appended."),
    Spec::new("fileCreateMode", Mode, "0600", "Mode of that file where it is made."),
    Spec::new(
        "hup.signal",
        Word(&["HUP", "USR1", "USR2", "INT", "TERM"]),
        "",
        "The signal that the program gets when the relay gets a HUP.",
    ),
    Spec::new("signalOnClose", Bool, "off", "Sends TERM to a program that is to end."),
    Spec::new(
        "closeTimeout",
        Duration("milliseconds"),
        "5000",
        "How long a program may take to end.",
    ),
    Spec::new("killUnresponsive", Bool, "", "Kills a program that does not end in that time."),
    Spec::new("forceSingleInstance", Bool, "off", "One program, whatever the number of workers."),
];
