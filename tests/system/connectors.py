"""What the tests of connectors share: `gameflow connect` as a process, the examples of the pages, and real peers on loopback."""

import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

from harness import PATIENCE_SECONDS, PROGRAM, ROOT, free_port, wait_until


def example(kind, *replacements):
    """The first file on the kind's page, changed by (text, text), each of which must be there."""
    page = (ROOT / "docs" / "connectors" / f"{kind}.md").read_text()
    text = re.search(r"```yaml\n(apiVersion.*?)```", page, re.S)[1]
    for old, new in replacements:
        assert old in text, f"{kind}.md: the example has no '{old}'"
        text = text.replace(old, new)
    return text


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def as_nobody(command):
    """For programs that refuse to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]


class Process:
    """A program that is ended with the test, its output in a file."""

    def __init__(self, test, command, log, env=None):
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **(env or {})})
        test.addCleanup(self.kill)

    def is_running(self):
        return self.process.poll() is None

    def end(self, number):
        if self.is_running():
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self):
        return self.end(signal.SIGKILL)

    def stop(self):
        return self.end(signal.SIGTERM)

    def wait(self):
        return self.process.wait(PATIENCE_SECONDS)

    def text(self):
        return self.log.read_text(errors="replace")


class Connector:
    """`gameflow connect` on a file, over kills and starts."""

    def __init__(self, test, server, text, env=None):
        self.test, self.server, self.env = test, server, env
        self.path = test.folder / f"connector-{free_port()}.yaml"
        self.path.write_text(text)
        self.log = self.path.with_suffix(".log")
        self.start()

    def start(self):
        self.process = Process(self.test, [PROGRAM, "connect", self.path, "--server", self.server.url], self.log, self.env)
        return self

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop()

    def says(self, text):
        """Waits until the log has it."""
        wait_until(lambda: text in self.process.text(), f"'{text}' in {self.process.text()[-2000:]}")

    def ends(self):
        """Waits for its end, which must be one that a person has to mend; returns what it said."""
        self.test.assertNotEqual(self.process.wait(), 0)
        return self.process.text()


class Postgres:
    # As Debian has it: /usr/lib/postgresql/15/bin
    BIN = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), default=pathlib.Path("nowhere"))

    @classmethod
    def is_installed(cls):
        return (cls.BIN / "postgres").exists()

    def __init__(self, test):
        self.test, self.port = test, free_port()
        os.chmod(test.folder, 0o777)
        self.data = test.folder / "postgres"
        subprocess.run(as_nobody([self.BIN / "initdb", "-D", self.data, "-U", "game", "--auth=trust", "--no-sync", "--locale=C",
                                  "--encoding=UTF8"]), check=True, capture_output=True, cwd="/")
        self.start()

    @property
    def url(self):
        return f"postgresql://game@127.0.0.1:{self.port}/postgres"

    def start(self):
        self.process = Process(self.test, as_nobody([self.BIN / "postgres", "-D", self.data, "-p", self.port, "-k", self.test.folder,
                                                     "-c", "listen_addresses=127.0.0.1"]), self.test.folder / "postgres.log")
        wait_until(lambda: self.query("SELECT 1") == [["1"]], "PostgreSQL answers")

    def kill(self):
        """kill -9 of its first process; the others end then, too."""
        self.process.kill()
        wait_until(lambda: not is_listening(self.port), "PostgreSQL is gone")

    def query(self, statement):
        """Rows of texts, or None if it fails."""
        done = subprocess.run([self.BIN / "psql", "-XAtq", "-F", "\t", self.url, "-c", statement], capture_output=True, text=True,
                              env={**os.environ, "PGTZ": "UTC"})
        return [line.split("\t") for line in done.stdout.splitlines()] if done.returncode == 0 else None


class Carbon:
    """Graphite's receiver, and what answers Grafana: a folder of metrics between them."""

    PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for

    @classmethod
    def is_installed(cls):
        return (shutil.which("carbon-cache") is not None and
                subprocess.run([cls.PYTHON, "-c", "import graphite, whisper"], capture_output=True).returncode == 0)

    def __init__(self, test):
        self.test, self.port, self.web_port, self.cache_port = test, free_port(), free_port(), free_port()
        self.folder = test.folder / "graphite"
        for name in ("conf", "whisper", "log", "pid"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "conf" / "carbon.conf").write_text(f"""[cache]
STORAGE_DIR = {self.folder}
LOCAL_DATA_DIR = {self.folder}/whisper/
CONF_DIR = {self.folder}/conf/
LOG_DIR = {self.folder}/log/
PID_DIR = {self.folder}/pid/
USER =
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
MIN_TIMESTAMP_RESOLUTION = 1
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {self.port}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {free_port()}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {self.cache_port}
WHISPER_AUTOFLUSH = True
""")
        (self.folder / "conf" / "storage-schemas.conf").write_text("[all]\npattern = .*\nretentions = 1s:2h\n")
        self.start()
        self.web = Process(test, [self.PYTHON, pathlib.Path(__file__).with_name("graphite_web.py"), self.folder, self.web_port],
                           test.folder / "graphite-web.log")
        wait_until(lambda: is_listening(self.web_port), "graphite-web listens")

    def start(self):
        self.process = Process(self.test, ["carbon-cache", f"--config={self.folder}/conf/carbon.conf", "--nodaemon", "start"],
                               self.test.folder / "carbon.log")
        wait_until(lambda: is_listening(self.port), "Carbon listens")


