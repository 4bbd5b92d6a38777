# A stand-in for the servers of the game: the last `minutes` of four arenas, one JSON event a line. In each, matches of four to
# six minutes follow each other, with a kill every two seconds; p13 finds an aimbot three minutes before the end.
BEGIN {
  if (!minutes) minutes = 30
  srand(seed ? seed : 1)
  split("eu eu us asia", region); split("duel team duel team", mode); split("docks temple foundry docks", map)
  guns = split("rifle rifle rifle rifle pistol pistol shotgun sniper knife grenade", weapon)
  now = systime()
  for (at = now - minutes * 60; at < now; ++at)
    for (arena = 1; arena <= 4; ++arena) {
      if (at >= ends[arena]) {
        if (ends[arena]) { event("match_ended"); print "}" }
        ends[arena] = at + 240 + int(rand() * 120)
        match_id[arena] = arena "-" at
        event("match_started"); print "}"
      }
      if ((at + arena) % 2 == 0) kill(arena * 10 + int(rand() * rand() * 10))
      if (arena == 1 && at >= now - 180 && at < now - 140) kill(13)
    }
}

function kill(player) {
  event("kill")
  printf ",\"player\":\"p%d\",\"victim\":\"p%d\",\"weapon\":\"%s\",\"headshot\":%s}\n", player, arena * 10 + int(rand() * 10),
    weapon[1 + int(rand() * guns)], rand() < 0.25 ? "true" : "false"
}

function event(kind) {
  printf "{\"kind\":\"%s\",\"at\":\"%s\",\"match\":\"%s\",\"region\":\"%s\",\"mode\":\"%s\",\"map\":\"%s\"", kind,
    strftime("%Y-%m-%dT%H:%M:%SZ", at, 1), match_id[arena], region[arena], mode[arena], map[arena]
}
