# A formula for Homebrew, on macOS and Linux. Addresses and sums are those of a release: .ci/release fills them in.
class Jobdeck < Formula
  desc "Terminal cockpit for batch and ML work on Kubernetes"
  homepage "https://github.com/jobdeck/jobdeck"
  version "0.1.0"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "https://github.com/jobdeck/jobdeck/releases/download/v0.1.0/jobdeck-0.1.0-aarch64-apple-darwin.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000000"
    end
    on_intel do
      url "https://github.com/jobdeck/jobdeck/releases/download/v0.1.0/jobdeck-0.1.0-x86_64-apple-darwin.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000000"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/jobdeck/jobdeck/releases/download/v0.1.0/jobdeck-0.1.0-aarch64-unknown-linux-musl.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000000"
    end
    on_intel do
      url "https://github.com/jobdeck/jobdeck/releases/download/v0.1.0/jobdeck-0.1.0-x86_64-unknown-linux-musl.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000000"
    end
  end

  def install
    bin.install "jobdeck"
    bin.install_symlink "jobdeck" => "kubectl-jobdeck"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/jobdeck.bash" => "jobdeck"
    zsh_completion.install "completions/_jobdeck"
    fish_completion.install "completions/jobdeck.fish"
    pkgshare.install "config.schema.json"
  end

  test do
    assert_match "jobdeck #{version}", shell_output("#{bin}/jobdeck --version")
    assert_match "NAME", shell_output("#{bin}/jobdeck get jobs --demo")
  end
end
