//! Reads the sections of text.

use std::collections::BTreeMap;

use hopluu_model::{FormVersion, OfficeId, SectionId};

use crate::form::Section;
use crate::limits::TEXTS_MAX;
use crate::mistake::{Detail, MistakeKind};
use crate::parse::{Lists, RULE_FORM, RULE_OFFICE, read_text};
use crate::reader::{At, Reader, Table};

/// Reads all `[[section]]` tables.
pub(crate) fn read_sections(
    reader: &mut Reader<'_>,
    tables: Vec<Table<'_>>,
    lists: &Lists,
) -> Vec<At<Section>> {
    let mut first_seen: BTreeMap<SectionId, usize> = BTreeMap::new();
    let mut sections = Vec::new();
    let mut text_count = 0;
    for mut table in tables {
        let table_offset = table.offset();
        let id = reader.name::<SectionId>(&mut table, "id", RULE_FORM);
        let id = reader.require(&table, "id", id);
        let title = read_text(reader, &mut table);
        let offices = reader.names::<OfficeId>(&mut table, "offices", &RULE_OFFICE);
        if offices.is_empty() {
            reader.require::<()>(&table, "offices", None);
        }
        let since = reader.number(&mut table, "since", 0..u16::MAX);
        reader.close(table);

        text_count += offices.len();
        for office in &offices {
            lists.expect_office(reader, office, "[[section]]");
        }
        let (Some(At { value: id, offset }), Some(title)) = (id, title) else {
            continue;
        };
        if let Some(first) = first_seen.get(&id) {
            let details = vec![
                Detail::piece("[[section]]"),
                Detail::piece(id.as_str()),
                Detail::Plain(first.to_string()),
            ];
            reader.note(offset, MistakeKind::Duplicate, details);
            continue;
        }
        first_seen.insert(id.clone(), reader.place(offset).0);
        sections.push(At {
            value: Section {
                id,
                title,
                offices: offices.into_iter().map(|office| office.value).collect(),
                since_minor: since.map_or(0, |since| since.value),
            },
            offset: table_offset,
        });
    }
    reader.bound(0, "[[section]] x offices", text_count, TEXTS_MAX);
    sections
}

/// A section cannot be newer than the form.
pub(crate) fn check_since(
    reader: &mut Reader<'_>,
    sections: &[At<Section>],
    version: Option<FormVersion>,
) {
    let Some(version) = version else {
        return;
    };
    for At { value, offset } in sections {
        if value.since_minor > version.minor {
            let details = vec![
                Detail::piece(value.id.as_str()),
                Detail::Plain(value.since_minor.to_string()),
                Detail::Plain(version.to_string()),
            ];
            reader.note(*offset, MistakeKind::SinceLater, details);
        }
    }
}
