//! The typed handles: a name, and what can be done and read there. Each is made once, for every [place](crate::place).

mod bounded_counter;
mod counter;
mod field;
mod flag;
mod hyperloglog;
mod key;
mod list;
mod map;
mod mv_register;
mod parts;
mod register;
mod set;
mod sorted_set;
mod spot;
mod value;
mod window;

use halcyon_crdt::PageRequest;
use halcyon_crdt::query::Page;
use halcyon_types::limits::PAGE_ITEMS_MAX;

use crate::error::ReadError;

pub use self::bounded_counter::BoundedCounter;
pub use self::counter::Counter;
pub use self::field::Field;
pub use self::flag::Flag;
pub use self::hyperloglog::HyperLogLog;
pub use self::key::Key;
pub use self::list::{List, ListItem};
pub use self::map::Map;
pub use self::mv_register::MvRegister;
pub use self::register::Register;
pub use self::set::Set;
pub use self::sorted_set::SortedSet;
pub use self::spot::{Position, Spot};
pub use self::window::Direction;

/// The most that a region puts into one page.
#[expect(clippy::cast_possible_truncation, reason = "a constant far below")]
pub(crate) const PAGE_ITEMS: u32 = PAGE_ITEMS_MAX as u32;

/// The handles of whatever holds objects by name: `$place` is where they are, `$receiver` and `$self` whose they are.
macro_rules! getters {
    ($place:ty, [$($receiver:tt)+], $self:ident, $where:literal) => {
        $crate::handles::getters! { @each $place, [$($receiver)+], $self, $where;
            counter Counter "counter",
            register Register "register",
            mv_register MvRegister "multi-value register",
            flag Flag "flag",
            set Set "set",
            map Map "map",
            sorted_set SortedSet "sorted set",
            list List "list",
            hyperloglog HyperLogLog "HyperLogLog",
            bounded_counter BoundedCounter "bounded counter",
        }
    };
    (@each $place:ty, $receiver:tt, $self:ident, $where:literal; $($name:ident $handle:ident $what:literal,)+) => {
        $($crate::handles::getters! { @one $place, $receiver, $self, $where, $name, $handle, $what })+
    };
    (@one $place:ty, [$($receiver:tt)+], $self:ident, $where:literal, $name:ident, $handle:ident, $what:literal) => {
        #[doc = concat!("The ", $what, " ", $where, ".")]
        #[must_use]
        pub fn $name($($receiver)+, key: impl AsRef<[u8]>) -> $crate::handles::$handle<$place> {
            $crate::handles::$handle::new($self.at(key.as_ref()))
        }
    };
}
pub(crate) use getters;

/// What can be done through a handle: each line becomes a method that sends at once and one that takes a note.
macro_rules! operations {
    ($handle:ident { $($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) => $op:expr;)+ }) => {
        impl $handle<$crate::place::Live> {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`WriteError`](crate::WriteError).
                pub async fn $name(&self, $($arg: $type),*) -> Result<halcyon_wire::Receipt, $crate::WriteError> {
                    let op = $crate::handles::IntoOp::into_op($op);
                    self.place.update(op?).await
                }
            )+
        }

        impl<B: $crate::Buffer> $handle<$crate::place::Buffered<'_, B>> {
            $(
                $(#[$doc])*
                pub fn $name(&mut self, $($arg: $type),*) -> &mut Self {
                    self.place.note($crate::handles::IntoOp::into_op($op));
                    self
                }
            )+
        }
    };
}
pub(crate) use operations;

/// An operation, or why its value cannot be encoded.
pub(crate) trait IntoOp {
    fn into_op(self) -> Result<halcyon_crdt::Op, crate::WriteError>;
}

impl IntoOp for halcyon_crdt::Op {
    fn into_op(self) -> Result<halcyon_crdt::Op, crate::WriteError> {
        Ok(self)
    }
}

impl IntoOp for Result<halcyon_crdt::Op, crate::WriteError> {
    fn into_op(self) -> Self {
        self
    }
}

/// Every page, one after the other.
pub(crate) async fn every_page<T, F>(mut ask: impl FnMut(PageRequest) -> F) -> Result<Vec<T>, ReadError>
where
    F: Future<Output = Result<Page<T>, ReadError>>,
{
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let mut page = ask(PageRequest { after, items_max: PAGE_ITEMS }).await?;
        items.append(&mut page.items);
        after = page.next;
        if after.is_none() {
            return Ok(items);
        }
    }
}

/// What an answer is made of; `None` for one of another form.
pub(crate) mod answer {
    use bytes::Bytes;
    use halcyon_crdt::{Answer, Item, Kind, Page, Scored};
    use halcyon_types::{ActorId, UnixMs};

    macro_rules! forms {
        ($($name:ident $form:ident $type:ty,)+) => {
            $(pub(crate) fn $name(answer: Answer) -> Option<$type> {
                if let Answer::$form(inside) = answer { Some(inside) } else { None }
            })+
        };
    }
    forms! {
        value Value Option<Bytes>,
        values Values Vec<Bytes>,
        sum Sum Option<i128>,
        is Is bool,
        page Page Page,
        score Score Option<f64>,
        rank Rank Option<u64>,
        scored Scored Page<Scored>,
        items Items Page<Item>,
        count Count u64,
        rights Rights Vec<(ActorId, i128)>,
        deadline Deadline Option<UnixMs>,
        kinds Kinds Vec<Kind>,
    }
}
