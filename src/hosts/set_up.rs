//! Puts the pieces of hosts together: one change per file, whichever hosts share it.

use std::collections::{BTreeMap, BTreeSet};

use super::piece::{Direction, Piece};
use super::{HOSTS, Host, ProjectFiles};
use crate::fault::Fault;
use crate::plan::unified;
use crate::roster::Roster;

/// What a set-up changes.
#[derive(Debug)]
pub struct HostsSetUp {
    /// The changes of files, in the order of the hosts.
    pub edits: Vec<Edit>,
    /// The files that are there already and stay as they are.
    pub kept: Vec<String>,
    /// Those of `kept` that differ from what this program writes: a person has changed them, or the roster or the release
    /// is another one.
    pub differing: Vec<String>,
    /// What a person should look at, one sentence each.
    pub notes: Vec<String>,
}

/// The change of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its path, relative to the project.
    pub path: String,
    /// Its text before; `None`: it is new.
    pub before: Option<String>,
    /// Its text after; `None`: it goes.
    pub after: Option<String>,
    /// What was added or removed, a few words each.
    pub what: Vec<String>,
}

impl Edit {
    /// Returns the change in the unified format.
    pub fn diff(&self) -> String {
        let name = |text: &Option<String>| if text.is_some() { self.path.as_str() } else { "/dev/null" };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        unified(name(&self.before), name(&self.after), &text(&self.before), &text(&self.after))
    }
}

/// Returns the hosts of which a project shows signs: files that people have for them, or a set-up of this program.
pub fn signs_of(files: &dyn ProjectFiles, roster: &Roster) -> Vec<&'static Host> {
    let set_up = those_set_up(files, roster);
    let is_set_up = |host: &Host| set_up.iter().any(|(known, _)| known.name == host.name);
    HOSTS.into_iter().filter(|host| host.signs.iter().any(|sign| files.has(sign)) || is_set_up(host)).collect()
}

/// Returns the hosts that are set up, with their pieces: those of which a piece is there that no other host has.
fn those_set_up(files: &dyn ProjectFiles, roster: &Roster) -> Vec<(&'static Host, Vec<Piece>)> {
    // The files of a host that nobody named need not be readable.
    let all = HOSTS.map(|host| (host, (host.pieces)(files, roster).unwrap_or_default()));
    let mut hosts_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (host, pieces) in &all {
        for piece in pieces {
            hosts_of.entry(piece.path()).or_default().insert(host.name);
        }
    }
    let is_own = |piece: &Piece| {
        let is_shared = hosts_of.get(piece.path()).is_some_and(|hosts| hosts.len() > 1);
        if is_shared { piece.is_exactly_there(files) } else { piece.is_there(files) }
    };
    let names: Vec<&str> =
        all.iter().filter(|(_, pieces)| pieces.iter().any(is_own)).map(|(host, _)| host.name).collect();
    all.into_iter().filter(|(host, _)| names.contains(&host.name)).collect()
}

/// Returns what the set-up of these hosts changes. Nothing is written: a fault leaves all files as they are. Repeating it
/// after the changes were written changes nothing.
///
/// # Errors
///
/// If a file that is there cannot be read or understood.
pub fn set_up(
    hosts: &[&Host],
    files: &dyn ProjectFiles,
    roster: &Roster,
    direction: Direction,
) -> Result<HostsSetUp, Fault> {
    let mut done = Drafts { files, texts: BTreeMap::new(), order: Vec::new() };
    let mut set_up = HostsSetUp { edits: Vec::new(), kept: Vec::new(), differing: Vec::new(), notes: Vec::new() };
    let needed = if direction == Direction::Remove { needed_by_others(hosts, files, roster) } else { Vec::new() };
    for host in hosts {
        for piece in (host.pieces)(&done, roster)? {
            let path = piece.path().to_owned();
            if let Some(Needed { by, .. }) = needed.iter().find(|needed| needed.path == path) {
                if files.text(&path)?.is_some() {
                    set_up.notes.push(format!("{path}: it stays for {by}"));
                    set_up.kept.push(path);
                }
                continue;
            }
            let before = done.text(&path)?;
            if let (Piece::File { text, .. }, Some(before), Direction::Add) = (&piece, &before, direction)
                && before != text
            {
                set_up.differing.push(path.clone());
            }
            let changed = piece.change(before, direction)?;
            set_up.notes.extend(changed.notes);
            done.draft(path, changed.text, changed.what);
        }
    }
    if direction == Direction::Add {
        for host in hosts {
            set_up.notes.extend((host.notes)(&done, roster)?);
        }
    }
    for path in done.order {
        let Some((after, what)) = done.texts.remove(&path) else { continue };
        let before = files.text(&path)?;
        if before != after {
            set_up.edits.push(Edit { path, before, after, what });
        } else if before.is_some() {
            set_up.kept.push(path);
        }
    }
    let mut seen = BTreeSet::new();
    set_up.kept.retain(|path| seen.insert(path.clone()));
    seen.clear();
    set_up.notes.retain(|note| seen.insert(note.clone()));
    Ok(set_up)
}

