//! Blown fuses: what the webhook's replicas say, on their metrics page.

use kube::Client;

use crate::ask::{self, Refusal};
use crate::finding::{FUSES, Finding};
use crate::namespaces::listed;
use crate::server::plural;

/// The page of one replica, through the API server's proxy; its ops port is the manifests'.
pub(super) async fn fetch(client: &Client, namespace: &str, pod: &str) -> Result<String, Refusal> {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:8080/proxy/metrics");
    ask::text(client, &path, &format!("get pods/proxy in namespace {namespace}")).await
}

/// What the page tells.
pub(super) fn judge(page: Result<&str, &Refusal>) -> Finding {
    let page = match page {
        Ok(page) => page,
        Err(refusal) => {
            return FUSES.skip(format!("the webhook's metrics cannot be read: {refusal}"));
        }
    };
    let blown: Vec<String> = page.lines().filter_map(blown).collect();
    if !blown.is_empty() {
        let remedy = "emberscope check says below which pods wait, and why; see also: kubectl get events -A --field-selector reason=SidecarDoesNotStart\n\
                      mend that; pods are injected again once a sidecar that waited, or an executor that tries, runs, or as soon as the image or the configuration is another\n\
                      executors that wait: kubectl delete pod NAME (Spark asks for others, which start without the sidecar)\n\
                      drivers that wait: delete them and submit their jobs again";
        let noun = plural(blown.len(), "namespace and image").replace("images", "image");
        return FUSES.fail(
            format!(
                "the sidecar does not start, and pods are left alone, in {} {noun}: {}",
                blown.len(),
                listed(&blown)
            ),
            remedy,
        );
    }
    match page.lines().find_map(|line| line.strip_prefix("emberscope_fuse_watching ")) {
        Some("1") => FUSES.pass("nowhere are pods left alone because the sidecar does not start"),
        Some(_) => FUSES.warn(
            "the webhook does not see Spark's pods: a sidecar that does not start would hold up every job that comes",
            "its log says why; it needs the right to list and watch pods (manifests/base/rbac.yaml)",
        ),
        None => FUSES.skip("the webhook's metrics say nothing of it; it is of an older version"),
    }
}

/// Namespace and image of a series of the gauge.
fn blown(line: &str) -> Option<String> {
    let labels = line.strip_prefix("emberscope_fuse_blown{")?.strip_suffix("} 1")?;
    let value = |name: &str| labels.split(&format!("{name}=\"")).nth(1)?.split('"').next();
    Some(format!("{} ({})", value("namespace")?, value("image")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Outcome;

    #[test]
    fn a_blown_fuse_fails_and_a_webhook_that_does_not_see_pods_warns() {
        let page = "emberscope_fuse_blown{image=\"r.io/e:1\",namespace=\"team-a\"} 1\nemberscope_fuse_watching 1\n";
        let found = judge(Ok(page));
        assert_eq!(found.outcome, Outcome::Fail);
        assert!(
            found.sentence.ends_with("in 1 namespace and image: team-a (r.io/e:1)"),
            "{found:?}"
        );
        for (page, outcome) in [
            ("emberscope_fuse_watching 1\n", Outcome::Pass),
            ("emberscope_fuse_watching 0\n", Outcome::Warn),
            ("emberscope_build_info 1\n", Outcome::Skip),
        ] {
            assert_eq!(judge(Ok(page)).outcome, outcome, "{page}");
        }
        assert_eq!(judge(Err(&Refusal::Late)).outcome, Outcome::Skip);
    }
}
