//! Values as text, and what is read where there is nothing.

use super::super::{Query, Value};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn sets_are_sorted_by_their_characters_and_lists_are_not() {
    assert_eq!(Value::Set(words(&["b", "a10", "Z", "ü", "a9"])).to_string(), "{Z,a10,a9,b,ü}");
    assert_eq!(Value::Set(words(&["x", "x"])).to_string(), "{x,x}", "two siblings of one value are two");
    assert_eq!(Value::List(words(&["b", "a"])).to_string(), "[b,a]");
    assert_eq!(Value::Set(Vec::new()).to_string(), "{}");
    assert_eq!(Value::List(Vec::new()).to_string(), "[]");
}

#[test]
fn words_and_truths_are_printed_as_they_are() {
    assert_eq!(Value::Nil.to_string(), "nil");
    assert_eq!(Value::Text("a=>b".to_owned()).to_string(), "a=>b");
    assert_eq!(Value::Truth(true).to_string(), "true");
    assert_eq!(Value::Truth(false).to_string(), "false");
}

/// Query, of an absent object, of an expired one: the model's own answers, and those of the queries that it lacks.
const NOTHING: [(&str, &str, &str); 30] = [
    ("get k", "nil", "nil"),
    ("mvget k", "{}", "{}"),
    ("counter k", "0", "0"),
    ("flag k", "false", "nil"),
    ("smembers k", "{}", "{}"),
    ("hget k f", "nil", "nil"),
    ("hcounter k f", "nil", "nil"),
    ("hsmembers k f", "{}", "nil"),
    ("hkeys k", "{}", "{}"),
    ("hkeys k f", "{}", "{}"),
    ("zscore k m", "nil", "nil"),
    ("zrange k", "[]", "[]"),
    ("list k", "[]", "[]"),
    ("pfcount k", "0", "0"),
    ("bval k", "0", "0"),
    ("rights k", "0", "nil"),
    ("sismember k e", "false", "false"),
    ("zrange k 0 1 rev", "[]", "[]"),
    ("zrangebyscore k 0 1", "[]", "[]"),
    ("zrank k m", "nil", "nil"),
    ("lrange k 0 1", "[]", "[]"),
    ("lindex k 0", "nil", "nil"),
    ("ttl k", "nil", "nil"),
    ("kinds k", "{}", "{}"),
    ("at k f counter", "nil", "nil"),
    ("at k f flag", "false", "nil"),
    ("at k f list", "[]", "[]"),
    ("at k f pfcount", "0", "0"),
    ("at k f zscore m", "nil", "nil"),
    ("at k f mvget", "{}", "{}"),
];

#[test]
fn nothing_reads_as_in_the_model() {
    for (text, absent, expired) in NOTHING {
        let query = Query::parse(&text.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!(Value::absent(&query).to_string(), absent, "{text}");
        assert_eq!(Value::expired(&query).to_string(), expired, "{text}");
    }
}
