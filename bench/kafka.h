// A broker of Apache Kafka, a topic of events in it, and the least of a consumer.
//
// Threads  one; librdkafka has its own.
// Errors   std::exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "events.h"
#include "world.h"

namespace gameflow::bench {

// One node on loopback, with as many topics as are filled; all of it goes with the object.
class KafkaBroker {
 public:
  // CannotRun: there is no Java, or Kafka's jars are not to be had.
  KafkaBroker();
  ~KafkaBroker();
  KafkaBroker(const KafkaBroker&) = delete;
  KafkaBroker& operator=(const KafkaBroker&) = delete;

  std::string url() const;
  // Makes the topic, and sends it the first `count` of the events, keyed by player.
  void fill(const std::string& topic, std::int32_t partitions, const Events& events,
            std::size_t count) const;
  // Reads the first `count` records of the topic, as they come from its partitions; returns the
  // bytes of their values.
  std::size_t read(const std::string& topic, std::int32_t partitions, std::size_t count) const;

 private:
  TemporaryFolder folder_;
  std::uint16_t port_;
};

}  // namespace gameflow::bench
