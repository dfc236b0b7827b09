//! Carrying commands out through the SDK.

use std::collections::BTreeMap;

use halcyon_client::{Client, KeyInfo, Keyspace, ReadError, SessionToken, Transaction, now};
use halcyon_crdt::{Answer as Found, Object, Query as Question, Update};
use halcyon_sim::scenario::{self, Dialect, MeaningError, Query, Statement};
use halcyon_types::limits::CHECKS_MAX;
use halcyon_types::topology::{self, Region, Topology};
use serde_json::{Value, json};

use super::answer::Answer;
use super::cursor;
use super::parse::Command;
use super::show::{self, Reader};
use crate::language::{ITEMS_MAX, WholeError, payload, region_id, text, whole};

/// Keys of one page of a scan.
const SCAN_KEYS: u32 = 256;

/// One region's keyspace, and what has been begun there.
pub(super) struct Runner<'a> {
    client: Client,
    topology: &'a Topology,
    region: &'a Region,
    keyspace: &'a topology::Keyspace,
    session: Option<SessionToken>,
    transactions: BTreeMap<String, Open>,
}

/// An open transaction.
struct Open {
    transaction: Transaction,
    /// What it has read, for a commit that checks it; no more than can be checked, and one.
    reads: Vec<(Object, Question)>,
}

impl<'a> Runner<'a> {
    pub(super) const fn new(
        client: Client,
        topology: &'a Topology,
        region: &'a Region,
        keyspace: &'a topology::Keyspace,
    ) -> Self {
        Self { client, topology, region, keyspace, session: None, transactions: BTreeMap::new() }
    }

    /// Carries one command out.
    pub(super) async fn run(&mut self, command: Command) -> Answer {
        self.tried(command).await.unwrap_or_else(|error| error)
    }

    async fn tried(&mut self, command: Command) -> Result<Answer, Answer> {
        match command {
            Command::Write { writes, context } => self.write(&writes, context).await,
            Command::Read(query) => {
                let (object, question) = self.question(&query);
                let keyspace = self.here();
                let ask = async |question: Question| keyspace.query(object.clone(), question).await;
                self.shown(&query, whole(question, ask).await)
            }
            Command::Begin(name) => self.begin(name).await,
            Command::Within { transaction, statement: Statement::Write(write) } => self.note(&transaction, &write),
            Command::Within { transaction, statement: Statement::Read(query) } => self.look(&transaction, &query).await,
            Command::Commit { transaction, check } => self.commit(&transaction, check).await,
            Command::Abort(name) => {
                let open = self.transactions.remove(&name).ok_or_else(|| not_open(&name))?;
                open.transaction.abort();
                Ok(Answer::done())
            }
            Command::Scan { beginning, cursor } => self.scan(&beginning, cursor.as_deref()).await,
            Command::Token => Ok(Answer::token(&match &self.session {
                Some(token) => self.client.session(token.clone()).token().await?,
                None => self.client.token().await?,
            })),
            Command::Session(token) => {
                self.session = token.map(|token| token.parse()).transpose()?;
                Ok(Answer::done())
            }
            Command::Digest => {
                self.caught_up().await?;
                Ok(Answer::digest(&self.client.digest().await?))
            }
        }
    }

    /// Waits until the region has seen the session, where the request itself does not.
    async fn caught_up(&self) -> Result<(), Answer> {
        if let Some(token) = &self.session {
            self.client.session(token.clone()).token().await?;
        }
        Ok(())
    }

    /// The keyspace, as the session sees it.
    fn here(&self) -> Keyspace {
        match &self.session {
            Some(token) => self.client.session(token.clone()).keyspace(self.keyspace.name.as_str()),
            None => self.client.keyspace(self.keyspace.name.as_str()),
        }
    }

