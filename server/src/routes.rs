//! All routes and the order of their layers.
//!
//! From the outside in: request id, headers and limits around everything;
//! session, member and origin check around what members use; handling of the
//! pages' plain form posts around the pages.

use std::{sync::Arc, time::Duration};

use app::{App, AppInfo, LoginOption, shell, with_page_posts};
use axum::{
    Router,
    extract::Request,
    http::request::Parts,
    middleware::{from_fn, from_fn_with_state},
    response::IntoResponse,
    routing::{get, post},
};
use domain::{
    Actor,
    import::{MAX_FILE_BYTES, UploadProblem},
};
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::{LeptosRoutes, generate_route_list, handle_server_fns_with_context};
use service::{Ctx, PageSnapshot};

use crate::{
    assets::Bundle,
    auth::{Auth, OidcSettings, demo::DemoIssuer},
    boot,
    config::Config,
    download,
    failure::Failure,
    health::{self, Readiness},
    http::{HttpSettings, LargerBody, MemberLimit, is_read, member_rate_layer, protect},
    list_download,
    live::{self, Streams},
    mcp, rest, upload,
};

/// Maximum size of a request's body in bytes, except uploads: the largest
/// memory with every byte percent-encoded, and its other fields.
const BODY_BYTES: u64 = 512 * 1024;

/// Builds the server's router.
///
/// # Errors
/// For settings with which sign-in would be unsafe.
pub fn router(
    config: &Config,
    ctx: &Ctx,
    bundle: &Bundle,
    readiness: Readiness,
    demo: Option<&DemoIssuer>,
) -> Result<Router, Failure> {
    let site = boot::site(config)?;
    let settings = boot::auth_settings(config, &ctx.ids, demo)?;
    let origin = |oidc: &OidcSettings| {
        let issuer = url::Url::parse(&oidc.issuer).ok()?;
        Some(issuer.origin().ascii_serialization())
    };
    let form_targets = settings.issuers().filter_map(origin).collect();
    let login_option = |oidc: &OidcSettings| LoginOption {
        issuer: oidc.name.clone(),
        label: oidc.label.clone(),
        reach: oidc.reach(),
    };
    let login_options = settings.issuers().map(login_option).collect();
    let auth =
        Auth::new(ctx.clone(), settings).map_err(|error| Failure::Usage(error.to_string()))?;

    // Shared by MCP and REST, so that a key has one rate limit.
    let api_key_auth = rest::ApiKeyAuth::new(ctx.clone(), config.api_calls_per_minute);
    let streams = Streams::new(ctx.clone());
    let mcp = mcp::mcp(ctx.clone(), api_key_auth.clone(), &site);
    let (rest, reference) = rest::rest(ctx.clone(), api_key_auth, streams.clone());
    let info = AppInfo {
        demo: demo.is_some(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        public_url: site.origin(),
        form_targets,
        login_options,
        reference: Arc::new(reference),
    };
    let pages = pages(ctx.clone(), info, bundle);
    // The form's page and its upload share a path.
    let upload = post(upload::import_upload)
        .with_state(ctx.clone())
        .fallback_service(pages.clone());
    // Around the upload, too: its page has other forms, which post to it.
    let pages = with_page_posts(
        Router::new()
            .route(upload::PATH, upload)
            .route(
                download::PATH,
                get(download::memory_download).with_state(ctx.clone()),
            )
            .route(
                list_download::PATH,
                get(list_download::list_download).with_state(ctx.clone()),
            )
            .fallback_service(pages),
    );
    let page_limit = MemberLimit::new(config.page_calls_per_minute, ctx.clock.clone());
    let members = Router::new()
        .route(
            live::PATH,
            get(live::page_events).with_state(streams),
        )
        .fallback_service(pages)
        .layer(from_fn_with_state(page_limit, member_rate_layer))
        // Not rate-limited, so that a member over the limit can still sign out.
        .merge(auth.routes())
        .merge(demo.map_or_else(Router::new, DemoIssuer::routes));

    let router = auth
        .protect(members)
        .merge(rest)
        .merge(mcp)
        .merge(bundle.routes())
        .merge(health::routes(readiness));
    let router = protect(
        router,
        HttpSettings {
            site,
            trusted_proxies: config.trusted_proxies.clone().into(),
            body_timeout: Duration::from_secs(config.body_timeout_seconds.into()),
            body_bytes: BODY_BYTES,
            larger_bodies: Arc::new([
                LargerBody {
                    path: upload::PATH,
                    bytes: upload::MAX_BODY_BYTES,
                    refused: UploadProblem::TooLarge.path(),
                },
                LargerBody {
                    path: rest::IMPORT_PATH,
                    bytes: MAX_FILE_BYTES,
                    refused: "/reference".to_owned(),
                },
                LargerBody {
                    path: rest::BATCH_PATH,
                    bytes: rest::MAX_BATCH_BYTES,
                    refused: "/reference".to_owned(),
                },
            ]),
            clock: ctx.clock.clone(),
            ids: ctx.ids.clone(),
            requests: ctx.requests.clone(),
        },
    );
    // Outermost, so that API clients get the limits' errors as problem details,
    // too.
    Ok(router.layer(from_fn(rest::problem_layer)))
}

/// The pages and their server functions.
fn pages(ctx: Ctx, info: AppInfo, bundle: &Bundle) -> Router {
    let options = LeptosOptions::builder().output_name("atrium").build();
    let assets = bundle.assets.clone();
    // Called for each request to a page or a server function.
    let context = move || {
        let parts = use_context::<Parts>();
        let actor = parts
            .as_ref()
            .and_then(|parts| parts.extensions.get::<Option<Actor>>().cloned())
            .flatten();
        // A server function that a form or the browser calls may change
        // something; a page that is rendered afterwards reads anew.
        let page = parts
            .filter(|parts| is_read(&parts.method))
            .and_then(|parts| parts.extensions.get::<PageSnapshot>().cloned());
        provide_context(actor);
        provide_context(ctx.clone().with_page(page));
        provide_context(info.clone());
    };
    let server_fn_handler = {
        let context = context.clone();
        move |request: Request| {
            let context = context.clone();
            async move {
                handle_server_fns_with_context(context, request)
                    .await
                    .into_response()
            }
        }
    };
    Router::new()
        .route("/api/{*call}", post(server_fn_handler))
        .leptos_routes_with_context(&options, generate_route_list(App), context, move || {
            shell(&assets)
        })
        .with_state(options)
}
