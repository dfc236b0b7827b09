//! The few names that every program is about, so that conflicts are the rule: actors, objects, elements, and the places
//! that a write can stand at.
//!
//! What lies below what is decided here from paths, component by component, never from encoded keys: the oracle must not
//! lean on the encoding it judges. The names are chosen against that encoding: zero bytes, `FF`, one name beginning
//! another, a field named as its parent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use bytes::Bytes;
use halcyon_crdt::{Object, RowKey};
use halcyon_types::{ActorId, KeyspaceId, RegionId, UnixMs};

/// Keyspace, key, fields.
const NAMES: [(u64, &[&[u8]]); 11] = [
    (10, &[b"k"]),
    (10, &[b"k\0"]),
    (11, &[b"k"]),
    (10, &[b"k", b"f"]),
    (10, &[b"k", b"f", b"g"]),
    (10, &[b"k", b"f\0\xFF"]),
    (10, &[b"k", b"f", b"f"]),
    (10, &[b"k", b"f", b"g", b"\0"]),
    (10, &[b"k\0", b"f"]),
    (10, &[b"\xFF", b"\x01"]),
    (10, &[b"k", b"f", b"g", b"\xFF"]),
];

/// Elements of every set, in byte order.
pub(crate) const ELEMENTS: [&[u8]; 4] = [b"\0", b"x", b"x\0", b"x\xFF"];

/// More actors than any program has replicas.
pub(crate) const ACTORS: usize = 4;

/// The last actor is a later incarnation of the first one's region, so that order of actors is not order of replicas.
pub(crate) fn actor(replica: usize) -> ActorId {
    let region = RegionId::try_from([1, 2, 3, 1][replica]).unwrap();
    ActorId::mint(region, UnixMs(1_000 + replica as u64))
}

/// One of the objects of [`NAMES`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(pub(crate) usize);

impl At {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..NAMES.len()).map(Self)
    }

    /// Those that programs about one flat type use.
    pub(crate) fn keys() -> Vec<Self> {
        vec![Self(0), Self(0), Self(1), Self(2)]
    }

    /// Those that are fields, of whatever depth; two of them more often than the rest, so that they are fought over.
    pub(crate) fn fields() -> Vec<Self> {
        let fields = Self::all().filter(|at| at.path().len() > 1);
        fields.chain([Self(3), Self(4)].repeat(5)).collect()
    }

    /// Every object, `k` and what is in it more often than the rest.
    pub(crate) fn anything() -> Vec<Self> {
        Self::all().chain([Self(0), Self(3), Self(4)].repeat(5)).collect()
    }

    fn path(self) -> &'static [&'static [u8]] {
        NAMES[self.0].1
    }

    pub(crate) fn object(self) -> &'static Object {
        static OBJECTS: LazyLock<Vec<Object>> = LazyLock::new(|| {
            let object = |(keyspace, path): &(u64, &'static [&'static [u8]])| Object {
                keyspace: KeyspaceId::try_from(*keyspace).unwrap(),
                key: Bytes::from_static(path[0]),
                path: path[1..].iter().map(|field| Bytes::from_static(field)).collect(),
            };
            NAMES.iter().map(object).collect()
        });
        &OBJECTS[self.0]
    }

    /// Whether `self` is `top` or something in it.
    pub(crate) fn is_within(self, top: Self) -> bool {
        static WITHIN: LazyLock<Vec<Vec<bool>>> = LazyLock::new(|| {
            let within = |a: At, b: At| NAMES[a.0].0 == NAMES[b.0].0 && a.path().starts_with(b.path());
            At::all().map(|a| At::all().map(|b| within(a, b)).collect()).collect()
        });
        WITHIN[self.0][top.0]
    }

    /// The field of the map at `top` that leads to `self`, which is below it.
    pub(crate) fn field_under(self, top: Self) -> Option<&'static [u8]> {
        if !self.is_within(top) {
            return None;
        }
        self.path().get(top.path().len()).copied()
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<_> = self.path().iter().map(|name| name.escape_ascii().to_string()).collect();
        write!(f, "{}:{}", NAMES[self.0].0, path.join("/"))
    }
}

/// What a write can stand at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at: At,
    pub(crate) leaf: Leaf,
}

/// The leaf types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaf {
    Register,
    Counter,
    /// By its index in [`ELEMENTS`].
    Element(usize),
}

/// Which place a row is of, and for a counter's row of which replica's actor.
pub(crate) fn place_of(row: &RowKey) -> Option<(Place, Option<usize>)> {
    static PLACES: LazyLock<BTreeMap<RowKey, (Place, Option<usize>)>> = LazyLock::new(|| {
        let mut places = BTreeMap::new();
        for at in At::all() {
            let object = at.object();
            let place = |leaf| Place { at, leaf };
            places.insert(object.register(), (place(Leaf::Register), None));
            for replica in 0..ACTORS {
                let row = object.counter().actor(actor(replica));
                places.insert(row, (place(Leaf::Counter), Some(replica)));
            }
            for (i, element) in ELEMENTS.iter().enumerate() {
                places.insert(object.element(element), (place(Leaf::Element(i)), None));
            }
        }
        let rows_per_object = 1 + ACTORS + ELEMENTS.len();
        assert_eq!(places.len(), NAMES.len() * rows_per_object, "no two places share a row");
        places
    });
    PLACES.get(row).copied()
}
