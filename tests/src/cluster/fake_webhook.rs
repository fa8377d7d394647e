//! Other webhooks, and ones that misbehave. All of them are fakes: real ones cannot be made to drop
//! a field, hang or talk nonsense on demand.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use emberscope_certs::{Identity, authority};
use http_body_util::{BodyExt as _, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::Cluster;

/// What a fake does with an AdmissionReview.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Allows it, with these operations of a JSON Patch.
    Patch(Value),
    /// Never answers.
    Silence,
    /// Answers 200 with these bytes.
    Says(&'static str),
}

/// A webhook on loopback that does what a test tells it; ends when dropped.
#[derive(Debug)]
pub struct FakeWebhook {
    port: u16,
    ca: Identity,
    asked: Arc<AtomicUsize>,
    _stop: oneshot::Sender<()>,
}

impl FakeWebhook {
    /// Starts one whose certificate an authority of its own vouches for.
    pub fn start<F>(behave: F) -> Result<Self>
    where
        F: Fn(&Value) -> Behaviour + Send + Sync + 'static,
    {
        Self::start_under(authority::generate(SystemTime::now())?, behave)
    }

    /// Starts one whose certificate `ca` vouches for.
    pub fn start_under<F>(ca: Identity, behave: F) -> Result<Self>
    where
        F: Fn(&Value) -> Behaviour + Send + Sync + 'static,
    {
        let leaf = authority::issue(&ca, &["localhost".to_owned()], SystemTime::now())?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let tls = acceptor(&leaf)?;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let behave = move |review: &Value| {
            count.fetch_add(1, Ordering::Relaxed);
            behave(review)
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // A thread of its own: tests block theirs while kubectl runs.
        thread::Builder::new()
            .name("fake webhook".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        _ = serve(listener, tls, Arc::new(behave)) => {}
                        _ = stopped => {}
                    }
                });
            })
            .context("no thread for the fake webhook")?;
        Ok(Self { port, ca, asked, _stop: stop })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many reviews it was asked about so far.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Has the API server ask it about the pods of one namespace. API servers ask webhooks in the
    /// order of their configurations' names.
    pub fn register(&self, cluster: &Cluster, name: &str, namespace: &str) -> Result<()> {
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{
                "name": format!("{name}.example.com"),
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "clientConfig": {
                    "url": format!("https://localhost:{}/mutate", self.port),
                    "caBundle": STANDARD.encode(&self.ca.certificate),
                },
                "rules": [{
                    "apiGroups": [""], "apiVersions": ["v1"],
                    "operations": ["CREATE"], "resources": ["pods"],
                }],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            }],
        });
        cluster.kubectl().run_on(["create", "-f", "-"], &configuration)?;
        Ok(())
    }
}

fn acceptor(leaf: &Identity) -> Result<TlsAcceptor> {
    let key = leaf.certified_key()?;
    let resolver = rustls::sign::SingleCertAndKey::from(key);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve<F>(listener: std::net::TcpListener, tls: TlsAcceptor, behave: Arc<F>) -> Result<()>
where
    F: Fn(&Value) -> Behaviour + Send + Sync + 'static,
{
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (tls, behave) = (tls.clone(), Arc::clone(&behave));
        tokio::spawn(async move {
            let stream = tls.accept(stream).await?;
            let service = service_fn(|request| answer(request, &*behave));
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await?;
            anyhow::Ok(())
        });
    }
}

async fn answer<F>(request: Request<Incoming>, behave: &F) -> Result<Response<Full<Bytes>>>
where
    F: Fn(&Value) -> Behaviour,
{
    let body = request.into_body().collect().await?.to_bytes();
    let review: Value = serde_json::from_slice(&body)?;
    let body = match behave(&review) {
        Behaviour::Silence => std::future::pending().await,
        Behaviour::Says(text) => Bytes::from_static(text.as_bytes()),
        Behaviour::Patch(operations) => {
            let answer = json!({
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": {
                    "uid": review["request"]["uid"],
                    "allowed": true,
                    "patchType": "JSONPatch",
                    "patch": STANDARD.encode(operations.to_string()),
                },
            });
            Bytes::from(answer.to_string())
        }
    };
    Ok(Response::new(Full::new(body)))
}
