//! The grammar behind pmrfc3164's guesses, for people and for the tests; [`super::parse`] is the
//! same by hand.

use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::bytes::complete::take;
use nom::bytes::complete::take_while;
use nom::bytes::complete::take_while_m_n;
use nom::bytes::complete::take_while1;
use nom::character::complete::one_of;
use nom::combinator::cond;
use nom::combinator::eof;
use nom::combinator::map_opt;
use nom::combinator::opt;
use nom::combinator::recognize;
use nom::combinator::rest;
use nom::combinator::verify;
use nom::sequence::preceded;
use nom::sequence::terminated;

use super::HOSTNAME_MAX;
use super::Rfc3164Settings;
use super::TAG_MAX;
use crate::parse::timestamp;
use crate::parse::timestamp::Assumed;
use crate::parse::timestamp::Stamp;

/// What follows PRI.
#[derive(Debug)]
pub enum Fields<'a> {
    /// JSON without a header.
    Json,
    Header {
        /// With the bytes in front of it: HP's switches put a space there.
        stamp: Option<(usize, Stamp)>,
        hostname: Option<&'a [u8]>,
        /// Where no tag was found and one has to end in a colon: `None`.
        tag: Option<&'a [u8]>,
        msg: &'a [u8],
    },
}

/// `[TIMESTAMP ][HOSTNAME ][TAG]MSG`, or JSON.
pub fn message<'a>(
    text: &'a [u8],
    settings: &Rfc3164Settings,
    assumed: Assumed,
    hostname_in_header: bool,
) -> IResult<&'a [u8], Fields<'a>> {
    if json(text).is_ok() {
        return Ok((b"", Fields::Json));
    }
    let (text, stamp) = opt(|text| stamp(text, assumed)).parse(text)?;
    let (text, hostname) =
        cond(hostname_in_header, opt(|text| hostname(text, settings))).parse(text)?;
    let (behind, tag_text) = tag_field(text)?;
    let found = !settings.tag_ending_by_colon || tag_text.ends_with(b":");
    let (tag_text, text) = if found { (Some(tag_text), behind) } else { (None, text) };
    let space = cond(settings.remove_msg_first_space && found, opt(tag(" ")));
    let (text, msg) = preceded(space, rest).parse(text)?;
    Ok((text, Fields::Header { stamp, hostname: hostname.flatten(), tag: tag_text, msg }))
}

fn json(text: &[u8]) -> IResult<&[u8], char> {
    preceded(take_while(|byte| matches!(byte, b' ' | b'\t')), one_of("{[")).parse(text)
}

/// RFC 3339, then RFC 3164, then RFC 3164 behind a space.
fn stamp(text: &[u8], assumed: Assumed) -> IResult<&[u8], (usize, Stamp)> {
    let found = timestamp::rfc3339(text)
        .or_else(|| timestamp::rfc3164(text, assumed))
        .map(|stamp| (0, stamp))
        .or_else(|| Some((1, timestamp::rfc3164(text.strip_prefix(b" ")?, assumed)?)));
    let len = found.map_or(0, |(before, stamp)| before + stamp.next);
    map_opt(take(len), |_| found).parse(text)
}

/// A run of host name bytes that ends in a letter or digit and has a space behind it, any run that
/// ends the text, or (by option) one in brackets with a space behind it.
fn hostname<'a>(text: &'a [u8], settings: &Rfc3164Settings) -> IResult<&'a [u8], &'a [u8]> {
    let in_host = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'_' | b'-' => true,
        b'/' => settings.slashes_in_hostname,
        b'@' => settings.at_signs_in_hostname,
        _ => false,
    };
    let run = || take_while1(in_host);
    let bracket = || verify(tag("["), |_: &[u8]| settings.square_brackets_in_hostname);
    let plain = terminated(
        verify(run(), |host: &[u8]| host.last().is_some_and(u8::is_ascii_alphanumeric)),
        tag(" "),
    );
    let last = terminated(recognize((opt(bracket()), take_while(in_host))), eof);
    let bracketed = terminated(recognize((bracket(), run(), tag("]"))), tag(" "));
    // What counts for the limit is where the run ends.
    let short = |host: &[u8]| host.len() - usize::from(host.ends_with(b"]")) <= HOSTNAME_MAX;
    let some = |host: &[u8]| !host.is_empty();
    verify(verify(alt((plain, bracketed, last)), some), short).parse(text)
}

/// [`TAG_MAX`] bytes at most, up to a space or a colon, and the colon.
fn tag_field(text: &[u8]) -> IResult<&[u8], &[u8]> {
    let run = take_while_m_n(0, TAG_MAX, |byte| !matches!(byte, b' ' | b':'));
    recognize((run, opt(tag(":")))).parse(text)
}
