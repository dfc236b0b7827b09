//! What a command answers, as one line of JSON.

use halcyon_client::{Digest, Holders, ReadError, Receipt, Refusal, SessionToken, TokenError, WriteError};
use serde_json::{Map, Value, json};

use super::parse::ParseError;

/// `{"ok": …}` or `{"error": NAME, "message": …, …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was done; the whole line.
    Ok(String),
    /// It was not, and why.
    Error {
        /// Its name, for scripts.
        name: String,
        /// In words.
        message: String,
        /// What a script may want to know besides.
        details: Map<String, Value>,
    },
}

impl Answer {
    /// The line to print.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Ok(line) => line.clone(),
            Self::Error { name, message, details } => {
                let mut line =
                    Map::from_iter([("error".to_owned(), json!(name)), ("message".to_owned(), json!(message))]);
                line.extend(details.clone());
                Value::Object(line).to_string()
            }
        }
    }

    /// Whether it was done.
    pub(super) const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok(_))
    }

    pub(super) fn error(name: &str, message: &impl ToString) -> Self {
        Self::Error { name: name.to_owned(), message: message.to_string(), details: Map::new() }
    }

    pub(super) fn bad_arguments(message: &impl ToString) -> Self {
        Self::error("BadArguments", message)
    }

    pub(super) fn value(value: &Value) -> Self {
        Self::Ok(json!({ "ok": value }).to_string())
    }

    pub(super) fn done() -> Self {
        Self::value(&Value::Bool(true))
    }

    pub(super) fn written(receipt: &Receipt) -> Self {
        let token = SessionToken::from(receipt.token.clone()).to_string();
        Self::Ok(json!({ "ok": true, "dot": receipt.dot.to_string(), "token": token }).to_string())
    }

    pub(super) fn begun(seen: &SessionToken) -> Self {
        Self::Ok(json!({ "ok": true, "token": seen.to_string() }).to_string())
    }

    pub(super) fn token(token: &SessionToken) -> Self {
        Self::value(&Value::String(token.to_string()))
    }

    pub(super) fn digest(digest: &Digest) -> Self {
        let hex = crate::hex(&digest.digest);
        Self::value(&json!({ "digest": hex, "rows": digest.rows, "token": digest.token.to_string() }))
    }

    /// A sum may be past what `serde_json` holds in 64 bits, and is an integer all the same.
    pub(super) fn sum(sum: i128) -> Self {
        Self::Ok(format!("{{\"ok\":{sum}}}"))
    }

    fn with(mut self, what: &str, value: Value) -> Self {
        if let Self::Error { details, .. } = &mut self {
            details.insert(what.to_owned(), value);
        }
        self
    }

    fn refused(refusal: &Refusal) -> Self {
        let error = Self::error(refusal.name(), refusal);
        match refusal {
            Refusal::WrongType { asked, present } => error.with("asked", json!(asked)).with("kinds", json!(present)),
            Refusal::Changed { index } => error.with("read", json!(index)),
            _ => error,
        }
    }
}

/// Rights by the name of their region, all its logs in one.
fn holders(holders: &Holders) -> Value {
    let mut by_region = std::collections::BTreeMap::<String, i128>::new();
    for holder in &holders.0 {
        let region = holder.region.as_ref().map_or_else(|| holder.actor.to_string(), ToString::to_string);
        *by_region.entry(region).or_default() += holder.rights;
    }
    let number =
        |rights: i128| i64::try_from(rights).map_or_else(|_| json!(rights.to_string()), |rights| json!(rights));
    by_region.into_iter().map(|(region, rights)| (region, number(rights))).collect::<Map<_, _>>().into()
}

impl From<ParseError> for Answer {
    fn from(parse: ParseError) -> Self {
        Self::error(parse.name(), &parse)
    }
}

impl From<WriteError> for Answer {
    fn from(write: WriteError) -> Self {
        match &write {
            WriteError::Refused(refusal) => Self::refused(refusal),
            WriteError::InsufficientRights { needed, holders: who, .. } => {
                Self::error(write.name(), &write).with("needed", json!(needed)).with("holders", holders(who))
            }
            WriteError::RightsOutstanding { holders: who } => {
                Self::error(write.name(), &write).with("holders", holders(who))
            }
            _ => Self::error(write.name(), &write),
        }
    }
}

impl From<ReadError> for Answer {
    fn from(read: ReadError) -> Self {
        match &read {
            ReadError::Refused(refusal) => Self::refused(refusal),
            _ => Self::error(read.name(), &read),
        }
    }
}

impl From<TokenError> for Answer {
    fn from(token: TokenError) -> Self {
        Self::bad_arguments(&token)
    }
}

#[cfg(test)]
mod tests {
    use halcyon_client::{Holder, Kind};
    use halcyon_types::{ActorId, RegionId, UnixMs};

    use super::*;

    fn line(answer: &Answer) -> Value {
        serde_json::from_str(&answer.line()).unwrap()
    }

    #[test]
    fn sums_are_integers_of_any_size() {
        assert_eq!(Answer::sum(-7).line(), "{\"ok\":-7}");
        assert_eq!(Answer::sum(i128::from(i64::MAX) * 3).line(), "{\"ok\":27670116110564327421}");
    }

    #[test]
    fn errors_have_a_name_and_a_message() {
        let answer = Answer::from(ParseError::Unknown { word: "x".to_owned() });
        assert!(!answer.is_ok());
        assert_eq!(line(&answer)["error"], "UnknownCommand");
        assert!(line(&answer)["message"].as_str().unwrap().contains("hkeys"));
    }

    #[test]
    fn a_wrong_type_names_the_kinds_that_are_there() {
        let refusal = Refusal::WrongType { asked: Kind::MvRegister, present: vec![Kind::Counter, Kind::SortedSet] };
        let line = line(&Answer::from(ReadError::Refused(refusal)));
        assert_eq!(line["error"], "WrongType");
        assert_eq!((&line["asked"], &line["kinds"]), (&json!("mvregister"), &json!(["counter", "sortedset"])));
    }

    #[test]
    fn insufficient_rights_say_which_region_holds_how_many() {
        let region = |id: u64| RegionId::try_from(id).unwrap();
        let holder = |name: &str, id, minted, rights| Holder {
            region: Some(name.parse().unwrap()),
            actor: ActorId::mint(region(id), UnixMs(minted)),
            rights,
        };
        let holders = Holders(vec![holder("eu", 1, 1, 3), holder("eu", 1, 2, 4), holder("us", 2, 1, 5)]);
        let counter = halcyon_crdt::Object::new(10_u64.try_into().unwrap(), "stock");
        let line = line(&Answer::from(WriteError::InsufficientRights { counter, needed: 9, holders }));
        assert_eq!(line["error"], "InsufficientRights");
        assert_eq!((&line["needed"], &line["holders"]), (&json!(9), &json!({"eu": 7, "us": 5})));
    }
}
