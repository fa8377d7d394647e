//! Pictures of facts: the application over time, its containers' lives, their memory, its stages.

use super::escape;
use super::svg::{Svg, WIDTH};
use crate::facts::{Container, Facts, Role};
use crate::units::{bytes, count, number, percent, seconds};

/// Room for names at the left.
const LEFT: f64 = 210.0;

/// Room for figures at the right.
const RIGHT: f64 = 130.0;

/// Containers that are drawn.
const CONTAINERS: usize = 40;

/// Stages that are listed.
const STAGES: usize = 20;

/// Every picture for which there are facts.
pub(super) fn all(facts: &Facts) -> Vec<String> {
    [over_time(facts), lives(facts), memory(facts), cpu(facts), stages(facts)]
        .into_iter()
        .flatten()
        .collect()
}

/// Slots, tasks and jobs.
fn over_time(facts: &Facts) -> Option<String> {
    let (first, last) = (facts.timeline.first()?.at, facts.timeline.last()?.at);
    let most = facts
        .timeline
        .iter()
        .map(|moment| moment.slots.max(moment.active_tasks))
        .fold(1.0, f64::max);
    let (top, ground) = (14.0, 150.0);
    let x = |at: f64| 40.0 + (at - first.0) / (last.0 - first.0).max(1.0) * (WIDTH - 50.0);
    let y = |value: f64| ground - value / most * (ground - top);
    let mut svg = Svg::new(188.0);
    let points = |of: fn(&crate::facts::Moment) -> f64| -> Vec<(f64, f64)> {
        facts.timeline.iter().map(|moment| (x(moment.at.0), y(of(moment)))).collect()
    };
    svg.area(&points(|moment| moment.slots), ground, "slots");
    svg.area(&points(|moment| moment.active_tasks), ground, "busy");
    let pairs = facts.timeline.iter().zip(facts.timeline.iter().skip(1));
    for (this, next) in pairs.filter(|(this, _)| this.active_jobs > 0.0) {
        let (from, to) = (x(this.at.0), x(next.at.0));
        svg.rectangle(
            [from, ground + 4.0, to - from + 0.3, 6.0],
            "jobs",
            &count(this.active_jobs, "job"),
        );
    }
    svg.text(34.0, y(most) + 4.0, "end", &number(most));
    svg.text(34.0, ground + 4.0, "end", "0");
    svg.text(40.0, 180.0, "start", &first.to_string());
    svg.text(WIDTH - 10.0, 180.0, "end", &last.to_string());
    Some(svg.figure(
        "Over time",
        &[("slots", "slots for tasks"), ("busy", "tasks"), ("jobs", "a job runs")],
    ))
}

/// From when to when each container was there, and how it ended.
fn lives(facts: &Facts) -> Option<String> {
    let shown: Vec<&Container> = facts
        .containers
        .iter()
        .filter(|one| one.first_seen_at.is_some())
        .take(CONTAINERS)
        .collect();
    let first =
        shown.iter().filter_map(|one| one.first_seen_at).map(|time| time.0).reduce(f64::min)?;
    let last =
        shown.iter().filter_map(|one| one.last_seen_at).map(|time| time.0).reduce(f64::max)?;
    let x = |at: f64| LEFT + (at - first) / (last - first).max(1.0) * (WIDTH - LEFT - RIGHT);
    let mut svg = Svg::new(shown.len() as f64 * 18.0 + 6.0);
    for (row, container) in shown.iter().enumerate() {
        let (Some(from), Some(to)) = (container.first_seen_at, container.last_seen_at) else {
            continue;
        };
        let y = row as f64 * 18.0 + 3.0;
        let oom = container.last_state.is_some_and(crate::facts::LastState::is_oom);
        let colour = if oom { "bad" } else { "busy" };
        svg.text(LEFT - 8.0, y + 11.0, "end", &name(container));
        svg.rectangle(
            [x(from.0), y, x(to.0) - x(from.0), 13.0],
            colour,
            &format!("{from} to {to}"),
        );
        let end = match container.last_state {
            Some(_) if oom => "killed: memory",
            Some(_) => "ended",
            None => "",
        };
        svg.text(x(to.0) + 6.0, y + 11.0, "start", end);
    }
    Some(
        svg.figure(
            "Driver and executors",
            &[("busy", "seen"), ("bad", "killed for want of memory")],
        ),
    )
}

