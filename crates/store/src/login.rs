//! The database logins of the running process: one for each kind of work, so
//! that SQL that serves a member's request can't take the role of another kind.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Members' requests and running jobs.
    App,
    /// Sign-in, sessions and API keys.
    Auth,
    /// The command line and the operators' pages.
    Operator,
    /// Claiming jobs, and housekeeping across organisations.
    Worker,
}

impl Login {
    pub const ALL: [Self; 4] = [Self::App, Self::Auth, Self::Operator, Self::Worker];

    /// The local roles that its transactions take, its own first. Resolving a
    /// session, signing in and an operator's change share a transaction with
    /// the organisation's rows, so those two logins may also take `atrium_app`.
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerLogin<T> {
    pub app: T,
    pub auth: T,
    pub operator: T,
    pub worker: T,
}

impl<T> PerLogin<T> {
    pub fn from_fn(mut make: impl FnMut(Login) -> T) -> Self {
        Self {
            app: make(Login::App),
            auth: make(Login::Auth),
            operator: make(Login::Operator),
            worker: make(Login::Worker),
        }
    }

    /// As [`PerLogin::from_fn`], up to the first error.
    pub fn try_from_fn<E>(mut make: impl FnMut(Login) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            app: make(Login::App)?,
            auth: make(Login::Auth)?,
            operator: make(Login::Operator)?,
            worker: make(Login::Worker)?,
        })
    }

    pub const fn get(&self, login: Login) -> &T {
        match login {
            Login::App => &self.app,
            Login::Auth => &self.auth,
            Login::Operator => &self.operator,
            Login::Worker => &self.worker,
        }
    }

    pub fn each(&self) -> impl Iterator<Item = (Login, &T)> {
        Login::ALL.into_iter().map(|login| (login, self.get(login)))
    }
}

impl PerLogin<u32> {
    /// Divides `total` connections: half for members' requests, three tenths to
    /// resolve sessions and keys, a tenth each for workers and operators. Each
    /// login gets at least one, so a total below four becomes four.
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
    fn no_login_can_take_the_role_of_another_kind() {
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
