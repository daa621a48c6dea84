//! Every action is offered by an operation, or is listed here with the reason.

use std::collections::BTreeSet;

use domain::Action;
use service::{Endpoint, OperationVisitor, visit_operations};

/// Ends sessions, which the auth login's role does in the same transaction.
const ENDS_SESSIONS: &[Action] = &[
    Action::MemberSuspend,
    Action::MemberDeactivate,
    Action::MemberReactivate,
    Action::MemberOffboard,
    Action::MemberSessionRevoke,
    Action::SessionRevoke,
];

/// An act of an operator, in the transaction of another role.
const OF_OPERATORS: &[Action] = &[
    Action::TenantList,
    Action::TenantCreate,
    Action::TenantSuspend,
    Action::TenantResume,
    Action::TenantDelete,
    Action::TenantTierSet,
];

/// A stream, an upload, a download, or the body of a job.
const STREAMS: &[Action] = &[
    Action::EventStream,
    Action::MemoryExport,
    Action::ImportStart,
    Action::ImportApply,
];

/// Decided by the input of an operation: a memory that is a reply, a share that
/// needs a review.
const BY_INPUT: &[Action] = &[Action::MemoryReply, Action::ProposalCreate];

/// Still plain functions.
const TO_BE_CONVERTED: &[Action] = &[
    Action::BreakGlassOpen,
    Action::BreakGlassClose,
    Action::BreakGlassList,
    Action::BreakGlassRead,
];

#[derive(Default)]
struct Actions(BTreeSet<Action>);

impl OperationVisitor for Actions {
    fn visit<E: Endpoint>(&mut self) {
        self.0.insert(E::ACTION);
    }
}

#[test]
fn every_action_is_an_operation_or_listed_with_its_reason() {
    let mut offered = Actions::default();
    visit_operations(&mut offered);
    let plain: Vec<_> = [
        ENDS_SESSIONS,
        OF_OPERATORS,
        STREAMS,
        BY_INPUT,
        TO_BE_CONVERTED,
    ]
    .concat();
    for action in Action::ALL {
        let is_listed = plain.contains(action);
        assert_ne!(offered.0.contains(action), is_listed, "{}", action.key());
    }
    assert_eq!(plain.iter().collect::<BTreeSet<_>>().len(), plain.len());
}
