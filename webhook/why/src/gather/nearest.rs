//! What to say where there is no such application: names that are nearly so.

use emberscope_ask::clients::Cluster;
use emberscope_ask::{self as ask, Resource};
use kube::Client;

use super::names::PRESENCE;
use super::{Options, find};
use crate::facts::Facts;
use crate::redact::clean;
use crate::units;

/// How many names are offered.
const OFFERED: usize = 3;

/// Labels of pods that may say what an application is called.
const LABELS: [&str; 2] = ["spark-app-name", "spark-app-selector"];

/// Why there is no answer, and what there is.
pub(super) async fn sentence(
    called: &str,
    prometheus: Option<&(Client, String)>,
    cluster: Option<&Cluster>,
    options: &Options,
    window: [f64; 2],
    facts: &Facts,
) -> String {
    let mut names = Vec::new();
    let mut said = Vec::new();
    if let Some((client, place)) = prometheus {
        match find::every(client, None, window).await {
            Ok(runs) if runs.is_empty() => said.push(format!(
                "{place} has no figures of any driver ({PRESENCE}): emberscope check tells why"
            )),
            Ok(runs) => {
                let inside = |run: &find::Run| {
                    options.namespace.as_ref().is_none_or(|name| *name == run.namespace)
                };
                let there = runs.iter().filter(|run| inside(run)).count();
                said.push(format!("{place} knows {}", units::count(there as f64, "application")));
                for run in runs {
                    names.extend([run.name, run.id, run.pod].into_iter().flatten());
                }
            }
            Err(refusal) => said.push(format!("{place}: {refusal}")),
        }
    }
    if let Some(cluster) = cluster {
        let pods = Resource { api: "v1", kind: "pods", namespace: options.namespace.as_deref() };
        match ask::list(&cluster.client, &pods, "spark-role=driver").await {
            Ok((pods, _)) => {
                said.push(format!(
                    "the API server knows {}",
                    units::count(pods.len() as f64, "driver")
                ));
                for pod in pods {
                    let labels = &pod["metadata"]["labels"];
                    names.extend(
                        LABELS
                            .iter()
                            .filter_map(|label| labels[*label].as_str().map(str::to_owned)),
                    );
                    names.extend(pod["metadata"]["name"].as_str().map(str::to_owned));
                }
            }
            Err(refusal) => said.push(format!("the API server: {refusal}")),
        }
    }
    said.extend(facts.unknown.iter().map(|one| format!("{}: {}", one.what, one.why)));
    let since = units::seconds(options.since);
    let place =
        options.namespace.as_ref().map(|name| format!(" in namespace {name}")).unwrap_or_default();
    let mut text = format!("no application {}{place} in the last {since}", clean(called));
    let near = nearest(called, names);
    if !near.is_empty() {
        let near: Vec<String> = near.iter().map(|name| clean(name)).collect();
        text = format!("{text}; did you mean {}?", near.join(", "));
    }
    format!("{text}\n  {}\n  --since looks further back", said.join("\n  "))
}

/// The names that are most like it.
fn nearest(called: &str, mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    let called = called.to_lowercase();
    let mut by_distance: Vec<(usize, String)> = names
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let inside = called.len() >= 3 && lower.contains(&called)
                || lower.len() >= 3 && called.contains(&lower);
            let distance = if inside { 1 } else { distance(&called, &lower) };
            (distance <= called.chars().count() / 3 + 1).then_some((distance, name))
        })
        .collect();
    by_distance.sort();
    by_distance.into_iter().take(OFFERED).map(|(_, name)| name).collect()
}

/// Letters to put in, take out or change (Levenshtein); of the first hundred.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(100).collect(), b.chars().take(100).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        let mut left = i + 1;
        for (to, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(from != to);
            diagonal = *cell;
            *cell = changed.min(left + 1).min(diagonal + 1);
            left = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_and_a_part_of_a_name_are_near() {
        let names = || {
            ["taxi-trips", "taxi-trip-8145efa2-driver", "nightly-load", "x"]
                .map(str::to_owned)
                .to_vec()
        };
        assert_eq!(nearest("taxi-tripz", names()), ["taxi-trips"]);
        assert_eq!(nearest("8145efa2", names()), ["taxi-trip-8145efa2-driver"]);
        assert_eq!(nearest("orders", names()), Vec::<String>::new());
        assert_eq!(
            (distance("kitten", "sitting"), distance("", "abc"), distance("a", "a")),
            (3, 3, 0)
        );
    }
}
