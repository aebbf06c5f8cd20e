//! Which of root's powers the process keeps (capabilities(7); rsyslog `libcapng.*`).

use std::io;

use rustix::io::Errno;
use rustix::thread::CapabilitySet;
use rustix::thread::CapabilitySets;
use rustix::thread::capabilities;
use rustix::thread::capability_is_in_bounding_set;
use rustix::thread::remove_capability_from_bounding_set;
use rustix::thread::set_capabilities;

/// What some configuration has a use for, now or after a reload:
/// - files of others, and files with owners and modes of their own: `CHOWN` to `FSETID`;
/// - ports below 1024, large socket buffers, sockets of one device: `NET_*`;
/// - becoming another user, and ending child programs of other users: `SETUID`, `SETGID`, `KILL`;
/// - the kernel's messages: `SYSLOG`;
/// - what program another user's process runs (`_EXE` of imuxsock): `SYS_PTRACE`;
/// - a file system's reserve when it is full, and more open files: `SYS_RESOURCE`.
const USED: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::NET_ADMIN)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SYSLOG)
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::SYS_RESOURCE);

/// `libcapng.enable` and `libcapng.default`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Off: the process keeps all. On: neither it nor its children can get back what it gave up.
    /// Not said: children that run as root have root's powers, as with a rsyslogd without
    /// libcap-ng; what they need cannot be known.
    pub give_up: Option<bool>,
    /// Whether the relay does not start where that fails.
    pub must: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { give_up: None, must: true }
    }
}

impl Capabilities {
    /// Gives up what is never used. Only the calling thread does, and those that it makes later;
    /// and before it becomes another user, since that takes the right to do so.
    ///
    /// # Errors
    /// If the process may not (`CAP_SETPCAP`, a seccomp filter).
    pub fn apply(self) -> io::Result<()> {
        if self.give_up == Some(false) {
            return Ok(());
        }
        if self.give_up == Some(true) {
            bound()?;
        }
        let CapabilitySets { effective, permitted, inheritable } = capabilities(None)?;
        set_capabilities(
            None,
            CapabilitySets {
                effective: effective & USED,
                permitted: permitted & USED,
                inheritable: inheritable & USED,
            },
        )?;
        Ok(())
    }
}

/// Takes all that is not used from what children may get.
fn bound() -> io::Result<()> {
    // By numbers: the kernel may know more of them than there are names for here.
    for capability in (0..u64::BITS).map(|n| CapabilitySet::from_bits_retain(1 << n)) {
        match capability_is_in_bounding_set(capability) {
            Ok(true) if !USED.contains(capability) => {
                remove_capability_from_bounding_set(capability)?;
            }
            Ok(_) => {}
            Err(Errno::INVAL) => break,
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}
