//! The corpora, made: the golden fixtures of the wire, records that origins have written, cluster files, and choices.

use bytes::Bytes;
use halcyon_net::frame;
use halcyon_sim::dice::Dice;

const FIXTURES: &str = include_str!("../../../crates/wire/tests/wire/format.txt");
const CLUSTER: &str = include_str!("../../../regions.toml");
/// Files of a data directory, and by which byte the target `files` tells them (`sim/src/fuzz/files.rs`).
const FILES: [(u8, &str, &[u8]); 6] = [
    (0, "log", include_bytes!("../../../crates/store/tests/files/log")),
    (1, "manifest", include_bytes!("../../../crates/store/tests/files/manifest")),
    (3, "CURRENT", include_bytes!("../../../crates/store/tests/files/CURRENT")),
    (3, "HALCYON", include_bytes!("../../../crates/store/tests/files/HALCYON")),
    (3, "OPENED", include_bytes!("../../../crates/store/tests/files/OPENED")),
    (3, "SYNCED", include_bytes!("../../../crates/store/tests/files/SYNCED")),
];
/// Files of a corpus that is made of choices.
const CHOICES: u64 = 24;

/// The files of a target's corpus: names and contents.
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "frames" => frames(),
        "records" => records(),
        "topology" => topologies(),
        "framing" => framing(),
        "sessions" => sessions(),
        "node" => [choices(11, 500), node()].concat(),
        "programs" => choices(12, 400),
        "disk" => choices(13, 160),
        "files" => files(),
        _ => Vec::new(),
    }
}

fn frames() -> Vec<(String, Vec<u8>)> {
    let mut files = fixtures(&["peer.", "body.", "outcome.", "refusal.", "effect.", "op.l", "op.s"]);
    // A kind of request that does not exist, with a name to fill a log with.
    let unknown = [&[1, 0x92, 1, 0x81, 0xda, 4, 0][..], &[b'x'; 1024], &[0xc0]].concat();
    files.push(("unknown-kind".to_owned(), unknown));
    files
}

/// The fixtures whose names begin so.
fn fixtures(beginnings: &[&str]) -> Vec<(String, Vec<u8>)> {
    let lines = FIXTURES.lines().filter_map(|line| line.split_once(" = "));
    let ours = lines.filter(|(name, _)| beginnings.iter().any(|beginning| name.starts_with(beginning)));
    ours.map(|(name, hex)| (name.to_owned(), bytes(hex))).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    hex.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |byte, two| byte << 4 | digit(two))).collect()
}

fn records() -> Vec<(String, Vec<u8>)> {
    let mut files = fixtures(&["record"]);
    let written = halcyon_sim::fuzz::records().into_iter().enumerate().step_by(3).take(24);
    files.extend(written.map(|(number, record): (usize, Bytes)| (format!("written-{number:02}"), record.to_vec())));
    // The first of each log is what a region takes next.
    files
}

fn choices(seed: u64, length: u64) -> Vec<(String, Vec<u8>)> {
    let mut dice = Dice::new(seed);
    let file = |number| {
        let length = 16 + dice.below(length);
        (format!("choices-{number:02}"), (0..length).map(|_| dice.roll().to_le_bytes()[0]).collect())
    };
    (0..CHOICES).map(file).collect()
}

/// Real ones, whole and torn, and logs that are drawn.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (kind, name, file) in FILES {
        // Before a log stands which of its bits flips.
        let head: &[u8] = if kind == 3 { &[kind] } else { &[kind, 0, 3, 70, 5] };
        files.push((name.to_owned(), [head, file].concat()));
        if kind != 3 {
            let torn = file.len() - file.len() / 20;
            files.push((format!("{name}-torn"), [head, file.get(..torn).unwrap_or_default()].concat()));
            files.push((format!("{name}-with-a-tail"), [head, file, &[0; 90]].concat()));
        }
    }
    files.extend(choices(14, 120).into_iter().map(|(name, drawn)| (name, [vec![2], drawn].concat())));
    files
}

/// Steps of the target `node`: a link, a greeting as it should be, and then a document as it stands in the fixtures, once
/// from a peer and once from a client.
fn node() -> Vec<(String, Vec<u8>)> {
    let link = [0, 0];
    let greeting = [0, 9, 11, 0, 0, 0, 0, 0, 0];
    let block = |document: &[u8]| {
        let length = u16::try_from(document.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&length[..], document].concat()
    };
    let said = |step: u8, document: &[u8]| [&link[..], &greeting, &[0, step], &block(document), &[0, 19]].concat();
    let peers = fixtures(&["peer."]).into_iter().map(|(name, document)| (name, said(5, &document)));
    let clients = fixtures(&["body."]).into_iter().map(|(name, document)| (name, said(7, &document)));
    peers.chain(clients).collect()
}

