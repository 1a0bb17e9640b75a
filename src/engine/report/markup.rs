//! Writing XML and HTML: elements that are always closed, text that is always escaped, and no character that XML 1.0 §2.2
//! forbids.

use super::text::one_line;

/// A document under way.
#[derive(Debug, Default)]
pub(super) struct Markup {
    out: String,
}

impl Markup {
    /// One that begins with `prologue`, as it stands.
    pub(super) fn new(prologue: &str) -> Markup {
        Markup {
            out: prologue.to_string(),
        }
    }

    /// An element with what `body` writes into it.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        body: impl FnOnce(&mut Markup),
    ) {
        self.start(name, attributes);
        self.out.push('>');
        body(self);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element, unless `body` writes nothing into it.
    pub(super) fn element_if_any(&mut self, name: &str, body: impl FnOnce(&mut Markup)) {
        let before = self.out.len();
        self.start(name, &[]);
        self.out.push('>');
        let inside = self.out.len();
        body(self);
        if self.out.len() == inside {
            self.out.truncate(before);
            return;
        }
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element with text.
    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.element(name, &[], |inside| inside.text(text));
    }

    /// An element with nothing in it; in HTML one that cannot have anything, `meta`.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.out.push_str("/>");
    }

    /// Text. A name brings no control character and nothing that turns text around.
    pub(super) fn text(&mut self, text: &str) {
        self.escaped(text);
    }

    /// Text of our own that is written as it stands: a style sheet.
    pub(super) fn raw(&mut self, text: &'static str) {
        self.out.push_str(text);
    }

    /// What was written.
    pub(super) fn finish(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            self.out.push(' ');
            self.out.push_str(key);
            self.out.push_str("=\"");
            self.escaped(value);
            self.out.push('"');
        }
    }

    fn escaped(&mut self, text: &str) {
        for c in one_line(text).chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                // Noncharacters, which XML 1.0 §2.2 leaves out; surrogates are no `char`.
                '\u{fffe}' | '\u{ffff}' => self.out.push('\u{fffd}'),
                c => self.out.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_gets_through() {
        let mut out = Markup::new("");
        let hostile =
            "a\"><script>alert('x')</script>&amp;\u{0}\u{1b}\u{202e}b\u{fffe}\u{85}\r\n]]>";
        out.element("p", &[("title", hostile)], |p| p.text(hostile));
        out.empty("x", &[("y", "<")]);
        out.element_if_any("none", |_| {});
        out.element_if_any("some", |out| out.text("-"));
        let once = "a&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;   b\u{fffd}   ]]&gt;";
        assert_eq!(
            String::from_utf8(out.finish()).unwrap(),
            format!("<p title=\"{once}\">{once}</p><x y=\"&lt;\"/><some>-</some>")
        );
    }
}
