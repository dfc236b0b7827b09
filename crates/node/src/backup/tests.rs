//! Backups on a real disk: written, damaged in every way, restored.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use halcyon_crdt::{Object, Op, Update};
use halcyon_store::{Claim, Committer, MemoryBackend, RocksBackend, Staged, WriteJob};
use halcyon_types::topology::Topology;
use halcyon_types::{ActorId, Hlc, KeyspaceId, NodeId, RegionId, RequestId, Seq, UnixMs, VersionVector};
use halcyon_wire::{Seen, Session};
use tempfile::TempDir;

use super::*;
use crate::clocks::Clocks;

const PART_BYTES: u64 = 2000;
const WRITES: u64 = 40;

fn topology() -> Topology {
    let mut toml = "cluster = \"shop\"\n[[keyspace]]\nid = 10\nname = \"default\"\n".to_owned();
    for (id, name) in [(1, "us-east"), (2, "eu-west")] {
        let port = 100 * id;
        write!(
            toml,
            "[[region]]\nid = {id}\nname = \"{name}\"\npeer = \"h:{port}\"\nclient = \"h:{}\"\nadmin = \"h:{}\"\n",
            port + 1,
            port + 2
        )
        .unwrap();
    }
    Topology::parse(&toml).unwrap()
}

fn claim(now: UnixMs) -> Claim {
    Claim {
        cluster: "shop".parse().unwrap(),
        region: RegionId::try_from(1).unwrap(),
        region_name: "us-east".parse().unwrap(),
        now,
        node: NodeId(uuid::Uuid::from_u128(7)),
    }
}

struct World {
    dir: TempDir,
    committer: Committer<MemoryBackend>,
    manifest: Manifest,
}

impl World {
    /// A node in memory that has written something, and a backup of it, of several parts.
    fn new() -> Self {
        let now = Clocks::start().now().wall;
        let (mut committer, recovered) = Committer::open(MemoryBackend::new(), &claim(now)).unwrap();
        for number in 0..WRITES {
            let object = Object::new(KeyspaceId::try_from(10).unwrap(), format!("key {number}"));
            let value = Bytes::from(vec![7; 100]);
            let updates = vec![Update { object, op: Op::Set { value, ttl_ms: None } }];
            let request = RequestId::mint(now, &u128::from(number).to_be_bytes()[6..].try_into().unwrap());
            let write = halcyon_wire::Write { request, session: Session::default(), seen: Seen::Present, updates };
            let job =
                WriteJob { now, real: now, write: &write, snapshot: None, actors: &BTreeMap::new(), refusal: None };
            assert!(matches!(committer.stage_write(job), Ok(Staged::Fresh { .. })));
        }
        committer.commit().unwrap();
        let snapshot = committer.reader().snapshot();
        let manifest = Manifest {
            cluster: "shop".parse().unwrap(),
            region: "us-east".parse().unwrap(),
            actor: recovered.actor,
            vv: snapshot.vv().unwrap(),
            hlc: snapshot.ceiling().unwrap(),
            taken: now,
            parts: Vec::new(),
        };
        let dir = TempDir::new().unwrap();
        let mut writer = Writer::begin(&dir.path().join("backup"), manifest).unwrap().parts_of(PART_BYTES);
        let mut place = Some(Bytes::new());
        while let Some(from) = place {
            let stable = [(recovered.actor, Seq(WRITES - 5))].into_iter().collect();
            let page = snapshot.page_with_logs(&from, 500, &stable).unwrap();
            writer.page(&page.entries).unwrap();
            place = page.next;
        }
        let manifest = writer.finish().unwrap();
        assert!(manifest.parts.len() > 3);
        Self { dir, committer, manifest }
    }

    fn backup(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn order(&self, region: &str) -> Order {
        Order { topology: topology(), region: region.parse().unwrap(), from: self.backup(), data: self.data() }
    }

    fn refused(&self) -> RestoreError {
        let error = restore(&self.order("us-east"), |_| {}).unwrap_err();
        let left: Vec<_> = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| *name == "backup"), "a restore that was refused leaves {left:?}");
        error
    }

    /// Each file, changed as `change` says, is noticed; and each is put back.
    fn noticed(&self, what: &str, change: impl Fn(&mut Vec<u8>)) {
        for entry in fs::read_dir(self.backup()).unwrap() {
            let (file, dir) = (entry.unwrap().path(), self.backup());
            let whole = fs::read(&file).unwrap();
            let mut changed = whole.clone();
            change(&mut changed);
            fs::write(&file, &changed).unwrap();
            let error = verify(&dir, |_| {});
            assert!(
                matches!(&error, Err(BackupError::Damaged { file: named, .. }) if *named == file),
                "{what}: {error:?}"
            );
            fs::write(&file, &whole).unwrap();
        }
        assert!(verify(&self.backup(), |_| {}).is_ok(), "it is whole again");
    }
}

