#include "spec/dashboard_actions.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "spec/dashboard_sections.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

constexpr Field kActionFields[] = {
    {.key = "label",
     .is_required = true,
     .doc = "on the button",
     .hint = "write 'label: Acknowledge'"},
    {.key = "topic",
     .kind = kName,
     .is_required = true,
     .doc = "that the record goes to",
     .hint = "write 'topic: NAME'",
     .names = &kTopicName},
    {.key = "record",
     .kind = kMap,
     .is_required = true,
     .doc = "what is sent. A text `:COLUMN` stands for the row's value in that column",
     .hint = "write 'record: { field: value, other: \":column\" }'"},
    {.key = "key", .kind = kAnswerColumn, .doc = "whose value is the record's key"},
    {.key = "question",
     .doc = "what is asked before it is sent; where the record has `:answer`, that is what one "
            "writes below it"},
};

struct Uses {
  std::vector<const Node*> columns, parameters, within;
  const Node* answer = nullptr;
};

// Whether there is a `:NAME` behind other words, which a page would send as it is.
bool has_name_within(std::string_view text) {
  for (std::size_t at = text.find(" :"); at < text.size(); at = text.find(" :", at + 1)) {
    const char first = at + 2 < text.size() ? text[at + 2] : ' ';
    if (first == '_' || (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z'))
      return true;
  }
  return false;
}

void find_uses(const Node& node, Uses& uses) {
  for (const Node& item : node.items) find_uses(item, uses);
  if (node.kind == NodeKind::kScalar && has_name_within(node.text)) uses.within.push_back(&node);
  if (node.kind != NodeKind::kScalar || node.text.size() < 2 || node.text[0] != ':') return;
  const std::string_view name = std::string_view(node.text).substr(1);
  if (name == "answer") uses.answer = &node;
  const bool is_parameter = std::ranges::count(kActionParameters, name) != 0;
  (is_parameter ? uses.parameters : uses.columns).push_back(&node);
}

}  // namespace

constexpr Section kPanelAction = {"panel-action", "an action", kActionFields};

void read_action(Report& report, const Node& node, const boost::json::object& action,
                 DashboardQuery& query, std::vector<DashboardAction>& actions) {
  const Node* const topic = node.find("topic");
  const Node* const record = node.find("record");
  if (topic == nullptr || record == nullptr || record->kind != NodeKind::kMap) return;
  Uses uses;
  find_uses(*record, uses);
  const auto note = [](const std::vector<const Node*>& found, std::vector<NameUse>& names) {
    for (const Node* use : found)
      names.push_back({use->text.substr(1), use->position, use->length});
  };
  note(uses.columns, query.columns);
  note(uses.parameters, query.hiding);
  for (const Node* text : uses.within)
    report.error(
        *text, fmt::format("'{}' would be sent as it is: ':NAME' counts alone", text->text),
        "make it a column of the query, such as 'player ' || who as text, and write ':text'");
  if (uses.answer != nullptr && !action.contains("question"))
    report.error(*uses.answer, "there is no question that ':answer' would be the answer to",
                 "write 'question: …' beside 'record'");
  const boost::json::value* const made = action.if_contains("record");
  if (made == nullptr || !made->is_object()) return;
  const Node& key = *node.find_key("record");
  actions.push_back({.topic = {topic->text, topic->position, topic->length},
                     .record = made->as_object(),
                     .position = key.position,
                     .length = key.length});
}

}  // namespace gameflow::spec
