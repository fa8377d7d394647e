//! The application itself: what it is, and what it was started with.

use super::fields::Fields;
use crate::exposition::{Described, Page};

/// The fields of an application that are read.
pub(super) const FIELDS: [&str; 3] = ["id", "name", "attempts"];

const INFO: Described = Described::gauge(
    "spark_application_info",
    &["application_id", "application_name", "spark_user", "version"],
    "Always 1; the labels tell the application's name, the user that Spark runs as, and Spark's version.",
);

const START_TIME: Described = Described::gauge(
    "spark_application_start_time_seconds",
    &["application_id"],
    "When the application's SparkContext was started, in Unix time.",
);

const ENDED: Described = Described::gauge(
    "spark_application_ended",
    &["application_id"],
    "Whether Spark has closed its UI (1), after which nothing more is seen of its stages.",
);

/// What Spark says of its application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Application {
    /// Its id.
    pub(super) id: String,
    name: String,
    user: String,
    version: String,
    /// In ms of Unix time; another one is another application, whatever its id.
    pub(super) started_ms: u64,
}

impl Application {
    /// What an element of `/applications` says.
    pub(super) fn read(fields: &Fields) -> Option<Self> {
        let text = |name| fields.text(name).unwrap_or_default().to_owned();
        let attempt = fields.get("attempts")?.get(0)?;
        let of_attempt = |name| attempt.get(name)?.as_str();
        Some(Self {
            id: fields.text("id").filter(|id| is_plain(id))?.to_owned(),
            name: text("name"),
            user: of_attempt("sparkUser").unwrap_or_default().to_owned(),
            version: of_attempt("appSparkVersion").unwrap_or_default().to_owned(),
            started_ms: attempt.get("startTimeEpoch").and_then(serde_json::Value::as_u64)?,
        })
    }

    /// Writes it.
    pub(super) fn write(&self, has_ended: bool, page: &mut Page) {
        let id = ("application_id", &*self.id);
        let labels = [
            id,
            ("application_name", &self.name),
            ("spark_user", &self.user),
            ("version", &self.version),
        ];
        page.put(&INFO, &labels, 1.0);
        page.put(&START_TIME, &[id], self.started_ms as f64 / 1e3);
        page.put(&ENDED, &[id], f64::from(u8::from(has_ended)));
    }

    /// Every family, for documentation.
    pub(super) const fn described() -> [&'static Described; 3] {
        [&INFO, &START_TIME, &ENDED]
    }
}

/// Whether an id may stand in a path as it is.
fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= 256 && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_would_be_another_path_is_none() {
        let of = |id: &str| {
            let json = format!(
                r#"{{"id":"{id}","name":"n","attempts":[{{"startTimeEpoch":5,"sparkUser":"u","appSparkVersion":"3.5.6"}}]}}"#
            );
            Application::read(&Fields::parse(json.as_bytes()).unwrap())
        };
        assert_eq!(of("app-20261128102144-0000").unwrap().started_ms, 5);
        for id in ["", "../x", "a/b", "a?b", "a b", "ü"] {
            assert_eq!(of(id), None, "{id}");
        }
    }
}
