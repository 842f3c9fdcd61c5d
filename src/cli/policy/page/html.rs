//! A page of HTML put together: escaped, well-formed as XML, without anything to load.

/// How it looks; it reads as well without.
const STYLE: &str = "body{font-family:sans-serif;line-height:1.5;max-width:70rem;margin:auto;padding:1rem;\
    color:#1b1b1b;background:#fff}table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}\
    caption{text-align:left;font-weight:bold;padding:.4rem 0}th,td{border:1px solid #767676;\
    padding:.3rem .5rem;text-align:left;vertical-align:top}th{background:#f0f0f0}code{overflow-wrap:anywhere}";

/// The text of an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A page. Whatever is given as markup has been escaped.
pub(super) struct Page {
    lines: Vec<String>,
    sections: usize,
}

impl Page {
    pub(super) fn new(lang: &str, title: &str) -> Self {
        let title = escape(title);
        let lines = [
            "<!DOCTYPE html>".to_owned(),
            format!("<html lang=\"{lang}\">"),
            "<head>".to_owned(),
            "<meta charset=\"utf-8\" />".to_owned(),
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />".to_owned(),
            format!("<title>{title}</title>"),
            format!("<style>{STYLE}</style>"),
            "</head>".to_owned(),
            "<body>".to_owned(),
            "<main>".to_owned(),
            format!("<h1>{title}</h1>"),
        ];
        Self { lines: lines.into(), sections: 0 }
    }

    pub(super) fn paragraph(&mut self, markup: &str) {
        self.lines.push(format!("<p>{markup}</p>"));
    }

    /// Begins a section; the one before ends.
    pub(super) fn section(&mut self, heading: &str) {
        self.end_section();
        self.sections = self.sections.saturating_add(1);
        let (n, heading) = (self.sections, escape(heading));
        self.lines.push(format!("<section aria-labelledby=\"s{n}\">"));
        self.lines.push(format!("<h2 id=\"s{n}\">{heading}</h2>"));
    }

    fn end_section(&mut self) {
        if self.sections > 0 {
            self.lines.push("</section>".to_owned());
        }
    }

    pub(super) fn heading(&mut self, markup: &str) {
        self.lines.push(format!("<h3>{markup}</h3>"));
    }

    pub(super) fn list(&mut self, items: impl IntoIterator<Item = String>) {
        self.lines.push("<ul>".to_owned());
        self.lines.extend(items.into_iter().map(|item| format!("<li>{item}</li>")));
        self.lines.push("</ul>".to_owned());
    }

    /// The first cell of a row says what the row is about.
    pub(super) fn table(&mut self, caption: &str, heads: &[&str], rows: &[Vec<String>]) {
        self.lines.push(format!("<table>\n<caption>{caption}</caption>"));
        let heads: Vec<String> =
            heads.iter().map(|head| format!("<th scope=\"col\">{}</th>", escape(head))).collect();
        self.lines.push(format!("<thead><tr>{}</tr></thead>\n<tbody>", heads.join("")));
        for row in rows {
            let cell = |(at, cell): (usize, &String)| match at {
                0 => format!("<th scope=\"row\">{cell}</th>"),
                _ => format!("<td>{cell}</td>"),
            };
            let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
            self.lines.push(format!("<tr>{}</tr>", cells.join("")));
        }
        self.lines.push("</tbody>\n</table>".to_owned());
    }

    pub(super) fn end(mut self) -> String {
        self.end_section();
        self.lines.extend(["</main>", "</body>", "</html>", ""].map(str::to_owned));
        self.lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_become_markup() {
        assert_eq!(escape("<a href='x'>\"&\""), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;");
        let mut page = Page::new("en", "<script>");
        page.section("a & b");
        let text = page.end();
        assert!(!text.contains("<script>") && text.contains("<h2 id=\"s1\">a &amp; b</h2>"));
    }
}
