// gameflow connector new, build, test, package.
#include <memory>
#include <string>

#include "app/cli_tree.h"

namespace gameflow::app {

void CommandTree::add_connector_kit(CLI::App& connector) {
  auto [made, new_options] = add<ConnectorNewOptions>(
      connector, "new", "Make a folder with a connector that works, and its test",
      "  gameflow connector new orders\n  gameflow connector new archive --sink");
  made->add_option("name", new_options->name, "Its name, which is that of the folder")
      ->required()
      ->type_name("NAME");
  made->add_flag("--sink", new_options->is_sink, "From topics elsewhere; else into topics");

  const auto add_step = [&](const char* name, const char* what, KitStep step, const char* example) {
    auto [app, options] =
        add<ConnectorKitOptions>(connector, name, what, example,
                                 [step](ConnectorKitOptions& parsed) { parsed.step = step; });
    app->add_option("folder", options->folder, "Its folder [the current one]")->type_name("DIR");
    app->add_option("--compiler", options->compiler, "The C++ compiler")
        ->envname("GAMEFLOW_CXX")
        ->type_name("PROGRAM")
        ->capture_default_str();
  };
  add_step("build", "Build it into build/NAME.so, for 'connect --library'", KitStep::kBuild,
           "  gameflow connector build orders");
  add_step("test", "Build its test and run it", KitStep::kTest, "  gameflow connector test orders");
  add_step("package", "Test it, and make one file to copy to where it runs", KitStep::kPackage,
           "  gameflow connector package orders");
}

}  // namespace gameflow::app
