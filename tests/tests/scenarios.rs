//! The scenario language: its files pass in memory and on real processes, and a wrong one fails where it is wrong.
//!
//! `HALCYON_SCENARIOS` names another file to run besides the project's own.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail by panicking, as the test does"
)]

use std::fs;
use std::path::{Path, PathBuf};

use halcyon_tests::{Cluster, Ended, halcyon, halcyon_interrupted, until};
use serde_json::Value;

/// The project's files.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sim/scenarios");
    let entries = fs::read_dir(folder).expect("the project's scenarios");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort_unstable();
    assert!(!files.is_empty(), "there is something to run");
    files
}

/// The words of `halcyon scenarios FILE`, on a cluster if there is one.
fn words(file: &Path, cluster: Option<&Cluster>, extra: &[&str]) -> Vec<String> {
    let mut words = vec!["scenarios".to_owned(), file.to_string_lossy().into_owned()];
    if let Some(cluster) = cluster {
        words.push("--live".to_owned());
        words.extend(cluster.flags());
    }
    words.extend(extra.iter().map(|word| (*word).to_owned()));
    words
}

async fn scenarios(file: &Path, cluster: Option<&Cluster>, extra: &[&str]) -> Ended {
    halcyon(words(file, cluster, extra)).await
}

/// All scenarios of a file pass, but those that need what is not built; some do pass.
async fn pass(file: &Path, cluster: Option<&Cluster>) {
    let ended = scenarios(file, cluster, &["--json"]).await.succeeded();
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let verdicts = |verdict: &str| {
        let rows = report["scenarios"].as_array().expect("scenarios").iter();
        rows.filter(|row| row["verdict"] == verdict).count()
    };
    let written = fs::read_to_string(file).expect("a file").lines().filter(|line| line.starts_with('[')).count();
    assert_eq!(report["ok"].as_u64(), Some(verdicts("ok") as u64), "{ended}");
    assert_eq!((verdicts("FAIL"), verdicts("ok") + verdicts("skip")), (0, written), "{ended}");
    assert!(verdicts("ok") > verdicts("skip"), "{ended}");
}

/// Nothing is left of a run: everybody hears everybody by real clocks, and what one writes all have.
async fn is_healed(cluster: &Cluster) {
    cluster.linked().await;
    for region in 0..cluster.regions() {
        let status = cluster.status(region).await.expect("a status");
        assert_eq!(status["background"]["on"], true, "{status}");
        for peer in status["peers"].as_array().expect("peers") {
            let fault = &peer["fault"];
            let cut = [&fault["cut_in"], &fault["cut_out"], &fault["relay_off"]];
            assert!(cut.iter().all(|cut| **cut == false), "{status}");
        }
        let wall = status["wall_ms"].as_u64().expect("a clock");
        until("the clock goes on", async || {
            let later = cluster.status(region).await?;
            (later["wall_ms"].as_u64()? > wall).then_some(())
        })
        .await;
    }
    cluster.client(0).await.keyspace("default").counter("after").add(1).await.expect("a write");
    cluster.converged().await;
}

#[tokio::test]
async fn the_projects_scenarios_pass_in_memory() {
    for file in files() {
        pass(&file, None).await;
    }
}

#[tokio::test]
async fn the_projects_scenarios_pass_on_three_running_nodes_and_leave_them_whole() {
    let cluster = Cluster::start(3).await;
    for file in files() {
        pass(&file, Some(&cluster)).await;
    }
    is_healed(&cluster).await;
}

#[tokio::test]
async fn the_file_that_the_environment_names_passes_in_memory_and_on_three_running_nodes() {
    let Some(file) = std::env::var_os("HALCYON_SCENARIOS").map(PathBuf::from) else {
        println!("skip: scenarios from elsewhere: HALCYON_SCENARIOS is not set");
        return;
    };
    pass(&file, None).await;
    let cluster = Cluster::start(3).await;
    pass(&file, Some(&cluster)).await;
    is_healed(&cluster).await;
}

