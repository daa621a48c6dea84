//! A configured issuer with its metadata and keys, fetched on first use and
//! cached (SEC-A7).

use std::sync::{Arc, PoisonError, RwLock};

use domain::Timestamp;
use openidconnect::{
    AdditionalProviderMetadata, AuthType, ClientId, ClientSecret, EndSessionUrl, IssuerUrl,
    ProviderMetadata, RedirectUrl,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    },
    http::{Method, Request, StatusCode, header},
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use service::Clock;
use tokio::sync::Mutex;
use url::Url;
use uuid::Uuid;

use super::{
    keys::KeySet,
    settings::{AuthSettingsError, DIRECTORY, IssuerKind, OidcSettings, PRIMARY},
    token::RelyingParty,
    transport::Transport,
};
use crate::http::{Site, is_loopback};

/// The time for which metadata and keys are cached.
const CACHE_LIFETIME: time::Duration = time::Duration::hours(24);
/// Minimum interval between fetches of the keys because of an unknown key.
const REFETCH_INTERVAL: time::Duration = time::Duration::minutes(5);
/// Delay after a failed renewal, during which the last good metadata is used.
const RETRY_INTERVAL: time::Duration = time::Duration::minutes(1);

/// Discovery metadata beyond the fields of `openidconnect`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ExtraMetadata {
    end_session_endpoint: Option<EndSessionUrl>,
    /// RFC 9207.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for ExtraMetadata {}

type Metadata = ProviderMetadata<
    ExtraMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The reason why the issuer can't be used now.
#[derive(Debug, thiserror::Error)]
pub(super) enum IssuerError {
    #[error("the issuer can't be reached: {0}")]
    Unreachable(String),
    #[error("the issuer's discovery document can't be used: {0}")]
    Unusable(String),
}

/// The error with its sources: reqwest says "error sending request" and has the
/// reason in the chain.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The issuer's metadata in the form that signing in uses.
#[derive(Debug)]
pub(super) struct Provider {
    /// As in the discovery document: a pattern for Entra with all directories.
    pub issuer: IssuerUrl,
    pub relying_party: RelyingParty,
    /// Of ES256 and PS256, those that the issuer supports.
    pub algorithms: Vec<CoreJwsSigningAlgorithm>,
    pub end_session: Option<EndSessionUrl>,
    /// RFC 9207: responses always carry `iss`.
    pub sends_iss: bool,
    jwks_uri: Url,
    fetched_at: Timestamp,
}

impl Provider {
    /// The `iss` that a token of this directory must have (SEC-A3); `None` if a
    /// directory is required and missing.
    pub(super) fn issuer_for(&self, directory: Option<Uuid>) -> Option<IssuerUrl> {
        if !self.issuer.contains(DIRECTORY) {
            return Some(self.issuer.clone());
        }
        let issuer = self.issuer.replace(DIRECTORY, &directory?.to_string());
        IssuerUrl::new(issuer).ok()
    }
}

#[derive(Debug)]
struct CachedKeys {
    set: Arc<KeySet>,
    fetched_at: Timestamp,
}

#[derive(Debug, Default)]
struct IssuerCache {
    provider: Option<Arc<Provider>>,
    keys: Option<CachedKeys>,
    renewal_failed_at: Option<Timestamp>,
    refetched_at: RefetchTimes,
}

/// Time of the last fetch because of an unknown key. Sign-ins and logout
/// messages have a limit each: anybody can send a logout message with an
/// unknown key, which must not block the fetch for the next sign-in after a key
/// rotation.
#[derive(Debug, Default)]
struct RefetchTimes {
    by_sign_in: Option<Timestamp>,
    by_logout: Option<Timestamp>,
}

/// The redirect path of the issuer with this name. Each has its own, so that
/// one can't answer for another (RFC 9700, section 4.4).
pub(super) fn callback_path(name: &str) -> String {
    if name == PRIMARY {
        "/auth/callback".to_owned()
    } else {
        format!("/auth/callback/{name}")
    }
}

/// One per configured issuer; shared by all requests.
#[derive(Debug)]
pub(super) struct Issuer {
    settings: OidcSettings,
    client_id: ClientId,
    redirect: RedirectUrl,
    transport: Transport,
    clock: Clock,
    cache: RwLock<IssuerCache>,
    /// Held while fetching, so that concurrent sign-ins fetch once.
    fetch_lock: Mutex<()>,
}

