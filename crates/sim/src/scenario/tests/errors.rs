//! What is not the language says what it is and what to do.

use super::super::{Command, CommandError, Query, Statement, StepError, StepKind, parse, transaction};

/// What is wrong with a line, in words.
fn problem(line: &str) -> String {
    StepKind::parse(line).expect_err(line).to_string()
}

#[test]
fn a_line_that_is_no_step_says_what_would_be() {
    for (line, remedy) in [
        ("D incr k 1", "begin with A, B, C"),
        ("incr k 1", "begin with A, B, C"),
        ("A -> B", "is no operation"),
        ("D->A", "there is no region `D`; the regions of a scenario are A, B and C"),
        ("A->B->C", "no region `B->C`"),
        ("A->B Own", "use: A->B, or A->B own"),
        ("D@t incr k 1", "no region `D`"),
        ("A@ incr k 1", "use: A@TRANSACTION OPERATION KEY …"),
        ("A@t sadd s x ctx=t", "drop `ctx=t`"),
        ("txn A sadd s x; sadd s y ctx=t;", "drop `ctx=t`"),
        ("A sadd s x ctx=", "ctx=TOKEN"),
        ("A ctx=t", "an operation is missing"),
        ("A", "an operation is missing"),
        ("sync A", "use: sync"),
        ("clock A", "use: clock REGION MS"),
        ("clock * 5", "no region `*`"),
        ("clock A -5", "whole milliseconds"),
        ("clock A 18446744073709551616", "whole milliseconds"),
        ("advance 1.5", "whole milliseconds"),
        ("advance", "use: advance MS"),
        ("save A", "use: save REGION TOKEN"),
        ("begin A t u", "use: begin REGION TRANSACTION"),
        ("commit t", "use: commit REGION TRANSACTION"),
        ("txn", "use: txn REGION OPERATION"),
        ("txn A", "an operation is missing"),
        ("txn A incr k 1;;incr k 2", "an operation is missing"),
        ("expect A get k", "use: expect REGION|* QUERY KEY … => TEXT"),
        ("expect A get k =>", "=> TEXT"),
        ("expect => x", "=> TEXT"),
        ("expect X get k => x", "no region `X`"),
        ("expect A set k v => x", "`set` writes, and a read belongs here"),
        ("err A bdec k 1", "=> NAME"),
        ("err A bdec k 1 => Insufficient Rights", "=> NAME"),
        ("err * bdec k 1 => ok", "no region `*`"),
        ("A get k", "`get` reads, and a write belongs here; to read, use: expect REGION get"),
        ("A bgive k us-east 1", "no region `us-east`"),
        ("txn A bgive k Z 1", "no region `Z`"),
        ("A@t bgive k Z 1", "no region `Z`"),
    ] {
        assert!(problem(line).contains(remedy), "{line}: {}", problem(line));
    }
}

