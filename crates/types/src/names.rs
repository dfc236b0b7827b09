//! Names that appear in certificates, configuration and addresses.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::NAME_BYTES_MAX;

/// A name or address that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Names end up in URIs and file names, so their alphabet is small.
    #[error("{name:?} is not a name: use 1 to {NAME_BYTES_MAX} of a-z, 0-9 and '-', beginning with a letter or digit")]
    Name {
        /// What was given.
        name: String,
    },
    /// Not `HOST:PORT`.
    #[error("{address:?} is not an address: use HOST:PORT with a port in 1..=65535, for example \"127.0.0.1:7101\"")]
    Address {
        /// What was given.
        address: String,
    },
}

fn is_name(s: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&s.len())
        && !s.starts_with('-')
        && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                if is_name(&name) { Ok(Self(name)) } else { Err(NameError::Name { name }) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::try_from(name.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The cluster's name; every certificate carries it.
    ClusterName
);
name!(
    /// A region's name, as commands and certificates use it.
    RegionName
);
name!(
    /// A keyspace's name, as applications use it.
    KeyspaceName
);

/// `HOST:PORT`, resolved when it is bound or dialled. IPv6 hosts stand in brackets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

impl Address {
    /// The address as text, as `ToSocketAddrs` takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the port, brackets and all.
    pub fn host(&self) -> &str {
        self.0.rsplit_once(':').map_or("", |(host, _)| host)
    }
}

impl TryFrom<String> for Address {
    type Error = NameError;

    fn try_from(address: String) -> Result<Self, NameError> {
        let usable = address.rsplit_once(':').is_some_and(|(host, port)| {
            let bare = !host.contains([':', '/', ' ']);
            let bracketed = host.starts_with('[') && host.ends_with(']');
            !host.is_empty() && (bare || bracketed) && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if usable { Ok(Self(address)) } else { Err(NameError::Address { address }) }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_a_uri_and_a_file_name() {
        for good in ["us-east", "a", "3rd", &"x".repeat(NAME_BYTES_MAX)] {
            assert!(good.parse::<RegionName>().is_ok(), "{good}");
        }
        for bad in ["", "-x", "US", "a/b", "a b", "ü", "..", &"x".repeat(NAME_BYTES_MAX + 1)] {
            assert!(bad.parse::<RegionName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for good in ["127.0.0.1:7101", "[::1]:7101", "db.example.com:1"] {
            assert!(Address::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "127.0.0.1", ":7101", "host:0", "host:65536", "host:x", "::1:7101", "quic://a:1"] {
            assert!(Address::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
