//! One call, through the SDK: asked, and what came of it.

use std::time::Duration;

use bytes::Bytes;
use halcyon_client::raw::Object;
use halcyon_client::{
    Client, Keyspace, ReadError, Refusal, RequestId, SessionToken, Transaction, UnknownKeyspace, WriteError,
};
use tokio::time::sleep;

use crate::history::{Answered, Asked, End, How};
use crate::op::{Read, Update, Value};
use crate::vector::{Dot, Vector};

const KEYSPACE: &str = "default";
/// How often a transaction asks what came of its commit before it gives up.
const COMMIT_RETRIES: usize = 2;
/// Between a transaction's begin, its reads and its commit: others should get in between.
const PAUSE: Duration = Duration::from_millis(25);
/// How long requests wait for their session's token.
const SESSION_WAIT: Duration = Duration::from_millis(1_500);

/// Does what is asked in the region that `client` speaks with.
pub(crate) async fn perform(client: &Client, asked: &Asked, request: Option<RequestId>) -> Answered {
    let session = asked.session.as_ref().map(|seen| client.session(token_of(seen)).wait(SESSION_WAIT));
    let keyspace = match (&session, asked.how) {
        (Some(session), How::Context) => session.clone().as_context().keyspace(KEYSPACE),
        (Some(session), _) => session.keyspace(KEYSPACE),
        (None, _) => client.keyspace(KEYSPACE),
    };
    let call = Call { client, keyspace, asked };
    match (asked.how, asked.reads.first()) {
        (How::Transaction | How::Checked, _) => call.transaction().await,
        (How::Plain | How::Context, Some(read)) => {
            let mut answered = call.read(read).await;
            if answered.end == End::Read {
                let after = match &session {
                    Some(session) => session.token().await,
                    None => client.token().await,
                };
                // Without it the read is judged all the same, only less sharply.
                answered.after = after.ok().as_ref().map(vector_of);
            }
            answered
        }
        (How::Plain | How::Context, None) => call.write(request).await,
    }
}

/// As the SDK has it.
pub(crate) fn token_of(vector: &Vector) -> SessionToken {
    vector.to_string().parse().expect("a token as it was told")
}

/// As the history has it.
pub(crate) fn vector_of(token: &SessionToken) -> Vector {
    token.to_string().parse().expect("a token's text")
}

struct Call<'a> {
    client: &'a Client,
    keyspace: Keyspace,
    asked: &'a Asked,
}

impl Call<'_> {
    async fn write(&self, request: Option<RequestId>) -> Answered {
        let mut batch = self.keyspace.batch();
        for update in self.raw() {
            batch.note(update);
        }
        let batch = match request {
            Some(request) => batch.request(request),
            None => batch,
        };
        Answered { end: end(batch.commit().await), ..Answered::default() }
    }

    /// Several pages are several moments, so only what fits one is an answer.
    async fn read(&self, read: &Read) -> Answered {
        let answer = self.keyspace.query(read.object(&self.objects()), read.query(None)).await;
        match answer.map(|answer| Value::of(read.kind, answer)) {
            Ok((value, None)) => Answered { values: vec![value], ..Answered::default() },
            Ok((_, Some(_))) => refused("more than a page"),
            Err(ReadError::Refused(Refusal::WrongType { .. })) => {
                Answered { values: vec![read.kind.nothing()], ..Answered::default() }
            }
            Err(error) => refused(error.name()),
        }
    }

    async fn transaction(&self) -> Answered {
        let checks = self.asked.how == How::Checked;
        let mut tx = match self.keyspace.begin().await {
            Ok(tx) => tx,
            Err(error) => return refused(error.name()),
        };
        if checks {
            tx.check_reads();
        }
        let seen = Some(vector_of(tx.seen()));
        sleep(PAUSE).await;
        let (mut answered, whole) = (Answered { seen, ..Answered::default() }, self.look(&tx).await);
        answered.values = whole.values;
        if let Some(failed) = whole.failed {
            return Answered { end: End::Refused(failed), ..answered };
        }
        if self.asked.updates.is_empty() {
            tx.abort();
            return answered;
        }
        for update in self.raw() {
            tx.note(update);
        }
        if !checks {
            let whole = self.look(&tx).await;
            answered.again = whole.values;
            if let Some(failed) = whole.failed {
                return Answered { end: End::Refused(failed), ..answered };
            }
        }
        sleep(PAUSE).await;
        let mut outcome = tx.commit().await;
        for _ in 0..COMMIT_RETRIES {
            match outcome {
                Err(WriteError::OutcomeUnknown(unanswered)) => outcome = self.client.retry(unanswered).await,
                _ => break,
            }
        }
        Answered { end: end(outcome), ..answered }
    }

    async fn look(&self, tx: &Transaction) -> Looked {
        let mut values = Vec::new();
        for read in &self.asked.reads {
            match self.every_page(tx, read).await {
                Ok(value) => values.push(value),
                Err(error) => return Looked { values, failed: Some(error.name().to_owned()) },
            }
        }
        Looked { values, failed: None }
    }

    async fn every_page(&self, tx: &Transaction, read: &Read) -> Result<Value, ReadError> {
        let mut whole: Option<Value> = None;
        let mut after = None;
        loop {
            let answer = match tx.query(read.object(&self.objects()), read.query(after)).await {
                Err(ReadError::Refused(Refusal::WrongType { .. })) => return Ok(read.kind.nothing()),
                answer => answer?,
            };
            let (value, next) = Value::of(read.kind, answer);
            match &mut whole {
                Some(whole) => whole.extend(value),
                None => whole = Some(value),
            }
            after = next;
            if after.is_none() {
                return Ok(whole.unwrap_or_else(|| read.kind.nothing()));
            }
        }
    }

    fn objects(&self) -> impl Fn(&str) -> Result<Object, UnknownKeyspace> {
        |key| self.keyspace.object(Bytes::copy_from_slice(key.as_bytes()))
    }

    fn raw(&self) -> Vec<halcyon_client::raw::Update> {
        self.asked.updates.iter().map(|update: &Update| update.raw(&self.objects())).collect()
    }
}

struct Looked {
    values: Vec<Value>,
    failed: Option<String>,
}

fn refused(why: &str) -> Answered {
    Answered { end: End::Refused(why.to_owned()), ..Answered::default() }
}

fn end(outcome: Result<halcyon_client::Receipt, WriteError>) -> End {
    match outcome {
        Ok(receipt) => {
            let dot: Dot = receipt.dot.to_string().parse().expect("a dot's text");
            End::Written { dot, token: vector_of(&receipt.token.into()) }
        }
        Err(WriteError::OutcomeUnknown(unanswered)) => End::Unknown(unanswered.why().to_owned()),
        Err(error) => End::Refused(error.name().to_owned()),
    }
}
