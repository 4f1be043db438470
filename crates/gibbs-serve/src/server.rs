//! The server: addresses and their answers.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{get, post},
};
use futures_util::Stream;
use gibbs_runs::Run;
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    access::{Access, guard},
    actions,
    answer::{Answer, Refusal},
    folder::{self, Folder},
    follow,
    jobs::Jobs,
    models::{Models, Shared},
    pages,
    zoo::{Toy, Zoo},
};

/// The most bytes of a request: the spins of the largest lattice take a third.
const MOST_BYTES: usize = 1 << 18;

/// Threads that read files or compute. More requests wait.
const BLOCKING: usize = 32;

/// What files of a run may do: show themselves. A report has its styles and pictures inside.
const FILE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox";

/// The error of a server that cannot start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The port is taken, or may not be used.
    #[error("port {port}: {source}; give another with --port, or --port 0 for any free one")]
    Port {
        /// The port.
        port: u16,
        /// The reason of the system.
        source: io::Error,
    },
    /// The system has no random numbers for the token.
    #[error("no random numbers for the token: {0}")]
    Token(getrandom::Error),
    /// The server failed while it ran.
    #[error("the server failed: {0}")]
    Io(#[from] io::Error),
}

impl ServeError {
    /// Whether the user can correct it.
    pub fn is_bad_input(&self) -> bool {
        matches!(self, Self::Port { .. })
    }
}

/// A server that listens and answers once it [runs](Server::run).
pub struct Server {
    listener: TcpListener,
    access: Arc<Access>,
    state: Served,
}

/// What the answers are made of.
#[derive(Clone)]
struct Served(Arc<Parts>);

struct Parts {
    folder: Folder,
    zoo: Arc<dyn Zoo>,
    toys: Vec<Toy>,
    models: Models,
    jobs: Jobs,
}

impl Server {
    /// Listens on a port of this machine alone; port 0 takes any free one. Shows the runs below `root`.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn bind(root: impl Into<PathBuf>, port: u16, zoo: impl Zoo) -> Result<Self, ServeError> {
        let refused = |source| ServeError::Port { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
        listener.set_nonblocking(true)?;
        let access = Access::new(listener.local_addr()?.port()).map_err(ServeError::Token)?;
        let parts = Parts {
            folder: Folder::new(root.into()),
            toys: zoo.toys(),
            zoo: Arc::new(zoo),
            models: Models::new(),
            jobs: Jobs::default(),
        };
        Ok(Self { listener, access: Arc::new(access), state: Served(Arc::new(parts)) })
    }

    /// The address to open in a browser, with the token.
    pub fn address(&self) -> String {
        self.access.address()
    }

    /// Answers requests until Ctrl-C.
    ///
    /// # Errors
    /// [`ServeError::Io`].
    pub fn run(self) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .max_blocking_threads(BLOCKING)
            .enable_all()
            .build()?;
        let outcome = runtime.block_on(self.run_until(async {
            let _ = tokio::signal::ctrl_c().await;
        }));
        // Open streams of events and work that goes on are not waited for.
        runtime.shutdown_background();
        outcome
    }

    /// Answers requests until `end`.
    ///
    /// # Errors
    /// [`ServeError::Io`].
    pub async fn run_until(self, end: impl Future<Output = ()>) -> Result<(), ServeError> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let router = router(self.state, self.access);
        let served = std::pin::pin!(async move { axum::serve(listener, router).await });
        let end = std::pin::pin!(end);
        match futures_util::future::select(served, end).await {
            futures_util::future::Either::Left((outcome, _)) => Ok(outcome?),
            futures_util::future::Either::Right(((), _)) => Ok(()),
        }
    }
}

fn router(state: Served, access: Arc<Access>) -> Router {
    Router::new()
        .route("/", get(pages::index))
        .route("/run/{id}", get(pages::index))
        .route("/play/{toy}", get(pages::index))
        .route("/assets/{file}", get(pages::file))
        .route("/api/overview", get(overview))
        .route("/api/train", post(train))
        .route("/api/runs/{id}", get(run))
        .route("/api/runs/{id}/events", get(events))
        .route("/api/runs/{id}/files/{name}", get(file))
        .route("/api/runs/{id}/play", get(run_abilities))
        .route("/api/runs/{id}/play/{action}", post(run_action))
        .route("/api/toys/{toy}/play", get(toy_abilities))
        .route("/api/toys/{toy}/play/{action}", post(toy_action))
        .fallback(|| async { Refusal::missing("there is no such page") })
        .with_state(state)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn_with_state(access, guard))
}

/// Reads the disk away from the threads that answer.
async fn reading<T: Send + 'static>(
    served: &Served,
    read: impl FnOnce(&Parts) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let served = served.clone();
    let read = tokio::task::spawn_blocking(move || read(&served.0)).await;
    read.unwrap_or_else(|_| Err(Refusal::broken("reading failed: this is a fault of the program")))
}

