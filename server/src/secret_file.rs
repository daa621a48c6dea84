//! Secrets that Atrium makes for itself and keeps beside its data.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;
use service::Ids;

use crate::failure::Failure;

/// Creates the data folder where it is missing and closes it to other users.
/// As root, the embedded Postgres runs as another user, who must pass through
/// to its own files: then others may enter, and see nothing.
///
/// # Errors
/// Names the folder and what the system said.
pub(crate) fn close_folder(folder: &Path, has_postgres: bool) -> Result<(), Failure> {
    let refused =
        |error: io::Error| Failure::Failed(format!("{} can't be used: {error}.", folder.display()));
    let wanted = if has_postgres && rustix::process::geteuid().is_root() {
        0o711
    } else {
        0o700
    };
    create_private(folder).map_err(refused)?;
    let found = fs::metadata(folder).map_err(refused)?.permissions().mode() & 0o777;
    if found == wanted {
        return Ok(());
    }
    match fs::set_permissions(folder, Permissions::from_mode(wanted)) {
        Ok(()) => Ok(()),
        // A volume that the platform mounts, whose mode only its owner changes.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::warn!(
                folder = %folder.display(),
                "the data folder is open to other users, and belongs to another one who alone can close it"
            );
            Ok(())
        }
        Err(error) => Err(refused(error)),
    }
}

fn create_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

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
        create_private(folder).map_err(refused)?;
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
    use secrecy::ExposeSecret;
    use service::{Clock, Entropy};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_data_folder_is_closed_to_others_also_when_it_was_open() {
        let folder = std::env::temp_dir().join(format!("atrium-closed-{}", std::process::id()));
        close_folder(&folder, false).unwrap();
        assert_eq!(mode(&folder), 0o700);
        for open in [0o777, 0o755, 0o750] {
            fs::set_permissions(&folder, Permissions::from_mode(open)).unwrap();
            close_folder(&folder, false).unwrap();
            assert_eq!(mode(&folder), 0o700);
        }
        // What only Postgres' own user needs, where that is another one.
        close_folder(&folder, true).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        assert_eq!(mode(&folder), if is_root { 0o711 } else { 0o700 });
        fs::remove_dir_all(folder).unwrap();
    }

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
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        fs::remove_dir_all(folder).unwrap();
    }
}
