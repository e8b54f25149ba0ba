#include "catchwater/spool/spool.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/spool/spool_fixture_test.h"
#include "catchwater/testing/faulty_files.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

using Payloads = std::vector<std::string>;
constexpr char kFolder[] = "data/spool/p/s";

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

// The worked example of docs/formats/spool.md, whose bytes were made by another program.
TEST(SpoolFormat, IsThatOfTheFormatPage) {
  const SegmentHeader header{.uuid = "6f1e9a52-3c1d-4b7a-9a58-0d1f2e3c4b5a", .base_ordinal = 4096};
  EXPECT_EQ(Hex(EncodeSegmentHeader(header)),
            "435753504f4f4c31366631653961353"
            "22d336331642d346237612d396135382d306431663265336334623561"
            "000000000010000000000000"
            "74193a8952f580a1");
  std::string bytes;
  AppendSpoolRecord({.ordinal = 4096, .durable_ordinal = 4096, .payload = "hello"}, &bytes);
  AppendSpoolRecord({.kind = SpoolRecordKind::kSeal, .ordinal = 4133, .durable_ordinal = 4133},
                    &bytes);
  EXPECT_EQ(Hex(bytes),
            "784fe58054c53a470500000001000000"
            "00100000000000000010000000000000"
            "68656c6c6f"
            "081a14e88884a8840000000002000000"
            "25100000000000002510000000000000");
  const SegmentScan scan = ScanSegment(bytes, 4096);
  EXPECT_EQ(scan.end_ordinal, 4133U);
  EXPECT_TRUE(scan.is_sealed);
}

