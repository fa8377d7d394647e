//! Reads the end of a driver's log: the exception by which the program ended, down to its innermost cause.
//!
//! Java prints a chain (`Caused by:`), Python a traceback whose last line is the exception, and PySpark the one
//! inside of the other: the driver's Python quotes the JVM's error, which quotes a worker's Python. What
//! is wanted is the last of them that says something of its own.

use std::sync::LazyLock;

use regex::Regex;

use crate::facts::{Exception, Language, Log};

/// Lines that are shown of the end.
const TAIL: usize = 20;

/// Longest line that is read, in bytes.
const LINE: usize = 8192;

/// Classes that only carry another one.
const WRAPPERS: [&str; 9] = [
    "Py4JJavaError",
    "PythonException",
    "SparkException",
    "ExecutionException",
    "InvocationTargetException",
    "UndeclaredThrowableException",
    "RuntimeException",
    "SparkUserAppException",
    "TaskNotSerializableException",
];

/// Classes that say that something is ending, not why.
const ENDINGS: [&str; 5] = [
    "InterruptedException",
    "RejectedExecutionException",
    "ClosedChannelException",
    "AsynchronousCloseException",
    "RpcEnvStoppedException",
];

/// Classes that say enough without a message.
const ERRORS: [&str; 5] = [
    "NullPointerException",
    "OutOfMemoryError",
    "StackOverflowError",
    "AssertionError",
    "MemoryError",
];

/// Code that is not the job's own.
const NOT_THE_JOBS: [&str; 8] = [
    "/pyspark/",
    "/py4j/",
    "site-packages",
    "dist-packages",
    "<frozen",
    "/lib/python",
    "pyspark.zip",
    "py4j-",
];

#[allow(clippy::expect_used)] // Constant, and compiled by every test.
static JVM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(?P<lead>Exception in thread "[^"]*" |Caused by: |: )?(?P<class>(?:[a-z][\w$]*\.)+(?:[A-Z][\w$]*)?(?:Exception|Error|Failure|Throwable)[\w$]*)(?:: ?(?P<message>.*))?$"#).expect("a constant pattern")
});

#[allow(clippy::expect_used)]
static PYTHON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?P<class>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$").expect("a constant pattern")
});

#[allow(clippy::expect_used)]
static FILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^\s+File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)"#)
        .expect("a constant pattern")
});

/// Spark's layouts: `26/11/28 10:22:01 ERROR Name: `, `2026-11-28T10:22:01Z ERROR Name: `.
#[allow(clippy::expect_used)]
static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d[\d/\-]*[ T][\d:.,]+\S*\s+(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\s+[\w.$\-]+: ")
        .expect("a constant pattern")
});

/// The end of a log, read.
#[must_use]
pub fn read(text: &str) -> Log {
    let lines: Vec<&str> = text.lines().map(cut).collect();
    let tail = lines.iter().filter(|line| !line.trim().is_empty()).rev().take(TAIL);
    let mut tail: Vec<String> = tail.map(|line| (*line).to_owned()).collect();
    tail.reverse();
    Log { exception: exception(&lines), tail }
}

/// One exception as it is printed.
struct Printed {
    exception: Exception,
    /// Nothing caught it.
    uncaught: bool,
}

