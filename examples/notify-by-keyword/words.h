// What the operators share.
#pragma once

#include <cctype>
#include <string>

// Calls visit(word) for each run of letters, in small letters.
template <class Visit>
void for_each_word(Text text, Visit visit) {
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      visit(Text(word));
      word.clear();
    }
  }
}
