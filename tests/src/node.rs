//! `make node-test`: the same Spark jobs on a real node, without and with Emberscope, and what
//! differs. `tests/node/README.md` tells what the node is; this program runs inside it.
//!
//! ```text
//!  scenarios/NAME/{scenario.yaml, job.py}                  scenario
//!        |
//!        v
//!  spark-submit --deploy-mode cluster                      submission
//!        |                            \
//!        v                             what the submitter says
//!  pods, looked at five times a second                     sight
//!        |          ^
//!        |          +-- kill, delete, break                provocation
//!        v
//!  verdict, order of events, times                         outcome
//!        |
//!        v
//!  without beside with, as a table                         report
//!        ^
//!        |
//!  Prometheus beside Spark's event log                     truth
//! ```

pub mod outcome;
pub mod provocation;
pub mod report;
pub mod scenario;
pub mod sight;
pub mod submission;
pub mod truth;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::time::sleep;

use crate::places::Places;
use outcome::{Outcome, Side};
use report::Row;
use scenario::Scenario;
use sight::Sight;
use submission::{SHARED, Submission};
use truth::{EventLog, Monitoring};

/// How often pods are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How long pods of the run before may take to be gone.
const CLEARED: Duration = Duration::from_mins(2);

/// Runs Spark jobs on the node that this program is in, without and with Emberscope, and compares.
/// Start it with tests/node/run.sh.
#[derive(Debug, Parser)]
#[command(name = "verdicts", version, max_term_width = 100)]
pub struct Args {
    /// Only these scenarios (names of folders in tests/node/scenarios); default: all
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,

    /// The versions of Spark
    #[arg(long, value_delimiter = ',', default_value = "3.5.6,4.3.0")]
    spark: Vec<String>,

    /// Also write the table to this file, as Markdown
    #[arg(long)]
    write: Option<PathBuf>,
}

impl Args {
    /// Runs all; an error if any pair differs or any verdict is not the expected one.
    pub async fn run(self) -> Result<()> {
        let places = Places::find()?;
        let scenarios = scenario::read_all(&places.root.join("tests/node/scenarios"), &self.only)?;
        let client = Client::try_default().await.context(
            "there is no cluster; start this inside the node, as tests/node/run.sh does",
        )?;
        let monitoring = Monitoring::start(&places).await?;
        let stage = Stage { client, places, monitoring };
        let mut rows = Vec::new();
        for scenario in &scenarios {
            for version in &self.spark {
                let mut sides = Vec::new();
                for &side in scenario.sides() {
                    let outcome = stage.play(scenario, version, side).await?;
                    eprintln!("{} on {version}, {side}: {outcome}", scenario.name);
                    sides.push(outcome);
                }
                let row = Row::new(scenario, version, sides);
                for complaint in &row.complaints {
                    eprintln!("{} on {version}: {complaint}", scenario.name);
                }
                rows.push(row);
            }
        }
        let table = report::markdown(&rows);
        println!("{table}");
        if let Some(file) = &self.write {
            fs::write(file, table)
                .with_context(|| format!("{} could not be written", file.display()))?;
        }
        let wrong = rows.iter().filter(|row| !row.complaints.is_empty()).count();
        println!("{} passed, {wrong} failed", rows.len() - wrong);
        ensure!(wrong == 0, "{wrong} of {} scenarios are not as they should be", rows.len());
        Ok(())
    }
}

/// Where jobs are played: the cluster, and this machine's installations.
struct Stage {
    client: Client,
    places: Places,
    monitoring: Monitoring,
}

impl Stage {
    /// One job from its submission to the end of all its pods.
    async fn play(&self, scenario: &Scenario, version: &str, side: Side) -> Result<Outcome> {
        let namespace = self.namespace(side).await?;
        let broken = match scenario.harm {
            Some(harm) => Some(harm.begin(&self.client).await?),
            None => None,
        };
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
        // Those of a run that was broken off.
        clear(&pods).await?;
        let name = format!("{}-{version}-{side}", scenario.name);
        let events = EventLog::begin(Path::new(SHARED).join("events").join(name))?;
        let mut submission =
            Submission::start(&self.places, scenario, version, &namespace, events.folder())?;
        let mut sight = Sight::default();
        let mut provoked = false;
        let patience = Duration::from_secs(scenario.patience_seconds);
        loop {
            let listed = pods.list(&ListParams::default()).await?;
            sight.look(&listed.items, Instant::now());
            self.monitoring.discover(&listed.items)?;
            if let Some(provocation) = scenario.provoke.as_ref().filter(|_| !provoked) {
                provoked = provocation.try_now(&pods, &sight).await?;
            }
            let over = sight.is_over() && submission.has_ended()?;
            if over || submission.started.elapsed() > patience {
                break;
            }
            sleep(LOOK).await;
        }
        let log = sight.driver_log(&pods).await;
        let submitter = submission.end().await?;
        self.keep(scenario, version, side, &log, &submitter.text)?;
        let mut outcome = Outcome::new(&sight, &submitter);
        if side == Side::With && scenario.harm.is_none() {
            outcome.untrue =
                self.monitoring.complaints(&sight.pods(), &events, &scenario.evidence).await?;
        }
        if let Some(broken) = broken {
            broken.mend(&self.client).await?;
        }
        clear(&pods).await?;
        Ok(outcome)
    }

    /// The namespace of one side, with the service account that Spark uses.
    async fn namespace(&self, side: Side) -> Result<String> {
        let name = side.to_string();
        let labels = match side {
            Side::Without => json!({}),
            Side::With => json!({"emberscope.dev/inject": "enabled"}),
        };
        let client = &self.client;
        create(
            &Api::<Namespace>::all(client.clone()),
            &serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}}))?,
        )
        .await?;
        create(
            &Api::<ServiceAccount>::namespaced(client.clone(), &name),
            &serde_json::from_value(json!({"metadata": {"name": "spark"}}))?,
        )
        .await?;
        create(
            &Api::<RoleBinding>::namespaced(client.clone(), &name),
            &serde_json::from_value(json!({
                "metadata": {"name": "spark"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
                "subjects": [{"kind": "ServiceAccount", "name": "spark", "namespace": name}],
            }))?,
        )
        .await?;
        Ok(name)
    }

    /// Keeps both logs for whoever wants to know why.
    fn keep(
        &self,
        scenario: &Scenario,
        version: &str,
        side: Side,
        log: &str,
        submitter: &str,
    ) -> Result<()> {
        let folder = self.places.root.join(".cache/node-test");
        fs::create_dir_all(&folder)?;
        let name = format!("{}-{version}-{side}", scenario.name);
        fs::write(folder.join(format!("{name}-driver.log")), log)?;
        fs::write(folder.join(format!("{name}-submitter.log")), submitter)?;
        Ok(())
    }
}

/// Creates an object, unless it is there already.
async fn create<K>(api: &Api<K>, object: &K) -> Result<()>
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    match api.create(&PostParams::default(), object).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        result => Ok(result.map(drop)?),
    }
}

/// Deletes all pods of a namespace, and waits until they are gone.
async fn clear(pods: &Api<Pod>) -> Result<()> {
    let start = Instant::now();
    pods.delete_collection(&DeleteParams::default().grace_period(1), &ListParams::default())
        .await?;
    while !pods.list(&ListParams::default()).await?.items.is_empty() {
        ensure!(start.elapsed() < CLEARED, "pods of the run before are still there");
        sleep(LOOK).await;
    }
    Ok(())
}
