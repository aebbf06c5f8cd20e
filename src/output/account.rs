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
    }
}
