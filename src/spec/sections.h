// All sections of dataflow.yaml, from the outside in. Immutable; see field.h.
#pragma once

#include "spec/field.h"

namespace gameflow::spec {

extern const Section kDataflow, kMeta, kConfig, kConsumer, kFutureWatermark, kOffset;
// Where a type is written. What a word needs beside it is in `variants`.
extern const Section kNamedType, kFieldType, kItemType, kTopicValue, kKeyType, kColumn, kVariant;
extern const Section kRename;
// Only the name of one.
extern const Section kKeyedType;
extern const Section kTopic, kSchema, kRetention;
extern const Section kService, kSource, kSink, kTransform, kFunction, kDependency;
extern const Section kTable, kIncludes;
extern const Section kSchedule, kPlayers;
extern const Section kDeduplicate, kIngest, kEventRoute;
extern const Section kImport, kImportName, kDev, kDevImport;
// gameflow-package.yaml.
extern const Section kPackage, kPackageMeta, kPackageFunction, kInput, kOutput, kStateOfFunction;
extern const Section kState, kStateProperties, kRow;
extern const Section kJoining, kJoinSide, kWithin, kJoinLate;
extern const Section kWindow, kTumbling, kSliding, kSession, kEmit, kWatermark, kLate, kFlushing,
    kPartition;

inline constexpr std::string_view kConverters[] = {"json", "raw"};
inline constexpr std::string_view kTimeUnits[] = {"s", "ms", "us"};
inline constexpr std::string_view kApiVersions[] = {"0.4.0", "0.5.0", "0.6.0"};
// In the order of Merge.
inline constexpr std::string_view kMergeWords[] = {"sum", "min", "max", "first", "last", "any"};
// The places that a starting offset names.
inline constexpr std::string_view kOffsetWords[] = {"beginning", "end", "Beginning", "End"};

// What a service can do, for hints where it cannot.
inline constexpr std::string_view kSupported =
    "a service reads topics, transforms records, keeps states by key, writes topics";

extern const NameRule kDataflowName, kTypeName, kFieldName, kTopicName, kServiceName, kStateName,
    kTableName, kFunctionName, kScheduleName, kEventName;

}  // namespace gameflow::spec
