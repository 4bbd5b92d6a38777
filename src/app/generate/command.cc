// gameflow generate: makes events, and prints them, produces them into topics, or serves them.
#include <random>

#include "app/generate/feeds.h"
#include "app/generate/profiles.h"

namespace gameflow::app {
namespace {

// Given, or drawn; a producer that is to continue an earlier stream needs the same one again.
std::uint64_t choose_seed(const GenerateOptions& options) {
  if (options.seed) return *options.seed;
  if (!options.producer_id.empty()) return mixed(options.producer_id);
  return std::random_device{}();
}

}  // namespace

int generate_command(const GenerateOptions& options) {
  if (!options.serve.empty()) return generate_served(options, choose_seed(options));
  if (options.profile == GenerateProfile::kGame) return generate_game(options);
  return generate_uniform(options, choose_seed(options));
}

}  // namespace gameflow::app
