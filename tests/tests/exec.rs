//! `halcyon exec`, as scripts use it: every type, transactions, tokens, scans, and errors by name.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail by panicking, as the test does"
)]

use std::collections::BTreeSet;

use halcyon_tests::{Cluster, Ended, REGIONS, halcyon_with_input};
use serde_json::{Value, json};

/// Runs `halcyon exec` at a region; its answers, one a line.
async fn exec(cluster: &Cluster, region: usize, lines: &[&str]) -> (Vec<Value>, Ended) {
    let exec = ["exec", "--region", REGIONS[region]].map(str::to_owned).into_iter().chain(cluster.flags());
    let ended = halcyon_with_input(exec, lines.join("\n")).await;
    let answers: Vec<_> = ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), lines.len(), "one answer a line: {ended}");
    (answers, ended)
}

/// The same, every line of which must be carried out; what each answered as `ok`.
async fn ok(cluster: &Cluster, region: usize, lines: &[&str]) -> Vec<Value> {
    let (answers, ended) = exec(cluster, region, lines).await;
    let _ = ended.succeeded();
    answers.into_iter().map(|answer| answer["ok"].clone()).collect()
}

/// What the region has seen.
async fn token(cluster: &Cluster, region: usize) -> String {
    ok(cluster, region, &["token"]).await[0].as_str().expect("a token").to_owned()
}

/// Every write, and what is read after all of them.
const WRITES: &[&str] = &[
    "set reg v",
    "set gone v",
    "unset gone",
    "set \"two words\" \"a \\\"b\\\"\"",
    "mvset mv x",
    "incr n 5",
    "incr n -7",
    "incr zero 3",
    "reset zero",
    "enable on",
    "enable off",
    "disable off",
    "sadd s x y z",
    "srem s y",
    "zadd z a 1.5",
    "zadd z b 1",
    "zadd z c 3",
    "zincr z b 4",
    "zrem z c",
    "rpush l b c",
    "lpush l a",
    "linsafter l a a2",
    "linsbefore l c b2",
    "linsat l 0 first",
    "lset l b B",
    "lset-at l -1 last",
    "lrem l a2",
    "lrem-at l 1",
    "lmove l last front",
    "pfadd h x y x",
    "binc b 10",
    "bdec b 3",
    "bgive b eu-west 2",
    "hset m f text",
    "hincr m u/visits 10",
    "hsadd m tags red blue",
    "hsrem m tags blue",
    "hset m drop me",
    "hdel m drop",
    "at m scores zadd ann 7",
    "sadd stays x",
    "expire stays 1000000",
    "persist stays",
    "sadd ends x",
    "expire ends 1000000",
    "sadd ended x",
    "expire ended 0",
    "set many 1",
    "sadd many x",
    "del \"two words\"",
];

fn reads() -> Vec<(&'static str, Value)> {
    vec![
        ("get reg", json!("v")),
        ("get gone", json!(null)),
        ("get \"two words\"", json!(null)),
        ("mvget mv", json!(["x"])),
        ("counter n", json!(-2)),
        ("counter zero", json!(0)),
        ("flag on", json!(true)),
        ("flag off", json!(false)),
        ("smembers s", json!(["x", "z"])),
        ("sismember s x", json!(true)),
        ("sismember s y", json!(false)),
        ("zrange z", json!(["a", "b"])),
        ("zrange z 0 0 rev", json!(["b"])),
        ("zrangebyscore z 2 9", json!(["b"])),
        ("zscore z b", json!(5.0)),
        ("zscore z c", json!(null)),
        ("zrank z b", json!(1)),
        ("zrank z b rev", json!(0)),
        ("list l", json!(["last", "first", "B", "b2"])),
        ("lrange l 1 2", json!(["first", "B"])),
        ("lindex l -1", json!("b2")),
        ("pfcount h", json!(2)),
        ("bval b", json!(7)),
        ("hget m f", json!("text")),
        ("hcounter m u/visits", json!(10)),
        ("hcounter m u/none", json!(null)),
        ("hsmembers m tags", json!(["red"])),
        ("hkeys m", json!(["f", "scores", "tags", "u"])),
        ("hkeys m u", json!(["visits"])),
        ("at m scores zscore ann", json!(7.0)),
        ("smembers stays", json!(["x"])),
        ("ttl stays", json!(null)),
        ("smembers ended", json!([])),
        ("ttl ended", json!(null)),
        ("kinds many", json!(["register", "set"])),
        ("kinds nothing", json!([])),
    ]
}

