//! Requests minted lately: every one that is on disk, from some time on. Bounded; the oldest go first, and the time with
//! them.

use std::collections::BTreeMap;

use halcyon_types::limits::RECENT_REQUESTS_MAX;
use halcyon_types::{Dot, RequestId, UnixMs};

#[derive(Debug, Default)]
pub(super) struct Recent {
    /// In the order they were minted.
    requests: BTreeMap<RequestId, Dot>,
    /// Every request on disk that was minted then or later is here.
    since: UnixMs,
}

impl Recent {
    /// Nothing yet; nothing on disk was minted at `since` or later.
    pub(super) const fn since(since: UnixMs) -> Self {
        Self { requests: BTreeMap::new(), since }
    }

    /// What is known of `request`: nothing, that it is not on disk, or the record that it became.
    #[expect(clippy::option_option, reason = "nothing known, or known to be absent, or known")]
    pub(super) fn find(&self, request: RequestId) -> Option<Option<Dot>> {
        (request.minted_at() >= self.since).then(|| self.requests.get(&request).copied())
    }

    /// Those minted before are not on disk any more.
    pub(super) fn forget(&mut self, upto: UnixMs) {
        self.requests.retain(|request, _| request.minted_at() >= upto);
    }

    /// These are on disk now.
    pub(super) fn extend(&mut self, settled: BTreeMap<RequestId, Dot>) {
        self.requests.extend(settled);
        while self.requests.len() > RECENT_REQUESTS_MAX
            && let Some((oldest, _)) = self.requests.pop_first()
        {
            self.since = self.since.max(UnixMs(oldest.minted_at().0 + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use halcyon_types::{ActorId, Seq};

    use super::*;

    fn request(ms: u64, n: u64) -> RequestId {
        let [.., a, b] = n.to_be_bytes();
        RequestId::mint(UnixMs(ms), &[0, 0, 0, 0, 0, 0, 0, 0, a, b])
    }

    fn dot(seq: u64) -> Dot {
        Dot { actor: ActorId::from_u64(1), seq: Seq(seq) }
    }

    #[test]
    fn what_it_does_not_know_it_does_not_deny() {
        let mut recent = Recent::since(UnixMs(1_000));
        assert_eq!(recent.find(request(999, 1)), None, "perhaps on disk");
        assert_eq!(recent.find(request(1_000, 1)), Some(None));
        recent.extend([(request(999, 1), dot(1)), (request(1_000, 1), dot(2))].into());
        assert_eq!(recent.find(request(999, 1)), None, "the database knows");
        assert_eq!(recent.find(request(1_000, 1)), Some(Some(dot(2))));
    }

    #[test]
    fn however_many_there_are_those_that_are_forgotten_are_not_denied() {
        let mut recent = Recent::since(UnixMs(0));
        let many = 3 * RECENT_REQUESTS_MAX as u64;
        // Some thirty in a millisecond: what is left of the oldest one must not stand for all of it.
        let nth = |n: u64| request(1_000 + n / 31, n % 31);
        for n in 0..many {
            recent.extend([(nth(n), dot(n))].into());
            assert!(recent.requests.len() <= RECENT_REQUESTS_MAX);
        }
        for n in 0..many {
            assert!(matches!(recent.find(nth(n)), None | Some(Some(_))), "request {n} is on disk");
        }
        assert_eq!(recent.find(nth(many - 1)), Some(Some(dot(many - 1))));
        assert_eq!(recent.find(nth(0)), None);
    }
}
