// The parts of the source `http_push` that need no network.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/source/http_push/push_blocks.h"
#include "catchwater/source/http_push/push_inbox.h"
#include "catchwater/source/http_push/push_keys.h"
#include "catchwater/source/http_push/push_record.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/line_framer.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

PushKey KeyOf(uint64_t number) { return {.key = {.low = number, .high = 1}, .body_hash = number}; }

std::unique_ptr<Spool> OpenSpool(Files& files) {
  return Spool::Open(files, {.folder = "data/spool/p/http_push", .is_locked = false}, Random(1))
      .ValueOrDie();
}

std::unique_ptr<PushKeys> OpenKeys(Files& files, const Spool& spool, int64_t now_us,
                                   int64_t key_count_max = 1'000) {
  return PushKeys::Open(files, spool,
                        {.folder = "data/spool/p/http_push/keys",
                         .keep_us = 24 * kHourUs,
                         .key_count_max = key_count_max,
                         .is_locked = false},
                        Random(2), now_us)
      .ValueOrDie();
}

TEST(PushRecord, RoundTripsAndEveryCutIsRefused) {
  const PushRecord record{.receive_us = 1'767'225'600'000'001,
                          .key = KeyOf(7),
                          .fields = {{"header[a]", "x"}, {"query[b]", std::nullopt}},
                          .body = "body"};
  const std::string bytes = EncodePushRecord(record);
  const PushRecord back = DecodePushRecord(bytes).ValueOrDie();
  EXPECT_EQ(back.receive_us, record.receive_us);
  EXPECT_EQ(back.key->key, record.key->key);
  EXPECT_EQ(back.key->body_hash, 7U);
  EXPECT_EQ(back.fields, record.fields);
  EXPECT_EQ(back.body, "body");
  for (size_t length = 0; length < bytes.size() - record.body.size(); ++length) {
    EXPECT_FALSE(DecodePushRecord(std::string_view(bytes).substr(0, length)).ok()) << length;
  }
}

TEST(PushKeys, AreKnownAfterAnotherStartUntilTheyAreOld) {
  MemoryFiles files;
  const auto spool = OpenSpool(files);
  {
    const auto keys = OpenKeys(files, *spool, 0);
    ASSERT_TRUE(keys->Add(KeyOf(1), 10, 0).ok());
    ASSERT_TRUE(keys->Add(KeyOf(2), 20, 10 * kHourUs).ok());
    ASSERT_TRUE(keys->Sync().ok());
  }
  const auto keys = OpenKeys(files, *spool, 20 * kHourUs);
  EXPECT_EQ(keys->Find(KeyOf(1).key), 1U);
  EXPECT_EQ(keys->Find(KeyOf(3).key), std::nullopt);
  EXPECT_EQ(OpenKeys(files, *spool, 30 * kHourUs)->Find(KeyOf(1).key), std::nullopt);
  EXPECT_EQ(OpenKeys(files, *spool, 30 * kHourUs)->Find(KeyOf(2).key), 2U);
}

TEST(PushKeys, WhatTheirLogLacksIsReadFromTheSpool) {
  MemoryFiles files;
  const auto spool = OpenSpool(files);
  const std::string record = EncodePushRecord({.receive_us = 5, .key = KeyOf(9), .body = "b"});
  ASSERT_TRUE(spool->Append(record).ok());
  ASSERT_TRUE(spool->Sync().ok());
  EXPECT_EQ(OpenKeys(files, *spool, 10)->Find(KeyOf(9).key), 9U);
}

