//! One run: a cluster, clients, faults; then the heal, and what everybody holds by then.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use halcyon_client::{Client, Digest, now};
use halcyon_tests::{Cluster, Dice, REGIONS};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::check::convergence::WITHIN_MS;
use crate::faults::Injector;
use crate::faults::schedule;
use crate::history::{Asked, Converged, FINAL, Header, History, How};
use crate::op::{Read, Type, What};
use crate::recorder::Recorder;
use crate::workload::Workload;
use crate::workload::ask::{perform, vector_of};
use crate::workload::draw::SHORT_MS;

const TELL_EVERY_MS: u64 = 5_000;
/// Reads of one transaction at the end.
const READS: usize = 40;
/// Equal vectors whose digests differ may have been told on either side of a deadline: it is asked again.
const DIFFERENT_MAX: u32 = 5;

/// What a run has left.
pub(crate) struct Run {
    pub(crate) history: History,
    /// Still running.
    pub(crate) injector: Injector,
}

/// Runs for so many minutes below `dir`, and writes the history to `file`.
pub(crate) async fn run(seed: u64, minutes: f64, dir: &Path, file: &Path) -> Run {
    let cluster = Cluster::start_under(dir, REGIONS.len(), true).await;
    let header = Header { seed, minutes, regions: cluster.regions() };
    let recorder = Arc::new(Recorder::new(file, header).expect("a history that can be written"));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "minutes of a run, parsed as positive")]
    let total_ms = (minutes * 60_000.0) as u64;
    let plan = schedule::draw(&mut Dice::new(seed), total_ms);
    let workload = Workload::start(&cluster, &recorder, seed).await;
    let mut injector = Injector::new(cluster, Arc::clone(&recorder));
    let mut told = 0;
    injector
        .play(&plan, total_ms, |injector, at| {
            if at >= told + TELL_EVERY_MS {
                told = at - at % TELL_EVERY_MS;
                let faults: u64 = injector.counted().values().sum();
                println!("{:>4} s  {} ops, {faults} faults", at / 1_000, recorder.calls());
            }
        })
        .await;
    println!("healed; the clients find out what they can");
    let healed = Instant::now();
    workload.settle().await;
    let clients = injector.cluster.clients().await;
    let converged = converge(&clients, healed).await;
    recorder.converged(converged);
    // What was to end soon has ended.
    sleep_until(healed + Duration::from_millis(SHORT_MS + 1_000)).await;
    final_reads(&clients, &recorder).await;
    Run { history: recorder.history(), injector }
}

/// Waits until all regions have seen the same and hold the same.
async fn converge(clients: &[Client], healed: Instant) -> Converged {
    let mut last: Vec<Digest> = Vec::new();
    let mut different = 0;
    let agree = async {
        let mut ticks = interval(Duration::from_millis(100));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let at = now();
            let mut digests = Vec::new();
            for client in clients {
                digests.extend(client.digest_at(at).await.ok());
            }
            let whole = digests.len() == clients.len();
            last.clone_from(&digests);
            let same =
                |of: fn(&Digest) -> String| digests.windows(2).all(|pair| matches!(pair, [a, b] if of(a) == of(b)));
            if whole && same(|digest| digest.token.to_string()) {
                if same(|digest| format!("{:?} {}", digest.digest, digest.rows)) {
                    return;
                }
                different += 1;
                if different == DIFFERENT_MAX {
                    return;
                }
            }
        }
    };
    let in_time = timeout(Duration::from_millis(WITHIN_MS), agree).await.is_ok();
    let took = u64::try_from(healed.elapsed().as_millis()).unwrap_or(u64::MAX);
    let hex = |digest: &Digest| {
        digest.digest.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("text takes text");
            hex
        })
    };
    let regions = last.iter().map(|it| (vector_of(&it.token), format!("{} of {} rows", hex(it), it.rows))).collect();
    Converged { n: 0, ms: 0, took_ms: in_time.then_some(took), regions }
}

/// Everything that was ever written to, read in every region.
async fn final_reads(clients: &[Client], recorder: &Recorder) {
    let mut reads: Vec<Read> = everything(&recorder.history()).into_iter().collect();
    // What one transaction wrote to is read at one moment: maps' many fields come last.
    reads.sort_by_key(|read| !read.path.is_empty());
    for (region, client) in clients.iter().enumerate() {
        for some in reads.chunks(READS) {
            let asked = Asked {
                n: 0,
                ms: 0,
                call: 0,
                process: FINAL.to_owned(),
                region,
                how: How::Transaction,
                session: None,
                request: None,
                reads: some.to_vec(),
                updates: Vec::new(),
            };
            let call = recorder.ask(asked.clone());
            let answered = perform(client, &asked, None).await;
            recorder.answer(call, answered);
        }
    }
}

/// All that a history has written to, as reads.
fn everything(history: &History) -> BTreeSet<Read> {
    let mut reads = BTreeSet::new();
    for update in history.calls.iter().flat_map(|call| &call.asked.updates) {
        let kind = match &update.what {
            What::Set(_) | What::SetFor(..) => Type::Register,
            What::SetMv(_) => Type::Mv,
            What::Add(_) => Type::Counter,
            What::Enable => Type::Flag,
            What::Insert(_) | What::Remove(_) => Type::Set,
            What::Score(..) | What::Incr(..) | What::RemoveMember(_) => Type::Zset,
            What::PushBack(_)
            | What::PushFront(_)
            | What::InsertAfter(..)
            | What::Replace(..)
            | What::RemoveValue(_)
            | What::MoveToBack(_)
            | What::MoveToFront(_) => Type::List,
            What::Observe(_) => Type::Hll,
            What::Raise(_) | What::Spend(_) | What::Transfer(..) => Type::Bounded,
            What::Clear(kind) => *kind,
            What::Expire(_) | What::Persist => Type::Deadline,
            What::Delete => continue,
        };
        reads.insert(Read { key: update.key.clone(), path: update.path.clone(), kind });
        // The maps around it.
        for depth in 0..update.path.len() {
            let path = update.path.get(..depth).unwrap_or_default().to_vec();
            reads.insert(Read { key: update.key.clone(), path, kind: Type::Map });
        }
    }
    reads
}
