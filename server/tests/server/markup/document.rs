//! The elements of a page as a browser parses them.

use html5ever::{
    ParseOpts, parse_document, tendril::TendrilSink as _, tree_builder::TreeBuilderOpts,
};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// Each element in the document's order: its depth, its name and its attributes' names.
pub(crate) type Outline = Vec<String>;

/// The page's outline as a browser parses it, with and without scripting.
pub(crate) fn outline(html: &str) -> Outline {
    let mut lines = Vec::new();
    for scripting_enabled in [true, false] {
        visit(
            &parse(html, scripting_enabled).document,
            0,
            &mut |node, depth| {
                if let NodeData::Element { name, attrs, .. } = &node.data {
                    let mut names: Vec<_> = attrs
                        .borrow()
                        .iter()
                        .map(|attr| attr.name.local.to_string())
                        .collect();
                    names.sort_unstable();
                    let line = format!("{depth} {} {}", name.local, names.join(" "));
                    // The number of scripts that carry a page's state depends on timing.
                    let is_again = line.ends_with(" script nonce") && lines.last() == Some(&line);
                    // The number of highlighted words depends on the query.
                    if !is_again && !line.ends_with(" mark ") {
                        lines.push(line);
                    }
                }
            },
        );
    }
    lines
}

fn parse(html: &str, scripting_enabled: bool) -> RcDom {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    parse_document(RcDom::default(), options).one(html)
}

fn visit(node: &Handle, depth: usize, each: &mut impl FnMut(&Handle, usize)) {
    each(node, depth);
    for child in node.children.borrow().iter() {
        visit(child, depth + 1, each);
    }
}

/// A form that names a server function.
pub(crate) struct Form {
    pub(crate) call: String,
    /// Name, value, and whether a person fills it in.
    fields: Vec<(String, String, bool)>,
}

impl Form {
    /// The form filled in with `word` and with one field twice, which makes the
    /// server return the form.
    pub(crate) fn faulty(&self, word: &str) -> String {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("call", &self.call);
        for (name, value, is_typed) in &self.fields {
            body.append_pair(name, if *is_typed { word } else { value });
        }
        if let Some((twice, ..)) = self.fields.first() {
            body.append_pair(twice, word);
        }
        body.finish()
    }
}

/// The forms of a page that name a server function.
pub(crate) fn forms(html: &str) -> Vec<Form> {
    let mut found = Vec::new();
    visit(&parse(html, true).document, 0, &mut |node, _| {
        if element(node) == Some("form".to_owned()) {
            let mut form = Form {
                call: String::new(),
                fields: Vec::new(),
            };
            visit(node, 0, &mut |field, _| {
                let Some(kind) = element(field) else { return };
                let Some(name) = attribute(field, "name") else {
                    return;
                };
                let value = attribute(field, "value").unwrap_or_default();
                let r#type = attribute(field, "type").unwrap_or_default();
                if name == "call" {
                    form.call = value;
                } else if matches!(kind.as_str(), "input" | "textarea" | "select") {
                    let is_typed = kind == "textarea"
                        || kind == "input"
                            && matches!(r#type.as_str(), "text" | "search" | "email" | "");
                    form.fields.push((name, value, is_typed));
                }
            });
            if !form.call.is_empty() {
                found.push(form);
            }
        }
    });
    found
}

fn element(node: &Handle) -> Option<String> {
    match &node.data {
        NodeData::Element { name, .. } => Some(name.local.to_string()),
        _ => None,
    }
}

fn attribute(node: &Handle, wanted: &str) -> Option<String> {
    match &node.data {
        NodeData::Element { attrs, .. } => attrs
            .borrow()
            .iter()
            .find(|attr| &*attr.name.local == wanted)
            .map(|attr| attr.value.to_string()),
        _ => None,
    }
}
