//! Shapes.

use std::fmt::Write as _;

use super::escape;

/// How wide pictures are, in their own units.
pub(super) const WIDTH: f64 = 960.0;

/// A picture that grows.
pub(super) struct Svg {
    body: String,
    height: f64,
}

impl Svg {
    pub(super) const fn new(height: f64) -> Self {
        Self { body: String::new(), height }
    }

    pub(super) fn rectangle(&mut self, [x, y, width, height]: [f64; 4], fill: &str, title: &str) {
        let title = if title.is_empty() {
            String::new()
        } else {
            format!("<title>{}</title>", escape(title))
        };
        // Writing into a string cannot fail.
        let _ = write!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"var(--{fill})\">{title}</rect>",
            width.max(0.5)
        );
    }

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        let _ = write!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        );
    }

    pub(super) fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], stroke: &str) {
        let _ = write!(
            self.body,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"var(--{stroke})\"/>"
        );
    }

    /// The space under a line of steps, down to `ground`.
    pub(super) fn area(&mut self, points: &[(f64, f64)], ground: f64, fill: &str) {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        let mut path = format!("M{:.1} {ground:.1}", first.0);
        let mut height = ground;
        for (x, y) in points {
            let _ = write!(path, "L{x:.1} {height:.1}L{x:.1} {y:.1}");
            height = *y;
        }
        let _ = write!(path, "L{:.1} {ground:.1}Z", last.0);
        let _ = write!(self.body, "<path d=\"{path}\" fill=\"var(--{fill})\"/>");
    }

    pub(super) fn figure(self, heading: &str, keys: &[(&str, &str)]) -> String {
        let key = |(colour, name): &(&str, &str)| {
            let name = escape(name);
            format!("<span class=\"key\" style=\"background:var(--{colour})\"></span>{name}")
        };
        let keys = keys.iter().map(key).collect::<Vec<_>>().concat();
        format!(
            "<section>\n<h2>{}</h2>\n<figure>\n<svg viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"{0}\">{}</svg>\n<figcaption>{keys}</figcaption>\n</figure>\n</section>",
            escape(heading),
            self.height,
            self.body
        )
    }
}
