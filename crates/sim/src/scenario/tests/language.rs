//! Every step, operation and query, and the file around them.

use super::super::op::{ListEnd, ListSide};
use super::super::{
    Command, CommandOp, ObjectRef, Query, QueryKind, Region, Regions, Statement, Step, StepKind, parse, transaction,
    vocabulary,
};

fn own(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn command(text: &str) -> Command {
    Command::parse(&text.split_whitespace().collect::<Vec<_>>()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn query(text: &str) -> Query {
    Query::parse(&text.split_whitespace().collect::<Vec<_>>()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn step(text: &str) -> StepKind {
    StepKind::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_operation_becomes_its_command() {
    let s = str::to_owned;
    let cases = [
        ("set k v", CommandOp::Set { value: s("v"), ttl_ms: None }),
        ("set k v 1500", CommandOp::Set { value: s("v"), ttl_ms: Some(1500) }),
        ("unset k", CommandOp::Unset),
        ("mvset k v", CommandOp::MvSet(s("v"))),
        ("incr k 7", CommandOp::Incr(7)),
        ("incr k -9223372036854775808", CommandOp::Incr(i64::MIN)),
        ("reset k", CommandOp::Reset),
        ("enable k", CommandOp::Enable),
        ("disable k", CommandOp::Disable),
        ("sadd k a", CommandOp::SetAdd(own(&["a"]))),
        ("sadd k a b a", CommandOp::SetAdd(own(&["a", "b", "a"]))),
        ("srem k a b", CommandOp::SetRemove(own(&["a", "b"]))),
        ("zadd k m 1.1", CommandOp::SortedAdd { member: s("m"), score: 1.1 }),
        ("zadd k m -inf", CommandOp::SortedAdd { member: s("m"), score: f64::NEG_INFINITY }),
        ("zincr k m -2", CommandOp::SortedIncr { member: s("m"), delta: -2.0 }),
        ("zrem k m", CommandOp::SortedRemove(s("m"))),
        ("rpush k a b", CommandOp::ListPush { end: ListEnd::Back, values: own(&["a", "b"]) }),
        ("lpush k a", CommandOp::ListPush { end: ListEnd::Front, values: own(&["a"]) }),
        (
            "linsafter k t a b",
            CommandOp::ListInsert { side: ListSide::After, target: s("t"), values: own(&["a", "b"]) },
        ),
        ("linsbefore k t a", CommandOp::ListInsert { side: ListSide::Before, target: s("t"), values: own(&["a"]) }),
        ("linsat k -1 a b", CommandOp::ListInsertAt { index: -1, values: own(&["a", "b"]) }),
        ("lset k a b", CommandOp::ListSet { old: s("a"), new: s("b") }),
        ("lset-at k 2 b", CommandOp::ListSetAt { index: 2, value: s("b") }),
        ("lrem k a", CommandOp::ListRemove(s("a"))),
        ("lrem-at k -1", CommandOp::ListRemoveAt(-1)),
        ("lmove k a front", CommandOp::ListMove { value: s("a"), end: ListEnd::Front }),
        ("lmove-at k -1 front", CommandOp::ListMoveAt { index: -1, end: ListEnd::Front }),
        ("lmove-at k 0 back", CommandOp::ListMoveAt { index: 0, end: ListEnd::Back }),
        ("clear k sortedset", CommandOp::Clear("sortedset")),
        ("lmove k a back", CommandOp::ListMove { value: s("a"), end: ListEnd::Back }),
        ("pfadd k a b", CommandOp::HllAdd(own(&["a", "b"]))),
        ("binc k 10", CommandOp::BoundedIncr(10)),
        ("bdec k 6", CommandOp::BoundedDecr(6)),
        ("bgive k B 4", CommandOp::BoundedGive { to: s("B"), amount: 4 }),
        ("expire k 50", CommandOp::Expire(50)),
        ("persist k", CommandOp::Persist),
        ("del k", CommandOp::Delete),
    ];
    for (text, op) in cases {
        assert_eq!(command(text), Command { object: ObjectRef::key("k"), op: op.clone() }, "{text}");
        let words: Vec<&str> = text.split(' ').collect();
        let nested = [&["at", "m", "u/visits", words[0]], &words[2..]].concat();
        let object = ObjectRef { key: "m".to_owned(), path: own(&["u", "visits"]) };
        assert_eq!(Command::parse(&nested).unwrap(), Command { object, op }, "{nested:?}");
    }
}

#[test]
fn nan_is_kept_for_the_kernel_to_refuse() {
    let CommandOp::SortedAdd { score, .. } = command("zadd k m nan").op else { panic!("no zadd") };
    assert!(score.is_nan());
}

#[test]
fn every_query_becomes_its_read() {
    let s = str::to_owned;
    let cases = [
        ("get k", QueryKind::Get),
        ("mvget k", QueryKind::MvGet),
        ("counter k", QueryKind::Counter),
        ("flag k", QueryKind::Flag),
        ("smembers k", QueryKind::Members),
        ("sismember k e", QueryKind::Contains(s("e"))),
        ("hkeys k", QueryKind::Fields),
        ("zscore k m", QueryKind::Score(s("m"))),
        ("zrank k m", QueryKind::Rank { member: s("m"), reverse: false }),
        ("zrank k m rev", QueryKind::Rank { member: s("m"), reverse: true }),
        ("zrank k rev", QueryKind::Rank { member: s("rev"), reverse: false }),
        ("zrange k", QueryKind::RankRange { start: 0, stop: -1, reverse: false }),
        ("zrange k 1 -2", QueryKind::RankRange { start: 1, stop: -2, reverse: false }),
        ("zrange k 0 -1 rev", QueryKind::RankRange { start: 0, stop: -1, reverse: true }),
        ("zrangebyscore k -inf 2.5", QueryKind::ScoreRange { min: f64::NEG_INFINITY, max: 2.5, reverse: false }),
        ("zrangebyscore k 1 2 rev", QueryKind::ScoreRange { min: 1.0, max: 2.0, reverse: true }),
        ("list k", QueryKind::ListRange { start: 0, stop: -1 }),
        ("lrange k 2 -1", QueryKind::ListRange { start: 2, stop: -1 }),
        ("lindex k -1", QueryKind::ListIndex(-1)),
        ("pfcount k", QueryKind::HllCount),
        ("bval k", QueryKind::BoundedValue),
        ("rights k", QueryKind::BoundedRights),
        ("ttl k", QueryKind::Ttl),
        ("kinds k", QueryKind::Kinds),
    ];
    for (text, kind) in cases {
        assert_eq!(query(text), Query { object: ObjectRef::key("k"), kind: kind.clone() }, "{text}");
        let words: Vec<&str> = text.split(' ').collect();
        let nested = [&["at", "m", "a/b", words[0]], &words[2..]].concat();
        assert_eq!(Query::parse(&nested).unwrap(), Query { object: ObjectRef::at("m", "a/b"), kind }, "{nested:?}");
    }
}

#[test]
fn short_forms_are_operations_at_a_path() {
    for (short, long) in [
        ("hset m u/name ann", "at m u/name set ann"),
        ("hset m f v 10", "at m f set v 10"),
        ("hincr m u/visits 10", "at m u/visits incr 10"),
        ("hsadd m tags a b", "at m tags sadd a b"),
        ("hsrem m tags a", "at m tags srem a"),
        ("hdel m u", "at m u del"),
    ] {
        assert_eq!(command(short), command(long));
        assert_eq!(command(long).to_string(), short);
    }
    for (short, long) in [
        ("hget m u/name", "at m u/name get"),
        ("hcounter m f", "at m f counter"),
        ("hsmembers m f", "at m f smembers"),
        ("hkeys m u", "at m u hkeys"),
    ] {
        assert_eq!(query(short), query(long));
        assert_eq!(query(long).to_string(), short);
    }
}

#[test]
fn keys_and_values_may_look_like_anything() {
    assert_eq!(command("set at v").object, ObjectRef::key("at"));
    assert_eq!(command("set cart:1/2@x v").object, ObjectRef::key("cart:1/2@x"));
    assert_eq!(command("at at at set v").object, ObjectRef::at("at", "at"));
    assert_eq!(command("sadd s sync => ctx").op, CommandOp::SetAdd(own(&["sync", "=>", "ctx"])));
    assert_eq!(command("hset m a//b v").object.path, own(&["a", "", "b"]), "an empty field is the kernel's to refuse");
}

#[test]
fn a_statement_is_a_write_or_a_read() {
    let statement = |text: &str| Statement::parse(&text.split(' ').collect::<Vec<_>>()).unwrap();
    assert_eq!(statement("incr k 5"), Statement::Write(command("incr k 5")));
    assert_eq!(statement("smembers s"), Statement::Read(query("smembers s")));
    assert_eq!(statement("at m f incr 5"), Statement::Write(command("at m f incr 5")));
    assert_eq!(statement("at m f get"), Statement::Read(query("at m f get")));
}

/// Arguments that fit a usage line, the optional ones left out.
fn sample(behind: &str) -> Vec<&str> {
    let fit = |word| match word {
        "front|back" => "front",
        "TYPE" => "set",
        "N" | "MS" | "INDEX" | "SCORE" | "DELTA" | "START" | "STOP" | "MIN" | "MAX" => "1",
        word => str::trim_end_matches(word, '…'),
    };
    let mandatory = behind.split('[').next().unwrap_or_default();
    mandatory.split_whitespace().map(fit).collect()
}

#[test]
fn the_vocabulary_is_what_the_parser_knows() {
    for (word, behind) in vocabulary::WRITES {
        let words = [&[word, "KEY"], &sample(behind)[..]].concat();
        let command = Command::parse(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        assert!(command.to_string().starts_with(word), "{command}");
    }
    for (word, behind) in vocabulary::READS {
        let words = [&[word, "KEY"], &sample(behind)[..]].concat();
        let query = Query::parse(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        assert!(query.to_string().starts_with(word), "{query}");
    }
}

#[test]
fn every_line_becomes_its_step() {
    let (a, b) = (Region::A, Region::B);
    let t = || "t".to_owned();
    let cases = [
        ("sync", StepKind::Sync),
        ("A->B", StepKind::Pull { from: a, to: b, own: false }),
        ("B->A own", StepKind::Pull { from: b, to: a, own: true }),
        ("clock A 3600000", StepKind::Clock { region: a, ms: 3_600_000 }),
        ("advance 20", StepKind::Advance(20)),
        ("save B t", StepKind::Save { region: b, token: t() }),
        ("begin A t", StepKind::Begin { region: a, transaction: t() }),
        ("commit A t", StepKind::Commit { region: a, transaction: t() }),
        ("A@t incr k 1", StepKind::Buffer { region: a, transaction: t(), command: command("incr k 1") }),
        ("A incr k -3", StepKind::Write { region: a, command: command("incr k -3"), context: None }),
        ("A del k ctx=t", StepKind::Write { region: a, command: command("del k"), context: Some(t()) }),
        ("A bgive k C 4", StepKind::Write { region: a, command: command("bgive k C 4"), context: None }),
        (
            "txn A set k1 v1;sadd s k1 ; incr n 1;",
            StepKind::Transaction {
                region: a,
                commands: vec![command("set k1 v1"), command("sadd s k1"), command("incr n 1")],
            },
        ),
        (
            "expect * hget m u/name => a=>b",
            StepKind::Expect { regions: Regions::Every, query: query("hget m u/name"), text: "a=>b".to_owned() },
        ),
        (
            "expect B get k=>v",
            StepKind::Expect { regions: Regions::One(b), query: query("get k"), text: "v".to_owned() },
        ),
        (
            "err A bdec k 1 => InsufficientRights",
            StepKind::Fails {
                region: a,
                command: command("bdec k 1"),
                context: None,
                name: "InsufficientRights".to_owned(),
            },
        ),
        (
            "err A reset k ctx=t => ok",
            StepKind::Fails { region: a, command: command("reset k"), context: Some(t()), name: "ok".to_owned() },
        ),
    ];
    for (text, kind) in cases {
        assert_eq!(step(text), kind, "{text}");
        assert_eq!(step(&text.replace(' ', " \t ")), step(text), "blanks are blanks");
    }
}

#[test]
fn an_expected_text_keeps_its_blanks() {
    let StepKind::Expect { text, .. } = step("expect A get k =>  two   words => three ") else { panic!("no expect") };
    assert_eq!(text, "two   words => three");
}

#[test]
fn a_transaction_is_cut_at_semicolons_of_their_own() {
    let commands = transaction(&["set", "k", "a;b", ";", "incr", "n", "1", ";"]).unwrap();
    assert_eq!(commands, [command("set k a;b"), command("incr n 1")]);
}

#[test]
fn regions_are_counted_in_order() {
    assert_eq!(Region::ALL.map(Region::index), [0, 1, 2]);
    assert_eq!(Regions::Every.iter().collect::<Vec<_>>(), Region::ALL);
    assert_eq!(Regions::One(Region::C).iter().collect::<Vec<_>>(), [Region::C]);
}

const FILE: &str = "# a comment\n\n[R1 register: concurrent set]  # the name\r\n  clock A 100   # late\nA set k x\nsync\n\
    expect * get k => x\n[ F2 flag ]\nA dwenable f\nsync\n[empty]\n[R2 key #1]\nA del k";

#[test]
fn a_file_becomes_its_scenarios() {
    let scenarios = parse("f", FILE).unwrap();
    let names: Vec<_> = scenarios.iter().map(|scenario| (scenario.line, scenario.name.as_str())).collect();
    assert_eq!(names, [(3, "R1 register: concurrent set"), (8, "F2 flag"), (11, "empty"), (12, "R2 key")]);
    let lines = |nth: usize| scenarios[nth].steps.as_ref().unwrap().iter().map(|step| step.line).collect::<Vec<_>>();
    assert_eq!(lines(0), [4, 5, 6, 7]);
    assert_eq!(scenarios[0].steps.as_ref().unwrap()[0], Step { line: 4, kind: step("clock A 100") });
    assert!(scenarios[1].steps.as_ref().unwrap_err().is_not_built());
    assert_eq!(lines(2), [0; 0]);
    assert_eq!(lines(3), [13]);
}

/// The conformance scenarios stand outside the code; whoever has them names them.
#[test]
fn the_conformance_scenarios_parse_and_read_back() {
    let Some(path) = std::env::var_os("HALCYON_SCENARIOS") else {
        eprintln!("skip: HALCYON_SCENARIOS names no file of scenarios");
        return;
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let scenarios = parse("scenarios", &text).unwrap();
    assert!(!scenarios.is_empty());
    let mut steps_read = 0;
    for scenario in scenarios {
        match &scenario.steps {
            Err(error) => assert!(error.is_not_built(), "{error}"),
            Ok(steps) => {
                for step in steps {
                    let line = text.lines().nth(step.line - 1).unwrap().split('#').next().unwrap();
                    let blanks = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                    assert_eq!(step.to_string(), blanks(line), "what is printed is what stood there");
                    steps_read += 1;
                }
            }
        }
    }
    assert!(steps_read > 0);
}
