//! The two text formats, and which of them a client wants.

/// A text format that Prometheus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Text format 0.0.4 (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
    #[default]
    Text,
    /// `OpenMetrics` 1.0
    /// (<https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>): a counter's
    /// family is called without `_total`, and the text has an explicit end.
    OpenMetrics,
}

impl Format {
    /// The media type, exactly as Prometheus 3 insists on it.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What stands behind the last sample.
    #[must_use]
    pub const fn end(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::OpenMetrics => "# EOF\n",
        }
    }

    /// The format that an `Accept` header wants most
    /// (<https://www.rfc-editor.org/rfc/rfc9110#name-accept>); without one, and for one that wants
    /// neither, the text format, which everybody reads.
    #[must_use]
    pub fn wanted(accept: Option<&str>) -> Self {
        let weight = |format: Self| {
            let ranges = accept.unwrap_or_default().split(',');
            // The most specific range counts, whatever wildcards say beside it.
            let best = ranges.filter_map(|range| format.weight(range)).max();
            best.map_or(0, |(_, weight)| weight)
        };
        if weight(Self::OpenMetrics) > weight(Self::Text) { Self::OpenMetrics } else { Self::Text }
    }

    /// Whether a media range names this format outright, and how much it wants it, in thousandths;
    /// nothing if it does not mean it.
    fn weight(self, range: &str) -> Option<(bool, u16)> {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next()?;
        let (own, version) = match self {
            Self::Text => ("text/plain", "0.0.4"),
            Self::OpenMetrics => ("application/openmetrics-text", "1.0.0"),
        };
        let is_named = name.eq_ignore_ascii_case(own);
        // Wildcards stand for what everybody reads.
        if !is_named && !(self == Self::Text && (name == "*/*" || name == "text/*")) {
            return None;
        }
        let mut weight = 1000;
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            if name.eq_ignore_ascii_case("version") && value.trim_matches('"') != version {
                return None;
            }
            if name.eq_ignore_ascii_case("q") {
                weight = thousandths(value);
            }
        }
        Some((is_named, weight))
    }
}

/// Whether an `Accept-Encoding` header takes gzip.
#[must_use]
pub fn takes_gzip(accept_encoding: Option<&str>) -> bool {
    accept_encoding.unwrap_or_default().split(',').any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = parameters.trim().strip_prefix(['q', 'Q']);
        let weight = quality.and_then(|rest| rest.strip_prefix('=')).map_or(1000, thousandths);
        name.trim().eq_ignore_ascii_case("gzip") && weight > 0
    })
}

/// A quality value: `1`, `0.75`; one that is none counts as nothing.
fn thousandths(text: &str) -> u16 {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u16>(), fraction.parse::<u16>()) {
        (Ok(whole @ 0..=1), Ok(fraction)) => (whole * 1000 + fraction).min(1000),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_is_wanted_most() {
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format) in [
            (prometheus_2, Format::OpenMetrics),
            (prometheus_3, Format::OpenMetrics),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("application/openmetrics-text; version=0.0.1", Format::Text),
            ("application/openmetrics-text;q=0.2, text/plain;q=0.4", Format::Text),
            ("text/plain, application/openmetrics-text", Format::Text),
            ("*/*", Format::Text),
            (
                "application/openmetrics-text;q=0.5, text/plain;q=0.1, */*;q=0.8",
                Format::OpenMetrics,
            ),
            ("text/plain;q=0, application/openmetrics-text;q=0.5, */*", Format::OpenMetrics),
            ("application/openmetrics-text; version=\"1.0.0\"", Format::OpenMetrics),
            ("application/openmetrics-text;Q=0.1, text/plain;q=0.9", Format::Text),
            ("text/html,*/*;q=0.8", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("", Format::Text),
            ("application/json", Format::Text),
        ] {
            assert_eq!(Format::wanted(Some(accept)), format, "{accept}");
        }
        assert_eq!(Format::wanted(None), Format::Text);
    }

    #[test]
    fn gzip_is_taken_where_it_is_named_and_not_refused() {
        for yes in ["gzip", "deflate, gzip;q=0.5", "GZIP", "br, gzip ; q=1.0"] {
            assert!(takes_gzip(Some(yes)), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "gzip;q=0.000", "gzip;Q=0", "x-gzip-2", "*"] {
            assert!(!takes_gzip(Some(no)), "{no}");
        }
        assert!(!takes_gzip(None));
    }
}
