//! What the database answers when one organisation reaches for the rows of
//! another.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A way to reach for rows that are not one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Read rows of any other organisation.
    Read,
    /// Read rows while no organisation is set.
    ReadUnset,
    /// Change rows of another organisation.
    Change,
    /// Delete rows of another organisation.
    Delete,
    /// Add a row to another organisation.
    Add,
}

impl Probe {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::ReadUnset,
        Self::Change,
        Self::Delete,
        Self::Add,
    ];
}

/// What came of reaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeResult {
    /// The runtime role may not do that to this table at all.
    NoPrivilege,
    /// A policy refused the row.
    Refused,
    /// No row was in sight.
    Nothing,
    /// There was no row to reach for.
    Untried,
    /// A row was reached: the wall is broken.
    Row,
}

/// One table and what came of each [`Probe`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableIsolation {
    /// The table's name.
    pub table: String,
    /// Row security is enabled and forced on it and on all its partitions.
    pub row_security: bool,
    /// The positive control: the made-up organisation sees rows of its own.
    pub sees_own: bool,
    /// In the order of [`Probe::ALL`].
    pub reached: [ProbeResult; Probe::ALL.len()],
}

impl TableIsolation {
    /// Whether the wall around this table stands.
    pub fn holds(&self) -> bool {
        self.row_security && !self.reached.contains(&ProbeResult::Row)
    }
}

/// The outcome of all probes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IsolationReport {
    /// When they ran.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
    /// The database login that requests use.
    pub login: String,
    /// In which way that login could pass row security, if any.
    pub login_problem: Option<String>,
    /// Every table that holds organisations' rows, by name.
    pub tables: Vec<TableIsolation>,
}

impl IsolationReport {
    /// Whether every wall stands.
    pub fn holds(&self) -> bool {
        self.login_problem.is_none() && self.tables.iter().all(TableIsolation::holds)
    }

    /// How many attempts were made on rows that exist or could.
    pub fn attempts(&self) -> usize {
        let tried = |table: &TableIsolation| {
            let reached = table.reached.iter();
            reached
                .filter(|reached| **reached != ProbeResult::Untried)
                .count()
        };
        self.tables.iter().map(tried).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_or_one_open_table_breaks_the_wall() {
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
        let with = |table| IsolationReport {
            tables: vec![table],
            ..report.clone()
        };
        let mut open = table.clone();
        open.row_security = false;
        assert!(!with(open).holds());
        let mut reached = table;
        reached.reached[2] = ProbeResult::Row;
        assert!(!with(reached).holds());
        let powerful = IsolationReport {
            login_problem: Some("is a superuser".into()),
            ..report
        };
        assert!(!powerful.holds());
    }
}
