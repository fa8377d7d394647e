//! Counts what the sidecar's functions allocate to answer with one of Spark's pages; prints how many
//! times, how many bytes in all, and the most at one time. `scrapes` runs it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use emberscope_tests::scrapes::function::Body;

#[global_allocator]
static COUNTS: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    match count() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("allocations: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout)]
fn count() -> Result<()> {
    let name = std::env::args().nth(1).context("name a page")?;
    let body = Body::find(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &name)?;
    // What is made once in a process is not a scrape's.
    let warmed = body.answer(false);
    let profiler = dhat::Profiler::builder().testing().build();
    let length = body.answer(false);
    let counted = dhat::HeapStats::get();
    drop(profiler);
    anyhow::ensure!(length == warmed, "the same page has another answer");
    println!("{} {} {}", counted.total_blocks, counted.total_bytes, counted.max_bytes);
    Ok(())
}
