//! The vault's certificate and key on the command line of `serve`, and the watch over their files.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use super::{
    advice,
    failure::{Failure, with_causes},
    out,
};
use crate::{
    identity::tls::ServerTls,
    limits,
    server::{ConnectionBounds, Entry},
};

/// Flags of `serve`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct TlsArgs {
    /// Speak TLS 1.3 with this certificate chain (PEM, the server's own first); read again on change
    #[arg(long, value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM, not encrypted, mode 0600)
    #[arg(long, value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
}

impl TlsArgs {
    /// These flags or, where neither is given, what the configuration file says. Both or none.
    pub(super) fn or(self, config: Self) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
        let given = self.tls_cert.is_some() || self.tls_key.is_some();
        let Self { tls_cert, tls_key } = if given { self } else { config };
        match (tls_cert, tls_key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (cert, _) => {
                let (has, lacks) = if cert.is_some() { ("cert", "key") } else { ("key", "cert") };
                let message = format!("a TLS {has} file was given without its {lacks} file");
                Err(Failure::usage(message).hint("give --tls-cert FILE and --tls-key FILE"))
            }
        }
    }
}

/// Reads certificate and key, if there are any.
pub(super) fn load(pair: Option<&(PathBuf, PathBuf)>) -> Result<Option<Arc<ServerTls>>, Failure> {
    let loaded = pair.map(|(cert, key)| ServerTls::load(cert, key).map(Arc::new));
    Ok(loaded.transpose()?)
}

/// How callers come in; what goes wrong there is told on the error output.
pub(super) fn entry(tls: Option<&Arc<ServerTls>>) -> Entry {
    Entry::new(tls.map(Arc::clone), ConnectionBounds::default()).telling(out::note)
}

/// Shows a new pair soon after its files have changed. Never ends.
pub(super) async fn watch(tls: Arc<ServerTls>) {
    let mut every = interval(Duration::from_millis(limits::TLS_RELOAD_MS));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let tls = Arc::clone(&tls);
        match tokio::task::spawn_blocking(move || tls.reload_if_changed()).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => out::note("the TLS certificate has changed: new connections get it"),
            Ok(Err(error)) => {
                out::note(&format!("WARNING: {}", with_causes(&error)));
                out::note(&format!("WARNING: the running pair stays; {}", advice::tls(&error)));
            }
            // The runtime is going down.
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(cert: Option<&str>, key: Option<&str>) -> TlsArgs {
        TlsArgs { tls_cert: cert.map(Into::into), tls_key: key.map(Into::into) }
    }

    #[test]
    fn flags_win_over_the_file_and_both_are_needed_or_none() {
        let or = |flags: TlsArgs, file: TlsArgs| flags.or(file).map_err(|e| e.text());
        let (flags, file) = (args(Some("a"), Some("b")), args(Some("c"), Some("d")));
        assert_eq!(or(args(None, None), args(None, None)).unwrap(), None);
        assert_eq!(or(flags.clone(), file.clone()).unwrap(), Some(("a".into(), "b".into())));
        assert_eq!(or(args(None, None), file.clone()).unwrap(), Some(("c".into(), "d".into())));
        for half in [args(Some("a"), None), args(None, Some("b"))] {
            // The other half is not taken from the file: it would be that of another pair.
            assert!(or(half.clone(), file.clone()).unwrap_err().contains("--tls-key"));
            assert!(or(args(None, None), half).unwrap_err().contains("--tls-key"));
        }
    }
}
