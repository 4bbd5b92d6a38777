// A folder for a test, and files in it.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace gameflow::connect {

class FolderTest : public ::testing::Test {
 protected:
  FolderTest() {
    std::string name = (std::filesystem::temp_directory_path() / "gameflow-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~FolderTest() override { std::filesystem::remove_all(folder); }

  std::string path(std::string_view name) const { return (folder / name).string(); }
  void append(std::string_view name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::app | std::ios::binary) << bytes;
  }
  std::string content(std::string_view name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::filesystem::path folder;
};

}  // namespace gameflow::connect
