// A function has to take what the one before it gives.
// The compiler says: NotTakenByFunction<Event, gameflow::Text>
#include "operator_check.h"
#ifdef WRONG
constexpr auto length = [](const Text& text) { return text.size() > 3; };
#else
constexpr auto length = [](const Event& event) { return event.user_id.size() > 3; };
#endif
static_assert(sizeof(detail::CheckTaken<decltype(length), Event, detail::Types<Event, Text>>));
