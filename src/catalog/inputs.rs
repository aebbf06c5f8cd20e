//! Inputs and parsers.

use crate::catalog::absent;
use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Input;
use crate::config::module::Role::Library;
use crate::config::module::Role::Parser;

const FILES: &str = "files are not read meanwhile";
const LOCAL: &str = "nothing is read meanwhile; let journald or rsyslog forward to a port";

pub(super) static MODULES: &[Module] = &[
    later("imfile", Input, "Reads the lines of files as they are written.", FILES),
    later("imuxsock", Input, "Reads /dev/log and other unix datagram sockets.", LOCAL),
    later("imklog", Input, "Reads the kernel's messages.", LOCAL),
    later("imkmsg", Input, "Reads the kernel's structured messages (/dev/kmsg).", LOCAL),
    later("imjournal", Input, "Reads the systemd journal.", LOCAL),
    later("immark", Input, "Makes mark messages.", "no mark messages are made meanwhile"),
    later("impstats", Input, "Reports counters.", "the summary at the end has the counters"),
    later(
        "imrelp",
        Input,
        "Receives syslog over RELP.",
        "nothing listens meanwhile; imtcp is there",
    ),
    later("improg", Input, "Reads the output of programs.", "the program is not started meanwhile"),
    absent("imkafka", Input, "Reads from Kafka.", "a Kafka consumer that writes to imtcp"),
    later("pmciscoios", Parser, "Messages of Cisco IOS.", "RFC 5424 and RFC 3164 are tried"),
    later("lmnsd_gtls", Library, "TLS by GnuTLS.", "connections with TLS are not made meanwhile"),
];
