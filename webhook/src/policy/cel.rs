//! CEL as text: literals, and typed objects from Kubernetes' own types
//! (<https://kubernetes.io/docs/reference/using-api/cel/>).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// A string literal.
pub(super) fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("\\'"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                // Writing into a string cannot fail.
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

/// A list of string literals.
pub(super) fn strings<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(string).collect();
    format!("[{}]", texts.join(", "))
}

/// An object of the type at `path` (such as `Object.spec.containers`), with `expressions` in place
/// of the values at some paths below it. An expression that begins with `?` is an optional one.
///
/// Lists of objects have the type of their field.
pub(super) fn object(
    value: &Value,
    path: &str,
    expressions: &BTreeMap<String, String>,
    indent: usize,
) -> String {
    match value {
        Value::Object(members) => {
            let mut inner = Vec::new();
            for (key, member) in members {
                let path = format!("{path}.{key}");
                match expressions
                    .get(&path)
                    .map(|expression| expression.strip_prefix('?').ok_or(expression))
                {
                    Some(Ok(optional)) => inner.push(format!("?{key}: {optional}")),
                    Some(Err(expression)) => inner.push(format!("{key}: {expression}")),
                    None => inner
                        .push(format!("{key}: {}", object(member, &path, expressions, indent + 2))),
                }
            }
            let pad = " ".repeat(indent + 2);
            let end = " ".repeat(indent);
            format!("{path}{{\n{pad}{}\n{end}}}", inner.join(&format!(",\n{pad}")))
        }
        Value::Array(elements) => {
            let elements: Vec<String> =
                elements.iter().map(|element| object(element, path, expressions, indent)).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Reads a literal back, by CEL's specification of string literals.
    fn read(literal: &str) -> String {
        let inner = literal.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
        let mut text = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            assert!(c != '\'' && !c.is_control(), "{literal}");
            if c != '\\' {
                text.push(c);
                continue;
            }
            match chars.next().unwrap() {
                'u' => {
                    let code: String = chars.by_ref().take(4).collect();
                    text.push(char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap());
                }
                escaped => text.push(escaped),
            }
        }
        text
    }

    proptest! {
        #[test]
        fn a_string_literal_means_the_string(text in any::<String>()) {
            prop_assert_eq!(read(&string(&text)), text);
        }
    }

    #[test]
    fn objects_have_types_and_expressions_stand_where_values_stood() {
        let value = json!({"name": "a", "ports": [{"containerPort": 1}]});
        let expressions = [("O.name".to_owned(), "variables.name".to_owned())].into();
        let text = object(&value, "O", &expressions, 0);
        let expected =
            "O{\n  name: variables.name,\n  ports: [O.ports{\n    containerPort: 1\n  }]\n}";
        assert_eq!(text, expected);
    }
}
