//! The snapshot in which a page is read.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use domain::{Actor, AppError, profile::Profile};
use store::{StoreError, TenantTx};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::Ctx;

/// The one transaction of a request to a page: read-only, one snapshot. Its
/// reading operations run in it one after the other, if the request's [`Ctx`]
/// has it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PageSnapshot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    actor: Actor,
    /// The actor's profile, if it was read in the transaction.
    profile: Option<Profile>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
pub(crate) enum State {
    /// The next read begins it.
    Pending,
    Open(TenantTx),
    /// The page is finished. A read begins a transaction of its own.
    Ended,
}

impl PageSnapshot {
    /// With the transaction that resolved the actor and read the profile, or
    /// `None` to begin one with the first read.
    pub(crate) fn new(actor: Actor, opened: Option<(TenantTx, Profile)>) -> Self {
        let (state, profile) = opened.map_or((State::Pending, None), |(tx, profile)| {
            (State::Open(tx), Some(profile))
        });
        Self(Arc::new(Inner {
            actor,
            profile,
            state: Arc::new(Mutex::new(state)),
        }))
    }

    /// The profile of `actor`, if the snapshot is theirs and has it.
    pub(crate) fn profile_of(&self, actor: &Actor) -> Option<&Profile> {
        let profile = self.0.profile.as_ref();
        profile.filter(|_| self.0.actor == *actor)
    }

    /// The transaction, once nothing else reads in it; `None` for another actor
    /// and after the end.
    async fn lock(&self, ctx: &Ctx, actor: &Actor) -> Result<Option<PageGuard>, StoreError> {
        if self.0.actor != *actor {
            return Ok(None);
        }
        let mut state = self.0.state.clone().lock_owned().await;
        if matches!(*state, State::Pending) {
            *state = State::Open(ctx.store.begin_read(actor).await?);
        }
        Ok(OwnedMutexGuard::try_map(state, State::open_mut).ok())
    }

    /// Ends the transaction, so that the request holds no connection while it
    /// waits for another, or because a statement failed in it. The next read
    /// begins a new one.
    pub(crate) fn pause(&self) {
        // A read that is running keeps it.
        if let Ok(mut state) = self.0.state.try_lock()
            && matches!(*state, State::Open(_))
        {
            *state = State::Pending;
        }
    }

    /// Ends the transaction for good, once the page is rendered. The rollback
    /// is sent in the background.
    pub async fn end(&self) {
        *self.0.state.lock().await = State::Ended;
    }
}

impl State {
    fn open_mut(&mut self) -> Option<&mut TenantTx> {
        match self {
            Self::Open(tx) => Some(tx),
            Self::Pending | Self::Ended => None,
        }
    }
}

type PageGuard = OwnedMappedMutexGuard<State, TenantTx>;

/// The transaction of an operation: its own, or that of the page.
pub(crate) enum OperationTx {
    Own(TenantTx),
    Page(PageGuard),
}

impl OperationTx {
    /// A transaction that changes something.
    pub(crate) async fn begin(ctx: &Ctx, actor: &Actor) -> Result<Self, StoreError> {
        ctx.pause_page();
        Ok(Self::Own(ctx.store.begin(actor).await?))
    }

    /// A transaction that only reads: that of the page, if there is one.
    pub(crate) async fn begin_read(ctx: &Ctx, actor: &Actor) -> Result<Self, StoreError> {
        if let Some(page) = &ctx.page
            && let Some(guard) = page.lock(ctx, actor).await?
        {
            return Ok(Self::Page(guard));
        }
        Ok(Self::Own(ctx.store.begin_read(actor).await?))
    }

    pub(crate) async fn commit(self) -> Result<(), AppError> {
        match self {
            Self::Own(tx) => Ok(tx.commit().await?),
            Self::Page(_) => {
                tracing::error!("a reading operation can't commit the page's transaction");
                Err(AppError::Internal)
            }
        }
    }
}

impl Deref for OperationTx {
    type Target = TenantTx;

    fn deref(&self) -> &TenantTx {
        match self {
            Self::Own(tx) => tx,
            Self::Page(guard) => guard,
        }
    }
}

impl DerefMut for OperationTx {
    fn deref_mut(&mut self) -> &mut TenantTx {
        match self {
            Self::Own(tx) => tx,
            Self::Page(guard) => guard,
        }
    }
}
