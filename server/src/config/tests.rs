use secrecy::ExposeSecret;

use domain::access::SystemRole;

use super::*;

fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::load(None, variables).map_err(|error| error.to_string())
}

#[test]
fn environment_sets_nested_keys_and_keeps_digits_as_text() {
    let config = load(&[
        ("ATRIUM_ADDR", "127.0.0.1:4000"),
        ("ATRIUM_OIDC__ISSUER", "https://id.example/realm"),
        ("ATRIUM_OIDC__CLIENT_ID", "0042"),
        ("ATRIUM_OIDC__CLIENT_SECRET", "007"),
        ("ATRIUM_OIDC__DEFAULT_ROLE", "member"),
        ("ATRIUM_DATABASE_MAX_CONNECTIONS", "7"),
        ("ATRIUM_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1/32"),
        ("ATRIUM_TEST_DATABASE_URL", "ignored"),
        ("PATH", "ignored"),
    ])
    .unwrap();
    let oidc = config.oidc.as_ref().unwrap();
    assert_eq!(config.addr.port(), 4000);
    assert_eq!(oidc.client_id, "0042");
    assert_eq!(oidc.client_secret.as_ref().unwrap().expose_secret(), "007");
    assert_eq!(oidc.default_role, Some(SystemRole::Member));
    assert_eq!(config.database_max_connections, 7);
    assert!(config.trusts_proxy([10, 1, 2, 3].into()));
    assert!(!config.trusts_proxy([192, 0, 2, 2].into()));
}

#[test]
fn external_database_needs_every_login() {
    let variables = [
        "ATRIUM_DATABASE_URL",
        "ATRIUM_DATABASE_AUTH_URL",
        "ATRIUM_DATABASE_OPERATOR_URL",
        "ATRIUM_DATABASE_WORKER_URL",
    ];
    let all = variables.map(|variable| (variable, "postgres://login:s3cret@db/atrium"));
    load(&all).unwrap();
    for left_out in &variables[1..] {
        let some: Vec<_> = all
            .iter()
            .filter(|(name, _)| name != left_out)
            .copied()
            .collect();
        let error = load(&some).unwrap_err();
        let key = left_out.trim_start_matches("ATRIUM_").to_lowercase();
        assert!(
            error.starts_with(&format!("{key}:")) && error.contains("Your own Postgres"),
            "{error}"
        );
        assert!(!error.contains("s3cret"), "{error}");
    }
    // As after an upgrade: one error names all missing keys.
    let error = load(&all[..1]).unwrap_err();
    assert!(
        error.starts_with("database_auth_url, database_operator_url, database_worker_url:"),
        "{error}"
    );
    for stray in &all[1..] {
        let error = load(&[*stray]).unwrap_err();
        assert!(error.contains("it needs database_url beside it"), "{error}");
    }
}

#[test]
fn errors_name_the_key_and_never_the_value() {
    for (name, value, expected) in [
        ("ATRIUM_ADRR", "x", "adrr"),
        ("ATRIUM_ADDR", "nowhere", "addr"),
        ("ATRIUM_OIDC__ISSUR", "https://id.example", "oidc"),
        (
            "ATRIUM_DATABASE_MAX_CONNECTIONS",
            "many",
            "database_max_connections",
        ),
        (
            "ATRIUM_DATABASE_MAX_CONNECTIONS",
            "3",
            "database_max_connections",
        ),
        ("ATRIUM_TRUSTED_PROXIES", "10.0.0.0/99", "trusted_proxies"),
        ("ATRIUM_MAX_CONNECTIONS", "0", "max_connections"),
        ("ATRIUM_HEADER_TIMEOUT_SECONDS", "0", "header_timeout"),
        ("ATRIUM_PAGE_CALLS_PER_MINUTE", "many", "page_calls"),
        (
            "ATRIUM_PUBLIC_URL",
            "https://atrium.example/sub",
            "public_url",
        ),
        ("ATRIUM_SESSION__IDLE_HOURS", "0", "session"),
        ("ATRIUM_LOG__FORMAT", "xml", "log.format"),
        ("ATRIUM_AUDIT__CHECKPOINT_ROWS", "0", "audit"),
        ("ATRIUM_AUDIT__CHECKPOINT_MINUTES", "0", "audit"),
        (
            "ATRIUM_AUDIT__CHECKPOINT_ROWS",
            "few",
            "audit.checkpoint_rows",
        ),
        ("ATRIUM_AUDIT__CHECKPOINT", "x", "audit.checkpoint"),
        (
            "ATRIUM_MASTER_KEY_FILE",
            "/does/not/exist",
            "ATRIUM_MASTER_KEY_FILE",
        ),
    ] {
        let error = load(&[(name, value)]).unwrap_err();
        assert!(error.contains(expected), "{name}: {error}");
    }
    let error = load(&[
        ("ATRIUM_MASTER_KEY", "s3cret"),
        ("ATRIUM_OIDC__CLIENT_SECRET", "s3cret"),
    ])
    .unwrap_err();
    assert!(!error.contains("s3cret"), "{error}");
}

