//! The admin plane from outside: plain HTTP to a node's admin address, with a limit on time and on bytes.
//!
//! The HTTP client blocks, so every call runs on the blocking pool; it never follows a proxy setting, because admin
//! addresses are local.

use std::time::Duration;

use halcyon_types::topology::Region;
use halcyon_types::{Address, RegionName, UnixMs};
use serde::Deserialize;
use serde_json::Value;

use crate::Remedy;

const TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Why a node's admin plane gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// Nobody there, or too slow.
    #[error("region {region} does not answer on its admin address {address}: {problem}")]
    Silent {
        /// The region.
        region: RegionName,
        /// Where it was asked.
        address: Address,
        /// What the system answered.
        problem: String,
    },
    /// The node was started without the fault API.
    #[error("region {region} has no fault API")]
    NoFaultApi {
        /// The region.
        region: RegionName,
    },
    /// It answered, but not what was asked.
    #[error("region {region} refused {path}: {problem}")]
    Refused {
        /// The region.
        region: RegionName,
        /// What was asked.
        path: String,
        /// What it said.
        problem: String,
    },
}

impl Remedy for AdminError {
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Silent { region, .. } => format!("start it: halcyon node --region {region} …"),
            Self::NoFaultApi { region } => {
                format!("start it with the fault API, for tests only: halcyon node --region {region} --fault-api …")
            }
            Self::Refused { .. } => {
                "check that the node and this command are of one version and one cluster".to_owned()
            }
        })
    }
}

/// Which way messages pass, seen from the node that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// As if the cable were out.
    Cut,
    /// They pass.
    Up,
}

/// A direction of data, seen from the node that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the peer to it.
    In,
    /// From it to the peer.
    Out,
    /// Both.
    Both,
}

/// One node's admin plane.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    region: RegionName,
    address: Address,
}

#[derive(Deserialize)]
struct Complaint {
    error: String,
    message: String,
}

impl Admin {
    /// The admin plane of `region`.
    pub(crate) fn of(region: &Region) -> Self {
        Self { region: region.name.clone(), address: region.admin.clone() }
    }

    /// `/status`, as it stands.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(crate) async fn status(&self) -> Result<Value, AdminError> {
        let text = self.call(false, "/status".to_owned()).await?;
        serde_json::from_str(&text).map_err(|error| self.refused("/status", &error.to_string()))
    }

    /// Whether the node says it is ready to serve.
    ///
    /// # Errors
    /// [`AdminError`], as long as it is not.
    pub(crate) async fn ready(&self) -> Result<(), AdminError> {
        self.call(false, "/readyz".to_owned()).await.map(drop)
    }

    /// Cuts or heals the link to `peer`, both directions.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(crate) async fn link(&self, peer: &RegionName, state: LinkState) -> Result<(), AdminError> {
        self.link_one_way(peer, state, Direction::Both).await
    }

    /// Cuts or heals the link to `peer` in one direction.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(crate) async fn link_one_way(
        &self,
        peer: &RegionName,
        state: LinkState,
        direction: Direction,
    ) -> Result<(), AdminError> {
        let state = match state {
            LinkState::Cut => "cut",
            LinkState::Up => "up",
        };
        let direction = match direction {
            Direction::In => "in",
            Direction::Out => "out",
            Direction::Both => "both",
        };
        self.call(true, format!("/fault/link/{peer}?state={state}&direction={direction}")).await.map(drop)
    }

    /// Whether records of other regions pass to `peer`.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(crate) async fn relay(&self, peer: &RegionName, on: bool) -> Result<(), AdminError> {
        self.call(true, format!("/fault/link/{peer}?relay={}", switch(on))).await.map(drop)
    }

    /// Stops the wall clock at `at`; `None` gives the real one back.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(crate) async fn clock(&self, at: Option<UnixMs>) -> Result<(), AdminError> {
        let query = at.map_or_else(String::new, |at| format!("?ms={}", at.0));
        self.call(true, format!("/fault/clock{query}")).await.map(drop)
    }

    /// Whether the node does what nobody asked for: rebalancing rights, sweeping what has expired.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(crate) async fn background(&self, on: bool) -> Result<(), AdminError> {
        self.call(true, format!("/fault/background?state={}", switch(on))).await.map(drop)
    }

    /// Holds every message to `peer` for `delay`.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(crate) async fn delay(&self, peer: &RegionName, delay: Duration) -> Result<(), AdminError> {
        self.call(true, format!("/fault/link/{peer}?delay_ms={}", delay.as_millis())).await.map(drop)
    }

    async fn call(&self, post: bool, path: String) -> Result<String, AdminError> {
        let url = format!("http://{}{path}", self.address);
        let answer = tokio::task::spawn_blocking(move || fetch(post, &url)).await;
        match answer.unwrap_or_else(|stopped| Err(stopped.to_string())) {
            Ok((200, text)) => Ok(text),
            Ok((code, text)) => Err(match serde_json::from_str(&text) {
                Ok(Complaint { error, .. }) if error == "FaultApiOff" => {
                    AdminError::NoFaultApi { region: self.region.clone() }
                }
                Ok(Complaint { message, .. }) => self.refused(&path, &message),
                Err(_) if code == 404 && path.starts_with("/fault/") => {
                    AdminError::NoFaultApi { region: self.region.clone() }
                }
                Err(_) => self.refused(&path, &format!("status {code}")),
            }),
            Err(problem) => {
                Err(AdminError::Silent { region: self.region.clone(), address: self.address.clone(), problem })
            }
        }
    }

    fn refused(&self, path: &str, problem: &str) -> AdminError {
        AdminError::Refused { region: self.region.clone(), path: path.to_owned(), problem: problem.to_owned() }
    }
}

const fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn fetch(post: bool, url: &str) -> Result<(u16, String), String> {
    let config =
        ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).proxy(None).build();
    let agent = ureq::Agent::new_with_config(config);
    let answer = if post { agent.post(url).send_empty() } else { agent.get(url).call() };
    let mut answer = answer.map_err(|error| error.to_string())?;
    let code = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
    Ok((code, text.map_err(|error| error.to_string())?))
}
