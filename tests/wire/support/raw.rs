//! A caller one floor below gRPC: half messages, windows that stay shut, deadlines nobody keeps on this
//! side. What it gets back is read as gRPC says.

use std::{collections::HashMap, net::SocketAddr};

use h2::{
    RecvStream, SendStream,
    client::{Builder, ResponseFuture, SendRequest},
};
use oubliette::secret::SecretBytes;
use prost::{Message, bytes::Bytes};
use tokio::net::TcpStream;
use tonic::{
    Code, Status,
    codegen::http::{HeaderMap, Request},
};
use tonic_types::StatusExt as _;

/// A connection.
pub(crate) struct Raw {
    requests: SendRequest<Bytes>,
    authority: String,
}

/// A call of which only the headers were sent.
pub(crate) struct Call {
    answer: ResponseFuture,
    body: SendStream<Bytes>,
}

/// An answer: its message, if it had one, and its status.
pub(crate) struct Answer {
    pub(crate) message: Vec<u8>,
    pub(crate) status: Status,
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::with_window(address, 65_535).await
    }

    /// The server may send so many bytes of each answer, until more is allowed.
    pub(crate) async fn with_window(address: SocketAddr, bytes: u32) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (requests, connection) =
            Builder::new().initial_window_size(bytes).handshake(stream).await.unwrap();
        // It ends with the test, or with the server.
        tokio::spawn(async move { drop(connection.await) });
        Self { requests, authority: address.to_string() }
    }

    /// Sends the headers of a call of `method`, as in `Records/Reveal`.
    pub(crate) async fn start(
        &self,
        method: &str,
        token: Option<&SecretBytes>,
        headers: &[(&'static str, &str)],
    ) -> Call {
        let path = format!("http://{}/oubliette.v1.{method}", self.authority);
        let mut request =
            Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
        if let Some(token) = token {
            // EXPOSE: the token travels in the metadata of each call.
            let text = std::str::from_utf8(token.expose()).unwrap();
            request = request.header("authorization", format!("Bearer {text}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut requests = self.requests.clone().ready().await.unwrap();
        let (answer, body) = requests.send_request(request.body(()).unwrap(), false).unwrap();
        Call { answer, body }
    }

    /// A whole call of a message's bytes.
    pub(crate) async fn call(
        &self,
        method: &str,
        token: Option<&SecretBytes>,
        message: &[u8],
    ) -> Answer {
        let mut call = self.start(method, token, &[]).await;
        call.send(framed(message), true);
        call.answer().await
    }
}

impl Call {
    /// Sends a piece of the body; `last` ends it.
    pub(crate) fn send(&mut self, piece: Vec<u8>, last: bool) {
        // An error: the server has answered already, which the answer tells.
        // An error: the server has answered already, as the answer will tell.
        drop(self.body.send_data(piece.into(), last));
    }

    /// Goes away.
    pub(crate) fn cancel(mut self) {
        self.body.send_reset(h2::Reason::CANCEL);
    }

    /// The answer's body, not looked at.
    pub(crate) async fn body(self) -> RecvStream {
        self.answer.await.unwrap().into_body()
    }

    /// The whole answer.
    pub(crate) async fn answer(self) -> Answer {
        let response = self.answer.await.unwrap();
        if let Some(status) = Status::from_header_map(response.headers()) {
            return Answer { message: Vec::new(), status };
        }
        read(response.into_body()).await
    }
}

/// Reads an answer's body to its end.
pub(crate) async fn read(mut body: RecvStream) -> Answer {
    let mut message = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        message.extend_from_slice(&data);
    }
    let trailers: HeaderMap = body.trailers().await.unwrap().unwrap_or_default();
    let status = Status::from_header_map(&trailers).unwrap();
    Answer { message, status }
}

impl Answer {
    /// Its reason and the bound it names. Panics without a reason.
    pub(crate) fn reason(&self) -> (String, HashMap<String, String>) {
        let info = self.status.get_details_error_info();
        let info = info.unwrap_or_else(|| panic!("no reason: {:?}", self.status));
        (info.reason, info.metadata)
    }

    /// Whether it is the message it should be.
    pub(crate) fn is_ok(&self) -> bool {
        self.status.code() == Code::Ok && self.message.len() >= 5
    }
}

/// A message with its prefix.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], message].concat()
}

/// This message, grown to exactly `bytes` by a field that nobody knows and everybody skips.
pub(crate) fn padded(message: &impl Message, bytes: usize) -> Vec<u8> {
    let mut grown = message.encode_to_vec();
    // Tag of field 2000, length-delimited: two bytes; then a length of four bytes.
    let pad = bytes - grown.len() - 7;
    prost::encoding::encode_key(2000, prost::encoding::WireType::LengthDelimited, &mut grown);
    // A length may be written longer than it needs be.
    for shift in [0, 7, 14, 21] {
        grown.push(u8::try_from((pad >> shift) & 0x7f).unwrap() | 0x80);
    }
    grown.push(0);
    grown.resize(bytes, b'x');
    assert_eq!(grown.len(), bytes);
    grown
}
