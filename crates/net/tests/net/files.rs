//! The directory of certificates: what `certs init` leaves, and what is refused when it is read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use halcyon_net::authority::{self, Authority, AuthorityError, Validity};
use halcyon_net::{Credentials, CredentialsError, Role};

use crate::forge::claim;
use crate::world::{self, NOW, VALID, World, region};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn init_leaves_a_certificate_per_role_and_keys_for_the_owner_alone() {
    let world = World::new();
    let mut names: Vec<_> = fs::read_dir(world.certs.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let stems = ["admin-admin", "ca", "client-client", "region-ap-south", "region-eu-west", "region-us-east"];
    let expected: Vec<_> = stems.iter().flat_map(|stem| [format!("{stem}.key"), format!("{stem}.pem")]).collect();
    assert_eq!(names, expected);
    for key in stems.map(|stem| format!("{stem}.key")) {
        assert_eq!(mode(&world.certs.path().join(&key)), 0o600, "{key}");
    }
}

#[test]
fn nothing_is_ever_written_over() {
    let world = World::new();
    let dir = world.certs.path();
    let before = fs::read(dir.join("ca.key")).unwrap();
    let again = authority::init(dir, &world.topology, NOW, VALID);
    assert!(matches!(again, Err(AuthorityError::AlreadyThere { file }) if file.ends_with("ca.pem")));
    let issued = Authority::load(dir).unwrap().issue(&region("us-east"), Validity::starting(NOW, VALID)).unwrap();
    let written = issued.write(dir, &region("us-east"));
    assert!(matches!(written, Err(AuthorityError::AlreadyThere { file }) if file.ends_with("region-us-east.key")));
    assert_eq!(fs::read(dir.join("ca.key")).unwrap(), before);
    world.credentials(region("us-east"));
}

#[test]
fn a_certificate_issued_later_is_as_good() {
    let world = World::new();
    let role = Role::Client("till-3".parse().unwrap());
    let authority = Authority::load(world.certs.path()).unwrap();
    assert_eq!(authority.cluster(), &world.topology.cluster);
    authority.issue(&role, Validity::starting(NOW, VALID)).unwrap().write(world.certs.path(), &role).unwrap();
    assert_eq!(world.credentials(role.clone()).identity(), &world.identity(role));
}

#[test]
fn a_validity_past_what_a_certificate_can_say_is_refused() {
    let world = World::new();
    let authority = Authority::load(world.certs.path()).unwrap();
    let endless = Validity { not_before: NOW, not_after: halcyon_types::UnixMs(u64::MAX) };
    assert!(matches!(authority.issue(&world::client(), endless), Err(AuthorityError::Issue { .. })));
}

#[test]
fn an_authority_whose_key_others_can_read_issues_nothing() {
    let world = World::new();
    let key = world.certs.path().join("ca.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Authority::load(world.certs.path()), Err(AuthorityError::Shared { mode: 0o640, .. })));
    fs::remove_file(&key).unwrap();
    assert!(matches!(Authority::load(world.certs.path()), Err(AuthorityError::Missing { .. })));
}

/// What loading us-east's credentials says after `spoil` had its way with the directory.
fn refusal(spoil: impl FnOnce(&World, &Path)) -> CredentialsError {
    let world = World::new();
    spoil(&world, world.certs.path());
    Credentials::load(world.certs.path(), &world.identity(region("us-east"))).unwrap_err()
}

fn copy(dir: &Path, from: &str, to: &str) {
    fs::copy(dir.join(from), dir.join(to)).unwrap();
}

#[test]
fn a_missing_file_is_named_with_the_command_that_makes_it() {
    for file in ["ca.pem", "region-us-east.pem", "region-us-east.key"] {
        let error = refusal(|_, dir| fs::remove_file(dir.join(file)).unwrap());
        assert!(matches!(error, CredentialsError::Missing { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(file) && text.contains("halcyon certs init"), "{text}");
    }
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_remedy() {
    for shared in [0o640, 0o604, 0o620, 0o601] {
        let error = refusal(|_, dir| {
            fs::set_permissions(dir.join("region-us-east.key"), fs::Permissions::from_mode(shared)).unwrap();
        });
        assert!(matches!(error, CredentialsError::Shared { mode, .. } if mode == shared), "{error}");
        assert!(error.to_string().contains("chmod 600 ") && error.to_string().contains("region-us-east.key"));
    }
}

#[test]
fn what_is_not_pem_of_the_right_kind_is_refused() {
    for file in ["ca.pem", "region-us-east.pem", "region-us-east.key"] {
        for junk in ["", "junk", "-----BEGIN CERTIFICATE-----\nAAAA\n", "-----BEGIN PRIVATE KEY-----\n!\n"] {
            let error = refusal(|_, dir| fs::write(dir.join(file), junk).unwrap());
            assert!(
                matches!(&error, CredentialsError::Unparsable { file: named, .. } if named.ends_with(file)),
                "{error}"
            );
        }
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let error = refusal(|_, dir| copy(dir, "region-eu-west.key", "region-us-east.key"));
    assert!(matches!(error, CredentialsError::KeyMismatch { .. }), "{error}");
}

#[test]
fn a_certificate_of_another_role_or_cluster_or_of_nobody_is_refused() {
    let error = refusal(|_, dir| {
        copy(dir, "region-eu-west.pem", "region-us-east.pem");
        copy(dir, "region-eu-west.key", "region-us-east.key");
    });
    assert!(
        matches!(&error, CredentialsError::WrongIdentity { found, .. } if found.role == region("eu-west")),
        "{error}"
    );

    let world = World::new();
    let mut elsewhere = world.identity(region("us-east"));
    elsewhere.cluster = "mart".parse().unwrap();
    let error = Credentials::load(world.certs.path(), &elsewhere).unwrap_err();
    assert!(matches!(error, CredentialsError::WrongIdentity { .. }), "{error}");

    let error = refusal(|_, dir| {
        let nobody = claim("https://example.com").signed_by(dir);
        fs::write(dir.join("region-us-east.pem"), pem(nobody.cert[0].as_ref())).unwrap();
    });
    assert!(matches!(error, CredentialsError::Nobody { .. }), "{error}");
}

fn pem(der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in der.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let six = (bits >> (18 - 6 * at)) & 63;
            text.push(if at <= three.len() { char::from(ALPHABET[six as usize]) } else { '=' });
        }
    }
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[test]
fn no_debug_output_and_no_error_shows_a_key() {
    let world = World::new();
    let secrets =
        ["ca.key", "region-us-east.key"].map(|file| fs::read_to_string(world.certs.path().join(file)).unwrap());
    let authority = Authority::load(world.certs.path()).unwrap();
    let issued = authority.issue(&region("us-east"), Validity::starting(NOW, VALID)).unwrap();
    let said = format!("{authority:?} {:?} {issued:?}", world.credentials(region("us-east")));
    let broken = refusal(|_, dir| {
        let key = fs::read_to_string(dir.join("region-us-east.key")).unwrap();
        fs::write(dir.join("region-us-east.key"), key.replace("END PRIVATE", "END PUBLIC")).unwrap();
    });
    let said = format!("{said} {broken:?} {broken}");
    for secret in secrets.iter().chain([&issued.key_pem]) {
        // The secret stands in the first two lines; what follows is the public half, which the certificate repeats.
        for line in secret.lines().skip(1).take(2) {
            assert!(line.len() > 16 && !said.contains(line), "{said}");
        }
    }
    assert!(!said.contains("PRIVATE KEY"));
}