async fn overview(State(served): State<Served>) -> Answer {
    let runs = reading(&served, |parts| {
        let runs = parts.folder.runs()?;
        Ok(runs.iter().map(|listed| folder::row(&listed.id, &listed.run)).collect::<Vec<_>>())
    });
    let runs = runs.await?;
    let Parts { folder, toys, zoo, .. } = &*served.0;
    let toys = toys.iter().map(|toy| json!({ "name": toy.name, "title": toy.title, "about": toy.about }));
    let offers = zoo.offers();
    let offers =
        offers.iter().map(|offer| json!({ "name": offer.name, "title": offer.title, "about": offer.about }));
    Ok(Json(json!({
        "folder": folder.root().display().to_string(),
        "runs": runs,
        "toys": toys.collect::<Vec<_>>(),
        "offers": offers.collect::<Vec<_>>(),
    })))
}

async fn run(State(served): State<Served>, Path(id): Path<String>) -> Answer {
    let details = reading(&served, move |parts| match parts.folder.run(&id) {
        Ok(run) => Ok(details(&id, &run, &*parts.zoo)),
        Err(missing) => parts.jobs.row(&id).ok_or(missing),
    });
    details.await.map(Json)
}

/// All that the page of a run shows.
fn details(id: &str, run: &Run, zoo: &dyn Zoo) -> Value {
    let mut details = folder::row(id, run);
    let captions = zoo.captions(run.family());
    let caption = |name: &String| captions.iter().find(|(own, _)| own == name).map(|(_, caption)| caption);
    // Pictures with captions come first, in the order of their captions.
    let mut pictures = folder::pictures(run);
    pictures.sort_by_key(|name| captions.iter().position(|(own, _)| own == name).unwrap_or(usize::MAX));
    let pictures = pictures.iter().map(|name| json!({ "name": name, "caption": caption(name) }));
    details["metrics"] = run.metrics().iter().map(folder::metric).collect();
    details["pictures"] = pictures.collect();
    details["report"] = folder::has_report(run).into();
    details["epochs"] = run.config()["train"]["epochs"].clone();
    details["warnings"] = json!(run.warnings());
    details["config"] = run.config().clone();
    details
}

async fn events(
    State(served): State<Served>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let run = reading(&served, move |parts| parts.folder.run(&id)).await?;
    Ok(Sse::new(follow::events(run)).keep_alive(KeepAlive::default()))
}

async fn file(
    State(served): State<Served>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let file = reading(&served, move |parts| folder::file(&parts.folder.run(&id)?, &name));
    let (kind, bytes) = file.await?;
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, FILE_POLICY)];
    Ok((headers, bytes).into_response())
}

async fn train(State(served): State<Served>, headers: HeaderMap, body: Result<Bytes, BodyError>) -> Answer {
    let body = json_body(&headers, body)?;
    let request: Value = serde_json::from_slice(&body).map_err(|error| Refusal::bad(error.to_string()))?;
    let Parts { folder, zoo, jobs, .. } = &*served.0;
    let offers = zoo.offers();
    let offer = offers.iter().find(|offer| request["offer"] == offer.name);
    let offer = offer.ok_or_else(|| Refusal::bad("there is no such offer"))?;
    let id = jobs.start(&zoo.program(), offer, folder)?;
    folder.forget();
    Ok(Json(json!({ "id": id })))
}

async fn model_of_run(served: &Served, id: String) -> Result<Shared, Refusal> {
    let run = reading(served, move |parts| parts.folder.run(&id)).await?;
    served.0.models.of(run, served.0.zoo.clone()).await
}

fn model_of_toy(served: &Served, name: &str) -> Result<Shared, Refusal> {
    let toy = served.0.toys.iter().find(|toy| toy.name == name);
    toy.map(|toy| toy.playground.clone()).ok_or_else(|| Refusal::missing("there is no such model"))
}

async fn abilities(served: &Served, model: Shared) -> Answer {
    served.0.models.work(move || Ok(actions::abilities(&*model))).await.map(Json)
}

async fn action(
    served: &Served,
    model: Shared,
    action: String,
    (headers, body): (HeaderMap, Result<Bytes, BodyError>),
) -> Answer {
    let body = json_body(&headers, body)?;
    served.0.models.work(move || actions::act(&*model, &action, &body)).await.map(Json)
}

async fn run_abilities(State(served): State<Served>, Path(id): Path<String>) -> Answer {
    let model = model_of_run(&served, id).await?;
    abilities(&served, model).await
}

async fn run_action(
    State(served): State<Served>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BodyError>,
) -> Answer {
    let model = model_of_run(&served, id).await?;
    action(&served, model, name, (headers, body)).await
}

async fn toy_abilities(State(served): State<Served>, Path(name): Path<String>) -> Answer {
    let model = model_of_toy(&served, &name)?;
    abilities(&served, model).await
}

async fn toy_action(
    State(served): State<Served>,
    Path((toy, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BodyError>,
) -> Answer {
    let model = model_of_toy(&served, &toy)?;
    action(&served, model, name, (headers, body)).await
}

/// The error of a body that is too long or does not arrive.
type BodyError = axum::extract::rejection::BytesRejection;

/// The body of a request that says that it is JSON. Forms of other pages cannot say so.
fn json_body(headers: &HeaderMap, body: Result<Bytes, BodyError>) -> Result<Bytes, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json".into()));
    }
    body.map_err(|error| Refusal(error.status(), error.body_text()))
}
