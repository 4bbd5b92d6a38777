#include "app/mistakes.h"

#include <cstdio>

namespace gameflow::app {
namespace {

namespace json = boost::json;

json::object as_json(const spec::Diagnostic& diagnostic, const std::string& file) {
  json::object mistake{{"file", file}};
  if (diagnostic.position.line > 0) {
    mistake["line"] = diagnostic.position.line;
    mistake["column"] = diagnostic.position.column;
  }
  mistake["severity"] = diagnostic.severity == spec::Severity::kError ? "error" : "warning";
  mistake["message"] = diagnostic.message;
  mistake["hint"] = diagnostic.hint;
  return mistake;
}

void tell(const std::string& text, Mistakes* mistakes) {
  if (mistakes != nullptr)
    mistakes->text += text;
  else
    std::fputs(text.c_str(), stderr);
}

}  // namespace

void tell(const std::vector<spec::Diagnostic>& diagnostics, std::span<const spec::SourceFile> files,
          Mistakes* mistakes) {
  if (diagnostics.empty()) return;
  tell(spec::render(diagnostics, files), mistakes);
  if (mistakes == nullptr) return;
  for (const spec::Diagnostic& diagnostic : diagnostics)
    mistakes->list.push_back(as_json(diagnostic, files[diagnostic.position.file].name));
}

void tell(const std::string& file, const std::string& text, Mistakes* mistakes) {
  tell(text + '\n', mistakes);
  if (mistakes == nullptr) return;
  mistakes->list.push_back(json::object{{"file", file}, {"severity", "error"}, {"message", text}});
}

}  // namespace gameflow::app
