//! Flags of every data call: purpose, justification and, for a call that writes, its request id.

use crate::{client::types::Intent, ids::RequestId, random::OsRandom};

/// Flags of a call that reads.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Reading {
    /// Purpose, one of the pack's list
    #[arg(long)]
    purpose: String,
    /// Why, where the policy wants it; name no person here
    #[arg(long, value_name = "TEXT")]
    justification: Option<String>,
}

impl Reading {
    /// What the call states.
    pub(super) fn intent(&self) -> Intent {
        let justification = self.justification.clone();
        Intent { justification, ..Intent::of(&self.purpose) }
    }
}

/// Flags of a call that writes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Writing {
    #[command(flatten)]
    reading: Reading,
    /// Request id, 32 hexadecimal digits; one is drawn by default. A write that is repeated with the
    /// same id and the same content is done once
    #[arg(long, value_name = "HEX", value_parser = request_id)]
    request_id: Option<RequestId>,
}

impl Writing {
    /// What the call states, with a request id in any case.
    pub(super) fn intent(&self) -> Intent {
        self.intent_or(None)
    }

    /// The same; what is written may bring an id, which a flag overrides.
    pub(super) fn intent_or(&self, own: Option<RequestId>) -> Intent {
        let id = self.request_id.or(own).unwrap_or_else(|| RequestId::make(&OsRandom));
        Intent { request: Some(id), ..self.reading.intent() }
    }
}

fn request_id(text: &str) -> Result<RequestId, String> {
    RequestId::parse(text).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_has_the_id_of_its_flag_else_its_own_else_a_new_one() {
        let writing = |request_id| Writing {
            reading: Reading { purpose: "p".into(), justification: None },
            request_id,
        };
        let (flag, own) = (RequestId::from_bytes([1; 16]), RequestId::from_bytes([2; 16]));
        assert_eq!(writing(Some(flag)).intent_or(Some(own)).request, Some(flag));
        assert_eq!(writing(None).intent_or(Some(own)).request, Some(own));
        let drawn = writing(None).intent().request;
        assert!(drawn.is_some() && drawn != writing(None).intent().request);
    }
}
