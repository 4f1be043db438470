//! Who may ask: only pages of this server, opened with its token, on this machine.
//!
//! The address that the server prints has the token; from then on a cookie has it. A request under another host name is
//! refused: a page of somebody else whose name points at 127.0.0.1 sends its own (DNS rebinding). A request that changes
//! something is refused when a page of another origin sends it.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use subtle::ConstantTimeEq;

use crate::{answer::Refusal, pages};

/// Random bytes of a token: 128 bits, which nobody guesses.
const TOKEN_BYTES: usize = 16;

/// Headers of every answer: nothing is loaded from elsewhere, nothing is kept, no other page may frame these.
const HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// What the pages of the server may load.
const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is needed to be let in.
pub(crate) struct Access {
    token: String,
    port: u16,
}

impl Access {
    /// A new token for a port.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub(crate) fn new(port: u16) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self { token: bytes.iter().map(|byte| format!("{byte:02x}")).collect(), port })
    }

    /// The address to open.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token)
    }

    fn is_token(&self, given: &str) -> bool {
        self.token.as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// Name of the cookie. Servers on other ports of the machine share the cookies of the browser.
    fn cookie(&self) -> String {
        format!("gibbs-{}", self.port)
    }

    fn is_own_host(&self, host: &str) -> bool {
        [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)].iter().any(|own| own == host)
    }

    /// Whether the host of a request is that of the server.
    fn has_own_host(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let named = uri.authority().is_none_or(|authority| self.is_own_host(authority.as_str()));
        named && host.to_str().is_ok_and(|host| self.is_own_host(host))
    }

    /// Whether a request comes from a page of the server, or from no page.
    fn is_from_own_page(&self, headers: &HeaderMap) -> bool {
        let is_own = |origin: &HeaderValue| {
            let host = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
            host.is_some_and(|host| self.is_own_host(host))
        };
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        headers.get(header::ORIGIN).is_none_or(is_own) && site.is_none_or(|site| site == b"same-origin")
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let name = self.cookie();
        cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .any(|(own, value)| own == name && self.is_token(value))
    }

    fn is_in_address(&self, uri: &Uri) -> bool {
        let pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
        pairs.filter_map(|pair| pair.strip_prefix("token=")).any(|token| self.is_token(token))
    }
}

/// Lets in who may ask.
pub(crate) async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let in_address = access.is_in_address(request.uri());
    let mut response = match refusal(&access, &request, in_address) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", access.cookie(), access.token);
    if let (true, Ok(cookie)) = (in_address, HeaderValue::from_str(&cookie)) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

fn refusal(access: &Access, request: &Request, in_address: bool) -> Option<Response> {
    let headers = request.headers();
    if !access.has_own_host(request.uri(), headers) {
        return Some(
            Refusal(StatusCode::FORBIDDEN, "this is not the host of the server".into()).into_response(),
        );
    }
    if !in_address && !access.has_cookie(headers) {
        return Some((StatusCode::UNAUTHORIZED, Html(pages::LOCKED)).into_response());
    }
    if request.method() != Method::GET && !access.is_from_own_page(headers) {
        return Some(Refusal(StatusCode::FORBIDDEN, "this comes from another page".into()).into_response());
    }
    None
}
