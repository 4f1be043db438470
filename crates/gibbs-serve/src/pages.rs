//! The pages: plain files inside the program.

use axum::{
    extract::Path,
    http::header,
    response::{Html, IntoResponse, Response},
};

use crate::answer::Refusal;

/// The page of all addresses; its scripts show what the address names.
const INDEX: &str = include_str!("../pages/index.html");

/// What who comes without the token sees.
pub(crate) const LOCKED: &str = include_str!("../pages/locked.html");

macro_rules! files {
    ($($name:literal: $kind:literal),* $(,)?) => {
        &[$(($name, $kind, include_str!(concat!("../pages/", $name)))),*]
    };
}

/// Name, media type and text of each file.
const FILES: &[(&str, &str, &str)] = files! {
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    "main.js": "text/javascript",
    "api.js": "text/javascript",
    "dom.js": "text/javascript",
    "draw.js": "text/javascript",
    "curves.js": "text/javascript",
    "runs.js": "text/javascript",
    "run.js": "text/javascript",
    "panels.js": "text/javascript",
    "images.js": "text/javascript",
    "walk.js": "text/javascript",
    "paths.js": "text/javascript",
    "lattice.js": "text/javascript",
};

/// The page.
pub(crate) async fn index() -> Html<&'static str> {
    Html(INDEX)
}

/// A file of the pages.
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(own, ..)| *own == name) {
        Some((_, kind, text)) => {
            ([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8"))], *text).into_response()
        }
        None => Refusal::missing("no such file").into_response(),
    }
}
