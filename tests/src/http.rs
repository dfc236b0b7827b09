//! The admin plane, asked from outside.

use std::time::Duration;

use serde_json::Value;
use tokio::task::spawn_blocking;

const TIMEOUT: Duration = Duration::from_secs(5);

/// An answer's code and body; `None` if there was no answer.
pub(crate) async fn call(post: bool, url: String) -> Option<(u16, String)> {
    let asking = spawn_blocking(move || {
        let config =
            ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).proxy(None);
        let agent: ureq::Agent = config.build().into();
        let answer = if post { agent.post(&url).send_empty() } else { agent.get(&url).call() };
        let mut answer = answer.ok()?;
        let code = answer.status().as_u16();
        Some((code, answer.body_mut().read_to_string().ok()?))
    });
    asking.await.expect("a thread that asks")
}

/// A JSON answer; `None` if there was none, or another.
pub(crate) async fn json(url: String) -> Option<Value> {
    let (code, body) = call(false, url).await?;
    if code == 200 { serde_json::from_str(&body).ok() } else { None }
}
