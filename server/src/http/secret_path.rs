//! Paths that contain a secret: the token of an invite grants membership.

/// Prefix of the invites' pages, followed by the token.
pub(crate) const INVITE_PATH: &str = "/invite/";

/// True if the path contains a secret.
pub(super) fn is_secret_path(path: &str) -> bool {
    path.starts_with(INVITE_PATH)
}

/// The path for logs and audit rows, without secrets.
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
    fn invite_token_is_not_logged() {
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
