//! Conflict markers, as git writes them into a text that it could not merge: finds them, and writes them.

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// The starts of the lines of a conflict. Behind them stands a space or nothing.
const MARKERS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

/// Returns the number of the first line that is a conflict marker, from 1. No line of JSON or YAML that can be read
/// begins like one.
pub(crate) fn marker_line(text: &str) -> Option<usize> {
    let is_marker = |line: &str| {
        let behind = MARKERS.iter().find_map(|marker| line.strip_prefix(marker));
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with([' ', '\r']))
    };
    text.split('\n').position(is_marker).map(|at| at + 1)
}

/// Returns one text that has both: what is equal once, and each difference between conflict markers. Whoever keeps the
/// same side of all of them gets that text.
///
/// `blocks` splits a text into the pieces of which none is divided. They must give the whole text together.
pub(crate) fn marked(ours: &str, theirs: &str, blocks: impl Fn(&str) -> Vec<&str>) -> String {
    let (ours, theirs) = (blocks(ours), blocks(theirs));
    let mut marked = String::with_capacity(ours.iter().map(|block| block.len()).sum());
    let (mut here, mut there) = (String::new(), String::new());
    for op in capture_diff_slices(Algorithm::Myers, &ours, &theirs) {
        if op.tag() == DiffTag::Equal {
            conflict(&mut marked, &mut here, &mut there);
            marked.extend(ours[op.old_range()].iter().copied());
            continue;
        }
        here.extend(ours[op.old_range()].iter().copied());
        there.extend(theirs[op.new_range()].iter().copied());
    }
    conflict(&mut marked, &mut here, &mut there);
    marked
}

/// Adds both sides of a difference between markers, and empties them. Each marker has a line of its own.
fn conflict(marked: &mut String, here: &mut String, there: &mut String) {
    if here.is_empty() && there.is_empty() {
        return;
    }
    for (marker, side) in [("<<<<<<< ours\n", &mut *here), ("=======\n", there)] {
        marked.push_str(marker);
        marked.push_str(side);
        if !side.is_empty() && !side.ends_with('\n') {
            marked.push('\n');
        }
        side.clear();
    }
    marked.push_str(">>>>>>> theirs\n");
}

/// Returns the lines of a text, each with its line end.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Returns the pieces of a file of the state that is laid out: its lines, but each element of a top-level list whole. So
/// a record is never divided, and cannot be put together from two sides.
pub(crate) fn records(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        let depth = line.len() - line.trim_start_matches(' ').len();
        // Inside of an element, and at its closing bracket, the piece goes on.
        let goes_on = depth > 4 || depth == 4 && line.trim_start().starts_with(['}', ']']);
        if !goes_on && end > start {
            pieces.push(&text[start..end]);
            start = end;
        }
        end += line.len();
    }
    if end > start {
        pieces.push(&text[start..end]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_of_its_own_is_a_marker() {
        assert_eq!(marker_line("{\n<<<<<<< HEAD\n"), Some(2));
        assert_eq!(marker_line("{\n  \"a\": \"<<<<<<< HEAD\"\n}\n"), None);
        assert_eq!(marker_line("a: 1\n=======\r\n"), Some(2));
        assert_eq!(marker_line("========\n<<<<<<<<\n"), None);
    }

    #[test]
    fn what_differs_stands_between_markers_and_what_is_equal_once() {
        let ours = "{\n  \"a\": 1,\n  \"l\": [\n    {\n      \"x\": 1,\n      \"y\": 1\n    }\n  ]\n}\n";
        let theirs = ours.replace("\"x\": 1", "\"x\": 2");
        insta::assert_snapshot!(marked(ours, &theirs, records), @r#"
        {
          "a": 1,
          "l": [
        <<<<<<< ours
            {
              "x": 1,
              "y": 1
            }
        =======
            {
              "x": 2,
              "y": 1
            }
        >>>>>>> theirs
          ]
        }
        "#);
        assert_eq!(marked(ours, ours, records), ours);
        assert_eq!(marked("a", "b", lines), "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n");
    }
}
