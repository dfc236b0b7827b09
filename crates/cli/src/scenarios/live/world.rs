//! One scenario's world: steps become requests to nodes.

use std::collections::BTreeMap;

use halcyon_client::{ReadError, Refusal, SessionToken, Transaction, WriteError};
use halcyon_crdt::{Answer, Object, Query as Question, Update};
use halcyon_sim::scenario::{Command, Dialect, Query, QueryKind, Reader, Refused, Region, Value, World, print};
use halcyon_types::{RegionId, UnixMs};
use halcyon_wire::Receipt;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::cluster::{Cluster, Stage};
use super::error::LiveError;
use crate::language::{WholeError, payload, shown, whole};

/// The world of one scenario.
pub(super) struct Live<'a> {
    runtime: &'a Handle,
    stopping: &'a watch::Receiver<bool>,
    inner: Inner<'a>,
}

struct Inner<'a> {
    cluster: &'a mut Cluster,
    stage: Stage,
    /// What each region's clock shows.
    walls: BTreeMap<Region, UnixMs>,
    transactions: BTreeMap<(Region, String), Transaction>,
    tokens: BTreeMap<String, SessionToken>,
}

impl<'a> Live<'a> {
    /// Prepares the nodes.
    pub(super) fn begin(
        runtime: &'a Handle,
        cluster: &'a mut Cluster,
        stopping: &'a watch::Receiver<bool>,
    ) -> Result<Self, LiveError> {
        let stage = runtime.block_on(unless_stopped(stopping, cluster.begin()))?;
        let walls = Region::ALL.into_iter().map(|region| (region, stage.base)).collect();
        let inner = Inner { cluster, stage, walls, transactions: BTreeMap::new(), tokens: BTreeMap::new() };
        Ok(Self { runtime, stopping, inner })
    }

