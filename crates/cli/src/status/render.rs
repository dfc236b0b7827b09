//! Status documents as a page for a terminal.

use std::time::Duration;

use halcyon_types::{RegionName, Span};
use serde_json::Value;

use crate::admin::AdminError;
use crate::table::Table;

/// The page.
pub(super) fn text(cluster: &str, answers: &[(RegionName, Result<Value, AdminError>)]) -> String {
    let mut regions =
        Table::new(&["region", "health", "actor", "up", "clock off", "disk", "queued", "sessions", "vector"]);
    let mut logs =
        Table::new(&["logs of", "take", "of", "retention", "not everywhere for", "held up by", "dropped up to"]);
    let mut links =
        Table::new(&["from", "to", "out", "in", "rtt", "lag records", "lag ms", "behind", "silent ms", "clock ms"]);
    let mut members = Table::new(&["id", "member", "peer", "client", "admin", "state", "as seen from"]);
    let mut remarks = Vec::new();
    for (name, answer) in answers {
        let Ok(status) = answer else {
            regions.row(vec![name.to_string(), "unreachable".to_owned()]);
            continue;
        };
        regions.row(vec![
            name.to_string(),
            plain(status.get("health")),
            plain(status.get("actor")),
            status.get("uptime_ms").and_then(Value::as_u64).map_or_else(dash, seconds),
            clock(status.get("clock")),
            status.pointer("/disk/bytes").and_then(Value::as_u64).map_or_else(dash, bytes),
            plain(status.pointer("/queues/jobs")),
            plain(status.pointer("/queues/sessions")),
            vector(status.get("vv")),
        ]);
        logs.row(vec![
            name.to_string(),
            status.pointer("/logs/bytes").and_then(Value::as_u64).map_or_else(dash, bytes),
            status.pointer("/logs/bytes_max").and_then(Value::as_u64).map_or_else(dash, bytes),
            status.pointer("/logs/retention_ms").and_then(Value::as_u64).map_or_else(dash, span),
            status.pointer("/logs/unstable_ms").and_then(Value::as_u64).map_or_else(dash, seconds),
            names(status.pointer("/logs/held_up_by")),
            vector(status.get("floors")),
        ]);
        if status.pointer("/logs/full").and_then(Value::as_bool) == Some(true) {
            remarks.push(format!("the logs of {name} are full: it refuses writes (LogFull) until there is room"));
        }
        for member in list(status.get("members")) {
            let field = |name| plain(member.get(name));
            members.row(vec![
                field("id"),
                field("region"),
                field("peer"),
                field("client"),
                field("admin"),
                field("state"),
                name.to_string(),
            ]);
        }
        if status.get("standing").and_then(Value::as_str) == Some("retired") {
            remarks.push(format!("{name} was retired, for good: stop its node, and take it out of regions.toml"));
        }
        for peer in list(status.get("peers")) {
            links.row(vec![
                name.to_string(),
                plain(peer.get("region")),
                link(peer.get("link_out")),
                link(peer.get("link_in")),
                peer.get("rtt_us").and_then(Value::as_u64).map_or_else(dash, micros),
                plain(peer.get("lag_records")),
                plain(peer.get("lag_ms")),
                plain(peer.get("behind_records")),
                plain(peer.get("silent_ms")),
                plain(peer.get("clock_offset_ms")),
            ]);
        }
        if status.pointer("/clock/refuses_writes").and_then(Value::as_bool) == Some(true) {
            remarks.push(format!("{name} refuses writes: its clock is off; reads and replication go on"));
        }
        remarks.extend(list(status.get("alarms")).map(|alarm| format!("alarm at {name}: {}", plain(Some(alarm)))));
    }
    remarks.extend(answers.iter().filter_map(|(_, answer)| answer.as_ref().err()).map(ToString::to_string));
    let mut page = format!("cluster {cluster}\n\n{members}\n\n{regions}\n\n{logs}\n\n{links}");
    if !remarks.is_empty() {
        page = format!("{page}\n\n{}", remarks.join("\n"));
    }
    page
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn dash() -> String {
    "-".to_owned()
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => dash(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn link(up: Option<&Value>) -> String {
    match up.and_then(Value::as_bool) {
        Some(true) => "up".to_owned(),
        Some(false) => "down".to_owned(),
        None => dash(),
    }
}

fn clock(clock: Option<&Value>) -> String {
    let field = |name| clock.and_then(|clock| clock.get(name));
    if field("test").and_then(Value::as_bool) == Some(true) {
        return "test".to_owned();
    }
    field("off_ms").and_then(Value::as_i64).map_or_else(dash, |ms| format!("{ms}ms"))
}

fn names(value: Option<&Value>) -> String {
    let names: Vec<_> = list(value).map(|name| plain(Some(name))).collect();
    if names.is_empty() { dash() } else { names.join(" ") }
}

fn vector(value: Option<&Value>) -> String {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    let entries: Vec<_> = entries.map(|(actor, seq)| format!("{actor}:{seq}")).collect();
    if entries.is_empty() { dash() } else { entries.join(" ") }
}

fn span(ms: u64) -> String {
    Span(Duration::from_millis(ms)).to_string()
}

fn seconds(ms: u64) -> String {
    format!("{}s", ms / 1000)
}

fn micros(us: u64) -> String {
    if us < 10_000 { format!("{us}us") } else { format!("{}ms", us / 1000) }
}

fn bytes(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes < MIB { format!("{}KiB", bytes.div_ceil(1024)) } else { format!("{}MiB", bytes / MIB) }
}

#[cfg(test)]
mod tests {
    use halcyon_types::Address;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_silent_region_is_shown_beside_the_others() {
        let name = |name: &str| name.parse::<RegionName>().unwrap();
        let up = json!({
            "health": "ok", "actor": "1.1730000000000", "vv": {"1.1730000000000": 7}, "uptime_ms": 61_000,
            "clock": {"off_ms": -1200, "heard": 3, "refuses_writes": true, "test": false},
            "disk": {"bytes": 5_242_880}, "queues": {"jobs": 0}, "alarms": ["clock is off"], "new_field": [1],
            "logs": {"bytes": 68_157_440, "bytes_max": 67_108_864, "retention_ms": 86_400_000, "full": true,
                     "unstable_ms": 7_200_000, "held_up_by": ["eu-west"]},
            "floors": {"1.1730000000000": 3}, "standing": "retired",
            "members": [{"id": 4, "region": "sa-east", "state": "joining"}],
            "peers": [{"region": "eu-west", "link_in": false, "link_out": true, "rtt_us": null, "lag_records": 3}],
        });
        let address = Address::try_from("127.0.0.1:1".to_owned()).unwrap();
        let down = AdminError::Silent { region: name("eu-west"), address, problem: "refused".to_owned() };
        let page = text("shop", &[(name("us-east"), Ok(up)), (name("eu-west"), Err(down))]);
        for part in [
            "1.1730000000000:7",
            "61s",
            "-1200ms",
            "us-east refuses writes",
            "5MiB",
            "65MiB  64MiB",
            "1d",
            "7200s",
            "1.1730000000000:3",
            "the logs of us-east are full",
            "alarm at us-east: clock is off",
            "down",
            "sa-east",
            "joining",
            "us-east was retired",
            "unreachable",
            "127.0.0.1:1",
        ] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
    }
}