TEST(Spool, WhatWasSyncedIsReadInOrder) {
  MemoryFiles files;
  const auto spool = OpenSpool(files);
  Put(*spool, "one");
  Put(*spool, "");
  Put(*spool, std::string(5'000, 'x'));
  EXPECT_EQ(ReadPayloads(files, *spool).ValueOrDie(),
            (Payloads{"one", "", std::string(5'000, 'x')}));
}

TEST(Spool, WhatIsNotSyncedIsNotRead) {
  MemoryFiles files;
  const auto spool = OpenSpool(files);
  Put(*spool, "one");
  ASSERT_TRUE(spool->Append("two").ok());
  EXPECT_EQ(ReadPayloads(files, *spool).ValueOrDie(), (Payloads{"one"}));
  EXPECT_LT(spool->durable_ordinal(), spool->appended_ordinal());
}

TEST(Spool, ReadingGoesOnAtAnyRecordAfterAnotherStart) {
  MemoryFiles files;
  std::vector<uint64_t> ends{0};
  std::string uuid;
  for (int run = 0; run < 4; ++run) {
    const auto spool = OpenSpool(files, {.segment_bytes = 200});
    if (run > 0) {
      EXPECT_EQ(spool->uuid(), uuid);
    }
    uuid = spool->uuid();
    for (int i = 0; i < 5; ++i) ends.push_back(Put(*spool, "r" + std::to_string(ends.size() - 1)));
    if (run % 2 == 0) {
      ASSERT_TRUE(spool->Close().ok());
    }
  }
  const auto spool = OpenSpool(files);
  for (size_t from = 0; from < ends.size(); ++from) {
    const auto payloads = ReadPayloads(files, *spool, ends[from]).ValueOrDie();
    ASSERT_EQ(payloads.size(), ends.size() - 1 - from);
    for (size_t i = 0; i < payloads.size(); ++i) {
      EXPECT_EQ(payloads[i], "r" + std::to_string(from + i));
    }
  }
}

TEST(Spool, AFullOneSaysSoAndTakesAgainAfterATrim) {
  MemoryFiles files;
  const auto spool = OpenSpool(files, {.bytes_max = 2'000});
  arrow::Result<Spool::Ticket> last = Spool::Ticket{};
  while (last.ok()) {
    last = spool->Append(std::string(100, 'x'));
    ASSERT_TRUE(spool->Sync().ok());
  }
  EXPECT_EQ(KindOf(last.status()), ErrorKind::kThrottled);
  EXPECT_LE(spool->byte_count(), 2'000);
  ASSERT_TRUE(spool->Trim(spool->durable_ordinal()).ok());
  EXPECT_TRUE(spool->Append(std::string(100, 'x')).ok());
  EXPECT_EQ(KindOf(spool->Append(std::string(3'000, 'x')).status()), ErrorKind::kBadData);
}

TEST(Spool, ATrimTakesOnlyWholeSegmentsThatAreCommitted) {
  MemoryFiles files;
  const auto spool = OpenSpool(files, {.segment_bytes = 100});
  std::vector<uint64_t> ends;
  for (int i = 0; i < 10; ++i) ends.push_back(Put(*spool, std::string(50, 'x')));
  const size_t before = SegmentPaths(files, kFolder).size();
  ASSERT_TRUE(spool->Trim(ends[4]).ok());
  EXPECT_LT(SegmentPaths(files, kFolder).size(), before);
  EXPECT_EQ(ReadPayloads(files, *spool, ends[4]).ValueOrDie().size(), 5U);
  // What was let go of is an error, not silence.
  EXPECT_EQ(KindOf(ReadPayloads(files, *spool, 0).status()), ErrorKind::kBadData);
  ASSERT_TRUE(spool->Trim(ends[9]).ok());
  EXPECT_EQ(SegmentPaths(files, kFolder).size(), 1U);
}

TEST(Spool, APositionBehindTheEndIsAnError) {
  MemoryFiles files;
  const auto spool = OpenSpool(files);
  const uint64_t end = Put(*spool, "one");
  const auto read = ReadPayloads(files, *spool, end + 1);
  EXPECT_EQ(KindOf(read.status()), ErrorKind::kBadData);
  EXPECT_NE(read.status().message().find("lost records"), std::string::npos);
}

TEST(Spool, ManyWritersShareOneSync) {
  MemoryFiles memory;
  FaultyFiles files(memory);  // Counts.
  const auto spool = OpenSpool(files);
  constexpr int kThreads = 8;
  constexpr int kRecords = 200;
  std::atomic<int> durable{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kRecords; ++i) {
          const auto ticket = spool->Append(std::to_string(t) + ":" + std::to_string(i));
          ASSERT_TRUE(ticket.ok());
          ASSERT_TRUE(spool->WaitDurable(*ticket).ok());
          ASSERT_LE(ticket->end_ordinal, spool->durable_ordinal());
          ++durable;
        }
      });
    }
  }
  EXPECT_EQ(durable, kThreads * kRecords);
  auto payloads = ReadPayloads(files, *spool).ValueOrDie();
  std::sort(payloads.begin(), payloads.end());
  EXPECT_EQ(std::unique(payloads.begin(), payloads.end()), payloads.end());
  EXPECT_EQ(payloads.size(), static_cast<size_t>(kThreads * kRecords));
}

// Every file operation fails once: what was told to be durable is there, the others are refused.
TEST(Spool, AFailureOfAnyOperationLosesNothingThatWasToldToBeDurable) {
  for (int64_t k = 1;; ++k) {
    SCOPED_TRACE(k);
    MemoryFiles memory;
    FaultyFiles files(memory);
    Payloads told;
    bool is_done = false;
    {
      files.FailOperation(k, EIO);
      auto spool = TryOpenSpool(files, {.segment_bytes = 150});
      if (!spool.ok()) spool = TryOpenSpool(files, {.segment_bytes = 150});
      ASSERT_TRUE(spool.ok()) << spool.status();
      for (int i = 0; i < 8; ++i) {
        const auto ticket = (*spool)->Append("record " + std::to_string(i) + std::string(20, '.'));
        ASSERT_TRUE(ticket.ok());
        if ((*spool)->WaitDurable(*ticket).ok()) {
          told.push_back("record " + std::to_string(i) + std::string(20, '.'));
        }
      }
      is_done = !files.has_failed();
      if (const auto read = ReadPayloads(memory, **spool); read.ok()) {
        EXPECT_EQ(*read, told);
      }
    }
    EXPECT_GE(told.size(), 7U);
    files.FailOperation(INT64_MAX, EIO);
    files.LosePower();
    const auto again = OpenSpool(files, {.segment_bytes = 150});
    ASSERT_NE(again, nullptr);
    const auto read = ReadPayloads(files, *again).ValueOrDie();
    // After power loss exactly what was synced is there, perhaps a record that was refused too.
    Payloads kept;
    std::set_intersection(read.begin(), read.end(), told.begin(), told.end(),
                          std::back_inserter(kept));
    EXPECT_EQ(kept, told);
    if (is_done) break;
  }
}

TEST(Spool, AFullDiskIsUsedAgainWhenItHasRoom) {
  MemoryFiles memory;
  FaultyFiles files(memory);
  const auto spool = OpenSpool(files);
  Put(*spool, "before");
  files.SetFreeBytes(10);
  const auto ticket = spool->Append("lost").ValueOrDie();
  EXPECT_TRUE(IsDiskFull(spool->WaitDurable(ticket)));
  EXPECT_EQ(spool->appended_ordinal(), spool->durable_ordinal());
  files.SetFreeBytes(INT64_MAX);
  Put(*spool, "after");
  EXPECT_EQ(ReadPayloads(files, *spool).ValueOrDie(), (Payloads{"before", "after"}));
  // The ticket of what was lost stays lost, though its ordinals are used again.
  EXPECT_FALSE(spool->WaitDurable(ticket).ok());
  EXPECT_EQ(ReadPayloads(files, *OpenSpool(files)).ValueOrDie(), (Payloads{"before", "after"}));
}

// Every length of a torn end: what was proven stays, the rest is cut, and records come after it.
TEST(Spool, ATornEndIsCutWhereverItIs) {
  MemoryFiles whole;
  uint64_t proven = 0;
  {
    const auto spool = OpenSpool(whole);
    Put(*spool, "one");
    proven = Put(*spool, "two");
    Put(*spool, "three");
  }
  const std::string path = SegmentPaths(whole, kFolder).at(0);
  const std::string bytes = whole.ReadAll(path, 1 << 20).ValueOrDie();
  const auto proven_bytes = static_cast<size_t>(kSegmentHeaderBytes) + proven;
  for (size_t length = proven_bytes; length <= bytes.size(); ++length) {
    SCOPED_TRACE(length);
    MemoryFiles files;
    files.Put(path, bytes.substr(0, length));
    const bool is_whole = length == bytes.size();
    {
      const auto spool = OpenSpool(files);
      ASSERT_NE(spool, nullptr);
      EXPECT_EQ(ReadPayloads(files, *spool).ValueOrDie(),
                is_whole ? (Payloads{"one", "two", "three"}) : (Payloads{"one", "two"}));
      Put(*spool, "next");
    }
    const auto again = OpenSpool(files);
    EXPECT_EQ(ReadPayloads(files, *again).ValueOrDie().back(), "next");
  }
}

TEST(Spool, AHeaderThatDidNotReachTheDiskLosesNothing) {
  for (size_t length = 0; length < static_cast<size_t>(kSegmentHeaderBytes); ++length) {
    SCOPED_TRACE(length);
    MemoryFiles files;
    {
      const auto spool = OpenSpool(files);
      Put(*spool, "one");
      ASSERT_TRUE(spool->Close().ok());
    }
    const uint64_t end = OpenSpool(files)->durable_ordinal();
    files.Put(std::string(kFolder) + "/" + FormatSegmentName({.number = 9, .base_ordinal = end}),
              std::string(length, 'C'));
    const auto spool = OpenSpool(files);
    ASSERT_NE(spool, nullptr);
    Put(*spool, "two");
    EXPECT_EQ(ReadPayloads(files, *spool).ValueOrDie(), (Payloads{"one", "two"}));
  }
}

// Every byte of what was proven durable, damaged: an error at open or at read, never silence.
TEST(Spool, DamageBeforeTheEndIsReported) {
  MemoryFiles whole;
  {
    const auto spool = OpenSpool(whole);
    for (const char* payload : {"one", "two", "three"}) Put(*spool, payload);
    ASSERT_TRUE(spool->Close().ok());
  }
  const std::string path = SegmentPaths(whole, kFolder).at(0);
  const std::string bytes = whole.ReadAll(path, 1 << 20).ValueOrDie();
  // The seal itself only says what is there.
  for (size_t at = 0; at < bytes.size() - static_cast<size_t>(kSpoolRecordHeaderBytes); ++at) {
    SCOPED_TRACE(at);
    MemoryFiles files;
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    files.Put(path, damaged);
    const auto spool = TryOpenSpool(files);
    ASSERT_FALSE(spool.ok());
    EXPECT_EQ(KindOf(spool.status()), ErrorKind::kBadData);
    EXPECT_NE(spool.status().message().find(path), std::string::npos);
  }
}

TEST(Spool, DamageInAnEarlierSegmentIsReportedWhenItIsRead) {
  MemoryFiles files;
  {
    const auto spool = OpenSpool(files, {.segment_bytes = 100});
    for (int i = 0; i < 6; ++i) Put(*spool, "record " + std::to_string(i));
  }
  const std::string path = SegmentPaths(files, kFolder).at(1);
  std::string bytes = files.ReadAll(path, 1 << 20).ValueOrDie();
  bytes.back() = '!';
  files.Put(path, bytes);
  const auto spool = OpenSpool(files);
  const auto read = ReadPayloads(files, *spool);
  EXPECT_EQ(KindOf(read.status()), ErrorKind::kBadData);
  EXPECT_NE(read.status().message().find(path), std::string::npos);
}

}  // namespace
}  // namespace catchwater
