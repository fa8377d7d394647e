//! Names in snake case.

/// Spark's `<source>_<metric>` in snake case, as part of a metric name.
pub(super) fn snake_case(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    let mut words = String::with_capacity(key.len() + 8);
    for (index, char) in chars.iter().enumerate() {
        if !char.is_ascii_alphanumeric() {
            if !words.is_empty() && !words.ends_with('_') {
                words.push('_');
            }
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| chars.get(before));
        let after = chars.get(index + 1);
        // A word starts at `aB` and at the second of `ABc`.
        let starts = char.is_ascii_uppercase()
            && (before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                || (before.is_some_and(char::is_ascii_uppercase)
                    && after.is_some_and(char::is_ascii_lowercase)));
        if starts {
            words.push('_');
        }
        words.push(char.to_ascii_lowercase());
    }
    words.truncate(words.trim_end_matches('_').len());
    words
}

/// A gauge's name without the endings that mean something on other types
/// (<https://prometheus.io/docs/practices/naming/>).
pub(super) fn plain(mut words: String) -> String {
    let reserved = ["_total", "_count", "_sum", "_bucket", "_info", "_created"];
    if reserved.iter().any(|ending| words.ends_with(ending)) {
        words.push_str("_value");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_by_their_capitals() {
        for (key, words) in [
            ("BlockManager_memory_maxMem_MB", "block_manager_memory_max_mem_mb"),
            ("DAGScheduler_job_allJobs", "dag_scheduler_job_all_jobs"),
            ("JVMCPU_jvmCpuTime", "jvmcpu_jvm_cpu_time"),
            ("plugin_org_acme_S3Metrics__x_", "plugin_org_acme_s3_metrics_x"),
            ("_a__B", "a_b"),
            ("9lives", "9lives"),
            ("", ""),
        ] {
            assert_eq!(snake_case(key), words, "{key}");
        }
    }

    #[test]
    fn endings_that_mean_something_are_covered() {
        assert_eq!(plain("a_count".into()), "a_count_value");
        assert_eq!(plain("a_counted".into()), "a_counted");
    }
}
