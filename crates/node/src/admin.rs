//! The admin plane: health, readiness, metrics and status over HTTP, and, where it was asked for, the fault API.
//!
//! Plain HTTP, for loopback or a private network. The fault API is refused at start on any other than a loopback address.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use halcyon_net::Roster;
use halcyon_types::{RegionName, UnixMs};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;

use crate::disk_use::DiskUse;
use crate::event::Event;
use crate::faults::{DELAY_MS_MAX, LinkChange, Switch};
use crate::metrics::Metrics;
use crate::status::NodeStatus;
use crate::visits::Visits;

/// What the handlers need.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) roster: Roster,
    pub(crate) disk: Arc<DiskUse>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) events: Sender<Event>,
    pub(crate) fault_api: bool,
}

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, admin: Admin) {
    let faults = Router::new()
        .route("/link/{peer}", post(link))
        .route("/clock", post(clock))
        .route("/background", post(background));
    let app = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .nest("/fault", faults)
        .with_state(admin);
    if let Err(error) = axum::serve(Visits::at(listener), app).await {
        tracing::error!(%error, "the admin plane has ended");
    }
}

/// An answer other than success: a name for scripts, and what to do.
fn refuse(code: StatusCode, error: &str, message: &str) -> Response {
    (code, Json(json!({ "error": error, "message": message }))).into_response()
}

fn stopping() -> Response {
    refuse(StatusCode::SERVICE_UNAVAILABLE, "Stopping", "this node is stopping")
}

impl Admin {
    async fn status(&self) -> Option<NodeStatus> {
        let (answer, status) = oneshot::channel();
        self.events.send(Event::Status { answer }).await.ok()?;
        status.await.ok()
    }

    /// The status, with what the driver has no time for.
    async fn full_status(&self) -> Option<NodeStatus> {
        let mut status = self.status().await?;
        status.disk.bytes = self.disk.bytes().await;
        Some(status)
    }

    /// What to answer where the fault API was not asked for.
    fn faults_off(&self) -> Option<Response> {
        let message = "the fault API is off; start the node with --fault-api, for tests and demonstrations only";
        (!self.fault_api).then(|| refuse(StatusCode::NOT_FOUND, "FaultApiOff", message))
    }
}

async fn readyz(State(admin): State<Admin>) -> Response {
    match admin.status().await {
        Some(status) if status.ready => "ready\n".into_response(),
        Some(status) => {
            let message = format!("this node is {}; ask again soon, or another region", status.standing);
            refuse(StatusCode::SERVICE_UNAVAILABLE, "NotReady", &message)
        }
        None => stopping(),
    }
}

async fn status(State(admin): State<Admin>) -> Response {
    match admin.full_status().await {
        Some(status) => Json(status).into_response(),
        None => stopping(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let Some(status) = admin.full_status().await else {
        return stopping();
    };
    match admin.metrics.text(&status) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "Metrics", &error.to_string()),
    }
}

async fn link(State(admin): State<Admin>, Path(peer): Path<String>, Query(change): Query<LinkChange>) -> Response {
    if let Some(off) = admin.faults_off() {
        return off;
    }
    let Some(region) = peer.parse::<RegionName>().ok().and_then(|name| admin.roster.id_of(&name)) else {
        let message = format!("{peer:?} is no other region of this cluster");
        return refuse(StatusCode::NOT_FOUND, "UnknownRegion", &message);
    };
    if change == LinkChange::default() || change.delay_ms.is_some_and(|ms| ms > DELAY_MS_MAX) {
        let message = format!("say state=cut|up, relay=on|off or delay_ms=N with N up to {DELAY_MS_MAX}");
        return refuse(StatusCode::BAD_REQUEST, "BadArguments", &message);
    }
    let (done, applied) = oneshot::channel();
    let sent = admin.events.send(Event::Fault { peer: region, change, done }).await;
    if sent.is_err() || applied.await.is_err() {
        return stopping();
    }
    Json(json!({ "ok": true })).into_response()
}

/// `?ms=N` stops the wall clock at N, and no write is refused for it; without it, the real clock is back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestClock {
    ms: Option<u64>,
}

async fn clock(State(admin): State<Admin>, Query(at): Query<TestClock>) -> Response {
    if let Some(off) = admin.faults_off() {
        return off;
    }
    let (done, applied) = oneshot::channel();
    let sent = admin.events.send(Event::TestClock { at: at.ms.map(UnixMs), done }).await;
    if sent.is_err() || applied.await.is_err() {
        return stopping();
    }
    Json(json!({ "ok": true })).into_response()
}

/// `?state=off` stops rebalancer and sweeper, `?state=on` lets them work again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Background {
    state: Option<Switch>,
}

async fn background(State(admin): State<Admin>, Query(asked): Query<Background>) -> Response {
    if let Some(off) = admin.faults_off() {
        return off;
    }
    let Some(state) = asked.state else {
        return refuse(StatusCode::BAD_REQUEST, "BadArguments", "say state=on or state=off");
    };
    let (done, applied) = oneshot::channel();
    let sent = admin.events.send(Event::Background { on: state == Switch::On, done }).await;
    if sent.is_err() || applied.await.is_err() {
        return stopping();
    }
    Json(json!({ "ok": true })).into_response()
}