TEST(PushKeys, TheOldestGoesWhenThereIsNoRoomAndIsCounted) {
  MemoryFiles files;
  const auto spool = OpenSpool(files);
  const auto keys = OpenKeys(files, *spool, 0, /*key_count_max=*/3);
  for (uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(keys->Add(KeyOf(i), i, 1).ok());
  EXPECT_EQ(keys->key_count(), 3);
  EXPECT_EQ(keys->forgotten_count(), 2);
  EXPECT_EQ(keys->Find(KeyOf(2).key), std::nullopt);
  EXPECT_EQ(keys->Find(KeyOf(3).key), 3U);
}

TEST(QueryValue, DecodesNamesAndValues) {
  EXPECT_EQ(QueryValue("a=1&b=x%20y+z", "b"), "x y z");
  EXPECT_EQ(QueryValue("a%5B=1", "a["), "1");
  EXPECT_EQ(QueryValue("a&b=%", "a"), "");
  EXPECT_EQ(QueryValue("a&b=%", "b"), "%");
  EXPECT_EQ(QueryValue("", "a"), std::nullopt);
}

class PushInboxTest : public ::testing::Test {
 protected:
  HttpAnswer Post(std::string body, std::vector<std::pair<std::string, std::string>> headers = {}) {
    const auto finish = inbox_.Take({.method = "POST", .path = "/", .headers = std::move(headers)},
                                    std::move(body));
    inbox_.Settle();
    return finish();
  }

  MemoryFiles files_;
  FakeClock clock_;
  std::unique_ptr<Spool> spool_ = OpenSpool(files_);
  std::unique_ptr<PushKeys> keys_ = OpenKeys(files_, *spool_, 0);
  PushInbox inbox_{{}, *spool_, *keys_, std::make_unique<LineFramer>(), clock_};
};

TEST_F(PushInboxTest, AnAnswerComesAfterTheSync) {
  const auto finish = inbox_.Take({.method = "POST", .path = "/"}, "a\n");
  EXPECT_EQ(spool_->durable_ordinal(), 0U);
  inbox_.Settle();
  EXPECT_GT(spool_->durable_ordinal(), 0U);
  EXPECT_EQ(finish().status, 202);
}

TEST_F(PushInboxTest, AKeyThatIsRepeatedInTheSameGroupIsStoredOnce) {
  const HttpHead head{.method = "POST", .path = "/", .headers = {{"idempotency-key", "k"}}};
  const auto first = inbox_.Take(head, "a\n");
  const auto second = inbox_.Take(head, "a\n");
  const auto other = inbox_.Take(head, "b\n");
  inbox_.Settle();
  EXPECT_EQ(first().status, 202);
  EXPECT_EQ(second().status, 200);
  EXPECT_EQ(other().status, 422);
  SpoolReader reader(files_, *spool_, 0);
  EXPECT_EQ(reader.Read(1 << 20).ValueOrDie().size(), 1U);
}

TEST_F(PushInboxTest, AnEmptyBodyIsRefused) {
  EXPECT_EQ(Post("").status, 400);
  EXPECT_EQ(Post(" \r\n").status, 400);
}

/// The bodies as one spool would hold them -> the texts of the blocks.
std::vector<std::string> BlocksOf(const std::vector<std::string>& bodies) {
  PushBlocks blocks(std::make_unique<LineFramer>(), {});
  uint64_t ordinal = 0;
  std::vector<std::string> texts;
  uint64_t expected_from = 0;
  for (const std::string& body : bodies) {
    const std::string payload = EncodePushRecord({.receive_us = 1, .body = body});
    const uint64_t end = ordinal + 32 + payload.size();
    EXPECT_TRUE(blocks.Add({.ordinal = ordinal, .end_ordinal = end, .payload = payload}, 1).ok());
    ordinal = end;
  }
  EXPECT_TRUE(blocks.Flush().ok());
  while (!blocks.is_empty()) {
    const Block block = blocks.Pop();
    EXPECT_EQ(block.origin.range.from.ordinal, expected_from);
    expected_from = block.origin.range.to.ordinal;
    EXPECT_LE(static_cast<uint64_t>(block.bytes->size()),
              expected_from - block.origin.range.from.ordinal);
    texts.push_back(block.bytes->ToString());
  }
  EXPECT_EQ(expected_from, ordinal);
  return texts;
}

TEST(PushBlocks, SmallBodiesGoTogetherWithALineEndBetween) {
  EXPECT_EQ(BlocksOf({"a\nb\n", "c", "d\n"}), (std::vector<std::string>{"a\nb\nc\nd\n"}));
}

TEST(PushBlocks, ABlockHasABound) {
  const std::string big(600 << 10, 'x');
  EXPECT_EQ(BlocksOf({big, big, big}).size(), 3U);
}

}  // namespace
}  // namespace catchwater
