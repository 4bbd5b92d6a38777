// The file as a whole, types and topics.
#include "spec/sections.h"

#include "spec/names.h"
#include "spec/shared_fields.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

// As log::kPartitionsMax.
constexpr std::uint64_t kPartitionsMax = 1024;

constexpr std::string_view kLowerRule =
    "small letters and digits, a letter first, single '-' or '_' between, at most 100";
constexpr std::string_view kLowerPattern = "^(?=.{1,100}$)[a-z][a-z0-9]*([-_][a-z0-9]+)*$";

// Or a type of one's own that is one of these.
constexpr std::string_view kKeyWords[] = {"string", "bool", "i8",  "i16", "i32",
                                          "i64",    "u8",   "u16", "u32", "u64"};

constexpr Field kConverter = {
    .key = "converter",
    .kind = kWord,
    .fallback = "json",
    .doc = "the format of records: JSON, or the bytes of a string, number, bool or bytes",
    .what = "converter",
    .words = kConverters};
// ---- the file

constexpr Field kDataflowFields[] = {
    {.key = "apiVersion",
     .kind = kWord,
     .is_required = true,
     .doc = "how fields and variants are called in JSON",
     .hint = "write 'apiVersion: 0.5.0'",
     .words = kApiVersions},
    {.key = "meta",
     .kind = kMap,
     .is_required = true,
     .doc = "the name of this dataflow",
     .hint = "write 'meta: { name: …, version: 0.1.0 }'",
     .section = &kMeta},
    {.key = "imports",
     .kind = kList,
     .doc = "types, functions and states of packages",
     .section = &kImport},
    {.key = "config", .kind = kMap, .doc = "settings for the whole dataflow", .section = &kConfig},
    {.key = "types",
     .kind = kNamed,
     .doc = "types of records",
     .names = &kTypeName,
     .section = &kNamedType},
    {.key = "topics",
     .kind = kNamed,
     .is_required = true,
     .doc = "what is stored",
     .hint = "what the dataflow reads and writes",
     .section = &kTopic},
    {.key = "ingest",
     .kind = kMap,
     .doc = "where events go that clients send to `POST /events`",
     .section = &kIngest},
    {.key = "tables",
     .kind = kNamed,
     .doc = "files and topics whose rows are read by key",
     .names = &kTableName,
     .section = &kTable},
    {.key = "schedule",
     .kind = kNamed,
     .doc = "times at which services have something to do",
     .names = &kScheduleName,
     .section = &kSchedule},
    {.key = "players",
     .kind = kMap,
     .doc = "where players are named, so that [one can be "
            "forgotten](../security.md#a-player-wants-to-be-forgotten)",
     .section = &kPlayers},
    {.key = "services",
     .kind = kNamed,
     .doc = "what is computed",
     .names = &kServiceName,
     .section = &kService},
    {.key = "connectors",
     .kind = kTexts,
     .doc = "files of connectors that run beside it, relative to this one",
     .hint = "for example 'connectors: [connectors/gaming-events.yaml]'",
     .min = 1},
    {.key = "dashboards",
     .kind = kTexts,
     .doc = "files of [dashboards](dashboards.md), relative to this one; without, those of the "
            "folder `dashboards` beside it",
     .hint = "for example 'dashboards: [dashboards/players.yaml]'",
     .min = 1},
    {.key = "functions",
     .kind = kMap,
     .doc = "C++ that all operators share",
     .section = &kIncludes},
    {.key = "dev", .kind = kMap, .doc = "where packages are found", .section = &kDev},
};
constexpr KnownButRefused kDataflowRefused[] = {
    {"states", "states stand in their service", "move them there"},
};

constexpr Field kPlayersFields[] = {
    {.key = "fields",
     .kind = kTexts,
     .is_required = true,
     .doc = "the fields that name a player, by their names in JSON: in records at any depth, in "
            "rows of states",
     .hint = "for example 'fields: [user_id, player_id]'",
     .min = 1},
    {.key = "mentions",
     .kind = kTexts,
     .doc = "fields of text in which a player is one of the words: `account p-7`",
     .hint = "for example 'mentions: [subject]'",
     .min = 1},
    {.key = "keys",
     .kind = kTexts,
     .doc = "the services and topics whose keys are a player, or hold one between other words: "
            "`p-7/session-2`",
     .hint = "for example 'keys: [sessions, player-events]'",
     .min = 1},
};

constexpr Field kMetaFields[] = {
    {.key = "name",
     .kind = kName,
     .is_required = true,
     .doc = "small letters and digits, a letter first, single `-` or `_` between",
     .hint = "write 'name: gaming-analytics'",
     .what = "the name of a dataflow",
     .names = &kDataflowName},
    {.key = "version",
     .is_required = true,
     .doc = "yours to choose",
     .hint = "write 'version: 0.1.0'"},
    {.key = "namespace", .doc = "yours to choose"},
};

