//! Questions to the API server and to a Prometheus: each with a time limit, each answer read to its end,
//! in pages or up to a size.
//!
//! Whom to ask is found as `kubectl` finds it ([`clients`]); what may not be asked, or is not answered,
//! is a [`Refusal`] that names the missing right.

pub mod clients;
mod interruptible;
pub mod prometheus;

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::Request;
use kube::Client;
use kube::client::Body;
use serde_json::Value;

pub use interruptible::until_asked_to_end;

/// How long one question may take.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Objects per page of a list: Spark's pods have some 20 kB each, and a page has to come in time.
const PAGE: usize = 100;

/// Pages that are read of one list: 10,000 objects.
const PAGES: usize = 100;

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// There is no such object.
    #[error("there is none")]
    Missing,
    /// Whoever asks may not.
    #[error("this needs the right to {0}")]
    Forbidden(String),
    /// The answer is an error.
    #[error("{message}")]
    Answered {
        /// The HTTP status.
        code: u16,
        /// What the API server says.
        message: String,
    },
    /// There was none, or none that could be understood.
    #[error("{0}")]
    Failed(String),
    /// None in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Late,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Resource<'a> {
    /// `v1`, or group and version.
    pub api: &'a str,
    /// In the plural.
    pub kind: &'a str,
    /// None: of the cluster.
    pub namespace: Option<&'a str>,
}

impl Resource<'_> {
    /// The path of all of them.
    fn path(&self) -> String {
        let root = if self.api == "v1" { "/api" } else { "/apis" };
        let namespace = self.namespace.map(|name| format!("/namespaces/{name}"));
        format!("{root}/{}{}/{}", self.api, namespace.unwrap_or_default(), self.kind)
    }

    /// A right, as people say it.
    #[must_use]
    pub fn right(&self, verb: &str, name: Option<&str>) -> String {
        let group = self.api.split_once('/').map(|(group, _)| format!(".{group}"));
        let name = name.map(|name| format!(" {name}")).unwrap_or_default();
        let place = self.namespace.map(|namespace| format!(" in namespace {namespace}"));
        format!(
            "{verb} {}{}{name}{}",
            self.kind,
            group.unwrap_or_default(),
            place.unwrap_or_default()
        )
    }
}

/// One object by its name.
pub async fn get(client: &Client, resource: &Resource<'_>, name: &str) -> Result<Value, Refusal> {
    let path = format!("{}/{name}", resource.path());
    let right = resource.right("get", Some(name));
    json(&request(client, get_request(&path)?, &right).await?)
}

/// All objects that `selector` (labels) selects; whether there are more than are read.
pub async fn list(
    client: &Client,
    resource: &Resource<'_>,
    selector: &str,
) -> Result<(Vec<Value>, bool), Refusal> {
    let mut items = Vec::new();
    let more = each(client, resource, selector, |object| items.push(object)).await?;
    Ok((items, more))
}

