//! What a message turned out to be.

/// The class of a message: a property of Bongsu's own (`$bongsu-class`), and a counter by input
/// and by source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Class {
    /// RFC 5424 header.
    Rfc5424,
    /// RFC 3164: a timestamp, or at least a tag, was found by the heuristics.
    Rfc3164,
    /// `@cee:` cookie at the start of the message text.
    Cee,
    /// No header; the text after PRI starts with `{` or `[`.
    Json,
    /// No header, where that is looked for (pmrfc3164's `detect.headerless`).
    Headerless,
    /// None of these: the text is all there is.
    #[default]
    Raw,
}

impl Class {
    pub const ALL: [Self; 6] =
        [Self::Rfc5424, Self::Rfc3164, Self::Cee, Self::Json, Self::Headerless, Self::Raw];

    /// The name in filters, counters and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rfc5424 => "rfc5424",
            Self::Rfc3164 => "rfc3164",
            Self::Cee => "cee",
            Self::Json => "json",
            Self::Headerless => "headerless",
            Self::Raw => "raw",
        }
    }
}