#[test]
fn a_command_that_is_none_says_how_it_is_used() {
    for (words, name, remedy) in [
        ("frobnicate k", "UnknownCommand", "writes are: set, unset"),
        ("SET k v", "UnknownCommand", "reads are: get, mvget"),
        ("at m f frobnicate", "UnknownCommand", "`frobnicate` is no operation"),
        ("set k", "BadArguments", "use: set KEY VALUE [TTL_MS], or at KEY FIELD/FIELD… set VALUE [TTL_MS]"),
        ("set", "BadArguments", "use: set KEY"),
        ("reset k now", "BadArguments", "use: reset KEY, or at KEY FIELD/FIELD… reset"),
        ("sadd s", "BadArguments", "use: sadd KEY ELEMENT…"),
        ("linsafter l t", "BadArguments", "use: linsafter KEY TARGET VALUE…"),
        ("lmove l v up", "BadArguments", "front|back"),
        ("hset m f", "BadArguments", "use: hset KEY FIELD/FIELD… VALUE"),
        ("hset m", "BadArguments", "use: hset KEY FIELD/FIELD… VALUE"),
        ("at m f hset v", "BadArguments", "drop the `at`"),
        ("at m f", "BadArguments", "use: at KEY FIELD/FIELD… OPERATION"),
        ("at m f at n g set v", "BadArguments", "use: at KEY FIELD/FIELD… OPERATION"),
        ("at", "BadArguments", "use: at KEY FIELD/FIELD… OPERATION"),
        ("incr k one", "BadArguments", "`one` is no whole number from -9223372036854775808 to 9223372036854775807"),
        ("incr k 9223372036854775808", "BadArguments", "whole number"),
        ("incr k 1.5", "BadArguments", "whole number"),
        ("hincr m f 1.5", "BadArguments", "whole number"),
        ("set k v soon", "BadArguments", "whole number"),
        ("zadd z m high", "BadArguments", "`high` is no number"),
        ("dwenable f", "NotBuilt", "disable-wins flags come later"),
        ("rwadd s x", "NotBuilt", "remove-wins sets come later"),
        ("rwmembers s", "NotBuilt", "remove-wins sets come later"),
        ("zrange z 1", "BadArguments", "zrange KEY [START STOP [rev]]"),
        ("zrange z rev", "BadArguments", "zrange KEY [START STOP [rev]]"),
        ("lindex l first", "BadArguments", "whole number"),
        ("hget m", "BadArguments", "use: hget KEY FIELD/FIELD…"),
        ("hkeys m a b", "BadArguments", "use: hkeys KEY [FIELD/FIELD…]"),
    ] {
        let error = Statement::parse(&words.split(' ').collect::<Vec<_>>()).expect_err(words);
        assert_eq!(error.name(), name, "{words}");
        assert!(error.to_string().contains(remedy), "{words}: {error}");
    }
    assert_eq!(Command::parse(&[]), Err(CommandError::Missing));
    assert_eq!(Query::parse(&[]), Err(CommandError::Missing));
    assert_eq!(Statement::parse(&[]), Err(CommandError::Missing));
    assert_eq!(transaction(&[";"]), Err(CommandError::Missing));
}

#[test]
fn an_error_names_file_line_text_and_remedy() {
    let text = "[one]\n\nA incr k 1 # fine\n  A incr k lots # not fine\n[two]\nsync\n";
    let scenarios = parse("my.txt", text).unwrap();
    let error = scenarios[0].steps.as_ref().unwrap_err();
    assert_eq!((error.file.as_str(), error.line), ("my.txt", 4));
    assert!(!error.is_not_built());
    let message = error.to_string();
    assert!(message.starts_with("my.txt line 4: `A incr k lots # not fine`: `lots` is no whole number"), "{message}");
    assert!(scenarios[1].steps.is_ok(), "one bad line spoils its scenario and no other");
}

#[test]
fn a_mistake_is_not_hidden_by_what_is_not_built() {
    for text in ["[s]\nA rwadd s x\nA oops", "[s]\nA oops\nA rwadd s x", "[s]\nA oops\nA oops again"] {
        let error = parse("f", text).unwrap()[0].steps.clone().unwrap_err();
        assert!(error.text == "A oops", "{error}");
    }
    let skipped = parse("f", "[s]\nsync\nexpect * dwflag f => true\nerr A rwrem s x => ok").unwrap();
    let error = skipped[0].steps.as_ref().unwrap_err();
    assert!(error.is_not_built() && error.line == 3, "{error}");
}

#[test]
fn what_belongs_to_no_scenario_is_refused() {
    let error = parse("f", "# none yet\nsync\n[late]").unwrap_err();
    assert_eq!((error.line, &error.problem), (2, &StepError::NoScenario));
    for name in ["[]", "[open", "[ ]", "[] # nothing"] {
        let error = parse("f", name).unwrap_err();
        assert_eq!(error.problem, StepError::Name, "{name}");
        assert!(error.to_string().contains("use: [NAME]"));
    }
    assert_eq!(parse("f", "  \n# nothing\n"), Ok(Vec::new()));
}

#[test]
fn a_long_line_is_shown_in_part() {
    let text = format!("[s]\nA {}", "ü".repeat(10_000));
    let error = parse("f", &text).unwrap()[0].steps.clone().unwrap_err();
    assert!(error.text.chars().count() == 121 && error.text.ends_with('…'));
}
