// The rows of one service as they are taken from the store while a player is forgotten.
//
// Threads  one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "record/type.h"
#include "runtime/forgetting.h"
#include "runtime/service.h"
#include "state/table.h"

namespace gameflow::runtime {

class ForgottenRows {
 public:
  // Both outlive this; the service has rows.
  ForgottenRows(Forgetting& forgetting, const Service& service);

  // Of an entry as it is stored.
  bool is_key(std::string_view entry_key) const;
  // Where entries of the player are read into, and left.
  state::Table& rows(Timestamp window);
  // The player is taken out of the columns of an entry of another key, which is in `table`.
  void empty_fields(Timestamp window, std::string_view entry_key, state::Table& table);

  // All is read. Whether the player was anywhere, also in what a later entry replaced.
  bool finish();

 private:
  Forgetting& forgetting_;
  const Service& service_;
  record::Kind key_kind_;
  std::vector<std::size_t> named_;  // states with columns that may name players
  std::map<Timestamp, std::unique_ptr<state::Table>> gone_;
  std::set<std::pair<Timestamp, std::string>> emptied_;
};

}  // namespace gameflow::runtime
