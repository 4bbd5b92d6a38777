// What a compiler says, said about dataflow.yaml.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "plan/graph.h"
#include "spec/diagnostic.h"

namespace gameflow::opbuild {

// Messages beyond this number are left out: they are rarely about anything new.
inline constexpr std::size_t kMessagesMax = 20;

// The mistakes in `output` of GCC or Clang, placed in `files`, which their labels name. An error
// inside a header that user code led to is placed at that code; other messages about headers and
// generated code are left out. What is wrong in one of `headers` is placed where the dataflow names
// it. Empty where there is no mistake of the user's: then `output` itself is all there is to say.
std::vector<spec::Diagnostic> read_compiler_output(
    std::string_view output, std::span<const spec::SourceFile> files,
    std::span<const plan::Graph::Header> headers = {});

}  // namespace gameflow::opbuild