#[test]
fn a_backup_reads_as_it_was_written() {
    let world = World::new();
    let mut rows = 0;
    assert_eq!(verify(&world.backup(), |more| rows += more).unwrap(), world.manifest);
    assert_eq!(rows, world.manifest.rows());
    assert_eq!(world.manifest.vv.get(world.manifest.actor), Seq(WRITES));
    let again = Writer::begin(&world.backup(), world.manifest.clone());
    assert!(matches!(again, Err(BackupError::NotEmpty { .. })));
}

#[test]
fn a_file_that_is_cut_or_longer_is_noticed() {
    let world = World::new();
    world.noticed("one byte short", |bytes| bytes.truncate(bytes.len() - 1));
    world.noticed("nothing left", Vec::clear);
    world.noticed("one byte more", |bytes| bytes.push(0));
    world.noticed("twice", |bytes| bytes.extend(bytes.clone()));
}

#[test]
fn a_flipped_bit_is_noticed_in_every_file() {
    let world = World::new();
    for at in (0..2500).step_by(17) {
        world.noticed(&format!("a bit of byte {at}"), |bytes| {
            let at = at % bytes.len();
            bytes[at] ^= 1 << (at % 8);
        });
    }
    let (file, text) = (Path::new(MANIFEST), world.manifest.encode());
    for bit in 0..text.len() * 8 {
        let mut text = text.clone();
        text[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(Manifest::parse(file, &text), Err(BackupError::Damaged { .. })), "bit {bit}");
    }
    assert!((0..text.len()).all(|at| Manifest::parse(file, &text[..at]).is_err()), "cut anywhere");
}

#[test]
fn a_part_that_is_missing_or_another_is_noticed() {
    let world = World::new();
    let [first, second] = [0, 1].map(|part| world.backup().join(&world.manifest.parts[part].name));
    let bytes = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    let missing = verify(&world.backup(), |_| {});
    assert!(
        matches!(&missing, Err(BackupError::Damaged { file, reason }) if *file == first && reason.contains("missing"))
    );
    fs::copy(&second, &first).unwrap();
    assert!(matches!(verify(&world.backup(), |_| {}), Err(BackupError::Damaged { file, .. }) if file == first));
    fs::write(&first, bytes).unwrap();
    assert!(verify(&world.backup(), |_| {}).is_ok());
}

#[test]
fn a_backup_without_a_manifest_is_none() {
    let world = World::new();
    fs::rename(world.backup().join(MANIFEST), world.backup().join("manifest.json.new")).unwrap();
    assert!(matches!(verify(&world.backup(), |_| {}), Err(BackupError::Unfinished { .. })));
    assert!(matches!(world.refused(), RestoreError::Backup(BackupError::Unfinished { .. })));
}

/// A manifest somebody has written by hand, checksum included.
fn resealed(world: &World, change: impl Fn(&mut Manifest)) -> Result<Manifest, BackupError> {
    let mut manifest = world.manifest.clone();
    change(&mut manifest);
    fs::write(world.backup().join(MANIFEST), manifest.encode()).unwrap();
    verify(&world.backup(), |_| {})
}

#[test]
fn a_manifest_that_was_edited_with_care_is_noticed_by_what_the_parts_hold() {
    let world = World::new();
    assert!(resealed(&world, |_| {}).is_ok());
    let reasons = [
        resealed(&world, |manifest| manifest.parts[1].rows -= 1),
        resealed(&world, |manifest| manifest.parts[1].bytes -= 1),
        resealed(&world, |manifest| manifest.parts[1].blake3 = "0".repeat(64)),
        resealed(&world, |manifest| manifest.parts[1].name = "../part-000002".to_owned()),
        resealed(&world, |manifest| drop(manifest.parts.remove(1))),
    ];
    for reason in reasons {
        assert!(matches!(reason, Err(BackupError::Damaged { .. })), "{reason:?}");
    }
    // A vector that is not that of the rows: what comes out is compared, too.
    resealed(&world, |manifest| manifest.vv.set(manifest.actor, Seq(1))).unwrap();
    assert!(matches!(world.refused(), RestoreError::Otherwise { .. }));
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let world = World::new();
    let text = String::from_utf8(world.manifest.encode()).unwrap();
    let body =
        text.split_once(",\n  \"blake3\": \"").map(|_| text.rsplit_once(",\n  \"blake3\": \"").unwrap().0.to_owned());
    let body = body.unwrap().replacen("\"format\": 1", "\"format\": 2", 1);
    let text = format!("{body},\n  \"blake3\": \"{}\"\n}}\n", blake3::hash(body.as_bytes()).to_hex());
    let error = Manifest::parse(Path::new(MANIFEST), text.as_bytes()).unwrap_err();
    assert!(matches!(error, BackupError::Format { found: 2, expected: 1, .. }));
}