    fn speaking<T>(&self, say: impl FnOnce(&Dialect<'_>) -> T) -> T {
        let region = |name: &str| region_id(self.topology, name);
        say(&Dialect { keyspace: self.keyspace.id, prefix: "", region: &region, encode: &payload })
    }

    fn question(&self, query: &Query) -> (Object, Question) {
        self.speaking(|dialect| dialect.question(query))
    }

    fn updates(&self, writes: &[scenario::Command]) -> Result<Vec<Update>, Answer> {
        let meant =
            self.speaking(|dialect| writes.iter().map(|write| dialect.updates(write)).collect::<Result<Vec<_>, _>>());
        let updates: Vec<_> = meant.map_err(|error| meaningless(&error))?.into_iter().flatten().collect();
        let checked = updates.iter().try_for_each(Update::check);
        checked.map_err(|error| Answer::error("InvalidArgument", &error)).map(|()| updates)
    }

    async fn write(&self, writes: &[scenario::Command], context: Option<String>) -> Result<Answer, Answer> {
        let updates = self.updates(writes)?;
        let keyspace = match context {
            None => self.here(),
            Some(token) => {
                self.caught_up().await?;
                self.client.session(token.parse::<SessionToken>()?).as_context().keyspace(self.keyspace.name.as_str())
            }
        };
        Ok(Answer::written(&keyspace.submit(updates).await?))
    }

    async fn begin(&mut self, name: String) -> Result<Answer, Answer> {
        if self.transactions.contains_key(&name) {
            let message = format!("transaction `{name}` is open; commit or abort it, or use another name");
            return Err(Answer::bad_arguments(&message));
        }
        let transaction = self.here().begin().await?;
        let answer = Answer::begun(transaction.seen());
        self.transactions.insert(name, Open { transaction, reads: Vec::new() });
        Ok(answer)
    }

    fn note(&mut self, name: &str, write: &scenario::Command) -> Result<Answer, Answer> {
        let updates = self.updates(std::slice::from_ref(write))?;
        let open = self.transactions.get_mut(name).ok_or_else(|| not_open(name))?;
        for update in updates {
            open.transaction.note(update);
        }
        Ok(Answer::done())
    }

    async fn look(&mut self, name: &str, query: &Query) -> Result<Answer, Answer> {
        let (object, question) = self.question(query);
        let Open { transaction, reads } = self.transactions.get_mut(name).ok_or_else(|| not_open(name))?;
        let ask = async |question: Question| {
            let read = (object.clone(), question.clone());
            if reads.len() <= CHECKS_MAX && !reads.contains(&read) {
                reads.push(read);
            }
            transaction.query(object.clone(), question).await
        };
        let found = whole(question, ask).await;
        self.shown(query, found)
    }

    async fn commit(&mut self, name: &str, check: bool) -> Result<Answer, Answer> {
        let Open { mut transaction, reads } = self.transactions.remove(name).ok_or_else(|| not_open(name))?;
        if check {
            // The SDK checks what is read from here on: the same again, of the same moment.
            transaction.check_reads();
            for (object, question) in reads {
                match transaction.query(object, question).await {
                    Ok(_) | Err(ReadError::Refused(halcyon_client::Refusal::WrongType { .. })) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(Answer::written(&transaction.commit().await?))
    }

    async fn scan(&self, beginning: &str, after: Option<&str>) -> Result<Answer, Answer> {
        let unknown = || {
            let message =
                "an unknown cursor: give back what a page of the same prefix told as its next, or none to begin";
            Answer::error("UnknownCursor", &message)
        };
        let after = after.map(|text| cursor::parse(text, beginning).ok_or_else(unknown)).transpose()?;
        let page = self.here().scan(beginning, after.as_deref(), SCAN_KEYS).await?;
        let keys: Vec<_> =
            page.items.iter().map(|KeyInfo { key, kinds }| json!({ "key": text(key), "kinds": kinds })).collect();
        let next = page.next.map(|next| cursor::print(&next));
        Ok(Answer::value(&json!({ "keys": keys, "next": next.map_or(Value::Null, Value::from) })))
    }

    fn shown(&self, query: &Query, found: Result<Found, WholeError<ReadError>>) -> Result<Answer, Answer> {
        match found {
            Ok(found) => Ok(show::answer(query, found, Reader { region: self.region.id, now: now() })),
            Err(WholeError::Page(error)) => Err(error.into()),
            Err(WholeError::TooLong) => {
                let message = format!("there are more than {ITEMS_MAX} items; read ranges, or ask for single ones");
                Err(Answer::error("TooLarge", &message))
            }
        }
    }
}

fn not_open(name: &str) -> Answer {
    Answer::error("TransactionExpired", &format!("no transaction `{name}` is open; begin it first: begin {name}"))
}

fn meaningless(error: &MeaningError) -> Answer {
    let name = match error {
        MeaningError::Region(_) => "UnknownRegion",
        MeaningError::Amount(_) => "InvalidArgument",
    };
    Answer::error(name, error)
}
