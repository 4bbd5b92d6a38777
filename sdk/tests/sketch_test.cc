// Sketches: how far off they are, and that their bytes depend on what was added alone.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <xxhash.h>

#include <gameflow/batch.h>
#include <gameflow/distinct.h>
#include <gameflow/quantiles.h>

namespace gameflow {
namespace {

using Access = detail::SketchAccess;

// Memory for a test.
struct TestArena : Arena {
  TestArena() {
    grow = [](Arena* arena, std::size_t size) {
      auto& self = *static_cast<TestArena*>(arena);
      self.blocks.emplace_back(std::max<std::size_t>(size, 1U << 20));
      self.cursor = self.blocks.back().data();
      self.end = self.cursor + self.blocks.back().size();
      return true;
    };
    detail::current_arena = this;
  }
  ~TestArena() { detail::current_arena = nullptr; }
  TestArena(const TestArena&) = delete;
  std::vector<std::vector<char>> blocks;
};

template <class Sketch>
std::string bytes_of(const Sketch& sketch) {
  const Sketch folded = Access::folded(sketch, arena());
  return std::string(Access::bytes(folded));
}

TEST(Xxh64, IsThatOfTheLibrary) {
  std::string text;
  for (int size = 0; size < 200; ++size) {
    for (const u64 seed : {u64{0}, u64{1}, ~u64{0}})
      EXPECT_EQ(detail::Xxh64::of(text, seed), XXH64(text.data(), text.size(), seed)) << size;
    text += static_cast<char>(size * 37);
  }
}

TEST(Distinct, IsExactForFew) {
  const TestArena memory;
  Distinct sketch;
  EXPECT_EQ(sketch.estimate(), 0U);
  for (int round = 0; round < 3; ++round) {
    for (u64 i = 0; i < 1000; ++i) {
      sketch.add("player_" + std::to_string(i));
      const u64 count = round == 0 ? i + 1 : 1000;
      if (i % 97 == 0) {
        EXPECT_EQ(sketch.estimate(), count);
      }
    }
  }
  EXPECT_EQ(sketch.estimate(), 1000U);
}

// 1.04 / sqrt(4096) = 1.6 %, and no bias.
TEST(Distinct, IsOffByLittle) {
  const TestArena memory;
  for (const u64 count : {1100U, 3000U, 10'000U, 30'000U, 100'000U}) {
    f64 squares = 0, sum = 0;
    const u64 trials = 100;
    for (u64 trial = 0; trial < trials; ++trial) {
      Distinct sketch;
      for (u64 i = 0; i < count; ++i) sketch.add(trial << 40 | i);
      const f64 off = static_cast<f64>(sketch.estimate()) / static_cast<f64>(count) - 1;
      squares += off * off;
      sum += off;
    }
    EXPECT_LT(std::sqrt(squares / trials), 0.02) << count;
    EXPECT_LT(std::abs(sum / trials), 0.005) << count;
  }
}

TEST(Distinct, KnowsIntegersByTheirValue) {
  const TestArena memory;
  enum class Color : u16 { red, blue };
  Distinct sketch;
  sketch.add(u8{1});
  sketch.add(i64{1});
  sketch.add(Color::blue);
  sketch.add(sdk_types::Timestamp{1});
  EXPECT_EQ(sketch.estimate(), 1U);
  sketch.add(-1);
  sketch.add(i8{-1});
  sketch.add(~u64{0});  // the same bits as -1, another number
  sketch.add("1");
  EXPECT_EQ(sketch.estimate(), 4U);
}

// What has been added comes in another order, is merged from parts, and is there twice.
template <class Sketch, class Add>
void expect_same_bytes(std::size_t count, const Sketch& empty, Add add) {
  std::mt19937_64 random(count);
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  Sketch once = empty;
  for (const std::size_t i : order) add(once, i);
  for (int trial = 0; trial < 5; ++trial) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<Sketch> parts(1 + random() % 5, empty);
    for (const std::size_t i : order) {
      Sketch& part = parts[random() % parts.size()];
      add(part, i);
      if (random() % 100 == 0) Access::settle(part, arena());
    }
    while (parts.size() > 1) {
      const std::size_t into = random() % (parts.size() - 1);
      if (trial % 2 == 0) {
        parts[into].merge(parts.back());
      } else {
        Access::merge_in_place(parts[into], parts.back(), arena());
      }
      parts.pop_back();
    }
    EXPECT_EQ(bytes_of(parts.front()), bytes_of(once)) << count;
  }
}

TEST(Distinct, HasTheBytesOfItsSet) {
  const TestArena memory;
  for (const std::size_t count : {0, 1, 100, 255, 256, 257, 700, 1021, 1022, 1023, 1024, 5000})
    expect_same_bytes(count, Distinct(), [](Distinct& sketch, std::size_t i) { sketch.add(i); });
  Distinct once, often;
  for (u64 i = 0; i < 3000; ++i) once.add(i);
  for (u64 i = 0; i < 9000; ++i) often.add(i * 7 % 3000);
  EXPECT_EQ(bytes_of(once), bytes_of(often));
}

f64 number_of(std::size_t i) {
  const f64 sign = i % 3 == 0 ? -1 : 1;
  return i % 11 == 0 ? 0.0 * sign : sign * std::exp(static_cast<f64>(i % 977) / 30);
}

TEST(Quantiles, HasTheBytesOfItsSet) {
  const TestArena memory;
  for (const u32 accuracy : {1'000U, 10'000U, 100'000U}) {
    for (const std::size_t count : {0, 1, 100, 255, 256, 257, 5000}) {
      expect_same_bytes(count, Quantiles(accuracy),
                        [](Quantiles& sketch, std::size_t i) { sketch.add(number_of(i)); });
    }
    // More buckets than are kept.
    expect_same_bytes(20'000, Quantiles(accuracy), [](Quantiles& sketch, std::size_t i) {
      sketch.add(std::pow(10, static_cast<f64>(i % 6007) / 10 - 300));
    });
  }
}

// The worst of 1,000 quantiles, as a part of what it should be.
f64 worst_of(std::vector<f64> numbers, const Quantiles& sketch) {
  std::sort(numbers.begin(), numbers.end());
  f64 worst = 0;
  for (int i = 0; i <= 1000; ++i) {
    const f64 q = i / 1000.0;
    const auto place = static_cast<std::size_t>(q * static_cast<f64>(numbers.size() - 1));
    const f64 exact = numbers[place], found = sketch.quantile(q);
    const f64 off = std::abs(found - exact);
    worst = std::max(worst, exact == 0 ? off : off / std::abs(exact));
  }
  return worst;
}

TEST(Quantiles, AreAsAccurateAsTheySay) {
  const TestArena memory;
  std::mt19937_64 random(7);
  std::uniform_real_distribution<f64> uniform(0, 1);
  const auto of = [&](auto make) {
    for (const u32 accuracy : {5'000U, 10'000U, 30'000U, 100'000U}) {
      std::vector<f64> numbers;
      Quantiles sketch(accuracy);
      for (int i = 0; i < 20'000; ++i) {
        numbers.push_back(make(uniform(random)));
        sketch.add(numbers.back());
      }
      EXPECT_EQ(sketch.count(), numbers.size());
      EXPECT_LE(worst_of(numbers, sketch), accuracy / 1e6 + 1e-9) << accuracy;
      EXPECT_LE(bytes_of(sketch).size(), 16'408U);
    }
  };
  of([](f64 u) { return 20 + 400 * u; });
  of([](f64 u) { return -std::log(1 - u) * 0.05; });                    // exponential
  of([](f64 u) { return std::exp(8 * u); });                            // over 3,000
  of([](f64 u) { return -std::exp(8 * u); });                           // negative
  of([](f64 u) { return std::floor(u * 21) - 10; });                    // whole, with zeros
  of([](f64 u) { return u < 0.5 ? 0 : (u - 0.75) * 1e-300; });          // tiny, of both signs
  of([](f64 u) { return 1e308 * (u < 0.5 ? u + 0.5 : -u); });           // huge
  of([](f64 u) { return u < 0.5 ? 5e-324 : 1.7976931348623157e308; });  // as far apart as can be
}

// Its buckets are joined until there is room: the error doubles, of all quantiles alike.
TEST(Quantiles, DoubleTheirErrorWhereThereAreTooManyBuckets) {
  const TestArena memory;
  std::mt19937_64 random(7);
  std::uniform_real_distribution<f64> uniform(0, 1);
  std::vector<f64> numbers;
  Quantiles sketch(10'000);
  for (int i = 0; i < 100'000; ++i) {
    numbers.push_back(std::pow(10, uniform(random) * 30));
    sketch.add(numbers.back());
  }
  EXPECT_GT(worst_of(numbers, sketch), 0.01);
  EXPECT_LE(worst_of(numbers, sketch), 0.02);
  EXPECT_LE(bytes_of(sketch).size(), 16'408U);
}

TEST(Quantiles, OfFewNumbers) {
  const TestArena memory;
  Quantiles sketch;
  EXPECT_EQ(sketch.count(), 0U);
  EXPECT_TRUE(std::isnan(sketch.quantile(0.5)));
  sketch.add(42.5);
  for (const f64 q : {0.0, 0.5, 0.99, 1.0}) EXPECT_EQ(sketch.quantile(q), 42.5);
  sketch.add(-0.0);
  EXPECT_EQ(sketch.quantile(0), 0);
  EXPECT_FALSE(std::signbit(sketch.quantile(0)));
  EXPECT_EQ(sketch.quantile(1), 42.5);
}

TEST(Quantiles, RefuseWhatIsNoNumber) {
  const TestArena memory;
  Quantiles sketch;
  const f64 infinity = std::numeric_limits<f64>::infinity();
  for (const f64 number : {infinity, -infinity, std::nan("")})
    EXPECT_THROW(sketch.add(number), std::domain_error);
  try {
    sketch.add(infinity);
  } catch (const std::domain_error& error) {
    EXPECT_STREQ(error.what(), "add() of quantiles takes a finite number, not inf");
  }
  EXPECT_EQ(sketch.count(), 0U);
  sketch.add(1);
  for (const f64 q : {-0.1, 1.1, std::nan("")})
    EXPECT_THROW(sketch.quantile(q), std::invalid_argument);
  EXPECT_THROW(sketch.merge(Quantiles(20'000)), std::invalid_argument);
}

// A copy has its own memory, and what a row's bytes say can be taken back.
template <class Sketch, class Add, class Count>
void expect_values(Add add, Count count) {
  for (const u64 first : {0U, 1U, 3U, 255U, 256U, 390U}) {
    Sketch sketch;
    for (u64 i = 0; i < first; ++i) add(sketch, i);
    alignas(Sketch) char row[sizeof(Sketch)];
    std::memcpy(row, static_cast<const void*>(&sketch), sizeof row);
    const std::string before = bytes_of(sketch);
    Sketch copy = sketch;
    for (u64 i = 0; i < 600; ++i) add(sketch, 10'000 + i);
    for (u64 i = 0; i < 2; ++i) add(copy, 20'000 + i);
    EXPECT_EQ(count(copy), count(*reinterpret_cast<Sketch*>(row)) + 2);
    EXPECT_EQ(bytes_of(*reinterpret_cast<Sketch*>(row)), before);
  }
}

TEST(Distinct, IsAValue) {
  const TestArena memory;
  expect_values<Distinct>([](Distinct& sketch, u64 i) { sketch.add(i); },
                          [](const Distinct& sketch) { return sketch.estimate(); });
}

TEST(Quantiles, AreAValue) {
  const TestArena memory;
  expect_values<Quantiles>([](Quantiles& sketch, u64 i) { sketch.add(static_cast<f64>(i % 50)); },
                           [](const Quantiles& sketch) { return sketch.count(); });
}

template <class Sketch>
bool reads(std::string bytes) {
  alignas(8) char memory[1 << 15];
  bytes.copy(memory, bytes.size());
  Sketch sketch;
  return Access::read({memory, bytes.size()}, sketch);
}

TEST(Sketches, ReadTheirOwnBytesOnly) {
  const TestArena memory;
  Distinct few, many;
  Quantiles numbers;
  for (u64 i = 0; i < 10; ++i) few.add(i);
  for (u64 i = 0; i < 10'000; ++i) many.add(i);
  for (u64 i = 0; i < 1000; ++i) numbers.add(static_cast<f64>(i));
  for (const Distinct& sketch : {few, many}) {
    const std::string bytes = bytes_of(sketch);
    EXPECT_TRUE(reads<Distinct>(bytes));
    EXPECT_FALSE(reads<Quantiles>(bytes));
    EXPECT_FALSE(reads<Distinct>(bytes.substr(0, bytes.size() - 1)));
    EXPECT_FALSE(reads<Distinct>(bytes + "x"));
  }
  const std::string bytes = bytes_of(numbers);
  EXPECT_TRUE(reads<Quantiles>(bytes));
  EXPECT_FALSE(reads<Distinct>(bytes));
  EXPECT_FALSE(reads<Quantiles>(bytes.substr(0, bytes.size() - 1)));
  EXPECT_FALSE(reads<Quantiles>(bytes.substr(0, 24)));
  EXPECT_TRUE(reads<Distinct>("") && reads<Quantiles>(""));
  std::string wrong = bytes_of(many);
  wrong[100] = 60;  // longer than a hash
  EXPECT_FALSE(reads<Distinct>(wrong));
}

}  // namespace
}  // namespace gameflow
