//! The embedding model in use, progress of the next one, and the form to start
//! one.

use domain::{
    EmbeddingModelId,
    embedding_model::{
        EmbeddingModel, EmbeddingModelStatus, EmbeddingModels, EmbeddingProgress, EmbeddingSource,
        LOCAL_MODEL,
    },
};
use leptos::prelude::*;

use super::api::{
    EmbeddingModelCancel, EmbeddingModelPause, EmbeddingModelResume, EmbeddingModelStart,
    embedding_model_get,
};
use crate::{
    forms::{FormState, PostForm},
    settings::SettingsTabs,
    ui::{
        Badge, Choice, ConfirmDialog, Glyph, Icon, LiveRegion, PageHead, SelectField, TextField,
        Time, Tone, count, load_page, plural,
    },
};

/// The page at `/settings/embedding`.
#[component]
pub(crate) fn EmbeddingModelPage() -> impl IntoView {
    let models = embedding_model_get();
    load_page(models, show)
}

fn is_preparing(models: &EmbeddingModels) -> bool {
    let next = models.next();
    next.is_some_and(|next| next.model.status == EmbeddingModelStatus::Building)
}

fn show(models: EmbeddingModels) -> impl IntoView {
    let preparing = is_preparing(&models);
    let dropping = models.is_dropping();
    let active = models.active().cloned();
    let next = models.next().cloned();
    let has_next = next.is_some();
    let earlier: Vec<_> = models
        .models
        .iter()
        .filter(|entry| entry.model.status == EmbeddingModelStatus::Retired)
        .map(|entry| entry.model.clone())
        .collect();
    view! {
        <PageHead
            title="Semantic search"
            lead="The embedding model used for semantic search."
        />
        <SettingsTabs />
        <LiveRegion id="models" is_pending=preparing job=None>
        {active.map(|active| view! { <ActiveModel model=active.model progress=active.progress /> })}
        {next.map(|next| view! { <NextModel model=next.model progress=next.progress /> })}
        {(!has_next).then(|| view! { <StartForm models=models dropping=dropping /> })}
        <EarlierModels models=earlier />
        </LiveRegion>
    }
}

/// Says where the vectors are computed.
fn source_label(source: &EmbeddingSource) -> String {
    match source {
        EmbeddingSource::Local => "Built-in (runs locally)".to_owned(),
        EmbeddingSource::Endpoint(name) => format!("“{name}”, set up by the operator"),
        EmbeddingSource::Address(url) => format!("Service at {url}"),
    }
}

/// Rows of a `<dl>` that describe the model.
fn model_facts(model: &EmbeddingModel) -> impl IntoView + use<> {
    view! {
        <div><dt>"Model"</dt><dd><code>{model.model.clone()}</code></dd></div>
        <div><dt>"Provider"</dt><dd>{source_label(&model.source)}</dd></div>
        <div><dt>"Dimensions"</dt><dd>{count(model.dimensions)}</dd></div>
    }
}

#[component]
fn ActiveModel(model: EmbeddingModel, progress: EmbeddingProgress) -> impl IntoView {
    let waiting = progress.total - progress.done;
    view! {
        <section class="section" aria-labelledby="active-model">
            <h2 id="active-model">"In use"</h2>
            <Problem model=model.clone() />
            <dl class="facts">
                {model_facts(&model)}
                <div>
                    <dt>"Memories"</dt>
                    <dd>
                        {count(progress.total)}
                        {(waiting > 0).then(|| format!(", {} not indexed yet", count(waiting)))}
                    </dd>
                </div>
                {model.activated_at.map(|at| view! { <div><dt>"Started"</dt><dd><Time at=at /></dd></div> })}
            </dl>
        </section>
    }
}