fn topologies() -> Vec<(String, Vec<u8>)> {
    let region = |id: &str, name: &str, port: u16| {
        format!(
            "[[region]]\nid = {id}\nname = \"{name}\"\npeer = \"h:{port}\"\nclient = \"h:{}\"\nadmin = \"h:{port}\"\n",
            port + 1
        )
    };
    let one = region("1", "a", 7000);
    let keyspace = "[[keyspace]]\nid = 1\nname = \"k\"\n";
    let least = format!("cluster = \"c\"\n{one}{keyspace}");
    let files: [(&str, String); 21] = [
        ("shipped", CLUSTER.to_owned()),
        ("least", least.clone()),
        ("two-regions", format!("{least}{}", region("2", "b", 7010))),
        ("same-id", format!("{least}{}", region("1", "b", 7010))),
        ("same-address", format!("{least}{}", region("2", "b", 7000))),
        ("region-0", least.replace("id = 1\nname = \"a\"", "id = 0\nname = \"a\"")),
        ("keyspace-past-32-bits", format!("{least}[[keyspace]]\nid = 4294967296\nname = \"l\"\n")),
        ("id-past-63-bits", least.replace("id = 1", "id = 18446744073709551616")),
        ("negative-id", least.replace("id = 1", "id = -1")),
        ("strict", format!("{least}mode = \"strict\"\nhome = \"a\"\n")),
        ("residency", format!("{least}regions = [\"a\"]\n")),
        ("residency-unknown", format!("{least}regions = [\"b\", \"a\"]\n")),
        ("redis", least.replace("admin =", "redis = \"h:1\"\nadmin =")),
        ("replication", format!("{least}[replication]\nlog_bytes_max = \"64 MiB\"\nretention = \"90m\"\n")),
        ("unknown-field", format!("{least}colour = \"green\"\n")),
        ("no-region", format!("cluster = \"c\"\n{keyspace}")),
        ("inline-tables", "cluster = \"c\"\nregion = [{id = 1, name = \"a\"}]\nkeyspace = []\n".to_owned()),
        ("ipv6", least.replace("h:", "[::1]:")),
        ("escapes", least.replace("\"h:", "\"\\u0068:")),
        ("crlf", least.replace('\n', "\r\n")),
        ("unfinished", "cluster = \"c\n[[region]\nid =".to_owned()),
    ];
    files.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect()
}

fn framing() -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        ("nothing".to_owned(), vec![0]),
        ("no-body".to_owned(), vec![3, 0, 0, 0, 0, 1, 2]),
        ("too-long".to_owned(), vec![3, 0, 0x10, 0, 1, 1, 2]),
        ("longest".to_owned(), vec![3, 0, 0x10, 0, 0, 1, 2]),
        ("half-a-length".to_owned(), vec![0, 0, 0]),
    ];
    for (chunk, (name, document)) in (0..).zip(fixtures(&["peer.", "body."])) {
        let mut stream = vec![chunk];
        for body in [&document[..], b"x", &document] {
            frame::append(&mut stream, |out| out.extend_from_slice(body)).expect("a fixture fits a frame");
        }
        files.push((name, stream));
    }
    files
}

fn sessions() -> Vec<(String, Vec<u8>)> {
    let texts = [
        "-",
        "1.1700000000000:17,2.1700000000123:4",
        "65535.281474976710655:18446744073709551615",
        "1.1700000000000:17,1.1700000000000:18",
        "0.1:1",
        "1.281474976710656:1",
        "1.1:0",
        "1.1:+1",
        "1.1:18446744073709551616",
        "1.1:1,",
        ",1.1:1",
        "01.01:01",
        "1:1.1",
        "\u{0661}.1:1",
    ];
    let mut files: Vec<_> =
        (0..).zip(texts).map(|(number, text): (u32, _)| (format!("text-{number:02}"), text.into())).collect();
    files.push(("vector-empty".to_owned(), vec![1, 0x90]));
    files.push(("vector".to_owned(), vec![1, 0x92, 0x92, 1, 2, 0x92, 0xcd, 1, 0, 3]));
    files.push(("vector-out-of-order".to_owned(), vec![1, 0x92, 0x92, 2, 2, 0x92, 1, 3]));
    files.push(("session".to_owned(), vec![1, 0x92, 0x91, 0x92, 1, 2, 0xcd, 1, 0xf4]));
    files.push(("session-with-names".to_owned(), b"\x01\x82\xa5token\x90\xa7wait_ms\x05".to_vec()));
    files
}
