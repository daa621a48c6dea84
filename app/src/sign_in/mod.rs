//! Signing in.

mod page;

pub(crate) use page::SignInPage;
