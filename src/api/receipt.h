// The receipt of a player who is forgotten, as JSON, and as it is stored.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "base/error.h"
#include "base/time.h"
#include "log/state_kv.h"
#include "runtime/forgetting.h"

namespace gameflow::api {

// What was done about one player, who is not named in it.
struct Receipt {
  enum class Step : std::uint8_t {
    kErasing,  // what is there of the player is taken out
    kPurging,  // it is out of everything that can be read, and goes from the disk
    kDone,
  };
  std::uint64_t number = 0;
  Timestamp asked_at;
  std::optional<Timestamp> done_at;
  Step step = Step::kErasing;
  bool is_dry_run = false;  // nothing is changed, and states are not looked at
  struct Topic {
    std::uint64_t erased = 0, changed = 0;  // records
  };
  std::map<std::string, Topic> topics;
  std::map<std::string, runtime::Forgetting::Erased> services;
  // Records of the player that came meanwhile, and that a service has still to read.
  std::uint64_t left = 0;
  std::string doing;  // for a person
  std::string error;  // why it does not go on
};

// As docs/reference/http.md has it.
boost::json::object to_json(const Receipt& receipt);

// What is done about it, as it is stored from the request on. Format: docs/formats/state.md.
struct Job {
  Receipt receipt;
  std::string player;  // while step is kErasing
};
log::KeyRange job_keys();
log::KeyValue encode(const Job& job);
// kDataCorrupt
Result<Job> decode_job(std::string_view key, std::string_view value);

}  // namespace gameflow::api
