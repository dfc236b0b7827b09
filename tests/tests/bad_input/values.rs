//! Keys, values and numbers past their limits, and words that are no commands: refused one by one, the rest carried out.

use std::env::temp_dir;

use halcyon_client::{Refusal, WriteError};
use halcyon_tests::{Cluster, halcyon_with_input};
use serde_json::Value;

use crate::Witness;

#[tokio::test]
async fn exec_refuses_bad_lines_one_by_one_and_carries_the_others_out() {
    let cluster = Cluster::start_under(&temp_dir(), 1, false).await;
    let witness = Witness::of(&cluster).await;
    let long_key = "k".repeat(1025);
    let long_value = "v".repeat(256 * 1024);
    let max = i64::MAX;
    // A line, and the name of its error; none if it is carried out.
    let lines: Vec<(String, Option<&str>)> = vec![
        ("incr before 1".to_owned(), None),
        ("frobnicate k".to_owned(), Some("UnknownCommand")),
        ("incr k".to_owned(), Some("BadArguments")),
        ("incr k many".to_owned(), Some("BadArguments")),
        ("rwadd k m".to_owned(), Some("NotBuilt")),
        (format!("incr {long_key} 1"), Some("InvalidArgument")),
        (format!("sadd s {long_key}"), Some("InvalidArgument")),
        (format!("set r {long_value}"), Some("InvalidArgument")),
        (format!("incr full {max}"), None),
        ("incr full 1".to_owned(), Some("CounterOverflow")),
        ("txn incr half 1; incr full 1".to_owned(), Some("CounterOverflow")),
        ("smembers before".to_owned(), Some("WrongType")),
        ("session nonsense".to_owned(), Some("BadArguments")),
        ("incr after 1".to_owned(), None),
    ];
    let input = lines.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>().join("\n");
    let exec = ["exec", "--region", "us-east"].map(str::to_owned).into_iter().chain(cluster.flags());
    let ended = halcyon_with_input(exec, input).await.refused(&["11 of 14 commands"]);
    let answers: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), lines.len(), "one answer a line: {ended}");
    for ((line, error), answer) in lines.iter().zip(&answers) {
        let line: String = line.chars().take(40).collect();
        assert_eq!(answer.get("error").and_then(Value::as_str), *error, "{line}: {answer}");
        let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
        assert!(error.is_none() || message.len() > 15, "{line}: a message that helps: {answer}");
    }
    let shop = witness.client.keyspace("default");
    for (key, sum) in [("before", 1), ("after", 1), ("full", i128::from(max)), ("half", 0)] {
        assert_eq!(shop.counter(key).get().await.unwrap(), sum, "{key}");
    }
    witness.has_lost_nothing().await;
}

#[tokio::test]
async fn the_sdk_refuses_what_is_too_large_or_overflows_and_leaves_what_was_there() {
    let cluster = Cluster::start_under(&temp_dir(), 1, false).await;
    let witness = Witness::of(&cluster).await;
    let shop = witness.client.keyspace("default");
    let refusal = |outcome: Result<_, WriteError>| match outcome {
        Err(WriteError::Refused(refusal)) => refusal,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("must be refused"),
    };
    let key = "k".repeat(1025);
    let refused = refusal(shop.counter(&key).add(1).await);
    assert!(matches!(&refused, Refusal::InvalidArgument { reason } if reason.contains("1024")), "{refused}");
    shop.register("r").set("kept").await.unwrap();
    let refused = refusal(shop.register("r").set_bytes(vec![0; 256 * 1024 + 1]).await);
    assert!(matches!(&refused, Refusal::InvalidArgument { reason } if reason.contains("262144")), "{refused}");
    assert_eq!(shop.register("r").get::<String>().await.unwrap().as_deref(), Some("kept"));
    let refused = refusal(shop.set("s").add(vec![1; 1025]).await);
    assert!(matches!(&refused, Refusal::InvalidArgument { .. }), "{refused}");

    shop.counter("low").add(i64::MIN).await.unwrap();
    let refused = refusal(shop.counter("low").add(-1).await);
    assert!(matches!(&refused, Refusal::CounterOverflow { .. }), "{refused}");
    assert_eq!(shop.counter("low").get().await.unwrap(), i128::from(i64::MIN));

    let mut crowd = shop.batch();
    for n in 0..1025 {
        crowd.counter(format!("crowd:{n}")).add(1);
    }
    let refused = refusal(crowd.commit().await);
    assert!(matches!(&refused, Refusal::TooLarge { reason } if reason.contains("1024")), "{refused}");
    assert_eq!(shop.counter("crowd:0").get().await.unwrap(), 0, "none of it has happened");

    // The largest that fits, fits.
    let (key, value) = ("k".repeat(1024), vec![7; 256 * 1024]);
    shop.register(&key).set_bytes(&value).await.unwrap();
    assert_eq!(shop.register(&key).get_bytes().await.unwrap().as_deref(), Some(value.as_slice()));

    let unknown = witness.client.keyspace("nowhere").counter("k").add(1).await.expect_err("no such keyspace");
    assert!(unknown.to_string().contains("default"), "{unknown}");
    witness.has_lost_nothing().await;
}