/// Returns the files that hosts other than these need, each with the title of one that is set up.
fn needed_by_others(hosts: &[&Host], files: &dyn ProjectFiles, roster: &Roster) -> Vec<Needed> {
    let others =
        those_set_up(files, roster).into_iter().filter(|(other, _)| !hosts.iter().any(|host| host.name == other.name));
    let needs = |(host, pieces): (&'static Host, Vec<Piece>)| {
        pieces.into_iter().map(|piece| Needed { path: piece.path().to_owned(), by: host.title })
    };
    others.flat_map(needs).collect()
}

/// A file that a host needs.
struct Needed {
    path: String,
    /// The title of the host.
    by: &'static str,
}

/// The files of a project with the changes so far.
struct Drafts<'f> {
    files: &'f dyn ProjectFiles,
    /// The text of each file that pieces belong to, and what was changed.
    texts: BTreeMap<String, (Option<String>, Vec<String>)>,
    /// The paths of `texts`, in the order in which pieces came.
    order: Vec<String>,
}

impl Drafts<'_> {
    fn draft(&mut self, path: String, text: Option<String>, what: Vec<String>) {
        let Some((known, all)) = self.texts.get_mut(&path) else {
            self.order.push(path.clone());
            self.texts.insert(path, (text, what));
            return;
        };
        *known = text;
        all.extend(what);
    }
}

