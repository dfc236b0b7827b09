//! Text of any kind, and steps of every kind, there and back.

use proptest::prelude::*;

use super::super::op::{ListEnd, ListSide};
use super::super::{Command, CommandOp, ObjectRef, Query, QueryKind, Region, Regions, StepKind, parse, vocabulary};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,3}",
        1 => "[a-zA-Z0-9:/@.,=+*ü-]{1,6}".prop_filter("is a context", |word| !word.starts_with("ctx=") && !word.contains("=>")),
        1 => prop::sample::select(vec!["at", "rev", "sync", "own", "A", "front", "nan", "-1", "set"]).prop_map(str::to_owned),
    ]
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(word(), 1..4)
}

fn object() -> impl Strategy<Value = ObjectRef> {
    let field = prop_oneof![9 => "[a-z]{1,3}", 1 => Just(String::new())];
    let path = prop::collection::vec(field, 0..4)
        .prop_filter("no word at all", |path| path.is_empty() || !path.join("/").is_empty());
    (word(), path).prop_map(|(key, path)| ObjectRef { key, path })
}

/// Not NaN, which equals nothing; the language tests see to it.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("NaN", |number| !number.is_nan()),
        prop::sample::select(vec![0.0, -0.0, 1e21, 5e-324, f64::INFINITY, f64::NEG_INFINITY, 0.1, 1.0]),
    ]
}

fn end() -> impl Strategy<Value = ListEnd> {
    prop::sample::select(vec![ListEnd::Front, ListEnd::Back])
}

fn region() -> impl Strategy<Value = Region> {
    prop::sample::select(Region::ALL.to_vec())
}

fn op() -> impl Strategy<Value = CommandOp> {
    let side = prop::sample::select(vec![ListSide::Before, ListSide::After]);
    prop_oneof![
        prop::sample::select(vec![
            CommandOp::Unset,
            CommandOp::Reset,
            CommandOp::Enable,
            CommandOp::Disable,
            CommandOp::Persist,
            CommandOp::Delete,
        ]),
        (word(), prop::option::of(any::<i64>())).prop_map(|(value, ttl_ms)| CommandOp::Set { value, ttl_ms }),
        word().prop_map(CommandOp::MvSet),
        word().prop_map(CommandOp::SortedRemove),
        word().prop_map(CommandOp::ListRemove),
        any::<i64>().prop_map(CommandOp::Incr),
        any::<i64>().prop_map(CommandOp::ListRemoveAt),
        any::<i64>().prop_map(CommandOp::BoundedIncr),
        any::<i64>().prop_map(CommandOp::BoundedDecr),
        any::<i64>().prop_map(CommandOp::Expire),
        words().prop_map(CommandOp::SetAdd),
        words().prop_map(CommandOp::SetRemove),
        words().prop_map(CommandOp::HllAdd),
        (word(), number()).prop_map(|(member, score)| CommandOp::SortedAdd { member, score }),
        (word(), number()).prop_map(|(member, delta)| CommandOp::SortedIncr { member, delta }),
        (end(), words()).prop_map(|(end, values)| CommandOp::ListPush { end, values }),
        (side, word(), words()).prop_map(|(side, target, values)| CommandOp::ListInsert { side, target, values }),
        (any::<i64>(), words()).prop_map(|(index, values)| CommandOp::ListInsertAt { index, values }),
        (word(), word()).prop_map(|(old, new)| CommandOp::ListSet { old, new }),
        (any::<i64>(), word()).prop_map(|(index, value)| CommandOp::ListSetAt { index, value }),
        (word(), end()).prop_map(|(value, end)| CommandOp::ListMove { value, end }),
        (any::<i64>(), end()).prop_map(|(index, end)| CommandOp::ListMoveAt { index, end }),
        prop::sample::select(&vocabulary::TYPES[..]).prop_map(|(name, _)| CommandOp::Clear(name)),
        (region(), any::<i64>()).prop_map(|(to, amount)| CommandOp::BoundedGive { to: to.to_string(), amount }),
    ]
}

