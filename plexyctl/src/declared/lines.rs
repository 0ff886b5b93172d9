//! A specification a line; `#` begins a note, and what stands around is blank.

use super::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, text: &str) {
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let spec = line.trim();
        if !spec.is_empty() && !spec.starts_with('#') {
            let start = begin + line.find(spec).unwrap_or_default();
            reader.spec(spec, start..start + spec.len());
        }
        begin += line.len();
    }
}