#[tokio::test]
async fn every_type_is_written_in_one_region_and_read_in_two() {
    let cluster = Cluster::start(2).await;
    let written = exec(&cluster, 0, WRITES).await;
    let _ = written.1.succeeded();
    assert!(written.0.iter().all(|answer| answer["dot"].is_string() && answer["token"].is_string()), "{:?}", written.0);
    let seen = token(&cluster, 0).await;
    for (region, rights) in [(0, 5), (1, 2)] {
        let session = format!("session {seen}");
        let lines: Vec<_> = [session.as_str()].into_iter().chain(reads().iter().map(|(line, _)| *line)).collect();
        let answers = ok(&cluster, region, &lines).await;
        for ((line, value), answer) in reads().iter().zip(&answers[1..]) {
            assert_eq!(answer, value, "{line} in {}", REGIONS[region]);
        }
        let answers = ok(&cluster, region, &["rights b", "ttl ends", "digest"]).await;
        assert_eq!(answers[0], rights, "each region's own rights");
        assert!(answers[1].as_u64().is_some_and(|left| (1..=1_000_000).contains(&left)), "{answers:?}");
        assert!(answers[2]["digest"].as_str().is_some_and(|digest| digest.len() == 64), "{answers:?}");
    }
}

#[tokio::test]
async fn a_transaction_sees_its_moment_and_its_own_writes_and_becomes_one_record() {
    let cluster = Cluster::start(1).await;
    let lines = [
        ("txn incr n 1; sadd s x; set note \"a; b\"", json!(true)),
        ("begin t", json!(true)),
        ("incr n 10", json!(true)),
        ("@t counter n", json!(1)),
        ("@t incr n 100", json!(true)),
        ("@t counter n", json!(101)),
        ("@t srem s x", json!(true)),
        ("@t smembers s", json!([])),
        ("counter n", json!(11)),
        ("smembers s", json!(["x"])),
        ("sadd s y", json!(true)),
        ("commit t", json!(true)),
        ("counter n", json!(111)),
        ("smembers s", json!(["y"])),
        ("begin u", json!(true)),
        ("@u set note gone", json!(true)),
        ("abort u", json!(true)),
        ("get note", json!("a; b")),
    ];
    let answers = ok(&cluster, 0, &lines.each_ref().map(|(line, _)| *line)).await;
    for ((line, value), answer) in lines.iter().zip(&answers) {
        assert_eq!(answer, value, "{line}");
    }
}

#[tokio::test]
async fn a_checked_commit_is_refused_if_what_it_read_has_changed_and_only_then() {
    let cluster = Cluster::start(1).await;
    let lines = [
        ("set name free", None),
        ("sadd taken x", None),
        ("begin t", None),
        ("@t get name", None),
        ("@t set name mine", None),
        ("begin u", None),
        ("@u get name", None),
        // A read of the wrong type, checked as any other.
        ("@u get taken", Some("WrongType")),
        ("@u set name theirs", None),
        ("begin v", None),
        ("@v get name", None),
        ("@v set other v", None),
        ("commit t check", None),
        ("commit u check", Some("Changed")),
        ("commit v", None),
        ("get name", None),
        ("commit u", Some("TransactionExpired")),
    ];
    let (answers, ended) = exec(&cluster, 0, &lines.each_ref().map(|(line, _)| *line)).await;
    for ((line, error), answer) in lines.iter().zip(&answers) {
        assert_eq!(answer["error"].as_str(), *error, "{line}: {answer}");
    }
    assert_eq!(answers[15]["ok"], "mine", "{ended}");
}

#[tokio::test]
async fn a_context_removes_what_its_token_has_seen_and_nothing_newer() {
    let cluster = Cluster::start(1).await;
    let answers = exec(&cluster, 0, &["sadd s old", "incr n 1"]).await.0;
    let seen = answers[1]["token"].as_str().expect("a token").to_owned();
    let [clear, del, reset] = ["txn srem s old; srem s new", "del s", "reset n"].map(|op| format!("{op} ctx={seen}"));
    let (answers, _) =
        exec(&cluster, 0, &["sadd s new", &clear, "smembers s", &del, "smembers s", "incr n 1", &reset]).await;
    assert_eq!(answers[2]["ok"], json!(["new"]), "{answers:?}");
    assert_eq!(answers[4]["ok"], json!(["new"]), "{answers:?}");
    assert_eq!(answers[6]["error"], "StaleContext", "{answers:?}");
}