fn kind() -> impl Strategy<Value = QueryKind> {
    let index = || prop_oneof![-1_i64..2, any::<i64>()];
    prop_oneof![
        prop::sample::select(vec![
            QueryKind::Get,
            QueryKind::MvGet,
            QueryKind::Counter,
            QueryKind::Flag,
            QueryKind::Members,
            QueryKind::Fields,
            QueryKind::HllCount,
            QueryKind::BoundedValue,
            QueryKind::BoundedRights,
            QueryKind::Ttl,
            QueryKind::Kinds,
        ]),
        word().prop_map(QueryKind::Contains),
        word().prop_map(QueryKind::Score),
        (word(), any::<bool>()).prop_map(|(member, reverse)| QueryKind::Rank { member, reverse }),
        (index(), index(), any::<bool>()).prop_map(|(start, stop, reverse)| QueryKind::RankRange {
            start,
            stop,
            reverse
        }),
        (number(), number(), any::<bool>()).prop_map(|(min, max, reverse)| QueryKind::ScoreRange { min, max, reverse }),
        (index(), index()).prop_map(|(start, stop)| QueryKind::ListRange { start, stop }),
        index().prop_map(QueryKind::ListIndex),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    (object(), op()).prop_map(|(object, op)| Command { object, op })
}

fn query() -> impl Strategy<Value = Query> {
    (object(), kind()).prop_map(|(object, kind)| Query { object, kind })
}

fn step() -> impl Strategy<Value = StepKind> {
    let name = || "[a-z]{1,3}";
    let context = || prop::option::of("[a-z]{1,3}");
    let regions = prop_oneof![Just(Regions::Every), region().prop_map(Regions::One)];
    let text = prop::sample::select(vec!["nil", "{a,b}", "[b,a]", "1e+06", "two words", "a => b", "{}"]);
    prop_oneof![
        Just(StepKind::Sync),
        (region(), region(), any::<bool>()).prop_map(|(from, to, own)| StepKind::Pull { from, to, own }),
        (region(), any::<u64>()).prop_map(|(region, ms)| StepKind::Clock { region, ms }),
        any::<u64>().prop_map(StepKind::Advance),
        (region(), name()).prop_map(|(region, token)| StepKind::Save { region, token }),
        (region(), name()).prop_map(|(region, transaction)| StepKind::Begin { region, transaction }),
        (region(), name()).prop_map(|(region, transaction)| StepKind::Commit { region, transaction }),
        (region(), name(), command()).prop_map(|(region, transaction, command)| StepKind::Buffer {
            region,
            transaction,
            command
        }),
        (region(), command(), context()).prop_map(|(region, command, context)| StepKind::Write {
            region,
            command,
            context
        }),
        (region(), prop::collection::vec(command(), 1..4))
            .prop_map(|(region, commands)| StepKind::Transaction { region, commands }),
        (regions, query(), text).prop_map(|(regions, query, text)| StepKind::Expect {
            regions,
            query,
            text: text.to_owned()
        }),
        (region(), command(), context(), "[A-Za-z]{1,8}")
            .prop_map(|(region, command, context, name)| StepKind::Fails { region, command, context, name }),
    ]
}

/// Lines of the language's own words, in any order: few are steps, all come close.
fn near_miss() -> impl Strategy<Value = String> {
    let known: Vec<String> = [
        "A",
        "*",
        "A@t",
        "A@",
        "->",
        "A->B",
        "own",
        "sync",
        "clock",
        "save",
        "begin",
        "commit",
        "txn",
        "expect",
        "err",
        "=>",
        "ctx=",
        "ctx=t",
        ";",
        "at",
        "a/b",
        "-1",
        "nan",
        "[",
        "]",
        "#",
        "rev",
        "dwenable",
        "rwmembers",
    ]
    .into_iter()
    .chain(vocabulary::WRITES.map(|(word, _)| word))
    .chain(vocabulary::READS.map(|(word, _)| word))
    .map(str::to_owned)
    .collect();
    prop::collection::vec(prop::sample::select(known), 0..8).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_printed_step_is_read_back_as_itself(step in step()) {
        let text = step.to_string();
        prop_assert_eq!(StepKind::parse(&text), Ok(step), "{}", text);
    }

    #[test]
    fn a_line_is_a_step_or_an_error_and_what_is_a_step_reads_back(line in prop_oneof![near_miss(), ".*", "[ -~]{0,40}"]) {
        if let Ok(step) = StepKind::parse(&line) {
            prop_assert_eq!(StepKind::parse(&step.to_string()), Ok(step), "{}", line);
        }
    }

    #[test]
    fn a_text_is_scenarios_or_an_error(text in prop_oneof![
        ".*",
        prop::collection::vec(prop_oneof![near_miss(), Just("[name]".to_owned()), "\\PC*"], 0..6).prop_map(|lines| lines.join("\n")),
    ]) {
        let _ = parse("any", &text);
    }

    #[test]
    fn a_printed_scenario_is_read_back_as_itself(name in "[a-zA-Z0-9:,; \\[\\]]{1,12}", steps in prop::collection::vec(step(), 0..6)) {
        let text: String = std::iter::once(format!("[{name}]")).chain(steps.iter().map(ToString::to_string)).collect::<Vec<_>>().join("\n");
        if let Ok(scenarios) = parse("one", &text) {
            let printed: String = scenarios.iter().map(ToString::to_string).collect();
            prop_assert_eq!(scenarios[0].steps.as_ref().map(Vec::len), Ok(steps.len()));
            prop_assert_eq!(parse("one", &printed), Ok(scenarios));
        }
    }
}
