//! Deleting what one record cannot list.
//!
//! A record must list every counter that it clears, so the delete of a map or sorted set with very many of them is refused
//! as `TooLarge`. Here it is split: fields and members first, a page at a time, halved as long as they are too large, down
//! into single fields; then what is left.

use std::collections::VecDeque;

use halcyon_crdt::{Kind, Object, Op, Page, PageRequest, Query, Update};
use halcyon_wire::{Receipt, Refusal};

use super::answer;
use crate::error::{DeleteError, ReadError, WriteError};
use crate::place::Live;
use crate::token::SessionToken;
use crate::view::{View, located};

/// Updates of one part: few enough that most fit at once, enough that they are not too many.
const PART: u32 = 256;

/// Deletes everything at and below the place.
pub(crate) async fn delete(place: &Live) -> Result<Receipt, DeleteError> {
    let mut parts = Parts { view: &place.view, done: 0, seen: SessionToken::new() };
    let object = located::<_, WriteError>(&place.object).map_err(|source| DeleteError::Write { done: 0, source })?;
    let whole = Update { object: object.clone(), op: Op::Delete };
    let receipt = loop {
        match parts.try_delete(vec![whole.clone()]).await? {
            Some(receipt) => break receipt,
            // Others may have added meanwhile, so it may take another round.
            None => parts.empty(object.clone()).await?,
        }
    };
    parts.seen.join(&receipt.token.into());
    Ok(Receipt { dot: receipt.dot, token: parts.seen.into() })
}

struct Parts<'a> {
    view: &'a View,
    done: u64,
    /// What covers all parts.
    seen: SessionToken,
}

impl Parts<'_> {
    /// Deletes fields and members below `object`, and below every field that is itself too large.
    async fn empty(&mut self, object: Object) -> Result<(), DeleteError> {
        let mut large = vec![object];
        while let Some(object) = large.pop() {
            let kinds = self.query(&object, Query::Kinds, answer::kinds).await?;
            if kinds.contains(&Kind::SortedSet) {
                self.members(&object).await?;
            }
            if kinds.contains(&Kind::Map) {
                self.fields(&object, &mut large).await?;
            }
        }
        Ok(())
    }

    async fn members(&mut self, object: &Object) -> Result<(), DeleteError> {
        let mut after = None;
        loop {
            let page = PageRequest { after, items_max: PART };
            let query = Query::ByScore { min: f64::MIN, max: f64::MAX, reverse: false, page };
            let Page { items, next } = self.query(object, query, answer::scored).await?;
            let remove = |member| Update { object: object.clone(), op: Op::RemoveMember { member } };
            // One member has no more counters than there are regions' logs, so none is too large by itself.
            self.halve(items.into_iter().map(|item| remove(item.member)).collect(), &mut Vec::new()).await?;
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn fields(&mut self, object: &Object, large: &mut Vec<Object>) -> Result<(), DeleteError> {
        let mut after = None;
        loop {
            let query = Query::Fields(PageRequest { after, items_max: PART });
            let Page { items, next } = self.query(object, query, answer::page).await?;
            let delete = |field| Update { object: object.clone().field(field), op: Op::Delete };
            self.halve(items.into_iter().map(delete).collect(), large).await?;
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Commits updates, in as many records as it takes. What is too large alone goes to `large`.
    async fn halve(&mut self, updates: Vec<Update>, large: &mut Vec<Object>) -> Result<(), DeleteError> {
        let mut rest = VecDeque::from([updates]);
        while let Some(mut updates) = rest.pop_front() {
            if updates.is_empty() {
                continue;
            }
            match self.try_delete(updates.clone()).await? {
                Some(receipt) => self.seen.join(&receipt.token.into()),
                None if updates.len() > 1 => {
                    let second = updates.split_off(updates.len() / 2);
                    rest.push_front(second);
                    rest.push_front(updates);
                }
                None => large.extend(updates.pop().map(|update| update.object)),
            }
        }
        Ok(())
    }

    /// Commits updates as one record; `None` if they are too large for one.
    async fn try_delete(&mut self, updates: Vec<Update>) -> Result<Option<Receipt>, DeleteError> {
        match self.view.submit(updates).await {
            Ok(receipt) => {
                self.done += 1;
                Ok(Some(receipt))
            }
            Err(WriteError::Refused(Refusal::TooLarge { .. })) => Ok(None),
            Err(source) => Err(DeleteError::Write { done: self.done, source }),
        }
    }

    async fn query<A>(
        &self,
        object: &Object,
        query: Query,
        of_answer: fn(halcyon_crdt::Answer) -> Option<A>,
    ) -> Result<A, DeleteError> {
        let read: Result<A, ReadError> = self.view.query(object.clone(), query, of_answer).await;
        read.map_err(|source| DeleteError::Read { done: self.done, source })
    }
}
