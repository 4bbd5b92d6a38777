"""`gameflow sql` as a shell on a terminal, and as a part of scripts."""

import os
import pty
import re
import select
import stat
import subprocess
import termios
import time
import unittest

from harness import COUNTING, PATIENCE_SECONDS, PROGRAM, SystemTest, run_cli, wait_until


class Terminal:
    """The shell at the other end of a pseudo terminal."""

    def __init__(self, url, home):
        self.ours, theirs = pty.openpty()
        env = {**os.environ, "TERM": "xterm", "XDG_STATE_HOME": str(home), "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen([PROGRAM, "sql", "--server", url], stdin=theirs, stdout=theirs, stderr=theirs,
                                        env=env, start_new_session=True, preexec_fn=lambda: os.login_tty(theirs)
                                        if hasattr(os, "login_tty") else None)
        os.close(theirs)
        self.seen = ""

    def type(self, text):
        # The prompt comes before the terminal is in the mode for editing; until then Ctrl-D is lost.
        wait_until(lambda: not termios.tcgetattr(self.ours)[3] & termios.ICANON, "the line editor reads")
        os.write(self.ours, text.encode())

    def expect(self, pattern):
        """Waits for it in what comes from now on; returns the text up to it."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()].|[\r\x07\x0f]", "", self.seen)
            found = re.search(pattern, plain, re.MULTILINE)
            if found:
                self.seen = plain[found.end():]
                return plain[:found.end()]
            if time.monotonic() > end or not select.select([self.ours], [], [], 1)[0] and self.process.poll() is not None:
                raise AssertionError(f"{pattern!r} did not come:\n{plain}")
            if select.select([self.ours], [], [], 0)[0]:
                try:
                    self.seen += os.read(self.ours, 4096).decode(errors="replace")
                except OSError:
                    raise AssertionError(f"{pattern!r} did not come:\n{plain}") from None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)


class Sql(SystemTest):
    def setUp(self):
        super().setUp()
        self.instance = self.server(COUNTING)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.instance.produce("events", ['{"user":"%s","at":"%s"}' % (user, now) for user in ("ann", "bob", "ann")])
        wait_until(lambda: self.instance.service("counting")["records_in"] == 3, "three events")

    def sql(self, *arguments, stdin=None):
        return run_cli("sql", *arguments, "--server", self.instance.url, stdin=stdin)

    def test_scripts(self):
        counts = "_key,count\nann,2\nbob,1\n"
        query = "select _key, sum(count) as count from per_user group by _key order by 1"
        for arguments, stdin in (([query], None), (["-c", query + ";"], None), (["-"], query), ([], query + "\n;\n"),
                                 ([], f"-- a; comment\n{query};")):
            done = self.sql(*arguments, stdin=stdin)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, counts, ""), arguments)
        several = self.sql(stdin="select 1 as a; select ';' as b;\n select 2 as c", )
        self.assertEqual((several.returncode, several.stdout), (0, "a\n1\nb\n;\nc\n2\n"))
        table = self.sql("-c", "select 1 as a; select 2 as b", "--format", "table")
        self.assertEqual(table.stdout, "a\n1\n\nb\n2\n")
        # The first that fails ends it.
        bad = self.sql(stdin="select 1 as a; select nope; select 2 as c")
        self.assertEqual((bad.returncode, bad.stdout), (1, "a\n1\n"))
        self.assertIn("no such column: nope", bad.stderr)

    def test_shell(self):
        terminal = Terminal(self.instance.url, self.folder)
        self.addCleanup(terminal.close)
        terminal.expect(r"1 table; \.help")
        terminal.expect("gameflow> ")
        terminal.type("select _key, sum(count) as total\n")
        terminal.expect(r"\.\.\.> ")
        terminal.type("from per_user group by 1 order by 1;\n")
        terminal.expect(r"_key +total\nann +2\nbob +1\n")
        terminal.expect("gameflow> ")
        terminal.type(".mode json\nselect 1 as a; select 2 as b;\n")
        terminal.expect(r'\{"a":1\}\n\{"b":2\}\n')
        terminal.type(".tables\n")
        terminal.expect(r"TABLE +COLUMNS +ROWS\nper_user +7 +2\n")
        terminal.type(".schema per_user\n")
        terminal.expect(r"per_user +TYPE\n_key +string\ncount +u32\n")
        for line, told in ((".schema nope", "there is no table 'nope'"), (".tabels", "did you mean '.tables'"),
                           (".mode xml", "there is no mode 'xml'"), ("select nope;", "no such column: nope")):
            terminal.type(line + "\n")
            terminal.expect(told)
        terminal.expect("gameflow> ")
        terminal.type(".help\n")
        terminal.expect("Tab completes")
        # Completion: what is the only choice is written out.
        terminal.type("select count(*) as n from per_\t;\n")
        terminal.expect(r'\{"n":2\}')
        # Ctrl-C forgets what was typed, and no more.
        terminal.expect("gameflow> ")
        terminal.type("select never\n")
        terminal.expect(r"\.\.\.> ")
        terminal.type("\x03")
        terminal.expect("gameflow> ")
        terminal.type("select 5 as five;\n")
        terminal.expect(r'\{"five":5\}')
        terminal.type(".quit\n")
        self.assertEqual(terminal.process.wait(PATIENCE_SECONDS), 0)

    def test_history(self):
        for line in ("select 41 + 1 as answer;\n", "\x1b[A\n"):  # the second start finds it with the arrow key
            terminal = Terminal(self.instance.url, self.folder)
            self.addCleanup(terminal.close)
            terminal.expect("gameflow> ")
            terminal.type(line)
            terminal.expect(r"answer\n +42\n")
            terminal.expect("gameflow> ")
            terminal.type("\x04")
            self.assertEqual(terminal.process.wait(PATIENCE_SECONDS), 0)
        history = self.folder / "gameflow" / "sql_history"
        self.assertIn("41", history.read_text())
        self.assertEqual(stat.S_IMODE(history.parent.stat().st_mode), 0o700)


if __name__ == "__main__":
    unittest.main()
