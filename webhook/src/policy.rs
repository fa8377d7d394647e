//! `emberscope policy`: the same rules as a MutatingAdmissionPolicy, which the API server carries out
//! itself: no server, no certificate, no call
//! (<https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/>, stable in
//! Kubernetes 1.36).
//!
//! ```text
//! configuration -> settings -+-> outcome_for(pod) -> plan -> JSON Patch        (the webhook)
//!                            +-> constants in CEL, evaluated with each pod     (the policy)
//! ```
//!
//! What does not depend on the pod comes from the same functions: the container is the one that
//! [`outcome_by`](emberscope_core::outcome_by) plans for a pod with nothing special about it, names and
//! the annotations that users may set come from the same tables. What does depend on the pod is written
//! once more, in CEL; tests hold the pods that both make, by a real API server, against each other.
//!
//! | module | what it writes |
//! |---|---|
//! | `cel` | literals and typed objects |
//! | `selection` | which pods the policy is for |
//! | `variables` | what is worked out from the pod, step by step |
//! | `mutation` | the operations |

mod cel;
mod mutation;
mod selection;
mod variables;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use emberscope_core::{AllSettings, Settings};

use crate::cli::Policy;
use crate::input;
use crate::output::print;
use selection::{Condition, Selection};
use variables::Variable;

/// Prints the policies for a configuration.
pub fn run(args: &Policy) -> Result<ExitCode> {
    let settings = input::offline(args.config.as_deref(), args.image.clone())?;
    print(documents(&settings)?)
}

/// A policy and its binding for the default settings and for each profile, as YAML.
///
/// No pod is selected by two of them: each leaves out what an earlier profile selects, as
/// [`AllSettings::of`] does.
pub fn documents(all: &AllSettings) -> Result<String> {
    let selection = Selection::shipped()?;
    let mut yaml = String::from(HEAD);
    for (index, (_, settings)) in all.profiles().iter().enumerate() {
        let profile = selection::of_profile(all.profiles(), index);
        document(&mut yaml, settings, &selection, &profile)?;
    }
    let rest = selection::of_no_profile(all.profiles());
    document(&mut yaml, all.default(), &selection, &rest)?;
    Ok(yaml)
}

const HEAD: &str = "\
# Printed by `emberscope policy`; `kubectl apply -f -` takes it (Kubernetes 1.36 or newer). It is for
# namespaces with the label emberscope.dev/inject=enabled and needs nothing else installed. Do not
# edit it: change the configuration and print it again.
";

fn document(
    yaml: &mut String,
    settings: &Settings,
    selection: &Selection,
    profile: &[Condition],
) -> Result<()> {
    let name = match &settings.profile {
        Some(profile) => format!("emberscope-{profile}"),
        None => "emberscope".to_owned(),
    };
    let meta = format!(
        "metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: emberscope
    app.kubernetes.io/component: policy
    app.kubernetes.io/part-of: emberscope
    app.kubernetes.io/version: \"{}\"
",
        env!("CARGO_PKG_VERSION")
    );
    write!(
        yaml,
        "---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
{meta}spec:
  # A job without metrics beats no job.
  failurePolicy: Ignore
  # The patch applied twice equals the patch applied once.
  reinvocationPolicy: IfNeeded
  matchConstraints:
{}  matchConditions:
",
        selection.constraints(&settings.config.roles, 4)?
    )?;
    for Condition { name, why, expression } in selection.conditions().iter().chain(profile) {
        comment(yaml, why, 4)?;
        writeln!(yaml, "    - name: {name}\n      expression: |-\n{}", indented(expression, 8))?;
    }
    yaml.push_str("  variables:\n");
    for Variable { name, why, expression } in variables::all(settings) {
        comment(yaml, why, 4)?;
        writeln!(yaml, "    - name: {name}\n      expression: |-\n{}", indented(&expression, 8))?;
    }
    let expression = mutation::expression(settings)?;
    write!(
        yaml,
        "  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: |-
{}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
{meta}spec:
  policyName: {name}
",
        indented(&expression, 10)
    )?;
    Ok(())
}

fn comment(yaml: &mut String, why: &str, indent: usize) -> Result<()> {
    for line in why.lines() {
        writeln!(yaml, "{:indent$}# {line}", "")?;
    }
    Ok(())
}

fn indented(text: &str, indent: usize) -> String {
    let lines = text.trim_end().lines().map(|line| format!("{:indent$}{line}", ""));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
