//! A Prometheus, by its HTTP API (<https://prometheus.io/docs/prometheus/latest/querying/api/>), and the one
//! of `manifests/monitoring/prometheus`, found by its Service and asked through the API server.

use hyper::Uri;
use kube::{Client, Config};
use serde_json::Value;

use crate::{Refusal, value};

/// Where the Service of the shipped Prometheus is.
pub const NAMESPACE: &str = "emberscope-monitoring";

/// Its name.
pub const SERVICE: &str = "emberscope-prometheus";

/// An instant query, now.
pub async fn query(client: &Client, expression: &str) -> Result<Value, Refusal> {
    ask(client, "query", &[("query", expression)]).await
}

/// An instant query at `time` (Unix seconds).
pub async fn query_at(client: &Client, expression: &str, time: f64) -> Result<Value, Refusal> {
    ask(client, "query", &[("query", expression), ("time", &time.to_string())]).await
}

/// A range query over `[start, end]` (Unix seconds), every `step` seconds.
pub async fn query_range(
    client: &Client,
    expression: &str,
    [start, end]: [f64; 2],
    step: f64,
) -> Result<Value, Refusal> {
    let [start, end, step] = [start, end, step].map(|number| number.to_string());
    let parts = [("query", expression), ("start", &start), ("end", &end), ("step", &step)];
    ask(client, "query_range", &parts).await
}

async fn ask(client: &Client, what: &str, parts: &[(&str, &str)]) -> Result<Value, Refusal> {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parts).finish();
    value(client, &format!("/api/v1/{what}?{query}"), "query").await
}

/// A client whose every path is one behind the API server's proxy to the shipped Prometheus; `config` is
/// the cluster's.
pub fn through_the_api_server(config: &Config) -> Result<Client, String> {
    let url = proxy_at(&config.cluster_url);
    let mut config = config.clone();
    config.cluster_url = url.parse().map_err(|error| format!("{url}: {error}"))?;
    Client::try_from(config).map_err(|error| error.to_string())
}

/// Where that API server, which may have a path of its own, passes requests on to the Service
/// (<https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/>).
fn proxy_at(api_server: &Uri) -> String {
    let api_server = api_server.to_string();
    let api_server = api_server.trim_end_matches('/');
    format!("{api_server}/api/v1/namespaces/{NAMESPACE}/services/{SERVICE}:web/proxy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_api_servers_own_stays_before_the_proxys() {
        for (url, expected) in [
            ("https://10.0.0.1:443", "https://10.0.0.1:443/api/v1/namespaces/"),
            (
                "https://a.example/k8s/clusters/c",
                "https://a.example/k8s/clusters/c/api/v1/namespaces/",
            ),
            ("https://a.example/k8s/", "https://a.example/k8s/api/v1/namespaces/"),
        ] {
            let proxy = proxy_at(&url.parse().unwrap());
            assert!(proxy.starts_with(expected) && proxy.ends_with(":web/proxy"), "{proxy}");
        }
    }
}
