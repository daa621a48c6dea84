//! Operations: what a member can do or read, declared once and offered by
//! every door (pages, REST, MCP).
//!
//! [`call`] is the only way to run one. The driver authorises, opens the
//! transaction, runs the operation, writes the audit row and commits.
//! REST routes, the OpenAPI document and the tests that try every operation
//! are made from [`visit_operations`](crate::visit_operations).

use std::future::Future;

use domain::{Action, Actor, AppError, Permission, action::Effect};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// Declares a feature's operations, in the order of the API reference.
macro_rules! operations {
    ($($operation:ty),* $(,)?) => {
        $(impl $crate::operation::Listed for $operation {})*

        pub(crate) fn visit_operations(visitor: &mut impl $crate::operation::OperationVisitor) {
            $(visitor.visit::<$operation>();)*
        }
    };
}
pub(crate) use operations;

/// Implemented by `operations!`, so that an operation that is in no list does
/// not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not offered by any door",
    label = "add it to `operations!` of its feature"
)]
pub trait Listed {}

/// One operation. Its input is what every door parses, its output what every
/// door sends.
pub trait Operation: Listed + Send + 'static {
    /// Names it in the audit log and decides which permission it needs.
    const ACTION: Action;
    /// A wider permission that allows it as well.
    const OR_PERMISSION: Option<Permission> = None;
    const ROUTE: Route;
    const GROUP: Group;
    /// A verb phrase, e.g. "Create a team".
    const TITLE: &'static str;
    /// Text that completes the title; may be empty.
    const DESCRIPTION: &'static str = "";
    /// Set if MCP offers it.
    const MCP: Option<McpTool> = None;
    /// Set by a read that tries changes and rolls them back, which a read-only
    /// transaction would refuse.
    const TRIES_CHANGES: bool = false;
    /// Path parameters are fields of it.
    type Input: DeserializeOwned + JsonSchema + Send + 'static;
    type Output: Serialize + JsonSchema + Send + 'static;

    /// The action that `input` asks for, if it decides; it needs the permission
    /// of [`Operation::ACTION`].
    fn action(actor: &Actor, input: &Self::Input) -> Action {
        let _ = (actor, input);
        Self::ACTION
    }

    /// True for an output of work that waits for a review, which REST answers
    /// with 202. Its route says that there are such.
    fn is_pending(_: &Self::Output) -> bool {
        false
    }

    /// Parses the input and does the work in the caller's transaction, which
    /// the driver commits.
    fn run(
        tx: &mut AuthorizedTx<'_>,
        input: Self::Input,
    ) -> impl Future<Output = Result<Done<Self::Output>, AppError>> + Send;

    /// Work that must not happen before the commit, e.g. sending a mail. The
    /// operation has succeeded, whatever becomes of it.
    fn after_commit(
        ctx: &Ctx,
        actor: &Actor,
        output: Self::Output,
    ) -> impl Future<Output = Self::Output> + Send {
        let _ = (ctx, actor);
        std::future::ready(output)
    }
}

/// The part of an operation that doors use. Every [`Operation`] is one. An act that doesn't
/// fit the driver implements it by itself and says why: it authorises, audits
/// and commits on its own.
pub trait Endpoint: Listed + Send + 'static {
    const ACTION: Action;
    const OR_PERMISSION: Option<Permission> = None;
    const ROUTE: Route;
    const GROUP: Group;
    const TITLE: &'static str;
    const DESCRIPTION: &'static str = "";
    const MCP: Option<McpTool> = None;
    type Input: DeserializeOwned + JsonSchema + Send + 'static;
    type Output: Serialize + JsonSchema + Send + 'static;

    /// As [`Operation::is_pending`].
    fn is_pending(_: &Self::Output) -> bool {
        false
    }

    fn call(
        ctx: &Ctx,
        actor: &Actor,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, AppError>> + Send;
}

impl<O: Operation> Endpoint for O {
    const ACTION: Action = O::ACTION;
    const OR_PERMISSION: Option<Permission> = O::OR_PERMISSION;
    const ROUTE: Route = O::ROUTE;
    const GROUP: Group = O::GROUP;
    const TITLE: &'static str = O::TITLE;
    const DESCRIPTION: &'static str = O::DESCRIPTION;
    const MCP: Option<McpTool> = O::MCP;
    type Input = O::Input;
    type Output = O::Output;

    fn is_pending(output: &O::Output) -> bool {
        <O as Operation>::is_pending(output)
    }

    async fn call(ctx: &Ctx, actor: &Actor, input: O::Input) -> Result<O::Output, AppError> {
        drive::<O>(ctx, actor, input).await
    }
}

/// The tool by which MCP offers an operation to a model.
#[derive(Clone, Copy, Debug)]
pub struct McpTool {
    pub name: &'static str,
    pub description: &'static str,
}

/// The result of an operation and what it was about.
pub struct Done<T> {
    output: T,
    target: Option<AuditTarget>,
}

