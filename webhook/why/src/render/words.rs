//! The sentences that every form of an answer has.

use crate::answer::Answer;
use crate::facts::{Source, Time};
use crate::findings::{Change, Evidence};
use crate::units::{bytes, count, number, seconds};

/// What the application is called: its name, or else the next best.
pub(super) fn title(answer: &Answer) -> &str {
    let application = &answer.application;
    let names = [&application.name, &application.id, &application.driver_pod];
    names.into_iter().flatten().next().map_or("the application", String::as_str)
}

/// Where it is: namespace, driver and ids.
pub(super) fn place(answer: &Answer) -> String {
    let application = &answer.application;
    let mut parts = Vec::new();
    if let Some(cluster) = &application.cluster {
        parts.push(format!("cluster {cluster}"));
    }
    parts.push(match &application.driver_pod {
        Some(pod) => format!("{}/{pod}", application.namespace),
        None => format!("namespace {}", application.namespace),
    });
    parts.extend(application.id.clone());
    parts.extend(application.emr_job_id.as_ref().map(|id| format!("EMR job {id}")));
    parts.extend(application.spark_version.as_ref().map(|version| format!("Spark {version}")));
    parts.extend(application.team.as_ref().map(|team| format!("team {team}")));
    parts.join(", ")
}

/// When it ran, and for how long.
pub(super) fn time(answer: &Answer) -> Option<String> {
    let application = &answer.application;
    let start = application.started_at?;
    let took = answer.duration_seconds.map(|took| format!(", {}", seconds(took)));
    let end = match (application.ended_at, application.last_seen_at) {
        (Some(end), _) => format!(" to {}", clock(end, start)),
        (None, Some(seen)) => format!(", last seen {}", clock(seen, start)),
        (None, None) => String::new(),
    };
    Some(format!("{start}{end}{}", took.unwrap_or_default()))
}

/// What it ran with.
pub(super) fn resources(answer: &Answer) -> Option<String> {
    let has = &answer.resources;
    let mut parts = Vec::new();
    if let Some(executors) = has.executors {
        let mut with = Vec::new();
        with.extend(has.executor_cores.map(|cores| count(cores, "core")));
        with.extend(has.executor_memory_bytes.map(bytes));
        let with =
            if with.is_empty() { String::new() } else { format!(" with {}", with.join(" and ")) };
        let each = if executors > 1.0 && !with.is_empty() { " each" } else { "" };
        parts.push(format!("at most {}{with}{each}", count(executors, "executor")));
    }
    parts.extend(has.driver_memory_bytes.map(|memory| format!("a driver with {}", bytes(memory))));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The change as a setting, where it is one.
pub(super) fn setting(change: &Change) -> Option<String> {
    Some(format!("{}={}", change.setting.as_ref()?, change.value.as_ref()?))
}

/// Who said it, when, and of which pod; of the pod what tells it from the application's others.
pub(super) fn origin(evidence: &Evidence, answer: &Answer) -> String {
    let mut parts = vec![evidence.source.title().to_owned()];
    if let Some(at) = evidence.at {
        let day = answer.application.started_at.unwrap_or(answer.asked_at);
        parts.push(clock(at, day));
    }
    parts.extend(evidence.pod.clone());
    parts.join(", ")
}

/// Who was asked, and who did not know.
pub(super) fn asked(answer: &Answer) -> String {
    let each = answer.asked.iter().map(|asked| {
        let knew = if asked.answered { "" } else { " (did not know it)" };
        match (asked.source, asked.place.as_str()) {
            (source @ Source::DriverLog, _) | (source, "") => format!("{}{knew}", source.title()),
            (source, place) => format!("{} {place}{knew}", source.title()),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

/// The time of day where the day is the same.
fn clock(time: Time, day: Time) -> String {
    let (time, day) = (time.to_string(), day.to_string());
    match (time.split_once('T'), day.split_once('T')) {
        (Some((date, clock)), Some((other, _))) if date == other => clock.to_owned(),
        _ => time,
    }
}

/// `3 findings`, `no finding`.
pub(super) fn how_many(answer: &Answer) -> String {
    match answer.findings.len() {
        0 => "nothing is the matter, as far as can be seen".to_owned(),
        many => format!("{} finding{}", number(many as f64), if many == 1 { "" } else { "s" }),
    }
}
