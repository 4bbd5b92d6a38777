// The boundary between the engine and a built operator library: flat, versioned, batches only.
//
// An operator library exports one symbol, `gameflow_library`, that returns a Library: a list of
// functions. Every function handles a batch, catches every exception and reports it as the
// RecordError of its record. Nothing else crosses: no exception, no allocation to be freed on the
// other side, no std type.
//
// Threads  the engine calls a function from any thread, at most one call per Call at a time.
#pragma once

#include <gameflow/types.h>

namespace gameflow::abi {

// Raised with every change of this file, types.h, text.h or arena.h that alters a layout or a
// meaning.
inline constexpr u32 kVersion = 4;

// A failed record of a batch: its index, which function of a chain failed (its place in it, from 0;
// 0 where there is only one), and what the exception said (in the call's arena).
struct RecordError {
  u32 index;
  u32 step;
  Text message;
};

// What one call may use. Set up by the engine, valid during the call.
struct Call {
  Arena* arena;
  // The event-time window [start, end) in ms; both 0 in a chain. In update-state it is set per
  // record by the generated loop.
  i64 window_start_ms;
  i64 window_end_ms;
  // Runs read-only SQL over the states of the window being flushed. Appends result rows to `list`,
  // a List<T> of the declared type `type_id`. On failure returns false and sets `sql_error`. Null
  // outside flush.
  bool (*sql)(void* sql_context, const char* text, std::size_t size, u32 type_id, void* list);
  void* sql_context;
  Text sql_error;
};

// What a chain reads: a run of records of one partition, as columns.
struct Records {
  const void* const* values;  // values[i]: value i, of the chain's input type
  const i64* times;           // of the records, ms UTC
  u32 count;
};

// One record that left a chain.
struct Emitted {
  const void* value;  // of the chain's output type: the input's own value, or one in the call's
                      // arena
  i64 time;           // what assign-timestamp said, else the input record's time
  Text key;           // what assign-key said: for a string key its text, otherwise the
                      // order-preserving encoding of key.h; empty without assign-key
  u32 origin;         // which input record it came from; origins never fall
};

// Runs a chain: transforms, assign-timestamp, assign-key, in the order of the dataflow, fused.
// Appends what comes out to `out`, which grows in the call's arena. A record that fails anywhere
// leaves nothing in `out` and one error (so errors[count] is room enough). Returns the number of
// errors, in order of index.
using ChainFn = u32 (*)(Call* call, const Records* records, List<Emitted>* out,
                        RecordError* errors);

// What update-state did with the rows of one record; bit s stands for the row of state s.
struct RowUse {
  u32 asked;    // the operator called for it: it exists from now on, if nothing in it changed, too
  u32 changed;  // its bytes are others now
};

// The window [start, end) of one record.
struct WindowSpan {
  i64 start_ms;
  i64 end_ms;
};

// Applies values to rows, in order. rows[i * state_count + s] is the row of state s for value i,
// spans[i] its window, uses[i] what became of its rows. A record that fails leaves its rows as they
// were, and unused. Returns the number of errors, in order of index.
using UpdateFn = u32 (*)(Call* call, const void* const* values, void* const* rows,
                         const WindowSpan* spans, u32 count, RowUse* uses, RecordError* errors);

// The value for the sinks, in the call's arena, from the window's rows; null on failure, with
// `error->message`.
using FlushFn = const void* (*)(Call* call, RecordError* error);

enum class FunctionKind : u32 { kChain, kUpdate, kFlush };

// A type of the dataflow as generated code names it: `base` is a record::Kind, or from
// kFirstDecimal on a Decimal of that many digits more, or from kFirstDeclared on
// record::Type::id; `wraps` says in what it is wrapped: a 1, then from the inside out a bit for
// each List (0) and Map (1).
struct TypeRef {
  u32 base;
  u32 wraps;
};
inline constexpr u32 kFirstDecimal = 32;
inline constexpr u32 kFirstDeclared = 64;
inline constexpr u32 kNotWrapped = 1;

struct Function {
  FunctionKind kind;
  const char* name;   // as in the plan: "player-session-analytics/source/0"
  void (*pointer)();  // a ChainFn, UpdateFn or FlushFn; functions that do the same may share one
  TypeRef output;     // of what comes out; of kUpdate without meaning
};

struct Library {
  u32 abi_version;
  u32 function_count;
  const Function* functions;
};

using LibraryFn = const Library* (*)();
inline constexpr const char* kLibrarySymbol = "gameflow_library";

// States per service: bits of RowUse.
inline constexpr u32 kStatesMax = 32;

}  // namespace gameflow::abi
