//! The bundles of a release, with the roster that `work init` writes.

use crate::format::agents_yaml;
use crate::hosts::bundles::{BundleFile, Release, bundles};

/// Returns the files of the bundles for hosts and registries. `None`: the address of the repository is none from which
/// a name can be made.
pub fn sample_bundles(release: &Release<'_>) -> Option<Vec<BundleFile>> {
    let roster = agents_yaml::read(&agents_yaml::sample(&[])).ok()?;
    bundles(release, &roster)
}
