//! How many instructions the sidecar's functions take for the same input, as callgrind counts them. Time
//! differs from machine to machine and from run to run; this hardly does, so that a change of the
//! code shows by itself.
//!
//! What is counted is the difference between a process that does the work three times and one that
//! does it once: what comes before and after is in both.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;

use crate::places::Places;
use crate::scrapes::function::{Body, NAMES, write};

/// So much more than the kept count is a regression.
const TOLERANCE: f64 = 0.10;

/// The kept counts.
const KEPT: &str = "tests/golden/instructions.txt";

/// Counts the instructions of the sidecar's functions with callgrind and compares them with those in
/// tests/golden/instructions.txt; fails where there are over a tenth more.
#[derive(Debug, Parser)]
#[command(name = "instructions", version, max_term_width = 100)]
pub struct Args {
    /// Write the counts into that file instead
    #[arg(long)]
    update: bool,

    /// Do only this work, so many times: what callgrind is given
    #[arg(long, num_args = 2, value_names = ["WORK", "TIMES"], hide = true)]
    only: Option<Vec<String>>,
}

/// A step of an answer.
#[derive(Debug, Clone, Copy)]
enum Step {
    Read,
    Write,
    Compress,
}

/// What is counted: a step and the number of a page.
const WORKS: [(&str, Step, usize); 7] = [
    ("driver page: read", Step::Read, 0),
    ("driver page: write", Step::Write, 0),
    ("driver page: write and compress", Step::Compress, 0),
    ("100 executors: read", Step::Read, 3),
    ("100 executors: write", Step::Write, 3),
    ("100 executors: write and compress", Step::Compress, 3),
    ("1,000 executors: read", Step::Read, 4),
];

impl Args {
    /// Counts and compares, or does the work that is counted.
    #[allow(clippy::print_stdout)]
    pub fn run(&self) -> Result<()> {
        let root = Places::find()?.root;
        if let Some([work, times]) = self.only.as_deref() {
            return work_at(&root, work, times.parse()?);
        }
        let file = root.join(KEPT);
        let text = fs::read_to_string(&file).unwrap_or_default();
        let kept = read(&text);
        let (mut lines, mut worse) = (String::new(), Vec::new());
        println!("| work | instructions | kept | change |\n|---|---|---|---|");
        for (name, ..) in WORKS {
            let counted = count(name)?;
            lines.extend([name, "\t", &counted.to_string(), "\n"]);
            let known = kept.get(name);
            let change = known.map(|kept| counted as f64 / *kept as f64 - 1.0);
            let percent = change.map_or("-".to_owned(), |c| format!("{:+.1} %", c * 100.0));
            let known = known.map_or("-".to_owned(), ToString::to_string);
            println!("| {name} | {counted} | {known} | {percent} |");
            if change.is_none_or(|change| change > TOLERANCE) {
                worse.push(name);
            }
        }
        if self.update {
            return fs::write(&file, lines)
                .with_context(|| format!("{} is not writable", file.display()));
        }
        ensure!(
            worse.is_empty(),
            "over a tenth more than {KEPT} has, or not in it: {}; make it quicker, or run \
             `make instructions ARGS=--update` and say in the commit why",
            worse.join(", ")
        );
        Ok(())
    }
}

fn work_at(root: &Path, work: &str, times: usize) -> Result<()> {
    let found = WORKS.iter().find(|(name, ..)| *name == work);
    let (_, step, page) = found.with_context(|| format!("there is no work '{work}'"))?;
    let body = Body::find(root, NAMES[*page])?;
    let read = Arc::new(body.read());
    for _ in 0..times {
        std::hint::black_box(match step {
            Step::Read => body.read().largest(),
            Step::Write => write(Arc::clone(&read), false),
            Step::Compress => write(Arc::clone(&read), true),
        });
    }
    Ok(())
}

/// The instructions of one time.
fn count(work: &str) -> Result<u64> {
    let (once, thrice) = (collected(work, "1")?, collected(work, "3")?);
    ensure!(thrice > once, "three times '{work}' took no more than once");
    Ok((thrice - once) / 2)
}

/// The instructions of a process that does the work so many times.
fn collected(work: &str, times: &str) -> Result<u64> {
    let program: PathBuf = env::current_exe().context("the path of this program is unknown")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--only", work, times])
        .output()
        .context("valgrind could not be run; on Debian: apt-get install valgrind")?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("callgrind failed: {text}");
    }
    let count = text.lines().find_map(|line| line.split_once("Collected :"));
    let (_, count) = count.with_context(|| format!("callgrind counted nothing: {text}"))?;
    Ok(count.trim().parse()?)
}

fn read(text: &str) -> BTreeMap<&str, u64> {
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    lines.filter_map(|(name, count)| Some((name, count.parse().ok()?))).collect()
}
