//! What a client asks to see, and what it is told.

use bytes::Bytes;
use halcyon_types::limits::{COMPONENT_BYTES_MAX, PAGE_BYTES_MAX, PAGE_ITEMS_MAX};
use halcyon_types::{ActorId, UnixMs};
use serde::{Deserialize, Serialize};

use crate::component;
use crate::key::KeyError;
use crate::kind::Kind;

/// A question about one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Query {
    /// Register: its value. Answered by [`Answer::Value`].
    Get,
    /// Multi-value register: every value that nothing has seen. Answered by [`Answer::Values`].
    Values,
    /// Counter: its sum. Answered by [`Answer::Sum`].
    Sum,
    /// Flag: whether it is on. Answered by [`Answer::Is`].
    IsEnabled,
    /// Set: whether it has an element. Answered by [`Answer::Is`].
    Contains {
        /// The element.
        element: Bytes,
    },
    /// Set: its elements in byte order, a page at a time. Answered by [`Answer::Page`].
    Elements(PageRequest),
    /// Map: its fields in byte order, a page at a time. Answered by [`Answer::Page`].
    Fields(PageRequest),
    /// Sorted set: a member's score. Answered by [`Answer::Score`].
    Score {
        /// The member.
        member: Bytes,
    },
    /// Sorted set: how many members come before this one. Answered by [`Answer::Rank`], in steps that grow with it.
    Rank {
        /// The member.
        member: Bytes,
        /// From the highest score down.
        reverse: bool,
    },
    /// Sorted set: members by rank, a page at a time. Answered by [`Answer::Scored`]. Skips `first` members one by one.
    ByRank {
        /// The first rank wanted; negative counts from the end, -1 being the last.
        first: i64,
        /// The last rank wanted, included; negative counts from the end.
        last: i64,
        /// From the highest score down.
        reverse: bool,
        /// Which page.
        page: PageRequest,
    },
    /// Sorted set: members by score, a page at a time. Answered by [`Answer::Scored`].
    ByScore {
        /// The lowest score wanted, included.
        min: f64,
        /// The highest score wanted, included.
        max: f64,
        /// From the highest score down.
        reverse: bool,
        /// Which page.
        page: PageRequest,
    },
    /// List: elements by index, a page at a time. Answered by [`Answer::Items`]. Skips `first` elements one by one.
    Range {
        /// The first index wanted; negative counts from the end, -1 being the last.
        first: i64,
        /// The last index wanted, included; negative counts from the end.
        last: i64,
        /// Which page.
        page: PageRequest,
    },
    /// `HyperLogLog`: about how many distinct elements were counted. Answered by [`Answer::Count`].
    Estimate,
    /// Bounded counter: its value. Answered by [`Answer::Sum`].
    Value,
    /// Bounded counter: who may spend how much. Answered by [`Answer::Rights`].
    Rights,
    /// When the key ends, or when it has ended, as long as nothing has cleared it. Answered by [`Answer::Deadline`].
    Deadline,
    /// The kinds of which something is here. Answered by [`Answer::Kinds`].
    Kinds,
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PageRequest {
    /// Begin behind this: what the page before told as its `next`. Absent for the first page.
    pub after: Option<Bytes>,
    /// At most so many items; the node may return fewer (see [`Page::next`]).
    pub items_max: u32,
}

/// One page of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T = Bytes> {
    /// In the order asked for.
    pub items: Vec<T>,
    /// What to ask behind for the next page; absent at the end.
    pub next: Option<Bytes>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

/// A member of a sorted set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The member.
    pub member: Bytes,
    /// Its score.
    pub score: f64,
}

/// An element of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Where it is: the same for as long as the element lives, in every region.
    pub position: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// What a query is told. What is not there is told as absent, zero elements, or `false`, never as an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// A register's value, if it has one.
    Value(Option<Bytes>),
    /// Every concurrent value, in the order of their dots.
    Values(Vec<Bytes>),
    /// A counter's sum, if it has been added to.
    Sum(Option<i128>),
    /// Whether the element is there, or the flag on.
    Is(bool),
    /// Elements or fields.
    Page(Page),
    /// A member's score, if it is there.
    Score(Option<f64>),
    /// How many members come before, if it is there.
    Rank(Option<u64>),
    /// Members with their scores.
    Scored(Page<Scored>),
    /// Elements of a list.
    Items(Page<Item>),
    /// An estimate.
    Count(u64),
    /// Who may spend how much, of those who may spend anything.
    Rights(Vec<(ActorId, i128)>),
    /// When the key ends or has ended, if it does.
    Deadline(Option<UnixMs>),
    /// Kinds, in the order of their bytes.
    Kinds(Vec<Kind>),
}

