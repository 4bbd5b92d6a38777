// Schedules, imports, and gameflow-package.yaml.
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

constexpr Field kScheduleFields[] = {
    {.key = "cron",
     .is_required = true,
     .doc = "minute, hour, day of the month, month and day of the week: `0 8 * * mon-fri`; or "
            "`@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`",
     .hint = "write 'cron: \"0 8 * * *\"'"},
    {.key = "timezone",
     .fallback = "UTC",
     .doc = "whose local time it is, such as `Europe/Berlin`",
     .what = "time zone"},
    {.key = "catch-up",
     .kind = kBool,
     .fallback = "false",
     .doc = "times that came while gameflow did not run are made up, all of them"},
};

// ---- packages

constexpr Field kImportedName[] = {{.key = "name",
                                    .is_required = true,
                                    .doc = "its name in the package",
                                    .hint = "for example '- name: mask-ssn'",
                                    .what = "a name"}};
constexpr Field kPkg = {.key = "pkg",
                        .is_required = true,
                        .doc = "`NAMESPACE/NAME@VERSION`",
                        .hint = "for example 'pkg: examples/words@0.1.0'",
                        .what = "the name of a package"};
constexpr Field kImportFields[] = {
    kPkg,
    {.key = "path",
     .doc = "its folder, relative to this file; else as `dev` or `--package-path` says"},
    {.key = "types", .kind = kList, .doc = "types to use here", .section = &kImportName},
    {.key = "functions",
     .kind = kList,
     .doc = "functions to use here, with `uses`",
     .section = &kImportName},
    {.key = "states",
     .kind = kList,
     .doc = "states that services may have",
     .section = &kImportName},
};
constexpr Field kDevFields[] = {
    {.key = "imports",
     .kind = kList,
     .doc = "where packages are, also those that packages import",
     .section = &kDevImport},
    {.key = "converter",
     .kind = kWord,
     .fallback = "json",
     .doc = "as in SDF, for tests; `gameflow test function` takes both",
     .what = "converter",
     .words = kConverters},
};
constexpr Field kDevImportFields[] = {kPkg,
                                      {.key = "path",
                                       .is_required = true,
                                       .doc = "its folder, relative to this file",
                                       .hint = "for example 'path: ./packages/words'"}};

constexpr Field kPackageFields[] = {
    {.key = "apiVersion",
     .kind = kWord,
     .is_required = true,
     .doc = "how fields and variants are called in JSON",
     .hint = "write 'apiVersion: 0.6.0'",
     .words = kApiVersions},
    {.key = "meta",
     .kind = kMap,
     .is_required = true,
     .doc = "what it is imported by",
     .hint = "write 'meta: { namespace: …, name: …, version: 0.1.0 }'",
     .section = &kPackageMeta},
    {.key = "imports",
     .kind = kList,
     .doc = "types, functions and states of other packages",
     .section = &kImport},
    {.key = "types",
     .kind = kNamed,
     .doc = "types of records",
     .names = &spec::kTypeName,
     .section = &kNamedType},
    {.key = "states",
     .kind = kNamed,
     .doc = "states that services may have",
     .names = &spec::kStateName,
     .section = &kState},
    {.key = "functions",
     .kind = kNamed,
     .doc = "operators",
     .names = &kFunctionName,
     .section = &kPackageFunction},
    {.key = "dev", .kind = kMap, .doc = "where other packages are found", .section = &kDev},
};
constexpr KnownButRefused kPackageRefused[] = {
    {"topics", "a package has no topics", "they belong to a dataflow"},
    {"services", "a package has no services", "they belong to a dataflow"},
    {"config", "a package has no 'config'", "it belongs to a dataflow"},
};
constexpr Field kPackageMetaFields[] = {
    {.key = "namespace",
     .kind = kName,
     .is_required = true,
     .doc = "whose it is",
     .hint = "write 'namespace: examples'",
     .what = "a namespace",
     .names = &kDataflowName},
    {.key = "name",
     .kind = kName,
     .is_required = true,
     .doc = "small letters and digits, a letter first, single `-` or `_` between",
     .hint = "write 'name: words'",
     .what = "the name of a package",
     .names = &kDataflowName},
    {.key = "version",
     .is_required = true,
     .doc = "has to be that of the import",
     .hint = "write 'version: 0.1.0'"},
};
constexpr std::string_view kFunctionWords[] = {
    "map",        "filter",       "filter-map", "flat-map", "assign-timestamp",
    "assign-key", "update-state", "flush",      "on-expire"};
