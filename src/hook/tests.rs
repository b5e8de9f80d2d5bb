//! What agents' shells may run, and what not: a table of commands as models write them.

use super::gate::{Effort, Gate, judge_command};
use super::{judge_call, planners_call};

/// Commands that pass a gate, or change what keeps one shut.
const REFUSED: &[&str] = &[
    // As they are.
    "work approve plan",
    "work approve stage 1",
    "work approve plan --force",
    "work approve --force stage 2",
    "work approve plan --revoke",
    "work complete",
    "work retry",
    "work retry --thread 1.1.1",
    "work release",
    "work store push",
    "work update --thread 1.1.1 --status pending --force",
    "work update --force --thread 1.1.1 --status completed --report x",
    "work assign --thread 1.1.1 --agent default --force",
    "work init --claude --remove",
    "work archive",
    "work archive 001-s --revoke",
    "work delete 001-s --force",
    "work rename 001-s other",
    "EDITOR='work approve plan;' work edit",
    "work watch --notify 'work approve plan'",
    "work watch --notify='sleep 1; work retry' --bell",
    // Options before the command.
    "work -w 001-s approve plan",
    "work -j complete",
    "work -jw 001 approve plan",
    "work -jw001 delete 002 --force",
    "work update -t 01.01.01 -s completed -r -h --force",
    // What git runs later.
    "git config alias.x '!work -w 001 approve plan'",
    "git config merge.work.driver 'work approve plan'",
    "git bisect run work approve plan",
    "GIT_EDITOR='work approve plan' git commit",
    "work --json complete",
    "work --root . approve plan",
    "work --root=. approve plan",
    "work --workstream 001-s release 2>&1",
    "work --color never complete",
    // Paths.
    "./work approve plan",
    "/usr/local/bin/work approve stage 1",
    "~/.cargo/bin/work approve plan",
    "$HOME/.cargo/bin/work complete",
    "./target/release/work approve --force plan",
    "../work/target/debug/work complete",
    "\"work\" approve plan",
    "'work' \"approve\" 'plan'",
    "w\"or\"k approve plan",
    "w\\ork approve plan",
    "$'work' approve plan",
    "$'\\x77ork' approve plan",
    // Before it: variables, wrappers.
    "WORK_ROOT=. work complete 2>&1",
    "NO_COLOR=1 work complete 2>&1",
    "RUST_LOG=debug work approve --force stage 1",
    "env work approve plan",
    "env -i PATH=$PATH work approve plan",
    "env X=1 Y=2 work complete",
    "env -S 'work approve plan'",
    "sudo work complete",
    "sudo -u ann work complete",
    "timeout 30 work complete 2>&1",
    "timeout -k 5 60 work approve --force stage 1",
    "timeout --signal=KILL 60 work complete",
    "time work complete 2>&1",
    "time -p work complete",
    "nice -n 5 work complete",
    "nohup work complete &",
    "setsid work complete",
    "stdbuf -oL work complete | cat",
    "command work approve plan",
    "builtin command work approve plan",
    "exec work approve plan",
    "npx work approve plan",
    "npx -y work approve plan",
    "npm exec work approve plan",
    "npm exec -- work approve plan",
    "pnpm dlx work complete",
    "uv run work complete",
    "mise exec -- work complete",
    "direnv exec . work complete",
    "nix develop -c work approve plan",
    "cargo run --bin work -- approve plan",
    "cargo run -q -p workstream-mcp -- complete",
    "strace -f -o /tmp/x work complete",
    "watch -n 1 work complete",
    "flock /tmp/l work complete",
    "flock /tmp/l -c 'work complete'",
    "! work complete",
    // In other shells.
    "sh -c 'work approve plan'",
    "bash -lc \"work complete\"",
    "bash -c 'cd . && work complete'",
    "bash -c 'work status; work complete'",
    "bash -eo pipefail -c 'work complete'",
    "zsh -ic 'work retry'",
    "sh -c 'sh -c \"work approve plan\"'",
    "sh -c '$0 approve plan' work",
    "sh -c '\"$@\"' _ work approve plan",
    "eval 'work approve plan'",
    "eval work approve plan",
    "script -qc 'work complete' /dev/null",
    "trap 'work complete' EXIT",
    "echo 'work approve plan' | sh",
    "printf 'work %s\\n' complete | bash",
    "sh <<'EOF'\nwork approve plan\nEOF",
    "bash <<< 'work complete'",
    "cat <<EOF | sh\nwork complete\nEOF",
    // Variables, substitutions, words that are made.
    "W=work; $W approve plan",
    "W=work && \"$W\" approve plan",
    "W='work approve plan'; $W",
    "A=approve; work $A plan",
    "V=app; V+=rove; work $V plan",
    "${W:-work} approve plan",
    "export W=work; $W complete",
    "$(which work) approve plan",
    "`which work` approve plan",
    "$(command -v work) complete",
    "$(echo work) approve plan",
    "work $(echo approve) plan",
    "{work,approve,plan}",
    "work {approve,plan}",
    "CMD=(work approve plan); \"${CMD[@]}\"",
    "for c in complete; do work $c; done",
    "$UNKNOWN approve plan",
    "alias w=work; work complete",
    // Lists, pipes, groups, functions.
    "cd . && NO_COLOR=1 work complete 2>&1 | tail -3",
    "cd bin && ./work complete 2>&1",
    "work status && work complete 2>&1",
    "work help; work approve plan;",
    "true || work complete",
    "(work complete)",
    "{ work complete; }",
    "if true; then work complete; fi",
    "while ! work complete; do sleep 1; done",
    "case x in x) work complete;; esac",
    "f() { work \"$@\"; }; f status; work complete",
    "f() { work approve plan; }; f",
    "echo $(work complete)",
    "cat <(work complete)",
    "work complete > /dev/null",
    "work --root . complete 2>/dev/null",
    "work complete 2>&1 | tail -3",
    "work complete &",
    "work \\\n  approve plan",
    "work approve \\\nplan",
    "yes | work approve plan",
    // Arguments from elsewhere.
    "echo plan | xargs work approve",
    "echo approve plan | xargs work",
    "echo plan | xargs -I{} work approve {}",
    "xargs work approve < plan.txt",
    "find . -maxdepth 0 -exec work approve plan \\;",
    "parallel work ::: complete",
    // Other languages.
    "python3 -c \"import subprocess; print(subprocess.run(['work','approve','plan'],capture_output=True,text=True).stdout)\"",
    "python -c 'import os; os.system(\"work complete\")'",
    "node -e \"require('child_process').execSync('work approve plan')\"",
    "perl -e 'system(\"work\", \"approve\", \"plan\")'",
    "ruby -e 'system(\"work complete\")'",
    "awk 'BEGIN { system(\"work complete\") }'",
    // What keeps approvals.
    "echo '{}' > work/index.json",
    "cat x >> ./work/index.json",
    "cd work && echo '{}' > index.json",
    "sed -i 's/draft/approved/' work/index.json",
    "jq . work/index.json | sponge work/index.json",
    "jq '.x=1' work/index.json > /tmp/i && mv /tmp/i work/index.json",
    "cp /tmp/index.json work/index.json",
    "tee work/index.json < /tmp/i",
    "rm work/001-s/.PLAN.approved.md",
    "git checkout HEAD~1 -- work/index.json",
    "python3 -c \"open('work/index.json','w').write('{}')\"",
    "dd if=/tmp/i of=work/index.json",
    "sed -i '' -e 's/work hook//' .claude/settings.json",
    "rm .github/hooks/work.json",
    "rm -rf .claude",
    "rm -r .github/hooks/",
    "rm .opencode/plugin/*",
    "rm -rf ./.opencode/plugin",
    "mv .codex /tmp/x",
    "git rm -rq .cursor",
    // What a reviewer got through.
    "python3 - <<'EOF'\nimport json\nd = json.load(open('work/index.json'))\njson.dump(d, open('work/index.json', 'w'))\nEOF",
    "python3 <<'PY'\nimport os\nos.system('work approve plan')\nPY",
    "cat <<'EOF' | python3 -\nimport os; os.system('work complete')\nEOF",
    "node <<'EOF'\nrequire('child_process').execSync('work complete')\nEOF",
    "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: work/index.json\n@@\n-a\n+b\n*** End Patch\nEOF",
    "git apply <<'EOF'\n--- a/work/index.json\n+++ b/work/index.json\n@@ -1 +1 @@\n-a\n+b\nEOF",
    "( (work complete) )",
    "( ( work approve plan ) )",
    "work update --thread 1.1.1 --status pending --force --report -h",
    "work update --thread 1.1.1 --status pending --force --report --help",
    "w() { work \"$@\"; }; w approve plan",
    "run() { echo \"+ $*\"; \"$@\"; }; run work approve plan",
    "function w { work $1 $2; }; w approve plan",
    "args=(work --root .); args+=(approve plan); \"${args[@]}\"",
    "set -- work complete; \"$@\"",
    "[[ -n \"$(work complete 2>&1)\" ]]",
    "if [[ \"$(work approve plan 2>&1)\" == *approved* ]]; then echo; fi",
    "case \"$(work complete)\" in *) ;; esac",
    "echo $(( $(work complete) ))",
    "$(realpath target/release/work) complete",
    "$(readlink -f $(which work)) complete",
    "$(echo -n work) complete",
    "bash - <<'EOF'\nwork complete\nEOF",
    "echo 'work complete' | bash -",
    "bash -s -- approve plan <<< 'work \"$@\"'",
    "sed -Ei 's/draft/approved/' work/index.json",
    "perl -0pi -e 's/draft/approved/' work/index.json",
    "cp /tmp/index.json work/",
    "python3.12 -c 'import os; os.system(\"work complete\")'",
    "taskset -c 0 work complete",
    "faketime '2 days ago' work complete",
    "sudo --user ann work complete",
    "time -f %e work complete",
    "npx work@latest approve plan",
    "npx -c 'work approve plan'",
    "yarn work complete",
    "tmux send-keys -t x 'work approve plan' Enter",
    "ssh localhost work complete",
    "git -c alias.x='!work approve plan' x",
    "git rebase --exec 'work complete' main",
    "cmd /c work approve plan",
    "powershell -Command \"work complete\"",
    // Broken off: a shell would run the first line.
    "work approve plan\nif then",
];