impl<T> Done<T> {
    /// A read, which is audited only if denied.
    pub(crate) const fn read(output: T) -> Self {
        Self {
            output,
            target: None,
        }
    }

    /// A change of `target`, or a read that is always audited.
    pub(crate) const fn audited(output: T, target: AuditTarget) -> Self {
        Self {
            output,
            target: Some(target),
        }
    }
}

/// The headings of the API reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Account,
    Memories,
    Sharing,
    Imports,
    Members,
    Organisation,
    Audit,
    ApiKeys,
}

impl Group {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::Memories => "Memories",
            Self::Sharing => "Sharing",
            Self::Imports => "Imports",
            Self::Members => "Members, roles and teams",
            Self::Organisation => "Organisation",
            Self::Audit => "Audit log",
            Self::ApiKeys => "API keys",
        }
    }
}

/// The HTTP method, path below `/api/v1` and status of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// With parameters in braces: `/teams/{id}`.
    pub path: &'static str,
    pub status: u16,
    /// It may also be 202, for work that waits for a review.
    pub may_be_pending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Route {
    pub(crate) const fn new(method: Method, path: &'static str, status: u16) -> Self {
        Self {
            method,
            path,
            status,
            may_be_pending: false,
        }
    }

    /// Also 202 with the output, for work that waits for a review.
    #[must_use]
    pub const fn or_pending(self) -> Self {
        Self {
            may_be_pending: true,
            ..self
        }
    }

    /// 200 with the output.
    pub const fn get(path: &'static str) -> Self {
        Self::new(Method::Get, path, 200)
    }

    /// 201 with the output, which has the `id` of what was created.
    pub const fn create(path: &'static str) -> Self {
        Self::new(Method::Post, path, 201)
    }

    /// 200 with the output.
    pub const fn post(path: &'static str) -> Self {
        Self::new(Method::Post, path, 200)
    }

    /// 204, for an act without an output.
    pub const fn act(path: &'static str) -> Self {
        Self::new(Method::Post, path, 204)
    }

    /// 200 with the output.
    pub const fn patch(path: &'static str) -> Self {
        Self::new(Method::Patch, path, 200)
    }

    /// 204.
    pub const fn put(path: &'static str) -> Self {
        Self::new(Method::Put, path, 204)
    }

    /// 204.
    pub const fn delete(path: &'static str) -> Self {
        Self::new(Method::Delete, path, 204)
    }

    /// The names of the path's parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// Refuses an actor who may not run the operation, for a door that has yet to
/// read the input: a caller without the permission learns nothing else. A
/// denial is audited.
pub async fn authorize_endpoint<E: Endpoint>(ctx: &Ctx, actor: &Actor) -> Result<(), AppError> {
    AuthorizedTx::authorize_permission(ctx, actor, E::ACTION, needed::<E>(actor)).await
}

/// The permission to check: the wider one if the actor has it.
pub(crate) fn needed<E: Endpoint>(actor: &Actor) -> Permission {
    E::OR_PERMISSION
        .filter(|permission| actor.permissions.contains(permission))
        .unwrap_or_else(|| E::ACTION.permission())
}

/// Runs an operation as `actor`.
///
/// # Errors
/// [`AppError::Forbidden`] for a missing permission, which is audited;
/// otherwise the operation's own.
pub async fn call<E: Endpoint>(
    ctx: &Ctx,
    actor: &Actor,
    input: E::Input,
) -> Result<E::Output, AppError> {
    E::call(ctx, actor, input).await
}

/// Authorises, opens the transaction, runs the operation, writes the audit row
/// and commits.
async fn drive<O: Operation>(
    ctx: &Ctx,
    actor: &Actor,
    input: <O as Operation>::Input,
) -> Result<<O as Operation>::Output, AppError> {
    let action = O::action(actor, &input);
    let permission = needed::<O>(actor);
    let mut tx = if O::TRIES_CHANGES {
        AuthorizedTx::begin_trial(ctx, actor, action, permission).await?
    } else {
        AuthorizedTx::begin_with_permission(ctx, actor, action, permission).await?
    };
    match O::run(&mut tx, input).await {
        Ok(Done {
            output,
            target: Some(target),
        }) => {
            tx.commit(target).await?;
            Ok(O::after_commit(ctx, actor, output).await)
        }
        Ok(Done {
            output,
            target: None,
        }) if action.effect() == Effect::Read => Ok(output),
        Ok(_) => {
            tracing::error!(action = action.key(), "an operation named no audit target");
            Err(AppError::Internal)
        }
        Err(AppError::Forbidden { permission }) => Err(tx.into_denial(permission).await),
        Err(AppError::NotFound) => Err(AppError::NotFound),
        Err(error) => {
            drop(tx);
            // A failed statement would fail all later ones of the page.
            ctx.pause_page();
            Err(error)
        }
    }
}

/// Something that is done with each operation's type.
pub trait OperationVisitor {
    fn visit<E: Endpoint>(&mut self);
}
