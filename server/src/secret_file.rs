//! Secrets that Atrium generates and stores in the data folder.

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

/// Creates the data folder if necessary and restricts it to its user: mode
/// 0700. If root runs an embedded Postgres as another user, that user must pass
/// through the folder: mode 0711 then.
///
/// # Errors
/// Names the folder and the system's error.
pub(crate) fn restrict_folder(folder: &Path, has_postgres: bool) -> Result<(), Failure> {
    let to_failure =
        |error: io::Error| Failure::Failed(format!("{} can't be used: {error}.", folder.display()));
    let target_mode = if has_postgres && rustix::process::geteuid().is_root() {
        0o711
    } else {
        0o700
    };
    create_private(folder).map_err(to_failure)?;
    let current_mode = fs::metadata(folder)
        .map_err(to_failure)?
        .permissions()
        .mode()
        & 0o777;
    if current_mode == target_mode {
        return Ok(());
    }
    match fs::set_permissions(folder, Permissions::from_mode(target_mode)) {
        Ok(()) => Ok(()),
        // A mounted volume whose mode only its owner can change.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::warn!(
                folder = %folder.display(),
                "the data folder is open to other users, and belongs to another one who alone can close it"
            );
            Ok(())
        }
        Err(error) => Err(to_failure(error)),
    }
}

fn create_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Reads the secret in `path`. If the file is missing, creates it with 32
/// random bytes in base64, mode 0600.
///
/// # Errors
/// Names the file and the system's error.
pub(crate) fn read_or_create(path: &Path, ids: &Ids) -> Result<SecretString, Failure> {
    let to_failure =
        |error: io::Error| Failure::Failed(format!("{} can't be used: {error}.", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => return Ok(text.trim().to_owned().into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(to_failure(error)),
    }
    if let Some(folder) = path.parent() {
        create_private(folder).map_err(to_failure)?;
    }
    let secret = BASE64_STANDARD.encode(ids.bytes::<32>());
    // A hard link makes the secret appear complete or not at all, and only the
    // first of two processes succeeds.
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
            let text = fs::read_to_string(path).map_err(to_failure)?;
            Ok(text.trim().to_owned().into())
        }
        Err(error) => Err(to_failure(error)),
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
    fn open_data_folder_is_closed_to_other_users() {
        let folder = std::env::temp_dir().join(format!("atrium-closed-{}", std::process::id()));
        restrict_folder(&folder, false).unwrap();
        assert_eq!(mode(&folder), 0o700);
        for open in [0o777, 0o755, 0o750] {
            fs::set_permissions(&folder, Permissions::from_mode(open)).unwrap();
            restrict_folder(&folder, false).unwrap();
            assert_eq!(mode(&folder), 0o700);
        }
        // If Postgres runs as another user, others may enter the folder.
        restrict_folder(&folder, true).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        assert_eq!(mode(&folder), if is_root { 0o711 } else { 0o700 });
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn secret_is_created_once_with_private_modes() {
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
