//! Results of the isolation test, which tries to access one organisation's rows
//! from another.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One kind of cross-tenant access attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    Read,
    /// Read rows with no tenant set in the session.
    ReadUnset,
    Change,
    Delete,
    Add,
}

impl Probe {
    /// In the order in which they are tried.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::ReadUnset,
        Self::Change,
        Self::Delete,
        Self::Add,
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProbeResult {
    /// The runtime role lacks the privilege for this table.
    NoPrivilege,
    /// A row security policy rejected the row.
    Refused,
    /// No row was visible.
    Nothing,
    /// There was no row to try.
    Untried,
    /// A row was accessed: isolation is broken.
    Row,
}

/// The results of all probes on one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TableIsolation {
    pub table: String,
    /// Row security is enabled and forced on the table and all its partitions.
    pub row_security: bool,
    /// Positive control: the test organisation sees its own rows.
    pub sees_own: bool,
    /// In the order of [`Probe::ALL`].
    pub reached: [ProbeResult; Probe::ALL.len()],
}

impl TableIsolation {
    /// True if row security is on and no probe accessed a row.
    pub fn holds(&self) -> bool {
        self.row_security && !self.reached.contains(&ProbeResult::Row)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IsolationReport {
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub at: Timestamp,
    /// The database login that requests use.
    pub login: String,
    /// The way in which that login could bypass row security, if any.
    pub login_problem: Option<String>,
    /// Every table with tenants' rows, by name.
    pub tables: Vec<TableIsolation>,
}

impl IsolationReport {
    /// True if all tables hold and the login can't bypass row security.
    pub fn holds(&self) -> bool {
        self.login_problem.is_none() && self.tables.iter().all(TableIsolation::holds)
    }

    /// The number of probes that were tried.
    pub fn attempts(&self) -> usize {
        let count_tried = |table: &TableIsolation| {
            let reached = table.reached.iter();
            reached
                .filter(|reached| **reached != ProbeResult::Untried)
                .count()
        };
        self.tables.iter().map(count_tried).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_accessed_row_or_open_table_fails_the_report() {
        let table = TableIsolation {
            table: "users".into(),
            row_security: true,
            sees_own: true,
            reached: [ProbeResult::Nothing; 5],
        };
        let report = IsolationReport {
            at: Timestamp::UNIX_EPOCH,
            login: "atrium_runtime".into(),
            login_problem: None,
            tables: vec![table.clone()],
        };
        assert!(report.holds());
        assert_eq!(report.attempts(), 5);
        let report_with = |table| IsolationReport {
            tables: vec![table],
            ..report.clone()
        };
        let mut open = table.clone();
        open.row_security = false;
        assert!(!report_with(open).holds());
        let mut reached = table;
        reached.reached[2] = ProbeResult::Row;
        assert!(!report_with(reached).holds());
        let powerful = IsolationReport {
            login_problem: Some("is a superuser".into()),
            ..report
        };
        assert!(!powerful.holds());
    }
}
