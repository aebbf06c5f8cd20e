//! Where addresses are. Each function looks at no more bytes than the longest address has.

/// The length of the IPv4 address that `text` begins with: four times one to three digits, up to
/// 255.
pub(super) fn ipv4(text: &[u8]) -> Option<usize> {
    let mut at = octet(text)?;
    for _ in 0..3 {
        let rest = text.get(at..)?.strip_prefix(b".")?;
        at += 1 + octet(rest)?;
    }
    Some(at)
}

/// How many digits the octet has that `text` begins with.
fn octet(text: &[u8]) -> Option<usize> {
    let digits = text.iter().take(4).take_while(|byte| byte.is_ascii_digit());
    let number = |(length, number): (usize, u32), digit: &u8| {
        (length + 1, number * 10 + u32::from(digit - b'0'))
    };
    let (length, number) = digits.fold((0, 0), number);
    (matches!(length, 1..=3) && number <= 255).then_some(length)
}

/// What the groups of an IPv6 address are divided into.
enum Part {
    /// One to four hexadecimal digits.
    Group(usize),
    Colon,
    Dot,
    /// Too many digits.
    Long,
    Other,
}

fn part(text: &[u8]) -> Part {
    match text.iter().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count() {
        0 => match text.first() {
            Some(b':') => Part::Colon,
            Some(b'.') => Part::Dot,
            _ => Part::Other,
        },
        5 => Part::Long,
        length => Part::Group(length),
    }
}

/// What has been read of an IPv6 address.
#[derive(Default)]
struct Groups {
    count: usize,
    /// `::` was there.
    short: bool,
    /// A colon was the last thing.
    colon: bool,
    /// Nothing but colons since `::`.
    just_short: bool,
}

impl Groups {
    /// Takes a group, of which there may be `max`; one less with `::`.
    fn group(&mut self, max: usize) -> Option<()> {
        let full = self.count + usize::from(self.short) >= max;
        let single_colon_first = self.count == 0 && self.colon && !self.short;
        if full || single_colon_first {
            return None;
        }
        self.count += 1;
        (self.colon, self.just_short) = (false, false);
        Some(())
    }

    fn colon(&mut self) -> Option<()> {
        if self.colon {
            if self.short {
                return None;
            }
            (self.short, self.just_short) = (true, true);
        }
        self.colon = true;
        Some(())
    }
}

/// The length of the IPv6 address that `text` begins with. As in rsyslog eight groups are always
/// one. A single colon behind `a::b` belongs to it at the end of the message, and makes it none
/// before anything else, unless that is a group of too many digits.
pub(super) fn ipv6(text: &[u8]) -> Option<usize> {
    let mut groups = Groups::default();
    let mut at = 0;
    while at < text.len() {
        match part(&text[at..]) {
            Part::Group(length) => {
                groups.group(8)?;
                at += length;
                if groups.count == 8 {
                    return Some(at);
                }
            }
            Part::Colon => {
                groups.colon()?;
                at += 1;
            }
            Part::Long => {
                let before = groups.short && groups.colon && groups.count >= 2;
                return before.then(|| at - 1);
            }
            Part::Dot | Part::Other => {
                let ends = groups.short && (!groups.colon || groups.just_short);
                return ends.then_some(at);
            }
        }
    }
    groups.short.then_some(at)
}

/// The length of the IPv6 address with an IPv4 address at its end that `text` begins with, and
/// where that one begins.
pub(super) fn embedded(text: &[u8]) -> Option<(usize, usize)> {
    let mut groups = Groups::default();
    let (mut at, mut last) = (0, 0);
    loop {
        match part(text.get(at..)?) {
            Part::Group(length) => {
                // The first octet is one of them.
                groups.group(7)?;
                (last, at) = (at, at + length);
            }
            Part::Colon => {
                groups.colon()?;
                at += 1;
            }
            Part::Dot => break,
            Part::Long | Part::Other => return None,
        }
    }
    let enough = if groups.short { groups.count > 0 } else { groups.count == 7 };
    if groups.colon || !enough {
        return None;
    }
    let length = ipv4(&text[last..])?;
    Some((last + length, last))
}
