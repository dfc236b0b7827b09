//! Carrying commands out through the SDK.

use halcyon_client::{Batch, BatchMap, Client, Keyspace, Map, SessionToken};
use halcyon_crdt::{Object, Op, Query, Update};
use serde_json::Value;

use super::answer::Answer;
use super::parse::Command;

/// One region's keyspace, and what reads of it wait for.
pub(super) struct Runner {
    client: Client,
    keyspace: String,
    session: Option<SessionToken>,
}

impl Runner {
    pub(super) fn new(client: Client, keyspace: String) -> Self {
        Self { client, keyspace, session: None }
    }

    /// Carries one command out.
    pub(super) async fn run(&mut self, command: Command) -> Answer {
        self.tried(command).await.unwrap_or_else(|error| error)
    }

    async fn tried(&mut self, command: Command) -> Result<Answer, Answer> {
        Ok(match command {
            Command::Write(updates) => {
                let mut batch = self.client.keyspace(&self.keyspace).batch();
                for update in updates {
                    note(&mut batch, update);
                }
                Answer::written(&batch.commit().await?)
            }
            Command::Read { object, query } => self.read(&object, &query).await?,
            Command::Token => match &self.session {
                Some(token) => Answer::token(&self.client.session(token.clone()).token().await?),
                None => Answer::token(&self.client.token().await?),
            },
            Command::Session(token) => {
                self.session = token.map(|token| token.parse()).transpose()?;
                Answer::done()
            }
            Command::Digest => Answer::digest(&self.client.digest().await?),
        })
    }

    async fn read(&self, object: &Object, query: &Query) -> Result<Answer, Answer> {
        let keyspace = match &self.session {
            Some(token) => self.client.session(token.clone()).keyspace(&self.keyspace),
            None => self.client.keyspace(&self.keyspace),
        };
        let (key, place) = (&object.key, Place::of(&keyspace, object));
        Ok(match (query, place) {
            (Query::Get, Place::Key) => Answer::register(keyspace.register(key).get_bytes().await?.as_ref()),
            (Query::Get, Place::Field(map, leaf)) => Answer::register(map.register(leaf).get_bytes().await?.as_ref()),
            (Query::Sum, Place::Key) => Answer::sum(keyspace.counter(key).get().await?),
            (Query::Sum, Place::Field(map, leaf)) => {
                map.counter(leaf).find().await?.map_or_else(|| Answer::value(&Value::Null), Answer::sum)
            }
            (Query::Elements(_), Place::Key) => Answer::items(&keyspace.set(key).members().await?),
            (Query::Elements(_), Place::Field(map, leaf)) => Answer::items(&map.set(leaf).members().await?),
            (Query::Fields(_), Place::Key) => Answer::items(&keyspace.map(key).fields().await?),
            (Query::Fields(_), Place::Field(map, leaf)) => Answer::items(&map.map(leaf).fields().await?),
            (Query::Contains { .. }, _) => Answer::bad_arguments("no command asks for one element".to_owned()),
        })
    }
}

/// Where an object lies, as the SDK's handles reach it.
enum Place<'a> {
    /// At the key itself.
    Key,
    /// In the last field of a path.
    Field(Map, &'a [u8]),
}

impl<'a> Place<'a> {
    fn of(keyspace: &Keyspace, object: &'a Object) -> Self {
        let Some((leaf, maps)) = object.path.split_last() else {
            return Place::Key;
        };
        Place::Field(maps.iter().fold(keyspace.map(&object.key), |map, field| map.map(field)), leaf)
    }
}

fn note(batch: &mut Batch, Update { object, op }: Update) {
    let Object { key, path, .. } = object;
    let Some((leaf, maps)) = path.split_last() else {
        match op {
            Op::Set { value } => {
                batch.register(key).set_bytes(value);
            }
            Op::Add { amount } => {
                batch.counter(key).add(amount);
            }
            Op::Unset => {
                batch.register(key).delete();
            }
            Op::Reset => {
                batch.counter(key).reset();
            }
            Op::Insert { element } => {
                batch.set(key).add(element);
            }
            Op::Remove { element } => {
                batch.set(key).remove(element);
            }
            Op::Delete => {
                batch.delete(key);
            }
        }
        return;
    };
    let map = maps.iter().fold(batch.map(key), BatchMap::map);
    match op {
        Op::Set { value } => {
            map.register(leaf).set_bytes(value);
        }
        Op::Add { amount } => {
            map.counter(leaf).add(amount);
        }
        Op::Unset => {
            map.register(leaf).delete();
        }
        Op::Reset => {
            map.counter(leaf).reset();
        }
        Op::Insert { element } => {
            map.set(leaf).add(element);
        }
        Op::Remove { element } => {
            map.set(leaf).remove(element);
        }
        Op::Delete => map.remove(leaf),
    }
}
