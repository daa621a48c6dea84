//! The door.

mod page;

pub(crate) use page::SignInPage;