/// One scenario that is right, three that are wrong (a read, a refusal, what replicas do not have yet), one of a later
/// version, and two more that are right.
const MIXED: &str = "\
[right]
A incr k 1
sync
expect * counter k => 1
[a wrong sum]
A incr k 2
sync
expect A counter k => 2
expect * counter k => 3   # line 9
[a refusal that is none]
A incr k 1
err A incr k 1 => InsufficientRights
[too early]
A sadd s x
expect B smembers s => {x}
[later]
A rwadd s x
[right again]
A sadd s x
A->B own
expect B smembers s => {x}
expect C smembers s => {}
[what has ended prints as the model prints it]
A enable k
A expire k 10
sync
expect B ttl k => 10
advance 20
expect * flag k => nil
expect * rights k => nil
expect * hsmembers k f => nil
expect * ttl k => nil
expect * get k => nil
";

#[tokio::test]
async fn a_wrong_expectation_fails_with_its_line_in_memory_and_on_running_nodes() {
    let cluster = Cluster::start(3).await;
    let file = cluster.dir().join("mixed.txt");
    fs::write(&file, MIXED).unwrap();
    for world in [None, Some(&cluster)] {
        let ended = scenarios(&file, world, &[]).await.refused(&["3 of 7 scenarios failed"]);
        let lines: Vec<_> = ended.stdout.lines().collect();
        let beginnings = [
            "ok right",
            "FAIL a wrong sum: line 9: `expect * counter k => 3`: A has 2",
            "FAIL a refusal that is none: line 12: `err A incr k 1 => InsufficientRights`: got ok",
            "FAIL too early: line 15: `expect B smembers s => {x}`: B has {}",
            "skip later: ",
            "ok right again",
            "ok what has ended prints as the model prints it",
            "7 scenarios: 3 ok, 3 failed, 1 skipped",
        ];
        assert_eq!(lines.len(), beginnings.len(), "{ended}");
        for (line, beginning) in lines.iter().zip(beginnings) {
            assert!(line.starts_with(beginning), "{beginning:?}: {ended}");
        }
    }
    is_healed(&cluster).await;
}

#[tokio::test]
async fn a_run_that_is_interrupted_leaves_the_nodes_whole() {
    const MANY: usize = 10_000;
    let cluster = Cluster::start(3).await;
    let file = cluster.dir().join("many.txt");
    fs::write(&file, "[again]\nclock A 5\nA->B\nA sadd s x\nA->B\n".repeat(MANY)).unwrap();
    let ended = halcyon_interrupted(words(&file, Some(&cluster), &[])).await.refused(&["stopped", "healed"]);
    assert!(ended.stdout.lines().count() < MANY, "it has not run to its end");
    assert!(ended.stdout.lines().all(|line| line == "ok again"), "a step that was stopped is no failure: {ended}");
    is_healed(&cluster).await;
}

#[tokio::test]
async fn what_is_not_the_language_is_named_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("broken.txt");
    fs::write(&file, "A incr k 1\n").unwrap();
    let _ = scenarios(&file, None, &[]).await.refused(&["broken.txt line 1", "[NAME]"]);
    fs::write(&file, "[one]\nA incr k 1\nA frobnicate k\n[two]\nA incr k 1\nexpect A counter k => 1\n").unwrap();
    let ended = scenarios(&file, None, &[]).await.refused(&["1 of 2"]);
    assert!(ended.stdout.contains("FAIL one: ") && ended.stdout.contains("broken.txt line 3"), "{ended}");
    assert!(ended.stdout.contains("ok two"), "one bad line spoils its scenario and no other: {ended}");
    fs::write(&file, "# nothing\n").unwrap();
    let _ = scenarios(&file, None, &[]).await.refused(&["no scenario", "remedy"]);
    let _ = scenarios(&dir.path().join("nowhere.txt"), None, &[]).await.refused(&["nowhere.txt", "remedy"]);
}

#[tokio::test]
async fn running_nodes_must_be_three_and_let_themselves_be_cut_off() {
    let two = Cluster::start(2).await;
    let file = two.dir().join("one.txt");
    fs::write(&file, MIXED).unwrap();
    let _ = scenarios(&file, Some(&two), &[]).await.refused(&["three regions", "has 2", "remedy"]);
    let plain = Cluster::start_under(&std::env::temp_dir(), 3, false).await;
    let _ = scenarios(&file, Some(&plain), &[]).await.refused(&["us-east", "fault API", "--fault-api"]);
}
