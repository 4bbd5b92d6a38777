// The boundary between the engine and a built operator library: flat, versioned, batches only.
//
// An operator library exports one symbol, `gameflow_library`, that returns a Library. Every
// function in it handles a batch, catches every exception and reports it as the RecordError of its
// record. Nothing else crosses: no exception, no allocation to be freed on the other side, no std
// type.
//
// Threads  the engine calls a function from any thread, at most one call per Call at a time.
#pragma once

#include <gameflow/types.h>

namespace gameflow::abi {

// Raised with every change of this file, types.h, text.h or arena.h that alters a layout or a
// meaning.
inline constexpr u32 kVersion = 2;

// A failed record of a batch: its index and what the exception said (in the call's arena).
struct RecordError {
  u32 index;
  Text message;
};

// What one call may use. Set up by the engine, valid during the call.
struct Call {
  Arena* arena;
  // The event-time window [start, end) in ms; both 0 outside update-state and flush. In
  // update-state it is set per record by the generated loop.
  i64 window_start_ms;
  i64 window_end_ms;
  // Runs read-only SQL over the states of the window being flushed. Appends result rows to `list`,
  // a List<T> of the object type `type_id`. On failure returns false and sets `sql_error`. Null
  // outside flush.
  bool (*sql)(void* sql_context, const char* text, std::size_t size, u32 type_id, void* list);
  void* sql_context;
  Text sql_error;
};

// Event time of each event, ms UTC, into times[count]. `events` are `stride` bytes apart.
// Returns the number of errors written to errors[count]; their times are unspecified.
using AssignTimestampFn = u32 (*)(Call* call, const void* events, std::size_t stride, u32 count,
                                  const i64* record_times, i64* times, RecordError* errors);

// Key of each event into keys[count]: for a string key its text, otherwise the order-preserving
// encoding of key.h. Returns the number of errors; their keys are unspecified.
using AssignKeyFn = u32 (*)(Call* call, const void* events, std::size_t stride, u32 count,
                            Text* keys, RecordError* errors);

// What update-state did with the rows of one record; bit s stands for the row of state s.
struct RowUse {
  u32 asked;    // the operator called for it: it exists from now on, if nothing in it changed, too
  u32 changed;  // its bytes are others now
};

// Applies events to rows, in order. rows[i * state_count + s] is the row of state s for event i,
// windows[i] its window's start, uses[i] what became of its rows. A record that fails leaves its
// rows as they were, and unused. Returns the number of errors.
using UpdateStateFn = u32 (*)(Call* call, const void* const* events, void* const* rows,
                              const i64* window_starts_ms, i64 window_size_ms, u32 count,
                              RowUse* uses, RecordError* errors);

// Computes the value for the sinks from the window's rows into `out`, a value of the flush type.
// Returns false on failure, with `error->message`.
using FlushFn = bool (*)(Call* call, void* out, RecordError* error);

struct Service {
  const char* name;
  AssignTimestampFn assign_timestamp;
  AssignKeyFn assign_key;
  UpdateStateFn update_state;
  FlushFn flush;
};

struct Library {
  u32 abi_version;
  u32 service_count;
  const Service* services;
};

using LibraryFn = const Library* (*)();
inline constexpr const char* kLibrarySymbol = "gameflow_library";

// States per service: bits of RowUse.
inline constexpr u32 kStatesMax = 32;

}  // namespace gameflow::abi