class Kafka:
    """One broker of Apache Kafka. Its jars come by Maven, once, into KAFKA_CACHE (~/.cache/gameflow-kafka)."""

    SCRIPT = pathlib.Path(__file__).with_name("kafka_broker.sh")

    @classmethod
    def is_missing(cls):
        """Why it cannot run here, or nothing."""
        for program in ("java", "kcat"):
            if shutil.which(program) is None:
                return f"{program} is not installed: tools/setup.sh test"
        done = subprocess.run([cls.SCRIPT, "install"], capture_output=True, text=True)
        return "" if done.returncode == 0 else f"Kafka's jars cannot be had: {done.stderr[-300:]}"

    def __init__(self, test):
        self.port, self.folder = free_port(), test.folder / "kafka"
        self.run("start", self.port)
        test.addCleanup(lambda: subprocess.run([self.SCRIPT, "kill", self.folder], capture_output=True))

    def run(self, command, *arguments):
        done = subprocess.run([self.SCRIPT, command, self.folder, *map(str, arguments)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr

    @property
    def url(self):
        return f"127.0.0.1:{self.port}"

    def kill(self):
        self.run("kill")

    def start(self):
        self.run("up", 1)

    def admin(self, tool, *arguments):
        jars = pathlib.Path(os.environ.get("KAFKA_CACHE", pathlib.Path.home() / ".cache" / "gameflow-kafka"))
        version = os.environ.get("KAFKA_VERSION", "4.4.0")
        done = subprocess.run(["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars / version}-tools/*",
                               f"org.apache.kafka.tools.{tool}", "--bootstrap-server", self.url, *map(str, arguments)],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def create_topic(self, name, partitions, *more):
        self.admin("TopicCommand", "--create", "--topic", name, "--partitions", partitions, *more)

    def produce(self, topic, lines):
        """Lines `KEY\\tVALUE`."""
        subprocess.run(["kcat", "-P", "-b", self.url, "-t", topic, "-K", "\t", "-X", "acks=all", "-X", "linger.ms=20"],
                       input="".join(line + "\n" for line in lines), text=True, check=True, capture_output=True)

    def consume(self, topic):
        """Committed records as (partition, key, value)."""
        done = subprocess.run(["kcat", "-C", "-b", self.url, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%p\t%k\t%s\n",
                               "-X", "isolation.level=read_committed"], capture_output=True, text=True, check=True)
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


class Mosquitto:
    @classmethod
    def is_installed(cls):
        return os.path.exists("/usr/sbin/mosquitto") and shutil.which("mosquitto_pub") is not None

    def __init__(self, test):
        self.test, self.port = test, free_port()
        os.chmod(test.folder, 0o777)
        (test.folder / "mosquitto").mkdir(mode=0o777)
        os.chmod(test.folder / "mosquitto", 0o777)
        self.conf = test.folder / "mosquitto.conf"
        self.conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
                             f"persistence_location {test.folder}/mosquitto/\nmax_inflight_messages 100\nmax_queued_messages 0\n")
        self.start()

    def start(self):
        self.process = Process(self.test, as_nobody(["/usr/sbin/mosquitto", "-c", self.conf]), self.test.folder / "mosquitto.log")
        wait_until(lambda: is_listening(self.port), "mosquitto listens")

    def restart(self):
        self.process.stop()
        self.start()

    def publish(self, topic, lines):
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-t", topic, "-q", "1", "-l"],
                       input="".join(line + "\n" for line in lines), text=True, check=True, capture_output=True)


class ClickHouse:
    @classmethod
    def is_installed(cls):
        return shutil.which("clickhouse-server") is not None

    def __init__(self, test):
        self.port = free_port()
        folder = test.folder / "clickhouse"
        folder.mkdir()
        (folder / "users.xml").write_text("""<yandex>
<profiles><default/></profiles><quotas><default/></quotas>
<users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default></users>
</yandex>""")
        (folder / "config.xml").write_text(f"""<yandex>
<logger><level>warning</level><console>1</console></logger>
<http_port>{self.port}</http_port><tcp_port>{free_port()}</tcp_port><listen_host>127.0.0.1</listen_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><users_config>{folder}/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database><mark_cache_size>67108864</mark_cache_size>
<timezone>UTC</timezone>
</yandex>""")
        self.process = Process(test, ["clickhouse-server", f"--config-file={folder}/config.xml"], test.folder / "clickhouse.log",
                               {"TZ": "UTC"})
        wait_until(lambda: is_listening(self.port) or not self.process.is_running(), "ClickHouse listens")
        assert self.process.is_running(), self.process.text()[-2000:]

    def query(self, statement):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        connection.request("POST", "/", statement)
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        assert reply.status == 200, text
        return text.strip()
