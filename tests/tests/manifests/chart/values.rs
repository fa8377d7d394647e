//! `values.yaml` is where a value is described; `values.schema.json` says what it may be. The table in
//! the chart's README is made of both.

use std::collections::BTreeSet;
use std::{env, fs};

use serde_json::Value;

use super::super::{documents, read, root};

const README: &str = "manifests/chart/README.md";
const START: &str = "<!-- generated: values -->\n";
const END: &str = "<!-- end -->";

/// A key of `values.yaml`.
struct Described {
    /// With dots: `image.tag`.
    path: String,
    comment: String,
    /// What the schema says of it.
    schema: Value,
    /// `None`: it holds other keys.
    default: Option<Value>,
}

/// Every key, in order, with the comment above it.
fn described() -> Vec<Described> {
    let text = read("manifests/chart/values.yaml");
    let defaults = documents(&text).remove(0);
    let schema: Value = serde_json::from_str(&read("manifests/chart/values.schema.json")).unwrap();
    let mut found: Vec<Described> = Vec::new();
    let mut within: Vec<(usize, String)> = Vec::new();
    let (mut comment, mut below_leaf) = (String::new(), None);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if below_leaf.is_some_and(|leaf| indent > leaf) {
            continue;
        }
        let Some((key, _)) = line.trim().split_once(':').filter(|_| !line.trim().starts_with('#'))
        else {
            match line.trim().strip_prefix("# ") {
                Some(more) if comment.is_empty() => more.clone_into(&mut comment),
                Some(more) => comment = format!("{comment} {more}"),
                None => comment.clear(),
            }
            continue;
        };
        within.retain(|(outer, _)| *outer < indent);
        within.push((indent, key.to_owned()));
        let keys = within.iter().map(|(_, key)| &**key).collect::<Vec<_>>();
        let at = |join: &str| format!("{join}{}", keys.join(join));
        let schema = schema.pointer(&at("/properties/"));
        let schema = schema.unwrap_or_else(|| panic!("the schema does not know {keys:?}")).clone();
        let is_leaf = schema.get("properties").is_none();
        below_leaf = is_leaf.then_some(indent);
        found.push(Described {
            path: keys.join("."),
            comment: std::mem::take(&mut comment),
            default: is_leaf.then(|| defaults.pointer(&at("/")).unwrap().clone()),
            schema,
        });
    }
    found
}

/// The keys that hold a value.
pub(super) fn leaves() -> BTreeSet<String> {
    described().into_iter().filter(|key| key.default.is_some()).map(|key| key.path).collect()
}

/// What a value may be, in words.
fn may_be(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().map(|word| format!("`{}`", word.as_str().unwrap()));
        return words.collect::<Vec<_>>().join(", ");
    }
    let named = schema["$ref"].as_str().map(|name| name.rsplit('/').next().unwrap());
    match (named, &schema["type"]) {
        (Some("strings"), _) => "map of strings".to_owned(),
        (Some("namespace"), _) => "name of a namespace".to_owned(),
        (Some("namespaces"), _) => "list of namespaces".to_owned(),
        (Some(name), _) => name.to_owned(),
        (None, Value::Array(types)) => {
            types.iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join(" or ")
        }
        (None, one) => one.as_str().unwrap().to_owned(),
    }
}

#[test]
fn the_readmes_table_is_what_values_and_schema_say() {
    let rows = described().into_iter().filter_map(|key| {
        let Described { path, comment, schema, default } = key;
        match default {
            Some(default) => {
                assert!(!comment.is_empty(), "{path} has no comment");
                Some(format!("| `{path}` | {} | `{default}` | {comment} |\n", may_be(&schema)))
            }
            None if comment.is_empty() => None,
            None => Some(format!("| `{path}` | | | {comment} |\n")),
        }
    });
    let table = "| value | may be | default | |\n|---|---|---|---|\n".to_owned();
    let table = rows.fold(table, |table, row| table + &row);
    let readme = read(README);
    let (before, rest) = readme.split_once(START).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let fresh = format!("{before}{START}{table}{END}{after}");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join(README), fresh).unwrap();
    } else {
        assert!(readme == fresh, "{README} is not what the values say; `make golden` writes it");
    }
}

/// A key of the schema that has no default is one that nobody finds.
#[test]
fn every_key_of_the_schema_has_a_default() {
    fn keys(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
        for (key, schema) in schema["properties"].as_object().unwrap() {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match schema.get("properties") {
                Some(_) => keys(schema, &path, found),
                None => drop(found.insert(path)),
            }
        }
    }
    let schema: Value = serde_json::from_str(&read("manifests/chart/values.schema.json")).unwrap();
    let mut known = BTreeSet::new();
    keys(&schema, "", &mut known);
    // Helm's own, where the chart is part of another.
    assert!(known.remove("global"));
    assert_eq!(leaves(), known);
}
