//! What is wanted of a stream of JSON, without holding the rest.
//!
//! An answer of Spark's may have 50 MB, and most of it is of no use here: stack traces, accumulators,
//! class paths. Of each element only the fields with wanted names are kept, as JSON without blanks and
//! with long texts cut, and handed over as soon as the element ends. Whether that is good JSON is for
//! the parser to say that reads it.

use memchr::memchr2;

use crate::sources::{Reason, Repairs};

/// Most bytes of a text that is kept; the rest of it is left out.
const MAX_TEXT: usize = 8 * 1024;

/// Most bytes of what is kept of an element; one with more is left out.
const MAX_ELEMENT: usize = 32 * 1024;

/// No wanted field has a longer name.
const MAX_KEY: usize = 64;

/// Nothing of Spark's is nested deeper.
const MAX_DEPTH: usize = 64;

/// What of an answer is an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elements {
    /// Each member of the array that the answer is.
    Members,
    /// The object that the answer is.
    Whole,
    /// Each member of the array that a field of the answer has for its value.
    MembersOf(&'static str),
}

/// Reads one answer.
#[derive(Debug)]
pub struct Skimmer {
    elements: Elements,
    /// The fields of an element that are kept; of elements that are no objects all is.
    wanted: &'static [&'static str],
    repairs: Repairs,
    /// Containers that are open.
    depth: usize,
    text: Text,
    /// Whether the next text is a field's name, where those are read.
    name_is_next: bool,
    key: Vec<u8>,
    /// Whether the field of the answer that has the elements is being read.
    in_field: bool,
    element: Option<Element>,
    kept: Vec<u8>,
}

/// The text that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    None,
    Skipped {
        escaped: bool,
    },
    Key {
        escaped: bool,
    },
    /// So many bytes of it were kept.
    Kept {
        escaped: bool,
        bytes: usize,
    },
    /// As many as may be kept.
    Cut {
        escaped: bool,
    },
}

/// The element that is being read.
#[derive(Debug, Clone, Copy)]
struct Element {
    /// How many containers are open around it.
    depth: usize,
    is_object: bool,
    keeps: bool,
    is_too_large: bool,
}

