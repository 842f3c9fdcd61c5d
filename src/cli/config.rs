//! The configuration file of `serve`, TOML. Unknown keys are refused, so that a misspelt one is not a
//! setting that silently does nothing. It names files with secrets and holds none.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{alarm_exec::AlarmConfig, failure::Failure};

/// What the file may say. Relative paths are relative to the file's folder.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The data folder.
    pub(super) data: Option<PathBuf>,
    /// The key places; the first is primary.
    #[serde(default)]
    pub(super) keys: Vec<PathBuf>,
    /// Ids of places that may stay silent at this start.
    #[serde(default)]
    pub(super) without_places: Vec<String>,
    /// The policy pack.
    pub(super) policy: Option<PathBuf>,
    /// Addresses; loopback ones only, unless there is a certificate.
    #[serde(default)]
    pub(super) listen: Vec<SocketAddr>,
    /// Certificate chain, PEM.
    pub(super) tls_cert: Option<PathBuf>,
    /// Its key, PEM.
    pub(super) tls_key: Option<PathBuf>,
    /// File with the root passphrase.
    pub(super) passphrase_file: Option<PathBuf>,
    /// Name of a systemd credential.
    pub(super) passphrase_credential: Option<String>,
    /// File with a 32-byte root key.
    pub(super) key_file: Option<PathBuf>,
    /// Serve although keys may reach a swap device.
    #[serde(default)]
    pub(super) accept_swap: bool,
    /// What is run for each alarm.
    pub(super) alarm: Option<AlarmConfig>,
}

impl Config {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|e| Failure::file("reading", path, &e))?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, folder).map_err(|reason| {
            Failure::new(format!("the configuration `{}` is refused: {reason}", path.display()))
                .hint("`oubliette serve --help` lists what it may say")
        })
    }

    fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let mut config: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        let sources = [
            config.passphrase_file.is_some(),
            config.passphrase_credential.is_some(),
            config.key_file.is_some(),
        ];
        if sources.iter().filter(|given| **given).count() > 1 {
            return Err(
                "give one of passphrase_file, passphrase_credential and key_file".to_owned()
            );
        }
        let paths = [
            &mut config.data,
            &mut config.policy,
            &mut config.tls_cert,
            &mut config.tls_key,
            &mut config.passphrase_file,
            &mut config.key_file,
        ];
        for path in paths.into_iter().flatten().chain(config.keys.iter_mut()) {
            *path = folder.join(&path);
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/etc/oubliette"))
    }

    #[test]
    fn a_whole_configuration_is_read_and_its_paths_start_at_its_folder() {
        let text = r#"
            data = "/var/lib/oubliette"
            keys = ["/mnt/a/keys", "keys"]
            policy = "policy"
            listen = ["127.0.0.1:7443", "[::1]:7443"]
            tls_cert = "tls/server.pem"
            tls_key = "/run/keys/server-key.pem"
            passphrase_credential = "root"
            accept_swap = true
            without_places = ["000102030405060708090a0b0c0d0e0f"]
            alarm.exec = ["/usr/local/bin/tell", "--pager"]
        "#;
        let config = parse(text).unwrap();
        assert_eq!(config.data.unwrap(), Path::new("/var/lib/oubliette"));
        assert_eq!(config.keys[1], Path::new("/etc/oubliette/keys"));
        assert_eq!(config.policy.unwrap(), Path::new("/etc/oubliette/policy"));
        assert_eq!(config.listen.len(), 2);
        assert_eq!(config.tls_cert.unwrap(), Path::new("/etc/oubliette/tls/server.pem"));
        assert_eq!(config.tls_key.unwrap(), Path::new("/run/keys/server-key.pem"));
        assert!(config.accept_swap);
        assert!(config.alarm.is_some());
        assert_eq!(config.without_places, ["000102030405060708090a0b0c0d0e0f"]);
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = parse("acept_swap = true").unwrap_err();
        assert!(error.contains("acept_swap"), "{error}");
        assert!(parse("passphrase = \"in clear\"").is_err());
        assert!(parse("alarm.run = [\"x\"]").is_err());
    }

    #[test]
    fn two_sources_of_the_root_key_are_refused() {
        assert!(parse("key_file = \"a\"\npassphrase_file = \"b\"").is_err());
    }
}
