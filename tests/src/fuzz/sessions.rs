//! Session tokens, as text from a cookie and as a vector from the wire: what is taken says the same when it is told again.

use halcyon_client::SessionToken;
use halcyon_sim::fuzz::reads_back;
use halcyon_types::VersionVector;
use halcyon_wire::Session;

/// Panics where a law is violated.
pub(super) fn body(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        match text.parse::<SessionToken>() {
            Ok(token) => {
                let told = token.to_string();
                assert_eq!(told.parse().as_ref(), Ok(&token), "{told}");
                assert!(token.as_vector().len() <= text.split(',').count(), "more entries than were told");
                is_a_vector(token.as_vector());
            }
            Err(error) => assert!(error.to_string().len() < 1024, "a refusal that repeats all it was given"),
        }
    }
    if let Some(Session { token, .. }) = reads_back::<Session>(data) {
        is_a_vector(&token);
        // One that no region can have minted has no text that is read again, and does no harm.
        let _ = SessionToken::from(token).to_string().parse::<SessionToken>();
    }
    if let Some(vector) = reads_back::<VersionVector>(data) {
        is_a_vector(&vector);
    }
}

/// The laws of version vectors, of this one and of one half of it.
fn is_a_vector(vector: &VersionVector) {
    let half: VersionVector = vector.iter().step_by(2).collect();
    assert!(half.le(vector) && vector.le(vector) && VersionVector::new().le(&half));
    let mut joined = half.clone();
    joined.join(vector);
    assert_eq!(&joined, vector, "a part adds nothing");
    let mut changed = half.clone();
    changed.change(&vector.changes_since(&half));
    assert_eq!(&changed, vector, "what has changed since a part");
    let mut back = vector.clone();
    back.change(&half.changes_since(vector));
    assert_eq!(back, half, "and back");
    let mut last = None;
    for (actor, seq) in vector.iter() {
        assert!(seq.0 > 0 && last < Some(actor), "out of order, or nothing seen");
        last = Some(actor);
    }
}
