//! The logins of the running process: one for each kind of work, so that SQL
//! which serves a member's request can't take the role of another kind.

/// A login of the running process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Members' requests and the bodies of jobs.
    App,
    /// Signing in, sessions and API keys.
    Auth,
    /// The command line and the pages of operators.
    Operator,
    /// Claiming jobs and housekeeping across organisations.
    Worker,
}

impl Login {
    /// Every login.
    pub const ALL: [Self; 4] = [Self::App, Self::Auth, Self::Operator, Self::Worker];

    /// The local roles that its transactions take, its own first. Resolving a
    /// session, signing in and an operator's change are one transaction with
    /// the organisation's rows, so those two logins may take `atrium_app`.
    pub const fn roles(self) -> &'static [&'static str] {
        match self {
            Self::App => &["atrium_app"],
            Self::Auth => &["atrium_auth", "atrium_app"],
            Self::Operator => &["atrium_operator", "atrium_app"],
            Self::Worker => &["atrium_worker"],
        }
    }

    /// The environment variable that holds its URL.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::App => "ATRIUM_DATABASE_URL",
            Self::Auth => "ATRIUM_DATABASE_AUTH_URL",
            Self::Operator => "ATRIUM_DATABASE_OPERATOR_URL",
            Self::Worker => "ATRIUM_DATABASE_WORKER_URL",
        }
    }
}

/// A value for each login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerLogin<T> {
    /// For [`Login::App`].
    pub app: T,
    /// For [`Login::Auth`].
    pub auth: T,
    /// For [`Login::Operator`].
    pub operator: T,
    /// For [`Login::Worker`].
    pub worker: T,
}

impl<T> PerLogin<T> {
    /// The values that `make` returns.
    pub fn from_fn(mut make: impl FnMut(Login) -> T) -> Self {
        Self {
            app: make(Login::App),
            auth: make(Login::Auth),
            operator: make(Login::Operator),
            worker: make(Login::Worker),
        }
    }

    /// As [`PerLogin::from_fn`], up to the first error.
    ///
    /// # Errors
    /// What `make` returns.
    pub fn try_from_fn<E>(mut make: impl FnMut(Login) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            app: make(Login::App)?,
            auth: make(Login::Auth)?,
            operator: make(Login::Operator)?,
            worker: make(Login::Worker)?,
        })
    }

    /// The value of one login.
    pub const fn get(&self, login: Login) -> &T {
        match login {
            Login::App => &self.app,
            Login::Auth => &self.auth,
            Login::Operator => &self.operator,
            Login::Worker => &self.worker,
        }
    }

    /// Each login with its value.
    pub fn each(&self) -> impl Iterator<Item = (Login, &T)> {
        Login::ALL.into_iter().map(|login| (login, self.get(login)))
    }
}

impl PerLogin<u32> {
    /// Divides `total` connections: half serve members, three tenths resolve
    /// sessions and keys, a tenth each is for workers and operators. Each has
    /// at least one, so fewer than four become four.
    pub fn shares_of(total: u32) -> Self {
        let tenth = (total / 10).max(1);
        let auth = (total * 3 / 10).max(1);
        Self {
            app: total.saturating_sub(auth + 2 * tenth).max(1),
            auth,
            operator: tenth,
            worker: tenth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_total() {
        for total in 4..=200 {
            let shares = PerLogin::shares_of(total);
            let sum: u32 = shares.each().map(|(_, share)| share).sum();
            assert_eq!(sum, total, "{shares:?}");
            assert!(shares.each().all(|(_, share)| *share >= 1), "{shares:?}");
        }
    }

    #[test]
    fn only_members_requests_have_a_single_role_of_theirs() {
        for (login, own) in Login::ALL.map(|login| (login, login.roles())) {
            let others = Login::ALL.into_iter().filter(|other| *other != login);
            for other in others.map(|other| other.roles()[0]) {
                assert!(
                    other == "atrium_app" || !own.contains(&other),
                    "{login:?} could take {other}"
                );
            }
        }
        assert_eq!(Login::App.roles(), ["atrium_app"]);
        assert_eq!(Login::Worker.roles(), ["atrium_worker"]);
    }
}
