//! Session guarantees (P4), in every region and across restarts: what a token says is seen by whatever is asked with it, and
//! comes before whatever is written with it. That is read-your-writes, monotonic reads, monotonic writes and
//! writes-follow-reads (Terry et al., "Session Guarantees", 1994), for a client that carries its tokens.

use std::collections::BTreeMap;

use halcyon_types::{Dot, VersionVector};
use halcyon_wire::{Body, Outcome, Response};

use super::Invariant;
use super::exchange::Exchange;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    exchange: Exchange,
    deps: BTreeMap<Dot, VersionVector>,
    judged: u64,
}

/// The token of a request.
fn token_of(body: &Body) -> Option<&VersionVector> {
    let session = match body {
        Body::Write(write) => &write.session,
        Body::Read { session, .. } | Body::Scan { session, .. } | Body::Begin { session } | Body::Token { session } => {
            session
        }
        Body::Abort { .. } | Body::Digest { .. } | Body::Copy { .. } | Body::Members { .. } => return None,
    };
    Some(&session.token).filter(|token| !token.is_empty())
}

impl Sessions {
    fn answered(&mut self, asked: &Body, response: &Response, seen: &VersionVector) -> Result<(), String> {
        if let Ok(Outcome::Written(receipt)) = &response.result
            && !receipt.token.covers(receipt.dot)
        {
            return Err(format!("the receipt of {} leaves its client with {:?}", receipt.dot, receipt.token));
        }
        let (Some(token), Ok(outcome)) = (token_of(asked), &response.result) else { return Ok(()) };
        self.judged += 1;
        let lacks = |what: &str, has: &VersionVector| Err(format!("{what} {has:?}, asked for behind {token:?}"));
        match outcome {
            Outcome::Written(receipt) => {
                if !token.le(&receipt.token) {
                    return lacks("a receipt for", &receipt.token);
                }
                match self.deps.get(&receipt.dot) {
                    Some(deps) if token.le(deps) => Ok(()),
                    Some(deps) => lacks(&format!("{} follows", receipt.dot), deps),
                    None => Err(format!("{} was never applied", receipt.dot)),
                }
            }
            Outcome::Begun { token: has, .. } | Outcome::Token(has) if !token.le(has) => lacks("a token of", has),
            _ if !token.le(seen) => lacks("an answer at", seen),
            _ => Ok(()),
        }
    }
}

impl Invariant for Sessions {
    fn name(&self) -> &'static str {
        "sessions_hold"
    }

    fn promise(&self) -> &'static str {
        "P4"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let asked = self.exchange.see(seen);
        match seen {
            Observation::Applied { records, .. } => {
                self.deps.extend(records.iter().map(|(record, _)| (record.dot, record.deps.clone())));
                Ok(())
            }
            Observation::Replied { response, seen, .. } => {
                asked.map_or(Ok(()), |open| self.answered(&open.body, response, seen))
            }
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use halcyon_wire::{Receipt, Session};

    use super::*;
    use crate::invariant::exchange::fixture::{dot, request, vv};

    fn tied(token: &[(u64, u64)]) -> Session {
        Session { token: vv(token), wait_ms: 1 }
    }

    #[test]
    fn an_answer_older_than_its_token_is_noticed() {
        let mut sessions = Sessions::default();
        let body = Body::Token { session: tied(&[(1, 2)]) };
        let answer = |token| Response { id: 1, result: Ok(Outcome::Token(token)) };
        assert_eq!(sessions.answered(&body, &answer(vv(&[(1, 2)])), &vv(&[(1, 2)])), Ok(()));
        assert!(sessions.answered(&body, &answer(vv(&[(1, 1)])), &vv(&[(1, 2)])).is_err());
        assert!(sessions.answered(&body, &answer(vv(&[(1, 2)])), &vv(&[(1, 1)])).is_err());
    }

    #[test]
    fn a_write_that_does_not_come_behind_its_token_is_noticed() {
        let mut sessions = Sessions::default();
        let write = halcyon_wire::Write {
            request: request(1),
            session: tied(&[(2, 1)]),
            seen: halcyon_wire::Seen::Present,
            updates: Vec::new(),
        };
        let body = Body::Write(write);
        let receipt = Receipt { dot: dot(1, 1), token: vv(&[(1, 1), (2, 1)]) };
        let answer = Response { id: 1, result: Ok(Outcome::Written(receipt)) };
        let seen = vv(&[(1, 1), (2, 1)]);
        sessions.deps.insert(dot(1, 1), vv(&[]));
        assert!(sessions.answered(&body, &answer, &seen).is_err());
        sessions.deps.insert(dot(1, 1), vv(&[(2, 1)]));
        assert_eq!(sessions.answered(&body, &answer, &seen), Ok(()));
    }

    #[test]
    fn a_receipt_that_does_not_speak_of_its_write_is_noticed() {
        let mut sessions = Sessions::default();
        let body = Body::Token { session: Session::default() };
        let receipt = |seq| Receipt { dot: dot(1, 2), token: vv(&[(1, seq)]) };
        let answer = |seq| Response { id: 1, result: Ok(Outcome::Written(receipt(seq))) };
        assert_eq!(sessions.answered(&body, &answer(2), &vv(&[])), Ok(()));
        assert!(sessions.answered(&body, &answer(1), &vv(&[(1, 2)])).is_err());
    }
}
