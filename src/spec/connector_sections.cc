#include "spec/connector_sections.h"

#include "spec/names.h"
#include "spec/sections.h"
#include "spec/shared_fields.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

constexpr NameRule kConnectorName = {
    "connector", is_lower_name,
    "small letters and digits, a letter first, single '-' or '_' between, at most 100",
    "^(?=.{1,100}$)[a-z][a-z0-9]*([-_][a-z0-9]+)*$"};

constexpr Field kRootFields[] = {
    {.key = "apiVersion",
     .kind = kWord,
     .is_required = true,
     .doc = "the form of this file; both are read alike",
     .hint = "write 'apiVersion: 0.1.0'",
     .words = kConnectorVersions},
    {.key = "meta",
     .kind = kMap,
     .is_required = true,
     .doc = "what it is called, of which kind it is, and its topics",
     .hint = "write 'meta: { name: …, version: 0.1.0, type: http-source, topic: … }'",
     .section = &kConnectorMeta},
    {.key = "key-field", .doc = "of a source: dotted path of the field that holds a record's key"},
    {.key = "value-field",
     .doc = "of a source: dotted path of the field that is stored; without, all of a record is"},
    {.key = "route",
     .kind = kMap,
     .doc = "of a source: topics by a field of the record",
     .section = &kRoute},
    {.key = "types",
     .kind = kNamed,
     .doc = "of a source: types for `schema` and `transforms`, as in a dataflow",
     .names = &kTypeName,
     .section = &kNamedType},
    {.key = "schema",
     .kind = kMap,
     .doc = "of a source: the type of what comes in, as of a topic; by default any JSON",
     .section = &kSchema},
    kTransforms,
};

constexpr Field kMetaFields[] = {
    {.key = "name",
     .kind = kName,
     .is_required = true,
     .doc = "under which its position is kept: another name starts anew",
     .hint = "write 'name: gaming-events'",
     .what = "the name of a connector",
     .names = &kConnectorName},
    {.key = "version",
     .is_required = true,
     .doc = "yours to choose",
     .hint = "write 'version: 0.1.0'"},
    {.key = "type",
     .is_required = true,
     .doc = "the kind: `http-source`",
     .hint = "write 'type: http-source'"},
    {.key = "topic", .kind = kValue, .doc = "a name, or `{ meta: { name: NAME } }`"},
    {.key = "topics", .kind = kTexts, .doc = "of a sink, instead of `topic`: several", .min = 1},
    {.key = "producer",
     .kind = kMap,
     .doc = "of a source: how records are sent",
     .section = &kConnectorProducer},
    {.key = "consumer",
     .kind = kMap,
     .doc = "of a sink: how topics are read",
     .section = &kConnectorConsumer},
    {.key = "secrets",
     .kind = kList,
     .doc = "the names that `${{ secrets.NAME }}` refers to",
     .section = &kConnectorSecret},
};
constexpr KnownButRefused kMetaRefused[] = {
    {"create-topic", "a connector makes no topics",
     "declare the topic in dataflow.yaml, or make it with 'gameflow topic create'"},
    {"create_topic", "a connector makes no topics",
     "declare the topic in dataflow.yaml, or make it with 'gameflow topic create'"},
    {"direction", "the kind says whether it is a source or a sink", "remove it"},
};

constexpr Field kTopicFields[] = {{.key = "meta",
                                   .kind = kMap,
                                   .is_required = true,
                                   .doc = "of the topic",
                                   .hint = "write 'topic: { meta: { name: … } }'",
                                   .section = &kConnectorTopicMeta}};
constexpr std::string_view kTopicsElsewhere =
    "a topic is made elsewhere: in dataflow.yaml, or with 'gameflow topic create'";
constexpr KnownButRefused kTopicRefused[] = {
    {"partition", kTopicsElsewhere, "remove it"},
    {"retention", kTopicsElsewhere, "remove it"},
    {"compression", "topics are always compressed", "remove it"},
    {"deduplication", "a connector's records are numbered, so that none is stored twice",
     "remove it"},
};
constexpr Field kTopicMetaFields[] = {
    {.key = "name", .kind = kName, .is_required = true, .doc = "its name", .names = &kTopicName}};

constexpr Field kProducerFields[] = {
    {.key = "batch-size",
     .kind = kBytes,
     .fallback = "1MiB",
     .doc = "about how much is sent and stored at once, at most `4MiB`"},
    {.key = "linger",
     .kind = kDuration,
     .fallback = "0ms",
     .doc = "for how long records may wait for more to be sent with, at most `10s`"},
};
constexpr KnownButRefused kProducerRefused[] = {
    {"batch_size", "it is called 'batch-size' here", "write 'batch-size'"},
    {"compression", "topics are always compressed", "remove it"},
};
constexpr Field kConsumerFields[] = {
    {.key = "partition", .kind = kCount, .doc = "only this one of each topic", .max = 1023},
    {.key = "max_bytes",
     .kind = kBytes,
     .fallback = "1MiB",
     .doc = "about how much is handed over at once, at most `4MiB`"},
};
constexpr Field kSecretFields[] = {
    {.key = "name", .is_required = true, .doc = "letters, digits and `_`, no digit first"}};

constexpr Field kRouteFields[] = {
    {.key = "field",
     .is_required = true,
     .doc = "dotted path in what the source brings",
     .hint = "write 'field: event_name'"},
    {.key = "topics",
     .kind = kValue,
     .is_required = true,
     .doc = "from what the field says to the topic",
     .hint = "write 'topics: { player_action: player-events }'"},
    {.key = "otherwise",
     .kind = kWord,
     .fallback = "topic",
     .doc = "what becomes of the others: the topic of `meta`, nothing, or a dead letter",
     .words = kOtherwiseWords},
};

}  // namespace

constexpr Section kConnector = {"connector", "a connector's file", kRootFields};
constexpr Section kConnectorMeta = {"connector-meta", "'meta'", kMetaFields, kMetaRefused};
constexpr Section kConnectorTopic = {"connector-topic", "'topic'", kTopicFields, kTopicRefused};
constexpr Section kConnectorTopicMeta = {"connector-topic-meta", "'meta' of the topic",
                                         kTopicMetaFields};
constexpr Section kConnectorProducer = {"connector-producer", "'producer'", kProducerFields,
                                        kProducerRefused};
constexpr Section kConnectorConsumer = {"connector-consumer", "'consumer'", kConsumerFields};
constexpr Section kConnectorSecret = {"connector-secret", "a secret", kSecretFields};
constexpr Section kRoute = {"route", "'route'", kRouteFields};

}  // namespace gameflow::spec
