//! `docs/migrating.md`: what it says became of a metric is what the programs do with it.

use std::fs;

use crate::generated::root;

/// The rows of a table between `<!-- checked: NAME -->` and `<!-- end -->`: what was, what is.
fn rows(page: &str, name: &str) -> Vec<(String, String)> {
    let (_, rest) = page.split_once(&format!("<!-- checked: {name} -->\n")).unwrap();
    let (table, _) = rest.split_once("<!-- end -->").unwrap();
    let cells = |line: &str| {
        let mut cells =
            line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).skip(1);
        Some((cells.next()?, cells.next()?))
    };
    table.lines().skip(2).filter_map(cells).collect()
}

/// Spark's own name of a metric, from its HELP in `docs/metrics.md`, as it stands in other names:
/// only letters, digits and `_`.
fn of_sparks(metrics: &str, name: &str) -> String {
    let row = metrics.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
    let row = row.unwrap_or_else(|| panic!("docs/metrics.md has no {name}"));
    let (_, spark) = row.rsplit_once("Spark's ").unwrap_or_else(|| panic!("{row}"));
    let spark = spark.split([',', ' ']).next().unwrap().trim_end_matches('.');
    spark.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap()
}

#[test]
fn the_servlets_names_became_what_the_page_about_migrating_says() {
    let metrics = page("metrics.md");
    let rows = rows(&page("migrating.md"), "servlet");
    assert!(rows.len() > 20, "{rows:?}");
    for (was, is) in rows {
        let suffixes = ["_Value", "_Count"];
        let key = suffixes.iter().find_map(|suffix| was.strip_suffix(suffix));
        assert_eq!(key, Some(of_sparks(&metrics, &is).as_str()), "{was} -> {is}");
    }
}

/// Rules of the operator: `spark_driver_SOURCE_METRIC` and `spark_executor_METRIC` (source `jvm`
/// excepted), in lower case, with `_count` after a counter.
#[test]
fn the_operators_names_became_what_the_page_about_migrating_says() {
    let metrics = page("metrics.md");
    let rows = rows(&page("migrating.md"), "operator");
    assert!(rows.len() > 20, "{rows:?}");
    for (was, is) in rows {
        let spark = of_sparks(&metrics, &is).to_lowercase();
        let (role, key) = was.strip_prefix("spark_").unwrap().split_once('_').unwrap();
        assert!(is.starts_with(&format!("spark_{role}_")), "{was} -> {is}");
        let key = key.strip_suffix("_count").unwrap_or(key);
        let own = if role == "executor" {
            spark.strip_prefix("executor_").unwrap_or(&spark)
        } else {
            spark.as_str()
        };
        assert_eq!(key, own, "{was} -> {is}");
    }
}
