#include "app/connect/engine_transform.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/dataflow_file.h"
#include "app/flow_test/world.h"
#include "opbuild/opbuild.h"
#include "plan/graph.h"

namespace gameflow::app {
namespace {

// Topics in memory keep what they have had: then come new ones.
constexpr std::size_t kWorldBytesMax = 32U << 20;

class EngineTransform final : public connect::Transform {
 public:
  EngineTransform(std::string service, DataflowFile file, plan::Functions functions)
      : service_(std::move(service)), file_(std::move(file)), functions_(std::move(functions)) {}

  Result<connect::Transformed> apply(std::vector<connect::Record> records) override {
    connect::Transformed made;
    // What comes out does not say of which record it is: those that go to one topic go together.
    for (std::size_t begin = 0; begin < records.size();) {
      std::size_t end = begin;
      while (end < records.size() && records[end].topic == records[begin].topic) ++end;
      GF_TRY(apply(std::span(records).subspan(begin, end - begin), made));
      begin = end;
    }
    return made;
  }

 private:
  Status open() {
    if (world_ && bytes_ < kWorldBytesMax) return {};
    bytes_ = 0;
    world_.emplace(Timestamp{0}, flow_test::WorldOptions{});
    return world_->start(file_, functions_);
  }

  Status apply(std::span<connect::Record> records, connect::Transformed& made) {
    GF_TRY(open());
    const std::string topic = records.front().topic;
    for (std::size_t begin = 0; begin < records.size();) {
      std::vector<std::string> values;
      const auto key = records[begin].key;
      for (; begin < records.size() && records[begin].key == key; ++begin) {
        bytes_ += records[begin].value.size();
        values.push_back(std::move(records[begin].value));
      }
      GF_TRY(world_->append("input", 0, key, values));
    }
    GF_TRY(world_->run());
    GF_ASSIGN(auto results, world_->new_keyed_records("output"));
    for (auto& [key, value] : results)
      made.records.push_back({.value = std::move(value), .key = std::move(key), .topic = topic});
    GF_ASSIGN(auto letters, world_->new_records(file_.graph->dead_letter_topic));
    constexpr std::string_view kService = "{\"service\":\"transforms\"";
    for (std::string& letter : letters) {
      if (letter.starts_with(kService))
        letter.replace(0, kService.size(), fmt::format("{{\"service\":\"{}\"", service_));
      made.dead_letters.push_back(std::move(letter));
    }
    return {};
  }

  const std::string service_;  // in dead letters
  const DataflowFile file_;
  const plan::Functions functions_;
  std::optional<flow_test::World> world_;
  std::size_t bytes_ = 0;  // that it has had
};

}  // namespace

Result<std::unique_ptr<connect::Transform>> make_transform(const spec::Connector& connector,
                                                           const BuildOptions& options) {
  if (!connector.transforms) return nullptr;
  DataflowFile file{connector.file_name,
                    connector.transforms->files,
                    std::make_shared<const plan::Graph>(plan::lower(*connector.transforms)),
                    {}};
  GF_ASSIGN(opbuild::Library library, build_operators(file, options, false));
  return std::make_unique<EngineTransform>("connector/" + connector.name, std::move(file),
                                           std::move(library.functions));
}

}  // namespace gameflow::app
