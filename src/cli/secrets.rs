//! Files that nobody else may read: keys, secrets, the states of roles.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Failure;

/// The file of the secret, in the folder of a host.
pub(super) const SECRET: &str = "secret";

/// The most bytes of a secret.
const SECRET_BYTES_MAX: u64 = 255;

fn wrong(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("`{}`: {error}", path.display()))
}

/// Makes a folder that nobody else looks into, if it is not there.
pub(super) fn folder(path: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| wrong(path, error))
}

/// Makes a file that nobody else reads; `None` if it is there.
pub(super) fn made(path: &Path) -> Result<Option<File>, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(wrong(path, error)),
    }
}

fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(bytes)
}

/// The text of a file with a secret, without what is blank around it.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| wrong(path, error))?;
    let read = file.take(SECRET_BYTES_MAX + 2).read_to_string(&mut text);
    read.map_err(|error| wrong(path, error))?;
    match text.trim() {
        "" => Err(wrong(path, "there is no secret in it")),
        text if text.len() as u64 > SECRET_BYTES_MAX => {
            Err(wrong(path, format_args!("a secret has at most {SECRET_BYTES_MAX} bytes")))
        }
        text => Ok(text.to_owned()),
    }
}

/// The secret of a file, which is made if it is not there.
pub(super) fn kept(path: &Path) -> Result<String, Failure> {
    if let Some(mut file) = made(path)? {
        let secret = URL_SAFE_NO_PAD.encode(random()?);
        let written = writeln!(file, "{secret}").and_then(|()| file.sync_all());
        written.map_err(|error| wrong(path, error))?;
        return Ok(secret);
    }
    read(path)
}

/// The key of a file, which is made if it is not there.
pub(super) fn key(path: &Path) -> Result<[u8; 32], Failure> {
    let text = kept(path)?;
    let bytes = URL_SAFE_NO_PAD.decode(&text).ok();
    let key = bytes.and_then(|bytes| bytes.try_into().ok());
    key.ok_or_else(|| wrong(path, "this is no key: 32 bytes in base64"))
}
