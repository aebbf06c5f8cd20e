//! Floor 2: the message model. A [`Batch`] owns the received bytes; a [`Message`] is spans into
//! them; a [`View`] is one message together with its batch, which is what filters and templates
//! read.

mod ack;
mod batch;
mod class;
mod draft;
pub mod json;
mod json_mesg;
mod pri;
mod property;
mod source;
mod time;
mod time_format;
mod variables;

pub use ack::Ack;
pub use batch::Arrival;
pub use batch::Batch;
pub use batch::Folded;
pub use batch::Form;
pub use batch::InputInfo;
pub use batch::Message;
pub use batch::MessageFlags;
pub use batch::View;
pub use class::Class;
pub use draft::Draft;
pub use pri::Pri;
pub use pri::PriMask;
pub use property::NowField;
pub use property::Property;
pub use property::write_pri;
pub use source::Source;
pub use time::Offset;
pub use time::Timestamp;
pub use time_format::TimeFormat;
pub use time_format::month_name;
pub use time_format::write_number;
pub use variables::GlobalVariables;
pub use variables::Tree;
pub use variables::Variable;
pub use variables::Variables;
