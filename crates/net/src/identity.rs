//! Who a certificate speaks for: cluster and role, in one URI of its subject alternative names.
//!
//! ```text
//! halcyon://CLUSTER/region/NAME      a region's node, on both planes
//! halcyon://CLUSTER/client/NAME      an application, on the client plane
//! halcyon://CLUSTER/admin/NAME       an operator's tool, on the client plane
//! ```
//!
//! The chain proves only that the cluster's authority signed *something*; this name says what. It is parsed strictly:
//! a certificate with no such name, or with two, is nobody, and nothing is ever derived from its subject or DNS names.

use std::fmt;
use std::str::FromStr;

use halcyon_types::{ClusterName, NameError, RegionName};
use rustls::pki_types::CertificateDer;

const SCHEME: &str = "halcyon:";

/// An application's or an operator's name: the alphabet of region names, so that it fits a URI and a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalName(String);

impl PrincipalName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PrincipalName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        name.parse::<RegionName>().map(|name| Self(name.into()))
    }
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the holder of a certificate may be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The node of a region.
    Region(RegionName),
    /// An application.
    Client(PrincipalName),
    /// An operator: region, restore and repair commands.
    Admin(PrincipalName),
}

impl Role {
    /// The name of its files in a directory of certificates, without the ending: `region-us-east`.
    pub fn file_stem(&self) -> String {
        format!("{}-{}", self.kind(), self.name())
    }

    /// The region whose node this is, if it is one.
    pub fn region(&self) -> Option<&RegionName> {
        match self {
            Self::Region(name) => Some(name),
            Self::Client(_) | Self::Admin(_) => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Region(_) => "region",
            Self::Client(_) => "client",
            Self::Admin(_) => "admin",
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Region(name) => name.as_str(),
            Self::Client(name) | Self::Admin(name) => name.as_str(),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

/// A role in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The cluster whose authority vouches for it.
    pub cluster: ClusterName,
    /// What it may be there.
    pub role: Role,
}

/// Why a certificate names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not X.509, or not a version that is understood.
    #[error("the certificate cannot be parsed")]
    Unparsable,
    /// Perhaps a certificate of another system that the same authority signed.
    #[error("the certificate has no halcyon:// name; issue one with `halcyon certs`")]
    Missing,
    /// It must be one thing only.
    #[error("the certificate has more than one halcyon:// name; issue one certificate per role")]
    Several,
    /// A halcyon name of a shape that this version does not know.
    #[error("{uri:?} is not halcyon://CLUSTER/region|client|admin/NAME; issue the certificate with `halcyon certs`")]
    Malformed {
        /// The name, escaped and cut to a readable length.
        uri: String,
    },
}

impl Identity {
    /// The name as it stands in a certificate.
    pub fn uri(&self) -> String {
        format!("halcyon://{}/{}/{}", self.cluster, self.role.kind(), self.role.name())
    }

    /// Whom an end-entity certificate names. The chain is the caller's affair.
    ///
    /// # Errors
    /// There is not exactly one well-formed halcyon name. The certificate must be refused.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, IdentityError> {
        let uris = halcyon_uris(certificate)?;
        match uris.as_slice() {
            [] => Err(IdentityError::Missing),
            [uri] => uri.parse(),
            [_, _, ..] => Err(IdentityError::Several),
        }
    }
}

/// Every halcyon URI among the subject alternative names of a certificate.
pub(crate) fn halcyon_uris(certificate: &CertificateDer<'_>) -> Result<Vec<String>, IdentityError> {
    let certificate = webpki::EndEntityCert::try_from(certificate).map_err(|_| IdentityError::Unparsable)?;
    let ours = |uri: &&str| uri.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
    Ok(certificate.valid_uri_names().filter(ours).map(str::to_owned).collect())
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(uri: &str) -> Result<Self, IdentityError> {
        let malformed = || IdentityError::Malformed { uri: uri.chars().take(200).collect() };
        let mut parts = uri.strip_prefix("halcyon://").ok_or_else(malformed)?.split('/');
        let (Some(cluster), Some(kind), Some(name), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed());
        };
        let cluster = cluster.parse().map_err(|_| malformed())?;
        let role = match kind {
            "region" => name.parse().map(Role::Region),
            "client" => name.parse().map(Role::Client),
            "admin" => name.parse().map(Role::Admin),
            _ => return Err(malformed()),
        };
        Ok(Self { cluster, role: role.map_err(|_| malformed())? })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of cluster {}", self.role, self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_survives_the_way_into_a_name_and_back() {
        for uri in ["halcyon://shop/region/us-east", "halcyon://shop/client/till-3", "halcyon://a/admin/ops"] {
            assert_eq!(uri.parse::<Identity>().unwrap().uri(), uri);
        }
        let identity: Identity = "halcyon://shop/region/us-east".parse().unwrap();
        assert_eq!(identity.role.file_stem(), "region-us-east");
        assert_eq!(identity.role.region().unwrap().as_str(), "us-east");
    }

    #[test]
    fn a_name_of_any_other_shape_is_refused() {
        for uri in [
            "",
            "halcyon://",
            "halcyon://shop",
            "halcyon://shop/region",
            "halcyon://shop/region/",
            "halcyon:///region/us-east",
            "halcyon://shop/region/us-east/",
            "halcyon://shop/region/us-east/x",
            "halcyon://shop/region/us-east?x=1",
            "halcyon://shop/region/US-EAST",
            "halcyon://shop/Region/us-east",
            "halcyon://shop/root/us-east",
            "halcyon://user@shop/region/us-east",
            "HALCYON://shop/region/us-east",
            "https://shop/region/us-east",
            "halcyon://shop/client/../../etc",
            "halcyon://shop/region/us%2deast",
        ] {
            assert_eq!(uri.parse::<Identity>(), Err(IdentityError::Malformed { uri: uri.to_owned() }));
        }
    }
}
