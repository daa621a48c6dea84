//! Every action is offered by an operation, or is listed here with the reason.

use std::collections::BTreeSet;

use domain::Action;
use service::{Endpoint, OperationVisitor, visit_operations};

/// A member's own browser sessions, which an API key doesn't have.
const OF_BROWSERS: &[Action] = &[Action::SessionRevoke];

/// Actions that need a permission no key can hold: break-glass needs a browser,
/// and an operator's scripts use the command line.
const NOT_FOR_KEYS: &[Action] = &[
    Action::BreakGlassOpen,
    Action::BreakGlassClose,
    Action::BreakGlassList,
    Action::BreakGlassRead,
    Action::TenantList,
    Action::TenantCreate,
    Action::TenantSuspend,
    Action::TenantResume,
    Action::TenantDelete,
    Action::TenantTierSet,
];

/// Streams, uploads, downloads and bodies of jobs.
const STREAMS: &[Action] = &[
    Action::EventStream,
    Action::MemoryExport,
    Action::ImportStart,
    Action::ImportApply,
];

/// Actions that the input of an operation decides: a memory that is a reply, a
/// share that needs a review.
const BY_INPUT: &[Action] = &[Action::MemoryReply, Action::ProposalCreate];

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
    let plain: Vec<_> = [OF_BROWSERS, NOT_FOR_KEYS, STREAMS, BY_INPUT].concat();
    for action in Action::ALL {
        let is_listed = plain.contains(action);
        assert_ne!(offered.0.contains(action), is_listed, "{}", action.key());
    }
    assert_eq!(plain.iter().collect::<BTreeSet<_>>().len(), plain.len());
}

#[test]
fn actions_not_for_keys_need_a_permission_that_no_key_can_hold() {
    for action in NOT_FOR_KEYS {
        let permission = action.permission();
        assert!(
            permission.is_entrusted() || !permission.is_for_roles(),
            "{}",
            action.key()
        );
    }
}
