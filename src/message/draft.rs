//! A message on its way through the rules, which may change it.

use crate::base::span::Span;
use crate::message::Batch;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Variables;
use crate::message::View;

/// One message that may be changed: its spans, its variables, and bytes that are added behind those
/// of its batch. Other messages of the batch stay as they are.
#[derive(Debug)]
pub struct Draft<'a> {
    batch: &'a mut Batch,
    pub message: Message,
    pub variables: &'a mut Variables,
}

impl<'a> Draft<'a> {
    /// The message at `index` of the batch, which exists.
    pub fn new(batch: &'a mut Batch, index: usize, variables: &'a mut Variables) -> Self {
        let message = batch.messages[index];
        Self { batch, message, variables }
    }

    /// What filters, templates and outputs see now.
    #[must_use]
    #[inline]
    pub const fn view(&self) -> View<'_> {
        View { batch: self.batch, message: &self.message, variables: self.variables }
    }

    /// The same with its variables to be changed.
    #[must_use]
    #[inline]
    pub const fn parts(&mut self) -> (&Batch, &Message, &mut Variables) {
        (self.batch, &self.message, self.variables)
    }

    /// Bytes of the message.
    #[must_use]
    pub fn bytes(&self, span: Span) -> &[u8] {
        span.of(&self.batch.data)
    }

    /// Puts new bytes into the batch, for a span of this message.
    pub fn add(&mut self, bytes: &[u8]) -> Span {
        let start = self.batch.data.len();
        self.batch.data.extend_from_slice(bytes);
        Span::new(start, self.batch.data.len())
    }

    /// Puts `text` in place of `msg`. As in rsyslog `rawmsg` changes with it, whose end it is.
    pub fn replace_msg(&mut self, text: &[u8]) {
        let Message { raw, msg, .. } = self.message;
        let start = self.batch.data.len();
        if raw.start <= msg.start && msg.end <= raw.end {
            self.batch.data.extend_from_within(raw.start as usize..msg.start as usize);
        }
        let message = self.add(text);
        self.message.msg = message;
        self.message.raw = Span::new(start, message.end as usize);
        self.message.flags.clear(MessageFlags::VERBATIM);
    }

    /// Gives the message another tag. `rawmsg` stays as it was received.
    pub fn set_tag(&mut self, tag: &[u8]) {
        self.message.tag = self.add(tag);
        self.message.flags.set(MessageFlags::TAG_SET);
        self.message.flags.clear(MessageFlags::VERBATIM);
    }

    /// Gives the message the relay's own host name.
    pub fn set_own_hostname(&mut self) {
        let start = self.batch.data.len();
        self.batch.data.extend_from_slice(self.batch.input.hostname.as_bytes());
        self.message.hostname = Span::new(start, self.batch.data.len());
        self.message.flags.set(MessageFlags::HOSTNAME_SET);
        self.message.flags.clear(MessageFlags::VERBATIM);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::message::InputInfo;

    #[test]
    fn a_change_stays_with_its_message() {
        let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("vm") };
        let mut batch = Batch::new(Arc::new(input));
        batch.data.extend_from_slice(b"one two");
        for (start, end) in [(0, 3), (4, 7)] {
            let msg = Span::new(start, end);
            batch.messages.push(Message { msg, ..Message::default() });
        }
        let mut variables = Variables::default();
        let mut draft = Draft::new(&mut batch, 0, &mut variables);
        draft.message.msg = draft.add(b"eno");
        assert_eq!(draft.bytes(draft.message.msg), b"eno");
        let added = draft.add(b"!");
        assert_eq!(draft.view().bytes(added), b"!");
        draft.message.raw = Span::new(0, 7);
        draft.message.msg = Span::new(4, 7);
        draft.replace_msg(b"three");
        let Message { raw, msg, .. } = draft.message;
        assert_eq!((draft.bytes(raw), draft.bytes(msg)), (&b"one three"[..], &b"three"[..]));
        assert_eq!(batch.messages[1].msg.of(&batch.data), b"two");
        assert_eq!(batch.messages[0].msg.of(&batch.data), b"one");
    }
}