#[test]
fn secret_can_be_in_a_file() {
    let file = std::env::temp_dir().join(format!("atrium-secret-{}", std::process::id()));
    std::fs::write(&file, "from the file\n").unwrap();
    let config = load(&[("ATRIUM_MASTER_KEY_FILE", file.to_str().unwrap())]).unwrap();
    assert_eq!(config.master_key.unwrap().expose_secret(), "from the file");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn further_issuers_need_names_and_organisations() {
    let file = std::env::temp_dir().join(format!("atrium-issuer-{}", std::process::id()));
    std::fs::write(&file, "from the file\n").unwrap();
    let issuer = [
        (
            "ATRIUM_ISSUERS__CONTOSO__ISSUER",
            "https://id.contoso.example",
        ),
        ("ATRIUM_ISSUERS__CONTOSO__CLIENT_ID", "atrium"),
        (
            "ATRIUM_ISSUERS__CONTOSO__CLIENT_SECRET_FILE",
            file.to_str().unwrap(),
        ),
        ("ATRIUM_ISSUERS__CONTOSO__LABEL", "Sign in with Contoso"),
    ];
    let error = load(&issuer).unwrap_err();
    assert!(error.starts_with("issuers.contoso.tenants"), "{error}");
    let bound = [
        &issuer[..],
        &[("ATRIUM_ISSUERS__CONTOSO__TENANTS", "contoso,fabrikam")],
    ]
    .concat();
    let config = load(&bound).unwrap();
    let oidc = &config.issuers["contoso"];
    assert_eq!(oidc.tenants, ["contoso", "fabrikam"]);
    assert_eq!(
        oidc.client_secret.as_ref().unwrap().expose_secret(),
        "from the file"
    );
    std::fs::remove_file(&file).unwrap();

    let organizations = "https://login.microsoftonline.com/organizations/v2.0";
    let (tid, owner) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    let config = load(&[
        ("ATRIUM_ISSUERS__ENTRA__ISSUER", organizations),
        ("ATRIUM_ISSUERS__ENTRA__CLIENT_ID", "atrium"),
        (
            "ATRIUM_ISSUERS__ENTRA__DIRECTORIES__CONTOSO__TENANT_ID",
            &tid.to_string(),
        ),
        (
            "ATRIUM_ISSUERS__ENTRA__DIRECTORIES__CONTOSO__OWNER",
            &owner.to_string(),
        ),
    ])
    .unwrap();
    let directory = &config.issuers["entra"].directories["contoso"];
    assert_eq!((directory.tenant_id, directory.owner), (tid, owner));

    let reserved = issuer.map(|(name, value)| (name.replace("CONTOSO", "OIDC"), value));
    let reserved: Vec<_> = reserved.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    std::fs::write(&file, "again").unwrap();
    assert!(load(&reserved).unwrap_err().starts_with("issuers.oidc"));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn mail_port_has_defaults_and_password_can_be_in_a_file() {
    let file = std::env::temp_dir().join(format!("atrium-mail-{}", std::process::id()));
    std::fs::write(&file, "canary\n").unwrap();
    let mail = |more: &[(&str, &str)]| {
        let required = [
            ("ATRIUM_MAIL__HOST", "mail.example"),
            ("ATRIUM_MAIL__FROM", "atrium@example.org"),
        ];
        load(&[&required[..], more].concat()).map(|config| config.mail.unwrap())
    };
    for (tls, port, default_port) in [
        ("starttls", ::mail::MailTls::StartTls, 587),
        ("implicit", ::mail::MailTls::Implicit, 465),
        ("none", ::mail::MailTls::None, 25),
    ] {
        let settings = mail(&[("ATRIUM_MAIL__TLS", tls)]).unwrap().settings();
        assert_eq!((settings.tls, settings.port), (port, default_port));
    }
    let settings = mail(&[("ATRIUM_MAIL__PORT", "465")]).unwrap().settings();
    assert_eq!(settings.tls, ::mail::MailTls::Implicit);
    let secret = mail(&[
        ("ATRIUM_MAIL__USERNAME", "atrium"),
        ("ATRIUM_MAIL__PASSWORD_FILE", file.to_str().unwrap()),
    ])
    .unwrap();
    assert_eq!(secret.password.as_ref().unwrap().expose_secret(), "canary");
    assert!(!format!("{secret:?}{:?}", secret.settings()).contains("canary"));
    std::fs::remove_file(file).unwrap();
    for (name, value, expected) in [
        ("ATRIUM_MAIL__PORT", "0", "mail.port"),
        ("ATRIUM_MAIL__PORT", "70000", "mail.port"),
        ("ATRIUM_MAIL__TLS", "maybe", "mail.tls"),
        ("ATRIUM_MAIL__HOTS", "x", "mail.hots"),
    ] {
        let error = mail(&[(name, value)]).unwrap_err();
        assert!(error.contains(expected), "{name}: {error}");
    }
    let error = load(&[("ATRIUM_MAIL__HOST", "mail.example")]).unwrap_err();
    assert!(error.contains("mail.from"), "{error}");
}

#[test]
fn secrets_are_redacted_in_debug() {
    let config = load(&[("ATRIUM_MASTER_KEY", "s3cret")]).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn loopback_needs_both_the_listener_and_the_public_url() {
    assert!(load(&[]).unwrap().is_loopback());
    assert!(
        !load(&[("ATRIUM_ADDR", "0.0.0.0:3000")])
            .unwrap()
            .is_loopback()
    );
    assert!(
        !load(&[("ATRIUM_PUBLIC_URL", "https://atrium.example")])
            .unwrap()
            .is_loopback()
    );
}

#[test]
fn embedding_endpoint_needs_a_url_and_may_have_a_key() {
    let url = (
        "ATRIUM_EMBEDDING_ENDPOINTS__OPENAI__URL",
        "https://api.openai.com/v1",
    );
    let config = load(&[url, ("ATRIUM_EMBEDDING_ENDPOINTS__OPENAI__KEY", "sk-1")]).unwrap();
    let endpoint = &config.embedding_endpoints["openai"];
    assert_eq!(endpoint.url.as_str(), "https://api.openai.com/v1");
    assert_eq!(endpoint.key.as_ref().unwrap().expose_secret(), "sk-1");
    assert!(!format!("{config:?}").contains("sk-1"));

    let error = load(&[("ATRIUM_EMBEDDING_ENDPOINTS__OPENAI__KEY", "sk-1")]).unwrap_err();
    assert!(error.contains("embedding_endpoints.openai"), "{error}");
    for bad in [
        "ftp://models.example/",
        "https://me:sk-1@models.example/v1",
        "https://m.example/?key=sk-1",
    ] {
        let error = load(&[("ATRIUM_EMBEDDING_ENDPOINTS__OPENAI__URL", bad)]).unwrap_err();
        assert!(
            error.starts_with("embedding_endpoints.openai.url"),
            "{error}"
        );
        assert!(!error.contains("sk-1"), "{error}");
    }
}
