// Thirty days of results, and how long a page waits for a chart of them.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/dashboard_files.h"
#include "client.h"
#include "history.h"
#include "report.h"

namespace gameflow::bench {
namespace {

namespace json = boost::json;

constexpr double kMsPromised = 300;
constexpr int kTimes = 5;  // each question is asked; their median counts
constexpr std::int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;

struct Question {
  std::string panel;  // "purchases: Top items"
  std::string sql;
  std::vector<std::string> parameters;  // but :now, which the server knows
};

Question question_of(std::string panel, const json::object& of) {
  Question question{std::move(panel), std::string(of.at("query").as_string()), {}};
  for (const json::value& name : of.at("parameters").as_array())
    question.parameters.emplace_back(name.as_string());
  return question;
}

json::array variables_of(const json::object& page) {
  const json::value* variables = page.if_contains("variables");
  return variables == nullptr ? json::array() : variables->as_array();
}

// All that the page asks when it is opened.
std::vector<Question> questions_of(const json::object& page) {
  std::vector<Question> questions;
  const std::string name(page.at("name").as_string());
  const auto ask = [&](const json::object& of, std::string_view what) {
    if (of.contains("query"))
      questions.push_back(question_of(fmt::format("{}: {}", name, what), of));
  };
  for (const json::value& variable : variables_of(page))
    ask(variable.as_object(), std::string(variable.at("name").as_string()));
  for (const json::value& row : page.at("rows").as_array()) {
    for (const json::value& one : row.at("panels").as_array()) {
      const json::object& panel = one.as_object();
      const std::string title(panel.at("title").as_string());
      ask(panel, title);
      for (const std::string_view part : {"sparkline", "annotations"}) {
        if (const json::value* of = panel.if_contains(part))
          ask(of->as_object(), fmt::format("{}, {}", title, part));
      }
    }
  }
  return questions;
}

// Pages with their range set to the last so many days, as a browser asks: from and to lie on whole
// hours. Of variables nothing is chosen, but where something must be the first.
class Pages {
 public:
  Pages(History& history, std::int64_t days) : client_(history.port()) {
    const std::int64_t from = history.now().ms / kHourMs * kHourMs - days * kDayMs;
    range_ = {{"from", from}, {"to", from + days * kDayMs + kHourMs}, {"zone", "UTC"}};
    for (const spec::Dashboard& page : must(app::read_dashboards(history.world().file)))
      ask_all(page.json);
  }

  struct Slowest {
    std::string panel;
    double ms = 0;
  };
  const Slowest& slowest() const { return slowest_; }

 private:
  void ask_all(const json::object& page) {
    json::object chosen = range_;
    for (const json::value& variable : variables_of(page)) {
      json::value& value = chosen[variable.at("name").as_string()];  // null
      if (variable.at("required").as_bool())
        value = first_of(question_of("", variable.as_object()), chosen);
    }
    for (const Question& question : questions_of(page)) {
      std::vector<double> took;
      for (int i = 0; i < kTimes; ++i)
        took.push_back(seconds_of([&] { answer_to(question, chosen); }) * 1'000);
      const double ms = median(std::move(took));
      if (ms > slowest_.ms) slowest_ = {question.panel, ms};
    }
  }
  json::value first_of(const Question& question, const json::object& chosen) {
    const json::value answer = json::parse(answer_to(question, chosen));
    const json::array& rows = answer.at("rows").as_array();
    return rows.empty() ? json::value() : rows.front().at(0);
  }
  std::string answer_to(const Question& question, const json::object& chosen) {
    json::object params;
    for (const std::string& name : question.parameters) params[name] = chosen.at(name);
    try {
      return client_.exchange(post_request(
          "/sql", "application/json",
          json::serialize(json::object{{"sql", question.sql}, {"params", std::move(params)}})));
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("{}: {}", question.panel, error.what()));
    }
  }

  Client client_;
  json::object range_;
  Slowest slowest_;
};

// Whether the results are what they stand for: rows of each day, and sketches that count no more
// one by one.
void check(History& history, const History::Size& size) {
  Client client(history.port());
  const auto number = [&](std::string_view sql) {
    const json::value answer =
        json::parse(client.exchange(post_request("/sql", "text/plain", sql)));
    const json::value& cell = answer.at("rows").at(0).at(0);
    return cell.is_null() ? 0 : cell.to_number<double>();
  };
  const auto want = [&](std::string_view sql, double least) {
    const double found = number(sql);
    if (found < least) throw std::runtime_error(fmt::format("{} gives {}", sql, found));
  };
  const auto days = static_cast<double>(size.days), crowd = static_cast<double>(size.crowd);
  const double hours = 24 * std::min(days, 7.0);  // for eight days rows of hours are kept
  constexpr double kItemPrices = 8 * 5, kRegions = 7, kClients = 3 * 3;  // of the game
  want("select count(*) from players_by_minute", 0.99 * days * 24 * 60);
  want("select count(*) from day_sales where scope = 'item'", days * kItemPrices);
  want("select count(*) from hour_sales where scope = 'item'", hours * kItemPrices);
  want("select count(*) from day_quality", days * std::min(crowd / 24, kClients));
  want("select count(*) from day_latency", days * kRegions);
  want("select count(*) from retained", days * (days - 3) / 2);
  // But for the first and the last day, which are not whole.
  want(
      "select coalesce(min(estimate(players)), 0) from level_day "
      "where day > (select min(day) from level_day) and day < (select max(day) from level_day)",
      days < 3 ? 0 : 0.95 * crowd);
  want("select count(*) from fraud_case", days * 24);
  want("select count(*) from (select * from dead_letters limit 10000)", days * 24);
}

Body prepare_thirty_days(const Setting& setting) {
  use_all_cores();
  const bool is_quick = setting.quick;
  return [is_quick] {
    const History::Size size =
        is_quick ? History::Size{.days = 1, .players = 20, .crowd = 24} : History::Size{};
    History history(size);
    history.fill();
    check(history, size);
    const auto month = Pages(history, 30).slowest(), week = Pages(history, 7).slowest();
    return std::vector{Sample{.amount = month.ms, .note = month.panel},
                       Sample{.amount = week.ms, .note = week.panel}};
  };
}

}  // namespace

void add_history_cases(Cases& cases) {
  cases.push_back({.name = "flagship/thirty-days",
                   .figures = {{"", "ms", "", Target{Target::Better::kLower, kMsPromised}},
                               {"/week", "ms", ""}},
                   .repetitions = 1,
                   .prepare = prepare_thirty_days});
}

}  // namespace gameflow::bench
