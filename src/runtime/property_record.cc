#include "runtime/property_record.h"

#include <stdexcept>

#include <fmt/format.h>

namespace gameflow::runtime::property {
namespace {

using Out = std::function<std::string_view(const Event&)>;

std::string_view pass(const std::vector<Step>& steps, std::size_t at, const Event& event,
                      const LookUp& look_up, const Out& out) {
  if (at == steps.size()) return out(event);
  std::vector<Event> made;
  try {
    apply(steps[at], event, look_up, made);
  } catch (const std::runtime_error&) {
    return kind_of(steps[at].op);
  }
  for (const Event& next : made) {
    if (const auto failed = pass(steps, at + 1, next, look_up, out); !failed.empty()) return failed;
  }
  return {};
}

}  // namespace

std::string_view pass_all(const std::vector<Step>& steps, const std::vector<Event>& events,
                          const LookUp& look_up, const Out& out) {
  const bool explodes = !steps.empty() && steps.front().op == Step::Op::kExplode;
  for (const Event& event : events) {
    const auto failed = pass(steps, explodes ? 1 : 0, event, look_up, out);
    if (!failed.empty()) return failed;
  }
  return {};
}

std::string text_of(Content content, const std::vector<Event>& events, bool is_list) {
  return content == Content::kLists || is_list ? json_of(events) : json_of(events.front());
}

std::string json_of(const Event& event) {
  return fmt::format(R"({{"name":"{}","at":{},"n":{},"depth":{}}})", event.name, event.at, event.n,
                     event.depth);
}

std::string json_of(const std::vector<Event>& events) {
  std::string text = "[";
  for (const Event& event : events) text += (text.size() > 1 ? "," : "") + json_of(event);
  return text + "]";
}

}  // namespace gameflow::runtime::property