impl Query {
    /// The kind it asks about; absent where it asks about all.
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Get => Kind::Register,
            Self::Values => Kind::MvRegister,
            Self::Sum => Kind::Counter,
            Self::IsEnabled => Kind::Flag,
            Self::Contains { .. } | Self::Elements(_) => Kind::Set,
            Self::Fields(_) => Kind::Map,
            Self::Score { .. } | Self::Rank { .. } | Self::ByRank { .. } | Self::ByScore { .. } => Kind::SortedSet,
            Self::Range { .. } => Kind::List,
            Self::Estimate => Kind::HyperLogLog,
            Self::Value | Self::Rights => Kind::BoundedCounter,
            Self::Deadline | Self::Kinds => return None,
        })
    }

    /// Checks lengths. Cursors of sorted sets and lists are checked where they are read.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn check(&self) -> Result<(), KeyError> {
        match self {
            Self::Contains { element } => component::check("element", element, COMPONENT_BYTES_MAX),
            Self::Score { member } | Self::Rank { member, .. } => {
                component::check("member", member, COMPONENT_BYTES_MAX)
            }
            Self::ByScore { min, max, .. } if min.is_nan() || max.is_nan() => Err(KeyError::NotANumber),
            _ => match self.page().and_then(|page| page.after.as_ref()) {
                Some(after) => component::check("cursor", after, 2 * COMPONENT_BYTES_MAX + 32),
                None => Ok(()),
            },
        }
    }

    /// Which page it asks for, if it asks for pages.
    pub const fn page(&self) -> Option<&PageRequest> {
        match self {
            Self::Elements(page)
            | Self::Fields(page)
            | Self::ByRank { page, .. }
            | Self::ByScore { page, .. }
            | Self::Range { page, .. } => Some(page),
            _ => None,
        }
    }

    /// As [`Self::page`], to turn it.
    pub const fn page_mut(&mut self) -> Option<&mut PageRequest> {
        match self {
            Self::Elements(page)
            | Self::Fields(page)
            | Self::ByRank { page, .. }
            | Self::ByScore { page, .. }
            | Self::Range { page, .. } => Some(page),
            _ => None,
        }
    }

    /// Bytes this holds in memory besides itself.
    pub fn weight(&self) -> usize {
        match self {
            Self::Contains { element: bytes } | Self::Score { member: bytes } | Self::Rank { member: bytes, .. } => {
                bytes.len()
            }
            _ => self.page().and_then(|page| page.after.as_ref()).map_or(0, Bytes::len),
        }
    }
}

impl Answer {
    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Value(value) => value.is_none(),
            Self::Values(values) => values.is_empty(),
            Self::Sum(sum) => sum.is_none(),
            Self::Is(is) => !is,
            Self::Page(page) => page.items.is_empty(),
            Self::Score(score) => score.is_none(),
            Self::Rank(rank) => rank.is_none(),
            Self::Scored(page) => page.items.is_empty(),
            Self::Items(page) => page.items.is_empty(),
            Self::Count(count) => *count == 0,
            Self::Rights(rights) => rights.is_empty(),
            Self::Deadline(_) | Self::Kinds(_) => false,
        }
    }
}

/// Collects items until the page is full, and knows where the next one begins.
pub(crate) struct PageBuilder<T> {
    items_max: usize,
    page: Page<T>,
    bytes: usize,
}

impl<T> PageBuilder<T> {
    pub(crate) fn new(request: &PageRequest) -> Self {
        let asked = usize::try_from(request.items_max).unwrap_or(usize::MAX);
        Self { items_max: asked.clamp(1, PAGE_ITEMS_MAX), page: Page::default(), bytes: 0 }
    }

    /// Whether the page takes no more items: the next one begins behind the last.
    pub(crate) fn is_full(&self) -> bool {
        self.page.items.len() >= self.items_max || self.bytes > PAGE_BYTES_MAX
    }

    /// Takes an item of so many bytes; `cursor` is what to ask behind for what follows it.
    pub(crate) fn push(&mut self, item: T, bytes: usize, cursor: Bytes) {
        self.bytes += bytes;
        self.page.items.push(item);
        self.page.next = Some(cursor);
    }

    /// The page; `more` tells whether anything may follow.
    pub(crate) fn finish(mut self, more: bool) -> Page<T> {
        if !more {
            self.page.next = None;
        }
        self.page
    }
}
