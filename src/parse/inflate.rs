//! rsyslog's single-message compression: `z` and a zlib stream in place of the message.

use crate::base::span::Span;

/// Appends the inflated message to `data`. `None`, with `data` as it was, where this is not a
/// compressed message after all or would be longer than `max` bytes.
#[cold]
pub(super) fn inflate(data: &mut Vec<u8>, span: Span, max: usize) -> Option<Span> {
    let start = data.len();
    let mut out = Vec::with_capacity(max);
    let mut stream = flate2::Decompress::new(true);
    let packed = span.of(data).get(1..)?;
    let status = stream.decompress_vec(packed, &mut out, flate2::FlushDecompress::Finish);
    if !matches!(status, Ok(flate2::Status::StreamEnd)) {
        return None;
    }
    data.extend_from_slice(&out);
    Some(Span::new(start, data.len()))
}
