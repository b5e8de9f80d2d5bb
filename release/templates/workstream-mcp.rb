# The formula of version @version@, for a tap: another formula than one that only has the name of the program.
class WorkstreamMcp < Formula
  desc "MCP server and command line that execute a written plan batch by batch"
  homepage "@repository@"
  version "@version@"
  license "@license@"

  on_macos do
    on_arm do
      url "@download@/@archive aarch64-apple-darwin@"
      sha256 "@sha256 aarch64-apple-darwin@"
    end
    on_intel do
      url "@download@/@archive x86_64-apple-darwin@"
      sha256 "@sha256 x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "@download@/@archive aarch64-unknown-linux-musl@"
      sha256 "@sha256 aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "@download@/@archive x86_64-unknown-linux-musl@"
      sha256 "@sha256 x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "work"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/work.bash" => "work"
    zsh_completion.install "completions/_work"
    fish_completion.install "completions/work.fish"
    pkgshare.install "THIRD-PARTY-LICENSES"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/work --version")
    system bin/"work", "init", "--root", testpath
    assert_path_exists testpath/"work/agents.yaml"
  end
end
