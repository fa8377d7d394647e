//! Figures as people read them, and as Spark's settings want them.

/// One GiB, in bytes.
pub const GIB: f64 = 1_073_741_824.0;

/// One MiB, in bytes.
pub const MIB: f64 = 1_048_576.0;

/// `7.2 GiB`, `512 MiB`, `900 B`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    let units = [(GIB * 1024.0, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (1024.0, "KiB")];
    match units.iter().find(|(unit, _)| bytes.abs() >= *unit) {
        Some((unit, name)) => format!("{} {name}", number(bytes / unit)),
        None => format!("{} B", number(bytes)),
    }
}

/// `2 h 5 min`, `4 min 12 s`, `1.5 s`, `30 ms`.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{} ms", number(seconds * 1e3));
    }
    if seconds < 60.0 {
        return format!("{} s", number(seconds));
    }
    let whole = seconds.round();
    let (hours, minutes) = ((whole / 3600.0).floor(), (whole % 3600.0 / 60.0).floor());
    match (hours >= 1.0, whole % 60.0) {
        (true, _) if minutes == 0.0 => format!("{hours} h"),
        (true, _) => format!("{hours} h {minutes} min"),
        (false, 0.0) => format!("{minutes} min"),
        (false, rest) => format!("{minutes} min {rest} s"),
    }
}

/// `43 %`.
#[must_use]
pub fn percent(ratio: f64) -> String {
    format!("{} %", number(ratio * 100.0))
}

/// Two digits where there are few, none after the point where there are many.
#[must_use]
pub fn number(number: f64) -> String {
    let places = usize::from(number.abs() < 9.95 && number.fract() != 0.0);
    let text = format!("{number:.places$}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// `1 executor`, `3 executors`.
#[must_use]
pub fn count(number: f64, noun: &str) -> String {
    let number = self::number(number);
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A size as a setting: whole GiB where that is less than an eighth too much, else steps of 256 MiB; never less
/// than asked for.
#[must_use]
pub fn setting(bytes: f64) -> String {
    let gib = (bytes / GIB).ceil();
    if gib * GIB <= bytes * 1.125 {
        return format!("{gib}g");
    }
    format!("{}m", (bytes / MIB / 256.0).ceil() * 256.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_as_many_digits_as_say_something() {
        let said = [bytes(7.2 * GIB), bytes(512.0 * MIB), bytes(12.34 * GIB), bytes(0.0)];
        assert_eq!(said, ["7.2 GiB", "512 MiB", "12 GiB", "0 B"]);
        let said = [0.03, 1.5, 59.0, 60.0, 252.0, 7500.0, 7200.0].map(seconds);
        assert_eq!(said, ["30 ms", "1.5 s", "59 s", "1 min", "4 min 12 s", "2 h 5 min", "2 h"]);
        assert_eq!(
            (percent(0.43), count(1.0, "job"), count(2.0, "job")),
            ("43 %".into(), "1 job".into(), "2 jobs".into())
        );
    }

    #[test]
    fn a_setting_is_never_less_than_asked_for() {
        let said = [0.3, 1.0, 1.9, 2.1, 2.95, 10.2].map(|gib| setting(gib * GIB));
        assert_eq!(said, ["512m", "1g", "2g", "2304m", "3g", "11g"]);
    }
}
