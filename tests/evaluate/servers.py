"""Server alerts: how soon is a server that gets slow told, is the outage of a region one alert, and is nothing told of servers that
are well?"""

import bisect
import collections
import datetime

import play

ANOMALIES = """anomalies:
  hard-level: { level: level_07, map: map_03 }
  crashing-level: { level: level_04, map: map_02 }
  degrading-server: { server: server_3, at: 3h, for: 30m, every: 5h }
  region-outage: { region: sa-east, at: 6h, for: 10m, every: 9h }
"""
LIMIT_MS = 150  # of latency_p95 in tables/alert_rules.csv
AFTERWARDS_S = 180  # what is told of an anomaly may come so much behind its end: its windows, and those in which it recovers


def seconds(time):
    return datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def slow_since(samples, begin, end):
    """The first sample of [begin, end) from which on all of a minute are beyond the limit; nothing where there is none."""
    at = bisect.bisect_left(samples, (begin,))
    for i in range(at, len(samples)):
        time = samples[i][0]
        if time >= end:
            return None
        if all(latency > LIMIT_MS for _, latency in samples[i:bisect.bisect_left(samples, (time + 60,))]):
            return time
    return None


def measure(seed, players=300):
    with play.day(seed, players, ANOMALIES) as day:
        play.tick(day.server)
        told = [{**alert, "at": seconds(alert["at"])} for alert in day.server.values("server-alerts")]
        samples, region_of = collections.defaultdict(list), {}
        for metric in day.server.values("server-metrics"):
            what = metric["parameters"]
            samples[what["server_id"]].append((seconds(metric["event_timestamp"]), what["latency"]))
            region_of[what["server_id"]] = metric["server_data"]["region"]
        truth, events = day.truth, day.events
    for of in samples.values():
        of.sort()

    def during(anomaly, target):
        """What was told of the target then, but for ends."""
        begin, end = seconds(anomaly["from"]), seconds(anomaly["until"])
        return [alert for alert in told if alert["target"] == target and alert["state"] in ("firing", "no-data", "flapping")
                and begin <= alert["at"] <= end + AFTERWARDS_S]

    delays, slow, of_outages, outages, explained = [], 0, [], 0, []
    for anomaly in truth["anomalies"]:
        if anomaly["kind"] == "degrading-server":
            server = anomaly["server_id"]
            since = slow_since(samples[server], seconds(anomaly["from"]), seconds(anomaly["until"]))
            alerts = during(anomaly, "server " + server)
            explained += alerts + [alert for alert in during(anomaly, "region " + region_of[server]) if alert["metric"].startswith("slo_")]
            if since is not None:
                slow += 1
                delays += [alert["at"] - since for alert in alerts if alert["metric"] == "latency_p95"][:1]
        elif anomaly["kind"] == "region-outage":
            outages += 1
            alerts = during(anomaly, "region " + anomaly["region"])
            explained += alerts
            of_servers = [alert for server, region in region_of.items() if region == anomaly["region"] for alert in during(anomaly, "server " + server)]
            of_outages.append(len(alerts) + len(of_servers))
    wrong = [alert for alert in told if alert["state"] in ("firing", "no-data", "flapping") and alert not in explained]
    return {
        "events": events,
        "slow servers": slow,
        "slow servers that were told": len(delays),
        "seconds until one is told": [round(delay, 1) for delay in sorted(delays)],
        "outages of a region": outages,
        "alerts of each outage": sorted(set(of_outages)),
        "alerts of what was well": len(wrong),
        "of these": [f"{alert['state']} {alert['target']} {alert['metric']} {alert['value']:.1f} at {alert['at']:.0f}" for alert in wrong[:10]],
    }