/// Commands that have to do with `work`, and harm nothing.
const ALLOWED: &[&str] = &[
    "work status",
    "work tree",
    "work read 01.01.01",
    "work report --stage 1",
    "work validate",
    "work diff",
    "work check",
    "work watch --once",
    "work --json status",
    "work --root . status",
    "work current --set 001-s",
    "work approve --help",
    "work help approve",
    "work complete -h",
    "work --version",
    "work assign --thread 1.1.1 --agent system-engineer-opus",
    "work update --thread 1.1.1 --status in_progress",
    "work update --thread 1.1.1 --status blocked --report \"I did retry\"",
    "work update --thread \"01.01.01\" --status completed --report \"the work is complete and approved\"",
    "work update --thread 1.1.1 --status blocked --report 'a person has to run work approve plan'",
    "rg 'work approve stage' docs",
    "rg -n \"work complete\" src | head",
    "grep -r 'work approve plan' .",
    "git commit -m 'document work approve plan'",
    "git commit -m \"complete the work\"",
    "git log --grep 'work approve'",
    "git push --force",
    "git add work/index.json && git commit -m state",
    "git diff work/index.json",
    "echo 'run work approve plan' >> NOTES.md",
    "echo work approve plan",
    "printf '%s\\n' 'work complete' > docs/howto.md",
    "cat <<'EOF' > docs/gates.md\nwork approve plan\nEOF",
    "cat work/index.json",
    "jq .streams work/index.json",
    "python3 -c \"import json; print(json.load(open('work/index.json')))\"",
    "less work/001-s/PLAN.md",
    "sed -n 1,20p work/index.json",
    "cp work/index.json /tmp/backup.json",
    "command -v work",
    "which work",
    "type work",
    "ls work",
    "cd work && ls",
    "echo framework approved",
    "cargo build --release",
    "cargo run --release",
    "npm run release",
    "make release",
    "make work complete",
    "gh release create v1",
    "docker compose up work",
    "systemctl restart work",
    "kubectl rollout restart deploy/work",
    "homework approve plan",
    "./scripts/work-approve plan",
    "cat .claude/settings.json",
    "work",
    "",
    "# work approve plan",
    "echo done # work complete",
    "sed -i 's/a/b/' src/lib.rs",
    "find . -name index.json",
    "rm -rf target .claude/agents/old.md",
    "mv src/a.rs src/b.rs",
    "rm -r .github/workflows",
    "mkdir -p .claude && cp agent.md .claude/agents/",
    "test -f work/index.json && echo yes",
    "tail -f work/001-s/threads.json",
    "python3 -c \"print('work complete')\"",
    "node -e \"console.log('work complete')\"",
    "python3 -c \"import json; print(json.dumps(json.load(open('work/index.json'))))\"",
    "rg -l draft work | head",
    "cat > src/x.rs <<'EOF'\nfn x() { a(b(c(d(e())))) } // then work complete is refused\nEOF",
];