#[test]
fn p2_a_restored_directory_holds_the_backup_and_writes_as_a_new_actor() {
    for region in ["us-east", "eu-west"] {
        let world = World::new();
        let mut seen = 0;
        let restored = restore(&world.order(region), |rows| seen += rows).unwrap();
        assert_eq!((seen, &restored.vv), (2 * world.manifest.rows(), &world.manifest.vv));
        assert!(restored.actor != world.manifest.actor && restored.vv.get(restored.actor) == Seq::ZERO);
        let now = Clocks::start().now().wall;
        let claim =
            Claim { region: restored.actor.region().unwrap(), region_name: region.parse().unwrap(), ..claim(now) };
        let (committer, recovered) = Committer::open(RocksBackend::open(&world.data()).unwrap(), &claim).unwrap();
        assert_eq!(recovered.actor, restored.actor, "from now on, it stays the same");
        assert_eq!(committer.reader().digest(now), world.committer.reader().digest(now));
        let kept: VersionVector = [(world.manifest.actor, Seq(WRITES - 5))].into_iter().collect();
        assert_eq!(recovered.floors, kept, "the records that a region may lack are in its log");
        drop(committer);
        assert!(matches!(restore(&world.order(region), |_| {}), Err(RestoreError::NotEmpty { .. })));
    }
}

#[test]
fn whatever_cannot_be_restored_is_refused_and_leaves_nothing() {
    let world = World::new();
    let mut order = world.order("mars");
    assert!(matches!(restore(&order, |_| {}), Err(RestoreError::UnknownRegion { .. })));
    order = world.order("us-east");
    order.topology.cluster = "bank".parse().unwrap();
    assert!(matches!(restore(&order, |_| {}), Err(RestoreError::OtherCluster { .. })));
    let ahead = |by: u64| {
        let (now, hlc) = (Clocks::start().now().wall, |ms| Hlc::from_parts(UnixMs(ms), 0).unwrap());
        resealed(&world, |manifest| manifest.taken = UnixMs(now.0 + by)).unwrap();
        let by_taken = restore(&world.order("us-east"), |_| {});
        resealed(&world, |manifest| manifest.hlc = hlc(now.0 + by)).unwrap();
        (by_taken.err(), restore(&world.order("eu-west"), |_| {}).err())
    };
    let (taken, hlc) = ahead(3_600_000);
    assert!([taken, hlc].iter().all(|error| matches!(error, Some(RestoreError::ClockBehind { .. }))));
    fs::create_dir(world.dir.path().join("data.restoring")).unwrap();
    assert!(matches!(restore(&world.order("us-east"), |_| {}), Err(RestoreError::Leftover { .. })));
    fs::remove_dir(world.dir.path().join("data.restoring")).unwrap();
    fs::write(world.data(), "a file").unwrap();
    assert!(matches!(restore(&world.order("us-east"), |_| {}), Err(RestoreError::NotEmpty { .. })));
    fs::remove_file(world.data()).unwrap();
    resealed(&world, |manifest| manifest.actor = ActorId::mint(manifest.actor.region().unwrap(), UnixMs(1))).unwrap();
    fs::create_dir(world.data()).unwrap();
    restore(&world.order("us-east"), |_| {}).unwrap();
}

/// A directory that a killed restore has left is refused by the next one, and by a node.
#[test]
fn a_restore_that_was_cut_short_leaves_no_directory_that_a_node_would_take() {
    let world = World::new();
    let making = world.dir.path().join("data.restoring");
    let mut fill = halcyon_store::copy::Fill::begin(RocksBackend::open(&making).unwrap()).unwrap();
    super::part::read(&world.backup(), &world.manifest.parts[0], |entries, _| {
        fill.page(entries).unwrap();
        Ok::<_, BackupError>(())
    })
    .unwrap();
    drop(fill);
    assert!(!world.data().exists());
    assert!(matches!(restore(&world.order("us-east"), |_| {}), Err(RestoreError::Leftover { .. })));
}