/// The error of the last failed attempt to compute vectors.
#[component]
fn Problem(model: EmbeddingModel) -> impl IntoView {
    model.problem.map(|problem| {
        view! {
            <div class="notice notice-warning" role="status">
                <Glyph icon=Icon::Info />
                <span>
                    {problem}
                    " Memories are kept and match by keyword meanwhile. "
                    {model.retry_at.map(|at| view! { "Next attempt: " <Time at=at /> "." })}
                </span>
            </div>
        }
    })
}

#[component]
fn NextModel(model: EmbeddingModel, progress: EmbeddingProgress) -> impl IntoView {
    let paused = model.status == EmbeddingModelStatus::Paused;
    let (tone, label) = if paused {
        (Tone::Neutral, "Paused")
    } else {
        (Tone::Accent, "Indexing")
    };
    let text = format!(
        "{} of {} re-indexed. Search uses the current model until done.",
        count(progress.done),
        plural(progress.total, "memory", "memories"),
    );
    let id = model.id;
    view! {
        <section class="section" aria-labelledby="next-model">
            <h2 id="next-model">"Switching to"</h2>
            <div class="progress">
                <div class="progress-head">
                    <Badge tone=tone text=label />
                    <span>{text}</span>
                </div>
                <progress
                    max=progress.total.max(1).to_string()
                    value=progress.done.to_string()
                    aria-label="Re-indexed memories"
                ></progress>
            </div>
            <Problem model=model.clone() />
            <dl class="facts">
                {model_facts(&model)}
                <div>
                    <dt>"Started"</dt>
                    <dd>
                        <Time at=model.created_at />
                        {model.created_by_name.map(|name| format!(" by {name}"))}
                    </dd>
                </div>
            </dl>
            <NextActions id=id paused=paused />
        </section>
    }
}

#[component]
fn NextActions(id: EmbeddingModelId, paused: bool) -> impl IntoView {
    let cancel = FormState::<EmbeddingModelCancel>::new();
    let pause = FormState::<EmbeddingModelPause>::new();
    let resume = FormState::<EmbeddingModelResume>::new();
    view! {
        <div class="form-actions">
            {if paused {
                view! {
                    <PostForm state=resume class="inline-form">
                        <input type="hidden" name="id" value=id.to_string() />
                        <button type="submit" class="button button-primary">"Resume"</button>
                    </PostForm>
                }
                    .into_any()
            } else {
                view! {
                    <PostForm state=pause class="inline-form">
                        <input type="hidden" name="id" value=id.to_string() />
                        <button type="submit" class="button">"Pause"</button>
                    </PostForm>
                }
                    .into_any()
            }}
            <PostForm state=cancel class="inline-form">
                <input type="hidden" name="id" value=id.to_string() />
                <button type="submit" class="button">"Cancel switch"</button>
            </PostForm>
        </div>
    }
}

