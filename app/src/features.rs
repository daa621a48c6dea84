//! The lists to which a feature adds itself: the features, and the navigation.

use crate::{
    api_key, audit, break_glass, connect, embedding_model,
    feature::Feature,
    frame::{Group, NavItem},
    group_mapping, import, invite, isolation, member, memory, notification, operator, organisation,
    overview, persona, preferences, profile, proposal, reference, role, settings, team,
};

/// The first page that matches a path is shown, so features with pages below
/// `/memories` come before the memory with the id in that place.
pub(crate) const FEATURES: &[Feature] = &[
    overview::FEATURE,
    import::FEATURE,
    proposal::FEATURE,
    persona::FEATURE,
    memory::FEATURE,
    member::FEATURE,
    break_glass::FEATURE,
    invite::FEATURE,
    team::FEATURE,
    role::FEATURE,
    group_mapping::FEATURE,
    api_key::FEATURE,
    connect::FEATURE,
    settings::FEATURE,
    embedding_model::FEATURE,
    audit::FEATURE,
    isolation::FEATURE,
    operator::FEATURE,
    organisation::FEATURE,
    reference::FEATURE,
    notification::FEATURE,
    preferences::FEATURE,
    profile::FEATURE,
];

/// Groups of the navigation, from a member's own pages to the installation's.
pub(crate) const NAVIGATION: &[Group] = &[
    Group {
        name: "Personal",
        places: &[
            overview::NAV,
            memory::NAV,
            proposal::NAV,
            import::NAV,
            api_key::NAV,
            connect::NAV,
        ],
    },
    Group {
        name: "Organisation",
        places: &[
            member::NAV,
            invite::NAV,
            team::NAV,
            role::NAV,
            group_mapping::NAV,
            settings::NAV,
        ],
    },
    Group {
        name: "Security",
        places: &[audit::NAV, isolation::NAV],
    },
    Group {
        name: "Platform",
        places: &[operator::NAV],
    },
];

/// The member's own items, at the foot of the navigation.
pub(crate) const FOOT: &[NavItem] = &[notification::NAV, profile::NAV];
