// What GCC and Clang print, as mistakes in dataflow.yaml.
#include "opbuild/messages.h"

#include <gtest/gtest.h>

namespace gameflow::opbuild {
namespace {

const std::vector<spec::SourceFile> kFiles{{"flows/dataflow.yaml", "dataflow.yaml", ""}};

struct MessageRow {
  std::string_view name, output;
  std::string_view message;  // empty: nothing to place
};

TEST(Messages, OfChecksAreSentences) {
  constexpr MessageRow kRows[] = {
      {"GCC",
       "dataflow.yaml:7:3: error: invalid application of 'sizeof' to incomplete type "
       "'gameflow::detail::CheckTaken<const dataflow::a::map_1::<lambda(auto:2&& ...)>, "
       "dataflow::Visit, gameflow::detail::Types<dataflow::Click> >' {aka "
       "'gameflow::detail::NotTakenByFunction<dataflow::Visit, dataflow::Click>'}\n",
       "this takes Click, but what comes is Visit"},
      {"Clang",
       "dataflow.yaml:7:3: error: invalid application of 'sizeof' to an incomplete type "
       "'gameflow::detail::CheckTaken<const (lambda at operators.cc:9:28), dataflow::Visit, "
       "gameflow::detail::Types<dataflow::Click>>' (aka "
       "'NotTakenByFunction<dataflow::Visit, dataflow::Click>')\n",
       "this takes Click, but what comes is Visit"},
      {"lists and numbers",
       "dataflow.yaml:7:3: error: 'gameflow::detail::NotTakenByTopic<gameflow::List<gameflow::List<"
       "unsigned int> >, gameflow::List<long int> >'\n",
       "this topic takes List<i64>, but what comes is List<List<u32>>"},
      {"numbers of Clang",
       "dataflow.yaml:7:3: error: 'NotTakenByTopic<unsigned long, gameflow::List<short>>'\n",
       "this topic takes List<i16>, but what comes is u64"},
      {"sources",
       "dataflow.yaml:7:3: error: 'gameflow::detail::NotAsOtherSources<gameflow::Text, double>'\n",
       "this gives Text, but the first source gives f64; the sources of a service give one type"},
      {"nothing of the dataflow",
       "dataflow.yaml:7:3: error: 'gameflow::detail::NotTakenByFunction<dataflow::Visit, void>'\n",
       "this does not take Visit, which is what comes"},
      {"types of the block",
       "dataflow.yaml:7:3: error: 'struct dataflow::a::map_1::block_::{anonymous}::Total' has no "
       "member named 'x'\n",
       "'struct Total' has no member named 'x'"},
      {"types of the block, Clang",
       "dataflow.yaml:7:3: error: no member named 'x' in 'dataflow::a::map_1::block_::(anonymous "
       "namespace)::Total'\n",
       "no member named 'x' in 'Total'"},
      {"assertion of GCC", "dataflow.yaml:7:3: error: static assertion failed: filter must be\n",
       "filter must be"},
      {"assertion of Clang 14",
       "dataflow.yaml:7:3: error: static_assert failed due to requirement 'Filters<F, "
       "dataflow::A>' \"filter must be\"\n",
       "filter must be"},
      {"of a concept", "dataflow.yaml:7:3: error: static_assert failed \"filter must be\"\n",
       "filter must be"},
      {"assertion of Clang 17",
       "dataflow.yaml:7:3: error: static assertion failed due to requirement 'Filters<F, A>': "
       "filter must be: so\n",
       "filter must be: so"},
      {"generated code", "operators.cc:7:3: error: expected ';'\n", ""},
  };
  for (const MessageRow& row : kRows) {
    SCOPED_TRACE(row.name);
    const auto found = read_compiler_output(row.output, kFiles);
    ASSERT_EQ(found.size(), row.message.empty() ? 0u : 1u);
    if (row.message.empty()) continue;
    EXPECT_EQ(found[0].message, row.message);
    EXPECT_EQ(found[0].position, (spec::Position{7, 3}));
  }
}

}  // namespace
}  // namespace gameflow::opbuild
