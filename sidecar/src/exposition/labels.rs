//! Label sets, escaped once and shared by every sample that carries them.

use std::collections::HashMap;
use std::sync::Arc;

/// Most bytes of a label's value. Prometheus can be told to refuse a whole page for a longer one
/// (`label_value_length_limit`), and stores behind remote write refuse the samples: from 1,024 on, as
/// far as is known.
pub const MAX_VALUE: usize = 512;

/// What a value ends with that was cut.
const ELLIPSIS: char = '…';

/// Number of a label set within one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelSet(u32);

/// The label sets of one page, each kept as the text between the braces.
#[derive(Debug, Clone, Default)]
pub struct LabelSets {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, LabelSet>,
    cut: u64,
}

impl LabelSets {
    /// The number of the set with these labels, in the order given.
    ///
    /// Names are repaired to `[a-zA-Z_][a-zA-Z0-9_]*`; values are escaped as the text format wants
    /// (<https://prometheus.io/docs/instrumenting/exposition_formats/>), and cut to [`MAX_VALUE`].
    pub fn intern(&mut self, labels: &[(&str, &str)]) -> LabelSet {
        let (mut text, mut cut) = (String::new(), 0);
        for (name, value) in labels {
            if !text.is_empty() {
                text.push(',');
            }
            push_name(&mut text, name);
            text.push_str("=\"");
            cut += u64::from(push_value(&mut text, value));
            text.push('"');
        }
        if let Some(id) = self.ids.get(text.as_str()) {
            return *id;
        }
        self.cut += cut;
        let id = LabelSet(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    /// How many values of the sets were cut.
    #[must_use]
    pub const fn cut(&self) -> u64 {
        self.cut
    }

    /// Gives back what only [`Self::intern`] needs; sets that it gives from now on are new ones.
    pub fn close(&mut self) {
        self.ids = HashMap::new();
        self.texts.shrink_to_fit();
    }

    /// The texts of all sets.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }

    /// The text between the braces: `a="b",c="d"`, or nothing.
    #[must_use]
    pub fn text(&self, set: LabelSet) -> &str {
        self.texts.get(set.0 as usize).map_or("", |text| text)
    }
}

/// A label name: letters, digits and underscores, not starting with a digit.
fn push_name(text: &mut String, name: &str) {
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        text.push('_');
    }
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return text.push_str(name);
    }
    text.extend(name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
}

/// A label value, or as much of it as there may be; whether it was cut.
pub(super) fn push_value(text: &mut String, value: &str) -> bool {
    let is_cut = value.len() > MAX_VALUE;
    if is_cut {
        let end = value.floor_char_boundary(MAX_VALUE - ELLIPSIS.len_utf8());
        push_escaped(text, &value[..end]);
        text.push(ELLIPSIS);
    } else {
        push_escaped(text, value);
    }
    is_cut
}

/// A label value: backslash, quote and line feed escaped.
fn push_escaped(text: &mut String, value: &str) {
    if !value.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        return text.push_str(value);
    }
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_names_repaired() {
        let mut sets = LabelSets::default();
        let set = sets.intern(&[("app-name", "my \"quoted\" \\ job\n"), ("1", "")]);
        assert_eq!(sets.text(set), r#"app_name="my \"quoted\" \\ job\n",_1="""#);
    }

    #[test]
    fn a_long_value_is_cut_between_two_characters_and_counted_once() {
        let mut sets = LabelSets::default();
        for value in ["x".repeat(8192), "x".to_owned() + &"ü".repeat(256), "\"".repeat(513)] {
            let set = sets.intern(&[("a", &value)]);
            assert_eq!(sets.intern(&[("a", &value)]), set);
            let text = sets.text(set).strip_prefix("a=\"").unwrap().strip_suffix("…\"").unwrap();
            let kept = text.replace("\\\"", "\"");
            assert!(value.starts_with(&kept), "{kept}");
            assert!((MAX_VALUE - 4..=MAX_VALUE - 3).contains(&kept.len()), "{}", kept.len());
        }
        let whole = "x".repeat(MAX_VALUE);
        let set = sets.intern(&[("a", &whole)]);
        assert_eq!(sets.text(set), format!("a=\"{whole}\""));
        assert_eq!(sets.cut(), 3);
    }

    #[test]
    fn the_same_labels_get_the_same_number() {
        let mut sets = LabelSets::default();
        let first = sets.intern(&[("a", "b")]);
        assert_ne!(first, sets.intern(&[("a", "c")]));
        assert_eq!(first, sets.intern(&[("a", "b")]));
    }
}
