//! The cluster's certificate authority: one key that signs who is which region, client or operator.
//!
//! Nothing here reads a clock: a validity comes in through the door. The authority's own name stands in its
//! certificate as `halcyon://CLUSTER/authority`, so that a directory of certificates says whose it is.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use halcyon_types::topology::Topology;
use halcyon_types::{ClusterName, UnixMs};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

pub use crate::authority_error::AuthorityError;
use crate::files::{self, Access, CA_CERTIFICATE, CA_KEY};
use crate::identity::{self, Identity, Role};

/// How long an authority is good for, unless told otherwise.
pub const AUTHORITY_VALID: Duration = Duration::from_hours(10 * 365 * 24);
/// How long a certificate is good for, unless told otherwise.
pub const CERTIFICATE_VALID: Duration = Duration::from_hours(365 * 24);
/// How far before its issue a certificate begins, for machines whose clocks are behind.
pub const BACKDATED: Duration = Duration::from_hours(1);

/// From when to when a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Refused before.
    pub not_before: UnixMs,
    /// Refused after.
    pub not_after: UnixMs,
}

impl Validity {
    /// From an hour ago until `valid` has passed.
    pub fn starting(now: UnixMs, valid: Duration) -> Self {
        let backdated = u64::try_from(BACKDATED.as_millis()).unwrap_or(0);
        Self { not_before: UnixMs(now.0.saturating_sub(backdated)), not_after: now.plus(valid) }
    }
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Issued {
    /// Public.
    pub cert_pem: String,
    /// Secret.
    pub key_pem: String,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("cert_pem", &self.cert_pem).finish_non_exhaustive()
    }
}

impl Issued {
    /// Writes `ROLE-NAME.pem` and `ROLE-NAME.key` into an existing directory.
    ///
    /// # Errors
    /// One of the two is there already, or the file system said no.
    pub fn write(&self, dir: &Path, role: &Role) -> Result<(), AuthorityError> {
        let stem = role.file_stem();
        create(&dir.join(format!("{stem}.key")), &self.key_pem, Access::Owner)?;
        create(&dir.join(format!("{stem}.pem")), &self.cert_pem, Access::Everyone)
    }
}

/// The key that vouches for a cluster's identities.
pub struct Authority {
    cluster: ClusterName,
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

impl Authority {
    /// A new authority, with a new key.
    ///
    /// # Errors
    /// The key or the certificate cannot be made.
    pub fn create(cluster: ClusterName, validity: Validity) -> Result<Self, AuthorityError> {
        let mut params = params(validity, &format!("Halcyon authority of {cluster}"), &authority_uri(&cluster))?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { cluster, issuer: Issuer::new(params, key), certificate })
    }

