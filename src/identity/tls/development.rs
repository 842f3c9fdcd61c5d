//! A certification authority and one server certificate to try TLS with, made in memory.
//!
//! They say of themselves that they are for development, and are good for
//! [`limits::DEVELOPMENT_CERT_DAYS`] days. The authority's key is dropped here: nothing else is ever
//! signed with it, and a new pair needs a new authority. Both keys are ECDSA P-256, drawn by ring's own
//! generator and not by `random::Random`: rcgen takes no other. The days come from the caller's clock.

use chrono::{Datelike as _, Days, NaiveDate};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::ServerName;

use super::TlsError;
use crate::{clock::Timestamp, limits, secret::SecretBytes};

/// Names of this machine, in every development certificate.
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What was made, each in PEM.
pub struct Development {
    /// The authority's certificate: what a client trusts.
    pub ca: String,
    /// The server's certificate: what the vault shows.
    pub cert: String,
    /// The server's key.
    pub key: SecretBytes,
    /// The first day, by UTC, on which neither certificate is good any more.
    pub until: NaiveDate,
}

/// Makes an authority and a server certificate for this machine and `names`. Good from the day before
/// `now`, so that a clock that is a little behind accepts it.
///
/// Errors: [`TlsError::Name`], `Day`, `Make`.
pub fn make_development(names: &[String], now: Timestamp) -> Result<Development, TlsError> {
    let mut all: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    for name in names {
        ServerName::try_from(name.as_str()).map_err(|_| TlsError::Name(name.clone()))?;
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    let today = now.date_in(chrono_tz::UTC);
    let from = today.checked_sub_days(Days::new(1)).ok_or(TlsError::Day)?;
    let until = today.checked_add_days(Days::new(limits::DEVELOPMENT_CERT_DAYS));
    let until = until.ok_or(TlsError::Day)?;

    let mut ca = dated("Oubliette development CA", vec![], from, until)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca = CertifiedIssuer::self_signed(ca, make_key()?).map_err(TlsError::Make)?;

    let mut server = dated("Oubliette development server", all, from, until)?;
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = make_key()?;
    let cert = server.signed_by(&key, &ca).map_err(TlsError::Make)?;
    let key = SecretBytes::new(key.serialize_pem().into_bytes());
    Ok(Development { ca: ca.pem(), cert: cert.pem(), key, until })
}

fn make_key() -> Result<KeyPair, TlsError> {
    KeyPair::generate().map_err(TlsError::Make)
}

fn dated(
    subject: &str,
    names: Vec<String>,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(names).map_err(TlsError::Make)?;
    params.distinguished_name.push(DnType::CommonName, subject);
    let ((y, m, d), (y2, m2, d2)) = (day(from)?, day(until)?);
    params.not_before = date_time_ymd(y, m, d);
    params.not_after = date_time_ymd(y2, m2, d2);
    Ok(params)
}

/// Year, month and day, of a year that X.509 can write.
fn day(date: NaiveDate) -> Result<(i32, u8, u8), TlsError> {
    let small = |n: u32| u8::try_from(n).map_err(|_| TlsError::Day);
    if !(1950..=9999).contains(&date.year()) {
        return Err(TlsError::Day);
    }
    Ok((date.year(), small(date.month())?, small(date.day())?))
}
