#include "record/decode_plan.h"

#include <algorithm>
#include <utility>

#include "record/codec.h"

namespace gameflow::record {
namespace {

FieldPlan plan_field(const Field& field, const Plan* value) {
  FieldPlan plan;
  plan.field = &field;
  plan.value = value;
  encode_json_string(field.read_name, plan.key);
  plan.key.erase(0, 1);
  plan.offset = field.offset;
  plan.optional = field.optional;
  plan.nullable = !field.is_required();
  plan.plain_text = field.type->kind == Kind::kString && !plan.nullable;
  plan.long_key = plan.key.size() > sizeof plan.head;
  const std::size_t size = std::min(plan.key.size(), sizeof plan.head);
  std::memcpy(plan.head, plan.key.data(), size);
  std::memset(plan.mask, 0xFF, size);
  return plan;
}

}  // namespace

Plan& Plans::of(const Type& type) {
  if (last_ != nullptr && last_->type == &type) return *last_;
  std::unique_ptr<Plan>& plan = plans_[&type];
  if (plan == nullptr) {
    auto made = std::make_unique<Plan>();
    made->type = &type;
    made->has_shapes = !type.is_raw && type.kind != Kind::kJson && type.kind != Kind::kUnion &&
                       type.kind != Kind::kMap;
    const auto part = [&](const Type& of_part) {
      const Plan& plan_of_part = of(of_part);
      made->has_shapes = made->has_shapes && plan_of_part.has_shapes;
      return &plan_of_part;
    };
    if (type.kind == Kind::kMap) {
      made->item = part(*type.map_value());
    } else if (type.item != nullptr) {
      made->item = part(*type.item);
    }
    for (const Field& field : type.fields)
      made->fields.push_back(plan_field(field, part(*field.type)));
    for (const Variant& variant : type.variants)
      made->variants.push_back(variant.type == nullptr ? nullptr : part(*variant.type));
    plan = std::move(made);  // `plan` stays valid: the map's nodes do not move
  }
  last_ = plan.get();
  return *plan;
}

}  // namespace gameflow::record