#[tokio::test]
async fn what_is_refused_is_refused_by_name_with_what_a_script_wants_to_know() {
    let cluster = Cluster::start(2).await;
    let deep = format!("at k {} set v", ["f"; 9].join("/"));
    let lines: Vec<(&str, &str)> = vec![
        ("zadd z m nan", "InvalidArgument"),
        ("zadd z m inf", "InvalidArgument"),
        ("get \"\"", "InvalidArgument"),
        ("sadd s \"\"", "InvalidArgument"),
        ("hset m a//b v", "InvalidArgument"),
        (&deep, "InvalidArgument"),
        ("bdec b -1", "InvalidArgument"),
        ("binc b 0", "InvalidArgument"),
        ("bgive b mars 1", "UnknownRegion"),
        ("linsafter l nobody v", "NoSuchElement"),
        ("scan k zz", "UnknownCursor"),
        ("scan k 6a", "UnknownCursor"),
        ("@t get k", "TransactionExpired"),
        ("abort t", "TransactionExpired"),
        ("durability majority", "NotBuilt"),
        ("dwenable f", "NotBuilt"),
        ("session nonsense", "BadArguments"),
        ("del k ctx=nonsense", "BadArguments"),
        ("frobnicate", "UnknownCommand"),
    ];
    let (answers, ended) = exec(&cluster, 0, &lines.iter().map(|(line, _)| *line).collect::<Vec<_>>()).await;
    let _ = ended.refused(&["19 of 19 commands"]);
    for ((line, name), answer) in lines.iter().zip(&answers) {
        assert_eq!(answer["error"], *name, "{line}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|message| message.len() > 15), "{line}: {answer}");
    }

    let (answers, _) =
        exec(&cluster, 0, &["txn set k v; incr k 1", "smembers k", "binc b 10", "bgive b eu-west 4", "del b"]).await;
    assert_eq!(answers[1]["error"], "WrongType");
    assert_eq!(answers[1]["kinds"], json!(["counter", "register"]), "{answers:?}");
    assert_eq!(answers[4]["error"], "RightsOutstanding");
    assert_eq!(answers[4]["holders"], json!({"us-east": 6, "eu-west": 4}), "{answers:?}");
    let session = format!("session {}", token(&cluster, 0).await);
    let (answers, _) = exec(&cluster, 1, &[&session, "bval b", "bdec b 9"]).await;
    assert_eq!(answers[2]["error"], "InsufficientRights", "{answers:?}");
    assert_eq!((&answers[2]["holders"], &answers[2]["needed"]), (&json!({"us-east": 6, "eu-west": 4}), &json!(9)));

    // Nobody will ever have seen this.
    let (answers, _) = exec(&cluster, 0, &["session 1.1:9", "get k", "incr k 1", "session", "counter k"]).await;
    assert_eq!((&answers[1]["error"], &answers[2]["error"]), (&json!("NotYet"), &json!("NotYet")), "{answers:?}");
    assert_eq!(answers[4]["ok"], 1, "and nothing was written: {answers:?}");
}

#[tokio::test]
async fn a_scan_tells_every_key_of_a_prefix_once_page_by_page_with_its_kinds() {
    const KEYS: usize = 600;
    let cluster = Cluster::start(1).await;
    let keys: Vec<_> = (0..KEYS).map(|n| format!("cart:{n:04}")).collect();
    let writes = keys.iter().map(|key| format!("sadd {key} x")).collect::<Vec<_>>().join(";");
    let both = "txn incr cart:0007 1; set net:1 v; set cart v";
    ok(&cluster, 0, &[&format!("txn {writes}"), both]).await;
    let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = ok(&cluster, 0, &[&format!("scan cart: {cursor}")]).await.remove(0);
        pages += 1;
        for entry in page["keys"].as_array().expect("keys") {
            let kinds = if entry["key"] == "cart:0007" { json!(["counter", "set"]) } else { json!(["set"]) };
            assert_eq!(entry["kinds"], kinds, "{entry}");
            found.push(entry["key"].as_str().expect("text").to_owned());
        }
        assert!(found.len() <= KEYS, "none twice");
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(found, keys, "in order, each once");
    assert!(pages > 1, "{KEYS} keys are more than a page");
    let all = ok(&cluster, 0, &["scan \"\"", "scan net:", "scan nothing"]).await;
    assert!(all[0]["next"].is_string(), "{}", all[0]["next"]);
    assert_eq!(all[1], json!({"keys": [{"key": "net:1", "kinds": ["register"]}], "next": null}));
    assert_eq!(all[2], json!({"keys": [], "next": null}));
}

#[tokio::test]
async fn a_long_collection_is_read_whole() {
    const ELEMENTS: usize = 3_000;
    let cluster = Cluster::start(1).await;
    let elements: Vec<_> = (0..ELEMENTS).map(|n| format!("e{n}")).collect();
    let lines: Vec<_> = elements.chunks(1000).map(|some| format!("sadd s {}", some.join(" "))).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).chain(["smembers s"]).collect();
    let answers = ok(&cluster, 0, &lines).await;
    let found = answers.last().and_then(Value::as_array).expect("elements");
    let found: BTreeSet<_> = found.iter().map(|element| element.as_str().expect("text")).collect();
    assert_eq!(found, elements.iter().map(String::as_str).collect(), "every element, across pages");
}
