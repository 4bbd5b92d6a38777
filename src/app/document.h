// What a command found or did, as one JSON document, of which both forms come: the line that --json
// prints, and the words for a person. Members have the names that the HTTP API gives them.
#pragma once

#include <utility>

#include <boost/json.hpp>

namespace gameflow::app {

// On stdout, in one line. Bytes that are not UTF-8, as of names of files, become U+FFFD.
void print_json(const boost::json::value& document);

// `in_words` prints the document for a person.
template <class Document, class InWords>
void print_document(const Document& document, bool as_json, InWords&& in_words) {
  if (as_json)
    print_json(document);
  else
    std::forward<InWords>(in_words)(document);
}

}  // namespace gameflow::app
