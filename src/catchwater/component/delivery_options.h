/// \file
/// The options that every sink of `sinks:` has, whatever it is: part of its own config struct.
///
///   struct PostgresSinkConfig {
///     DeliveryOptions delivery;   // by this name: the registry hands it to the feed
///     template <class Visitor>
///     void Describe(Visitor& field) { ...; delivery.Describe(field); }
///   };
#pragma once

#include <string>

#include "catchwater/base/byte_size.h"
#include "catchwater/base/duration.h"
#include "catchwater/config/describe.h"

namespace catchwater {

/// How a sink is fed from the lake.
struct DeliveryOptions {
  std::string name;
  Duration every = Duration::Seconds(1);
  ByteSize batch = ByteSize::MiB(64);
  Duration hold_max = Duration::Days(7);
  bool before_commit = false;  ///< Only MessageDeliveryOptions are asked for it.

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("name", name,
                   "Name of the sink in `status` and in its delivered mark; needed if the pipeline "
                   "has two of a kind. Default: the kind, e.g. `postgres`.",
                   Example{"readings"});
    field.Optional("every", every, "Rows that trickle in are gathered so long for one transaction.",
                   Bounds{Duration::Millis(10), Duration::Hours(24)});
    field.Optional("batch", batch,
                   "Bytes of data files that go into one transaction when many wait.",
                   Bounds{ByteSize::KiB(64), ByteSize::GiB(1)});
    field.Optional("hold_max", hold_max,
                   "Data files that compaction replaced are kept so long for a sink that is down; "
                   "after that it gets the whole table anew.",
                   Bounds{Duration::Minutes(1), Duration::Days(365)});
  }
};

/// Of a sink that sends each row as a message with an id.
struct MessageDeliveryOptions : DeliveryOptions {
  template <class Visitor>
  void Describe(Visitor& field) {
    DeliveryOptions::Describe(field);
    field.Optional("before_commit", before_commit,
                   "Results of a stream are sent as soon as they are there, within milliseconds; "
                   "otherwise after the commit that holds them, in its order. After a crash some "
                   "come again with the id that they had.");
  }
};

}  // namespace catchwater
