//! The kernel's messages: [`klog`] is `imklog`, lines as `/proc/kmsg` gives them; [`kmsg`] is
//! `imkmsg`, the records of `/dev/kmsg` with their fields. What the outputs have no room for waits
//! in the kernel.

mod device;
pub mod klog;
pub mod kmsg;

/// The tag of all of them.
const TAG: &[u8] = b"kernel:";
