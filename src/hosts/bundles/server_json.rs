//! `server.json`: the entry for the registry of MCP, from which clients learn how to start the server.

use serde_json::json;

use super::{BundleFile, Release, SUMMARY, json_file};

/// The schema that the entry follows. A copy is in `tests/schemas`.
const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

/// Returns the entry; `None` if the repository gives it no name.
pub(super) fn file(release: &Release<'_>) -> Option<BundleFile> {
    let Release { package, version, repository, .. } = release;
    let variable = |name: &str, description: &str| json!({"name": name, "description": description});
    let mut root = variable("WORK_ROOT", "The folder that holds work/. Default: the nearest one upwards.");
    root["format"] = json!("filepath");
    let stream = variable("WORK_STREAM", "The workstream, by id or name. Default: the current one.");
    let mut store = variable("WORK_STORE", "The database that holds the workspace, in place of files: postgres://…");
    store["isSecret"] = json!(true);
    let mut log = variable("WORK_LOG", "How much it says on stderr.");
    log["choices"] = json!(["off", "error", "warn", "info", "debug", "trace"]);
    log["default"] = json!("warn");
    let entry = json!({
        "$schema": SCHEMA,
        "name": name(release)?,
        "title": "Workstreams",
        "description": SUMMARY,
        "repository": {"url": repository, "source": source(repository)?},
        "version": version,
        "packages": [{
            "registryType": "npm",
            "identifier": package,
            "version": version,
            "runtimeHint": "npx",
            "transport": {"type": "stdio"},
            "packageArguments": [{"type": "positional", "value": "mcp"}],
            "environmentVariables": [root, stream, store, log],
        }],
    });
    Some(json_file("server.json", &entry))
}

/// Returns the name in the registry: who may publish it, as a domain in reverse, and the package. On GitHub the owner of
/// the repository may, elsewhere the owner of the domain. The package on npm has it too, as `mcpName`.
pub(super) fn name(release: &Release<'_>) -> Option<String> {
    let (host, path) = release.repository.strip_prefix("https://")?.split_once('/')?;
    let owner = path.split('/').next().filter(|owner| !owner.is_empty())?;
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let space = match host {
        "github.com" => format!("io.github.{owner}"),
        host => host.rsplit('.').collect::<Vec<_>>().join("."),
    };
    (host.contains('.') && is_plain(&space)).then(|| format!("{space}/{}", release.package))
}

/// Returns what the registry calls the service that keeps the repository: `github` for github.com.
fn source(repository: &str) -> Option<&str> {
    let host = repository.strip_prefix("https://")?.split('/').next()?;
    host.rsplit('.').nth(1)
}
