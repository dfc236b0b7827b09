//! The vocabulary of the wire, for tools that bring their own: what [`Keyspace::submit`](crate::Keyspace::submit),
//! [`Keyspace::query`](crate::Keyspace::query) and their like in batches and transactions take. Applications want the
//! typed handles.
//!
//! ```no_run
//! use halcyon_client::raw::{Op, Query, Update};
//!
//! # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
//! let object = shop.object("net:22465")?;
//! shop.submit(vec![Update { object: object.clone(), op: Op::Add { amount: 12 } }]).await?;
//! println!("{:?}", shop.query(object, Query::Sum).await?);
//! # Ok(()) }
//! ```

pub use halcyon_crdt::{Answer, End, Item, Object, Op, PageRequest, Place, Query, Side, Update};
