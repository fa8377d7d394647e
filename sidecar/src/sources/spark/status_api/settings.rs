//! The settings that advice about an application needs, as figures: these and no others are read.

use crate::exposition::{Described, Page};

/// How a setting's text is a figure.
#[derive(Debug, Clone, Copy)]
enum Reads {
    /// `4g`; a number alone is in this many bytes.
    Bytes(f64),
    /// A number.
    Number,
    /// `true` or `false`.
    Truth,
}

/// One setting.
#[derive(Debug)]
struct Setting {
    key: &'static str,
    reads: Reads,
    metric: Described,
    /// What holds where nobody has set it, if that is one value for all of Spark's releases.
    default: Option<f64>,
}

const MIB: f64 = 1_048_576.0;
const DYNAMIC: &str = "spark.dynamicAllocation.enabled";
const LABELS: &[&str] = &["application_id"];

/// All that are read. `/environment` tells those that were set when the application was started.
#[rustfmt::skip]
const SETTINGS: [Setting; 19] = [
    setting("spark.driver.memory", Reads::Bytes(MIB), Some(1024.0 * MIB), "spark_application_driver_memory_bytes"),
    setting("spark.driver.memoryOverhead", Reads::Bytes(MIB), None, "spark_application_driver_memory_overhead_bytes"),
    setting("spark.driver.cores", Reads::Number, Some(1.0), "spark_application_driver_cores"),
    setting("spark.executor.memory", Reads::Bytes(MIB), Some(1024.0 * MIB), "spark_application_executor_memory_bytes"),
    setting("spark.executor.memoryOverhead", Reads::Bytes(MIB), None, "spark_application_executor_memory_overhead_bytes"),
    setting("spark.executor.memoryOverheadFactor", Reads::Number, None, "spark_application_executor_memory_overhead_ratio"),
    setting("spark.kubernetes.memoryOverheadFactor", Reads::Number, None, "spark_application_memory_overhead_ratio"),
    setting("spark.executor.pyspark.memory", Reads::Bytes(MIB), None, "spark_application_executor_pyspark_memory_bytes"),
    setting("spark.executor.cores", Reads::Number, None, "spark_application_executor_cores"),
    setting("spark.executor.instances", Reads::Number, None, "spark_application_executor_instances"),
    setting("spark.task.cpus", Reads::Number, Some(1.0), "spark_application_task_cpus"),
    setting("spark.memory.fraction", Reads::Number, Some(0.6), "spark_application_memory_fraction_ratio"),
    setting("spark.memory.offHeap.enabled", Reads::Truth, Some(0.0), "spark_application_off_heap_enabled"),
    setting("spark.memory.offHeap.size", Reads::Bytes(1.0), Some(0.0), "spark_application_off_heap_bytes"),
    setting(DYNAMIC, Reads::Truth, Some(0.0), "spark_application_dynamic_allocation_enabled"),
    setting("spark.dynamicAllocation.minExecutors", Reads::Number, Some(0.0), "spark_application_dynamic_allocation_min_executors"),
    setting("spark.dynamicAllocation.maxExecutors", Reads::Number, None, "spark_application_dynamic_allocation_max_executors"),
    setting("spark.sql.shuffle.partitions", Reads::Number, Some(200.0), "spark_application_shuffle_partitions"),
    setting("spark.sql.adaptive.enabled", Reads::Truth, None, "spark_application_adaptive_enabled"),
];

const fn setting(
    key: &'static str,
    reads: Reads,
    default: Option<f64>,
    name: &'static str,
) -> Setting {
    // The help is the setting's own name, which Spark's documentation explains.
    Setting { key, reads, metric: Described::gauge(name, LABELS, key), default }
}

/// The settings of one application, in the order of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings([Option<f64>; SETTINGS.len()]);

impl Default for Settings {
    fn default() -> Self {
        Self(SETTINGS.each_ref().map(|setting| setting.default))
    }
}