#[test]
fn commands_as_models_write_them() {
    let wrong: Vec<&&str> = REFUSED.iter().filter(|command| judge_command(command, Effort::Parse).is_none()).collect();
    assert!(wrong.is_empty(), "let through: {wrong:#?}");
    let wrong: Vec<_> =
        ALLOWED.iter().filter_map(|command| Some((command, judge_command(command, Effort::Parse)?))).collect();
    assert!(wrong.is_empty(), "stopped: {wrong:#?}");
    assert!(REFUSED.len() + ALLOWED.len() >= 200);
}

/// A text with many brackets that only talks about a gate is no gate.
#[test]
fn a_long_text_is_judged_by_what_it_does() {
    let long = format!("cat > a.rs <<'EOF'\n{}// work complete is refused\nEOF", "f(g(h()));\n".repeat(200));
    assert_eq!(judge_command(&long, Effort::Parse), None);
    assert!(judge_command("if then work complete", Effort::Parse).is_some());
    assert!(judge_command("w=1; work complete", Effort::Search).is_some());
}

#[test]
fn calls_in_the_forms_of_the_hosts() {
    let refused = [
        // Claude Code, and Codex.
        r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"work approve plan"}}"#,
        r#"{"tool_name":"shell","tool_input":{"command":["bash","-lc","work approve plan"]}}"#,
        r#"{"tool_name":"shell","tool_input":{"command":["work","complete"]}}"#,
        r#"{"tool_name":"Write","tool_input":{"file_path":"/r/work/index.json","content":"{}"}}"#,
        r#"{"tool_name":"Edit","tool_input":{"file_path":"work/index.json","old_string":"a","new_string":"b"}}"#,
        r#"{"tool_name":"MultiEdit","tool_input":{"file_path":"/r/work/001-s/.PLAN.approved.md","edits":[]}}"#,
        r#"{"tool_name":"apply_patch","tool_input":{"input":"*** Begin Patch\n*** Update File: work/index.json\n@@\n-a\n+b\n*** End Patch"}}"#,
        r#"{"tool_name":"Edit","tool_input":{"file_path":"/r/.claude/settings.json","old_string":"work hook pre-tool","new_string":""}}"#,
        r#"{"tool_name":"Write","tool_input":{"file_path":"/r/.claude/settings.json","content":"{}"}}"#,
        r#"{"tool_name":"Edit","tool_input":{"file_path":".claude/settings.local.json","old_string":"{","new_string":"{\"disableAllHooks\": true,"}}"#,
        r#"{"tool_name":"MultiEdit","tool_input":{"file_path":"/r/.claude/settings.json","edits":[{"old_string":"work hook pre-tool","new_string":"true"}]}}"#,
        r#"{"tool_name":"Bash","cwd":"/r/work","tool_input":{"command":"jq '.a=1' /tmp/i > index.json"}}"#,
        "\u{feff}{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"work complete\"}}",
        r#"{"tool_name":"shell","tool_input":{"command":"work","args":["approve","plan"]}}"#,
        r#"{"tool_name":"write_stdin","tool_input":{"chars":"work approve plan\n"}}"#,
        // Copilot, Cursor, Gemini, VS Code.
        r#"{"toolName":"bash","toolArgs":"{\"command\":\"work complete\"}"}"#,
        r#"{"hook_event_name":"beforeShellExecution","command":"work retry","cwd":"/r"}"#,
        r#"{"tool_name":"run_shell_command","tool_input":{"command":"work release"}}"#,
        r#"{"tool_name":"replace_string_in_file","tool_input":{"filePath":"/r/work/index.json","oldString":"a","newString":"b"}}"#,
        r#"{"toolName":"write_bash","toolArgs":{"input":"work approve plan\n"}}"#,
        r#"{"tool_name":"Bash","tool_input":"work complete"}"#,
        r#"{"tool_name":"run_commands","tool_input":{"commands":[{"command":"ls"},{"command":"work retry"}]}}"#,
        r#"{"tool_name":"Edit","tool_input":{"file_path":".opencode/plugin/work.js","old_string":"hook.status === 2","new_string":"false"}}"#,
        r#"{"tool_name":"Edit","tool_input":{"file_path":"/r/.claude/settings.json","old_string":"\"PreToolUse\"","new_string":"\"PostToolUse\""}}"#,
    ];
    for call in refused {
        assert!(judge_call(call, Effort::Parse).unwrap().is_some(), "{call}");
    }
    let allowed = [
        r#"{"tool_name":"Bash","tool_input":{"command":"work status","description":"work approve plan"}}"#,
        r#"{"tool_name":"Read","tool_input":{"file_path":"/r/work/index.json"}}"#,
        r#"{"tool_name":"read_file","tool_input":{"path":"work/index.json"}}"#,
        r#"{"tool_name":"Write","tool_input":{"file_path":"/r/docs/a.md","content":"work approve plan, in work/index.json"}}"#,
        r#"{"tool_name":"Edit","tool_input":{"file_path":"/r/.claude/settings.json","old_string":"{","new_string":"{\"x\": 1,"}}"#,
        r#"{"tool_name":"Write","tool_input":{"file_path":"/r/src/work/index.json.rs","content":""}}"#,
        r#"{"tool_name":"str_replace_based_edit_tool","tool_input":{"command":"view","path":"work/index.json"}}"#,
        r#"{"tool_name":"mcp__work__next_batch","tool_input":{}}"#,
        r#"{"tool_name":"Task","tool_input":{"prompt":"run work approve plan"}}"#,
        "{}",
    ];
    for call in allowed {
        assert_eq!(judge_call(call, Effort::Parse).unwrap(), None, "{call}");
    }
    for broken in ["", "[]", "null", "{", "\"work approve plan\""] {
        assert!(judge_call(broken, Effort::Parse).is_err(), "{broken}");
    }
    let told = judge_call(refused[0], Effort::Parse).unwrap();
    assert_eq!(told, Some(Gate::Command("work approve".to_owned())));
}

