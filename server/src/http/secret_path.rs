//! Paths that hold a secret: the link of an invite opens an organisation.

/// Where the pages of invites are; the token follows.
pub(crate) const INVITE_PATH: &str = "/invite/";

/// Whether a path holds a secret.
pub(super) fn is_secret_path(path: &str) -> bool {
    path.starts_with(INVITE_PATH)
}

/// A path as logs and audit rows may have it.
pub(crate) fn loggable_path(path: &str) -> &str {
    if is_secret_path(path) {
        INVITE_PATH
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SEC-D3
    #[test]
    fn a_token_is_not_told() {
        for path in [
            "/invite/atri_canary",
            "/invite/canary/more",
            "/invite//canary",
        ] {
            assert_eq!(loggable_path(path), "/invite/");
        }
        for path in [
            "/",
            "/invites",
            "/invites/new",
            "/invite",
            "/memories/invite/x",
        ] {
            assert_eq!(loggable_path(path), path);
        }
    }
}