    /// The authority that an earlier `certs init` left in a directory.
    ///
    /// # Errors
    /// A file is missing, is not an authority's, or is a key that others can read. Nothing was changed.
    pub fn load(dir: &Path) -> Result<Self, AuthorityError> {
        let (file, key_file) = (dir.join(CA_CERTIFICATE), dir.join(CA_KEY));
        let (certificate, _) = read(&file)?;
        let (key, mode) = read(&key_file)?;
        if files::is_shared(mode) {
            return Err(AuthorityError::Shared { file: key_file, mode: mode & 0o777 });
        }
        let unusable = |file: &Path, problem: &str| AuthorityError::Unusable {
            file: file.to_owned(),
            problem: problem.to_owned(),
        };
        let key = String::from_utf8(key).map_err(|_| unusable(&key_file, "not text"))?;
        let key = KeyPair::from_pem(&key).map_err(|e| unusable(&key_file, &e.to_string()))?;
        let der = CertificateDer::from_pem_slice(&certificate).map_err(|e| unusable(&file, &e.to_string()))?;
        let cluster = cluster_of_authority(&der).ok_or_else(|| unusable(&file, "it does not name a cluster"))?;
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|e| unusable(&file, &e.to_string()))?;
        let certificate = String::from_utf8(certificate).map_err(|_| unusable(&file, "not text"))?;
        Ok(Self { cluster, issuer, certificate })
    }

    /// The cluster it vouches for.
    pub fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// Its own certificate, which every member of the cluster must hold.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// A new key and the certificate that says whose it is. A region's serves and dials, all others only dial.
    ///
    /// # Errors
    /// The key or the certificate cannot be made.
    pub fn issue(&self, role: &Role, validity: Validity) -> Result<Issued, AuthorityError> {
        let identity = Identity { cluster: self.cluster.clone(), role: role.clone() };
        let mut params = params(validity, &role.to_string(), &identity.uri())?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match role {
            Role::Region(_) => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            Role::Client(_) | Role::Admin(_) => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued { cert_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }

    /// Writes `ca.key`, then `ca.pem`, into an existing directory.
    ///
    /// # Errors
    /// One of the two is there already, or the file system said no.
    pub fn write(&self, dir: &Path) -> Result<(), AuthorityError> {
        create(&dir.join(CA_KEY), &self.issuer.key().serialize_pem(), Access::Owner)?;
        create(&dir.join(CA_CERTIFICATE), &self.certificate, Access::Everyone)
    }
}

/// Makes a cluster's certificates: the authority, one per region, one client and one admin. Returns their roles.
///
/// # Errors
/// The directory has an authority already (nothing is changed then), or a file cannot be written.
pub fn init(dir: &Path, topology: &Topology, now: UnixMs, valid: Duration) -> Result<Vec<Role>, AuthorityError> {
    std::fs::create_dir_all(dir).map_err(|source| AuthorityError::Io { file: dir.to_owned(), source })?;
    for file in [CA_CERTIFICATE, CA_KEY].map(|name| dir.join(name)) {
        if file.exists() {
            return Err(AuthorityError::AlreadyThere { file });
        }
    }
    let authority = Authority::create(topology.cluster.clone(), Validity::starting(now, AUTHORITY_VALID.max(valid)))?;
    let mut roles: Vec<_> = topology.regions.iter().map(|region| Role::Region(region.name.clone())).collect();
    let name = |name: &str| name.parse().map_err(|_| AuthorityError::Issue { problem: format!("bad name {name}") });
    roles.push(Role::Client(name("client")?));
    roles.push(Role::Admin(name("admin")?));
    for role in &roles {
        authority.issue(role, Validity::starting(now, valid))?.write(dir, role)?;
    }
    // The authority comes last: where ca.pem is, everything is.
    authority.write(dir)?;
    Ok(roles)
}

fn params(validity: Validity, common_name: &str, uri: &str) -> Result<CertificateParams, AuthorityError> {
    let epoch = date_time_ymd(1970, 1, 1);
    let at = |time: UnixMs| {
        let since = Duration::from_millis(time.0).try_into().ok().and_then(|since| epoch.checked_add(since));
        since.filter(|at| at.year() <= 9999).ok_or_else(|| AuthorityError::Issue {
            problem: format!("{} ms after 1970 is past what a certificate can say", time.0),
        })
    };
    let mut params = CertificateParams::default();
    params.not_before = at(validity.not_before)?;
    params.not_after = at(validity.not_after)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.subject_alt_names = vec![SanType::URI(uri.try_into()?)];
    Ok(params)
}

fn authority_uri(cluster: &ClusterName) -> String {
    format!("halcyon://{cluster}/authority")
}

fn cluster_of_authority(certificate: &CertificateDer<'_>) -> Option<ClusterName> {
    let uris = identity::halcyon_uris(certificate).ok()?;
    let [uri] = uris.as_slice() else { return None };
    let cluster: ClusterName = uri.strip_prefix("halcyon://")?.strip_suffix("/authority")?.parse().ok()?;
    Some(cluster)
}

fn create(file: &Path, contents: &str, access: Access) -> Result<(), AuthorityError> {
    files::create(file, contents, access).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => AuthorityError::AlreadyThere { file: file.to_owned() },
        _ => AuthorityError::Io { file: file.to_owned(), source },
    })
}

fn read(file: &Path) -> Result<(Vec<u8>, u32), AuthorityError> {
    files::read(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => AuthorityError::Missing { file: file.to_owned() },
        _ => AuthorityError::Io { file: file.to_owned(), source },
    })
}