fn exception(lines: &[&str]) -> Option<Exception> {
    let mut printed = Vec::new();
    let mut traceback: Option<Traceback> = None;
    let mut in_task = false;
    let mut stopping = false;
    for line in lines {
        let prefix = PREFIX.find(line).map_or(0, |found| found.end());
        let bare = &line[prefix..];
        stopping |= bare.contains("shutdown hook") && !printed.is_empty();
        if stopping {
            break;
        }
        if bare.contains("Traceback (most recent call last)") {
            in_task |= bare.contains("PythonException");
            traceback = Some(Traceback { top: bare.starts_with("Traceback"), place: None });
            continue;
        }
        if let Some(open) = traceback.as_mut() {
            if let Some(file) = FILE.captures(bare) {
                open.at(&file);
                continue;
            }
            if bare.starts_with(' ') || bare.trim().is_empty() {
                continue;
            }
            if let Some(found) = PYTHON.captures(bare) {
                // A worker's traceback is quoted in the JVM's error.
                let top = open.top && prefix == 0 && !in_task;
                let place = open.place.take();
                let exception =
                    Exception { language: Language::Python, place, in_task, ..of(&found) };
                printed.push(Printed { uncaught: top, exception });
            }
            traceback = None;
            continue;
        }
        in_task |= bare.contains("Lost task") || bare.contains("due to stage failure");
        if let Some(found) = JVM.captures(bare) {
            let lead = found.name("lead").map_or("", |lead| lead.as_str());
            let exception = Exception { language: Language::Jvm, in_task, ..of(&found) };
            printed.push(Printed {
                uncaught: lead.starts_with("Exception in thread \"main\""),
                exception,
            });
        } else if let Some(frame) = bare.trim_start().strip_prefix("at ")
            && let Some(last) = printed.last_mut()
            && last.exception.place.is_none()
            && is_the_jobs(frame)
        {
            last.exception.place = Some(frame.trim().to_owned());
        }
    }
    innermost(printed)
}

/// A traceback that is being read.
struct Traceback {
    top: bool,
    place: Option<String>,
}

impl Traceback {
    fn at(&mut self, found: &regex::Captures<'_>) {
        let file = &found["file"];
        if NOT_THE_JOBS.iter().any(|part| file.contains(part)) {
            return;
        }
        let name = file.rsplit('/').next().unwrap_or(file);
        self.place = Some(format!("{name}:{}, in {}", &found["line"], &found["function"]));
    }
}

/// The last one from the uncaught one on that says something of its own.
fn innermost(mut printed: Vec<Printed>) -> Option<Exception> {
    let first = printed.iter().rposition(|one| one.uncaught);
    let uncaught = first.is_some();
    let chain = printed.split_off(first.unwrap_or(0));
    let outer_place = chain.first().and_then(|one| one.exception.place.clone());
    let says = |one: &&Printed, words: &[&str]| {
        let name = one.exception.class.rsplit('.').next().unwrap_or_default();
        !words.contains(&name)
    };
    // Without a word of its own a class is a symptom: the EOFException of a worker that is gone.
    let speaks = |one: &&Printed| !one.exception.message.is_empty() || !says(one, &ERRORS);
    let own = |one: &&Printed| says(one, &WRAPPERS) && says(one, &ENDINGS) && speaks(one);
    let chosen = chain.iter().rev().find(own);
    // Of wrappers the one that says most: a stage's failure names its reason.
    let chosen = chosen.or_else(|| {
        chain.iter().filter(|one| says(one, &ENDINGS)).max_by_key(|one| one.exception.message.len())
    })?;
    let in_task = chosen.exception.in_task || chain.iter().any(|one| one.exception.in_task);
    let place = chosen.exception.place.clone().or(if uncaught { outer_place } else { None });
    Some(Exception { place, in_task, uncaught, ..chosen.exception.clone() })
}

fn of(found: &regex::Captures<'_>) -> Exception {
    let text = |name| found.name(name).map_or("", |part| part.as_str()).trim().to_owned();
    Exception { class: text("class"), message: text("message"), ..Exception::default() }
}

fn is_the_jobs(frame: &str) -> bool {
    let libraries = [
        "org.apache.",
        "java.",
        "javax.",
        "scala.",
        "jdk.",
        "sun.",
        "py4j.",
        "io.netty.",
        "java.base/",
        "com.amazonaws.",
        "software.amazon.",
        "app//",
    ];
    !libraries.iter().any(|library| frame.starts_with(library))
}

fn cut(line: &str) -> &str {
    line.get(..line.floor_char_boundary(LINE)).unwrap_or(line)
}

#[cfg(test)]
mod tests;
