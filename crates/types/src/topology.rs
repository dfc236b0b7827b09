//! `regions.toml`: the cluster's regions and keyspaces, parsed once, so that nothing later validates.
//!
//! Every refusal says the line, the field, what is wrong and what to write instead. What the format allows but this
//! version does not build (strict keyspaces, a subset of regions, the Redis gateway) is refused by name, never ignored.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::limits::{
    KEYSPACES_MAX, LOG_BYTES_DEFAULT, LOG_BYTES_LEAST, REGIONS_MAX, RETENTION_DEFAULT, RETENTION_LEAST,
};
use crate::{Address, ByteSize, ClusterName, KeyspaceId, KeyspaceName, RegionId, RegionName, Span};

/// Why a `regions.toml` is refused. Nothing has been started or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, field `{field}`: {problem}. {remedy}")]
pub struct TopologyError {
    /// The line, counted from 1.
    pub line: usize,
    /// The field, as a path such as `region.peer`.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

/// A cluster, as its `regions.toml` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// Its regions, in file order; at least one.
    pub regions: Vec<Region>,
    /// Its keyspaces, in file order; at least one.
    pub keyspaces: Vec<Keyspace>,
    /// How records are kept for the other regions.
    pub replication: Replication,
}

/// How records are kept for the other regions. May differ from node to node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Replication {
    /// What the logs may take on disk before the oldest records are dropped: those that every region has; if that is not
    /// enough, those past `retention`, too. Where nothing more may be dropped new writes are refused. Default 8 GiB. Looked
    /// at once a second, and what is in memory only does not count: the logs can be larger by a second's writes and by what
    /// the database keeps back. Too little: a region that was away finds nobody to catch up from, or its absence stops the
    /// writes of the others. Too much: the disk fills before the logs do.
    pub log_bytes_max: ByteSize,
    /// How old, by its stamp, a record must be before it may be dropped although a region lacks it, and then only if most
    /// regions have it. Default 24 hours. Too short: a region comes back from a short absence and cannot catch up from the
    /// logs. Too long: `log_bytes_max` is met first, and writes are refused until the region is back.
    pub retention: Span,
}

impl Default for Replication {
    fn default() -> Self {
        Self { log_bytes_max: ByteSize(LOG_BYTES_DEFAULT), retention: Span(RETENTION_DEFAULT) }
    }
}

/// A place with one writable node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Never reused.
    pub id: RegionId,
    /// What commands and certificates call it.
    pub name: RegionName,
    /// Where its node listens for other nodes (QUIC over UDP).
    pub peer: Address,
    /// Where its node listens for applications (QUIC over UDP).
    pub client: Address,
    /// Where its node serves health, metrics and status (HTTP over TCP).
    pub admin: Address,
}

/// A named group of keys. All of them are convergent and live in every region, as yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Keyspace {
    /// Never reused; rows carry it.
    pub id: KeyspaceId,
    /// What applications call it.
    pub name: KeyspaceName,
}

impl Topology {
    /// Parses and checks the text of a `regions.toml`.
    ///
    /// # Errors
    /// The first thing that cannot be used, with its line, field and remedy.
    pub fn parse(text: &str) -> Result<Self, TopologyError> {
        let file: File = toml::from_str(text).map_err(|e| syntax_error(text, &e))?;
        Checker { text }.topology(&file)
    }

    /// The region called `name`.
    pub fn region(&self, name: &RegionName) -> Option<&Region> {
        self.regions.iter().find(|region| region.name == *name)
    }

    /// The keyspace called `name`.
    pub fn keyspace(&self, name: &KeyspaceName) -> Option<&Keyspace> {
        self.keyspaces.iter().find(|keyspace| keyspace.name == *name)
    }

