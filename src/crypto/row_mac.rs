//! The mac of directory rows: whoever writes or restores the database can change none of them.
//!
//! A replayed older row still verifies; revocations in the keyring answer that (DESIGN section 4).

use subtle::ConstantTimeEq;

use crate::{crypto::kdf, secret::Secret};

const LABEL: &[u8] = b"oubliette/v1/row";

/// HMAC-SHA-256(directory key, "oubliette/v1/row" ‖ u16 len ‖ row key ‖ row bytes).
pub(crate) fn derive_mac(directory_key: &Secret<32>, row_key: &[u8], row: &[u8]) -> [u8; 32] {
    kdf::hmac_tag(directory_key, &[LABEL, &kdf::u16_len(row_key), row_key, row])
}

/// The row bytes of `mac32 ‖ row bytes`, if the mac is this row's. Constant time.
pub(crate) fn check<'a>(
    directory_key: &Secret<32>,
    row_key: &[u8],
    value: &'a [u8],
) -> Option<&'a [u8]> {
    let (mac, row) = value.split_at_checked(32)?;
    let expected = derive_mac(directory_key, row_key, row);
    bool::from(expected.as_slice().ct_eq(mac)).then_some(row)
}
