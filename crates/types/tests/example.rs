//! The `regions.toml` that ships is the first thing a new user starts: it must parse, and be what its comments say.

use halcyon_types::topology::Topology;

const SHIPPED: &str = include_str!("../../../regions.toml");

#[test]
fn the_shipped_regions_file_is_a_cluster_of_three_regions() {
    let topology = Topology::parse(SHIPPED).unwrap();
    assert_eq!(topology.cluster.as_str(), "shop");
    let regions: Vec<_> = topology
        .regions
        .iter()
        .map(|r| [r.id.to_string(), r.name.to_string(), r.peer.to_string(), r.client.to_string(), r.admin.to_string()])
        .collect();
    assert_eq!(
        regions,
        [
            ["1", "us-east", "127.0.0.1:7101", "127.0.0.1:7201", "127.0.0.1:7401"],
            ["2", "eu-west", "127.0.0.1:7102", "127.0.0.1:7202", "127.0.0.1:7402"],
            ["3", "ap-south", "127.0.0.1:7103", "127.0.0.1:7203", "127.0.0.1:7403"],
        ]
    );
    let keyspaces: Vec<_> = topology.keyspaces.iter().map(|k| (k.id.get(), k.name.as_str())).collect();
    assert_eq!(keyspaces, [(10, "default")]);
}

#[test]
fn what_its_comments_call_refused_is_refused() {
    let refused = [
        ("# redis = \"127.0.0.1:7301\" would", "redis = \"127.0.0.1:7301\" # would", "region.redis"),
        ("mode = \"convergent\"", "mode = \"strict\"", "keyspace.mode"),
        ("mode = \"convergent\"", "home = \"us-east\"", "keyspace.home"),
        ("[\"us-east\", \"eu-west\", \"ap-south\"]", "[\"us-east\", \"eu-west\"]", "keyspace.regions"),
    ];
    for (from, to, field) in refused {
        assert!(SHIPPED.contains(from), "{from}");
        let error = Topology::parse(&SHIPPED.replacen(from, to, 1)).expect_err(to);
        assert_eq!(error.field, field, "{error}");
    }
}

#[test]
fn what_its_comments_call_a_default_may_be_left_out() {
    let defaults = [
        "mode = \"convergent\"\n",
        "regions = [\"us-east\", \"eu-west\", \"ap-south\"]\n",
        "log_bytes_max = \"8GiB\"\n",
        "retention = \"24h\"\n",
        "period = \"24h\"\n",
    ];
    for line in defaults {
        assert!(SHIPPED.contains(line), "{line}");
        let without = Topology::parse(&SHIPPED.replacen(line, "", 1)).unwrap();
        assert_eq!(without, Topology::parse(SHIPPED).unwrap());
    }
}
