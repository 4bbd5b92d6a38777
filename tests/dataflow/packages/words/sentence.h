#ifndef SENTENCE_H
#define SENTENCE_H
#include <sstream>

// Splits at white space.
List<WordOfLine> sentence_to_words(const Text& sentence) {
  if (sentence.empty()) throw std::invalid_argument("an empty sentence");
  List<WordOfLine> words;
  std::istringstream in(sentence.str());
  Place place = 0;
  for (std::string word; in >> word;) words.push_back({word, place++});
  return words;
}
#endif
