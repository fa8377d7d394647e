//! Runs jobs with one known fault each and jobs with none, and counts what `emberscope why` says of them.

use anyhow::Result;
use clap::Parser;
use emberscope_tests::verdict_of_why::{CASES, Trial};

/// Runs real Spark jobs, asks `emberscope why` about each, and prints a table: what the fault was, what came first, and
/// whether that is right.
///
/// Precision: of the findings that came first or need not be there, how many are so. Recall: of the faults, how
/// many came first.
#[derive(Debug, Parser)]
#[command(name = "faults", version, max_term_width = 100)]
struct Args {
    /// These cases only
    cases: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let chosen = CASES
        .iter()
        .filter(|case| args.cases.is_empty() || args.cases.iter().any(|name| name == case.name));
    println!("| job | its fault | found | right |\n|---|---|---|---|");
    let (mut faults, mut recalled, mut told, mut so) = (0, 0, 0, 0);
    for case in chosen {
        let fault = case.cause.unwrap_or("none");
        match Trial::of(case).await {
            Err(error) => println!("| {} | {fault} | not tried: {error} | |", case.name),
            Ok(Trial::NotTried(why)) => {
                println!("| {} | {fault} | not tried: {why} | |", case.name);
            }
            Ok(Trial::Answered { codes, wrong, text }) => {
                faults += usize::from(case.cause.is_some());
                recalled += usize::from(
                    case.cause.is_some() && codes.first().map(String::as_str) == case.cause,
                );
                told += codes.len();
                so += codes.iter().filter(|code| case.is_so(code)).count();
                let right = if wrong.is_none() { "yes" } else { "no" };
                let found = if codes.is_empty() { "nothing".to_owned() } else { codes.join(", ") };
                println!("| {} | {fault} | {found} | {right} |", case.name);
                if let Some(wrong) = wrong {
                    eprintln!("{}: {wrong}\n{text}", case.name);
                }
            }
        }
    }
    println!(
        "\nprecision: {so} of {told} findings are so; recall: {recalled} of {faults} faults came first"
    );
    Ok(())
}
