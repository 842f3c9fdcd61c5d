//! Calls of `Retention`.

use super::{
    Client, ClientError, service,
    types::{Cohort, Preview, Purged},
};
use crate::{ids::CertificateId, wire::api};

impl Client {
    /// What a purge would destroy now.
    pub async fn preview_purge(&self) -> Result<Preview, ClientError> {
        let request = self.request(api::PreviewPurgeRequest {});
        let answer =
            service!(self, retention_client, RetentionClient).preview_purge(request).await?;
        let answer = answer.into_inner();
        Ok(Preview {
            cutoff_ms: answer.cutoff_ms,
            cohorts: answer.cohorts.into_iter().map(cohort).collect(),
            holds: answer.holds,
        })
    }

    /// Destroys the keys of everything due.
    pub async fn run_purge(&self) -> Result<Purged, ClientError> {
        let request = self.request(api::RunPurgeRequest {});
        let answer = service!(self, retention_client, RetentionClient).run_purge(request).await?;
        let answer = answer.into_inner();
        let certificate = match answer.certificate_id.as_slice() {
            [] => None,
            bytes => Some(
                CertificateId::from_slice(bytes)
                    .map_err(|_| ClientError::Answer("certificate_id"))?,
            ),
        };
        Ok(Purged {
            certificate,
            generation_before: answer.generation_before,
            generation_after: answer.generation_after,
            cohorts: answer.cohorts.into_iter().map(cohort).collect(),
            records: answer.records,
            sections: answer.sections,
            index_rows: answer.index_rows,
            events: answer.events,
            skipped: Some(answer.skipped).filter(|text| !text.is_empty()),
        })
    }

    /// A signed certificate as one line of JSON; the newest by default.
    pub async fn certificate(&self, id: Option<CertificateId>) -> Result<String, ClientError> {
        let certificate_id = id.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let request = self.request(api::GetCertificateRequest { certificate_id });
        let answer =
            service!(self, retention_client, RetentionClient).get_certificate(request).await?;
        Ok(answer.into_inner().certificate)
    }
}

fn cohort(answer: api::Cohort) -> Cohort {
    Cohort {
        cohort: hex::encode(answer.cohort_id),
        collection: answer.collection,
        expires_on: answer.expires_on,
        zone: answer.zone,
        segments: answer.segments,
        records: answer.records,
    }
}
