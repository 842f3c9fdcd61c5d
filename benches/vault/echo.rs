//! The bare echo: one unary tonic method that gives back what it was sent. No session, no routing, no
//! decision, no disk. Its message is about as large as a reveal's answer.

use std::{
    convert::Infallible,
    net::SocketAddr,
    task::{Context, Poll},
};

use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{BoxFuture, Service, http},
    server::{Grpc, UnaryService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

use crate::Outcome;

/// Bytes of a message's payload.
const PAYLOAD_BYTES: usize = 512;

/// What goes there and back.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Parcel {
    #[prost(bytes = "vec", tag = "1")]
    payload: Vec<u8>,
}

/// The server's end.
#[derive(Clone)]
struct Echo;

impl UnaryService<Parcel> for Echo {
    type Response = Parcel;
    type Future = std::future::Ready<Result<Response<Parcel>, Status>>;

    fn call(&mut self, request: Request<Parcel>) -> Self::Future {
        std::future::ready(Ok(Response::new(request.into_inner())))
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async {
            let codec = ProstCodec::<Parcel, Parcel>::default();
            Ok(Grpc::new(codec).unary(Self, request).await)
        })
    }
}

/// Serves the echo on loopback until the process ends.
pub(crate) async fn serve() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder().serve_with_incoming(Echo, incoming);
    tokio::spawn(server);
    Ok(address)
}

/// A connection to the echo.
#[derive(Clone)]
pub(crate) struct EchoClient(tonic::client::Grpc<Channel>);

impl EchoClient {
    pub(crate) async fn connect(address: SocketAddr) -> Outcome<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
        Ok(Self(tonic::client::Grpc::new(endpoint.connect().await?)))
    }

    /// Sends one parcel and takes it back.
    pub(crate) async fn call(&mut self) -> Outcome<()> {
        let sent = Parcel { payload: vec![7; PAYLOAD_BYTES] };
        self.0.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/bench.Echo/Call");
        let codec = ProstCodec::<Parcel, Parcel>::default();
        let answer = self.0.unary(Request::new(sent), path, codec).await?;
        if answer.into_inner().payload.len() != PAYLOAD_BYTES {
            return Err("the echo answered something else".into());
        }
        Ok(())
    }
}
