#include "record/arena.h"

#include <new>

#include <gtest/gtest.h>

#include "base/memory_reserve.h"

namespace gameflow::record {
namespace {

constexpr std::size_t kBlock = 64U << 10;

TEST(Arena, CountsAgainstTheAllowanceWhatItHoldsAtATime) {
  BlockArena arena(kBlock);
  MemoryAllowance allowance(3 * kBlock);
  const CanRunOut scope(&allowance);
  for (int i = 0; i < 100; ++i) {
    arena.allocate(kBlock - 1, 1);
    arena.reset();
  }
  EXPECT_FALSE(allowance.ran_out());
  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i) arena.allocate(kBlock - 1, 1);
      },
      std::bad_alloc);
  arena.reset();
  EXPECT_TRUE(allowance.ran_out()) << "also when all is given back";
}

TEST(Arena, GivesNothingToTheAllowanceOfLaterWork) {
  BlockArena arena(kBlock);
  for (int i = 0; i < 3; ++i) {
    MemoryAllowance allowance(kBlock);  // mostly where the one before was
    const CanRunOut scope(&allowance);
    arena.reset();
    arena.allocate(kBlock - 1, 1);
    EXPECT_THROW(arena.allocate(kBlock - 1, 1), std::bad_alloc);
  }
}

TEST(Arena, GivesBackAtItsEnd) {
  MemoryAllowance allowance(kBlock);
  const CanRunOut scope(&allowance);
  for (int i = 0; i < 3; ++i) {
    BlockArena arena(kBlock);
    arena.allocate(kBlock - 1, 1);
  }
  EXPECT_FALSE(allowance.ran_out());
}

}  // namespace
}  // namespace gameflow::record
