//! The findings as text for people and as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::finding::{Finding, Link, Outcome};

/// Whether nothing failed.
#[must_use]
pub fn all_well(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.outcome != Outcome::Fail)
}

/// One line for each finding under its link's heading, remedies below them, and a line over all.
#[must_use]
pub fn text(findings: &[Finding], colours: bool) -> String {
    let mut text = String::new();
    for link in Link::ALL {
        let of_link = findings.iter().filter(|finding| finding.check.link == link);
        for (index, finding) in of_link.enumerate() {
            // Writing into a string cannot fail.
            if index == 0 {
                let _ = writeln!(text, "{}", link.title());
            }
            let _ = writeln!(text, "  {}  {}", mark(finding.outcome, colours), finding.sentence);
            for line in finding.remedy.iter().flat_map(|remedy| remedy.lines()) {
                let _ = writeln!(text, "        -> {line}");
            }
        }
    }
    text + "\n" + &summary(findings) + "\n"
}

/// The findings by link, and whether nothing failed.
#[must_use]
pub fn json(findings: &[Finding]) -> Value {
    let links = Link::ALL.map(|link| {
        let of_link: Vec<_> =
            findings.iter().filter(|finding| finding.check.link == link).collect();
        json!({"link": link.code(), "checks": of_link})
    });
    json!({
        "ok": all_well(findings),
        "version": env!("CARGO_PKG_VERSION"),
        "links": links,
    })
}

fn summary(findings: &[Finding]) -> String {
    let count = |outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    let mut summary = format!("{} passed", count(Outcome::Pass));
    for (outcome, one, many) in [
        (Outcome::Warn, "warning", "warnings"),
        (Outcome::Fail, "failure", "failures"),
        (Outcome::Skip, "not made", "not made"),
    ] {
        match count(outcome) {
            0 => {}
            // Writing into a string cannot fail.
            1 => drop(write!(summary, ", 1 {one}")),
            several => drop(write!(summary, ", {several} {many}")),
        }
    }
    summary
}

fn mark(outcome: Outcome, colours: bool) -> String {
    let (mark, colour) = match outcome {
        Outcome::Pass => ("ok  ", 32),
        Outcome::Skip => ("skip", 2),
        Outcome::Warn => ("warn", 33),
        Outcome::Fail => ("FAIL", 31),
    };
    if colours { format!("\u{1b}[{colour}m{mark}\u{1b}[0m") } else { mark.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{API, DEPLOYMENT, LABELLED, NETWORK_POLICY, PROMETHEUS};

    fn findings() -> Vec<Finding> {
        vec![
            API.pass("the API server answers: v1.36.2"),
            DEPLOYMENT.fail("no replica is ready (of 2)", "kubectl get pods\nkubectl logs"),
            NETWORK_POLICY.warn("there is no NetworkPolicy", "kubectl apply -k manifests/base"),
            LABELLED.pass("1 namespace is labelled: a"),
            PROMETHEUS.skip("not asked: --prometheus URL names one"),
        ]
    }

    #[test]
    fn each_finding_has_a_line_under_its_link_and_its_remedy_below_it() {
        let expected = "\
Kubernetes
  ok    the API server answers: v1.36.2
The webhook's server
  FAIL  no replica is ready (of 2)
        -> kubectl get pods
        -> kubectl logs
  warn  there is no NetworkPolicy
        -> kubectl apply -k manifests/base
Namespaces
  ok    1 namespace is labelled: a
Prometheus
  skip  not asked: --prometheus URL names one

2 passed, 1 warning, 1 failure, 1 not made
";
        assert_eq!(text(&findings(), false), expected);
    }

    #[test]
    fn colours_surround_the_mark_alone() {
        let coloured = text(&findings(), true);
        assert!(coloured.contains("  \u{1b}[31mFAIL\u{1b}[0m  no replica"), "{coloured}");
        let (mut plain, mut rest) = (String::new(), coloured.as_str());
        while let Some((before, sequence)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = sequence.split_once('m').unwrap().1;
        }
        assert_eq!(plain + rest, text(&findings(), false));
    }

    #[test]
    fn json_holds_every_link_and_whether_nothing_failed() {
        let report = json(&findings());
        assert_eq!(report["ok"], false);
        assert_eq!(report["links"].as_array().unwrap().len(), Link::ALL.len());
        let failed = &report["links"][1]["checks"][0];
        assert_eq!((&failed["check"], &failed["outcome"]), (&json!("deployment"), &json!("fail")));
        assert!(report["links"][0]["checks"][0].get("remedy").is_none());
    }

    #[test]
    fn warnings_and_what_was_not_looked_at_are_no_failure() {
        let mut findings = findings();
        findings.remove(1);
        assert!(all_well(&findings));
    }
}
