"""What `cmake --install` puts where, and that it works from there."""

import os
import pathlib
import shutil
import subprocess
import unittest

from harness import PROGRAM, SystemTest

EXPECTED = """
bin/gameflow
include/gameflow/operator.h
share/gameflow/games/gaming-analytics/dataflow.yaml
share/gameflow/examples/words/dataflow.yaml
share/doc/gameflow/LICENSE
share/doc/gameflow/docs/reference/cli.md
share/man/man1/gameflow.1
share/bash-completion/completions/gameflow
share/zsh/vendor-completions/_gameflow
share/fish/vendor_completions.d/gameflow.fish
lib/systemd/system/gameflow.service
etc/gameflow/gameflow.conf
""".split()


class InstallTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.prefix = self.folder / "prefix"
        subprocess.run(["cmake", "--install", pathlib.Path(PROGRAM).parent, "--prefix", self.prefix], check=True, capture_output=True)
        self.share = self.prefix / "share"

    def run_installed(self, *command):
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=self.folder,
                              env={**os.environ, "PATH": f"{self.prefix}/bin:{os.environ['PATH']}", "HOME": str(self.folder), "TERM": "dumb"})
        self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        return done.stdout

    def test_all_is_there_and_works(self):
        self.assertEqual([path for path in EXPECTED if not (self.prefix / path).is_file()], [])
        flagship = self.share / "gameflow/games/gaming-analytics/dataflow.yaml"
        self.assertIn("no mistakes", self.run_installed("gameflow", "validate", flagship))
        unit = (self.prefix / "lib/systemd/system/gameflow.service").read_text()
        self.assertIn(f"ExecStart={self.prefix}/bin/gameflow run", unit)
        self.assertIn(f"EnvironmentFile=-{self.prefix}/etc/gameflow/gameflow.conf", unit)
        self.assertIn(f"GAMEFLOW_DATAFLOW={flagship}\n", (self.prefix / "etc/gameflow/gameflow.conf").read_text())
        if shutil.which("systemd-analyze"):
            # It looks at the machine's other units, too.
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", self.prefix / "lib/systemd/system/gameflow.service"],
                                  capture_output=True, text=True)
            self.assertNotIn("gameflow", done.stderr)

    def test_the_manual_says_all_that_help_says(self):
        page = self.share / "man/man1/gameflow.1"
        self.assertEqual(subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True).stderr, "")
        text = page.read_text().replace("\\-", "-").replace("\\&", "")
        for word in (".SS gameflow run DATAFLOW", ".SS gameflow topic list\n", ".B --durability \\fIfsync|interval|none\\fR",
                     ".B GAMEFLOW_LISTEN\nas --listen"):
            self.assertIn(word.replace("DATAFLOW", "[FILE|DIR]"), text)

    CASES = (  # what is typed, and what is offered
        ("gameflow ru", ["run"]),
        ("gameflow topic ", ["create", "delete", "describe", "list"]),
        ("gameflow topic list --se", ["--server"]),
        ("gameflow run --durability ", ["fsync", "interval", "none"]),
        ("gameflow --server x topic de", ["delete", "describe"]),
        ("gameflow validate --op", ["--operators"]),
        ("gameflow run flow", ["flow.yaml"]),
        ("gameflow consume --output ", ["json", "value"]),
        ("gameflow run --data fol", ["folder"]),
        ("gameflow completion ", ["bash", "fish", "zsh"]),
    )

    def test_bash_completes(self):
        (self.folder / "flow.yaml").touch()
        (self.folder / "folder").mkdir()
        script = """
          source "$1"; read -ra COMP_WORDS <<<"$2"; [[ $2 == *' ' ]] && COMP_WORDS+=('')
          compopt() { :; }; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _gameflow; printf '%s\\n' "${COMPREPLY[@]}" """
        for typed, offered in self.CASES:
            with self.subTest(typed):
                out = self.run_installed("bash", "-c", script, "bash", self.share / "bash-completion/completions/gameflow", typed)
                self.assertEqual(sorted(out.split()), offered)

    def test_fish_completes(self):
        (self.folder / "flow.yaml").touch()
        (self.folder / "folder").mkdir()
        for typed, offered in self.CASES:
            with self.subTest(typed):
                out = self.run_installed("fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]',
                                         self.share / "fish/vendor_completions.d/gameflow.fish", typed)
                self.assertEqual(sorted(line.split("\t")[0].rstrip("/") for line in out.splitlines()), offered)

    def test_zsh_completes(self):
        # What zsh's own functions are given to choose from.
        script = r"""
          compdef() { }
          _arguments() { print -rl -- "$@"; state=command; return 1 }
          _describe() { print -rl -- ${(P)2} }
          source $1; words=(gameflow ${(z)2} ''); CURRENT=$#words; _gameflow; print -r -- "words: $words[2,-1]" """
        for typed, given in (("", "run:Run a dataflow"), ("topic", "create:Create a topic without a schema"),
                             ("run --listen x", "*--durability=["), ("run", ": :(fsync interval none)"), ("run", "*: :_files"),
                             ("topic list --server", "words: --server"), ("--version topic", "list:List all topics")):
            with self.subTest(typed):
                out = self.run_installed("zsh", "-f", "-c", script, "zsh", self.share / "zsh/vendor-completions/_gameflow", typed)
                self.assertIn(given, out)


if __name__ == "__main__":
    unittest.main()
