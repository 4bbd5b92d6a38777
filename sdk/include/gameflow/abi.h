// The boundary between the engine and a built operator library: flat, versioned, batches only.
//
// An operator library exports one symbol, `gameflow_library`, that returns a Library: a list of
// functions. Every function handles a batch, catches every exception and reports it as the
// RecordError of its record. Nothing else crosses: no exception, no allocation to be freed on the
// other side, no std type.
// Threads  the engine calls a function from any thread, at most one call per Call at a time.
#pragma once

#include <gameflow/types.h>

namespace gameflow::abi {

// Raised when this file, types.h, text.h or arena.h change a layout or a meaning.
inline constexpr u32 kVersion = 10;

// A failed record of a batch: its index, which function of a chain failed (its place in it, from 0;
// 0 where there is only one), and what the exception said (in the call's arena).
struct RecordError {
  u32 index, step;
  Text message;
};

// What a function of a chain has done: values that came to it, values that it handed on (also those
// that were taken back, as a function behind it failed), calls that failed, and times for which
// parse_time gave another one (those of a call all at its first function).
struct StepCount {
  u64 in, out, failed, unread_times = 0;
};

// An argument of a query: what stands for a `?`.
struct SqlArgument {
  // kNumber: the digits of a u64 above 2^63 - 1 or of a decimal of more than 15, as text.
  enum class Kind : u32 { kNull, kInteger, kReal, kText, kNumber };
  Kind kind;
  i64 integer;
  f64 real;
  Text text;
};

// What one call may use. Set up by the engine, valid during the call.
struct Call {
  Arena* arena;
  // The event-time window [start, end) in ms, and why it is asked for (gameflow::Window::Kind);
  // both 0 in a chain. In an UpdateFn the times are set per record by the generated loop.
  i64 window_start_ms, window_end_ms;
  u32 window_kind;
  // What key() says at the record or row at hand, encoded, and its time. Null: it is not known.
  const Text* row_key;
  i64 row_time;
  // Runs read-only SQL over the tables that the function can see. Appends result rows to `list`, a
  // List<T> of the declared type `type_id`. On failure returns false and sets `sql_error`. Null
  // where there are no tables.
  bool (*sql)(void* context, const char* text, std::size_t size, const SqlArgument* arguments,
              u32 argument_count, u32 type_id, void* list);
  // The row with this encoded key of what the service reads by key, by its number there. Null:
  // there is none. Valid during the epoch.
  const void* (*find)(void* context, u32 reference, const char* key, std::size_t size);
  void* context;  // of both
  Text sql_error;
  // By RecordError::step; what the call does is added. Null: nobody counts.
  StepCount* counts;
};

// What a chain reads: a run of records of one partition, as columns.
struct Records {
  const void* const* values;  // values[i]: value i, of the chain's input type
  const i64* times;           // of the records, ms UTC
  u32 count;
  // Null where the function does not ask (Function::asks) or there are none.
  const Optional<Text>* record_keys;
  const Text* row_keys;  // what key() says, encoded
};

// One record that left a chain.
struct Emitted {
  const void* value;  // of the chain's output type: the input's own value, or one in the call's
                      // arena
  i64 time;           // what assign-timestamp said, else the input record's time
  Text key;           // what assign-key said: for a string key its text, otherwise the
                      // order-preserving encoding of key.h; empty without assign-key
  u32 origin;         // which input record it came from; origins never fall
  // The record's key where it is known here: what a function has said, else as in
  // Records::record_keys. Null: it is still that of the input record.
  const Optional<Text>* record_key;
};

// Runs a chain: transforms, assign-timestamp, assign-key, in the order of the dataflow, fused.
// Appends what comes out to `out`, which grows in the call's arena. A record that fails anywhere
// leaves nothing in `out` and one error, in order of index. Returns the number of errors.
using ChainFn = u32 (*)(Call* call, const Records* records, List<Emitted>* out,
                        RecordError* errors);

// What became of the rows of one record; bit s stands for the row of state s.
struct RowUse {
  u32 asked;    // an operator called for it: it exists from now on, if nothing in it changed, too
  u32 changed;  // its bytes are others now
  u32 erased;   // it is gone; then it is not asked for
};

// The window [start, end) of one record; both 0 where there are none.
struct WindowSpan {
  i64 start_ms, end_ms;
};

// Stands in front of each row of a state with a `ttl`.
struct RowTimes {
  i64 seen_at;  // when it was last asked for; kNever: it is not there
  i64 due_at;   // the engine's own
};
inline constexpr i64 kNever = INT64_MIN;

// Records at the rows of their keys, as columns.
struct KeyedRecords {
  const void* const* values;
  void* const* rows;  // rows[i * state_count + s] is the row of state s for value i
  const WindowSpan* spans;
  u32 count;
  // Null where the function does not ask (Function::asks).
  const Optional<Text>* record_keys;
  const Text* row_keys;   // encoded
  const i64* times;       // of the records, for what the function gives
  const i64* seen_times;  // when they count as seen, for `ttl`
};

// Runs the transforms of `partition` and update-state, in order of the records. Appends what leaves
// the transforms, and results of rows that a record found to be run out, to `out`; origins are
// indices of `records`. A record that fails leaves its rows as they were, unused, and nothing in
// `out`. Returns the number of errors, in order of index.
using UpdateFn = u32 (*)(Call* call, const KeyedRecords* records, RowUse* uses, List<Emitted>* out,
                         RecordError* errors);

// Rows of one state that ran out, by row_keys and times. Appends what on-expire makes of them.
using ExpireFn = ChainFn;

// The value for the sinks, in the call's arena, from the window's rows. Null: there is none, and
// `error->index` is kNoResult; or it failed, and `error->message` says why.
inline constexpr u32 kNoResult = UINT32_MAX;
using FlushFn = const void* (*)(Call* call, RecordError* error);

// Rows of a window on their way to the sinks, in order of key; those of sessions in order of their
// ends.
struct WindowRows {
  const void* const* rows;  // rows[i * state_count + s] is the row of state s of key i, or null
  const Text* row_keys;     // encoded
  u32 count;                // of keys
  i64 time;                 // of what the function gives
  // Those of the rows, whose ends then are the times of what it gives; null: the call's.
  const WindowSpan* spans;
};

// What `flush` says of each row of one state. Appends it to `out`; origins are indices of keys.
// Returns the number of errors, in order of index.
using EachFn = u32 (*)(Call* call, const WindowRows* rows, List<Emitted>* out, RecordError* errors);

// Which of two rows of one key holds the first event, and which the last: what `merge: first` and
// `merge: last` go by. With neither, they are those of the row that is merged into.
enum MergeOrder : u32 { kFromFirst = 1, kFromLast = 2 };

// Merges rows of one state: from[i] into into[i], where from[i] holds the first or last event as
// order[i] says, a mask of MergeOrder. Text and lists are shared, not copied. A pair that fails
// leaves into[i] as it was. Returns the number of errors, in order of index.
using MergeFn = u32 (*)(Call* call, void* const* into, const void* const* from, const u32* order,
                        u32 count, RecordError* errors);

enum class FunctionKind : u32 { kChain, kUpdate, kFlush, kExpire, kMerge, kEach, kJoin };

// What a function asks for, in a mask: what nobody reads need not be made, or (kRecords) kept.
enum Asks : u32 { kNothing = 0, kRecordKeys = 1, kRowKeys = 2, kRecords = 4 };

// A type of the dataflow as generated code names it: `base` is a record::Kind, from kFirstDecimal
// on a Decimal of so many digits more, from kFirstDeclared on record::Type::id; `wraps` says in
// what it is wrapped: a 1, then from the inside out a bit for each List (0) and Map (1).
struct TypeRef {
  u32 base, wraps;
};
inline constexpr u32 kFirstDecimal = 32, kFirstDeclared = 64;
inline constexpr u32 kNotWrapped = 1;

struct Function {
  FunctionKind kind;
  const char* name;  // as in the plan: "player-session-analytics/source/0"
  // A ChainFn, UpdateFn, FlushFn, ExpireFn, MergeFn, EachFn or the JoinFn of pairs.h; functions
  // that do the same may share one.
  void (*pointer)();
  TypeRef output;  // of what comes out; of a MergeFn it says nothing
  u32 asks;        // a mask of Asks
  u32 key = 0;     // of a JoinFn: by what its sides meet, as TypeRef::base
};

struct Library {
  u32 abi_version, function_count;
  const Function* functions;
};

using LibraryFn = const Library* (*)();
inline constexpr const char* kLibrarySymbol = "gameflow_library";
inline constexpr u32 kStatesMax = 32;  // of a service: bits of RowUse

}  // namespace gameflow::abi