constexpr Field kConfigFields[] = {
    kConverter,
    {.key = "consumer", .kind = kMap, .doc = "how services read topics", .section = &kConsumer},
    {.key = "dead-letter-topic",
     .kind = kName,
     .fallback = "dead-letters",
     .doc = "where records go that do not decode or whose operator fails, with reason and origin",
     .names = &kTopicName},
    {.key = "watermark",
     .kind = kMap,
     .doc = "how event time relates to the clock",
     .section = &kFutureWatermark},
};
constexpr KnownButRefused kConfigRefused[] = {
    {"producer", "'producer' is not supported yet", "remove it"}};

constexpr Field kConsumerFields[] = {{.key = "default_starting_offset",
                                      .kind = kWordOrMap,
                                      .fallback = "beginning",
                                      .doc = "where sources start that do not say where",
                                      .words = kOffsetWords,
                                      .section = &kOffset}};

constexpr Field kFutureFields[] = {
    {.key = "future-max",
     .kind = kDuration,
     .fallback = "5m",
     .doc = "the watermark never passes the clock by more than this"}};
constexpr KnownButRefused kFutureRefused[] = {
    {"grace-period", "'grace-period' is set per window", "move it to the 'window' of a service"},
    {"idleness", "'idleness' is set per window", "move it to the 'window' of a service"},
};