impl Settings {
    /// Takes a member of `sparkProperties`: a key and a value. What is not in the table is not looked at.
    pub(super) fn take(&mut self, member: &[u8]) {
        let Ok((key, value)) = serde_json::from_slice::<(String, String)>(member) else { return };
        let found = SETTINGS.iter().zip(&mut self.0).find(|(setting, _)| setting.key == key);
        if let Some((setting, kept)) = found {
            *kept = setting.reads.figure(value.trim()).or(*kept);
        }
    }

    /// Whether executors come and go by themselves.
    pub(super) fn is_dynamic(&self) -> bool {
        let mut all = SETTINGS.iter().zip(self.0);
        all.any(|(setting, value)| setting.key == DYNAMIC && value == Some(1.0))
    }

    /// Writes those that are known.
    pub(super) fn write(&self, application_id: &str, page: &mut Page) {
        for (setting, value) in SETTINGS.iter().zip(self.0) {
            if let Some(value) = value {
                page.put(&setting.metric, &[("application_id", application_id)], value);
            }
        }
    }

    /// Every family, for documentation.
    pub(super) fn described() -> impl Iterator<Item = &'static Described> {
        SETTINGS.iter().map(|setting| &setting.metric)
    }
}

impl Reads {
    fn figure(self, text: &str) -> Option<f64> {
        match self {
            Self::Number => text.parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Truth => match text.to_ascii_lowercase().as_str() {
                "true" => Some(1.0),
                "false" => Some(0.0),
                _ => None,
            },
            Self::Bytes(alone) => {
                let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
                let (number, unit) = text.split_at(end);
                // As `JavaUtils.byteStringAs` has them.
                let unit = match unit.to_ascii_lowercase().as_str() {
                    "" => alone,
                    "b" => 1.0,
                    "k" | "kb" => 1024.0,
                    "m" | "mb" => MIB,
                    "g" | "gb" => 1024.0 * MIB,
                    "t" | "tb" => 1024.0 * 1024.0 * MIB,
                    "p" | "pb" => 1024.0 * 1024.0 * 1024.0 * MIB,
                    _ => return None,
                };
                Some(number.parse::<f64>().ok()? * unit)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(members: &[&str]) -> Vec<(&'static str, f64)> {
        let mut settings = Settings::default();
        for member in members {
            settings.take(member.as_bytes());
        }
        let defaults = Settings::default().0;
        let all = SETTINGS.iter().zip(settings.0).zip(defaults);
        let changed = all.filter(|((_, value), default)| value != default);
        changed.map(|((setting, value), _)| (setting.metric.name, value.unwrap())).collect()
    }

    #[test]
    fn what_was_set_is_a_figure_in_base_units() {
        let members = [
            r#"["spark.executor.memory","4g"]"#,
            r#"["spark.driver.memory","512"]"#,
            r#"["spark.memory.offHeap.size","1000"]"#,
            r#"["spark.dynamicAllocation.enabled"," TRUE "]"#,
            r#"["spark.sql.shuffle.partitions","24"]"#,
        ];
        let expected = [
            ("spark_application_driver_memory_bytes", 512.0 * MIB),
            ("spark_application_executor_memory_bytes", 4096.0 * MIB),
            ("spark_application_off_heap_bytes", 1000.0),
            ("spark_application_dynamic_allocation_enabled", 1.0),
            ("spark_application_shuffle_partitions", 24.0),
        ];
        assert_eq!(told(&members), expected);
    }

    #[test]
    fn nothing_else_is_taken_and_nonsense_is_not_either() {
        let members = [
            r#"["spark.hadoop.fs.s3a.secret.key","hunter2"]"#,
            r#"["spark.executor.memory","many"]"#,
            r#"["spark.executor.memory","9x"]"#,
            r#"["spark.executor.cores","NaN"]"#,
            r#"["spark.executor.cores"]"#,
            r#"{"spark.executor.cores":"1"}"#,
            r#"["spark.sql.adaptive.enabled","maybe"]"#,
        ];
        assert_eq!(told(&members), []);
    }
}
