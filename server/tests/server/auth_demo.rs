//! The demo's issuer over HTTP: each demo person can sign in, and invalid
//! requests are rejected.

use std::{collections::BTreeMap, sync::Arc};

use crate::support::{self, Browser};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use domain::{access::SystemRole, identity::IdentityKey};
use server::{
    auth::{
        Auth, AuthSettings, MasterKey, SignInLimits,
        demo::{DemoIssuer, DemoKind},
    },
    http::{HttpSettings, Site},
};
use service::{Clock, Entropy, Ids, identity::SessionLifetimes};
use store::{
    identity::identity_create,
    testing::{NOW, TestDb, id},
};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

struct Demo {
    db: TestDb,
    browser: Browser,
    host: String,
}

/// Serves everything on one port with the people of `kind`, as `--demo` does.
async fn demo(kind: DemoKind) -> Demo {
    let db = TestDb::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let site = Site::new(format!("http://{host}").parse().unwrap()).unwrap();
    let clock = Clock::from_fn(|| NOW);
    let ids = Ids::new(clock.clone(), Entropy::system());
    let issuer = DemoIssuer::new(
        site.clone(),
        "/pkg/atrium.css",
        kind,
        clock.clone(),
        ids.clone(),
    )
    .unwrap();
    let settings = AuthSettings {
        further: Vec::new(),
        site: site.clone(),
        oidc: Some(issuer.oidc_settings()),
        lifetimes: SessionLifetimes::default(),
        master_key: MasterKey::new([3; 32]),
        limits: SignInLimits {
            starts: 1_000,
            failures: 1_000,
            account_failures: 1_000,
        },
    };
    for organisation in kind.cast().tenants {
        let tenant = db.tenant(organisation.slug).await;
        for person in kind.cast().people_of(organisation.slug) {
            let actor = tenant.actor(person.role, person.name).await;
            let key = IdentityKey::Subject {
                issuer: issuer.oidc_settings().issuer,
                subject: person.subject.into(),
            };
            let mut tx = db.store.begin_auth().await.unwrap();
            identity_create(&mut tx, id(), tenant.id, actor.user_id, &key, NOW)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
    }
    let auth = Auth::new(support::ctx(&db, clock.clone()), settings).unwrap();
    let http = HttpSettings {
        site,
        trusted_proxies: Arc::new([]),
        body_timeout: std::time::Duration::from_secs(30),
        body_bytes: 10_000,
        larger_bodies: Arc::new([]),
        clock,
        ids,
        requests: tokio_util::task::TaskTracker::new(),
    };
    let router: Router = support::router_of(&auth, issuer.routes(), http);
    tokio::spawn({
        let router = router.clone();
        async move { axum::serve(listener, router).await }
    });
    let browser = Browser {
        router,
        jar: BTreeMap::new(),
        set: Vec::new(),
    };
    Demo { db, browser, host }
}

impl Demo {
    async fn get(&mut self, path: &str) -> support::Answer {
        let request = Request::get(path)
            .header(header::HOST, &self.host)
            .header(header::ACCEPT, "text/html");
        self.browser
            .send(request.body(Body::empty()).unwrap())
            .await
    }

    async fn choose(&mut self, asked: &Url, person: &str) -> support::Answer {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("person", person)
            .extend_pairs(asked.query_pairs())
            .finish();
        let request = Request::post("/demo/issuer/authorize")
            .header(header::HOST, &self.host)
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.browser
            .send(request.body(Body::from(form)).unwrap())
            .await
    }

    fn path(&self, url: &str) -> String {
        let rest = url.strip_prefix(&format!("http://{}", self.host));
        rest.unwrap_or(url).to_owned()
    }
}

#[tokio::test]
async fn every_person_signs_in_with_one_click_and_out_again() {
    for kind in [DemoKind::Company, DemoKind::Empty] {
        every_person_signs_in_and_out(kind).await;
    }
}

async fn every_person_signs_in_and_out(kind: DemoKind) {
    let mut demo = demo(kind).await;
    for person in kind.cast().people {
        let asked = demo.get("/auth/login").await.location().to_owned();
        let path = demo.path(&asked);
        let page = demo.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.body
                .contains("Demo: the organisation and its people are made up."),
            "{}",
            page.body
        );
        for text in [person.name, person.title, person.task, "/pkg/atrium.css"] {
            assert!(page.body.contains(&text.replace('\'', "&#39;")), "{text}");
        }
        assert!(
            page.header("content-security-policy")
                .contains("style-src 'self'")
        );

        let answer = demo.choose(&asked.parse().unwrap(), person.subject).await;
        let path = demo.path(answer.location());
        assert!(path.starts_with("/auth/callback?code="), "{path}");
        assert_eq!(demo.get(&path).await.location(), "/");
        assert_eq!(demo.get("/").await.body, person.name);
        let tenant: String = sqlx::query_scalar(
            "SELECT t.slug FROM web_sessions s JOIN tenants t ON t.id = s.tenant_id",
        )
        .fetch_one(&demo.db.admin)
        .await
        .unwrap();
        assert_eq!(tenant, person.tenant);

        let host = demo.host.clone();
        let request = Request::post("/auth/logout")
            .header(header::HOST, host)
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, "text/html");
        let answer = demo
            .browser
            .send(request.body(Body::empty()).unwrap())
            .await;
        let path = demo.path(answer.location());
        assert!(path.starts_with("/demo/issuer/logout?"), "{path}");
        let answer = demo.get(&path).await;
        assert_eq!(demo.path(answer.location()), "/sign-in");
        assert_eq!(demo.get("/").await.location(), "/sign-in");
    }
}

