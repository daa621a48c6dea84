//! The organisations and people of the demo, in each of its forms.

use clap::ValueEnum;
use domain::access::SystemRole;

/// What `--demo` opens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DemoKind {
    /// A company with three months of history, and an empty organisation beside
    /// it.
    Company,
    /// Organisations without any content.
    Empty,
}

impl DemoKind {
    /// The organisations and people to choose from.
    pub const fn cast(self) -> &'static DemoCast {
        match self {
            Self::Company => &COMPANY,
            Self::Empty => &EMPTY,
        }
    }
}

/// The organisations of a demo and the people that it can sign in as.
#[derive(Debug)]
pub struct DemoCast {
    /// New people join the first.
    pub tenants: &'static [DemoTenant],
    pub people: &'static [DemoPerson],
    /// Second memberships: subject, slug of the other organisation, role there.
    pub elsewhere: &'static [(&'static str, &'static str, SystemRole)],
}

impl DemoCast {
    pub fn person(&self, subject: &str) -> Option<&'static DemoPerson> {
        self.people.iter().find(|person| person.subject == subject)
    }

    /// The people of an organisation.
    pub fn people_of(&self, slug: &str) -> impl Iterator<Item = &'static DemoPerson> {
        self.people
            .iter()
            .filter(move |person| person.tenant == slug)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoTenant {
    pub slug: &'static str,
    pub name: &'static str,
    /// The heading above its people, and a sentence about it.
    pub heading: &'static str,
    pub about: &'static str,
}

/// A person in the demo. Seeding makes each a member of their organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPerson {
    /// The `sub` claim, and the member's identity.
    pub subject: &'static str,
    pub name: &'static str,
    pub email: &'static str,
    /// The slug of their organisation.
    pub tenant: &'static str,
    /// The role with which they are added.
    pub role: SystemRole,
    /// What they are in the end, as shown beside the name.
    pub title: &'static str,
    /// A task to try as this person.
    pub task: &'static str,
}

impl DemoPerson {
    /// The first letters of the first two words of the name.
    pub fn initials(&self) -> String {
        let words = self.name.split_whitespace().take(2);
        words.filter_map(|word| word.chars().next()).collect()
    }
}

macro_rules! people {
    ($($subject:literal $name:literal $email:literal $tenant:literal $role:ident $title:literal $task:literal)*) => {
        &[$(DemoPerson {
            subject: $subject,
            name: $name,
            email: $email,
            tenant: $tenant,
            role: SystemRole::$role,
            title: $title,
            task: $task,
        }),*]
    };
}

const COMPANY: DemoCast = DemoCast {
    tenants: &[
        DemoTenant {
            slug: "northwind",
            name: "Northwind Labs",
            heading: "Northwind Labs",
            about: "Climate control for greenhouses: 17 people, two services and an agent, three months of work.",
        },
        DemoTenant {
            slug: "fjord",
            name: "Fjord Analytics",
            heading: "Fjord Analytics",
            about: "Another organisation on the same installation. Neither can see the other.",
        },
        DemoTenant {
            slug: "start",
            name: "New organisation",
            heading: "Start with an empty organisation",
            about: "Nothing has been written here yet.",
        },
    ],
    people: people! {
        "aiko" "Aiko Tanaka" "aiko@northwind.example" "northwind" Member "Member"
            "Ask who has to approve an expensive purchase."
        "mira" "Mira Okafor" "mira@northwind.example" "northwind" Owner "Owner"
            "See who can do what, and decide the proposals that wait."
        "jonas" "Jonas Weber" "jonas@northwind.example" "northwind" Admin "Admin"
            "Find the key that expired, and map a directory group to a team."
        "tom" "Tom Reyes" "tom@northwind.example" "northwind" Viewer "Viewer"
            "Read what is shared, and try to change it."
        "ines" "Ines Villar" "ines@northwind.example" "northwind" Billing "Billing"
            "See how little somebody sees who only pays. Belongs to both organisations."
        "sam" "Sam Lind" "sam@northwind.example" "northwind" Viewer "Auditor"
            "Find out who read Aiko’s private memories, and why."
        "kay" "Kay Moreau" "kay@northwind.example" "northwind" Admin "Admin, operator"
            "Suspend another organisation of this installation."
        "astrid" "Astrid Berg" "astrid@fjord.example" "fjord" Owner "Owner"
            "Look for anything of Northwind Labs."
        "robin" "Robin Hart" "robin@start.example" "start" Owner "Owner"
            "Set everything up yourself, beginning with the first memory."
    },
    elsewhere: &[("ines", "fjord", SystemRole::Billing)],
};

const EMPTY: DemoCast = DemoCast {
    tenants: &[
        DemoTenant {
            slug: "demo",
            name: "Demo organisation",
            heading: "Demo organisation",
            about: "Nothing has been written here yet.",
        },
        DemoTenant {
            slug: "other",
            name: "Other organisation",
            heading: "Other organisation",
            about: "Another organisation on the same installation. Neither can see the other.",
        },
    ],
    people: people! {
        "member" "Demo member" "member@demo.example" "demo" Member "Member"
            "Writes, imports and searches memories."
        "owner" "Demo owner" "owner@demo.example" "demo" Owner "Owner"
            "Has every permission, the audit log included."
        "admin" "Demo admin" "admin@demo.example" "demo" Admin "Admin"
            "Manages the organisation and reads the audit log."
        "viewer" "Demo viewer" "viewer@demo.example" "demo" Viewer "Viewer"
            "Reads shared memories."
        "billing" "Demo billing" "billing@demo.example" "demo" Billing "Billing"
            "Views usage and cost, no memories. Belongs to both organisations."
        "other-owner" "Other owner" "other-owner@other.example" "other" Owner "Owner"
            "Belongs to another organisation and can't view the first."
    },
    elsewhere: &[("billing", "other", SystemRole::Billing)],
};
