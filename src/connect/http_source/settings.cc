// The settings of http-source, as data.
#include <string_view>

#include "connect/http_source/http_source.h"
#include "connect/http_source/source.h"

namespace gameflow::connect {
namespace {

constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "HEAD"};
constexpr std::string_view kTypes[] = {"text", "json"};
constexpr std::string_view kParts[] = {"body", "full"};

constexpr Setting kSettings[] = {
    {.key = "endpoint",
     .kind = SettingKind::kText,
     .is_required = true,
     .doc = "the URL, `http://` or `https://`",
     .example = "https://events.example.com/stream"},
    {.key = "method",
     .kind = SettingKind::kWord,
     .fallback = "GET",
     .doc = "of the request",
     .words = kMethods},
    {.key = "headers",
     .kind = SettingKind::kTexts,
     .doc = "of the request, `Name: value` each",
     .example = "[\"Authorization: Bearer ${{ secrets.TOKEN }}\"]"},
    {.key = "body", .kind = SettingKind::kText, .doc = "of the request, with POST and PUT"},
    {.key = "user-agent", .kind = SettingKind::kText, .doc = "by default gameflow's own"},
    {.key = "stream",
     .kind = SettingKind::kBool,
     .fallback = "false",
     .doc = "the answer goes on without an end, and a record ends where `delimiter` is; else each "
            "answer is a record"},
    {.key = "delimiter",
     .kind = SettingKind::kText,
     .doc = "what stands between the records of a stream, by default a line end; what is empty "
            "between two is no record",
     .example = "\"\\n\\n\""},
    {.key = "interval",
     .kind = SettingKind::kDuration,
     .fallback = "10s",
     .doc = "from one request to the next; of a stream that cannot be resumed, from its end to the "
            "next request",
     .min = 10},
    {.key = "output_type",
     .kind = SettingKind::kWord,
     .fallback = "text",
     .doc = "`text`: the record as it is, which has to be JSON; `json`: a JSON object with the "
            "record as the text `body`",
     .words = kTypes},
    {.key = "output_parts",
     .kind = SettingKind::kWord,
     .fallback = "body",
     .doc = "with `output_type: json` also `full`: `status` and `header` beside it",
     .words = kParts},
    {.key = "resume-parameter",
     .kind = SettingKind::kText,
     .doc = "a query parameter that says from where on: how many records have come so far, or with "
            "`resume-field` the field of the last one. Without it there is no way back",
     .example = "after"},
    {.key = "resume-field",
     .kind = SettingKind::kText,
     .doc = "dotted path of the field that the server continues behind",
     .example = "id"},
    {.key = "record-bytes-max",
     .kind = SettingKind::kBytes,
     .fallback = "1MiB",
     .doc = "a record, or an answer, that is larger ends the connector",
     .min = 64,
     .max = 3 << 20},
    {.key = "connect-timeout",
     .kind = SettingKind::kDuration,
     .fallback = "10s",
     .doc = "for the connection",
     .min = 100,
     .max = 600'000},
    {.key = "idle-timeout",
     .kind = SettingKind::kDuration,
     .fallback = "60s",
     .doc = "a stream from which nothing comes for so long is opened again",
     .min = 100},
    {.key = "timeout",
     .kind = SettingKind::kDuration,
     .fallback = "30s",
     .doc = "for a whole answer, where it is not a stream",
     .min = 100,
     .max = 600'000},
    {.key = "ca-file",
     .kind = SettingKind::kText,
     .doc = "certificates that are trusted (PEM), instead of the system's"},
    {.key = "allow-redirects",
     .kind = SettingKind::kBool,
     .fallback = "false",
     .doc = "redirects are followed, at most 5; headers go along"},
    {.key = "allow-private-addresses",
     .kind = SettingKind::kBool,
     .fallback = "false",
     .doc = "addresses of this machine and of private networks are connected to: by default nobody "
            "who can write a URL gets at what is behind the firewall"},
};

}  // namespace

const Kind kHttpSource = {
    .type = "http-source",
    .section = "http",
    .doc =
        "Reads an endless answer that a delimiter divides into records, or fetches answers at an "
        "interval.",
    .settings = kSettings,
    .make_source = [](const Settings& settings, Host& host) -> std::unique_ptr<Source> {
      return std::make_unique<HttpSource>(settings, host);
    }};

}  // namespace gameflow::connect
