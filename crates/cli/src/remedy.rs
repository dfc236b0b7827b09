//! How errors reach a person: the cause, what lies under it, and what to do about it.

use std::error::Error;
use std::fmt;

/// An error that knows what to do about it.
pub trait Remedy: Error {
    /// What the reader should do, as a sentence without a full stop; `None` if the message says it already.
    fn remedy(&self) -> Option<String> {
        None
    }
}

/// An error as a command ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    remedy: Option<String>,
}

impl<E: Remedy> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut under = error.source();
        while let Some(cause) = under {
            let text = cause.to_string();
            // Most messages quote their source; only what they leave out is worth another line.
            if !message.contains(&text) {
                message = format!("{message}\n  because: {text}");
            }
            under = cause.source();
        }
        Self { message, remedy: error.remedy() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  remedy: {remedy}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the door is shut")]
    struct Shut(#[source] std::io::Error);

    impl Remedy for Shut {
        fn remedy(&self) -> Option<String> {
            Some("open it".to_owned())
        }
    }

    #[test]
    fn an_error_is_printed_with_cause_and_remedy() {
        let shut = Shut(std::io::Error::other("the key is lost"));
        let text = Failure::from(shut).to_string();
        assert_eq!(text, "error: the door is shut\n  because: the key is lost\n  remedy: open it");
    }
}
