//! Row keys: what lies below what, what survives its bytes, and what is refused.

use halcyon_types::KeyspaceId;
use proptest::prelude::*;

use super::*;
use crate::object::Object;

fn object(key: &[u8], path: &[Vec<u8>]) -> Object {
    let mut object = Object::new(KeyspaceId::try_from(10).unwrap(), key.to_vec());
    object.path = path.iter().map(|field| field.clone().into()).collect();
    object
}

fn component() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 1..6)
}

proptest! {
    #[test]
    fn a_component_survives_and_orders_as_its_bytes(a in component(), b in component()) {
        let (mut ea, mut eb) = (Vec::new(), Vec::new());
        component::push(&mut ea, &a);
        component::push(&mut eb, &b);
        prop_assert_eq!(component::first(&ea).unwrap(), a.clone());
        prop_assert_eq!(a.cmp(&b), ea.cmp(&eb));
        prop_assert!(a == b || !ea.starts_with(&eb), "no component begins another");
    }

    #[test]
    fn rows_lie_below_their_own_object_only(
        a in component(), b in component(), path in prop::collection::vec(component(), 0..3), element in component(),
    ) {
        let row = object(&a, &path).element(&element);
        prop_assert_eq!(row.kind().unwrap(), Kind::Set);
        prop_assert!(object(&a, &[]).below().contains(row.as_bytes()));
        prop_assert_eq!(object(&b, &[]).below().contains(row.as_bytes()), a == b);
    }

    #[test]
    fn any_bytes_walk_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = RowKey::from_bytes(bytes.clone().into()).kind();
        let _ = component::first(&bytes);
    }
}

#[test]
fn a_row_knows_its_key_and_its_sorted_set() {
    let (scores, nested) = (object(b"a\0Z", &[]), object(b"a\0Z", &[b"Z".to_vec(), b"m\0".to_vec()]));
    for object in [scores, nested] {
        let members = object.of_kind(Kind::SortedSet);
        let member = members.component(b"C\0R");
        for row in [member.with(b"R"), RowPrefix(member.with(b"C").actor(ActorId::from_u64(7)).0)] {
            assert_eq!(RowPrefix::sorted_set_of(row.as_bytes()), Some(members.clone()));
            assert_eq!(Object::root_of(row.as_bytes()), Some(object.root()));
        }
        assert_eq!(RowPrefix::sorted_set_of(object.element(b"x").as_bytes()), None);
    }
    assert_eq!(Object::root_of(b"\0\0\0\0k\0\x01R"), None, "keyspace 0 is the system's own");
}

#[test]
fn a_prefix_knows_whether_it_is_one_row() {
    let cart = object(b"cart", &[]);
    assert!(cart.below().as_row().is_none());
    assert!(cart.counter().as_row().is_none());
    assert_eq!(cart.of_kind(Kind::Register).as_row(), Some(cart.register()));
    assert!(cart.of_kind(Kind::Set).component(b"x").as_row().is_some());
    assert!(cart.counter().actor(ActorId::from_u64(7)).kind().is_ok());
    assert!(cart.counter().check_counter() == Ok(false) && cart.below().check_counter().is_err());
}

#[test]
fn keys_of_no_use_are_refused() {
    assert_eq!(object(b"", &[]).check(), Err(KeyError::Empty { what: "key" }));
    assert!(matches!(object(&[1; KEY_BYTES_MAX + 1], &[]).check(), Err(KeyError::TooLong { .. })));
    assert!(matches!(object(b"k", &vec![b"f".to_vec(); PATH_DEPTH_MAX + 1]).check(), Err(KeyError::TooDeep { .. })));
    assert!(RowKey::from_bytes(Bytes::from_static(b"\0\0\0\0k\0\x01R")).kind().is_err());
}
