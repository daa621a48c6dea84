//! Identity: signing in and out, browser sessions, and the caller behind each
//! request.
//!
//! The server speaks the protocols (OpenID Connect, cookies, HTTP) and hands
//! over what it verified. The transactions, role grants and audit rows are
//! here.

mod attempt;
pub(crate) mod caller;
mod grants;
mod issuer;
mod new_session;
mod refresh;
mod seal;
mod session;
mod settings;
mod sign_in;
mod sign_in_error;
mod sign_out;
mod switch;
mod token;

pub use attempt::{LOGIN_LIFETIME, LoginStart, identity_purge, login_begin, login_take};
pub use caller::CallerError;
pub use issuer::{Directory, IssuerPolicy};
pub use refresh::{REFRESH_LEASE, RefreshClaim, Renewal, refresh_claim, refresh_finish};
pub use seal::{TokenSealer, Tokens};
pub use session::{SessionMember, Visit, session_resolve, session_revalidate};
pub use settings::{SessionLifetimes, SessionSettings};
pub use sign_in::{SignIn, VerifiedPerson, sign_in};
pub use sign_in_error::{SignInError, sign_in_rejection_audit};
pub use sign_out::{
    IssuerLogout, LogoutChannel, issuer_sign_out, issuer_sign_out_rejection_audit, sign_out,
};
pub use store::{
    login_attempt::{FollowedInvite, LoginAttempt},
    session::StoredSession,
};
pub use switch::{SwitchError, switch};
pub use token::{IssuedToken, SessionToken};
