//! The OpenAPI document without its operations.

use utoipa::{
    OpenApi as _, ToSchema as _,
    openapi::{
        ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder,
        path::{Operation, ParameterBuilder, ParameterIn, PathItem},
        schema::{ObjectBuilder, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::problem::Problem;

const OCTET_STREAM: &str = "application/octet-stream";

const INTRODUCTION: &str = "A program calls Atrium with an API key, created on the page “Keys”, and acts as the member \
behind it within the key's scopes. Send the key as `Authorization: Bearer …` or as `X-Api-Key`. Bodies are JSON. Lists \
are paginated: send `next` of one page as `after` for the next. A mutation may carry an `Idempotency-Key`, a string of \
your choice: sent again within a day, the call returns the same answer and is not repeated. Each key has a rate limit, \
shown in the `RateLimit` headers; beyond it the answer is 429 with `Retry-After`. Errors are \
`application/problem+json`.";

/// The document to which the routes are added.
pub(super) fn beginning() -> OpenApi {
    #[derive(utoipa::OpenApi)]
    #[openapi(
        info(title = "Atrium", license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")),
        servers((url = "/api/v1")),
        components(schemas(Problem)),
    )]
    struct BaseDocument;
    let mut document = BaseDocument::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    document.info.description = Some(INTRODUCTION.to_owned());
    if let Some(components) = &mut document.components {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An API key: `Authorization: Bearer atr_…`, or `X-Api-Key: atr_…`.",
            ))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
    }
    document
}

/// Adds the error response to each operation and the `Idempotency-Key` header to
/// each mutation but uploads, whose bodies are too large to be hashed in memory.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    let problem = ResponseBuilder::new()
        .description("The error")
        .content(
            "application/problem+json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(Problem::name())))
                .build(),
        )
        .build();
    for item in document.paths.paths.values_mut() {
        for (is_mutation, operation) in operations(item) {
            operation
                .responses
                .responses
                .insert("default".to_owned(), RefOr::T(problem.clone()));
            let is_upload = matches!(
                &operation.request_body,
                Some(RefOr::T(body)) if body.content.contains_key(OCTET_STREAM)
            );
            if is_mutation && !is_upload {
                let header = ParameterBuilder::new()
                    .name("Idempotency-Key")
                    .parameter_in(ParameterIn::Header)
                    .description(Some(
                        "A string of your choice: sent again within a day, the call is not repeated.",
                    ))
                    .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
                    .build();
                operation
                    .parameters
                    .get_or_insert_default()
                    .push(RefOr::T(header));
            }
        }
    }
    document
}

/// The operations of a path, each with true if it is a mutation.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let reads = [&mut item.get].into_iter().flatten();
    let writes = [
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ];
    reads.map(|operation| (false, operation)).chain(
        writes
            .into_iter()
            .flatten()
            .map(|operation| (true, operation)),
    )
}
