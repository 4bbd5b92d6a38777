#include "api/receipt.h"

#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace gameflow::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kPrefix = "forgotten/", kPrefixEnd = "forgotten0";
constexpr std::array kSteps = {"erasing", "purging", "done"};

std::uint64_t number_at(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains({name.data(), name.size()});
  json::error_code error;
  const auto number = value == nullptr ? 0 : value->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

std::string text_at(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

template <class Visit>
void for_each_object(const json::object& object, std::string_view name, Visit&& visit) {
  const json::value* const value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_object()) return;
  for (const auto& [key, member] : value->get_object())
    if (member.is_object()) visit(std::string(key.data(), key.size()), member.get_object());
}

}  // namespace

json::object to_json(const Receipt& receipt) {
  json::object topics, services;
  for (const auto& [name, topic] : receipt.topics)
    topics[name] = {{"erased", topic.erased}, {"changed", topic.changed}};
  for (const auto& [name, service] : receipt.services)
    services[name] = {
        {"rows", service.rows}, {"emptied", service.emptied}, {"events", service.events}};
  json::object object{{"receipt", receipt.number},
                      {"step", kSteps[static_cast<std::size_t>(receipt.step)]},
                      {"asked_at", format_timestamp(receipt.asked_at)},
                      {"topics", std::move(topics)},
                      {"states", std::move(services)},
                      {"left", receipt.left}};
  if (receipt.is_dry_run) object["dry_run"] = true;
  if (receipt.done_at) object["done_at"] = format_timestamp(*receipt.done_at);
  if (!receipt.doing.empty()) object["doing"] = receipt.doing;
  if (!receipt.error.empty()) object["error"] = receipt.error;
  return object;
}

log::KeyRange job_keys() {
  return {std::string(kPrefix), std::string(kPrefixEnd)};
}

log::KeyValue encode(const Job& job) {
  json::object object = to_json(job.receipt);
  object.erase("doing");
  object.erase("error");
  object["asked_at"] = job.receipt.asked_at.ms;
  if (job.receipt.done_at) object["done_at"] = job.receipt.done_at->ms;
  if (job.receipt.step == Receipt::Step::kErasing) object["player"] = job.player;
  return {fmt::format("{}{:020}", kPrefix, job.receipt.number), json::serialize(object)};
}

Result<Job> decode_job(std::string_view key, std::string_view value) {
  json::error_code error;
  const json::value parsed = json::parse({value.data(), value.size()}, error);
  if (error || !parsed.is_object())
    return fail(ErrorCode::kDataCorrupt,
                fmt::format("the receipt {} of a forgotten player is damaged", key));
  const json::object& object = parsed.get_object();
  Job job;
  Receipt& receipt = job.receipt;
  receipt.number = number_at(object, "receipt");
  receipt.asked_at = {static_cast<std::int64_t>(number_at(object, "asked_at"))};
  if (object.contains("done_at"))
    receipt.done_at = Timestamp{static_cast<std::int64_t>(number_at(object, "done_at"))};
  const std::string step = text_at(object, "step");
  for (std::size_t i = 0; i < kSteps.size(); ++i)
    if (step == kSteps[i]) receipt.step = static_cast<Receipt::Step>(i);
  for_each_object(object, "topics", [&](std::string name, const json::object& topic) {
    receipt.topics[std::move(name)] = {number_at(topic, "erased"), number_at(topic, "changed")};
  });
  for_each_object(object, "states", [&](std::string name, const json::object& service) {
    receipt.services[std::move(name)] = {.rows = number_at(service, "rows"),
                                         .emptied = number_at(service, "emptied"),
                                         .events = number_at(service, "events")};
  });
  receipt.left = number_at(object, "left");
  job.player = text_at(object, "player");
  return job;
}

}  // namespace gameflow::api
