//! The rules of the SDK, each a sentence, on regions made of channels and a virtual clock.

mod copies;
mod flow;
mod forms;
mod handles;
mod parts;
mod regions;
mod rights;
mod sessions;
mod transactions;
mod writes;

use halcyon_crdt::Object;
use halcyon_types::KeyspaceId;

/// The object at `key` of the keyspace with this number, in nested fields.
fn object(keyspace: u64, key: &str, path: &[&str]) -> Object {
    let object = Object::new(KeyspaceId::try_from(keyspace).unwrap(), key.to_owned());
    path.iter().fold(object, |object, field| object.field((*field).to_owned()))
}

/// The object at `key` of the first keyspace.
fn at(key: &str, path: &[&str]) -> Object {
    object(10, key, path)
}
