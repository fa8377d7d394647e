//! What is served of the account of stages.

use super::application::Application;
use super::failures::Failures;
use super::figures::{FIGURES, Figures, LABELS, TASKS_ENDED};
use super::ledger::{Stage, View};
use super::losses::Losses;
use super::queries::Queries;
use super::settings::Settings;
use super::summary::{QUANTILES, Quantiles};
use crate::exposition::{Described, Kind, Page, Part, Row};

/// What the stages without names of their own are called, all together.
pub(super) const OTHER: &str = "other";

/// What Prometheus calls the quantiles that Spark is asked for.
const QUANTILE_LABELS: [&str; QUANTILES.len()] = ["0.5", "0.95", "1"];

/// What there is of a listed stage beside its figures.
#[rustfmt::skip]
const OF_STAGE: [Row<Stage>; 5] = [
    (Described::gauge("spark_stage_active", LABELS, "Whether an attempt of the stage runs (1) or none does (0)."),
        |stage| Some(f64::from(u8::from(stage.is_running())))),
    (Described::gauge("spark_stage_active_tasks", LABELS, "Tasks of the stage that run."),
        |stage| Some(stage.active_tasks as f64)),
    (Described::gauge("spark_stage_planned_tasks", LABELS, "Tasks that the stage's last attempt has."),
        |stage| Some(stage.planned_tasks as f64)),
    (Described::gauge("spark_stage_attempts", LABELS, "Attempts of the stage; more than one if shuffle data was lost."),
        |stage| Some(f64::from(stage.attempts))),
    (Described::gauge("spark_stage_skew_ratio", LABELS, "How many times as long as the stage's median task its longest one ran, of those that succeeded; from 8 of them on."),
        |stage| stage.summary.skew()),
];

/// The quantiles of a stage's tasks.
type Distribution = (&'static str, &'static str, f64, fn(&Stage) -> Option<Quantiles>);

#[rustfmt::skip]
const DISTRIBUTIONS: [Distribution; 2] = [
    ("spark_stage_task_duration_seconds",
        "How long tasks of the stage ran, of those that succeeded (executorRunTime).",
        1e3, |stage| stage.summary.run_time),
    ("spark_stage_task_shuffle_read_bytes",
        "Shuffle data that tasks of the stage read, of those that succeeded.",
        1.0, |stage| stage.summary.shuffle_read),
];

/// What is only known at the end.
const UNSEEN_TASKS: Described = Described::gauge(
    "spark_stage_unseen_tasks",
    &["application_id"],
    "Tasks of stages that were never seen, or not to their end, before Spark closed its UI; they are in stage=\"other\".",
);

/// A page with every family and no sample, for documentation.
#[must_use]
pub fn documented() -> Page {
    let figures = FIGURES.iter().map(|figure| &figure.metric);
    let of_stage = OF_STAGE.iter().map(|(metric, _)| metric);
    let of_application = Application::described().into_iter().chain(Settings::described());
    let of_ends =
        Losses::described().into_iter().chain(Failures::described()).chain(Queries::described());
    let of_application = of_application.chain(of_ends);
    let all = of_application.chain(figures).chain(of_stage).chain([&UNSEEN_TASKS]);
    let mut page = Page::of_described(all);
    for (name, help, ..) in DISTRIBUTIONS {
        page.family(name, Kind::Summary, help);
    }
    page.document_labels(&["quantile"]);
    page
}

/// Writes what there is of each stage, and the sum of the rest.
pub(super) fn write(view: &View, application_id: &str, page: &mut Page) {
    let id = ("application_id", application_id);
    for stage in &view.listed {
        let number = stage.id.to_string();
        let labels = [id, ("stage_id", &number), ("stage", &stage.name)];
        write_figures(&stage.figures(), &labels, page);
        page.put_all(&OF_STAGE, &labels, stage);
        for (name, help, divisor, quantiles) in DISTRIBUTIONS {
            let Some(quantiles) = quantiles(stage) else { continue };
            let family = page.family(name, Kind::Summary, help);
            for (quantile, value) in QUANTILE_LABELS.into_iter().zip(quantiles) {
                let [id, number, stage] = labels;
                let labels = page.labels(&[id, number, stage, ("quantile", quantile)]);
                page.push(family, Part::Value, labels, value / divisor);
            }
        }
    }
    // From 0 on: what goes up from nothing has no rate.
    let mut told = view.other;
    view.listed.iter().for_each(|stage| told += &stage.figures().zeros());
    write_figures(&told, &[id, ("stage", OTHER)], page);
}

/// Writes how much was never seen by stage.
pub(super) fn write_unseen(unseen: &Figures, application_id: &str, page: &mut Page) {
    let tasks: u64 = TASKS_ENDED.iter().map(|place| unseen.get(*place)).sum();
    page.put(&UNSEEN_TASKS, &[("application_id", application_id)], tasks as f64);
}

fn write_figures(figures: &Figures, labels: &[(&str, &str)], page: &mut Page) {
    let plain = page.labels(labels);
    for (figure, value) in figures.iter() {
        let metric = &figure.metric;
        let family = page.family(metric.name, metric.kind, metric.help);
        let labels = figure.state.map_or(plain, |state| {
            let labels: Vec<_> = labels.iter().copied().chain([("state", state)]).collect();
            page.labels(&labels)
        });
        page.push(family, Part::Value, labels, figure.unit.convert(value as f64));
    }
}
