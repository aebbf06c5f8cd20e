//! Names of users and groups, from `/etc/passwd` and `/etc/group`. Those that only a directory
//! service knows have to be given as numbers.

use std::path::Path;

/// The number of a user.
#[must_use]
pub fn user(name: &str) -> Option<u32> {
    number(Path::new("/etc/passwd"), name)
}

/// The number of a group.
#[must_use]
pub fn group(name: &str) -> Option<u32> {
    number(Path::new("/etc/group"), name)
}

/// The name of a user.
#[must_use]
pub fn user_name(number: u32) -> Option<String> {
    let table = std::fs::read_to_string("/etc/passwd").ok()?;
    let is_it = |line: &&str| line.split(':').nth(2).and_then(|n| n.parse().ok()) == Some(number);
    let name = table.lines().find(is_it)?.split(':').next();
    name.map(str::to_owned)
}

/// The groups that have a user as a member, by their own list.
#[must_use]
pub fn groups_of(user: &str) -> Vec<u32> {
    members(&std::fs::read_to_string("/etc/group").unwrap_or_default(), user)
}

fn members(table: &str, user: &str) -> Vec<u32> {
    let group = |line: &str| {
        let mut fields = line.split(':');
        let number = fields.nth(2)?.parse().ok()?;
        fields.next()?.split(',').any(|member| member.trim() == user).then_some(number)
    };
    table.lines().filter_map(group).collect()
}

fn number(file: &Path, name: &str) -> Option<u32> {
    find(&std::fs::read_to_string(file).ok()?, name)
}

/// Both files have the name in the first field and the number in the third.
fn find(table: &str, name: &str) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_numbers() {
        let table = "root:x:0:0:root:/root:/bin/sh\nadm:x:4:syslog\nbad\n";
        assert_eq!(find(table, "adm"), Some(4));
        assert_eq!(find(table, "root"), Some(0));
        assert_eq!(find(table, "bad"), None);
        assert_eq!(find(table, "x"), None);
        assert_eq!(user("root"), Some(0));
        assert_eq!(user_name(0).as_deref(), Some("root"));
        assert_eq!(members(table, "syslog"), [4]);
        assert_eq!(members("a:x:1:\nb:x:2:x,y\nc:x:3:y, x\nd:x:4:xy\n", "x"), [2, 3]);
    }
}
