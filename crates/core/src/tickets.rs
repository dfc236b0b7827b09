//! The jobs that are out with the committer.

use std::collections::VecDeque;

use crate::event::Ticket;

/// Tickets are handed out in order and come back nearly in order, so the table is a ring: no search, no hash.
#[derive(Debug)]
pub(crate) struct Tickets<T> {
    first: u64,
    slots: VecDeque<Option<T>>,
}

impl<T> Default for Tickets<T> {
    fn default() -> Self {
        Self { first: 0, slots: VecDeque::new() }
    }
}

impl<T> Tickets<T> {
    pub(crate) fn issue(&mut self, item: T) -> Ticket {
        let ticket = Ticket(self.first + self.slots.len() as u64);
        self.slots.push_back(Some(item));
        ticket
    }

    /// What the ticket stood for; `None` if it was settled before or never issued.
    pub(crate) fn settle(&mut self, ticket: Ticket) -> Option<T> {
        let at = usize::try_from(ticket.0.checked_sub(self.first)?).ok()?;
        let item = self.slots.get_mut(at)?.take();
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.first += 1;
        }
        item
    }

    pub(crate) fn outstanding(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_settled_once_in_any_order() {
        let mut tickets = Tickets::default();
        let issued: Vec<_> = (0..4).map(|n| tickets.issue(n)).collect();
        for at in [2, 0, 1, 3] {
            assert_eq!(tickets.settle(issued[at]), Some(at));
            assert_eq!(tickets.settle(issued[at]), None);
        }
        assert_eq!(tickets.outstanding().count(), 0);
        assert_eq!(tickets.settle(Ticket(99)), None);
    }
}
