//! What a process proves itself with: the cluster's authority, its own certificate and its key, read and checked once.
//!
//! A directory that cannot work is refused here, with the file and the remedy, rather than at the first handshake as
//! somebody else's alert. Keys never appear in `Debug` output or in an error.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::files::{self, CA_CERTIFICATE};
use crate::identity::{Identity, IdentityError, Role};
use crate::reset::ResetSecret;

/// Why a process has nothing to prove itself with. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// No such file.
    #[error("{} is missing; {remedy}", file.display())]
    Missing {
        /// The file that should be there.
        file: PathBuf,
        /// The command that makes it.
        remedy: String,
    },
    /// Others may have copied the key.
    #[error("{} can be read by others than its owner (mode {mode:03o}); run `chmod 600 {}`", file.display(), file.display())]
    Shared {
        /// The key.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file system said no.
    #[error("{} cannot be read: {source}; run as the user who owns it", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// No certificate, or no key, in it.
    #[error("{} is no PEM file of the right kind: {problem}; restore it, or issue it anew with `halcyon certs`", file.display())]
    Unparsable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Two halves of different pairs.
    #[error("{} is not the key of {}; copy both files of one `halcyon certs` run", key.display(), certificate.display())]
    KeyMismatch {
        /// The key.
        key: PathBuf,
        /// The certificate.
        certificate: PathBuf,
    },
    /// A certificate that names nobody.
    #[error("{}: {source}", file.display())]
    Nobody {
        /// The certificate.
        file: PathBuf,
        /// Why.
        source: IdentityError,
    },
    /// A certificate of another role or cluster.
    #[error("{} is the certificate of {found}, not of {expected}; check --certs, and the cluster's name in regions.toml", file.display())]
    WrongIdentity {
        /// The certificate.
        file: PathBuf,
        /// Whom it should name.
        expected: Box<Identity>,
        /// Whom it names.
        found: Box<Identity>,
    },
}

/// An identity and the means to prove it. Cheap to clone.
#[derive(Clone)]
pub struct Credentials {
    identity: Identity,
    roots: Arc<RootCertStore>,
    key: Arc<CertifiedKey>,
    reset: ResetSecret,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Reads `ca.pem`, `ROLE-NAME.pem` and `ROLE-NAME.key`.
    ///
    /// # Errors
    /// A file is missing, unreadable, readable by too many, unparsable, or does not belong to `identity`.
    pub fn load(dir: &Path, identity: &Identity) -> Result<Self, CredentialsError> {
        let stem = identity.role.file_stem();
        let (ca_file, cert_file, key_file) =
            (dir.join(CA_CERTIFICATE), dir.join(format!("{stem}.pem")), dir.join(format!("{stem}.key")));
        let issue = issue_command(&identity.role);

        let roots = authorities(&ca_file, &read(&ca_file, "run `halcyon certs init`")?.0)?;
        let chain = certificates(&cert_file, &read(&cert_file, &issue)?.0)?;
        let (key, mode) = read(&key_file, &issue)?;
        if files::is_shared(mode) {
            return Err(CredentialsError::Shared { file: key_file, mode: mode & 0o777 });
        }
        // The parser's own words may quote the file, so they stay out of the message.
        let not_a_key = |_| unparsable(&key_file, "it holds no private key");
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(not_a_key)?;

        let leaf = chain.first().ok_or_else(|| unparsable(&cert_file, "it holds no certificate"))?;
        let found = Identity::of_certificate(leaf)
            .map_err(|source| CredentialsError::Nobody { file: cert_file.clone(), source })?;
        if found != *identity {
            let (expected, found) = (Box::new(identity.clone()), Box::new(found));
            return Err(CredentialsError::WrongIdentity { file: cert_file, expected, found });
        }
        let reset = ResetSecret::of(&key);
        let key = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider());
        let key = key.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                CredentialsError::KeyMismatch { key: key_file, certificate: cert_file }
            }
            _ => unparsable(&key_file, "it is not a key of a supported kind"),
        })?;
        Ok(Self { identity: identity.clone(), roots: Arc::new(roots), key: Arc::new(key), reset })
    }

    /// Whom they prove.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    pub(crate) fn reset(&self) -> ResetSecret {
        self.reset
    }

    pub(crate) fn key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }
}

fn issue_command(role: &Role) -> String {
    let kind = match role {
        Role::Region(name) => format!("region {name}"),
        Role::Client(name) => format!("client {name}"),
        Role::Admin(name) => format!("admin {name}"),
    };
    format!("`halcyon certs init` makes it for a new cluster, `halcyon certs issue` adds one for {kind}")
}

/// All of the file's authorities, so that an old and a new one can overlap while certificates are renewed.
fn authorities(file: &Path, pem: &[u8]) -> Result<RootCertStore, CredentialsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, pem)? {
        roots.add(certificate).map_err(|error| unparsable(file, &error.to_string()))?;
    }
    Ok(roots)
}

fn certificates(file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let parsed = parsed.map_err(|error| unparsable(file, &error.to_string()))?;
    if parsed.is_empty() { Err(unparsable(file, "it holds no certificate")) } else { Ok(parsed) }
}

fn unparsable(file: &Path, problem: &str) -> CredentialsError {
    CredentialsError::Unparsable { file: file.to_owned(), problem: problem.to_owned() }
}

fn read(file: &Path, remedy: &str) -> Result<(Vec<u8>, u32), CredentialsError> {
    files::read(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => CredentialsError::Missing { file: file.to_owned(), remedy: remedy.to_owned() },
        _ => CredentialsError::Io { file: file.to_owned(), source },
    })
}
