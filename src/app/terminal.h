// What a person at a terminal sees: a progress line, errors, numbers that can be read.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gameflow::app {

// At the start of the program. A service may start it with descriptors 0 to 2 closed: the first
// files that are opened would get these numbers, and then what is printed.
void open_standard_streams();

// At the end of the program: what is still in the buffer of stdout goes out. `exit_code`, or
// kExitFailed with a message where all else went well, but not all could be written.
int finish_stdout(int exit_code);

bool is_terminal(int file_descriptor);

// Colour on stderr, or on stdout: a terminal, not TERM=dumb, and NO_COLOR unset or empty.
bool use_colour();
bool colour_on_stdout();

// "gameflow: error: …" on stderr, with a progress line out of the way. Returns kExitFailed.
int print_error(const Error& error);
// "gameflow: …" on stderr.
void print_note(std::string_view text);

// 1234567 as "1,234,567".
std::string with_commas(std::uint64_t number);
// 1536 as "1.5 KiB".
std::string with_unit(std::uint64_t bytes);

// One line on stderr that is written over; nothing where stderr is no terminal, or a dumb one.
// Notes and errors printed meanwhile go above it. At most ten updates a second are shown.
//
// Threads  any; there is one line in the process.
void show_progress(std::string_view text);
void clear_progress();

}  // namespace gameflow::app
