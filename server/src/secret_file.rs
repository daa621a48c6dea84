//! Secrets that Atrium makes for itself and keeps beside its data.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;
use service::Ids;

use crate::failure::Failure;

/// The secret in `path`; made of 32 random bytes (in base64), readable by
/// this user only, when there is no such file.
///
/// # Errors
/// Names the file and what the system said.
pub(crate) fn read_or_create(path: &Path, ids: &Ids) -> Result<SecretString, Failure> {
    let refused =
        |error: io::Error| Failure::Failed(format!("{} can't be used: {error}.", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => return Ok(text.trim().to_owned().into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(refused(error)),
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(refused)?;
    }
    let secret = BASE64_STANDARD.encode(ids.bytes::<32>());
    // Never half a secret under the final name, and the first of two
    // processes wins.
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(secret.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    match written {
        Ok(()) => Ok(secret.into()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(path).map_err(refused)?;
            Ok(text.trim().to_owned().into())
        }
        Err(error) => Err(refused(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;
    use service::{Clock, Entropy};

    use super::*;

    #[test]
    fn made_once_kept_and_closed_to_others() {
        let ids = Ids::new(Clock::system(), Entropy::system());
        let folder =
            std::env::temp_dir().join(format!("atrium-secret-file-{}", std::process::id()));
        let path = folder.join("deeper/secret");
        let first = read_or_create(&path, &ids).unwrap();
        let second = read_or_create(&path, &ids).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert!(first.expose_secret().len() >= 43);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
