"""Where players are stuck: does the stuck score put the level that is too hard and the one that crashes first, and is it silent
where nothing is wrong?"""

import play

HARD, CRASHING = "level_07/map_03", "level_04/map_02"  # of play.ANOMALIES
FEW_METRICS = "metrics-every: 1m\n"  # they are not looked at


def ranking(seed, anomalies, players):
    with play.day(seed, players, FEW_METRICS + anomalies) as day:
        play.tick(day.server)
        return day.last("level-summaries"), day.events


def measure(seed, players=300):
    places, events = ranking(seed, play.ANOMALIES, players)
    names = [place["place"] for place in places]
    of = {place["place"]: place for place in places}
    rank = {place: names.index(place) + 1 for place in (HARD, CRASHING)}
    quiet, quiet_events = ranking(seed, play.NO_ANOMALIES, players)
    labelled = lambda label: sum(place["label"] == label for place in quiet)
    return {
        "events": events + quiet_events,
        "attempts at a place": sum(place["attempts"] for place in places) / len(places),
        "both in the top 2": max(rank.values()) <= 2,
        "rank of the hard level": rank[HARD],
        "rank of the crashing level": rank[CRASHING],
        "score of the hard level": of[HARD].get("stuck_score", 0),
        "score of the crashing level": of[CRASHING].get("stuck_score", 0),
        "highest score of the others": max(place.get("stuck_score", 0) for place in places if place["place"] not in rank),
        "hard level: look here": of[HARD]["label"] == "look here",
        "crashing level: at least worth a look": of[CRASHING]["label"] in ("look here", "worth a look"),
        "nothing wrong: highest score": max(place.get("stuck_score", 0) for place in quiet),
        "nothing wrong: places with look here": labelled("look here"),
        "nothing wrong: places with worth a look": labelled("worth a look"),
    }


def faults(figures):
    """What is not as it has to be, of the figures of some seeds."""
    found = []
    missed = sum(not of["both in the top 2"] for of in figures)
    if missed > len(figures) / 10:
        found.append(f"both are in the top 2 in only {len(figures) - missed} of {len(figures)} seeds")
    if any(of["nothing wrong: places with look here"] for of in figures):
        found.append("'look here' where nothing is wrong")
    return found
