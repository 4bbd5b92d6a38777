"""The Debian package: built from the program that is there, installed, upgraded, removed and purged.

That happens in a copy of this machine that forgets (an overlay), or of the root folder that GAMEFLOW_ROOT names, such as a
small Debian made by mmdebstrap, in which apt then has to find what the package depends on. Either takes root.
"""

import os
import pathlib
import shutil
import subprocess
import unittest

from harness import PROGRAM, ROOT, SystemTest

UNIT = "lib/systemd/system/gameflow.service"


@unittest.skipUnless(shutil.which("dh") and os.geteuid() == 0, "needs debhelper, and root for a changed root folder")
class PackageTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.packages = [cls.build(version) for version in ("0.1.0", "0.1.1")]

    @staticmethod
    def build(version):
        if pathlib.Path(PROGRAM).parent != ROOT / "build":
            raise unittest.SkipTest("tools/deb.sh packs build/")
        done = subprocess.run([ROOT / "tools" / "deb.sh"], env={**os.environ, "VERSION": version}, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return pathlib.Path(done.stdout.strip())

    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        work = self.folder / "work"
        self.root.mkdir()
        work.mkdir()
        self.mount("tmpfs", "tmpfs", work)  # an overlay cannot keep its changes on another one
        (work / "upper").mkdir()
        (work / "work").mkdir()
        below = os.environ.get("GAMEFLOW_ROOT", "/")
        self.mount("overlay", "overlay", self.root, "-o", f"lowerdir={below},upperdir={work}/upper,workdir={work}/work")
        for name in ("dev", "proc"):
            subprocess.run(["mount", "--rbind", f"/{name}", self.root / name], check=True)
            subprocess.run(["mount", "--make-rslave", self.root / name], check=True)
            self.addCleanup(subprocess.run, ["umount", "-R", "-l", self.root / name], check=True)
        # No service starts in there.
        (self.root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (self.root / "usr/sbin/policy-rc.d").chmod(0o755)
        for package in self.packages:
            shutil.copy(package, self.root / "tmp")

    def mount(self, kind, what, where, *options):
        done = subprocess.run(["mount", "-t", kind, *options, what, where], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"cannot mount here: {done.stderr}")
        self.addCleanup(subprocess.run, ["umount", "-l", where], check=True)

    def inside(self, *command):
        done = subprocess.run(["chroot", self.root, *command], capture_output=True, text=True, env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "HOME": "/root"})
        self.assertEqual(done.returncode, 0, f"{command}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def install(self, package):
        self.inside("apt-get", "install", "-y", "-qq", "--no-install-recommends", f"/tmp/{package.name}")

    def installed(self, path):
        return (self.root / path).exists()

    def test_install_upgrade_remove_purge(self):
        first, second = self.packages
        self.install(first)
        self.assertEqual(self.inside("gameflow", "version"), "gameflow 0.1.0\n")
        self.assertIn("no mistakes", self.inside("gameflow", "validate", "/usr/share/gameflow/games/gaming-analytics/dataflow.yaml"))
        self.assertTrue(self.installed(UNIT) or self.installed("usr/" + UNIT))
        self.assertIn("/etc/gameflow/gameflow.conf", self.inside("dpkg-query", "-W", "-f", "${Conffiles}", "gameflow"))
        self.assertTrue((self.root / "etc/systemd/system/multi-user.target.wants/gameflow.service").is_symlink(), "starts with the machine")

        # What a person has written stays over an upgrade and a removal.
        configuration = self.root / "etc/gameflow/gameflow.conf"
        own = configuration.read_text().replace("127.0.0.1:3001", "127.0.0.1:8000")
        configuration.write_text(own)
        # As docs/deploy says; the service's user is another one.
        self.inside("gameflow", "token", "create", "ann", "--role", "admin", "--auth", "/etc/gameflow/tokens")
        self.inside("chmod", "o+r", "/etc/gameflow/tokens")
        self.inside("gameflow", "token", "create", "wall", "--role", "read", "--auth", "/etc/gameflow/tokens")
        as_service = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        self.assertRegex(self.inside(*as_service, "gameflow", "token", "list", "--auth", "/etc/gameflow/tokens"), r"(?s)\nann .*\nwall ")
        state = [self.root / "var" / kind / "private/gameflow" for kind in ("lib", "cache")]
        for folder in state:
            folder.mkdir(parents=True)
            (folder.parents[1] / "gameflow").symlink_to("private/gameflow")
        self.install(second)
        self.assertIn("0.1.1-1~", self.inside("dpkg-query", "-W", "-f", "${Version}", "gameflow"))
        self.assertEqual(configuration.read_text(), own)

        self.inside("dpkg", "--remove", "gameflow")
        self.assertFalse(self.installed("usr/bin/gameflow"))
        self.assertEqual(configuration.read_text(), own)
        self.assertTrue(all(folder.is_dir() for folder in state), "topics and state are nobody's to remove yet")
        self.assertTrue(self.installed("etc/gameflow/tokens"))

        self.inside("dpkg", "--purge", "gameflow")
        for path in ("etc/gameflow", "var/lib/gameflow", "var/lib/private/gameflow", "var/cache/gameflow", "var/cache/private/gameflow",
                     "usr/share/gameflow", "usr/include/gameflow", "usr/share/doc/gameflow", UNIT, "usr/" + UNIT):
            self.assertFalse(os.path.lexists(self.root / path), path)

    @unittest.skipUnless(shutil.which("lintian"), "needs lintian")
    def test_lintian_has_nothing_to_say(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", self.packages[0]],
                              capture_output=True, text=True)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
