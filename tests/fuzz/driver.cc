// Runs a target without libFuzzer: every file of the corpus, then random changes of them for some
// time. What fails is left in fuzz-failure-NAME.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
#ifdef GAMEFLOW_FUZZ_SANITIZED
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#endif

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Random = std::mt19937_64;

constexpr std::size_t kInputBytesMax = 64U << 10;

// What is being tried: known to the callback, which may only make system calls.
std::string input;
std::string failure_file;

void keep_failure() {
  const int file = ::open(failure_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return;
  const ssize_t written = ::write(file, input.data(), input.size());
  ::close(file);
  if (written < 0) return;
  std::fprintf(stderr, "\nthe input is in %s\n", failure_file.c_str());
}

void try_input() {
  // A copy of its own size, so that a byte read behind it is noticed.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void read_corpus(const fs::path& path, std::vector<std::string>& corpus) {
  if (fs::is_directory(path)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(path))
      read_corpus(entry.path(), corpus);
    return;
  }
  std::ifstream file(path, std::ios::binary);
  corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::size_t below(Random& random, std::size_t end) {
  return end == 0 ? 0 : static_cast<std::size_t>(random() % end);
}

// One small change; `other` is where pieces come from.
void change(std::string& text, const std::string& other, Random& random) {
  static constexpr std::string_view kPieces =
      "\"\\{}[]():,'-+.eE0123456789 \n\r\t\x00\xff\x80;*/%&=#";
  const std::size_t at = below(random, text.size() + 1);
  const std::size_t from = below(random, other.size());
  const std::string piece = other.substr(from, 1 + below(random, 40));
  switch (random() % 7) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << (random() % 8)));
      break;
    case 1:
      if (at < text.size()) text[at] = kPieces[below(random, kPieces.size())];
      break;
    case 2:
      text.insert(at, 1, kPieces[below(random, kPieces.size())]);
      break;
    case 3:
      text.erase(at, 1 + below(random, 1 + below(random, 40)));
      break;
    case 4:
      text.insert(at, piece);
      break;
    case 5:
      text.replace(at, std::min(piece.size(), text.size() - at), piece);
      break;
    default:  // a part of it once more
      text.insert(at, text.substr(below(random, text.size()), below(random, 60)));
  }
  if (text.size() > kInputBytesMax) text.resize(kInputBytesMax);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> corpus;
  int seconds = 0;
  std::uint64_t seed = std::random_device()();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (i + 1 < argc && argument == "--seconds") {
      seconds = std::atoi(argv[++i]);
    } else if (i + 1 < argc && argument == "--seed") {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (fs::exists(argument)) {
      read_corpus(argument, corpus);
    } else {
      std::cerr << "usage: " << argv[0] << " FILE|FOLDER... [--seconds N] [--seed N]\n";
      return 2;
    }
  }
  if (corpus.empty()) {
    std::cerr << "the corpus is empty\n";
    return 2;
  }
  const std::string name = fs::path(argv[0]).filename().string();
  failure_file = "fuzz-failure-" + name.substr(name.find('_') + 1);
#ifdef GAMEFLOW_FUZZ_SANITIZED
  __sanitizer_set_death_callback(keep_failure);
#endif
  std::signal(SIGABRT, [](int) { keep_failure(); });  // and then it ends
  std::cout << name << ": seed " << seed << ", " << corpus.size() << " inputs" << std::endl;
  for (const std::string& one : corpus) {
    input = one;
    try_input();
  }
  Random random(seed);
  std::uint64_t tried = 0;
  for (const auto end = Clock::now() + std::chrono::seconds(seconds); Clock::now() < end; ++tried) {
    input = corpus[below(random, corpus.size())];
    for (std::uint64_t changes = 1 + random() % 6; changes > 0; --changes)
      change(input, corpus[below(random, corpus.size())], random);
    try_input();
  }
  std::cout << name << ": " << tried << " changed ones, none failed" << std::endl;
  return 0;
}