/// What each container's memory was made of when there was most of it.
fn memory(facts: &Facts) -> Option<String> {
    let shown: Vec<(&Container, crate::facts::Memory)> = facts
        .containers
        .iter()
        .filter_map(|one| Some((one, one.at_peak?)))
        .take(CONTAINERS)
        .collect();
    let size = |(one, memory): &(&Container, crate::facts::Memory)| {
        one.limit_bytes.unwrap_or_default().max(memory.working_set)
    };
    let most = shown.iter().map(size).reduce(f64::max).filter(|most| *most > 0.0)?;
    let width = |bytes: f64| bytes / most * (WIDTH - LEFT - RIGHT);
    let mut svg = Svg::new(shown.len() as f64 * 22.0 + 6.0);
    for (row, (container, memory)) in shown.iter().enumerate() {
        let y = row as f64 * 22.0 + 3.0;
        svg.text(LEFT - 8.0, y + 12.0, "end", &name(container));
        let mut x = LEFT;
        let parts = [
            ("heap", "heap", memory.heap),
            ("jvm", "JVM outside of the heap", memory.off_heap()),
            ("python", "Python", memory.python),
            ("cache", "page cache", memory.page_cache),
        ];
        for (colour, what, part) in parts {
            let Some(part) = part.filter(|part| *part > 0.0) else { continue };
            // Pages that processes share count for each: what does not fit is not drawn.
            let wide = width(part).min(LEFT + width(size(&(container, *memory))) - x).max(0.0);
            svg.rectangle([x, y, wide, 15.0], colour, &format!("{what} {}", bytes(part)));
            x += wide;
        }
        if let Some(limit) = container.limit_bytes {
            let at = LEFT + width(limit);
            svg.line([at, y - 2.0, at, y + 18.0], "bad");
        }
        let limit =
            container.limit_bytes.map(|limit| format!(" of {}", bytes(limit))).unwrap_or_default();
        svg.text(WIDTH, y + 12.0, "end", &format!("{}{limit}", bytes(memory.working_set)));
    }
    Some(svg.figure(
        "Memory when there was most of it, against the limit",
        &[
            ("heap", "heap"),
            ("jvm", "JVM outside of the heap"),
            ("python", "Python"),
            ("cache", "page cache"),
            ("bad", "limit"),
        ],
    ))
}

/// CPU, throttling and pressure.
fn cpu(facts: &Facts) -> Option<String> {
    let shown: Vec<&Container> = facts
        .containers
        .iter()
        .filter(|one| one.cpu_seconds.is_some() || one.cpu_periods.is_some())
        .take(CONTAINERS)
        .collect();
    shown.first()?;
    let share =
        |part: Option<f64>, of: f64| part.filter(|_| of > 0.0).map(|part| percent(part / of));
    let rows = shown.iter().map(|one| {
        let life = one.seconds();
        [
            Some(name(one)),
            one.cpu_seconds.filter(|_| life > 0.0).map(|used| number(used / life)),
            one.cpu_quota_cores.map(number),
            share(one.cpu_throttled_periods, one.cpu_periods.unwrap_or_default()),
            share(one.memory_stalled_seconds, life),
            share(one.io_stalled_seconds, life),
        ]
    });
    Some(table(
        "CPU, and what was waited for",
        ["", "cores used", "limit", "periods throttled", "waited for memory", "waited for storage"],
        rows,
    ))
}

/// The most costly stages.
fn stages(facts: &Facts) -> Option<String> {
    facts.stages.first()?;
    let rows = facts.stages.iter().take(STAGES).map(|stage| {
        let time = stage.task_seconds;
        [
            Some(stage.title()),
            Some(seconds(stage.run_seconds)),
            Some(format!(
                "{}{}",
                number(stage.succeeded_tasks),
                if stage.failed_tasks > 0.0 {
                    format!(" ({} failed)", number(stage.failed_tasks))
                } else {
                    String::new()
                }
            )),
            time.map(|time| format!("{} / {}", seconds(time.median), seconds(time.max))),
            Some(bytes(stage.input_bytes)),
            Some(bytes(stage.shuffle_read_bytes)),
            Some(bytes(stage.spilled_bytes)),
        ]
    });
    Some(table(
        "Stages, the most costly first",
        ["", "task time", "tasks", "median / longest", "input", "shuffle read", "spilled"],
        rows,
    ))
}

fn table<const N: usize>(
    heading: &str,
    heads: [&str; N],
    rows: impl Iterator<Item = [Option<String>; N]>,
) -> String {
    let cell = |tag: &str, text: &str| format!("<{tag}>{}</{tag}>", escape(text));
    let heads = heads.map(|head| cell("th", head)).concat();
    let row = |row: [Option<String>; N]| {
        let cells = row.map(|text| cell("td", text.as_deref().unwrap_or("–"))).concat();
        format!("<tr>{cells}</tr>\n")
    };
    let rows = rows.map(row).collect::<Vec<_>>().concat();
    format!(
        "<section>\n<h2>{}</h2>\n<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</section>",
        escape(heading)
    )
}

/// What a container is called in few letters.
fn name(container: &Container) -> String {
    match (container.role, &container.executor_id) {
        (Role::Driver, _) => "driver".to_owned(),
        (Role::Executor, Some(id)) => format!("executor {id}"),
        (Role::Executor, None) => {
            let letters: Vec<char> = container.pod.chars().collect();
            let start = letters.len().saturating_sub(28);
            letters.get(start..).unwrap_or_default().iter().collect()
        }
    }
}
