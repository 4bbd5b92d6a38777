// gameflow produce: lines of JSON from a file or stdin into a topic.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/document.h"
#include "app/terminal.h"
#include "base/url_encode.h"
#include "client/http_client.h"
#include "client/producer.h"
#include "log/append.h"

namespace gameflow::app {
namespace {

constexpr std::size_t kReadBytes = 1U << 20;
constexpr std::size_t kBatchBytesMax = 2U << 20;  // a longer line goes alone

// The input in batches of whole lines. Ends a batch early where the input pauses, so that
// `tail -f … | gameflow produce` sends each line as it comes.
class LineReader {
 public:
  explicit LineReader(int file_descriptor) : file_descriptor_(file_descriptor) {}

  // Replaces `lines` with the next lines, blank ones left out, and `numbers` with their line
  // numbers, counted from 1. Empty at the end. kFileUnreadable, kPayloadTooLarge.
  Status next(std::string& lines, std::vector<std::uint64_t>& numbers);
  std::uint64_t bytes() const { return bytes_; }

 private:
  Result<bool> fill();
  bool has_input() const {
    pollfd poll_input{.fd = file_descriptor_, .events = POLLIN, .revents = 0};
    return poll(&poll_input, 1, 0) > 0;
  }
  // Moves the whole lines of the buffer to `lines`, or at the end all of it. True where the next
  // line does not fit any more.
  Result<bool> take_lines(std::string& lines, std::vector<std::uint64_t>& numbers);
  Error too_long() const {
    return {ErrorCode::kPayloadTooLarge,
            fmt::format("line {} is longer than {}", line_ + 1, with_unit(log::kRecordBytesMax))};
  }

  int file_descriptor_;
  std::string buffer_;
  bool at_end_ = false;
  std::uint64_t line_ = 0, bytes_ = 0;
};

// False at the end of the input.
Result<bool> LineReader::fill() {
  const std::size_t size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  ssize_t count = 0;
  do {
    count = read(file_descriptor_, buffer_.data() + size, kReadBytes);
  } while (count < 0 && errno == EINTR);
  buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("cannot read the input: {}", std::strerror(errno)));
  }
  bytes_ += static_cast<std::uint64_t>(count);
  return count > 0;
}

Result<bool> LineReader::take_lines(std::string& lines, std::vector<std::uint64_t>& numbers) {
  std::size_t begin = 0;
  bool full = false;
  while (begin < buffer_.size()) {
    const std::size_t newline = buffer_.find('\n', begin);
    if (newline == std::string::npos && !at_end_) break;
    const std::size_t end = std::min(newline, buffer_.size());
    const std::string_view line(buffer_.data() + begin, end - begin);
    full = !lines.empty() && lines.size() + line.size() > kBatchBytesMax;
    if (full) break;
    if (line.size() > log::kRecordBytesMax) return fail(too_long());
    ++line_;
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      // Between lines only: the longest that there may be is a whole request.
      if (!lines.empty()) lines.push_back('\n');
      lines.append(line);
      numbers.push_back(line_);
    }
    begin = std::min(end + 1, buffer_.size());
  }
  buffer_.erase(0, begin);
  return full;
}

Status LineReader::next(std::string& lines, std::vector<std::uint64_t>& numbers) {
  lines.clear();
  numbers.clear();
  while (true) {
    GF_ASSIGN(const bool full, take_lines(lines, numbers));
    if (full || at_end_ || (!lines.empty() && !has_input())) return {};
    if (buffer_.size() > log::kRecordBytesMax) {
      if (!lines.empty()) return {};
      return fail(too_long());
    }
    GF_ASSIGN(const bool more, fill());
    if (!more) at_end_ = true;
  }
}

class OpenFile {
 public:
  static Result<OpenFile> open(const std::string& name) {
    const int descriptor = name == "-" ? STDIN_FILENO : ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info {};
    if (descriptor < 0 || fstat(descriptor, &info) != 0) {
      return fail(ErrorCode::kFileUnreadable,
                  fmt::format("cannot open '{}': {}", name, std::strerror(errno)));
    }
    return OpenFile(descriptor,
                    S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0);
  }
  OpenFile(OpenFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile() {
    if (descriptor_ > STDIN_FILENO) close(descriptor_);
  }
  int descriptor() const { return descriptor_; }
  std::uint64_t size() const { return size_; }  // 0: unknown

 private:
  OpenFile(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  int descriptor_;
  std::uint64_t size_;
};

std::string progress_bar(std::uint64_t records, std::uint64_t bytes, std::uint64_t size) {
  std::string text = fmt::format("{} records, {}", with_commas(records), with_unit(bytes));
  if (size == 0) return text;
  constexpr std::uint64_t kWidth = 30;
  const std::uint64_t filled = std::min(kWidth, bytes * kWidth / size);
  return fmt::format("[{}{}] {:3}%  {}", std::string(filled, '#'),
                     std::string(kWidth - filled, '.'),
                     std::min<std::uint64_t>(100, bytes * 100 / size), text);
}

// Adds to `sum` as it goes, so that it holds what was stored when an error ends it.
Status produce_file(const ProduceOptions& options, client::SendReport& sum) {
  GF_ASSIGN(const auto http, client::HttpClient::open(options.server));
  GF_ASSIGN(const OpenFile file, OpenFile::open(options.file));
  // Fails at once if there is no server or no such topic, or it may not be written, before anything
  // is read.
  GF_TRY(client::expect_success(
      http->get(fmt::format("/topics/{}/producers/none", url_encode(options.topic)))));
  client::Producer producer(*http, {.topic = options.topic,
                                    .key = options.key,
                                    .key_field = options.key_field,
                                    .id = client::random_producer_id("produce"),
                                    .id_is_random = true,
                                    .patience = std::chrono::minutes(1),
                                    .tell = print_note});
  LineReader reader(file.descriptor());
  std::string lines;
  std::vector<std::uint64_t> numbers;
  while (true) {
    GF_TRY(reader.next(lines, numbers));
    if (numbers.empty()) return {};
    GF_ASSIGN(const client::SendReport report, producer.send(lines, numbers.size(), {}));
    for (const client::RejectedLine& error : report.errors) {
      const std::uint64_t line = error.index < numbers.size() ? numbers[error.index] : 0;
      print_note(fmt::format("{}:{}: {}{}{}", options.file == "-" ? "stdin" : options.file, line,
                             error.field, error.field.empty() ? "" : ": ", error.message));
    }
    if (report.rejected > report.errors.size()) {
      print_note(fmt::format("… and {} more rejected lines in this batch",
                             report.rejected - report.errors.size()));
    }
    sum.accepted += report.accepted + report.duplicates;
    sum.rejected += report.rejected;
    show_progress(progress_bar(sum.accepted, reader.bytes(), file.size()));
  }
}

}  // namespace

int produce_command(const ProduceOptions& options) {
  client::SendReport sum;
  const Status status = produce_file(options, sum);
  clear_progress();
  if (options.json) {
    print_json(boost::json::object{
        {"topic", options.topic}, {"accepted", sum.accepted}, {"rejected", sum.rejected}});
  }
  const std::string stored =
      fmt::format("{} records stored in {}", with_commas(sum.accepted), options.topic);
  if (!status) {
    if (sum.accepted > 0) print_note(stored + " before the error");
    return print_error(status.error());
  }
  print_note(sum.rejected == 0 ? stored : stored + ", " + with_commas(sum.rejected) + " rejected");
  return sum.rejected == 0 ? kExitFine : kExitFailed;
}

}  // namespace gameflow::app
