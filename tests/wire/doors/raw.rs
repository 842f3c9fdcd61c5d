//! A caller that says just the bytes it is told to: what no decent client can be made to do.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// The kind of an HTTP/2 frame that asks for a sign of life (RFC 9113 section 6.7).
pub(super) const PING: u8 = 6;
const SETTINGS: u8 = 4;
/// Keeps a fault from hanging the run.
const SAFETY_NET: Duration = Duration::from_secs(300);
const ACK: u8 = 1;

/// A connection without a protocol.
pub(super) struct Raw(TcpStream);

/// One frame of HTTP/2, without its stream.
pub(super) struct Frame {
    pub(super) kind: u8,
    payload: Vec<u8>,
}

impl Raw {
    pub(super) async fn connect(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.unwrap())
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Exactly so many bytes; `None` once the other end has closed.
    async fn read<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        timeout(SAFETY_NET, self.0.read_exact(&mut bytes)).await.unwrap().ok()?;
        Some(bytes)
    }

    async fn read_more(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        timeout(SAFETY_NET, self.0.read_exact(&mut bytes)).await.unwrap().ok()?;
        Some(bytes)
    }

    /// Waits until the other end closes, whatever it says before.
    pub(super) async fn end(mut self) {
        while self.read::<1>().await.is_some() {}
    }

    /// The type of the next TLS record, and what is in it.
    pub(super) async fn tls_record(&mut self) -> (u8, Vec<u8>) {
        let head = self.read::<5>().await.unwrap();
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        (head[0], self.read_more(length).await.unwrap())
    }

    /// Preface and settings, as an HTTP/2 client begins.
    pub(super) async fn begin_http2(&mut self) {
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        self.send(&frame(SETTINGS, 0, &[])).await;
    }

    /// The next frame that is not itself an answer; `None` once the other end has closed.
    pub(super) async fn frame(&mut self) -> Option<Frame> {
        loop {
            let head = self.read::<9>().await?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let payload = self.read_more(usize::try_from(length).unwrap()).await?;
            if head[4] & ACK == 0 {
                return Some(Frame { kind: head[3], payload });
            }
        }
    }

    /// The sign of life that a PING asks for.
    pub(super) async fn answer(&mut self, ping: &Frame) {
        self.send(&frame(PING, ACK, &ping.payload)).await;
    }
}

/// A frame of the connection as a whole.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, 0], payload].concat()
}

/// A TLS client's first message (RFC 8446 section 4.1.2), as one of version 1.2 says it or, with the two
/// extensions that make the difference, one of 1.3. It sends no key yet, so the answer is a request for
/// one, and that is a handshake message.
pub(super) fn client_hello(with_1_3: bool) -> Vec<u8> {
    let mut extensions: Vec<&[u8]> = vec![
        // supported_groups: x25519, secp256r1
        &[0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17],
        // ec_point_formats: uncompressed
        &[0, 11, 0, 2, 1, 0],
        // signature_algorithms: ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256
        &[0, 13, 0, 6, 0, 4, 4, 3, 8, 4],
    ];
    if with_1_3 {
        // supported_versions: 1.3 alone; key_share: none
        extensions.extend([&[0, 43, 0, 3, 2, 3, 4][..], &[0, 51, 0, 2, 0, 0][..]]);
    }
    let extensions = extensions.concat();
    let body = [
        // legacy_version, random, no session id
        &[3, 3][..],
        &[0x2a; 32],
        &[0],
        // TLS_AES_128_GCM_SHA256 and TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, no compression
        &[0, 4, 0x13, 1, 0xc0, 0x2b, 1, 0],
        &u16::try_from(extensions.len()).unwrap().to_be_bytes(),
        &extensions,
    ]
    .concat();
    let length = u8::try_from(body.len()).unwrap();
    let message = [&[1, 0, 0, length][..], &body].concat();
    [&[22, 3, 1, 0, u8::try_from(message.len()).unwrap()][..], &message].concat()
}