#[test]
fn a_subagents_call_of_a_planners_tool_is_seen() {
    let call = |tool: &str, more: &str| format!(r#"{{"tool_name":"{tool}","tool_input":{{}}{more}}}"#);
    let worker = r#","agent_id":"a1","agent_type":"default""#;
    for tool in ["next_batch", "assign_thread", "batch_outcome"] {
        let seen = planners_call(&call(&format!("mcp__work__{tool}"), worker)).unwrap();
        assert_eq!((seen.agent.as_str(), seen.tool.as_str()), ("default", tool));
    }
    for (tool, more) in [
        ("mcp__work__next_batch", ""),
        ("mcp__work__update_thread", worker),
        ("mcp__work__workstream_status", worker),
        ("mcp__other__next_batch", worker),
        ("Bash", r#","agent_id":"a1","agent_type":"mcp__work__""#),
    ] {
        assert_eq!(planners_call(&call(tool, more)), None, "{tool}{more}");
    }
}

/// The sample that the real hosts are asked to run (`tests/clients/hosts.py`).
#[test]
fn the_sample_for_the_hosts_is_judged_as_it_says() {
    let sample: serde_json::Value = serde_json::from_str(include_str!("../../tests/clients/gates.json")).unwrap();
    for (key, is_refused) in [("refused", true), ("allowed", false)] {
        for command in sample[key].as_array().unwrap() {
            let command = command.as_str().unwrap();
            assert_eq!(judge_command(command, Effort::Parse).is_some(), is_refused, "{command}");
        }
    }
}