constexpr Field kOffsetFields[] = {
    {.key = "value",
     .kind = kCount,
     .fallback = "0",
     .doc = "so many records after the beginning, or before the end, of each partition",
     .max = 1'000'000'000},
    {.key = "position",
     .kind = kWord,
     .is_required = true,
     .doc = "from where",
     .hint = "write 'position: Beginning' or 'position: End'",
     .what = "starting offset",
     .words = kOffsetWords},
};

// ---- types

constexpr Field kTypeField = {.key = "type",
                              .kind = kType,
                              .is_required = true,
                              .doc = "one of the above",
                              .hint = "for example 'type: string'"};
constexpr Field kTypeFields[] = {kTypeField};
constexpr Field kOptional = {.key = "optional",
                             .kind = kBool,
                             .fallback = "false",
                             .doc = "of a field: it may be absent or null, `Optional<T>` in C++"};
constexpr Field kRenameField = {
    .key = "rename", .doc = "its name in JSON", .hint = "for example 'rename: imageUrl'"};
constexpr Field kDeserialize = {.key = "deserialize",
                                .kind = kMap,
                                .doc = "`rename`: its name in JSON that is read",
                                .section = &kRename};
constexpr Field kSerialize = {.key = "serialize",
                              .kind = kMap,
                              .doc = "`rename`: its name in JSON that is written",
                              .section = &kRename};
constexpr Field kFieldTypeFields[] = {
    kTypeField,
    kOptional,
    {.key = "default", .kind = kValue, .doc = "of a field: its value where it is absent or null"},
    kRenameField,
    kDeserialize,
    kSerialize};
constexpr Field kVariantFields[] = {{.key = "type",
                                     .kind = kType,
                                     .is_required = true,
                                     .doc = "`null`, or the type of its value",
                                     .hint = "write 'type: null' for a variant without a value"},
                                    kRenameField,
                                    kDeserialize,
                                    kSerialize};
constexpr Field kRenameFields[] = {{.key = "rename",
                                    .is_required = true,
                                    .doc = "the name in JSON",
                                    .hint = "for example 'rename: imageUrl'"}};
constexpr Field kTopicConverter = {.key = "converter",
                                   .kind = kWord,
                                   .doc = "the format of records, if not as `config` says",
                                   .what = "converter",
                                   .words = kConverters};
constexpr Field kTopicValueFields[] = {kTypeField, kTopicConverter};
constexpr Field kKeyFields[] = {{.key = "type",
                                 .kind = kType,
                                 .is_required = true,
                                 .doc = "a string, a bool or an integer",
                                 .hint = "for example 'type: string'",
                                 .words = kKeyWords}};
constexpr Field kColumnFields[] = {kTypeField,
                                   kOptional,
                                   {.key = "merge",
                                    .kind = kWord,
                                    .doc = "of a column: how two rows of one key become one",
                                    .words = kMergeWords}};

constexpr Field kTypeName = {.key = "type-name",
                             .kind = kName,
                             .doc = "of an `object`, `list` or `enum` written in place: its name",
                             .what = "the name of a type",
                             .names = &spec::kTypeName};
constexpr Field kObjectFields[] = {{.key = "properties",
                                    .kind = kNamed,
                                    .is_required = true,
                                    .doc = "of an `object`: its fields, name to type",
                                    .hint = "for example 'properties: { name: { type: string } }'",
                                    .min = 1,
                                    .names = &kFieldName,
                                    .section = &kFieldType},
                                   kTypeName};
constexpr Field kListFields[] = {{.key = "items",
                                  .kind = kMap,
                                  .is_required = true,
                                  .doc = "of a `list`: the type that it holds",
                                  .hint = "for example 'items: { type: string }'",
                                  .section = &kItemType},
                                 kTypeName};
constexpr Field kEnumFields[] = {
    {.key = "oneOf",
     .kind = kNamed,
     .is_required = true,
     .doc = "of an `enum`: its variants, name to type",
     .hint = "for example 'oneOf: { apple: { type: null }, pear: { type: null } }'",
     .min = 1,
     .names = &kFieldName,
     .section = &kVariant},
    kTypeName};
constexpr Field kMapFields[] = {{.key = "values",
                                 .kind = kMap,
                                 .is_required = true,
                                 .doc = "of a `map`: the type of its values",
                                 .hint = "for example 'values: { type: string }'",
                                 .section = &kItemType}};
// As Quantiles::kAccuracyMin and kAccuracyMax.
constexpr Field kQuantilesFields[] = {{.key = "accuracy",
                                       .kind = kFraction,
                                       .fallback = "0.01",
                                       .doc = "of `quantiles`: how far off they may be, as a part "
                                              "of the value",
                                       .what = "'accuracy'",
                                       .min = 1'000,
                                       .max = 100'000}};

// ---- topics

constexpr Field kTopicFields[] = {
    {.key = "name",
     .kind = kName,
     .doc = "the topic's name, if that is not the key; letters, digits, `.`, `_`, `-`, at most 200",
     .what = "the name of a topic",
     .names = &kTopicName},
    {.key = "schema",
     .kind = kMap,
     .doc = "the type of its records; without one any record is accepted, but no service can read "
            "the topic",
     .section = &kSchema},
    {.key = "consumer",
     .kind = kMap,
     .doc = "how services read this topic, in place of what `config` says",
     .section = &kConsumer},
    {.key = "partitions",
     .kind = kCount,
     .fallback = "1",
     .doc = "records with the same key go to the same partition",
     .min = 1,
     .max = kPartitionsMax},
    {.key = "retention",
     .kind = kMap,
     .doc = "what may be removed; without it all is kept for ever",
     .section = &kRetention},
    {.key = "compaction",
     .kind = kBool,
     .fallback = "false",
     .doc = "only the last record of each key has to stay"},
    {.key = "allow-cycle",
     .kind = kBool,
     .fallback = "false",
     .doc = "services may feed each other through this topic"},
    {.key = "deduplicate",
     .kind = kList,
     .doc = "ids by which a record that comes in over HTTP again is known",
     .min = 1,
     .section = &kDeduplicate},
};
constexpr KnownButRefused kTopicRefused[] = {
    {"retention-time", "a topic has no 'retention-time'", "write 'retention: { age: 7d }'"},
    {"producer", "'producer' of a topic is not supported yet", "remove it"},
    {"segment-size", "a topic has no 'segment-size'",
     "for the size write 'retention: { bytes: 10GiB }'"},
};

constexpr Field kSchemaFields[] = {
    {.key = "key",
     .kind = kMap,
     .doc =
         "a `type`: string, bool or an integer; it tells people what keys are, any text is taken",
     .section = &kKeyType},
    {.key = "value",
     .kind = kMap,
     .is_required = true,
     .doc = "a `type`, and perhaps a `converter`",
     .hint = "for example 'value: { type: player-event }'",
     .section = &kTopicValue},
};

constexpr Field kTableFields[] = {
    {.key = "file",
     .doc = "CSV with a header (`.csv`), or a JSON object a line (`.json`, `.jsonl`, `.ndjson`); "
            "relative to the dataflow. Read again when it changes"},
    {.key = "topic",
     .doc =
         "the key of a topic with a schema, in place of a file: the last record of each key counts",
     .what = "the name of a topic"},
    {.key = "key",
     .is_required = true,
     .doc = "the field that is the key: a string, a bool or an integer",
     .hint = "for example 'key: item_id'"},
    {.key = "type",
     .doc = "the object type of its rows; of a topic, that of its schema",
     .what = "the type of a table"},
};
constexpr Field kIncludesFields[] = {{.key = "include",
                                      .kind = kTexts,
                                      .is_required = true,
                                      .doc = "headers, relative to the dataflow",
                                      .hint = "write 'include: [helpers.h]'",
                                      .min = 1}};

constexpr Field kRetentionFields[] = {
    {.key = "age", .kind = kDuration, .doc = "older records may go", .min = 1'000},
    {.key = "bytes",
     .kind = kBytes,
     .doc = "the oldest records may go while a partition is larger"},
};
constexpr KnownButRefused kRetentionRefused[] = {
    {"time", "unknown key 'time' in 'retention'", "did you mean 'age'?"},
    {"size", "unknown key 'size' in 'retention'", "did you mean 'bytes'?"},
};

constexpr Variant kTypeVariants[] = {{"object", kObjectFields},   {"list", kListFields},
                                     {"map", kMapFields},         {"enum", kEnumFields},
                                     {"decimal", kDecimalFields}, {"timestamp", kTimestampFields}};
constexpr Variant kColumnVariants[] = {
    {"list", kListFields},           {"enum", kEnumFields}, {"decimal", kDecimalFields},
    {"timestamp", kTimestampFields}, {"distinct", {}},      {"quantiles", kQuantilesFields}};

}  // namespace

constinit const Section kDataflow = {
    "dataflow", "a dataflow", kDataflowFields, kDataflowRefused, {}};
constinit const Section kMeta = {"meta", "'meta'", kMetaFields, {}, {}};
constinit const Section kConfig = {"config", "'config'", kConfigFields, kConfigRefused, {}};
constinit const Section kConsumer = {"consumer", "'consumer'", kConsumerFields, {}, {}};
constinit const Section kFutureWatermark = {
    "future-watermark", "'watermark'", kFutureFields, kFutureRefused, {}};
constinit const Section kOffset = {"offset", "a starting offset", kOffsetFields, {}, {}};

constinit const Section kNamedType = {"named-type", "a type", kTypeFields, {}, kTypeVariants};
constinit const Section kFieldType = {"field", "a field", kFieldTypeFields, {}, kTypeVariants};
constinit const Section kItemType = {"item", "an item of the list", kTypeFields, {}, kTypeVariants};
constinit const Section kTopicValue = {
    "value", "the value of a topic", kTopicValueFields, {}, kTypeVariants};
constinit const Section kKeyType = {"key", "a key", kKeyFields, {}, {}};
constinit const Section kKeyedType = {"keyed-type", "the type of a table", kTypeFields, {}, {}};
constinit const Section kColumn = {"column", "a column", kColumnFields, {}, kColumnVariants};
constinit const Section kVariant = {"variant", "a variant", kVariantFields, {}, kTypeVariants};
constinit const Section kRename = {"rename", "a new name", kRenameFields, {}, {}};

constinit const Section kTopic = {"topic", "a topic", kTopicFields, kTopicRefused, {}, true};
constinit const Section kSchema = {"schema", "a schema", kSchemaFields, {}, {}};
constinit const Section kRetention = {
    "retention", "'retention'", kRetentionFields, kRetentionRefused, {}};

constinit const Section kTable = {"table", "a table", kTableFields, {}, {}};
constinit const Section kPlayers = {"players", "'players'", kPlayersFields, {}, {}};
constinit const Section kIncludes = {"functions", "'functions'", kIncludesFields, {}, {}};

constinit const NameRule kDataflowName = {"dataflow", is_lower_name, kLowerRule, kLowerPattern};
constinit const NameRule kServiceName = {"service", is_lower_name, kLowerRule, kLowerPattern};
constinit const NameRule kStateName = {"state", is_lower_name, kLowerRule, kLowerPattern};
constinit const NameRule kTableName = {"table", is_lower_name, kLowerRule, kLowerPattern};
constinit const NameRule kScheduleName = {"schedule", is_lower_name, kLowerRule, kLowerPattern};
constinit const NameRule kFunctionName = {"function", is_lower_name, kLowerRule, kLowerPattern};
constinit const NameRule kTypeName = {"type", is_type_name,
                                      "letters, digits, '-' and '_', a letter first, at most 100",
                                      "^[A-Za-z][-A-Za-z0-9_]{0,99}$"};
constinit const NameRule kFieldName = {
    "field", is_field_name, "letters, digits, '-' and '_', a letter or '_' first, at most 200",
    "^[A-Za-z_][-A-Za-z0-9_]{0,199}$"};
constinit const NameRule kTopicName = {"topic", is_topic_name,
                                       "letters, digits, '.', '_' and '-', at most 200",
                                       "^(?!\\.{1,2}$)[-._A-Za-z0-9]{1,200}$"};

}  // namespace gameflow::spec
