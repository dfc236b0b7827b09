//! Fields of maps.

use halcyon_crdt::{Kind, Op, Query};
use halcyon_wire::Receipt;

use super::parts;
use super::{
    BoundedCounter, Counter, Flag, HyperLogLog, List, Map, MvRegister, Register, Set, SortedSet, answer, operations,
};
use crate::buffer::Buffer;
use crate::error::{DeleteError, ReadError};
use crate::place::{Buffered, Live, Readable};

/// A field of a map: a place that gives a handle for every type, maps among them.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let customer = shop.map("customer:17850");
/// customer.field("orders").counter().add(1).await?;
/// customer.field("address").map().field("city").register().set("London").await?;
/// println!("{:?}", customer.field("address").kinds().await?);
/// customer.field("address").delete().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Field<P = Live> {
    place: P,
}

impl<P> Field<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

macro_rules! handles {
    ($place:ty, $receiver:tt, $self:ident => $inside:expr) => {
        handles! { @one Counter, counter, "counter", $place, $receiver, $self => $inside }
        handles! { @one Register, register, "register", $place, $receiver, $self => $inside }
        handles! { @one MvRegister, mv_register, "multi-value register", $place, $receiver, $self => $inside }
        handles! { @one Flag, flag, "flag", $place, $receiver, $self => $inside }
        handles! { @one Set, set, "set", $place, $receiver, $self => $inside }
        handles! { @one Map, map, "map", $place, $receiver, $self => $inside }
        handles! { @one SortedSet, sorted_set, "sorted set", $place, $receiver, $self => $inside }
        handles! { @one List, list, "list", $place, $receiver, $self => $inside }
        handles! { @one HyperLogLog, hyperloglog, "HyperLogLog", $place, $receiver, $self => $inside }
        handles! { @one BoundedCounter, bounded_counter, "bounded counter", $place, $receiver, $self => $inside }
    };
    (@one $handle:ident, $name:ident, $what:literal,
     $place:ty, [$($receiver:tt)+], $self:ident => $inside:expr) => {
        #[doc = concat!("The ", $what, " in the field.")]
        #[must_use]
        pub fn $name($($receiver)+) -> $handle<$place> {
            $handle::new($inside)
        }
    };
}

impl Field<Live> {
    handles!(Live, [&self], self => self.place.clone());

    /// Deletes the field piece by piece, where it is too large to be deleted at once: see
    /// [`Key::delete_in_parts`](crate::Key::delete_in_parts).
    ///
    /// # Errors
    /// [`DeleteError`].
    pub async fn delete_in_parts(&self) -> Result<Receipt, DeleteError> {
        parts::delete(&self.place).await
    }
}

impl<'a, B: Buffer> Field<Buffered<'a, B>> {
    handles!(Buffered<'a, B>, [self], self => self.place);
}

operations! { Field {
    /// Removes the field and everything below it. What is written there meanwhile, in any region, survives. `TooLarge` if
    /// more counters are below the field than one record may list.
    fn delete() => Op::Delete;
} }

impl<P: Readable> Field<P> {
    /// The kinds of which something is in the field; none if it is not there.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn kinds(&self) -> Result<Vec<Kind>, ReadError> {
        self.place.ask(Query::Kinds, answer::kinds).await
    }
}