impl ProjectFiles for Drafts<'_> {
    fn text(&self, path: &str) -> Result<Option<String>, Fault> {
        match self.texts.get(path) {
            Some((text, _)) => Ok(text.clone()),
            None => self.files.text(path),
        }
    }

    fn root(&self) -> String {
        self.files.root()
    }

    fn below(&self, folder: &str) -> Result<Vec<String>, Fault> {
        self.files.below(folder)
    }

    fn has(&self, path: &str) -> bool {
        self.files.has(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::Agent;

    /// A project whose files are in memory.
    #[derive(Debug, Default, Clone, PartialEq, Eq)]
    struct Memory(BTreeMap<String, String>);

    impl Memory {
        fn with(files: &[(&str, &str)]) -> Self {
            Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
        }

        fn apply(&mut self, set_up: &HostsSetUp) {
            for Edit { path, after, .. } in &set_up.edits {
                match after {
                    Some(text) => drop(self.0.insert(path.clone(), text.clone())),
                    None => drop(self.0.remove(path)),
                }
            }
        }
    }

    impl ProjectFiles for Memory {
        fn text(&self, path: &str) -> Result<Option<String>, Fault> {
            Ok(self.0.get(path).cloned())
        }

        fn root(&self) -> String {
            "/project".to_owned()
        }

        fn below(&self, folder: &str) -> Result<Vec<String>, Fault> {
            let inner = |path: &String| path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned);
            Ok(self.0.keys().filter_map(inner).collect())
        }

        fn has(&self, path: &str) -> bool {
            self.0.keys().any(|known| known == path || known.starts_with(&format!("{path}/")))
        }
    }

    fn roster() -> Roster {
        let model =
            Agent { models: vec!["openai/gpt-5".into(), "anthropic/claude-opus-4-5".into()], ..Agent::named("me") };
        Roster { agents: vec![Agent::named("default"), model], declared: true, ..Roster::undeclared([]) }
    }

    fn host(name: &str) -> &'static Host {
        HOSTS.into_iter().find(|host| host.name == name).unwrap()
    }

    fn added(hosts: &[&Host], files: &mut Memory) -> HostsSetUp {
        let made = set_up(hosts, files, &roster(), Direction::Add).unwrap();
        files.apply(&made);
        let again = set_up(hosts, files, &roster(), Direction::Add).unwrap();
        assert_eq!(again.edits, [], "a second run changes nothing");
        made
    }

    fn notes(hosts: &[&Host], files: &[(&str, &str)]) -> String {
        added(hosts, &mut Memory::with(files)).notes.join("\n")
    }

    #[test]
    fn each_host_is_set_up_and_taken_back() {
        for host in HOSTS {
            let before = Memory::with(&[("README.md", "ours")]);
            let mut files = before.clone();
            let made = added(&[host], &mut files);
            assert!(made.notes.is_empty(), "{}: {:?}", host.name, made.notes);
            assert!(files.0.values().any(|text| text.contains("\"mcp\"")), "{}", host.name);
            assert!(files.0.contains_key(".agents/skills/implementing-workstreams/SKILL.md") || host.name == "claude");
            let back = set_up(&[host], &files, &roster(), Direction::Remove).unwrap();
            files.apply(&back);
            assert_eq!((files, back.notes), (before, Vec::new()), "{}", host.name);
        }
    }

    #[test]
    fn all_hosts_together_leave_nothing_behind_either() {
        let mut files = Memory::default();
        added(&HOSTS, &mut files);
        let back = set_up(&HOSTS, &files, &roster(), Direction::Remove).unwrap();
        files.apply(&back);
        assert_eq!((files, back.notes), (Memory::default(), Vec::new()));
    }

    #[test]
    fn what_another_host_needs_stays() {
        let mut files = Memory::default();
        added(&[host("claude"), host("copilot")], &mut files);
        let back = set_up(&[host("claude")], &files, &roster(), Direction::Remove).unwrap();
        files.apply(&back);
        assert_eq!(back.notes, [".mcp.json: it stays for Copilot CLI"]);
        assert!(files.has(".mcp.json") && files.has(".github/agents") && !files.has(".claude"));
        // Now nobody else needs it.
        let back = set_up(&[host("copilot")], &files, &roster(), Direction::Remove).unwrap();
        files.apply(&back);
        assert_eq!(files, Memory::default());
    }

    #[test]
    fn comments_and_foreign_keys_stay() {
        let claude = "{\n  // ours\n  \"model\": \"opus\",\n  \"permissions\": {\"allow\": [\"Edit\"], \"deny\": [\"Read(.env)\"]},\n  \"hooks\": {\"PreToolUse\": [{\"matcher\": \"Bash\", \"hooks\": []}]}\n}\n";
        let codex = "# ours\nmodel = \"o\"  # best\n\n[mcp_servers.browser]\ncommand = \"browser\"\n\n[agents]\nmax_threads = 4\n";
        let before = Memory::with(&[(".claude/settings.json", claude), (".codex/config.toml", codex)]);
        let mut files = before.clone();
        let made = added(&[host("claude"), host("codex")], &mut files);
        let of = |path: &str| made.edits.iter().find(|edit| edit.path == path).unwrap().diff();
        insta::assert_snapshot!(of(".claude/settings.json") + &of(".codex/config.toml"), @r#"
        --- .claude/settings.json
        +++ .claude/settings.json
        @@ -2,5 +2,29 @@
           // ours
           "model": "opus",
        -  "permissions": {"allow": ["Edit"], "deny": ["Read(.env)"]},
        -  "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": []}]}
        +  "permissions": {"allow": ["Edit", "mcp__work"], "deny": ["Read(.env)", "Bash(work approve:*)", "Bash(work archive:*)", "Bash(work complete:*)", "Bash(work delete:*)", "Bash(work edit:*)", "Bash(work release:*)", "Bash(work rename:*)", "Bash(work retry:*)", "Bash(work store:*)"]},
        +  "hooks": {
        +    "PreToolUse": [{"matcher": "Bash", "hooks": []},
        +      {
        +        "hooks": [
        +          {
        +            "type": "command",
        +            "command": "work hook pre-tool"
        +          }
        +        ]
        +      }],
        +    "SubagentStop": [
        +      {
        +        "hooks": [
        +          {
        +            "type": "command",
        +            "command": "work hook subagent-stop"
        +          }
        +        ]
        +      }
        +    ]
        +  },
        +  "enabledMcpjsonServers": ["work"],
        +  "env": {
        +    "CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS": "0"
        +  }
         }
        --- .codex/config.toml
        +++ .codex/config.toml
        @@ -5,4 +5,11 @@
         command = "browser"
         
        +[mcp_servers.work]
        +command = "work"
        +args = ["mcp"]
        +
         [agents]
         max_threads = 4
        +
        +[features.code_mode]
        +direct_only_tool_namespaces = ["mcp__work", "multi_agent_v1"]
        "#);
        let back = set_up(&[host("claude"), host("codex")], &files, &roster(), Direction::Remove).unwrap();
        files.apply(&back);
        let value = |files: &Memory, path: &str| {
            super::super::settings::Settings::parse(path, &files.0[path]).unwrap().get(&[]).unwrap()
        };
        for path in [".claude/settings.json", ".codex/config.toml"] {
            assert_eq!(value(&files, path), value(&before, path), "{path}");
        }
        assert_eq!(files.0[".codex/config.toml"], codex);
    }

    #[test]
    fn the_tools_of_another_server_of_this_name_are_not_allowed() {
        let allows = |files: &Memory| files.0[".claude/settings.json"].contains("mcp__work\"");
        let foreign = "{\"mcpServers\": {\"work\": {\"command\": \"tracker\"}}}";
        let mut files = Memory::with(&[(".mcp.json", foreign)]);
        added(&[host("claude")], &mut files);
        assert!(!allows(&files) && !files.0[".claude/settings.json"].contains("enabledMcpjsonServers"));
        files.0.insert(".mcp.json".to_owned(), "{}".to_owned());
        added(&[host("claude")], &mut files);
        assert!(allows(&files));
        // What was allowed before is taken back, too.
        files.0.insert(".mcp.json".to_owned(), foreign.to_owned());
        files.apply(&set_up(&[host("claude")], &files, &roster(), Direction::Remove).unwrap());
        assert!(!files.0.contains_key(".claude/settings.json"));
    }

    #[test]
    fn conflicts_are_said_with_the_line_and_not_written_over() {
        let toml = "[mcp_servers]\nwork = { command = \"tracker\", args = [\"serve\"] }\n";
        let all = [
            notes(
                &[host("claude")],
                &[(".mcp.json", "{\n  \"mcpServers\": {\n    \"work\": {\"url\": \"https://x\"}\n  }\n}")],
            ),
            notes(&[host("codex")], &[(".codex/config.toml", toml)]),
            notes(&[host("codex")], &[(".codex/config.toml", "[features]\ncode_mode = true\n")]),
            notes(&[host("codex")], &[("~/.codex/config.toml", "[features]\nhooks = false\n")]),
            notes(
                &[host("gemini")],
                &[
                    (".gemini/settings.json", "{\"hooksConfig\": {\"enabled\": false}}"),
                    ("~/.gemini/settings.json", "{\"mcp\": {\"excluded\": [\"work\"]}}"),
                    (".gemini/agents/me.md", "---\nname: me\n---\nHi."),
                ],
            ),
            notes(
                &[host("copilot")],
                &[(".github/hooks/work.json", "{}"), (".mcp.json", "{}"), (".github/mcp.json", "{}")],
            ),
            notes(
                &[host("opencode")],
                &[("opencode.json", "{\"mcp\": {\"work\": {\"type\": \"local\", \"command\": \"work\"}}}")],
            ),
            notes(&[host("vscode")], &[(".vscode/mcp.json", "{\"servers\": {\"work\": \"work mcp\"}}")]),
            notes(
                &[host("opencode")],
                &[(
                    "opencode.json",
                    "{\"mcp\": {\"work\": {\"type\": \"local\", \"command\": [\"work\", \"mcp\"], \"enabled\": false}}}",
                )],
            ),
            notes(
                &[host("claude")],
                &[
                    ("~/.claude/settings.json", "{\n\"disableAllHooks\": true}"),
                    (".claude/settings.local.json", "{\"disabledMcpjsonServers\": [\"work\"]}"),
                    (
                        "~/.claude.json",
                        "{\"projects\": {\"/project\": {\"mcpServers\": {\"work\": {\"command\": \"x\"}}}}}",
                    ),
                    (".claude/agents/me.md", "---\nname: me\n---\nHi."),
                ],
            ),
            notes(
                &[host("opencode")],
                &[
                    ("opencode.json", "{\n\"permission\": {\n\"bash\": {},\n\"*\": \"allow\"}}"),
                    (
                        "~/.config/opencode/opencode.json",
                        "{\n\n\"agent\": {\"me\": {\"permission\": {\"bash\": \"allow\"}}}}",
                    ),
                    ("~/.config/opencode/agent/default.md", "---\npermission: {bash: allow}\n---\n"),
                    (".opencode/agent/me.md", "---\npermission: {work_*: allow}\n---\n"),
                ],
            ),
            notes(
                &[host("opencode")],
                &[(
                    "opencode.json",
                    "{\"permissions\": [{\"action\": \"shell\", \"resource\": \"*work approve *\", \"effect\": \"deny\"},\n{\"action\": \"shell\", \"resource\": \"*\", \"effect\": \"allow\"}]}",
                )],
            ),
        ];
        insta::assert_snapshot!(all.join("\n--\n"), @r#"
        .mcp.json:3: mcpServers.work is a remote server, and this one is a local program: rename it, or delete it and run this command again
        --
        .codex/config.toml:2: mcp_servers.work starts `tracker serve`, not `work mcp`: rename it, or delete it and run this command again
        --
        .codex/config.toml:2: features.code_mode hides this server's tools behind a search: write it as a table with `enabled`, and run this command again
        --
        ~/.codex/config.toml:2: features.hooks switches off the hook that refuses gate commands: remove it
        --
        .gemini/agents/me.md: it sees all tools of this server; list its tools, with mcp_work_read_thread and mcp_work_update_thread only
        .gemini/settings.json:2: hooksConfig.enabled switches off the hook that refuses gate commands: remove it
        ~/.gemini/settings.json:1: mcp.excluded names this server, which does not start then: remove it there
        --
        .github/hooks/work.json: it is not as this program writes it, so gate commands may run: move it away, and run this command again
        .github/mcp.json: Copilot CLI does not read it beside .mcp.json: move its servers there
        --
        opencode.json:3: mcp.work has a command that is no list, with which OpenCode does not start: write ["work", "mcp"]
        --
        .vscode/mcp.json:1: servers.work is "work mcp" and no object, so no server starts: delete it and run this command again
        --
        opencode.json:3: mcp.work is switched off: set "enabled" to true, or delete it and run this command again
        --
        .claude/agents/me.md: it sees all tools of this server; add `disallowedTools: mcp__work__next_batch, mcp__work__assign_thread, mcp__work__batch_outcome, mcp__work__workstream_status, Agent`
        .claude/settings.local.json:1: disabledMcpjsonServers names this server or a tool of it, which cannot be called then: remove it there
        ~/.claude/settings.json:2: disableAllHooks switches off the hook that refuses gate commands: remove it
        ~/.claude.json:1: projects./project.mcpServers.work comes before .mcp.json, and starts `x`, not `work mcp`: rename it, or delete it and run this command again
        --
        opencode.json:28: permission.* stands behind "bash" and overrides it: move it to the front
        ~/.config/opencode/opencode.json:3: agent.me.permission has rules for the shell, which override those of the project: take those for `work` out of it
        .opencode/agent/me.md: it has rules of its own for the tools of this server; a worker needs work_read_thread and work_update_thread, and no other
        ~/.config/opencode/agent/default.md: it has rules for the shell, which override those of the project: take those for `work` out of it
        --
        opencode.json:2: permissions has {"action":"shell","resource":"*","effect":"allow"} behind the denials, which it overrides: move it to the front
        "#);
    }

    #[test]
    fn a_file_that_cannot_be_understood_stops_everything() {
        for (name, path, text) in [
            ("claude", ".claude/settings.json", "{\"permissions\": []}"),
            ("claude", ".mcp.json", "[]"),
            ("codex", ".codex/config.toml", "a = \n"),
            ("codex", ".codex/config.toml", "mcp_servers = 3\n"),
            ("cursor", ".cursor/hooks.json", "{\"hooks\": {\"preToolUse\": 1}}"),
            ("gemini", ".gemini/settings.json", "{\"mcpServers\": \"x\"}"),
            ("opencode", "opencode.json", "{\"permissions\": {}}"),
            ("claude", ".mcp.json", "{\"mcpServers\": {}, \"mcpServers\": {\"b\": {}}}"),
            ("opencode", "opencode.json", "{\"mcp\": {\"x\": 1, \"x\": 2}}"),
        ] {
            let files = Memory::with(&[(path, text)]);
            let refused = set_up(&[host(name)], &files, &roster(), Direction::Add);
            assert!(refused.is_err_and(|fault| fault.to_string().starts_with(path)), "{name} {text}");
        }
    }

    #[test]
    fn a_file_that_was_changed_is_not_removed() {
        let mut files = Memory::default();
        added(&[host("claude")], &mut files);
        files.0.get_mut(".claude/agents/me.md").unwrap().push_str("\nBe kind.\n");
        let hook = files.0.get_mut(".claude/settings.json").unwrap();
        *hook = hook.replace("\"work hook subagent-stop\"", "\"/opt/work hook subagent-stop\"");
        let back = set_up(&[host("claude")], &files, &roster(), Direction::Remove).unwrap();
        files.apply(&back);
        assert_eq!(files.0.keys().collect::<Vec<_>>(), [".claude/agents/me.md", ".claude/settings.json"]);
        insta::assert_snapshot!(back.notes.join("\n"), @r#"
        .claude/settings.json:3: hooks.SubagentStop has "work hook subagent-stop" in another form: remove it by hand
        .claude/agents/me.md: it was changed, or another release wrote it: remove it by hand
        "#);
    }

    #[test]
    fn what_another_host_still_needs_is_seen_piece_by_piece() {
        let mut files = Memory::default();
        added(&[host("vscode"), host("copilot"), host("gemini")], &mut files);
        files.0.get_mut(".github/agents/me.agent.md").unwrap().push_str("More.\n");
        // The roster has grown since.
        let roster = Roster { agents: [roster().agents, vec![Agent::named("new")]].concat(), ..roster() };
        let broken =
            Memory(files.0.clone().into_iter().chain([(".codex/config.toml".to_owned(), "= ".to_owned())]).collect());
        let back = set_up(&[host("vscode")], &broken, &roster, Direction::Remove).unwrap();
        let gone: Vec<&str> = back.edits.iter().map(|edit| edit.path.as_str()).collect();
        assert_eq!(gone, [".vscode/mcp.json"]);
        files.apply(&back);
        let back = set_up(&[host("copilot")], &files, &roster, Direction::Remove).unwrap();
        files.apply(&back);
        assert!(files.has(".agents/skills") && !files.has(".github/hooks"), "{:?}", files.0.keys());
    }

    #[test]
    fn a_host_that_was_never_set_up_needs_nothing() {
        for (added_hosts, removed) in [
            (["claude", "gemini"].as_slice(), "claude"),
            (&["opencode", "codex", "claude"], "claude"),
            (&["vscode", "claude"], "vscode"),
        ] {
            let (mut files, mut without) = (Memory::default(), Memory::default());
            added(&added_hosts.iter().map(|name| host(name)).collect::<Vec<_>>(), &mut files);
            let others: Vec<&Host> =
                added_hosts.iter().filter(|name| **name != removed).map(|name| host(name)).collect();
            added(&others, &mut without);
            let back = set_up(&[host(removed)], &files, &roster(), Direction::Remove).unwrap();
            files.apply(&back);
            assert_eq!(files.0.keys().collect::<Vec<_>>(), without.0.keys().collect::<Vec<_>>(), "{added_hosts:?}");
        }
    }

    #[test]
    fn comments_of_a_person_are_never_removed() {
        let codex = "# Team settings.\n\n# measured\n[agents]\nmax_threads = 12\n";
        let claude = "{\n  \"hooks\": { // none yet\n    \"PreToolUse\": [ // ask security\n    ]\n  }\n}\n";
        let mut files = Memory::with(&[(".codex/config.toml", codex), (".claude/settings.json", claude)]);
        added(&[host("codex"), host("claude")], &mut files);
        let back = set_up(&[host("codex"), host("claude")], &files, &roster(), Direction::Remove).unwrap();
        files.apply(&back);
        insta::assert_snapshot!(files.0[".codex/config.toml"].clone() + "--\n" + &files.0[".claude/settings.json"], @r#"
        # Team settings.

        # measured
        --
        {
          "hooks": { // none yet
            "PreToolUse": [ // ask security
            ]
          }
        }
        "#);
    }

    #[test]
    fn what_looks_like_ours_is_not() {
        let settings = "{\"permissions\": {\"allow\": [\"mcp__workspace__search\"]}, \"hooks\": {\"PreToolUse\": [{\"matcher\": \"Read\", \"hooks\": [{\"type\": \"command\", \"command\": \"work hook pre-tool\"}]}]}}";
        let mut files = Memory::with(&[(".claude/settings.json", settings)]);
        let made = added(&[host("claude")], &mut files);
        let what = &made.edits.iter().find(|edit| edit.path == ".claude/settings.json").unwrap().what;
        for added in ["permissions.allow: mcp__work", "hooks.PreToolUse: work hook pre-tool"] {
            assert!(what.contains(&added.to_owned()), "{what:?}");
        }
        let back = set_up(&[host("claude")], &files, &roster(), Direction::Remove).unwrap();
        assert_eq!(back.notes, Vec::<String>::new());
    }

    #[test]
    fn a_set_up_of_another_time_is_taken_back() {
        let mut files = Memory::with(&[(".github/mcp.json", "{\"mcpServers\": {\"b\": {\"command\": \"b\"}}}")]);
        added(&[host("opencode"), host("copilot")], &mut files);
        // Meanwhile other files have come, and OpenCode 2.
        files.0.insert(".opencode/opencode.json".to_owned(), "{\"permissions\": []}".to_owned());
        files.0.insert(".mcp.json".to_owned(), "{\"mcpServers\": {\"c\": {\"command\": \"c\"}}}".to_owned());
        let back = set_up(&[host("opencode"), host("copilot")], &files, &roster(), Direction::Remove).unwrap();
        files.apply(&back);
        assert_eq!(files.0.keys().collect::<Vec<_>>(), [".github/mcp.json", ".mcp.json", ".opencode/opencode.json"]);
        assert!(files.0.values().all(|text| !text.contains("\"work\"")), "{:?}", files.0);
        assert_eq!(back.notes, Vec::<String>::new());
    }

    #[test]
    fn line_ends_stay() {
        let mut files = Memory::with(&[(".codex/config.toml", "a = 1\r\n"), (".mcp.json", "{\r\n}\r\n")]);
        added(&[host("codex"), host("claude")], &mut files);
        for path in [".codex/config.toml", ".mcp.json"] {
            let text = &files.0[path];
            assert!(text.split('\n').all(|line| line.is_empty() || line.ends_with('\r')), "{text:?}");
        }
    }

    #[test]
    fn a_host_shows_signs() {
        let signs = |path: &str| {
            let found = signs_of(&Memory::with(&[(path, "")]), &roster());
            found.iter().map(|host| host.name).collect::<Vec<_>>()
        };
        assert_eq!(signs("opencode.jsonc"), ["opencode"]);
        assert_eq!(signs(".claude/settings.json"), ["claude"]);
        assert_eq!(signs("CLAUDE.md"), ["claude"]);
        assert_eq!(signs(".codex/config.toml"), ["codex"]);
        assert_eq!(signs(".vscode/settings.json"), ["vscode"]);
        assert_eq!(signs(".github/mcp.json"), ["copilot"]);
        let mut files = Memory::default();
        added(&[host("copilot")], &mut files);
        assert_eq!(signs_of(&files, &roster()).iter().map(|host| host.name).collect::<Vec<_>>(), ["copilot"]);
        // VS Code reads it too.
        assert_eq!(signs(".github/agents/x.agent.md"), [""; 0]);
        assert_eq!(signs(".cursor/rules/x.mdc"), ["cursor"]);
        assert_eq!(signs("GEMINI.md"), ["gemini"]);
        assert_eq!(signs(".github/workflows/ci.yml"), [""; 0]);
    }
}