constexpr KnownButRefused kRefusedFunctions[] = {
    {"each", "a package has no functions for 'each' of 'flush'",
     "write 'operator: flush', or 'each' with 'run' in the service"}};
constexpr Field kPackageFunctionFields[] = {
    {.key = "operator",
     .kind = kWord,
     .is_required = true,
     .doc = "what it can be used as",
     .hint = "for example 'operator: map'",
     .what = "operator",
     .words = kFunctionWords,
     .refused_words = kRefusedFunctions},
    {.key = "states",
     .kind = kList,
     .doc = "states that it works on; a service that uses it has them",
     .section = &kStateOfFunction},
    {.key = "inputs",
     .kind = kList,
     .doc = "the record; in front of it perhaps the record's key, behind it the record's time",
     .section = &kInput},
    {.key = "output",
     .kind = kMap,
     .doc =
         "what it gives: of a `filter-map` where it gives something, of a `flat-map` one of them",
     .section = &kOutput},
    {.key = "run", .kind = kCode, .doc = "C++ that defines one function"},
    {.key = "source",
     .doc = "a file with that C++, relative to the package, in place of `run`",
     .what = "the name of a file"},
    {.key = "dependencies",
     .kind = kList,
     .doc = "system libraries that the code needs",
     .min = 1,
     .section = &kDependency},
};
constexpr Field kInputFields[] = {
    {.key = "name", .doc = "for people"},
    {.key = "type",
     .kind = kType,
     .is_required = true,
     .doc = "as in `types`",
     .hint = "for example 'type: string'"},
    {.key = "optional",
     .kind = kBool,
     .fallback = "false",
     .doc = "of a key: a record may have none"},
};
constexpr Field kOutputFields[] = {
    {.key = "type",
     .kind = kType,
     .is_required = true,
     .doc = "as in `types`",
     .hint = "for example 'type: string'"},
    {.key = "optional",
     .kind = kBool,
     .fallback = "false",
     .doc = "of a `filter-map`, `flush` or `on-expire`: there may be none"},
};
constexpr Field kStateOfFunctionFields[] = {
    {.key = "name",
     .is_required = true,
     .doc = "of a state of the package, or one that it imports",
     .hint = "for example '- name: count-per-word'",
     .what = "the name of a state"}};

}  // namespace

constinit const Section kSchedule = {"schedule", "a schedule", kScheduleFields, {}, {}};
constinit const Section kImport = {"import", "an import", kImportFields, {}, {}};
constinit const Section kImportName = {"import-name", "an imported name", kImportedName, {}, {}};
constinit const Section kDev = {"dev", "'dev'", kDevFields, {}, {}};
constinit const Section kDevImport = {"dev-import", "an import of 'dev'", kDevImportFields, {}, {}};
constinit const Section kPackage = {"package", "a package", kPackageFields, kPackageRefused, {}};
constinit const Section kPackageMeta = {"package-meta", "'meta'", kPackageMetaFields, {}, {}};
constinit const Section kPackageFunction = {
    "package-function", "a function", kPackageFunctionFields, {}, {}};
constinit const Section kInput = {"function-input", "an input", kInputFields, {}, {}};
constinit const Section kOutput = {"function-output", "an output", kOutputFields, {}, {}};
constinit const Section kStateOfFunction = {
    "function-state", "a state of a function", kStateOfFunctionFields, {}, {}};

}  // namespace gameflow::spec