/// Hands over these objects page by page, so that no more than one page is held; returns whether
/// there are more than are read.
pub async fn each(
    client: &Client,
    resource: &Resource<'_>,
    selector: &str,
    mut take: impl FnMut(Value),
) -> Result<bool, Refusal> {
    let mut token = String::new();
    for _ in 0..PAGES {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("limit", &PAGE.to_string())
            .append_pair("labelSelector", selector)
            .append_pair("continue", &token)
            .finish();
        let path = format!("{}?{query}", resource.path());
        let right = resource.right("list", None);
        let mut page = json(&request(client, get_request(&path)?, &right).await?)?;
        if let Value::Array(objects) = page["items"].take() {
            objects.into_iter().for_each(&mut take);
        }
        match page.pointer("/metadata/continue").and_then(Value::as_str) {
            Some(next) if !next.is_empty() => next.clone_into(&mut token),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Creates an object as a dry run: nothing is kept. Returns it as it would have been.
pub async fn create_dry(
    client: &Client,
    resource: &Resource<'_>,
    object: &Value,
) -> Result<Value, Refusal> {
    let request_ = Request::post(format!("{}?dryRun=All", resource.path()))
        .header("Content-Type", "application/json")
        .body(object.to_string().into_bytes())
        .map_err(|error| Refusal::Failed(error.to_string()))?;
    json(&request(client, request_, &resource.right("create", None)).await?)
}

/// The body of `GET path`; `right` is what it takes.
pub async fn text(client: &Client, path: &str, right: &str) -> Result<String, Refusal> {
    request(client, get_request(path)?, right).await
}

/// The JSON at `path`.
pub async fn value(client: &Client, path: &str, right: &str) -> Result<Value, Refusal> {
    json(&text(client, path, right).await?)
}

/// The last `keep` bytes of the body at `path`, from a line's beginning on, of which no more than `most` bytes
/// are read; and whether that was all of it.
pub async fn tail(
    client: &Client,
    path: &str,
    right: &str,
    [keep, most]: [usize; 2],
) -> Result<(String, bool), Refusal> {
    let request = Request::get(path).body(Body::empty());
    let request = request.map_err(|error| Refusal::Failed(error.to_string()))?;
    let read = async {
        let response = client.send(request).await.map_err(|error| refusal(&error, right))?;
        let status = response.status();
        let (mut body, mut end, mut read) = (response.into_body(), Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Refusal::Failed(innermost(&error)))?;
            let Ok(bytes) = frame.into_data() else { continue };
            read += bytes.len();
            end.extend_from_slice(&bytes);
            if end.len() > 2 * keep {
                end.drain(..end.len() - keep);
            }
            if read > most {
                break;
            }
        }
        let cut = end.len() > keep || read > end.len();
        let from = end.len().saturating_sub(keep);
        let mut text = String::from_utf8_lossy(end.get(from..).unwrap_or_default()).into_owned();
        if !status.is_success() {
            return Err(unsuccessful(status.as_u16(), &text, right));
        }
        if cut && let Some((_, rest)) = text.split_once('\n') {
            text = rest.to_owned();
        }
        Ok((text, read <= most))
    };
    tokio::time::timeout(TIMEOUT, read).await.unwrap_or(Err(Refusal::Late))
}

/// What an answer that is an error says, where the client has not read it.
fn unsuccessful(code: u16, body: &str, right: &str) -> Refusal {
    let message = json(body).ok().and_then(|status| status["message"].as_str().map(str::to_owned));
    let message = message.unwrap_or_default();
    match code {
        404 => Refusal::Missing,
        403 if message.contains(" cannot ") => Refusal::Forbidden(right.to_owned()),
        code => Refusal::Answered { code, message: said(code, &message) },
    }
}

fn get_request(path: &str) -> Result<Request<Vec<u8>>, Refusal> {
    Request::get(path).body(Vec::new()).map_err(|error| Refusal::Failed(error.to_string()))
}

async fn request(
    client: &Client,
    request: Request<Vec<u8>>,
    right: &str,
) -> Result<String, Refusal> {
    match tokio::time::timeout(TIMEOUT, client.request_text(request)).await {
        Err(_) => Err(Refusal::Late),
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(refusal(&error, right)),
    }
}

fn refusal(error: &kube::Error, right: &str) -> Refusal {
    match error {
        kube::Error::Api(status) => match status.code {
            404 => Refusal::Missing,
            // Quotas and admission plug-ins answer 403 too; the authorizer names user and resource.
            403 if status.message.contains(" cannot ") => Refusal::Forbidden(right.to_owned()),
            code => Refusal::Answered { code, message: said(code, &status.message) },
        },
        other => Refusal::Failed(innermost(other)),
    }
}

/// What is at the bottom of an error: the layers of the client above it say nothing.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    first_line(&error.to_string())
}

/// What an answer says; one that is no `Status` of the API server's, such as a page of a proxy's, may
/// say nothing.
fn said(code: u16, message: &str) -> String {
    match first_line(message) {
        line if line.is_empty() || line.starts_with('<') => format!("HTTP status {code}"),
        line => line,
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

fn json(text: &str) -> Result<Value, Refusal> {
    serde_json::from_str(text).map_err(|_| Refusal::Failed("the answer is no JSON".to_owned()))
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn answered(code: u16, message: &str) -> kube::Error {
        kube::Error::Api(Status::failure(message, "").with_code(code).boxed())
    }

    #[test]
    fn a_missing_right_is_told_from_a_quota() {
        let rbac = answered(403, r#"pods is forbidden: User "a" cannot create resource "pods""#);
        assert!(
            matches!(refusal(&rbac, "create pods"), Refusal::Forbidden(right) if right == "create pods")
        );
        let quota = answered(403, "pods \"a\" is forbidden: exceeded quota");
        assert!(matches!(refusal(&quota, "create pods"), Refusal::Answered { code: 403, .. }));
        assert!(matches!(refusal(&answered(404, ""), ""), Refusal::Missing));
    }

    #[test]
    fn an_answer_without_words_is_told_by_its_status() {
        for page in ["", "<html>"] {
            let told = refusal(&answered(401, page), "").to_string();
            assert_eq!(told, "HTTP status 401", "{page}");
        }
    }

    #[test]
    fn a_right_names_verb_group_resource_and_namespace() {
        let resource = Resource { api: "apps/v1", kind: "deployments", namespace: Some("e") };
        assert_eq!(resource.right("get", Some("x")), "get deployments.apps x in namespace e");
        assert_eq!(resource.path(), "/apis/apps/v1/namespaces/e/deployments");
        let nodes = Resource { api: "v1", kind: "nodes", namespace: None };
        assert_eq!(
            (nodes.right("list", None), nodes.path()),
            ("list nodes".into(), "/api/v1/nodes".into())
        );
    }
}
