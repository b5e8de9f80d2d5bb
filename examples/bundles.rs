//! Writes the bundles for hosts and registries: `cargo run --example bundles -- FOLDER [REPOSITORY]`.
//!
//! FOLDER must be new or empty, so that no file of another release is in it. REPOSITORY is the address of the repository;
//! without it, the one of Cargo.toml. The package on npm must have
//! the `name` of server.json as its `mcpName`.

use std::error::Error;
use std::path::Path;

use workstream::app::sample_bundles;
use workstream::hosts::bundles::Release;

#[expect(clippy::print_stdout, reason = "it says what it has written")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name the folder: cargo run --example bundles -- FOLDER [REPOSITORY]")?;
    let named = arguments.next();
    let repository = named.as_deref().unwrap_or(env!("CARGO_PKG_REPOSITORY"));
    let release = Release {
        package: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        licence: env!("CARGO_PKG_LICENSE"),
        licence_text: include_str!("../LICENSE"),
        repository,
    };
    let files = sample_bundles(&release).ok_or_else(|| {
        format!("{repository:?} is no https://HOST/OWNER/NAME: name the repository, or set it in Cargo.toml")
    })?;
    let folder = Path::new(&folder);
    if folder.read_dir().is_ok_and(|mut inside| inside.next().is_some()) {
        return Err(format!("{} is not empty", folder.display()).into());
    }
    for file in &files {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().ok_or("a file has no folder")?)?;
        std::fs::write(path, &file.text)?;
    }
    println!("{} files are in {}", files.len(), folder.display());
    Ok(())
}
