/// \file
/// A source over a log, slots and a table without a server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/source/postgres/replicate/replication_fake_test.h"
#include "catchwater/source/postgres/replicate/replication_source.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/memory_files.h"
#include "catchwater/testing/source_conformance.h"

namespace catchwater {

class ReplicationSourceTest : public ::testing::Test {
 protected:
  ReplicationSourceTest() {
    config_.table = "t";
    config_.snapshot = false;
  }

  std::unique_ptr<Source> Make() {
    const SourceContext context{.files = files_,
                                .clock = clock_,
                                .random_seed = ++seed_,
                                .pipeline = "My-orders",
                                .data_folder = "/data",
                                .frame_bytes_max = 1 << 20};
    auto server = std::make_unique<FakeServer>(state_);
    server_ = server.get();
    return std::make_unique<ReplicationSource>(config_, context, std::move(server));
  }
  std::unique_ptr<Source> Opened(const Position& at = {}) {
    auto source = Make();
    EXPECT_TRUE(source->Check().ok());
    const auto opened = source->Open(source->Discover().ValueOrDie()[0], 1, at);
    EXPECT_TRUE(opened.ok()) << opened;
    return source;
  }
  void Write(std::vector<std::string> messages) {
    state_.log.push_back({.lsn = state_.end, .messages = std::move(messages)});
    state_.end += 16;
  }
  /// Opens a first time: the slot is made, its position remembered.
  Position Begun() {
    const auto next = Opened()->Next({}).ValueOrDie();
    return std::get<Skip>(next).to;
  }
  struct Read {
    std::vector<std::string> rows;
    std::vector<Position> ends;  // Of the blocks.
  };
  Read All(Source& source, uint64_t ordinal = 0) {
    Read read;
    while (true) {
      auto next = NextOf(source, 3).ValueOrDie();
      const auto* block = std::get_if<Block>(&next);
      if (block == nullptr) return read;
      EXPECT_EQ(block->origin.range.from.ordinal, ordinal);
      for (const auto& [at, bytes] : FramesOf(*block)) {
        EXPECT_EQ(at, ordinal++);
        read.rows.push_back(bytes);
      }
      read.ends.push_back(block->origin.range.to);
    }
  }

  MemoryFiles files_;
  FakeClock clock_;
  PostgresSourceConfig config_;
  ServerState state_;
  FakeServer* server_ = nullptr;
  uint64_t seed_ = 0;
};

inline std::string RowText(std::string_view op, uint64_t lsn, uint64_t seq,
                           std::string_view columns) {
  std::string text = "{\"op\":\"" + std::string(op) + "\",\"lsn\":" + std::to_string(lsn) +
                     ",\"seq\":" + std::to_string(seq) +
                     ",\"commit_time\":\"2000-01-01T00:00:00Z\"";
  return text + std::string(columns) + "}";
}

}  // namespace catchwater
