//! `oubliette.v1.Admin` on the wire. Each method reads, calls one use case, and writes.

use std::{pin::Pin, sync::Arc};

use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

use super::{auth, backup, convert, places::Calls};
use crate::{limits, vault::Vault, wire::api};

/// The service over one vault; the calls in progress have the place of a backup.
pub(crate) struct Admin(pub(super) Arc<Vault>, pub(super) Calls);

#[tonic::async_trait]
impl api::admin_server::Admin for Admin {
    async fn status(
        &self,
        request: Request<api::StatusRequest>,
    ) -> Result<Response<api::StatusResponse>, Status> {
        let who = auth::caller(&request)?;
        let status = self.0.status(&who).await?;
        Ok(Response::new(convert::status(&status)))
    }

    async fn confirm_clock(
        &self,
        request: Request<api::ConfirmClockRequest>,
    ) -> Result<Response<api::ConfirmClockResponse>, Status> {
        let who = auth::caller(&request)?;
        let date = convert::clock_date(&request.into_inner().date)?;
        self.0.confirm_clock(&who, date).await?;
        Ok(Response::new(api::ConfirmClockResponse {}))
    }

    async fn list_alarms(
        &self,
        request: Request<api::ListAlarmsRequest>,
    ) -> Result<Response<api::ListAlarmsResponse>, Status> {
        let who = auth::caller(&request)?;
        let mut alarms = self.0.list_alarms(&who).await?;
        alarms.sort_by_key(|a| (a.acknowledged.is_some(), a.raised_at));
        let alarms = alarms.iter().map(convert::alarm).collect();
        Ok(Response::new(api::ListAlarmsResponse { alarms }))
    }

    async fn ack_alarm(
        &self,
        request: Request<api::AckAlarmRequest>,
    ) -> Result<Response<api::AckAlarmResponse>, Status> {
        let who = auth::caller(&request)?;
        let alarm = convert::alarm_id(&request.into_inner().alarm_id)?;
        self.0.ack_alarm(&who, alarm).await?;
        Ok(Response::new(api::AckAlarmResponse {}))
    }

    async fn request_approval(
        &self,
        request: Request<api::RequestApprovalRequest>,
    ) -> Result<Response<api::RequestApprovalResponse>, Status> {
        let who = auth::caller(&request)?;
        let input = convert::request_approval(request.into_inner())?;
        let asked = self.0.request_approval(&who, input).await?;
        Ok(Response::new(convert::approval_asked(asked)))
    }

    async fn approve(
        &self,
        request: Request<api::ApproveRequest>,
    ) -> Result<Response<api::ApproveResponse>, Status> {
        let who = auth::caller(&request)?;
        let id = convert::approval_id(&request.into_inner().approval_id)?;
        self.0.approve(&who, id).await?;
        Ok(Response::new(api::ApproveResponse {}))
    }

    async fn list_approvals(
        &self,
        request: Request<api::ListApprovalsRequest>,
    ) -> Result<Response<api::ListApprovalsResponse>, Status> {
        let who = auth::caller(&request)?;
        let approvals = self.0.list_approvals(&who).await?;
        let approvals = approvals.iter().map(convert::approval).collect();
        Ok(Response::new(api::ListApprovalsResponse { approvals }))
    }

    async fn rotate_root_key(
        &self,
        request: Request<api::RotateRootKeyRequest>,
    ) -> Result<Response<api::RotateRootKeyResponse>, Status> {
        let who = auth::caller(&request)?;
        let generation = self.0.rotate_root_key(&who).await?;
        Ok(Response::new(api::RotateRootKeyResponse { generation }))
    }

    async fn reload_policies(
        &self,
        request: Request<api::ReloadPoliciesRequest>,
    ) -> Result<Response<api::ReloadPoliciesResponse>, Status> {
        let who = auth::caller(&request)?;
        let reloaded = self.0.reload_policies(&who).await?;
        Ok(Response::new(convert::reloaded(reloaded)))
    }

    type BackupStream = Pin<Box<dyn Stream<Item = backup::Answer> + Send>>;

    async fn backup(
        &self,
        request: Request<api::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        let who = auth::caller(&request)?;
        let place = self.1.admit_backup()?;
        // Decided and logged here, so that a refusal is the call's answer and no stream starts.
        let begun = self.0.backup(&who).await?;
        let (answers, taken) = mpsc::channel(limits::BACKUP_PIECES_AHEAD);
        let (vault, metadata) = (Arc::clone(&self.0), request.metadata().clone());
        let bounded = (place, self.1.bounds().backup_ms);
        tokio::spawn(backup::Worker::new(vault, metadata, answers, bounded).run(begun));
        Ok(Response::new(Box::pin(ReceiverStream::new(taken))))
    }
}
