use super::*;

fn put(disk: &MemoryBackend, value: &[u8], durability: Durability) {
    let mut batch = disk.batch();
    batch.put(Family::State, b"k", value);
    disk.write(batch, durability).unwrap();
}

fn value(view: &impl View) -> Option<Vec<u8>> {
    view.with(Family::State, b"k", |value| value.map(<[u8]>::to_vec)).unwrap()
}

#[test]
fn a_crash_takes_back_what_was_not_synced_and_nothing_else() {
    let disk = MemoryBackend::new();
    put(&disk, b"1", Durability::Synced);
    put(&disk, b"2", Durability::Unsynced);
    put(&disk, b"3", Durability::Unsynced);
    assert_eq!(value(&disk).as_deref(), Some(&b"3"[..]));
    let disk = disk.crash();
    assert_eq!(value(&disk).as_deref(), Some(&b"1"[..]));
    put(&disk, b"4", Durability::Unsynced);
    put(&disk, b"5", Durability::Synced);
    assert_eq!(value(&disk.crash()).as_deref(), Some(&b"5"[..]));
}

#[test]
fn a_crash_brings_a_deleted_range_back() {
    let disk = MemoryBackend::new();
    put(&disk, b"1", Durability::Synced);
    let mut batch = disk.batch();
    batch.delete_range(Family::State, b"a", b"z");
    disk.write(batch, Durability::Unsynced).unwrap();
    assert_eq!(value(&disk), None);
    assert_eq!(value(&disk.crash()).as_deref(), Some(&b"1"[..]));
}

#[test]
fn a_dead_process_neither_reads_nor_writes() {
    let dead = MemoryBackend::new();
    let live = dead.crash();
    assert!(dead.write(dead.batch(), Durability::Synced).is_err());
    assert!(dead.with(Family::State, b"k", |_| ()).is_err());
    assert!(live.write(live.batch(), Durability::Synced).is_ok());
}

#[test]
fn a_failed_write_shows_at_the_next_start_at_the_earliest() {
    for (failure, then) in [(WriteFailure::Lost, None), (WriteFailure::Kept, Some(b"1".to_vec()))] {
        let disk = MemoryBackend::new();
        disk.fail_next_write(failure);
        let mut batch = disk.batch();
        batch.put(Family::State, b"k", b"1");
        assert!(disk.write(batch, Durability::Synced).is_err());
        assert_eq!(value(&disk), None);
        assert_eq!(value(&disk.crash()), then);
    }
}
