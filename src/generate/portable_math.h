// Functions whose results are the same on every machine, which those of the mathematical library do
// not promise: sums and products alone, which IEEE 754 rounds in one way. (The compiler is told not
// to fuse them.) Accurate to about nine digits.
#pragma once

#include <algorithm>
#include <cmath>

namespace gameflow::generate {

// e^x, for x in [-40, 40].
inline double exp_of(double x) {
  const double halves = std::clamp(x, -40.0, 40.0) * 1.4426950408889634;
  const double whole = std::floor(halves);
  const double rest = (halves - whole) * 0.6931471805599453;  // in [0, ln 2)
  double sum = 1;
  for (int i = 12; i > 0; --i) sum = 1 + sum * rest / i;
  return std::ldexp(sum, static_cast<int>(whole));
}

// ln x, for x > 0.
inline double log_of(double x) {
  int exponent = 0;
  const double part = std::frexp(x, &exponent);  // in [0.5, 1)
  const double z = (part - 1) / (part + 1), squared = z * z;
  double sum = 0;
  for (int i = 17; i > 0; i -= 2) sum = sum * squared + 1.0 / i;
  return 2 * z * sum + exponent * 0.6931471805599453;
}

// From 0 to 1, 0.5 at 0.
inline double logistic(double x) {
  return 1 / (1 + exp_of(-x));
}

}  // namespace gameflow::generate
