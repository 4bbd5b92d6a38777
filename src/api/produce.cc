#include "api/produce.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <xxhash.h>

#include "record/arena.h"
#include "record/codec.h"
#include "record/json_split.h"

namespace gameflow::api {
namespace {

constexpr std::size_t kKeyBytesMax = 32U << 10;

// What checking needs over and over; one for each thread that takes requests.
struct Scratch {
  record::Decoder decoder;
  record::BlockArena arena;
  std::string padded, key, line;
  std::vector<std::max_align_t> value;
};

Scratch& scratch() {
  thread_local Scratch scratch;
  return scratch;
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::vector<std::string_view> split_lines(std::string_view body) {
  std::vector<std::string_view> lines;
  while (!body.empty()) {
    const auto* newline = static_cast<const char*>(std::memchr(body.data(), '\n', body.size()));
    const std::size_t size =
        newline != nullptr ? static_cast<std::size_t>(newline - body.data()) : body.size();
    std::string_view line = body.substr(0, size);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_blank(line)) lines.push_back(line);
    body.remove_prefix(std::min(body.size(), size + 1));
  }
  return lines;
}

class Checker {
 public:
  Checker(const ProduceOptions& options, const log::TopicInfo& topic, const record::Type* type,
          std::uint64_t spread, Timestamp now, CheckedBody& out)
      : options_(options), type_(type), now_(now), scratch_(scratch()), out_(out) {
    out_.partitions.resize(topic.config.partitions);
    unkeyed_ = static_cast<std::uint32_t>(spread % topic.config.partitions);
    if (type != nullptr) {
      scratch_.value.resize(type->size / sizeof(std::max_align_t) + 1);
      if (options.key_field) path_.emplace(*type, *options.key_field);
    }
  }

  void add(std::uint64_t index, std::string_view value) {
    scratch_.arena.reset();
    if (value.size() > log::kRecordBytesMax) {
      return reject(index, {}, ErrorCode::kPayloadTooLarge,
                    fmt::format("the record has {} bytes; the limit is {}", value.size(),
                                log::kRecordBytesMax));
    }
    const bool good = type_ != nullptr ? scratch_.decoder.decode(*type_, value, scratch_.arena,
                                                                 scratch_.value.data())
                                       : scratch_.decoder.check(value);
    if (!good) {
      const record::DecodeError& error = scratch_.decoder.error();
      return reject(index, error.field, error.code, error.message);
    }
    std::optional<std::string_view> key;
    if (options_.key) key = *options_.key;
    if (options_.key_field && !read_key(value, key)) {
      return reject(index, *options_.key_field, ErrorCode::kMissingField,
                    "the record has no text, number or boolean in the field that holds its key");
    }
    if (key && key->size() > kKeyBytesMax) {
      return reject(
          index, options_.key_field.value_or(""), ErrorCode::kPayloadTooLarge,
          fmt::format("the key has {} bytes; the limit is {}", key->size(), kKeyBytesMax));
    }
    const auto count = static_cast<std::uint32_t>(out_.partitions.size());
    out_.partitions[key ? partition_of(*key, count) : unkeyed_].add(now_, key, on_one_line(value));
    ++out_.reply.accepted;
  }

 private:
  bool read_key(std::string_view value, std::optional<std::string_view>& key) {
    scratch_.key.clear();
    if (path_ && path_->known()) {
      if (!path_->read(scratch_.value.data(), scratch_.key)) return false;
    } else {
      auto found = record::json_field(value, *options_.key_field);
      if (!found) return false;
      scratch_.key = std::move(*found);
    }
    key = scratch_.key;
    return true;
  }

  // Records are kept byte for byte, except that those written over several lines become one:
  // readers take lines.
  std::string_view on_one_line(std::string_view value) {
    if (value.find_first_of("\r\n") == std::string_view::npos) return value;
    scratch_.line.clear();
    record::minify_json(value, scratch_.line);
    return scratch_.line;
  }

  void reject(std::uint64_t index, std::string field, ErrorCode code, std::string message) {
    ++out_.reply.rejected;
    if (out_.reply.errors.size() < kRejectedListed) {
      out_.reply.errors.push_back({index, std::move(field), code, std::move(message)});
    }
  }

  const ProduceOptions& options_;
  const record::Type* type_;
  const Timestamp now_;
  Scratch& scratch_;
  CheckedBody& out_;
  std::optional<record::FieldPath> path_;
  std::uint32_t unkeyed_ = 0;
};

}  // namespace

std::uint32_t partition_of(std::string_view key, std::uint32_t partitions) {
  return static_cast<std::uint32_t>(XXH3_64bits(key.data(), key.size()) % partitions);
}

Result<CheckedBody> check_body(std::string_view body, const ProduceOptions& options,
                               const log::TopicInfo& topic, const record::Type* type,
                               std::uint64_t known, std::uint64_t spread, Timestamp now) {
  // Decoders read past the end, and a body ends where its buffer does: one copy, at memory speed.
  std::string& padded = scratch().padded;
  padded.assign(body);
  padded.append(record::kPaddingBytes, ' ');
  const std::string_view json = std::string_view(padded).substr(0, body.size());

  std::vector<std::string_view> values;
  if (options.format == BodyFormat::kJson && !is_blank(json)) {
    GF_ASSIGN(values, record::split_json(json));
  } else if (options.format == BodyFormat::kNdjson) {
    values = split_lines(json);
  }
  CheckedBody checked;
  checked.records = values.size();
  checked.reply.duplicates = std::min<std::uint64_t>(known, values.size());
  Checker checker(options, topic, type, spread, now, checked);
  for (std::uint64_t index = checked.reply.duplicates; index < values.size(); ++index)
    checker.add(index, values[index]);
  return checked;
}

}  // namespace gameflow::api
