//! What `halcyon exec --help` says of the commands: the words of the scenario language, type by type, and exec's own.

use std::fmt::Write as _;

use halcyon_sim::scenario::vocabulary::{READS, WRITES};

use super::parse::OWN;

/// The words of the language by what they are for.
const TYPES: [(&str, &[&str]); 11] = [
    ("Register: the last write wins; one may expire", &["set", "unset", "get"]),
    ("Multi-value register: concurrent writes stand side by side", &["mvset", "mvget"]),
    ("Counter", &["incr", "reset", "counter"]),
    ("Flag: enabling wins", &["enable", "disable", "flag"]),
    ("Set: adding wins", &["sadd", "srem", "smembers", "sismember"]),
    (
        "Sorted set: ranks count from 0, from the end where negative",
        &["zadd", "zincr", "zrem", "zscore", "zrank", "zrange", "zrangebyscore"],
    ),
    (
        "List: TARGET, OLD and a VALUE to remove name every element that has that value",
        &[
            "rpush",
            "lpush",
            "linsafter",
            "linsbefore",
            "linsat",
            "lset",
            "lset-at",
            "lrem",
            "lrem-at",
            "lmove",
            "lmove-at",
            "list",
            "lrange",
            "lindex",
        ],
    ),
    ("HyperLogLog: about how many distinct elements", &["pfadd", "pfcount"]),
    (
        "Bounded counter: never below zero; bdec spends the region's rights, bgive passes some on",
        &["binc", "bdec", "bgive", "bval", "rights"],
    ),
    (
        "Map: fields hold any type; `at KEY FIELD/FIELD… WORD …` is any word above in a field",
        &["hset", "hincr", "hsadd", "hsrem", "hdel", "hget", "hcounter", "hsmembers", "hkeys"],
    ),
    (
        "Key: everything under it, or all of one type (as `kinds` names it)",
        &["expire", "persist", "ttl", "kinds", "clear", "del"],
    ),
];

const BEHIND: &str = "
A write answers {\"ok\":true,\"dot\":…,\"token\":…} once it is on the region's disk, a read {\"ok\":VALUE}, anything else
{\"error\":NAME,\"message\":…}: WrongType adds the \"kinds\" that are there, InsufficientRights the \"holders\" of rights by region.
`txn` writes one atomic record. `begin` keeps a snapshot: reads in `@T` see it and what `@T` has written so far, nothing else;
`commit T` makes one record of it, `commit T check` only if all its reads would still be answered alike (else Changed). A
commit ends the transaction, refused or not; so does a minute.
`ctx=TOKEN` behind a write: it removes, overwrites or resets what TOKEN has seen, and nothing newer. `session TOKEN`: all that
follows waits until the region has seen TOKEN (at most 5 s, then NotYet). `token` says what the region has seen.
`scan` answers {\"keys\":[{\"key\":…,\"kinds\":[…]}],\"next\":CURSOR or null}, at most 256 keys; `scan \"\"` begins with all.
A collection is read whole, page by page, up to 100000 items (else TooLarge: ask for ranges); only `@T` sees all its pages at one
moment. A word with blanks, or that would be `ctx=…` or `;`, is a JSON string: set k \"two words\". Values are kept as
MessagePack, and shown as JSON. Blank lines and # comments are skipped. The exit status is 0 only if every command was carried
out. `durability`, remove-wins sets and disable-wins flags are not built yet.

Example:
  printf 'incr visits 5\\ncounter visits\\n' | halcyon exec --region us-east --config regions.toml --certs certs/";

/// The page.
pub(super) fn page() -> String {
    let mut page = "Commands:".to_owned();
    let mut line = |text: &str| {
        // Writing into a string cannot fail.
        let _ = write!(page, "\n{text}");
    };
    for (title, words) in TYPES {
        line(&format!("  {title}"));
        for word in words {
            let (known, behind) = WRITES.iter().chain(&READS).find(|(known, _)| known == word).unwrap_or(&("", ""));
            line(format!("      {known} KEY {behind}").trim_end());
        }
    }
    line("  Several writes, and everything else");
    for (word, behind) in OWN {
        line(format!("      {word} {behind}").trim_end());
    }
    page + "\n" + BEHIND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_shows_every_word_of_the_language_once_and_no_other() {
        let mut shown: Vec<_> = TYPES.iter().flat_map(|(_, words)| words.iter().copied()).collect();
        let mut known: Vec<_> = WRITES.iter().chain(&READS).map(|(word, _)| *word).collect();
        shown.sort_unstable();
        known.sort_unstable();
        assert_eq!(shown, known);
        assert!(page().contains("zrangebyscore KEY MIN MAX [rev]"), "{}", page());
    }
}
