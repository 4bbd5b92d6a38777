// How a rule of tables/fraud_rules.csv looks at what came in for one key: an account, an address,
// an item.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

constexpr u16 kFraudRules = 64;            // their numbers are 1 to this
constexpr std::size_t kFraudEntries = 50;  // that are remembered of a key, the last to come
constexpr std::size_t kUsualPrices = 10;   // fewer say nothing about what is usual

struct FraudEntry {
  Timestamp at;
  Text id;
  f64 value = 0;
  Text text;
};

struct FraudFinding {
  f64 value = 0;  // what is beyond the limit
  Timestamp since, until;
  List<Text> ids;
};

// How far an amount is from the others' median, in standard deviations as the median of their
// distances (MAD) tells them. Prices that are all alike have none: then a twentieth of the price
// counts as one. Where few others are known, it is so far from the list price.
inline f64 oddness_of(f64 amount, const std::vector<FraudEntry>& others,
                      const Optional<f64>& list_price) {
  if (others.size() < kUsualPrices && !list_price) return 0;
  f64 usual = list_price.value_or(0), deviation = 0;
  if (others.size() >= kUsualPrices) {
    std::vector<f64> values;
    for (const FraudEntry& other : others) values.push_back(other.value);
    usual = median_of(values);
    for (f64& value : values) value = std::abs(value - usual);
    deviation = 1.4826 * median_of(values);
  }
  return std::abs(amount - usual) / std::max({deviation, 0.05 * usual, 0.01});
}

// The first time span of the rule's length, with the hit in it, in which the limit is reached:
// later than its end less the length, up to its end. `entries` are in order of time.
inline Optional<FraudFinding> find_beyond_limit(const std::vector<FraudEntry>& entries,
                                                Timestamp hit, const FraudRule& rule) {
  const i64 within = std::llround(rule.minutes * kMinute);
  std::size_t first = 0;
  for (std::size_t last = 0; last < entries.size(); ++last) {
    const i64 after = entries[last].at.ms - within;
    while (entries[first].at.ms <= after) ++first;
    if (entries[last].at < hit || hit.ms <= after) continue;
    f64 sum = 0;
    for (std::size_t i = first; i <= last; ++i) sum += entries[i].value;
    const f64 count = static_cast<f64>(last - first + 1);
    f64 value = count;
    if (rule.kind == FraudRuleKind::sum || rule.kind == FraudRuleKind::share) value = sum;
    if (value < rule.limit) continue;
    // Of a share the value of a refund is 1, that of a purchase 0.
    if (rule.kind == FraudRuleKind::share &&
        sum < rule.share.value_or(0) * std::max(count - sum, 1.0))
      continue;
    FraudFinding finding{value, entries[first].at, entries[last].at, {}};
    for (std::size_t i = first; i <= last; ++i) finding.ids.push_back(entries[i].id);
    return finding;
  }
  return {};
}

// Takes a hit into the row of its rule and key. What has been found is forgotten: it is the
// evidence of the flag, and the next one needs evidence of its own.
template <typename Row>
Optional<FraudFinding> take_hit(Row& row, const FraudHit& hit, const FraudRule& rule) {
  const bool is_distinct = rule.kind == FraudRuleKind::distinct;
  const i64 within = std::llround(rule.minutes * kMinute);
  i64 newest = hit.at.ms;
  for (const Timestamp at : row.times) newest = std::max(newest, at.ms);
  FraudEntry now{hit.at, hit.id, hit.value, is_distinct ? hit.text : Text()};
  std::vector<FraudEntry> entries;
  for (std::size_t i = 0; i < row.times.size(); ++i) {
    const FraudEntry entry{row.times[i], row.ids[i], row.values[i],
                           is_distinct ? row.texts[i] : Text()};
    if (entry.at.ms <= newest - 2 * within) continue;  // twice: for what comes out of order
    if (is_distinct && entry.text == hit.text)
      now.at = std::max(now.at, entry.at);
    else
      entries.push_back(entry);
  }
  Optional<FraudFinding> finding;
  if (rule.kind == FraudRuleKind::outlier) {
    const f64 oddness = oddness_of(now.value, entries, hit.list_price);
    if (oddness > rule.limit) finding = FraudFinding{oddness, now.at, now.at, {now.id}};
  }
  if (entries.size() >= kFraudEntries)
    entries.erase(entries.begin(), entries.end() - (kFraudEntries - 1));
  entries.push_back(now);
  if (rule.kind != FraudRuleKind::outlier) {
    std::vector<FraudEntry> in_order = entries;
    std::stable_sort(in_order.begin(), in_order.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    finding = find_beyond_limit(in_order, now.at, rule);
    if (finding) entries.clear();
  }
  row.times = {};
  row.ids = {};
  row.values = {};
  row.texts = {};
  for (const FraudEntry& entry : entries) {
    row.times.push_back(entry.at);
    row.ids.push_back(entry.id);
    row.values.push_back(entry.value);
    if (is_distinct) row.texts.push_back(entry.text);
  }
  return finding;
}

inline std::string number_text(f64 number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", number == std::floor(number) ? 0 : 2, number);
  return text;
}

inline std::string span_text(f64 minutes) {
  const bool is_hours = minutes >= 120 && std::fmod(minutes, 60) == 0;
  if (is_hours) return number_text(minutes / 60) + " hours";
  return number_text(minutes) + (minutes == 1 ? " minute" : " minutes");
}

// "5 purchases of account ann within 2 minutes: so many …"
inline Text words_of(const FraudFinding& found, const Text& subject, const FraudRule& rule) {
  const std::string what =
      rule.of == FraudRuleOf::any ? "purchases and refunds" : to_text(rule.of).str() + "s";
  const std::string number = number_text(found.value);
  std::string words;
  switch (rule.kind) {
    case FraudRuleKind::count:
      words = number + " " + what;
      break;
    case FraudRuleKind::distinct: {
      std::string things = to_text(rule.what.value_or(FraudRuleWhat::account)).str();
      if (things == "currency") things = "currencie";
      if (things == "address") things = "addresse";
      words = number + " different " + things + "s in " + what;
      break;
    }
    case FraudRuleKind::sum:
      words = number + " USD in " + what;
      break;
    case FraudRuleKind::share:
      words = number + " refunds beside " +
              number_text(static_cast<f64>(found.ids.size()) - found.value) + " purchases";
      break;
    case FraudRuleKind::outlier:
      return "an amount of " + subject.str() + " that is " + number +
             " deviations from what the item usually costs: " + rule.reason.str();
  }
  return words + " of " + subject.str() + " within " + span_text(rule.minutes) + ": " +
         rule.reason.str();
}
