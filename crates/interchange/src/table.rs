//! Rows of any list as a CSV file.

use serde_json::{Map, Value};

use crate::csv_file::escape_formula;

/// The rows with one column for each of their fields, in the order in which the
/// fields first appear. Lists are joined with “; ”, objects are JSON. Cells that a
/// spreadsheet would take for formulas are escaped.
///
/// # Errors
/// [`csv::Error`], though writing to memory doesn't fail.
pub fn rows_csv(rows: &[Map<String, Value>]) -> Result<Vec<u8>, csv::Error> {
    let mut columns: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(Map::keys) {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(&columns)?;
    for row in rows {
        let cells = columns.iter().map(|column| row.get(*column).map(cell));
        let cells = cells.map(Option::unwrap_or_default);
        writer.write_record(cells.map(|cell| escape_formula(&cell).into_owned()))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(cell).collect();
            items.join("; ")
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_have_a_column_for_each_field() {
        let rows: Vec<Map<String, Value>> = serde_json::from_value(json!([
            {"name": "Mia, \"M\"", "roles": ["admin", "owner"], "seen": null, "n": 3},
            {"name": "=1+1", "extra": {"a": true}},
        ]))
        .unwrap();
        let text = String::from_utf8(rows_csv(&rows).unwrap()).unwrap();
        let lines: Vec<_> = text.split("\r\n").collect();
        assert_eq!(lines[0].split(',').count(), 5, "{text}");
        assert!(lines[1].contains("\"Mia, \"\"M\"\"\""), "{text}");
        assert!(lines[1].contains("admin; owner"), "{text}");
        assert!(lines[2].contains("'=1+1"), "{text}");
        assert!(lines[2].contains("\"{\"\"a\"\":true}\""), "{text}");
    }

    #[test]
    fn a_list_without_rows_has_no_columns() {
        assert_eq!(rows_csv(&[]).unwrap(), b"\"\"\r\n");
    }
}
