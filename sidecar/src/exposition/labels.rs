//! Label sets, escaped once and shared by every sample that carries them.

use std::collections::HashMap;
use std::sync::Arc;

/// Number of a label set within one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelSet(u32);

/// The label sets of one page, each kept as the text between the braces.
#[derive(Debug, Clone, Default)]
pub struct LabelSets {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, LabelSet>,
}

impl LabelSets {
    /// The number of the set with these labels, in the order given.
    ///
    /// Names are repaired to `[a-zA-Z_][a-zA-Z0-9_]*`; values are escaped as the text format wants
    /// (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
    pub fn intern(&mut self, labels: &[(&str, &str)]) -> LabelSet {
        let mut text = String::new();
        for (name, value) in labels {
            if !text.is_empty() {
                text.push(',');
            }
            push_name(&mut text, name);
            text.push_str("=\"");
            push_escaped(&mut text, value);
            text.push('"');
        }
        if let Some(id) = self.ids.get(text.as_str()) {
            return *id;
        }
        let id = LabelSet(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    /// Gives back what only [`Self::intern`] needs; sets that it gives from now on are new ones.
    pub fn close(&mut self) {
        self.ids = HashMap::new();
        self.texts.shrink_to_fit();
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

/// A label value: backslash, quote and line feed escaped.
pub(super) fn push_escaped(text: &mut String, value: &str) {
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
    fn the_same_labels_get_the_same_number() {
        let mut sets = LabelSets::default();
        let first = sets.intern(&[("a", "b")]);
        assert_ne!(first, sets.intern(&[("a", "c")]));
        assert_eq!(first, sets.intern(&[("a", "b")]));
    }
}