    /// What every node of the cluster must agree on, in a fixed order: cluster, keyspace ids, names and modes. Regions come and
    /// go, and are compared one by one; addresses may differ from place to place.
    pub fn agreement(&self) -> String {
        let mut keyspaces: Vec<_> =
            self.keyspaces.iter().map(|k| format!("keyspace {} {} convergent\n", k.id, k.name)).collect();
        keyspaces.sort();
        format!("cluster {}\n{}", self.cluster, keyspaces.concat())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cluster: Spanned<String>,
    #[serde(default)]
    region: Vec<Spanned<RegionEntry>>,
    #[serde(default)]
    keyspace: Vec<Spanned<KeyspaceEntry>>,
    #[serde(default)]
    replication: ReplicationEntry,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ReplicationEntry {
    log_bytes_max: Option<Spanned<String>>,
    retention: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionEntry {
    id: Spanned<u64>,
    name: Spanned<String>,
    peer: Spanned<String>,
    client: Spanned<String>,
    redis: Option<Spanned<String>>,
    admin: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyspaceEntry {
    id: Spanned<u64>,
    name: Spanned<String>,
    mode: Option<Spanned<String>>,
    home: Option<Spanned<toml::Value>>,
    regions: Option<Spanned<Vec<Spanned<String>>>>,
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn syntax_error(text: &str, error: &toml::de::Error) -> TopologyError {
    let span = error.span().unwrap_or(0..0);
    let line = line_of(text, span.start);
    let source = text.lines().nth(line - 1).unwrap_or_default();
    let field = source.split(['=', '#']).next().unwrap_or_default().trim();
    TopologyError {
        line,
        field: if field.is_empty() { "(file)".to_owned() } else { field.to_owned() },
        problem: error.message().trim_end().replace('\n', ", "),
        remedy: "See the commented regions.toml of the distribution for every field".to_owned(),
    }
}

struct Checker<'a> {
    text: &'a str,
}

impl Checker<'_> {
    fn refuse<T>(
        &self,
        at: Range<usize>,
        field: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Result<T, TopologyError> {
        Err(TopologyError {
            line: line_of(self.text, at.start),
            field: field.to_owned(),
            problem: problem.into(),
            remedy: remedy.into(),
        })
    }

    fn topology(&self, file: &File) -> Result<Topology, TopologyError> {
        let cluster = self.parse(&file.cluster, "cluster", ClusterName::try_from)?;
        if file.region.is_empty() || file.region.len() > REGIONS_MAX {
            let problem = format!("{} regions", file.region.len());
            return self.refuse(0..0, "region", problem, format!("Write 1 to {REGIONS_MAX} [[region]] tables"));
        }
        if file.keyspace.is_empty() || file.keyspace.len() > KEYSPACES_MAX {
            let problem = format!("{} keyspaces", file.keyspace.len());
            return self.refuse(0..0, "keyspace", problem, format!("Write 1 to {KEYSPACES_MAX} [[keyspace]] tables"));
        }
        let regions = self.regions(&file.region)?;
        let keyspaces = self.keyspaces(&file.keyspace, &regions)?;
        let replication = self.replication(&file.replication)?;
        Ok(Topology { cluster, regions, keyspaces, replication })
    }

    fn replication(&self, entry: &ReplicationEntry) -> Result<Replication, TopologyError> {
        let Replication { mut log_bytes_max, mut retention } = Replication::default();
        if let Some(text) = &entry.log_bytes_max {
            let (field, least) = ("replication.log_bytes_max", ByteSize(LOG_BYTES_LEAST));
            log_bytes_max = self.parse(text, field, |text| text.parse())?;
            self.at_least(text, field, log_bytes_max, least, "too little to catch up from")?;
        }
        if let Some(text) = &entry.retention {
            let (field, least) = ("replication.retention", Span(RETENTION_LEAST));
            retention = self.parse(text, field, |text| text.parse())?;
            self.at_least(text, field, retention, least, "too short to come back in")?;
        }
        Ok(Replication { log_bytes_max, retention })
    }

    fn at_least<T: Ord + Copy + std::fmt::Display>(
        &self,
        text: &Spanned<String>,
        field: &str,
        value: T,
        least: T,
        problem: &str,
    ) -> Result<(), TopologyError> {
        if value >= least {
            return Ok(());
        }
        let remedy = format!("Write {least} or more, or leave the field out for the default");
        self.refuse(text.span(), field, format!("{value} is {problem}"), remedy)
    }

    fn regions(&self, entries: &[Spanned<RegionEntry>]) -> Result<Vec<Region>, TopologyError> {
        let (mut ids, mut names, mut udp, mut tcp) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut regions = Vec::new();
        for entry in entries {
            let entry = entry.get_ref();
            if let Some(redis) = &entry.redis {
                return self.not_built(redis.span(), "region.redis", "the Redis gateway", "Leave the field out");
            }
            let region = Region {
                id: self.parse(&entry.id, "region.id", RegionId::try_from)?,
                name: self.parse(&entry.name, "region.name", RegionName::try_from)?,
                peer: self.parse(&entry.peer, "region.peer", Address::try_from)?,
                client: self.parse(&entry.client, "region.client", Address::try_from)?,
                admin: self.parse(&entry.admin, "region.admin", Address::try_from)?,
            };
            self.unique(&mut ids, &region.id, entry.id.span(), "region.id")?;
            self.unique(&mut names, &region.name, entry.name.span(), "region.name")?;
            self.unique(&mut udp, &region.peer, entry.peer.span(), "region.peer")?;
            self.unique(&mut udp, &region.client, entry.client.span(), "region.client")?;
            self.unique(&mut tcp, &region.admin, entry.admin.span(), "region.admin")?;
            regions.push(region);
        }
        Ok(regions)
    }

    fn keyspaces(
        &self,
        entries: &[Spanned<KeyspaceEntry>],
        regions: &[Region],
    ) -> Result<Vec<Keyspace>, TopologyError> {
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut keyspaces = Vec::new();
        for entry in entries {
            let entry = entry.get_ref();
            let keyspace = Keyspace {
                id: self.parse(&entry.id, "keyspace.id", KeyspaceId::try_from)?,
                name: self.parse(&entry.name, "keyspace.name", KeyspaceName::try_from)?,
            };
            if keyspace.id == KeyspaceId::SYSTEM {
                let problem = format!("{} is the id of the system's own keyspace", keyspace.id);
                return self.refuse(entry.id.span(), "keyspace.id", problem, "Choose a lower one");
            }
            self.unique(&mut ids, &keyspace.id, entry.id.span(), "keyspace.id")?;
            self.unique(&mut names, &keyspace.name, entry.name.span(), "keyspace.name")?;
            self.mode(entry)?;
            self.residency(entry, regions)?;
            keyspaces.push(keyspace);
        }
        Ok(keyspaces)
    }

    fn mode(&self, entry: &KeyspaceEntry) -> Result<(), TopologyError> {
        let convergent = "Write mode = \"convergent\"";
        match entry.mode.as_ref().map(|mode| (mode.get_ref().as_str(), mode.span())) {
            None | Some(("convergent", _)) => {}
            Some(("strict", at)) => return self.not_built(at, "keyspace.mode", "strict keyspaces", convergent),
            Some((other, at)) => {
                return self.refuse(at, "keyspace.mode", format!("{other:?} is not a mode"), convergent);
            }
        }
        match &entry.home {
            Some(home) => {
                self.not_built(home.span(), "keyspace.home", "homes of strict keyspaces", "Leave the field out")
            }
            None => Ok(()),
        }
    }

    fn residency(&self, entry: &KeyspaceEntry, regions: &[Region]) -> Result<(), TopologyError> {
        let Some(list) = &entry.regions else { return Ok(()) };
        let mut named = BTreeSet::new();
        for name in list.get_ref() {
            if !regions.iter().any(|region| region.name.as_str() == name.get_ref()) {
                let known: Vec<_> = regions.iter().map(|region| region.name.as_str()).collect();
                let problem = format!("{:?} is not a region of this file", name.get_ref());
                let remedy = format!("Use one of: {}", known.join(", "));
                return self.refuse(name.span(), "keyspace.regions", problem, remedy);
            }
            self.unique(&mut named, name.get_ref(), name.span(), "keyspace.regions")?;
        }
        if named.len() == regions.len() {
            return Ok(());
        }
        let feature = "a keyspace that lives in some regions only";
        self.not_built(list.span(), "keyspace.regions", feature, "List every region, or leave the field out")
    }

    fn parse<T: Clone, U, E: std::fmt::Display>(
        &self,
        value: &Spanned<T>,
        field: &str,
        parse: impl FnOnce(T) -> Result<U, E>,
    ) -> Result<U, TopologyError> {
        match parse(value.get_ref().clone()) {
            Ok(parsed) => Ok(parsed),
            Err(e) => self.refuse(value.span(), field, e.to_string(), "Correct the value"),
        }
    }

    fn unique<T: Ord + std::fmt::Debug + Clone>(
        &self,
        seen: &mut BTreeSet<T>,
        value: &T,
        at: Range<usize>,
        field: &str,
    ) -> Result<(), TopologyError> {
        if seen.insert(value.clone()) {
            return Ok(());
        }
        self.refuse(at, field, format!("{value:?} is used twice"), "Give each its own; ids are never reused")
    }

    fn not_built<T>(&self, at: Range<usize>, field: &str, what: &str, remedy: &str) -> Result<T, TopologyError> {
        self.refuse(at, field, format!("this version of Halcyon does not build {what} yet"), remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"cluster = "shop"
[[region]]
id = 1
name = "us-east"
peer = "127.0.0.1:7101"
client = "127.0.0.1:7201"
admin = "127.0.0.1:7401"
[[region]]
id = 2
name = "eu-west"
peer = "127.0.0.1:7102"
client = "127.0.0.1:7202"
admin = "127.0.0.1:7402"
[[keyspace]]
id = 10
name = "default"
mode = "convergent"
"#;

    #[test]
    fn a_good_file_is_a_topology() {
        let topology = Topology::parse(GOOD).unwrap();
        assert_eq!(topology.cluster.as_str(), "shop");
        assert_eq!(topology.regions.len(), 2);
        assert_eq!(topology.keyspaces[0].id.get(), 10);
        assert_eq!(topology.replication, Replication::default());
        let limited = format!("{GOOD}[replication]\nlog_bytes_max = \"1GiB\"\nretention = \"7d\"\n");
        let replication = Topology::parse(&limited).unwrap().replication;
        assert_eq!(
            (replication.log_bytes_max, replication.retention.to_string()),
            (ByteSize(1 << 30), "7d".to_owned())
        );
    }

    #[test]
    fn every_refusal_names_line_field_and_remedy() {
        let cases = [
            ("cluster = \"shop\"", "cluster = \"sh op\"", 1, "cluster", "is not a name"),
            ("cluster = \"shop\"", "cluster = ", 1, "cluster", ""),
            ("cluster = \"shop\"", "colour = 3\ncluster = \"shop\"", 1, "colour", "unknown field"),
            ("id = 2", "id = 1", 9, "region.id", "used twice"),
            ("id = 2", "id = 0", 9, "region.id", "1..=65535"),
            ("id = 2", "id = \"2\"", 9, "id", "invalid type"),
            ("name = \"eu-west\"", "name = \"us-east\"", 10, "region.name", "used twice"),
            ("127.0.0.1:7202", "127.0.0.1:7101", 12, "region.client", "used twice"),
            ("127.0.0.1:7202", "127.0.0.1", 12, "region.client", "HOST:PORT"),
            (
                "admin = \"127.0.0.1:7402\"",
                "redis = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:7402\"",
                13,
                "region.redis",
                "Redis",
            ),
            ("id = 10", "id = 4294967295", 15, "keyspace.id", "system's own"),
            ("\"convergent\"", "\"strict\"", 17, "keyspace.mode", "strict"),
            ("\"convergent\"", "\"eventual\"", 17, "keyspace.mode", "not a mode"),
            ("mode = \"convergent\"", "regions = [\"us-east\"]", 17, "keyspace.regions", "some regions only"),
            ("mode = \"convergent\"", "regions = [\"mars\"]", 17, "keyspace.regions", "not a region"),
            (
                "mode = \"convergent\"",
                "[replication]\nlog_bytes_max = \"8\"",
                18,
                "replication.log_bytes_max",
                "is no size",
            ),
            (
                "mode = \"convergent\"",
                "[replication]\nlog_bytes_max = \"1MiB\"",
                18,
                "replication.log_bytes_max",
                "too little",
            ),
            ("mode = \"convergent\"", "[replication]\nretention = 24", 18, "retention", "invalid type"),
            ("mode = \"convergent\"", "[replication]\nretention = \"24\"", 18, "replication.retention", "no span"),
            ("mode = \"convergent\"", "[replication]\nretention = \"30s\"", 18, "replication.retention", "too short"),
            ("mode = \"convergent\"", "home = \"us-east\"", 17, "keyspace.home", "homes"),
        ];
        for (from, to, line, field, problem) in cases {
            assert!(GOOD.contains(from), "{from}");
            let error = Topology::parse(&GOOD.replacen(from, to, 1)).expect_err(to);
            assert_eq!((error.line, error.field.as_str()), (line, field), "{to}: {error}");
            assert!(error.problem.contains(problem), "{to}: {error}");
            assert!(!error.remedy.is_empty());
        }
    }

    #[test]
    fn regions_and_addresses_are_no_part_of_the_agreement() {
        let here = Topology::parse(GOOD).unwrap();
        let there = GOOD.replace("127.0.0.1", "10.0.0.1").replace("id = 2", "id = 3");
        let there = Topology::parse(&there).unwrap();
        assert_eq!(here.agreement(), there.agreement());
        let other = Topology::parse(&GOOD.replace("id = 10", "id = 11")).unwrap();
        assert_ne!(here.agreement(), other.agreement());
    }
}
