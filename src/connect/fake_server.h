// A gameflow server in memory, as far as connectors ask it, that fails on demand.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "client/http_client.h"
#include "client/record_line.h"
#include "record/base64.h"

namespace gameflow::connect {

class FakeServer final : public client::Http {
 public:
  struct Record {
    std::string key;  // as JSON
    std::string value;
  };
  enum class Failure : std::uint8_t {
    kNone,
    kBefore,     // no answer, and nothing happened
    kAfter,      // no answer, but it happened
    kTemporary,  // 503
    kOverQuota,  // 429, to come again after 7 s
  };

  std::map<std::string, std::vector<Record>> topics;  // of one partition
  std::set<std::string> raw;                          // topics whose values are bytes
  std::map<std::string, std::uint64_t> begins;        // retention has removed what is before
  std::uint64_t sequence = 0;
  std::string position;
  // Asked at each request; may throw, which is a process that dies.
  std::function<Failure()> failure = [] { return Failure::kNone; };
  // What a topic does not take.
  std::function<bool(std::string_view value)> is_bad = [](std::string_view) { return false; };
  std::vector<std::string> targets;

  void forget() {
    sequence = 0;
    position.clear();
  }

  Result<client::HttpReply> request(std::string_view method, const std::string& target,
                                    std::string_view, std::string_view body) override {
    targets.push_back(fmt::format("{} {}", method, target));
    const Failure now = failure();
    if (now == Failure::kBefore) return fail(ErrorCode::kUnavailable, "no answer");
    if (now == Failure::kTemporary) return client::HttpReply{503, error("unavailable", "full")};
    if (now == Failure::kOverQuota)
      return client::HttpReply{429, error("quota_exceeded", "too much"), std::chrono::seconds(7)};
    client::HttpReply reply = answer(method, target, body);
    failure();  // it may die now, too
    if (now == Failure::kAfter) return fail(ErrorCode::kUnavailable, "no answer");
    return reply;
  }

 private:
  static std::string base64(std::string_view value) {
    std::string text = "\"";
    record::append_base64({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()},
                          text);
    return text + '"';
  }

  static std::string error(std::string_view code, std::string_view message) {
    return fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})", code, message);
  }

  static std::string decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        out += text[i];
        continue;
      }
      unsigned value = 0;
      std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
      out += static_cast<char>(value);
      i += 2;
    }
    return out;
  }

  static std::optional<std::string> parameter(std::string_view target, std::string_view name) {
    std::size_t at = target.find('?');
    while (at != std::string_view::npos) {
      const std::size_t end = std::min(target.find('&', at + 1), target.size());
      const std::string_view pair = target.substr(at + 1, end - at - 1);
      if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
        return decode(pair.substr(name.size() + 1));
      at = end == target.size() ? std::string_view::npos : end;
    }
    return std::nullopt;
  }

  client::HttpReply answer(std::string_view method, const std::string& target,
                           std::string_view body) {
    if (target.starts_with("/producers/")) {
      return {200,
              fmt::format(R"({{"next_sequence":{},"position":{}}})", sequence,
                          position.empty() ? "null"
                                           : boost::json::serialize(boost::json::value(position)))};
    }
    if (target == "/dataflow") return {200, R"({"dead_letter_topic":"dead-letters"})"};
    if (method == "POST" && target.starts_with("/records?")) return store(target, body);
    if (target.starts_with("/topics/")) return read(target);
    return {404, error("invalid_argument", "no such route")};
  }

  client::HttpReply store(const std::string& target, std::string_view body) {
    const std::uint64_t first = std::stoull(*parameter(target, "sequence"));
    if (first > sequence) return {409, error("sequence_gap", "gap")};
    std::uint64_t index = 0, accepted = 0, known = 0, rejected = 0;
    std::string errors;
    const auto refuse = [&](std::string_view code) {
      errors += fmt::format(R"({}{{"index":{},"field":"","code":"{}","message":"bad"}})",
                            rejected == 0 ? "" : ",", index, code);
      ++rejected;
    };
    for (std::string_view rest = body; !rest.empty(); ++index) {
      const std::size_t end = rest.find('\n');
      const auto line = client::parse_record_line(rest.substr(0, end));
      rest.remove_prefix(end + 1);
      const auto topic = topics.find(std::string(line->head.at("topic").as_string()));
      const bool is_known = first + index < sequence;
      if (topic == topics.end()) {
        refuse("topic_not_found");
      } else if (is_bad(line->value)) {
        refuse("wrong_type");
      } else if (is_known) {
        ++known;
      } else {
        topic->second.push_back(
            {boost::json::serialize(line->head.at("key")), std::string(line->value)});
        ++accepted;
      }
    }
    sequence = std::max(sequence, first + index);
    if (const auto text = parameter(target, "position")) position = *text;
    const bool all_bad = rejected == index && index > 0;
    return {
        all_bad ? 400 : 200,
        fmt::format(R"({{"accepted":{},"duplicates":{},"known":{},"rejected":{},"errors":[{}]}})",
                    accepted, known, known, rejected, errors)};
  }

  client::HttpReply read(const std::string& target) {
    const std::string path = target.substr(0, target.find('?'));
    const std::string name = path.substr(8, path.find('/', 8) - 8);
    const auto topic = topics.find(name);
    if (topic == topics.end()) return {404, error("topic_not_found", "no such topic")};
    const std::uint64_t begin = begins[name], end = topic->second.size();
    if (!path.ends_with("/records")) {
      return {200,
              fmt::format(R"({{"raw":{},"partitions":[{{"partition":0,"begin":{},"end":{}}}]}})",
                          raw.contains(name) ? "\"bytes\"" : "null", begin, end)};
    }
    const std::uint64_t offset = std::stoull(*parameter(target, "offset"));
    if (offset < begin || offset > end) return {416, error("offset_out_of_range", "gone")};
    std::string lines;
    const bool in_base64 = parameter(target, "values") == "base64";
    for (std::uint64_t i = offset; i < std::min(end, offset + 7); ++i) {
      lines += fmt::format(R"({{"partition":0,"offset":{},"timestamp":5,"key":{},"value":{}}})", i,
                           topic->second[i].key,
                           in_base64 ? base64(topic->second[i].value) : topic->second[i].value);
      lines += '\n';
    }
    return {200, lines};
  }
};

}  // namespace gameflow::connect
