//! Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format").

use super::check::all;
use crate::runtime::Findings;
use rules::diagnostic::{Diagnostic, Region};
use rules::lint::LINTS;
use rules::text::Source;
use serde_json::{Value, json};

/// The log of one run.
pub(super) fn report(findings: &[Findings]) -> Value {
    let mut codes: Vec<&'static str> = all(findings).map(|(_, diagnostic)| diagnostic.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let results: Vec<Value> =
        all(findings).map(|(file, diagnostic)| result(&file.source, diagnostic, &codes)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "sensor",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| descriptor(code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A reportingDescriptor (§3.49).
fn descriptor(code: &str) -> Value {
    match LINTS.iter().find(|lint| lint.name == code) {
        Some(lint) => json!({ "id": code, "fullDescription": { "text": lint.doc } }),
        None => json!({ "id": code }),
    }
}

/// A result (§3.27). SARIF has no place for advice that is no patch, so it joins the message.
fn result(source: &Source, diagnostic: &Diagnostic, codes: &[&str]) -> Value {
    let help = diagnostic.help.as_ref().map_or(String::new(), |help| format!(" Help: {help}."));
    let related: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let region =
                Region { start: source.location(label.span.start), end: source.location(label.span.end) };
            let mut place = location(source, region);
            place["message"] = json!({ "text": label.text });
            place
        })
        .collect();
    json!({
        "ruleId": diagnostic.code,
        "ruleIndex": codes.binary_search(&diagnostic.code).ok(),
        "level": diagnostic.severity.sarif_level(),
        "message": { "text": format!("{}.{help}", diagnostic.message) },
        "locations": [location(source, diagnostic.region(source))],
        "relatedLocations": related,
    })
}

/// A location (§3.28).
fn location(source: &Source, region: Region) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(source.name()) },
        "region": {
            "startLine": region.start.line,
            "startColumn": region.start.column,
            "endLine": region.end.line,
            "endColumn": region.end.column,
        },
    } })
}

/// A path as a URI reference (RFC 3986 §4.2).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    if path.starts_with('/') { format!("file://{uri}") } else { uri }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::text::Span;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("a b/ü.rules"), "a%20b/%C3%BC.rules");
        assert_eq!(uri("/etc/x.rules"), "file:///etc/x.rules");
    }

    #[test]
    fn a_result_tells_where_and_what_to_do() {
        let source = Source::new("a.rules", "é x\ny").expect("small");
        let diagnostic = Diagnostic::warning("duplicate-sid", Span::new(3, 4), "twice")
            .with_label(Span::new(5, 6), "the first")
            .with_help("mend it");
        let log = report(&[Findings { source, diagnostics: vec![diagnostic] }]);
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["message"]["text"], "twice. Help: mend it.");
        assert_eq!(result["level"], "warning");
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startColumn"], 3);
        assert_eq!(result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"], 2);
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][0]["id"], "duplicate-sid");
    }
}