impl Skimmer {
    /// A reader of an answer with such elements, of which these fields are wanted.
    #[must_use]
    pub fn new(elements: Elements, wanted: &'static [&'static str]) -> Self {
        Self {
            elements,
            wanted,
            repairs: Repairs::default(),
            depth: 0,
            text: Text::None,
            name_is_next: false,
            key: Vec::new(),
            in_field: false,
            element: None,
            kept: Vec::new(),
        }
    }

    /// Takes the next piece of the answer; hands over each element that ends in it.
    pub fn feed(&mut self, piece: &[u8], mut take: impl FnMut(&[u8])) {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match self.text {
                Text::None => {
                    if self.outside_of_texts(byte) {
                        take(&self.kept);
                    }
                    after
                }
                Text::Skipped { escaped: false } | Text::Cut { escaped: false } => {
                    let Some(at) = memchr2(b'"', b'\\', rest) else { return };
                    let (end, after) = rest.split_at(at + 1);
                    self.inside_a_text(end.last().copied().unwrap_or(byte));
                    after
                }
                _ => {
                    self.inside_a_text(byte);
                    after
                }
            };
        }
    }

    /// What was left out, and whether the answer ended within something.
    #[must_use]
    pub fn finish(mut self) -> Repairs {
        if self.depth > 0 || self.text != Text::None {
            self.repairs.add(Reason::Malformed);
        }
        self.repairs
    }

    /// Whether an element ends with this byte, which is in no text.
    fn outside_of_texts(&mut self, byte: u8) -> bool {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => self.begin_text(),
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => return self.close(byte),
            b',' => self.comma(),
            // The one behind a field's name is written with it.
            b':' if self.is_at_fields() => {}
            _ => self.keep(byte),
        }
        false
    }

    fn begin_text(&mut self) {
        let is_key = self.name_is_next && (self.is_at_fields() || self.is_at_answers_fields());
        self.text = if is_key {
            self.key.clear();
            Text::Key { escaped: false }
        } else if self.element.is_some_and(|element| element.keeps) {
            self.keep(b'"');
            Text::Kept { escaped: false, bytes: 0 }
        } else {
            Text::Skipped { escaped: false }
        };
    }

    fn inside_a_text(&mut self, byte: u8) {
        let flip = |escaped: bool| !escaped && byte == b'\\';
        let ends = |escaped: bool| !escaped && byte == b'"';
        self.text = match self.text {
            Text::None => Text::None,
            Text::Skipped { escaped } if ends(escaped) => Text::None,
            Text::Skipped { escaped } => Text::Skipped { escaped: flip(escaped) },
            Text::Key { escaped } if ends(escaped) => {
                self.field();
                Text::None
            }
            Text::Key { escaped } => {
                if self.key.len() <= MAX_KEY {
                    self.key.push(byte);
                }
                Text::Key { escaped: flip(escaped) }
            }
            Text::Kept { escaped, .. } if ends(escaped) => {
                self.keep(b'"');
                Text::None
            }
            // Neither within an escape nor within a character.
            Text::Kept { escaped: false, bytes }
                if bytes >= MAX_TEXT && byte & 0xC0 != 0x80 && !self.ends_in_an_escape() =>
            {
                Text::Cut { escaped: flip(false) }
            }
            Text::Kept { escaped, bytes } => {
                self.keep(byte);
                Text::Kept { escaped: flip(escaped), bytes: bytes + 1 }
            }
            Text::Cut { escaped } if ends(escaped) => {
                self.keep(b'"');
                Text::None
            }
            Text::Cut { escaped } => Text::Cut { escaped: flip(escaped) },
        };
    }

    /// Whether what is kept may end within `\u12ab`, or with the first half of a pair of those.
    fn ends_in_an_escape(&self) -> bool {
        let last = self.kept.get(self.kept.len().saturating_sub(6)..).unwrap_or_default();
        match last.windows(2).position(|two| two == b"\\u") {
            None => false,
            Some(0) => {
                matches!(last, [_, _, b'd' | b'D', b'8' | b'9' | b'a' | b'A' | b'b' | b'B', ..])
            }
            Some(_) => true,
        }
    }

    /// A field's name is complete.
    fn field(&mut self) {
        self.name_is_next = false;
        let key = str::from_utf8(&self.key).unwrap_or_default();
        let Some(element) = &mut self.element else {
            self.in_field = matches!(self.elements, Elements::MembersOf(name) if name == key);
            return;
        };
        element.keeps = self.wanted.contains(&key);
        if element.keeps {
            if self.kept.len() > 1 {
                self.kept.push(b',');
            }
            self.kept.push(b'"');
            self.kept.extend_from_slice(&self.key);
            self.kept.extend_from_slice(b"\":");
        }
    }

    fn open(&mut self, byte: u8) {
        self.name_is_next = byte == b'{';
        match &self.element {
            Some(_) => self.keep(byte),
            None if self.begins_element() => {
                let is_object = byte == b'{';
                let depth = self.depth;
                self.kept.clear();
                self.kept.push(byte);
                let keeps = !is_object;
                self.element = Some(Element { depth, is_object, keeps, is_too_large: false });
            }
            None => {}
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH
            && let Some(element) = &mut self.element
        {
            element.is_too_large = true;
        }
    }

    /// Whether an element ends here.
    fn close(&mut self, byte: u8) -> bool {
        self.name_is_next = false;
        let Some(depth) = self.depth.checked_sub(1) else {
            self.repairs.add(Reason::Malformed);
            return false;
        };
        self.depth = depth;
        let Some(element) = self.element.filter(|element| element.depth == depth) else {
            self.keep(byte);
            return false;
        };
        self.element = None;
        if element.is_too_large {
            self.repairs.add(Reason::TooLong);
            return false;
        }
        self.kept.push(byte);
        true
    }

    fn comma(&mut self) {
        if self.is_at_fields() {
            self.name_is_next = true;
            if let Some(element) = &mut self.element {
                element.keeps = false;
            }
        } else if self.is_at_answers_fields() {
            self.name_is_next = true;
            self.in_field = false;
        } else {
            self.keep(b',');
        }
    }

    fn keep(&mut self, byte: u8) {
        let Some(element) = self.element.as_mut().filter(|element| element.keeps) else { return };
        if self.kept.len() < MAX_ELEMENT {
            self.kept.push(byte);
        } else {
            element.is_too_large = true;
        }
    }

    /// Whether a container that opens here is an element.
    fn begins_element(&self) -> bool {
        match self.elements {
            Elements::Members => self.depth == 1,
            Elements::Whole => self.depth == 0,
            Elements::MembersOf(_) => self.in_field && self.depth == 2,
        }
    }

    /// Whether the element's own fields are being read, and nothing in them.
    fn is_at_fields(&self) -> bool {
        self.element.is_some_and(|it| it.is_object && self.depth == it.depth + 1)
    }

    /// The same for the answer's.
    fn is_at_answers_fields(&self) -> bool {
        self.element.is_none() && self.depth == 1 && matches!(self.elements, Elements::MembersOf(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept, with the answer in pieces of so many bytes, and how much was left out.
    fn skimmed(elements: Elements, answer: &str, piece: usize) -> (Vec<String>, Repairs) {
        let mut skimmer = Skimmer::new(elements, &["a", "list"]);
        let mut kept = Vec::new();
        for piece in answer.as_bytes().chunks(piece) {
            skimmer.feed(piece, |element| kept.push(String::from_utf8(element.to_vec()).unwrap()));
        }
        (kept, skimmer.finish())
    }

    fn is_kept(elements: Elements, answer: &str, expected: &[&str]) {
        for piece in [1, 2, 3, 7, 4096] {
            let (kept, repairs) = skimmed(elements, answer, piece);
            assert_eq!(
                (kept, repairs),
                (expected.iter().map(|it| (*it).to_owned()).collect(), Repairs::default())
            );
        }
    }

    #[test]
    fn the_wanted_fields_of_each_member_are_kept_and_nothing_else() {
        let answer = r#" [ { "b" : { "a" : 1, "x" : [ "a", {} ] }, "a" : "\"}],\\", "c" : "]" },
            { "list" : [ { "a" : 1 , "b" : [ ] }, 2 ] , "a" : null } , { } ] "#;
        let expected = [r#"{"a":"\"}],\\"}"#, r#"{"list":[{"a":1,"b":[]},2],"a":null}"#, "{}"];
        is_kept(Elements::Members, answer, &expected);
    }

    #[test]
    fn an_object_is_one_element() {
        is_kept(Elements::Whole, r#"{ "x" : [ { "a" : 2 } ], "a" : 1.5 }"#, &[r#"{"a":1.5}"#]);
    }

    #[test]
    fn members_of_a_field_are_found_wherever_it_is() {
        let answer = r#"{ "x" : { "f" : [ [ "no" ] ] }, "f" : [ [ "k" , "v:" ], [ "l", "w" ] ], "g" : [ [ "no" ] ] }"#;
        is_kept(Elements::MembersOf("f"), answer, &[r#"["k","v:"]"#, r#"["l","w"]"#]);
    }

    #[test]
    fn a_long_text_is_cut_where_json_may_be_cut() {
        for unit in ["x", "ü", "\\n", "\\u00fc", "\\ud83d\\ude00", "\\\\", "x\\\""] {
            for lead in ["", "y", "yy", "yyy", "yyyy", "yyyyy"] {
                let answer = format!("[{{\"a\":\"{lead}{}\"}}]", unit.repeat(MAX_TEXT));
                let (kept, repairs) = skimmed(Elements::Members, &answer, 5);
                assert_eq!(repairs, Repairs::default());
                let parsed: serde_json::Value = serde_json::from_str(&kept[0]).unwrap();
                let whole: serde_json::Value = serde_json::from_str(&answer).unwrap();
                let text = parsed["a"].as_str().unwrap();
                assert!(whole[0]["a"].as_str().unwrap().starts_with(text), "{unit}");
                assert!(kept[0].len() < MAX_TEXT + 64, "{}", kept[0].len());
            }
        }
    }

    #[test]
    fn an_element_that_is_too_large_is_left_out_and_counted() {
        let many = "1,".repeat(MAX_ELEMENT);
        let answer = format!("[{{\"list\":[{many}1]}},{{\"a\":1}}]");
        let (kept, repairs) = skimmed(Elements::Members, &answer, 4096);
        assert_eq!((kept, repairs.count(Reason::TooLong)), (vec!["{\"a\":1}".to_owned()], 1));
        let deep = format!("[{{\"a\":{}{}}}]", "[".repeat(100), "]".repeat(100));
        assert_eq!(skimmed(Elements::Members, &deep, 9).1.count(Reason::TooLong), 1);
    }

    #[test]
    fn half_an_answer_is_counted_and_gives_its_whole_elements() {
        let (kept, repairs) = skimmed(Elements::Members, r#"[{"a":1},{"a":2"#, 4);
        assert_eq!((kept, repairs.count(Reason::Malformed)), (vec!["{\"a\":1}".to_owned()], 1));
        assert_eq!(skimmed(Elements::Members, "]}]", 4).1.count(Reason::Malformed), 3);
    }
}
