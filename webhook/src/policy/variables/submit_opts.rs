//! Spark's settings for drivers: `plan::submit_opts` in CEL.

use emberscope_core::contract::SUBMIT_OPTS;
use emberscope_core::{Role, Settings};

use super::{Variable, said, variable};
use crate::policy::cel;

/// `SPARK_SUBMIT_OPTS`.
pub(super) fn submit_options(settings: &Settings) -> Vec<Variable> {
    vec![
        variable(
            "options",
            "Spark's settings for drivers. Executors inherit them.",
            cel::string(&settings.options),
        ),
        variable(
            "optionsAt",
            "Of variables with one name the kubelet uses the last.",
            format!(
                "variables.spark.?env.orValue([]).map(e, e.name).lastIndexOf({})",
                cel::string(SUBMIT_OPTS)
            ),
        ),
        variable(
            "optionsThere",
            "",
            "variables.optionsAt < 0 ? '' : variables.spark.env[variables.optionsAt].?value.orValue('')",
        ),
        variable(
            "addOptions",
            "Not where they come, or may come, from a ConfigMap or Secret: ours would hide them.",
            format!(
                "variables.role == {}
&& variables.options != ''
&& {} != 'false'
&& (variables.optionsAt < 0
  ? size(variables.spark.?envFrom.orValue([])) == 0
  : !has(variables.spark.env[variables.optionsAt].valueFrom)
    && !variables.optionsThere.startsWith(variables.options))",
                cel::string(Role::Driver.as_str()),
                said("spark-confs")
            ),
        ),
    ]
}
