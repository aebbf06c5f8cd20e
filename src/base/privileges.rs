//! Whom the process becomes once its ports are bound (rsyslog `privdrop.*`, `$PrivDropTo…`).

use std::fs;
use std::io;

use rustix::process::Gid;
use rustix::process::Uid;
use rustix::process::getgid;
use rustix::process::getuid;
use rustix::thread::set_thread_groups;
use rustix::thread::set_thread_res_gid;
use rustix::thread::set_thread_res_uid;

use crate::base::account;

/// A user and a group to become. Where only a user is given the group stays what it is, as in
/// rsyslog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privileges {
    pub user: Option<u32>,
    pub group: Option<u32>,
    /// Of a group alone: whether the process's other groups stay.
    pub keep_groups: bool,
    /// One of them was named, and there is no such user or group.
    pub unknown: bool,
}

impl Privileges {
    /// Becomes them. Must be called while the process has one thread: each has an identity of its
    /// own, and a new one has that of the thread that made it.
    ///
    /// # Errors
    /// If the process may not, or would keep what it was to give up.
    pub fn drop(&self) -> io::Result<()> {
        if self.unknown {
            return Err(io::Error::other("there is no such user or group to become"));
        }
        let user = self.user.filter(|user| *user != getuid().as_raw());
        let group = self.group.filter(|group| *group != getgid().as_raw());
        if user.is_none() && group.is_none() {
            return Ok(());
        }
        // Nothing but /proc tells how many threads there are; without it nothing is asked.
        if fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() != 1) {
            return Err(io::Error::other("privileges are given up too late: this is a bug"));
        }
        if let Some(group) = group {
            if !self.keep_groups {
                set_thread_groups(&[])?;
            }
            let group = Gid::from_raw(group);
            set_thread_res_gid(group, group, group)?;
        }
        if let Some(user) = user {
            set_thread_groups(&groups_of(user))?;
            let user = Uid::from_raw(user);
            set_thread_res_uid(user, user, user)?;
        }
        Ok(())
    }
}

/// The groups of a user: the one that the process has, and those that name the user as a member.
fn groups_of(user: u32) -> Vec<Gid> {
    let mut groups = Vec::new();
    if let Some(name) = account::user_name(user) {
        groups.push(getgid().as_raw());
        groups.extend(account::groups_of(&name));
    }
    groups.sort_unstable();
    groups.dedup();
    groups.into_iter().map(Gid::from_raw).collect()
}