#[test]
fn demo_has_a_person_for_each_role_and_one_in_another_organisation() {
    for kind in [DemoKind::Company, DemoKind::Empty] {
        let cast = kind.cast();
        let first = cast.tenants[0].slug;
        for role in SystemRole::ALL {
            assert!(cast.people_of(first).any(|person| person.role == *role));
        }
        assert!(cast.people.iter().any(|person| person.tenant != first));
        for tenant in cast.tenants {
            let owners = cast.people_of(tenant.slug);
            let owners = owners.filter(|person| person.role == SystemRole::Owner);
            assert_eq!(owners.count(), 1, "{}", tenant.slug);
        }
    }
}

#[tokio::test]
async fn cancelled_sign_in_is_explained_on_the_sign_in_page() {
    let mut demo = demo(DemoKind::Company).await;
    let asked = demo.get("/auth/login").await.location().to_owned();
    let answer = demo.choose(&asked.parse().unwrap(), "").await;
    let path = demo.path(answer.location());
    assert_eq!(demo.get(&path).await.location(), "/sign-in?error=refused");
}

#[tokio::test]
async fn demo_issuer_serves_only_its_own_client() {
    let mut demo = demo(DemoKind::Company).await;
    let asked: Url = demo.get("/auth/login").await.location().parse().unwrap();
    for (name, value) in [
        ("redirect_uri", "https://evil.example/"),
        ("client_id", "another"),
        ("response_type", "token"),
        ("code_challenge_method", "plain"),
        ("scope", "profile"),
    ] {
        let mut changed = asked.clone();
        let pairs: Vec<_> = asked
            .query_pairs()
            .map(|(key, old)| {
                (
                    key.clone().into_owned(),
                    if key == name {
                        value.to_owned()
                    } else {
                        old.into_owned()
                    },
                )
            })
            .collect();
        changed.query_pairs_mut().clear().extend_pairs(pairs);
        let path = demo.path(changed.as_str());
        assert_eq!(
            demo.get(&path).await.status,
            StatusCode::BAD_REQUEST,
            "{name}"
        );
        assert_eq!(
            demo.choose(&changed, "mira").await.status,
            StatusCode::BAD_REQUEST,
            "{name}"
        );
    }
    // The token endpoint is called by a program, which has no cookies.
    demo.browser.jar.clear();
    let request = Request::post("/demo/issuer/token")
        .header(header::HOST, &demo.host)
        .header(header::AUTHORIZATION, "Basic YXRyaXVtLWRlbW86Z3Vlc3M=")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(
            "grant_type=authorization_code&code=a&redirect_uri=b&code_verifier=c",
        ))
        .unwrap();
    assert_eq!(
        demo.browser.send(request).await.status,
        StatusCode::UNAUTHORIZED
    );
}
