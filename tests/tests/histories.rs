//! Histories that were kept, judged again: what the nemesis once found it must find for ever, and what was right it must not
//! call wrong. `tests/histories/bad-CHECKER--NAME.jsonl` shows a violation of that checker, `good--NAME.jsonl` none.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_history_that_was_kept_is_judged_as_it_was() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories");
    let mut judged = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let ended = Command::new(env!("CARGO_BIN_EXE_nemesis")).arg("--judge").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        let errors = String::from_utf8_lossy(&ended.stderr);
        match name.split_once("--") {
            Some(("good", _)) => assert!(ended.status.success(), "{name} is right:\n{said}{errors}"),
            Some((bad, _)) => {
                let checker = bad.strip_prefix("bad-").unwrap_or_else(|| panic!("{name}: say good-- or bad-CHECKER--"));
                assert_eq!(ended.status.code(), Some(1), "{name} is wrong:\n{said}{errors}");
                assert!(said.contains(&format!("VIOLATION of {checker}:")), "{name}: by {checker}:\n{said}");
            }
            None => panic!("{name}: say good--NAME or bad-CHECKER--NAME"),
        }
        let closing = said.lines().last().unwrap_or_default();
        assert!(closing.starts_with("nemesis: ") && closing.ends_with(" violations"), "{closing}");
        judged += 1;
    }
    assert!(judged >= 8, "only {judged} histories in {}", dir.display());
}
