// From what a source brings to lines of `POST /records`: key, value and topic of each record.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/connect/connector.h>

#include "record/codec.h"
#include "spec/connector.h"

namespace gameflow::connect {

class Router {
 public:
  // `connector` outlives it.
  Router(const spec::Connector& connector, std::string dead_letter_topic);

  // Takes a record: it becomes a line, a dead letter where it is no JSON or belongs nowhere, or
  // nothing where `route` says so.
  void add(const Record& record);
  // The same for a letter that is written already.
  void add_letter(std::string_view json);

  // Of what was added since clear().
  const std::string& lines() const { return lines_; }
  std::size_t count() const { return begins_.size(); }
  std::size_t count_dead() const { return dead_; }
  bool is_dead(std::size_t index) const { return is_dead_[index]; }
  // The line of an index, as it was written.
  std::string_view line(std::size_t index) const;
  void clear();

 private:
  void add_letter(const Record& record, std::string_view code, std::string_view reason,
                  std::string_view topic = {});
  // The topic of the record, whose members were found; empty: none. Null: it is dropped.
  std::optional<std::string_view> topic_of(const Record& record);
  // A member that is a text, a number or a boolean, as text, until the next call.
  std::optional<std::string_view> text_of(const record::JsonMember& member);

  const spec::Connector& connector_;
  const std::string dead_letter_topic_;
  record::Decoder decoder_;
  enum : std::uint8_t { kKey, kValue, kRoute, kMembers };
  std::array<record::JsonMember, kMembers> members_;  // of the record at hand
  std::string text_;                                  // of the last text_of()
  std::string padded_;                                // the record, readable beyond its end
  std::string lines_;
  std::vector<std::size_t> begins_;
  std::vector<bool> is_dead_;
  std::size_t dead_ = 0;
};

}  // namespace gameflow::connect
