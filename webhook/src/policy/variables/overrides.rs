//! The pod's annotations over the configuration: `overrides` in CEL.

use emberscope_core::Quantity;
use emberscope_core::config::{LEAST_MEMORY, LogLevel, SidecarConfig};
use emberscope_core::contract::SPARK_PORTS;

use super::{Variable, said, variable};
use crate::policy::cel;

/// What the pod's annotations say over the configuration. A bad value counts as none.
pub(super) fn overrides(sidecar: &SidecarConfig) -> Vec<Variable> {
    let SidecarConfig { image, port, linger_seconds, log_level, resources, .. } = sidecar;
    let levels = LogLevel::ALL.iter().map(|level| level.as_str());
    let ranges = SPARK_PORTS.map(|range| {
        format!(
            "\n    || (int(variables.saidPort) >= {} && int(variables.saidPort) <= {})",
            range.start(),
            range.end()
        )
    });
    vec![
        variable("saidImage", "What the pod's annotations say; a bad value counts as none.", said("image")),
        variable(
            "image",
            "",
            format!("variables.saidImage.matches('^[^\\\\s\\\\pC]+$') ? variables.saidImage : {}", cel::string(image.as_str())),
        ),
        variable("saidPort", "", said("port")),
        variable(
            "port",
            "",
            format!(
                "variables.saidPort.matches('^[0-9]{{1,5}}$')
&& int(variables.saidPort) >= 1024 && int(variables.saidPort) <= 65535
&& int(variables.saidPort) != variables.pushPort
&& !(false{})
? int(variables.saidPort) : {}",
                ranges.concat(),
                port.get()
            ),
        ),
        variable("saidLinger", "", said("linger-seconds")),
        variable(
            "linger",
            "Room is left in the grace period for the sidecar to end by itself.",
            format!(
                "[
  variables.saidLinger.matches('^[0-9]{{1,5}}$') && int(variables.saidLinger) <= 65535
  ? int(variables.saidLinger) : {},
  [object.spec.?terminationGracePeriodSeconds.orValue(30) - 5, 0].max()
].min()",
                **linger_seconds
            ),
        ),
        variable("saidLogLevel", "", said("log-level")),
        variable(
            "logLevel",
            "",
            format!(
                "variables.saidLogLevel in {} ? variables.saidLogLevel : {}",
                cel::strings(levels),
                cel::string(log_level.as_str())
            ),
        ),
        variable("saidCpuRequest", "", said("cpu-request")),
        cpu("cpuRequest", &resources.cpu_request),
        cpu("guaranteedCpu", &resources.guaranteed_cpu),
        variable(
            "cpuLimit",
            "",
            format!(
                "quantity(variables.cpuRequest).isGreaterThan(quantity({0}))
? variables.cpuRequest : {0}",
                cel::string(resources.cpu_limit.as_str())
            ),
        ),
        variable("saidMemoryLimit", "", said("memory-limit")),
        variable(
            "memoryLimit",
            "",
            format!(
                "isQuantity(variables.saidMemoryLimit) && !quantity(variables.saidMemoryLimit).isLessThan(quantity('{LEAST_MEMORY}Mi'))
? variables.saidMemoryLimit : {}",
                cel::string(resources.memory_limit.as_str())
            ),
        ),
        variable(
            "memoryRequest",
            "",
            format!(
                "quantity({0}).isGreaterThan(quantity(variables.memoryLimit))
? variables.memoryLimit : {0}",
                cel::string(resources.memory_request.as_str())
            ),
        ),
    ]
}

/// What the pod says of CPU, else the configuration.
fn cpu(name: &'static str, configured: &Quantity) -> Variable {
    variable(
        name,
        "",
        format!(
            "isQuantity(variables.saidCpuRequest) && quantity(variables.saidCpuRequest).isGreaterThan(quantity('0'))
? variables.saidCpuRequest : {}",
            cel::string(configured.as_str())
        ),
    )
}