impl Issuer {
    pub(super) fn new(
        settings: OidcSettings,
        site: &Site,
        clock: Clock,
    ) -> Result<Self, AuthSettingsError> {
        settings.check()?;
        let is_local = Url::parse(&settings.issuer).is_ok_and(|url| is_loopback(&url));
        let transport = Transport::new(is_local).map_err(|error| {
            AuthSettingsError::new(format!(
                "The TLS client can't be set up: {}",
                with_causes(&error)
            ))
        })?;
        Ok(Self {
            client_id: ClientId::new(settings.client_id.clone()),
            redirect: RedirectUrl::from_url(site.at(&callback_path(&settings.name))),
            settings,
            transport,
            clock,
            cache: RwLock::default(),
            fetch_lock: Mutex::new(()),
        })
    }

    pub(super) fn settings(&self) -> &OidcSettings {
        &self.settings
    }

    pub(super) fn is_entra(&self) -> bool {
        self.settings.kind == IssuerKind::Entra
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> Option<String> {
        let url = Url::parse(&self.settings.issuer).ok()?;
        Some(url.origin().ascii_serialization())
    }

    pub(super) fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The metadata, fetched unless cached. During an outage the last good one
    /// is used.
    pub(super) async fn provider(&self) -> Result<Arc<Provider>, IssuerError> {
        if let Some(provider) = self.fresh_provider() {
            return Ok(provider);
        }
        let _guard = self.fetch_lock.lock().await;
        if let Some(provider) = self.fresh_provider() {
            return Ok(provider);
        }
        let now = self.clock.now();
        match self.discover(now).await {
            Ok((provider, keys)) => {
                let provider = Arc::new(provider);
                self.write(|cache| {
                    cache.provider = Some(provider.clone());
                    cache.keys = Some(CachedKeys {
                        set: Arc::new(keys),
                        fetched_at: now,
                    });
                    cache.renewal_failed_at = None;
                });
                Ok(provider)
            }
            Err(error) => {
                tracing::warn!(issuer = self.settings.issuer, %error, "discovery failed");
                self.write(|cache| {
                    cache.renewal_failed_at = Some(now);
                    cache.provider.clone()
                })
                .ok_or(error)
            }
        }
    }

    /// The issuer's keys, at most a day old unless it is unreachable.
    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, IssuerError> {
        // Discovery also fetches the keys, so both have the same age.
        self.provider().await?;
        self.read(|cache| cache.keys.as_ref().map(|keys| keys.set.clone()))
            .ok_or_else(|| IssuerError::Unusable("it has no keys".to_owned()))
    }

    /// Newer keys than `seen`, for a token with an unknown key. Fetched at most
    /// once in five minutes, by one request for all (SEC-A7).
    pub(super) async fn newer_keys(
        &self,
        provider: &Provider,
        seen: &Arc<KeySet>,
    ) -> Option<Arc<KeySet>> {
        self.newer_keys_by(provider, seen, |cache| &mut cache.by_sign_in)
            .await
    }

    /// As [`Issuer::newer_keys`], for a logout message.
    pub(super) async fn newer_keys_for_logout(
        &self,
        provider: &Provider,
        seen: &Arc<KeySet>,
    ) -> Option<Arc<KeySet>> {
        self.newer_keys_by(provider, seen, |cache| &mut cache.by_logout)
            .await
    }

    async fn newer_keys_by(
        &self,
        provider: &Provider,
        seen: &Arc<KeySet>,
        last_fetch_of: fn(&mut RefetchTimes) -> &mut Option<Timestamp>,
    ) -> Option<Arc<KeySet>> {
        let _guard = self.fetch_lock.lock().await;
        let current = self.read(|cache| cache.keys.as_ref().map(|keys| keys.set.clone()))?;
        if !Arc::ptr_eq(&current, seen) {
            return Some(current);
        }
        let now = self.clock.now();
        let may_refetch = self.write(|cache| {
            let last_fetch = last_fetch_of(&mut cache.refetched_at);
            let may_refetch =
                last_fetch.is_none_or(|last_fetch| now - last_fetch >= REFETCH_INTERVAL);
            if may_refetch {
                *last_fetch = Some(now);
            }
            may_refetch
        });
        if !may_refetch {
            return None;
        }
        match self.fetch_keys(&provider.jwks_uri).await {
            Ok(set) => {
                let set = Arc::new(set);
                self.write(|cache| {
                    cache.keys = Some(CachedKeys {
                        set: set.clone(),
                        fetched_at: now,
                    });
                });
                Some(set)
            }
            Err(error) => {
                tracing::warn!(issuer = self.settings.issuer, %error, "keys can't be fetched");
                None
            }
        }
    }

    fn fresh_provider(&self) -> Option<Arc<Provider>> {
        let now = self.clock.now();
        self.read(|cache| {
            let provider = cache.provider.as_ref()?;
            let keys_at = cache
                .keys
                .as_ref()
                .map_or(provider.fetched_at, |keys| keys.fetched_at);
            let is_fresh =
                now - provider.fetched_at < CACHE_LIFETIME && now - keys_at < CACHE_LIFETIME;
            let is_backing_off = cache
                .renewal_failed_at
                .is_some_and(|failed| now - failed < RETRY_INTERVAL);
            (is_fresh || is_backing_off).then(|| provider.clone())
        })
    }

    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, IssuerError> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(url.as_str())
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|error| IssuerError::Unusable(error.to_string()))?;
        let response = self
            .transport
            .send(request)
            .await
            .map_err(|error| IssuerError::Unreachable(with_causes(&error)))?;
        match response.status() {
            StatusCode::OK => Ok(response.into_body()),
            status if status.is_server_error() => {
                Err(IssuerError::Unreachable(format!("it answers {status}")))
            }
            status => Err(IssuerError::Unusable(format!("{url} answers {status}"))),
        }
    }

    async fn fetch_keys(&self, url: &Url) -> Result<KeySet, IssuerError> {
        KeySet::parse(&self.fetch(url).await?)
            .map_err(|error| IssuerError::Unusable(format!("its keys: {error}")))
    }

    async fn discover(&self, now: Timestamp) -> Result<(Provider, KeySet), IssuerError> {
        let unusable = |why: String| IssuerError::Unusable(why);
        let root = self.settings.issuer.trim_end_matches('/');
        let url = Url::parse(&format!("{root}/.well-known/openid-configuration"))
            .map_err(|error| unusable(error.to_string()))?;
        let metadata: Metadata = serde_json::from_slice(&self.fetch(&url).await?)
            .map_err(|error| unusable(error.to_string()))?;
        let issuer = metadata.issuer().clone();
        // The document must not be of another issuer.
        if *issuer != self.settings.issuer_pattern() {
            return Err(unusable(format!("it is in the name of {}", *issuer)));
        }
        self.reject_downgrade(&metadata)?;

        let advertised = metadata.id_token_signing_alg_values_supported();
        let algorithms = [
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        ]
        .into_iter()
        .filter(|algorithm| advertised.contains(algorithm))
        .collect();
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        // Basic is OAuth's default; some issuers accept only the request body.
        let takes_basic = metadata
            .token_endpoint_auth_methods_supported()
            .is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let auth_type = if takes_basic {
            AuthType::BasicAuth
        } else {
            AuthType::RequestBody
        };
        let jwks_uri = metadata.jwks_uri().url().clone();
        let keys = self.fetch_keys(&jwks_uri).await?;
        let extra = metadata.additional_metadata().clone();
        let relying_party =
            RelyingParty::from_provider_metadata(metadata, self.client_id.clone(), secret)
                .set_auth_type(auth_type)
                .set_redirect_uri(self.redirect.clone());
        let provider = Provider {
            issuer,
            relying_party,
            algorithms,
            end_session: extra.end_session_endpoint,
            sends_iss: extra.authorization_response_iss_parameter_supported,
            jwks_uri,
            fetched_at: now,
        };
        Ok((provider, keys))
    }

    /// Fails if an https issuer names an endpoint with plain http.
    fn reject_downgrade(&self, metadata: &Metadata) -> Result<(), IssuerError> {
        let Some(token_endpoint) = metadata.token_endpoint() else {
            return Err(IssuerError::Unusable("it has no token endpoint".to_owned()));
        };
        let mut endpoints = vec![
            metadata.authorization_endpoint().url(),
            token_endpoint.url(),
            metadata.jwks_uri().url(),
        ];
        endpoints.extend(
            metadata
                .additional_metadata()
                .end_session_endpoint
                .as_ref()
                .map(EndSessionUrl::url),
        );
        let allowed = if self.settings.issuer.starts_with("https:") {
            &["https"][..]
        } else {
            &["https", "http"]
        };
        match endpoints
            .iter()
            .find(|url| !allowed.contains(&url.scheme()))
        {
            Some(url) => Err(IssuerError::Unusable(format!("{url} is not https"))),
            None => Ok(()),
        }
    }

    fn read<T>(&self, look: impl FnOnce(&IssuerCache) -> T) -> T {
        look(&self.cache.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut IssuerCache) -> T) -> T {
        change(&mut self.cache.write().unwrap_or_else(PoisonError::into_inner))
    }
}
