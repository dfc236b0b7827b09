//! A `regions.toml` from anywhere: refused with a line, a field and a remedy, or a cluster that can be written down again.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use halcyon_types::limits::{KEYSPACES_MAX, REGIONS_MAX};
use halcyon_types::topology::{Audit, Replication, Topology};

/// Panics where a law is violated: a refusal does not say where, or what was taken is no cluster, or is not the same once written down and read again.
pub(super) fn body(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Topology::parse(text) {
        Ok(topology) => holds(&topology),
        Err(error) => {
            let lines = text.split('\n').count();
            assert!((1..=lines).contains(&error.line), "line {} of {lines}: {error}", error.line);
            assert!(!error.problem.is_empty() && !error.remedy.is_empty(), "{error:?}");
            assert!(error.to_string().starts_with("line "), "{error}");
        }
    }
}

fn holds(topology: &Topology) {
    let Topology { regions, keyspaces, .. } = topology;
    assert!((1..=REGIONS_MAX).contains(&regions.len()) && (1..=KEYSPACES_MAX).contains(&keyspaces.len()));
    let distinct =
        |count: usize, of: BTreeSet<String>| assert_eq!(of.len(), count, "one of two that are alike: {of:?}");
    distinct(regions.len(), regions.iter().map(|region| region.id.to_string()).collect());
    distinct(regions.len(), regions.iter().map(|region| region.name.to_string()).collect());
    distinct(keyspaces.len(), keyspaces.iter().map(|keyspace| keyspace.id.to_string()).collect());
    distinct(keyspaces.len(), keyspaces.iter().map(|keyspace| keyspace.name.to_string()).collect());
    for region in regions {
        assert_eq!(topology.region(&region.name), Some(region));
        assert!(!region.peer.host().is_empty(), "an address without a host");
    }
    let written = written(topology);
    assert_eq!(Topology::parse(&written).as_ref(), Ok(topology), "{written}");
    let mut reordered = topology.clone();
    reordered.regions.reverse();
    reordered.keyspaces.reverse();
    assert_eq!(reordered.agreement(), topology.agreement(), "the order in the file is nobody's business");
}

/// The file that says it.
fn written(topology: &Topology) -> String {
    let mut text = format!("cluster = {}\n", quoted(topology.cluster.as_str()));
    for region in &topology.regions {
        let [name, peer] = [quoted(region.name.as_str()), quoted(region.peer.as_str())];
        let [client, admin] = [quoted(region.client.as_str()), quoted(region.admin.as_str())];
        let id = region.id;
        let table = format!("id = {id}\nname = {name}\npeer = {peer}\nclient = {client}\nadmin = {admin}\n");
        let _ = write!(text, "[[region]]\n{table}");
    }
    for keyspace in &topology.keyspaces {
        let _ = write!(text, "[[keyspace]]\nid = {}\nname = {}\n", keyspace.id, quoted(keyspace.name.as_str()));
    }
    let Replication { log_bytes_max, retention } = topology.replication;
    let _ = write!(text, "[replication]\nlog_bytes_max = \"{log_bytes_max}\"\nretention = \"{retention}\"\n");
    let Audit { period } = topology.audit;
    let _ = writeln!(text, "[audit]\nperiod = \"{}\"", period.map_or("off".to_owned(), |period| period.to_string()));
    text
}

fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
