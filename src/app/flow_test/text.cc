#include "app/flow_test/text.h"

#include "record/batch.h"
#include "record/codec.h"

namespace gameflow::app::flow_test {

std::string one_line(const std::string& json) {
  std::string line;
  record::Decoder decoder;
  std::string padded = json;
  padded.reserve(json.size() + record::kPaddingBytes);
  if (!decoder.check(padded)) return json;
  record::minify_json(padded, line);
  return line;
}

}  // namespace gameflow::app::flow_test