    /// Waits for a step, unless the run is stopped.
    fn wait<T>(&mut self, step: impl AsyncFnOnce(&mut Inner<'a>) -> Result<T, LiveError>) -> Result<T, LiveError> {
        self.runtime.block_on(unless_stopped(self.stopping, step(&mut self.inner)))
    }
}

async fn unless_stopped<T>(
    stopping: &watch::Receiver<bool>,
    step: impl Future<Output = Result<T, LiveError>>,
) -> Result<T, LiveError> {
    let mut stopping = stopping.clone();
    tokio::select! {
        biased;
        // Nobody can say stop any more: the run is over.
        _ = stopping.wait_for(|stop| *stop) => Err(LiveError::Interrupted),
        done = step => done,
    }
}

impl Inner<'_> {
    fn speaking<T>(&self, say: impl FnOnce(&Dialect<'_>) -> T) -> T {
        let region = |letter: &str| self.region_id(letter);
        let Self { cluster, stage, .. } = self;
        say(&Dialect { keyspace: cluster.keyspace.id, prefix: &stage.prefix, region: &region, encode: &payload })
    }

    fn region_id(&self, letter: &str) -> Option<RegionId> {
        self.cluster.seat(Region::of_letter(letter)?).actor.region()
    }

    fn updates(&self, commands: &[Command]) -> Result<Vec<Update>, Refused> {
        let meant = self
            .speaking(|dialect| commands.iter().map(|command| dialect.updates(command)).collect::<Result<Vec<_>, _>>());
        let meant = meant.map_err(|e| Refused { name: "InvalidArgument".to_owned(), message: e.to_string() })?;
        Ok(meant.into_iter().flatten().collect())
    }

    async fn write(
        &mut self,
        region: Region,
        commands: &[Command],
        context: Option<&str>,
    ) -> Result<Result<(), Refused>, LiveError> {
        let updates = match self.updates(commands) {
            Ok(updates) => updates,
            Err(refused) => return Ok(Err(refused)),
        };
        let (client, keyspace) = (&self.cluster.seat(region).client, self.cluster.keyspace.name.as_str());
        let keyspace = match context {
            None => client.keyspace(keyspace),
            Some(name) => {
                let token = self.tokens.get(name).ok_or_else(|| LiveError::NoToken(name.to_owned()))?;
                // Nothing arrives while it waits: every link is cut.
                let session = client.session(token.clone()).wait(std::time::Duration::ZERO);
                session.as_context().keyspace(keyspace)
            }
        };
        let written = keyspace.submit(updates).await;
        self.outcome(region, written)
    }

    fn outcome(&self, region: Region, written: Result<Receipt, WriteError>) -> Result<Result<(), Refused>, LiveError> {
        let Err(error) = written else { return Ok(Ok(())) };
        match error {
            WriteError::Refused(_) | WriteError::InsufficientRights { .. } | WriteError::RightsOutstanding { .. } => {
                Ok(Err(Refused { name: error.name().to_owned(), message: error.to_string() }))
            }
            error => {
                let region = self.cluster.seat(region).name.clone();
                Err(LiveError::Write { region, source: Box::new(error) })
            }
        }
    }

    async fn ask(&self, region: Region, object: &Object, question: Question) -> Result<Option<Answer>, LiveError> {
        let keyspace = self.cluster.seat(region).client.keyspace(self.cluster.keyspace.name.as_str());
        match whole(question, async |question| keyspace.query(object.clone(), question).await).await {
            Ok(answer) => Ok(Some(answer)),
            Err(WholeError::Page(ReadError::Refused(Refusal::WrongType { .. }))) => Ok(None),
            Err(WholeError::Page(error)) => Err(self.cluster.seat(region).unread(error)),
            Err(WholeError::TooLong) => Err(LiveError::TooLong),
        }
    }

    async fn read(&mut self, region: Region, query: &Query) -> Result<Value, LiveError> {
        let (object, question) = self.speaking(|dialect| dialect.question(query));
        // A wrong type prints as nothing, as in the model.
        let Some(answer) = self.ask(region, &object, question).await? else { return Ok(Value::absent(query)) };
        let seat = self.cluster.seat(region);
        let expired = Value::expired(query);
        let now = if query.kind == QueryKind::Ttl { seat.standing().await?.now } else { UnixMs::default() };
        if matches!(answer, Answer::Deadline(Some(at)) if at <= now) {
            return Ok(expired);
        }
        let value = print(query, answer, Reader { actor: seat.actor, now, decode: &word });
        let in_doubt = value == Value::absent(query) && expired != value;
        Ok(if in_doubt && self.has_ended(region, &object).await? { expired } else { value })
    }

    /// Whether the key of an object has ended, as its region sees it.
    async fn has_ended(&self, region: Region, object: &Object) -> Result<bool, LiveError> {
        match self.ask(region, &object.root(), Question::Deadline).await? {
            Some(Answer::Deadline(Some(at))) => Ok(at <= self.cluster.seat(region).standing().await?.now),
            _ => Ok(false),
        }
    }
}

/// The text of a value's payload.
fn word(payload: &[u8]) -> String {
    match shown(payload) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

impl World for Live<'_> {
    type Error = LiveError;

    fn write(
        &mut self,
        region: Region,
        commands: &[Command],
        context: Option<&str>,
    ) -> Result<Result<(), Refused>, LiveError> {
        self.wait(async |live| live.write(region, commands, context).await)
    }

    fn begin(&mut self, region: Region, transaction: &str) -> Result<(), LiveError> {
        self.wait(async |live| {
            let keyspace = live.cluster.seat(region).client.keyspace(live.cluster.keyspace.name.as_str());
            let begun = keyspace.begin().await.map_err(|error| live.cluster.seat(region).unread(error))?;
            live.transactions.insert((region, transaction.to_owned()), begun);
            Ok(())
        })
    }

    fn buffer(&mut self, region: Region, transaction: &str, command: &Command) -> Result<(), LiveError> {
        let updates = self.inner.updates(std::slice::from_ref(command)).map_err(|e| LiveError::Meaning(e.message))?;
        let open = self.inner.transactions.get_mut(&(region, transaction.to_owned()));
        let open = open.ok_or_else(|| LiveError::NoTransaction(transaction.to_owned()))?;
        for update in updates {
            open.note(update);
        }
        Ok(())
    }

    fn commit(&mut self, region: Region, transaction: &str) -> Result<Result<(), Refused>, LiveError> {
        let open = self.inner.transactions.remove(&(region, transaction.to_owned()));
        let open = open.ok_or_else(|| LiveError::NoTransaction(transaction.to_owned()))?;
        self.wait(async |live| {
            let written = open.commit().await;
            live.outcome(region, written)
        })
    }

    fn save(&mut self, region: Region, token: &str) -> Result<(), LiveError> {
        self.wait(async |live| {
            let seen = live.cluster.seat(region).vector().await?;
            live.tokens.insert(token.to_owned(), seen.into());
            Ok(())
        })
    }

    fn read(&mut self, region: Region, query: &Query) -> Result<Value, LiveError> {
        self.wait(async |live| live.read(region, query).await)
    }

    fn pull(&mut self, from: Region, to: Region, own: bool) -> Result<(), LiveError> {
        self.wait(async |live| live.cluster.pull(from, to, own).await)
    }

    fn sync(&mut self) -> Result<(), LiveError> {
        self.wait(async |live| {
            let at = live.walls.values().copied().max().unwrap_or_default();
            live.cluster.sync(at).await
        })
    }

    fn clock(&mut self, region: Region, ms: u64) -> Result<(), LiveError> {
        let at = UnixMs(self.inner.stage.base.0.saturating_add(ms));
        self.inner.walls.insert(region, at);
        self.wait(async |live| live.cluster.set_clock(region, at).await)
    }

    fn advance(&mut self, ms: u64) -> Result<(), LiveError> {
        self.wait(async |live| {
            for region in Region::ALL {
                let wall = live.walls.entry(region).or_default();
                wall.0 = wall.0.saturating_add(ms);
                let at = *wall;
                live.cluster.set_clock(region, at).await?;
            }
            Ok(())
        })
    }
}
