"""`gameflow new`: what it makes is right, passes its own test, and runs."""

import os
import pty
import subprocess
import time
import unittest

from harness import PROGRAM, SystemTest, cache_folder, run_cli, wait_until


class New(SystemTest):
    def test_every_template(self):
        for template in ("counter", "window", "filter"):
            folder = self.folder / template
            done = run_cli("new", folder, "--template", template, "--name", "my-scores")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(f"gameflow test {folder}", done.stdout)
            self.assertEqual(sorted(path.name for path in folder.iterdir()),
                             sorted(["README.md", "dataflow.yaml", f"{template}.test"]))
            checked = run_cli("validate", "--operators", folder / "dataflow.yaml", "--cache", cache_folder())
            self.assertEqual(checked.returncode, 0, checked.stderr)
            tested = run_cli("test", folder, "--cache", cache_folder())
            self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)
            self.assertIn("1 passed, 0 failed", tested.stdout)
            self.assertTrue((folder / "README.md").read_text().startswith("# my-scores\n"))

    def test_what_its_readme_says(self):
        folder = self.folder / "scores"
        self.assertEqual(run_cli("new", folder, "--name", "scores").returncode, 0)
        server = self.server(folder / "dataflow.yaml")
        lines = (folder / "README.md").read_text().splitlines()
        produce = next(line for line in lines if line.startswith("echo "))
        env = {**os.environ, "GAMEFLOW_SERVER": server.url, "PATH": f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}"}
        event = produce.replace("2024-11-12T10:00:01Z", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        done = subprocess.run(["sh", "-c", event], env=env, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        query = next(line for line in lines if line.startswith("gameflow sql ")).split("#")[0]
        ask = lambda: subprocess.run(["sh", "-c", query], env=env, capture_output=True, text=True).stdout
        wait_until(lambda: "ann,1,5" in ask(), "a row of ann")

    def test_nothing_is_overwritten(self):
        folder = self.folder / "scores"
        folder.mkdir()
        (folder / "README.md").write_text("mine")
        done = run_cli("new", folder)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("README.md' is there already", done.stderr)
        self.assertEqual([path.name for path in folder.iterdir()], ["README.md"])
        for name in ("Scores", "1st", "a--b", "a b"):
            done = run_cli("new", self.folder / "x", "--name", name)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"'{name}' is no name of a dataflow", done.stderr)
        # From a folder that could not be one.
        self.assertEqual(run_cli("new", self.folder / "My Scores!").returncode, 0)
        self.assertIn("name: my-scores\n", (self.folder / "My Scores!" / "dataflow.yaml").read_text())

    def test_without_a_name(self):
        done = run_cli("new", stdin="")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("say where: gameflow new DIR", done.stderr)

    def test_questions(self):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([PROGRAM, "new"], cwd=self.folder, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        os.write(ours, b"arena\n2\n")
        self.assertEqual(process.wait(), 0)
        shown = ""
        try:
            while block := os.read(ours, 4096):
                shown += block.decode()
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        self.assertIn("Name of the dataflow [scores]:", shown)
        self.assertIn("What shall it do?", shown)
        self.assertIn("late-scores", (self.folder / "arena" / "dataflow.yaml").read_text())


if __name__ == "__main__":
    unittest.main()
