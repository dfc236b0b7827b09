//! The demo's directory: the cluster's file, its certificates, the nodes' data and logs, the synthetic orders.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use halcyon_net::authority::{self, CERTIFICATE_VALID};
use halcyon_types::topology::Topology;
use tempfile::TempDir;

use super::DemoError;
use super::ports;
use crate::clock;

const REGIONS: [&str; 3] = ["us-east", "eu-west", "ap-south"];

/// A directory made for one demo.
pub(super) struct Home {
    path: PathBuf,
    /// Removed on drop, unless the user named the directory.
    _temporary: Option<TempDir>,
    pub(super) topology: Topology,
}

impl Home {
    /// Makes the directory, a cluster of three regions on free ports, and its certificates.
    pub(super) fn make(data: Option<&Path>) -> Result<Self, DemoError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| DemoError::Directory { path, source }
        };
        let (path, temporary) = if let Some(path) = data {
            fs::create_dir_all(path).map_err(io(path))?;
            if fs::read_dir(path).map_err(io(path))?.next().is_some() {
                return Err(DemoError::NotEmpty { path: path.to_owned() });
            }
            // Nodes and people are told this path from elsewhere.
            (path.canonicalize().map_err(io(path))?, None)
        } else {
            let made = tempfile::Builder::new().prefix("halcyon-demo-").tempdir();
            let made = made.map_err(io(&std::env::temp_dir()))?;
            (made.path().to_owned(), Some(made))
        };
        let text = cluster_file().map_err(DemoError::Ports)?;
        let config = path.join("regions.toml");
        fs::write(&config, &text).map_err(io(&config))?;
        let topology = Topology::parse(&text).map_err(DemoError::Topology)?;
        authority::init(&path.join("certs"), &topology, clock::wall(), CERTIFICATE_VALID)?;
        Ok(Self { path, _temporary: temporary, topology })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn config(&self) -> PathBuf {
        self.path.join("regions.toml")
    }

    pub(super) fn certs(&self) -> PathBuf {
        self.path.join("certs")
    }

    /// Writes a file into it.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, DemoError> {
        let file = self.path.join(name);
        fs::write(&file, text).map_err(|source| DemoError::Directory { path: file.clone(), source })?;
        Ok(file)
    }
}

fn cluster_file() -> std::io::Result<String> {
    let mut text = "# Made by `halcyon demo`.\ncluster = \"shop\"\n".to_owned();
    for (index, (name, ports)) in REGIONS.iter().zip(ports::free(REGIONS.len())?).enumerate() {
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "\n[[region]]\nid = {}\nname = \"{name}\"\npeer = \"127.0.0.1:{}\"\nclient = \"127.0.0.1:{}\"\nadmin = \"127.0.0.1:{}\"\n",
            index + 1,
            ports.peer,
            ports.client,
            ports.admin
        );
    }
    text.push_str("\n[[keyspace]]\nid = 10\nname = \"default\"\nmode = \"convergent\"\n");
    Ok(text)
}
