//! What a command answers, as one line of JSON.

use bytes::Bytes;
use halcyon_client::{Digest, ReadError, Receipt, SessionToken, TokenError, WriteError};
use serde_json::{Value, json};

use super::parse::ParseError;

/// `{"ok": …}` or `{"error": NAME, "message": …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was done; the whole line.
    Ok(String),
    /// It was not, and why.
    Error { name: String, message: String },
}

impl Answer {
    /// The line to print.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Ok(line) => line.clone(),
            Self::Error { name, message } => json!({ "error": name, "message": message }).to_string(),
        }
    }

    /// Whether it was done.
    pub(super) const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok(_))
    }

    pub(super) fn bad_arguments(message: String) -> Self {
        Self::Error { name: "BadArguments".to_owned(), message }
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

    pub(super) fn items(items: &[Bytes]) -> Self {
        Self::value(&items.iter().map(text).collect())
    }

    /// A register's payload: MessagePack, shown as JSON.
    pub(super) fn register(payload: Option<&Bytes>) -> Self {
        Self::value(&payload.map_or(Value::Null, |payload| {
            let mut decoder = rmp_serde::Deserializer::new(payload.as_ref());
            decoder.set_max_depth(halcyon_types::limits::DEPTH_MAX);
            serde::Deserialize::deserialize(&mut decoder).unwrap_or_else(|_| text(payload))
        }))
    }
}

/// Bytes as text, or as what says that they are none.
fn text(bytes: &Bytes) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "hex": crate::hex(bytes) }),
    }
}

fn error(name: &str, message: &impl ToString) -> Answer {
    Answer::Error { name: name.to_owned(), message: message.to_string() }
}

impl From<ParseError> for Answer {
    fn from(parse: ParseError) -> Self {
        error(parse.name(), &parse)
    }
}

impl From<WriteError> for Answer {
    fn from(write: WriteError) -> Self {
        error(write.name(), &write)
    }
}

impl From<ReadError> for Answer {
    fn from(read: ReadError) -> Self {
        error(read.name(), &read)
    }
}

impl From<TokenError> for Answer {
    fn from(token: TokenError) -> Self {
        Self::bad_arguments(token.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_shown_as_json() {
        let packed = |value: &Value| Bytes::from(rmp_serde::to_vec(value).unwrap());
        let shown = |payload: &Bytes| Answer::register(Some(payload)).line();
        assert_eq!(shown(&packed(&json!("ü \"x\""))), "{\"ok\":\"ü \\\"x\\\"\"}");
        assert_eq!(shown(&packed(&json!({"a": [1, null]}))), "{\"ok\":{\"a\":[1,null]}}");
        assert_eq!(shown(&Bytes::from_static(b"\xC1")), "{\"ok\":{\"hex\":\"c1\"}}");
        assert_eq!(Answer::register(None).line(), "{\"ok\":null}");
    }

    #[test]
    fn sums_are_integers_of_any_size() {
        assert_eq!(Answer::sum(-7).line(), "{\"ok\":-7}");
        assert_eq!(Answer::sum(i128::from(i64::MAX) * 3).line(), "{\"ok\":27670116110564327421}");
    }

    #[test]
    fn errors_have_a_name_and_a_message() {
        let answer = Answer::from(ParseError::UnknownCommand { word: "x".to_owned() });
        assert!(!answer.is_ok());
        let line: Value = serde_json::from_str(&answer.line()).unwrap();
        assert_eq!(line["error"], "UnknownCommand");
        assert!(line["message"].as_str().unwrap().contains("hkeys"));
    }
}
