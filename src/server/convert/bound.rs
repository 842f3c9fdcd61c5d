//! The hash that an approval is bound to, made of the message as it was received: what it does and the
//! message, without the approval's own id and without the request id of the intent. Nothing else is left
//! out: who approves approves exactly what is sent.

use prost::Message;
use sha2::{Digest as _, Sha256};

use crate::{identity::Bound, wire::api};

const PLACE: &str = "hold-place";
const REVEAL: &str = "reveal";

/// SHA-256("oubliette/v1/approval" ‖ u16 length ‖ action ‖ message).
fn bind(action: &'static str, message: &impl Message) -> Bound {
    let length = u16::try_from(action.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut hash = Sha256::new_with_prefix(b"oubliette/v1/approval");
    hash.update(length);
    hash.update(action);
    hash.update(message.encode_to_vec());
    Bound { action, hash: hash.finalize().into() }
}

fn without_request_id(intent: &mut Option<api::Intent>) {
    if let Some(intent) = intent {
        intent.request_id.clear();
    }
}

/// What an approval of these holds is bound to.
pub(super) fn bound_hold(request: &api::PlaceHoldRequest) -> Bound {
    let mut request = request.clone();
    request.approval_id.clear();
    without_request_id(&mut request.intent);
    bind(PLACE, &request)
}

/// What an approval of this reveal is bound to.
pub(super) fn bound_reveal(request: &api::RevealRequest) -> Bound {
    let mut request = request.clone();
    request.approval_id.clear();
    without_request_id(&mut request.intent);
    bind(REVEAL, &request)
}
