//! A text that is given on the command line, on stdin or in a file.

use std::io::Read as _;

/// The most that is read, in bytes. No report or reason may be as long.
const MAX_BYTES: u64 = 1 << 16;

/// Returns the text that an argument stands for: `-` is stdin, `@FILE` a file, `@@…` a text that begins with `@`, and all
/// else is the text itself. Blanks at the end of what was read are left out.
///
/// # Errors
///
/// Why it cannot be read.
pub(super) fn given_text(argument: &str) -> Result<String, String> {
    match argument.strip_prefix('@') {
        Some(text) if text.starts_with('@') => Ok(text.to_owned()),
        Some("") => Err("it names no file: write @FILE, or @@ for a text that begins with @".to_owned()),
        Some(path) => {
            let text = std::fs::File::open(path).and_then(read);
            let told = |error| format!("{path}: {error} (write @@{path} for a text that begins with @)");
            text.map_err(told)
        }
        None if argument == "-" => read(std::io::stdin().lock()).map_err(|error| format!("stdin: {error}")),
        None => Ok(argument.to_owned()),
    }
}

fn read(source: impl std::io::Read) -> std::io::Result<String> {
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}