#[component]
fn StartForm(models: EmbeddingModels, dropping: bool) -> impl IntoView {
    let state = FormState::<EmbeddingModelStart>::new();
    if dropping {
        return view! {
            <section class="section" aria-labelledby="start-model">
                <h2 id="start-model">"Switch model"</h2>
                <p class="muted">
                    "Cleaning up the previous index. This takes a few minutes. You can switch models afterwards."
                </p>
            </section>
        }
        .into_any();
    }
    let ask = state
        .answer()
        .map(|()| view! { <ConfirmSwitch models=models.clone() /> });
    let is_local = models
        .active()
        .is_some_and(|active| active.model.source == EmbeddingSource::Local);
    let mut choices: Vec<_> = models
        .endpoints
        .iter()
        .map(|name| Choice::new(format!("endpoint:{name}"), format!("“{name}”")))
        .collect();
    choices.push(Choice::new("address", "Other service (enter address)"));
    if !is_local {
        choices.push(Choice::new("local", format!("Built-in ({LOCAL_MODEL})")));
    }
    let first = choices
        .first()
        .map(|choice| choice.value.clone())
        .unwrap_or_default();
    let typed = move |name: &str, otherwise: &str| state.typed(name, otherwise);
    view! {
        <section class="section" aria-labelledby="start-model">
            <h2 id="start-model">"Switch model"</h2>
            <p class="muted">
                "All memories are re-indexed in the background. An external service receives the text of all memories, including private ones."
            </p>
            <PostForm state=state class="form">
                <SelectField
                    name="source"
                    label="Provider"
                    hint="Providers with a key are set up by the operator of this installation."
                    choices=choices
                    value=typed("source", &first)
                    error=state.field_error("source")
                />
                <TextField
                    name="base_url"
                    label="Address"
                    hint="Only for other services: the base URL of an OpenAI-compatible /embeddings endpoint, such as https://models.example.org/v1."
                    value=typed("base_url", "")
                    error=state.field_error("base_url")
                />
                <TextField
                    name="model"
                    label="Model"
                    hint="The provider’s model name, such as text-embedding-3-small. Leave empty for the built-in model."
                    value=typed("model", "")
                    error=state.field_error("model")
                />
                <TextField
                    name="dimensions"
                    label="Dimensions"
                    hint="64 to 4,000, for models with adjustable dimensions. Leave empty for the model’s default."
                    value=typed("dimensions", "")
                    error=state.field_error("dimensions")
                />
                <div class="form-actions">
                    <button type="submit" class="button button-primary">"Test and switch"</button>
                </div>
            </PostForm>
            {ask}
        </section>
    }
    .into_any()
}

/// Asks before the text of all memories is sent to another company.
#[component]
fn ConfirmSwitch(models: EmbeddingModels) -> impl IntoView {
    let state = FormState::<EmbeddingModelStart>::new();
    let typed = move |name: &str| state.typed(name, "").trim().to_owned();
    let source = typed("source");
    let service = match source.strip_prefix("endpoint:") {
        Some(name) => format!("“{name}”"),
        None => typed("base_url"),
    };
    let total = models.active().map_or(0, |active| active.progress.total);
    let consequence = format!(
        "The text of {} is sent to {service}, including {}. New and changed memories are sent to it as well.",
        plural(total, "memory", "memories"),
        plural(
            models.private_memories,
            "private memory of a member",
            "private memories of members"
        ),
    );
    let fields = ["source", "base_url", "model", "dimensions"]
        .map(|name| view! { <input type="hidden" name=name value=typed(name) /> });
    view! {
        <PostForm state=state>
            {fields.into_iter().collect_view()}
            <ConfirmDialog
                id="confirm-switch".to_owned()
                title=format!("Switch to {}?", typed("model"))
                act="Send and switch".to_owned()
                value=Some(("confirmed", "true".to_owned()))
                is_open=true
            >
                <p>{consequence}</p>
            </ConfirmDialog>
        </PostForm>
    }
}

#[component]
fn EarlierModels(models: Vec<EmbeddingModel>) -> impl IntoView {
    (!models.is_empty()).then(|| {
        view! {
            <section class="section" aria-labelledby="earlier-models">
                <h2 id="earlier-models">"Previous models"</h2>
                <div class="table-frame">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">"Model"</th>
                                <th scope="col" class="optional">"Provider"</th>
                                <th scope="col" class="col-time">"Until"</th>
                            </tr>
                        </thead>
                        <tbody>
                            {models
                                .into_iter()
                                .map(|model| {
                                    let was_cancelled = model.activated_at.is_none();
                                    view! {
                                        <tr>
                                            <td class="wrap">
                                                <code>{model.model.clone()}</code>
                                                {was_cancelled.then(|| view! { <span class="muted">" cancelled"</span> })}
                                            </td>
                                            <td class="optional wrap">{source_label(&model.source)}</td>
                                            <td class="col-time">{model.retired_at.map(|at| view! { <Time at=at /> })}</td>
                                        </tr>
                                    }
                                })
                                .collect_view()}
                        </tbody>
                    </table>
                </div>
            </section>
        }
    })
}
