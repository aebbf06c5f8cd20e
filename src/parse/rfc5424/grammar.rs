//! The grammar of RFC 5424 messages as rsyslog's pmrfc5424 reads them, for people and for the
//! tests; [`super::parse`] is the same by hand.

use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::bytes::complete::take;
use nom::bytes::complete::take_till;
use nom::combinator::eof;
use nom::combinator::map_opt;
use nom::combinator::opt;
use nom::combinator::peek;
use nom::combinator::recognize;
use nom::combinator::rest;
use nom::combinator::value;
use nom::multi::many_till;
use nom::sequence::preceded;
use nom::sequence::terminated;

use crate::parse::timestamp;
use crate::parse::timestamp::Stamp;

/// What follows PRI.
#[derive(Debug)]
pub struct Fields<'a> {
    /// `None`: the nil value.
    pub stamp: Option<Stamp>,
    pub hostname: &'a [u8],
    pub app_name: &'a [u8],
    pub procid: &'a [u8],
    pub msgid: &'a [u8],
    /// `None` where there is none, not even the nil value.
    pub structured_data: Option<&'a [u8]>,
    pub msg: &'a [u8],
}

/// `1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA[ MSG]`
pub fn message(text: &[u8]) -> IResult<&[u8], Fields<'_>> {
    let (text, stamp) = preceded(tag("1 "), alt((value(None, tag("- ")), stamp))).parse(text)?;
    let (text, (hostname, app_name, procid, msgid)) = (field, field, field, field).parse(text)?;
    let (text, structured_data) = opt(structured_data).parse(text)?;
    // The space is part of the message where nothing stands before it.
    let space = opt(tag(" "));
    let (text, msg) = match structured_data {
        Some(_) => preceded(space, rest).parse(text)?,
        None => rest(text)?,
    };
    Ok((text, Fields { stamp, hostname, app_name, procid, msgid, structured_data, msg }))
}

fn stamp(text: &[u8]) -> IResult<&[u8], Option<Stamp>> {
    let stamp = timestamp::rfc3339(text);
    let len = stamp.map_or(0, |stamp| stamp.next);
    map_opt(take(len), |_| stamp.map(Some)).parse(text)
}

/// Up to a space; empty if there is nothing.
fn field(text: &[u8]) -> IResult<&[u8], &[u8]> {
    terminated(take_till(|byte| byte == b' '), alt((tag(" "), eof))).parse(text)
}

/// `-`, or from `[` to the first `]` that is not escaped and has a space or the end behind it. An
/// unfinished one takes all but the last byte, or all if that is an escaped bracket.
fn structured_data(text: &[u8]) -> IResult<&[u8], &[u8]> {
    let last = terminated(tag("]"), peek(alt((tag(" "), eof))));
    let element = recognize(many_till(alt((tag("\\]"), take(1_usize))), last));
    let unfinished = take(text.len().saturating_sub(usize::from(!text.ends_with(b"\\]"))));
    alt((tag("-"), preceded(peek(tag("[")), alt((element, unfinished))))).parse(text)
}
